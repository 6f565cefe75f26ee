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
  authorizationViolation: "Authorization Violation",
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

/** A subscription to a queue group that is the server's own. */
export function queueNotAllowed(subject: string, queue: string): string {
  return `Permissions Violation for Subscription to ${goQuote(subject)} using queue ${goQuote(queue)}`;
}

/** A publish to a subject that is the server's own. */
export function publishNotAllowed(subject: string): string {
  return `Permissions Violation for Publish to ${goQuote(subject)}`;
}

/** A publish with a reply subject that is the server's own. */
export function replyNotAllowed(reply: string): string {
  return `Permissions Violation for Publish with Reply of ${goQuote(reply)}`;
}
