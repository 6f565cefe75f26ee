/**
 * `Nats-Stream-Source`, by which a message that was sourced says where it comes from, and by which a stream finds out
 * after a restart how far it is with each source:
 *
 *     <origin> <sequence there> <filters> <destinations> <subject there>[ <identity of the origin>]
 *
 * The first, third and fourth together name a source among those of a stream. Older servers wrote `<stream> <sequence>`
 * or the reply subject of the delivery. All are wire strings.
 */

/** Names a source among those of a stream. */
export interface SourceKey {
  /** The stream, with what tells origins of the same name apart: `name`, `name:<hash of the API prefix>`, … */
  readonly origin: string;
  /** Filters, and the subjects that they are turned into, `>` for none; several are separated by form feeds. */
  readonly filters: string;
  readonly destinations: string;
}

/** What the header says. */
export interface SourcedFrom {
  /** `keyText` of the source; empty: an older server wrote it, and only the origin is known. */
  readonly key: string;
  readonly origin: string;
  readonly seq: number;
  /** Empty: unknown. */
  readonly identity: string;
}

const SEQ_DIGITS = /^\d{1,15}$/;
const REPLY_PREFIX = "$JS.ACK.";
/** Tokens of a reply subject, and which of them is the stream; see `delivery-reply.ts`. */
const PLAIN_REPLY_TOKENS = 9;
const NAMED_REPLY_TOKENS_MIN = 11;
const PLAIN_STREAM = 2;
const NAMED_STREAM = 4;
/** How many tokens behind the stream its sequence stands. */
const SEQ_BEHIND_STREAM = 3;

/** The one text that stands for a source. */
export function keyText({ origin, filters, destinations }: SourceKey): string {
  return `${origin} ${filters} ${destinations}`;
}

/** The header's value for the message `seq` of the source, which has `subject` there. */
export function sourceHeader(key: SourceKey, seq: number, subject: string, identity: string): string {
  const from = `${key.origin} ${seq} ${key.filters} ${key.destinations} ${subject}`;
  return identity === "" ? from : `${from} ${identity}`;
}

/** Null: not such a header. */
export function parseSourceHeader(value: string): SourcedFrom | null {
  if (value.startsWith(REPLY_PREFIX)) return parseReply(value);
  const fields = value.split(" ");
  const [origin, digits, filters, destinations, , identity = ""] = fields;
  if (fields.length < 2 || fields.length === 3 || !SEQ_DIGITS.test(digits)) return null;
  const seq = Number(digits);
  if (fields.length === 2) return { key: "", origin, seq, identity: "" };
  return { key: keyText({ origin, filters, destinations }), origin, seq, identity };
}

function parseReply(reply: string): SourcedFrom | null {
  const tokens = reply.split(".");
  const isNamed = tokens.length >= NAMED_REPLY_TOKENS_MIN;
  if (tokens.length !== PLAIN_REPLY_TOKENS && !isNamed) return null;
  const stream = isNamed ? NAMED_STREAM : PLAIN_STREAM;
  const digits = tokens[stream + SEQ_BEHIND_STREAM];
  if (!SEQ_DIGITS.test(digits)) return null;
  return { key: "", origin: tokens[stream], seq: Number(digits), identity: "" };
}
