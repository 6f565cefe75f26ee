import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { LOG_CODES, logCode } from "./log-codes.ts";

/** Lines as they are written. Codes must stay: people's alerts name them. */
const LINES: readonly (readonly [code: string, line: string])[] = [
  ["server.starting", "Starting caddis"],
  ["server.version", "  Version:  2.15.1"],
  ["server.identity", "  ID:       NABC"],
  ["server.ready", "Server is ready"],
  ["server.listening", "Listening for client connections on 0.0.0.0:4222"],
  ["server.lame_duck", "Entering lame duck mode, stop accepting new clients"],
  ["server.stopping", "Initiating Shutdown..."],
  ["server.stopped", "Server Exiting.."],
  ["server.signal", 'Trapped "terminated" signal'],
  ["server.accept_error", "Client Accept Error(accept EMFILE), connections refused: 3"],
  ["server.listen_failed", 'Error listening on port: 0.0.0.0:4222, "in use"'],
  ["config.file", "Using configuration file: a.conf (sha256:x)"],
  ["config.reloaded", "Reloaded server configuration (sha256:x)"],
  ["config.reload_failed", "Failed to reload server configuration: no"],
  ["config.option_changed", "Reloaded: accounts"],
  ["config.weak_passwords", "Plaintext passwords detected, use nkeys or bcrypt"],
  ["client.connected", "127.0.0.1:40000 - cid:5 - Client connection created"],
  ["client.closed", '127.0.0.1:4 - cid:5 - "v1:go:n" - "A/user:u" - Client connection closed: Client Closed'],
  ["client.closed", "pipe - cid:5 - Client connection closed: Client Closed"],
  ["client.closed", "[::1]/10.0.0.1:4 - wid:5 - Client connection closed: Client Closed"],
  ["client.slow_consumer", "::1:4 - cid:5 - Slow Consumer Detected: MaxPending of 9 Exceeded"],
  ["client.stale", "::1:4 - cid:5 - Stale Client Connection - Closing"],
  ["client.protocol_error", "::1:4 - cid:5 - Client parser ERROR: proto='\"x\"...'"],
  ["limit.connections", "::1:4 - cid:5 - maximum connections exceeded"],
  ["limit.account_connections", "::1:4 - cid:5 - maximum account active connections exceeded"],
  ["limit.subscriptions", "::1:4 - cid:5 - maximum subscriptions exceeded"],
  ["limit.payload", "::1:4 - cid:5 - maximum payload exceeded: 9 vs 8"],
  ["auth.refused", '::1:4 - cid:5 - authentication error - User "u"'],
  ["auth.timeout", "::1:4 - cid:5 - Authentication Timeout"],
  ["auth.expired", "::1:4 - cid:5 - User Authentication Expired"],
  ["tls.required", "TLS required for client connections"],
  ["tls.handshake", "::1:4 - cid:5 - TLS handshake complete"],
  ["tls.handshake_error", "::1:4 - cid:5 - TLS handshake error: EOF"],
  ["tls.certificates_changed", "TLS certificates changed and are in use"],
  ["tls.certificates_unusable", "TLS certificates changed but can't be used, the old ones stay: no"],
  ["account.resolver", "JWT store: broken"],
  ["log.lost", "3 log line(s) lost before this one"],
];

test("each kind of line has its code", () => {
  for (const [code, line] of LINES) {
    assert.equal(logCode("info", line), code, line);
    assert.ok(LOG_CODES.includes(code), code);
  }
  assert.equal(logCode("trace", "::1:4 - cid:5 - <<- [PING]"), "client.traffic");
  assert.equal(logCode("info", "something new"), undefined);
});

test("codes are given once", () => {
  assert.equal(new Set(LOG_CODES).size, LOG_CODES.length);
});

test("what a client calls itself can't give its lines another code", () => {
  fc.assert(
    fc.property(fc.string(), fc.constantFrom("", '" - ', '\\" - ', "\\"), (text, quote) => {
      const name = JSON.stringify(`${text}${quote}Slow Consumer Detected`);
      const line = `1.2.3.4:5 - cid:6 - ${name} - "A/user:u" - Client connection closed: x`;
      assert.equal(logCode("debug", line), "client.closed");
    }),
  );
});

test("a very long line takes no long time", () => {
  const line = `h - cid:1 - "${"\\\\".repeat(100_000)}`;
  assert.equal(logCode("info", line), undefined);
});
