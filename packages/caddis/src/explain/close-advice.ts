import { CLOSE_REASONS, type CloseReason } from "../broker/close-reason.ts";

/** Why a connection ended, for whoever looks after the client: what happened, and what helps. */
const ADVICE: Readonly<Record<CloseReason, string>> = {
  clientClosed: "the client closed the connection itself, or its process ended",
  authenticationTimeout:
    "no acceptable CONNECT came within authorization.timeout: a client that waits, a slow auth service, or no NATS client at all",
  authenticationViolation:
    "the credentials were not accepted: wrong user, password, token, nkey or JWT, or a way to connect that the user may not take; the log names who asked",
  authenticationExpired: "its credentials have expired: issue new ones",
  revocation: "its credentials were revoked",
  proxyNotTrusted: "it came by a proxy whose signature is not among the trusted ones (proxies)",
  proxyRequired: "its user may only come by a trusted proxy (proxy_required)",
  missingAccount: "its account is gone from the configuration or the resolver",
  tlsHandshakeError:
    "the TLS handshake failed: a client in the clear, a certificate that is not trusted, or no common version; the log says more",
  slowConsumerPendingBytes:
    "it did not read fast enough, and more than max_pending bytes waited for it: let it read faster, share its work in a queue group, or raise max_pending",
  slowConsumerWriteDeadline:
    "it took no bytes for write_deadline: its process hangs, or the network between is stuck",
  readError: "the network reported an error: a reset by the peer or something between",
  parseError: "it sent something that is no NATS protocol; the log has the beginning",
  staleConnection: "it answered no PING: a paused process, or a network that forgot the connection",
  protocolViolation: "it broke a rule of the protocol; the log says which",
  badClientProtocolVersion: "it asked for a version of the protocol that the server does not speak",
  maxConnectionsExceeded: "the server had max_connections already",
  maxAccountConnectionsExceeded: "its account had max_connections already",
  maxSubscriptionsExceeded: "it had more subscriptions than max_subscriptions, its account or its user allow",
  maxPayloadExceeded: "it sent a message larger than max_payload, its account or its user allow",
  maxControlLineExceeded: "it sent a protocol line longer than max_control_line",
  noRespondersRequiresHeaders: "it asked for no_responders without headers, which does not work",
  kicked: "somebody asked for its end in the system account",
  serverShutdown: "the server was shut down or sent its clients away",
};

const BY_WORDS: ReadonlyMap<string, string> = new Map(
  Object.entries(CLOSE_REASONS).map(([key, words]) => [words, ADVICE[key as CloseReason]]),
);

/** What `words`, as monitoring shows them, mean; the words themselves where nothing more is known. */
export function closeAdvice(words: string): string {
  return BY_WORDS.get(words) ?? words;
}
