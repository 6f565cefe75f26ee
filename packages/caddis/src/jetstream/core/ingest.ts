import { goQuote } from "../../base/go-quote.ts";
import { type ApiError, apiError } from "./api-error.ts";
import { withHeader, withoutHeader } from "./header-edit.ts";
import { applyIncrement, screenIncrement, screenSchedule } from "./ingest-parts.ts";
import { parseMessageTtl } from "./message-ttl.ts";
import type { Publish, Rollup } from "./publish.ts";
import { storedSize } from "./stored-size.ts";
import type { StreamView } from "./stream-view.ts";

/** A header block must fit the two bytes of its length. */
const HEADER_BYTES_MAX = 65_535;

/** A record that is longer could not be told from a damaged one, in the reference. */
const FILE_RECORD_BYTES_MAX = 32 * 1024 * 1024;

const NS_PER_SECOND = 1e9;

/**
 * A stream takes nothing behind this sequence: numbers are exact up to 2^53, and whoever chooses where a stream begins
 * (`first_seq`, a purge, an archive, the origin of a mirror) may begin there. The rest is room for sums.
 */
export const SEQUENCE_MAX = Number.MAX_SAFE_INTEGER - 1_000_000;

/**
 * What becomes of a message: it is stored; its sequence number is used up, since no consumer wants it; it was there
 * before (`publish.duplicateOf`); or it is refused.
 */
export type Verdict = "store" | "skip" | "duplicate" | ApiError;

/**
 * Decides about a message by the configuration and the state of its stream, in the reference's order of checks. May
 * complete the message's headers, or give it other content, and notes in `publish` what storing it needs to know.
 */
export function decide(publish: Publish, view: StreamView): Verdict {
  const { config } = view;
  const error = publish.isChecked ? null : refusalBySize(publish, view);
  if (error !== null) return error;
  if (publish.headers.isAny) {
    const verdict = decideByHeaders(publish, view);
    if (verdict !== null) return verdict;
  }
  if (config.allow_msg_counter && !publish.isChecked) {
    const refused = applyIncrement(publish, view) ?? refusalOfGrown(publish, view);
    if (refused !== null) return refused;
  }
  return decideByRoom(publish, view);
}

function refusalBySize(publish: Publish, view: StreamView): ApiError | null {
  const { config } = view;
  const { headerBytes, payloadBytes } = publish;
  if (config.storage === "file") {
    const size = storedSize("file", publish.subject.length, headerBytes, payloadBytes);
    if (size > FILE_RECORD_BYTES_MAX) return apiError("streamStoreFailed", { err: "message too large" });
  }
  if (config.sealed) return apiError("streamSealed");
  return refusalByMaxSize(publish, view);
}

function refusalByMaxSize({ headerBytes, payloadBytes }: Publish, { config }: StreamView): ApiError | null {
  if (config.max_msg_size >= 0 && headerBytes + payloadBytes > config.max_msg_size)
    return apiError("streamMessageExceedsMaximum");
  return headerBytes > HEADER_BYTES_MAX ? apiError("streamHeaderExceedsMaximum") : null;
}

/** The server has added to the message, so that its size is checked once more. */
function refusalOfGrown(publish: Publish, view: StreamView): ApiError | null {
  if (publish.headerBytes + publish.payloadBytes > view.maxPayload)
    return apiError("streamMessageExceedsMaximum");
  return refusalByMaxSize(publish, view);
}

/** Null: the headers have nothing against it. */
function decideByHeaders(publish: Publish, view: StreamView): Verdict | null {
  const { headers, isChecked, isSourced } = publish;
  if (!isChecked) {
    const refused = refusalByHeaders(publish, view);
    if (refused !== null) return refused;
  }
  publish.msgId = headers.get("Nats-Msg-Id");
  if (publish.msgId !== "" && !isChecked && view.config.mirror === null) {
    publish.duplicateOf = view.seqOfId(publish.msgId);
    if (publish.duplicateOf > 0) return "duplicate";
  }
  const expectedId = headers.get("Nats-Expected-Last-Msg-Id");
  if (expectedId !== "" && expectedId !== view.lastMsgId)
    return apiError("streamWrongLastMsgID", { id: view.lastMsgId });
  const rollup = headers.get("Nats-Rollup").toLowerCase();
  if (rollup === "") return null;
  const { config } = view;
  if (!(config.allow_rollup_hdrs && !config.deny_purge) && !isSourced && !isChecked)
    return apiError("streamRollupFailed", { err: "rollup not permitted" });
  if (isRollup(rollup)) publish.rollup = rollup;
  else if (!isChecked)
    return apiError("streamRollupFailed", { err: `rollup value invalid: ${goQuote(rollup)}` });
  return null;
}

