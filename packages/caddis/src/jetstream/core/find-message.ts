import type { StreamStore } from "../../store/stream-store.ts";
import { isValidLiteralSubject, isValidSubject } from "../../subject/subject.ts";
import type { GetRequest } from "./get-request.ts";

/** The sequence of the one message that a request asks for, by whichever way it does; 0: there is none. It may be deleted. */
export function findSeq(store: StreamStore, request: GetRequest): number {
  const { nextBySubject, startTime } = request;
  const from = startTime === null ? request.seq : store.firstSeqFrom(startTime);
  if (nextBySubject !== "") return firstSeqOf(store, nextBySubject, Math.max(1, from));
  return from > 0 ? from : lastSeqOf(store, request.lastBySubject);
}

/** The last sequence of a subject, which may have wildcards; 0: none. */
export function lastSeqOf(store: StreamStore, subject: string): number {
  if (isValidLiteralSubject(subject)) return store.lastSeqOf(subject);
  return isValidSubject(subject) ? store.previous(store.filter([subject]), store.state.lastSeq) : 0;
}

function firstSeqOf(store: StreamStore, subject: string, fromSeq: number): number {
  return isValidSubject(subject) ? store.next(store.filter([subject]), fromSeq) : 0;
}
