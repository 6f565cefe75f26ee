/**
 * The bytes of a throughput case. Subjects, subscription ids and sizes have a fixed width, so every PUB
 * has the same length, and so has every MSG: counting bytes is counting messages.
 */

/** Subjects are `bench.` and six digits; this many exist. */
export const SUBJECTS_MAX = 1_000_000;

/** Least size of a preformatted block, so that it takes few calls to write much. */
const BLOCK_BYTES_MIN = 1024 * 1024;

/** Subscription ids have five digits; the id of literal subscription `i` is this plus `i`. */
export const LITERAL_SID_FIRST = 10_000;
/** Id of a wildcard subscription, and the most literal subscriptions one connection can have. */
export const WILDCARD_SID = 99_999;
export const LITERALS_MAX = WILDCARD_SID - LITERAL_SID_FIRST;

/** The subject with that number. */
export function subjectOf(index: number): string {
  return `bench.${String(index).padStart(6, "0")}`;
}

/** A payload of printable bytes that differs from position to position. */
export function payloadOf(bytes: number): string {
  const line = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  return line.repeat(Math.ceil(bytes / line.length)).slice(0, bytes);
}

/** Operations of one size, one behind the other, to be written round and round. */
export interface Block {
  readonly bytes: Buffer;
  readonly operationBytes: number;
}

/** PUBs to all subjects in rotation, repeated until the block is large. */
export function publishBlock(subjects: number, payloadBytes: number): Block {
  const payload = payloadOf(payloadBytes);
  const rotation = Array.from(
    { length: subjects },
    (_, index) => `PUB ${subjectOf(index)} ${payloadBytes}\r\n${payload}\r\n`,
  );
  const once = Buffer.from(rotation.join(""), "latin1");
  const times = Math.ceil(BLOCK_BYTES_MIN / once.length);
  return { bytes: Buffer.concat(Array(times).fill(once)), operationBytes: once.length / subjects };
}

/** The messages a subscriber gets for one rotation of the subjects. */
export function deliveredBlock(
  subjects: number,
  payloadBytes: number,
  interest: "wildcard" | "literal",
): Block {
  const payload = payloadOf(payloadBytes);
  const rotation = Array.from({ length: subjects }, (_, index) => {
    const sid = interest === "literal" ? LITERAL_SID_FIRST + index : WILDCARD_SID;
    return `MSG ${subjectOf(index)} ${sid} ${payloadBytes}\r\n${payload}\r\n`;
  });
  const bytes = Buffer.from(rotation.join(""), "latin1");
  return { bytes, operationBytes: bytes.length / subjects };
}
