/**
 * Codes of log lines in JSON: what a line is about, for alerts and searches that must not depend on its words. A code
 * stays what it is; the words are the reference's where it has some. Lines that have no kind of their own have no code.
 */

/** What begins a line about a connection: address, number, and what CONNECT told, in quotes with escapes. */
const LABEL = /^\S+ - [cw]id:\d+(?: - "(?:[^"\\]|\\.)*")* - /;

/** How kinds of lines begin, behind the label; the first that fits counts. */
const BEGINNINGS: readonly (readonly [code: string, ...beginnings: readonly string[]])[] = [
  ["server.starting", "Starting "],
  ["server.version", "  Version:", "  Caddis:", "  Git:", "  Node:"],
  ["server.identity", "  Name:", "  ID:"],
  ["server.ready", "Server is ready"],
  ["server.listening", "Listening for "],
  ["server.lame_duck", "Entering lame duck mode", "Closing existing clients", "Lame duck mode ignored"],
  ["server.stopping", "Initiating Shutdown"],
  ["server.stopped", "Server Exiting"],
  ["server.signal", "Trapped "],
  ["server.accept_error", "Client Accept Error", "Accept error"],
  ["server.unhealthy", "Healthcheck"],
  ["server.listen_failed", "Error listening on port", "Can't start monitoring"],
  ["config.file", "Using configuration file"],
  ["config.reloaded", "Reloaded server configuration"],
  ["config.reload_failed", "Failed to reload server configuration"],
  ["config.option_changed", "Reloaded", "Reload:"],
  ["config.weak_passwords", "Plaintext passwords detected"],
  ["client.connected", "Client connection created"],
  ["client.closed", "Client connection closed"],
  ["client.slow_consumer", "Slow Consumer"],
  ["client.stale", "Stale Client Connection"],
  ["client.ping", "Client Ping Timer", "Delaying PING"],
  [
    "client.protocol_error",
    "Client parser ERROR",
    "Client Error",
    "bad arguments",
    "message headers not supported",
    "maximum control line exceeded",
    "CONNECT:",
    "INFO:",
  ],
  ["client.closed_by_reload", "Closed ", "Disconnect "],
  ["client.end_of_credentials", "User Authentication Revoked", "Account Authentication Expired"],
  ["client.subscription_ended", "Auto-unsubscribe limit"],
  ["limit.connections", "maximum connections exceeded"],
  ["limit.account_connections", "maximum account active connections exceeded"],
  ["limit.subscriptions", "maximum subscriptions exceeded"],
  ["limit.payload", "maximum payload", "Maximum Payload"],
  [
    "permissions.violation",
    "Publish Violation",
    "Subscription Violation",
    "Permissions Violation",
    "Subscription Revoked",
  ],
  ["auth.refused", "authentication error", "Turned away"],
  ["auth.timeout", "Authentication Timeout", "authentication timeout"],
  ["auth.expired", "User Authentication Expired"],
  ["auth.callout", "Authorization callout", "Auth callout"],
  ["tls.required", "TLS required", "TLS available", "Clients that are not using"],
  ["tls.handshake", "Starting TLS", "TLS handshake complete", "TLS version"],
  ["tls.handshake_error", "TLS handshake", "TLS Handshake"],
  ["tls.certificates_changed", "TLS certificates changed and are in use"],
  ["tls.certificates_unusable", "TLS certificates changed but"],
  [
    "ocsp.status",
    "OCSP",
    "No OCSP",
    "Cached OCSP",
    "New OCSP",
    "Invalid cached OCSP",
    "Unable to load OCSP",
    "Unable to save OCSP",
  ],
  ["account.resolver", "DirResolver", "JWT store", "Account JWTs", "Account fetch failed", "System account"],
  ["account.problem", "Account "],
  ["log.reopened", "File log", "Rotated log", "Purged log", "Unable to rotate log"],
  ["log.lost", "Log lines are lost", "Audit log"],
];

/** A line that says how many before it were lost. */
const LOST = /^\d+ log line\(s\) lost/;

/** All codes, for documentation. */
export const LOG_CODES: readonly string[] = [...BEGINNINGS.map(([code]) => code), "client.traffic"];

/** The code of a message; undefined: it has none. What clients say of themselves can't give a line another code. */
export function logCode(level: string, message: string): string | undefined {
  // What clients send and get: there are very many of these lines.
  if (level === "trace") return "client.traffic";
  const text = message.replace(LABEL, "");
  const found = BEGINNINGS.find(([, ...beginnings]) => beginnings.some((words) => text.startsWith(words)));
  if (found !== undefined) return found[0];
  return LOST.test(text) ? "log.lost" : undefined;
}
