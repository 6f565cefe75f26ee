import { type DecodedFields, decodeRequest, objectOf } from "./json-fields.ts";

/** What a client asks a pull consumer for (`CONSUMER.MSG.NEXT`, or behind `+NXT`). Durations in **nanoseconds**. */
export interface PullRequest {
  /** As it was written: may be 0 or negative. */
  readonly batch: number;
  /** How long it may wait; 0: until it is served, however long. */
  readonly expires: number;
  readonly noWait: boolean;
  /** 0: no limit. */
  readonly maxBytes: number;
  /** 0: none. */
  readonly idleHeartbeat: number;
  /** What it says about priority groups; null where it was no JSON and can't say anything. */
  readonly priority: PullPriority | null;
}

/** Which priority group a pull request is for, and under which conditions it is to be served. */
export interface PullPriority {
  /** Empty: none. */
  readonly group: string;
  /** 0: no condition. */
  readonly minPending: number;
  readonly minAckPending: number;
  /** The id under which its client was pinned; empty: none. */
  readonly id: string;
  /** As it was written: 0 to 9 are valid. */
  readonly priority: number;
}

const FIELDS = {
  expires: "duration",
  batch: "int",
  max_bytes: "int",
  no_wait: "bool",
  idle_heartbeat: "duration",
  group: "string",
  min_pending: "int64",
  min_ack_pending: "int64",
  id: "string",
  priority: "int",
} as const;

/** Errors name no type here, as in the reference. */
const REQUEST = objectOf("", FIELDS);

type Fields = DecodedFields<typeof FIELDS>;

const BRACE = 0x7b;
const ONE: PullRequest = plain(1);
/** Something that may be a number with a fraction or an exponent, which no field takes. */
const FRACTION = /\d[.eE]/;

/**
 * Decodes the body of a pull request, `buf[start, end)`: nothing (one message), a number of messages, or JSON. What is
 * none of them asks for one message, as in the reference. Refusals are the reason to give behind `Bad Request - `.
 */
export function decodePullRequest(
  buf: Buffer,
  start: number,
  end: number,
): PullRequest | { readonly problem: string } {
  while (start < end && isSpace(buf[start])) start++;
  while (end > start && isSpace(buf[end - 1])) end--;
  if (start === end) return ONE;
  if (buf[start] !== BRACE) return decodeNumber(buf.latin1Slice(start, end));
  const fields = fieldsAtOnce(buf.toString("utf8", start, end));
  if (fields !== null) return requestOf(fields);
  const decoded = decodeRequest(buf.subarray(start, end), REQUEST, false);
  return "problem" in decoded ? decoded : requestOf(decoded.fields);
}

/** Clients pull all the time, and write it plainly: the runtime's parser does. Null: it is to be looked at closely. */
function fieldsAtOnce(json: string): Fields | null {
  if (FRACTION.test(json)) return null;
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch {
    return null;
  }
  const fields = parsed as Readonly<Record<string, unknown>>;
  for (const name of Object.keys(fields)) {
    if (!Object.hasOwn(FIELDS, name) || !fits(fields[name], FIELDS[name as keyof typeof FIELDS])) return null;
  }
  return fields;
}

function fits(value: unknown, type: (typeof FIELDS)[keyof typeof FIELDS]): boolean {
  if (type === "string") return typeof value === "string";
  return type === "bool" ? typeof value === "boolean" : Number.isSafeInteger(value);
}

function requestOf(fields: Fields): PullRequest | { readonly problem: string } {
  const expires = fields.expires ?? 0;
  const idleHeartbeat = fields.idle_heartbeat ?? 0;
  if (idleHeartbeat > 0 && idleHeartbeat * 2 > expires) return { problem: "heartbeat value too large" };
  return {
    batch: fields.batch ?? 0,
    expires,
    noWait: fields.no_wait ?? false,
    maxBytes: fields.max_bytes ?? 0,
    idleHeartbeat,
    priority: {
      group: fields.group ?? "",
      minPending: fields.min_pending ?? 0,
      minAckPending: fields.min_ack_pending ?? 0,
      id: fields.id ?? "",
      priority: fields.priority ?? 0,
    },
  };
}

function decodeNumber(text: string): PullRequest {
  if (!/^[+-]?\d{1,19}$/.test(text)) return ONE;
  return plain(Math.max(-Number.MAX_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, Number(text))));
}

function plain(batch: number): PullRequest {
  return { batch, expires: 0, noWait: false, maxBytes: 0, idleHeartbeat: 0, priority: null };
}

/** ASCII's, as the reference trims them: tab, LF, VT, FF, CR and space. */
function isSpace(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}
