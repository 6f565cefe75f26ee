import type { Identity } from "../auth/identity.ts";
import { goQuote } from "../base/go-quote.ts";
import type { ParseFault } from "../wire/operations.ts";
import type { ConnectOptions } from "../wire/connect.ts";
import type { Message } from "./message.ts";
import { REDACTED, redactConnect, SEED_CHARS, withoutSecrets } from "./redaction.ts";

/**
 * The lines that trace a connection (`-V`), and how the log names it, in the form nats-server gives them,
 * since people and tools read them by that form. `<<-` is what the peer sent, `->>` what it is sent,
 * `<->` what happened without either. Lines are text; what came from the wire is converted here.
 */

/** How much of a message trace lines show: `trace_headers` and `max_traced_msg_len` (bytes, 0: all). */
export interface PayloadView {
  readonly trace_headers: boolean;
  readonly max_traced_msg_len: number;
}

/** Which way a message goes. */
export type Direction = "<<-" | "->>";

const AUTHENTICATION_ERROR = "authentication error";

/**
 * A line about what a peer can bring about at will is written once in this time, so that nobody fills the
 * log or holds up the server by it. nats-server's interval for subscriptions over the limit.
 */
const REPEATED_LINE_INTERVAL_MS = 2_000;

/** What a log line shows of input that is no operation; as in nats-server. */
const FAULT_SNIPPET_BYTES = 32;

/** What the parser hands over of a refused line; longer ones are cut. */
const FAULT_DETAIL_BYTES = 64;

/** The four bytes that end a header block, which trace lines leave out. */
const HEADER_END_BYTES = 4;

/** A log line that may be due very often, and is written now and then. */
export class RepeatedLine {
  #writtenMs = -Infinity;
  #heldBack = 0;

  /** `text` when it is to be written now, with how many were held back since the last, else null. Monotonic ms. */
  next(text: string, nowMs: number): string | null {
    if (nowMs - this.#writtenMs < REPEATED_LINE_INTERVAL_MS) {
      this.#heldBack++;
      return null;
    }
    const line = this.#heldBack === 0 ? text : `${text} (${this.#heldBack} more since the last such line)`;
    this.#writtenMs = nowMs;
    this.#heldBack = 0;
    return line;
  }
}

/** A control line from the peer, or null for the kinds that nats-server does not trace. */
export function operationLine(verb: string, argument: string): string | null {
  switch (verb) {
    case "INFO":
    case "+OK":
    case "-ERR":
      return null;
    case "PING":
    case "PONG":
      return `<<- [${verb}]`;
    default:
      return `<<- [${verb} ${verb === "CONNECT" ? redactConnect(argument) : argument}]`;
  }
}

/** The subject of a publish was mapped; wire strings. */
export function mappingLine(from: string, to: string): string {
  return textOf(`<<- [MAPPING ${from} -> ${to}]`);
}

/** An -ERR for the peer; a wire string. */
export function errorReplyLine(text: string): string {
  return textOf(`->> [-ERR ${text}]`);
}

/** A subscription has ended; its sid as a wire string. */
export function unsubscribedLine(sid: string): string {
  return textOf(`<-> [DELSUB ${sid}]`);
}

/** A subscription lost its permission; wire strings. */
export function revokedLine(subscription: {
  readonly subject: string;
  readonly queue: string;
  readonly sid: string;
}): string {
  const { subject, queue, sid } = subscription;
  const group = queue === "" ? "" : ` using queue ${quoteWire(queue)}`;
  return `Removed sub ${quoteWire(subject)}${group} (sid ${quoteWire(sid)}) - not authorized`;
}

/** The MSG or HMSG that a subscription gets; `takesHeaders` is the receiver's. */
export function deliveryLine(message: Message, sid: string, takesHeaders: boolean): string {
  const { input, headerBytes, payloadStart, payloadEnd } = message;
  const subject = input.buf.latin1Slice(message.subjectStart, message.subjectEnd);
  const reply = input.buf.latin1Slice(message.replyStart, message.replyEnd);
  const hasHeaders = headerBytes > 0 && takesHeaders;
  const words = [hasHeaders ? "HMSG" : "MSG", subject, sid];
  if (reply !== "") words.push(reply);
  if (hasHeaders) words.push(String(headerBytes));
  words.push(String(payloadEnd - payloadStart - (takesHeaders ? 0 : headerBytes)));
  return textOf(`->> [${words.join(" ")}]`);
}

