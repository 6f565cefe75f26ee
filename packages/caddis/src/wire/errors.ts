import { goQuote } from "../base/go-quote.ts";

/**
 * Every -ERR a client can see, with its exact text: clients tell errors apart by it. Whether the
 * connection ends is decided where the error is raised.
 */
export const WIRE_ERRORS = {
  unknownOperation: "Unknown Protocol Operation",
  maxControlLine: "maximum control line exceeded",
  maxPayload: "Maximum Payload Violation",
  invalidPublishSubject: "Invalid Publish Subject",
  invalidSubject: "Invalid Subject",
  maxSubscriptions: "maximum subscriptions exceeded",
  maxConnections: "maximum connections exceeded",
  maxAccountConnections: "maximum account active connections exceeded",
  connectionThrottling: "Connection throttling is active. Please try again later.",
  authorizationViolation: "Authorization Violation",
  userExpired: "User Authentication Expired",
  userRevoked: "User Authentication Revoked",
  accountExpired: "Account Authentication Expired",
  authenticationTimeout: "Authentication Timeout",
  invalidClientProtocol: "invalid client protocol",
  noRespondersRequiresHeaders: "no responders requires headers support",
  staleConnection: "Stale Connection",
} as const;

export type WireError = keyof typeof WIRE_ERRORS;

/** The whole protocol line for an error text. */
export function errorLine(text: string): string {
  return `-ERR '${text}'\r\n`;
}

/** A subscription names more tokens than `max_subscription_tokens`. */
export function tooManyTokens(subject: string): string {
  return `Permissions Violation for Subscription to ${goQuote(subject)}, too many tokens`;
}

/** A subscription without permission. */
export function subscriptionNotAllowed(subject: string): string {
  return `Permissions Violation for Subscription to ${goQuote(subject)}`;
}

/** A subscription that lost its permission while it stood, and is gone. */
export function subscriptionRevoked(subject: string, queue: string, sid: string): string {
  const what = queue === "" ? subscriptionNotAllowed(subject) : queueNotAllowed(subject, queue);
  return `${what} (sid ${goQuote(sid)})`;
}

/** A subscription to a queue group without permission, or one that is the server's own. */
export function queueNotAllowed(subject: string, queue: string): string {
  return `Permissions Violation for Subscription to ${goQuote(subject)} using queue ${goQuote(queue)}`;
}

/** A publish without permission. */
export function publishNotAllowed(subject: string): string {
  return `Permissions Violation for Publish to ${goQuote(subject)}`;
}

/** A publish with a reply subject that is the server's own. */
export function replyNotAllowed(reply: string): string {
  return `Permissions Violation for Publish with Reply of ${goQuote(reply)}`;
}
