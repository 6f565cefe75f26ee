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

/** A wire string in quotes, escaped as Go's %q does; the result is a wire string. */
function goQuote(wire: string): string {
  let quoted = '"';
  // Text is judged as UTF-8 and written as the bytes it came in.
  for (const char of Buffer.from(wire, "latin1").toString("utf8")) quoted += quoteChar(char);
  return Buffer.from(`${quoted}"`, "utf8").toString("latin1");
}

const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\x07": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
};

function quoteChar(char: string): string {
  const short = SHORT_ESCAPES[char];
  if (short !== undefined) return short;
  const code = char.codePointAt(0) ?? 0;
  if (code < 0x20 || code === 0x7f) return `\\x${code.toString(16).padStart(2, "0")}`;
  return char;
}
