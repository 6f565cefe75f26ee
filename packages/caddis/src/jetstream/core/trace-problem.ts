import { goQuote } from "../../base/go-quote.ts";
import { fromWireString } from "../../subject/subject.ts";
import { type ApiError, apiError, type ApiErrorName } from "./api-error.ts";
import type { Publish } from "./publish.ts";
import type { StreamView } from "./stream-view.ts";

/** What the reference calls a sequence that is no number. */
const NO_NUMBER = "18446744073709551615";

/** Errors that traces put into other words than answers do. */
const OWN_WORDS: ReadonlyMap<number, string> = new Map([
  [codeOf("streamMessageExceedsMaximum"), "maximum payload exceeded"],
  [codeOf("streamHeaderExceedsMaximum"), "maximum payload exceeded"],
  [codeOf("streamNotMatch"), "expected stream does not match"],
  [codeOf("messageTTLDisabled"), "message TTL disabled"],
]);

/** Errors whose text says all: traces give no number with it. */
const BARE: ReadonlySet<number> = new Set([codeOf("streamRollupFailed"), codeOf("streamStoreFailed")]);

/** Why `publish` was not stored, in a message trace; a text in the reference's words. */
export function traceProblem(verdict: ApiError | "duplicate", publish: Publish, view: StreamView): string {
  if (verdict === "duplicate") return "msgid is duplicate";
  const { err_code, description } = verdict;
  const text = OWN_WORDS.get(err_code);
  if (text !== undefined) return text;
  if (err_code === codeOf("streamWrongLastSequence")) return sequenceProblem(publish, view);
  if (err_code === codeOf("streamWrongLastMsgID")) {
    const expected = goQuote(publish.headers.get("Nats-Expected-Last-Msg-Id"));
    return fromWireString(`last msgid mismatch: ${expected} vs ${goQuote(view.lastMsgId)}`);
  }
  const shown = fromWireString(description);
  return BARE.has(err_code) ? shown : `${shown} (${err_code})`;
}

function sequenceProblem({ headers, subject }: Publish, view: StreamView): string {
  const bySubject = headers.number("Nats-Expected-Last-Subject-Sequence");
  if (bySubject !== null) {
    const seq = view.lastSeqOf(headers.get("Nats-Expected-Last-Subject-Sequence-Subject") || subject);
    if (seq !== bySubject) return `last sequence by subject mismatch: ${shownNumber(bySubject)} vs ${seq}`;
  }
  const expected = headers.number("Nats-Expected-Last-Sequence") ?? 0;
  return `last sequence mismatch: ${shownNumber(expected)} vs ${view.lastSeq}`;
}

function shownNumber(seq: number): string {
  return seq < 0 ? NO_NUMBER : String(seq);
}

function codeOf(name: ApiErrorName): number {
  return apiError(name).err_code;
}