/** The payload behind a publish or a delivery, headers first, or null when there is nothing to show. */
export function payloadLine(
  direction: Direction,
  message: Message,
  takesHeaders: boolean,
  view: PayloadView,
): string | null {
  const start = message.payloadStart + (takesHeaders ? 0 : message.headerBytes);
  const headersEnd = message.payloadStart + message.headerBytes - HEADER_END_BYTES;
  const end = view.trace_headers ? headersEnd : message.payloadEnd;
  if (end <= start) return null;
  const limit = view.max_traced_msg_len;
  const isCut = limit > 0 && end - start > limit;
  // Some payloads carry credentials: those of an auth callout do. None is shown for having been cut in two.
  const text = withoutSecrets(
    message.input.buf.latin1Slice(start, isCut ? Math.min(end, start + limit + SEED_CHARS) : end),
  );
  return `${direction} MSG_PAYLOAD: [${quoteWire(isCut ? `${text.slice(0, limit)}...` : text)}]`;
}

/**
 * What the log puts behind a connection's address and id: what its CONNECT told of the client, and as whom
 * it came; empty, or beginning with a space.
 */
export function introduction(
  connect: ConnectOptions,
  accountName: string,
  identity: Pick<Identity, "user" | "nkey">,
): string {
  const { version, lang, name } = connect;
  const about = [version === "" ? "" : `v${version}`, lang, name].filter((part) => part !== "").join(":");
  const who = identity.user === "" ? whoItSaysItIs(connect) : whoItIs(connect, identity);
  const parts = [about, who === "" ? "" : `${accountName}/${who}`].filter((part) => part !== "");
  return parts.map((part) => ` - ${quoteText(withoutSecrets(part))}`).join("");
}

/** Where nobody asked. */
function whoItSaysItIs({ nkey, user, auth_token }: ConnectOptions): string {
  if (nkey !== "") return `nkey:${nkey}`;
  if (user !== "") return `user:${user}`;
  return auth_token === "" ? "" : "token";
}

function whoItIs(connect: ConnectOptions, { user, nkey }: Pick<Identity, "user" | "nkey">): string {
  if (user === REDACTED) return "token";
  if (nkey === "") return `user:${user}`;
  return connect.jwt === "" || connect.nkey === nkey ? `nkey:${nkey}` : `jwt:${nkey}`;
}

/** A refused CONNECT, with who asked, as far as one may say; what is in a JWT nobody has vouched for. */
export function refusalLine({ nkey, user, jwt, auth_token }: ConnectOptions): string {
  if (nkey !== "") return `${AUTHENTICATION_ERROR} - Nkey ${quoteText(withoutSecrets(nkey))}`;
  if (user !== "") return `${AUTHENTICATION_ERROR} - User ${quoteText(withoutSecrets(user))}`;
  if (jwt !== "") return AUTHENTICATION_ERROR;
  return auth_token === "" ? AUTHENTICATION_ERROR : `${AUTHENTICATION_ERROR} - Token "${REDACTED}"`;
}

/**
 * Why what the peer sent was refused; `detail` is the beginning of that, a wire string. Null where the -ERR
 * says all there is.
 */
export function faultLine(fault: ParseFault, detail: string, maxPayload: number): string | null {
  switch (fault) {
    case "unknown operation":
      return `Client parser ERROR: proto='${quoteWire(redactConnect(detail).slice(0, FAULT_SNIPPET_BYTES))}...'`;
    case "payload too large":
      return `maximum payload exceeded: ${sizeIn(detail) ?? quoteWire(detail)} vs ${maxPayload}`;
    case "control line too long":
      return null;
    case "headers disabled":
      return "message headers not supported";
    case "not connected":
      return AUTHENTICATION_ERROR;
    case "bad arguments":
      return `bad arguments: ${quoteWire(redactConnect(detail))}`;
  }
}

/** The argument of `verb` is no JSON, or not the right one. The excerpt that some problems come with may hold a secret. */
export function malformedLine(verb: "CONNECT" | "INFO", problem: string): string {
  return `${verb}: ${problem.replace(/, (?:\.\.\.)?"[^]* is not valid JSON$/, "")}`;
}

/** The size at the end of a publish's arguments, unless they are cut off. */
function sizeIn(detail: string): string | null {
  return detail.length < FAULT_DETAIL_BYTES ? (/(\d+)[ \t\r]*$/.exec(detail)?.[1] ?? null) : null;
}

/** A wire string as quoted text. */
export function quoteWire(wire: string): string {
  return textOf(goQuote(wire));
}

function quoteText(text: string): string {
  return quoteWire(Buffer.from(text, "utf8").toString("latin1"));
}

/** A wire string as text. Bytes that are no UTF-8 become U+FFFD. */
export function textOf(wire: string): string {
  return Buffer.from(wire, "latin1").toString("utf8");
}
