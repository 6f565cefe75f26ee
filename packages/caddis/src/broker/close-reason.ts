/** Why a connection ended, in the words that monitoring shows (`reason` in /connz). */
export const CLOSE_REASONS = {
  clientClosed: "Client Closed",
  authenticationTimeout: "Authentication Timeout",
  authenticationViolation: "Authentication Failure",
  authenticationExpired: "Authentication Expired",
  revocation: "Credentials Revoked",
  proxyNotTrusted: "Proxy Not Trusted",
  proxyRequired: "Proxy Required",
  missingAccount: "Missing Account",
  tlsHandshakeError: "TLS Handshake Failure",
  slowConsumerPendingBytes: "Slow Consumer (Pending Bytes)",
  slowConsumerWriteDeadline: "Slow Consumer (Write Deadline)",
  readError: "Read Error",
  parseError: "Parse Error",
  staleConnection: "Stale Connection",
  protocolViolation: "Protocol Violation",
  badClientProtocolVersion: "Bad Client Protocol Version",
  maxConnectionsExceeded: "Maximum Connections Exceeded",
  maxAccountConnectionsExceeded: "Maximum Account Connections Exceeded",
  maxSubscriptionsExceeded: "Maximum Subscriptions Exceeded",
  maxPayloadExceeded: "Maximum Message Payload Exceeded",
  maxControlLineExceeded: "Maximum Control Line Exceeded",
  noRespondersRequiresHeaders: "No Responders Requires Headers",
  kicked: "Kicked",
  serverShutdown: "Server Shutdown",
} as const;

export type CloseReason = keyof typeof CLOSE_REASONS;
