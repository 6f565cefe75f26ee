import { withoutHeader } from "./header-edit.ts";

/** Fields that the origin of a message has dealt with, by how their names begin. */
const SPENT = ["Nats-Expected-", "Nats-Batch-"] as const;
const REQUEST_INFO = "Nats-Request-Info";
const STREAM_SOURCE = "Nats-Stream-Source";
const CRLF = "\r\n";
/** A block with nothing in it. */
const EMPTY_BYTES = "NATS/1.0\r\n\r\n".length;

/** Whether `tidied` would change anything, for the most part quickly answered. */
const ANY_SPENT = /\r\nNats-(?:Expected-|Batch-|Request-Info:|Stream-Source:)/;

/**
 * The header block of a message of another stream as it is stored: what was expected of that stream is not expected of
 * this one, and its batches are none here. `isMirror`: where it came from before stays in it. Wire strings.
 */
export function tidied(block: string, isMirror: boolean): string {
  if (!ANY_SPENT.test(block)) return block;
  let left = isMirror ? block : withoutHeader(block, STREAM_SOURCE);
  for (const prefix of SPENT) left = withoutPrefixed(left, prefix);
  return withoutHeader(left, REQUEST_INFO);
}

/** `block` without the fields whose names begin with `prefix`; empty when nothing else was in it. */
function withoutPrefixed(block: string, prefix: string): string {
  let left = block;
  for (;;) {
    const start = left.indexOf(CRLF + prefix);
    if (start < 0) return left;
    const end = left.indexOf(CRLF, start + CRLF.length);
    if (end < 0) return left;
    left = left.slice(0, start) + left.slice(end);
    if (left.length <= EMPTY_BYTES) return "";
  }
}
