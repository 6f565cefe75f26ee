import type { Instant } from "../../base/instant.ts";
import { type DecodedFields, objectOf, WIRES } from "./json-fields.ts";

const FIELDS = {
  seq: "uint64",
  last_by_subj: "wire",
  next_by_subj: "wire",
  batch: "int",
  max_bytes: "int",
  start_time: "time",
  multi_last: WIRES,
  up_to_seq: "uint64",
  up_to_time: "time",
  no_hdr: "bool",
} as const;

/** What requests for stored messages hold (`STREAM.MSG.GET`, `DIRECT.GET`). */
export const GET_REQUEST = objectOf("JSApiMsgGetRequest", FIELDS);

/** Which messages of a stream somebody wants to see. 0, empty and null: not said. Subjects are wire strings. */
export interface GetRequest {
  readonly seq: number;
  readonly lastBySubject: string;
  readonly nextBySubject: string;
  /** How many messages; as it was written: may be negative. */
  readonly batch: number;
  readonly maxBytes: number;
  readonly startTime: Instant | null;
  readonly multiLast: readonly string[];
  readonly upToSeq: number;
  readonly upToTime: Instant | null;
  readonly noHeaders: boolean;
}

/** What decoded fields ask for. */
export function getRequestOf(fields: DecodedFields<typeof FIELDS>): GetRequest {
  return {
    seq: fields.seq ?? 0,
    lastBySubject: fields.last_by_subj ?? "",
    nextBySubject: fields.next_by_subj ?? "",
    batch: fields.batch ?? 0,
    maxBytes: fields.max_bytes ?? 0,
    startTime: fields.start_time ?? null,
    multiLast: fields.multi_last ?? [],
    upToSeq: fields.up_to_seq ?? 0,
    upToTime: fields.up_to_time ?? null,
    noHeaders: fields.no_hdr ?? false,
  };
}

/** Whether `STREAM.MSG.GET` can make something of it: one message, by one way to say which. */
export function isSingleGet(request: GetRequest): boolean {
  const { seq, lastBySubject: last, nextBySubject: next, startTime } = request;
  if (request.batch > 0 || request.maxBytes > 0) return false;
  if (seq === 0 && last === "" && next === "" && startTime === null) return false;
  return !isContradictory(request);
}

/** Whether a direct get asks for nothing. */
export function isEmptyGet(request: GetRequest): boolean {
  const { seq, lastBySubject: last, nextBySubject: next, multiLast, startTime } = request;
  return seq === 0 && last === "" && next === "" && multiLast.length === 0 && startTime === null;
}

/** Whether a direct get asks for things that exclude each other. */
export function isConflictingGet(request: GetRequest): boolean {
  const { lastBySubject: last, nextBySubject: next, multiLast } = request;
  if (isContradictory(request)) return true;
  if (last !== "" && (request.batch > 0 || multiLast.length > 0)) return true;
  return (next !== "" && multiLast.length > 0) || (request.upToSeq > 0 && request.upToTime !== null);
}

/** Whether a direct get whose subject names what it wants asks for more than that. */
export function saysWhich(request: GetRequest): boolean {
  return !isEmptyGet(request) || request.batch !== 0 || request.upToSeq !== 0 || request.upToTime !== null;
}

/** Sequence, time and last-of-subject exclude each other, and so do the last and the next of a subject. */
function isContradictory({ seq, lastBySubject: last, nextBySubject: next, startTime }: GetRequest): boolean {
  const ways = [seq > 0, startTime !== null, last !== ""].filter(Boolean);
  return ways.length > 1 || (last !== "" && next !== "");
}