function refusalByHeaders(publish: Publish, view: StreamView): ApiError | null {
  const { headers, isSourced } = publish;
  const { config } = view;
  const refusedIncrement = screenIncrement(publish, view);
  if (refusedIncrement !== null) return refusedIncrement;
  const stream = headers.get("Nats-Expected-Stream");
  if (stream !== "" && stream !== config.name) return apiError("streamNotMatch");
  if (!isSourced && !config.allow_msg_ttl && (parseMessageTtl(headers.get("Nats-TTL")) ?? 0) !== 0)
    return apiError("messageTTLDisabled");
  const refused = refusalByExpectedSequence(publish, view) ?? screenSchedule(publish, view);
  if (refused !== null) return refused;
  if (!isSourced && headers.get("Nats-Stream-Source") !== "") return apiError("messageSourceHdrNotAllowed");
  return null;
}

function refusalByExpectedSequence({ headers, subject }: Publish, view: StreamView): ApiError | null {
  const bySubject = headers.number("Nats-Expected-Last-Subject-Sequence");
  const otherSubject = headers.get("Nats-Expected-Last-Subject-Sequence-Subject");
  if (bySubject !== null) {
    const seq = view.lastSeqOf(otherSubject === "" ? subject : otherSubject);
    if (seq !== bySubject) return apiError("streamWrongLastSequence", { seq });
  } else if (otherSubject !== "") {
    return apiError("streamExpectedLastSeqPerSubjectInvalid");
  }
  const expected = headers.number("Nats-Expected-Last-Sequence");
  const { lastSeq } = view;
  return expected === null || expected === lastSeq
    ? null
    : apiError("streamWrongLastSequence", { seq: lastSeq });
}

function isRollup(value: string): value is Rollup {
  return value === "sub" || value === "all";
}

/** Whether there is room, and a consumer where one is needed. */
function decideByRoom(publish: Publish, view: StreamView): Verdict {
  const { config } = view;
  if (view.lastSeq >= SEQUENCE_MAX) return apiError("streamStoreFailed", { err: "no sequences left" });
  if (view.isServerFull()) return apiError("insufficientResources");
  if (config.retention === "interest" && !view.hasInterest(publish.subject)) return "skip";
  const { subject, headerBytes, payloadBytes } = publish;
  const size = storedSize(config.storage, subject.length, headerBytes, payloadBytes);
  const refused = view.refusalOfAccount(size) ?? (publish.headers.isAny ? findTtl(publish, view) : null);
  if (refused !== null) return refused;
  return (config.discard === "new" ? refusalByLimits(publish, view, size) : null) ?? "store";
}

/** Notes the message's own TTL. It lives at least as long as a delete marker, which it could be hidden by otherwise. */
function findTtl(publish: Publish, { config }: StreamView): ApiError | null {
  const ttl = parseMessageTtl(publish.headers.get("Nats-TTL"));
  if (ttl === null) return apiError("messageTTLInvalid");
  publish.ttlSeconds = ttl;
  const least = Math.floor(config.subject_delete_marker_ttl / NS_PER_SECOND);
  if (ttl <= 0 || ttl >= least || config.max_msgs_per_subject === 1) return null;
  publish.ttlSeconds = least;
  const others = withoutHeader(publish.headerText(), "Nats-TTL");
  publish.setHeaders(withHeader(others, "Nats-TTL", String(least)));
  return null;
}

/** What `discard: new` has against it. A message that takes the place of another one of its subject needs no more room. */
function refusalByLimits(publish: Publish, view: StreamView, size: number): ApiError | null {
  const { config } = view;
  const perSubject = config.max_msgs_per_subject;
  const replaces = perSubject > 0 && view.countOf(publish.subject) >= perSubject;
  // A rollup makes room for itself.
  if (replaces && config.discard_new_per_subject && publish.headers.get("Nats-Rollup") === "")
    return apiError("streamStoreFailed", { err: "maximum messages per subject exceeded" });
  if (config.max_msgs > 0 && view.messages >= config.max_msgs && !replaces)
    return apiError("streamStoreFailed", { err: "maximum messages exceeded" });
  if (config.max_bytes > 0 && view.bytes + size > config.max_bytes) {
    if (!replaces || view.sizeOfFirst(publish.subject) < size)
      return apiError("streamStoreFailed", { err: "maximum bytes exceeded" });
  }
  return null;
}
