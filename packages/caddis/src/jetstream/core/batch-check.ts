import { goQuote } from "../../base/go-quote.ts";
import { fromWireString } from "../../subject/subject.ts";
import { type ApiError, apiError } from "./api-error.ts";
import type { CounterState } from "./counter.ts";
import { applyCounter, incrementProblem, lastCounter } from "./counter-ingest.ts";
import { decide } from "./ingest.ts";
import { parseMessageTtl } from "./message-ttl.ts";
import type { Publish } from "./publish.ts";
import { screenScheduled } from "./schedule-ingest.ts";
import { storedSize } from "./stored-size.ts";
import type { StreamConfig } from "./stream-config.ts";
import type { StreamView } from "./stream-view.ts";

/** A header block must fit the two bytes of its length. */
const HEADER_BYTES_MAX = 65_535;

interface StagedSubject {
  count: number;
  isSchedule: boolean;
}

/** What the messages of one batch that were checked so far will have changed once they are stored. */
export class StagedChanges {
  count = 0;
  bytes = 0;
  readonly msgIds = new Set<string>();
  readonly counters = new Map<string, CounterState>();
  readonly subjects = new Map<string, StagedSubject>();
  /** Sequences that were expected of subjects, and are theirs. */
  readonly expected = new Map<string, number>();
}

/** `duplicateOf`: the stream has a message with the same id under this sequence; 0: that is not what is wrong. */
export interface BatchRefusal {
  readonly error: ApiError;
  readonly duplicateOf: number;
}

/**
 * Whether the message of a batch may be stored behind those that `staged` stands for, and then whether it is, or only
 * uses up its sequence number. All that a stream checks of a message on its own is checked here of the whole that a
 * batch makes, in the order of the reference. `publish` is completed as `decide` does it, and staged.
 */
export function checkBatchMessage(
  publish: Publish,
  staged: StagedChanges,
  view: StreamView,
): "store" | "skip" | BatchRefusal {
  const { headers } = publish;
  const { config } = view;
  if (publish.headerBytes > HEADER_BYTES_MAX) return refused(apiError("streamHeaderExceedsMaximum"));
  const problem =
    incrementProblem(publish, config) ?? streamProblem(publish, config) ?? ttlProblem(publish, config);
  if (problem !== null) return refused(problem);
  const msgId = headers.get("Nats-Msg-Id");
  if (msgId !== "") {
    const isStaged = staged.msgIds.has(msgId);
    const duplicateOf = isStaged ? 0 : view.seqOfId(msgId);
    if (isStaged || duplicateOf > 0)
      return { error: apiError("atomicPublishContainsDuplicateMessage"), duplicateOf };
    staged.msgIds.add(msgId);
  }
  if (headers.get("Nats-Stream-Source") !== "") return refused(apiError("messageSourceHdrNotAllowed"));
  return stage(publish, staged, view);
}

function refused(error: ApiError): BatchRefusal {
  return { error, duplicateOf: 0 };
}

function streamProblem({ headers }: Publish, config: StreamConfig): ApiError | null {
  const expected = headers.get("Nats-Expected-Stream");
  return expected === "" || expected === config.name ? null : apiError("streamNotMatch");
}

function ttlProblem({ headers }: Publish, config: StreamConfig): ApiError | null {
  const ttl = parseMessageTtl(headers.get("Nats-TTL"));
  if (ttl === 0) return null;
  if (!config.allow_msg_ttl) return apiError("messageTTLDisabled");
  return ttl === null ? apiError("messageTTLInvalid") : null;
}

/** The second half: what depends on the stream and on the batch, and may change the message. */
function stage(publish: Publish, staged: StagedChanges, view: StreamView): "store" | "skip" | BatchRefusal {
  const { config } = view;
  const { subject, headers } = publish;
  if (config.allow_msg_counter) {
    const counter = applyCounter(publish, staged.counters.get(subject) ?? lastCounter(subject, view));
    if ("error" in counter) return refused(counter.error);
    if (exceedsPayload(publish, view)) return refused(apiError("streamMessageExceedsMaximum"));
    staged.counters.set(subject, counter);
  }
  const problem = lastSeqProblem(publish, staged, view) ?? subjectSeqProblem(publish, staged, view);
  if (problem !== null) return refused(problem);
  const overlay = new StagedView(view, staged);
  const scheduleError = screenScheduled(
    publish,
    overlay,
    (scheduler) => staged.subjects.get(scheduler)?.isSchedule,
  );
  if (scheduleError !== null) return refused(scheduleError);
  const rollupError = rollupProblem(publish, staged, config);
  if (rollupError !== null) return refused(apiError("streamRollupFailed", { err: rollupError }));
  const full = discardProblem(publish, staged, view);
  if (full !== null) return refused(apiError("streamStoreFailed", { err: full }));
  publish.isChecked = true;
  const verdict = decide(publish, overlay);
  if (typeof verdict !== "string") return refused(verdict);
  if (verdict === "duplicate") return refused(apiError("atomicPublishContainsDuplicateMessage"));
  count(publish, headers.get("Nats-Schedule") !== "", staged, config);
  return verdict;
}

function exceedsPayload(publish: Publish, { config, maxPayload }: StreamView): boolean {
  const limit = config.max_msg_size >= 0 ? Math.min(config.max_msg_size, maxPayload) : maxPayload;
  return publish.headerBytes + publish.payloadBytes > limit;
}

/** Only the first message of a batch can know the stream's last sequence. */
function lastSeqProblem({ headers }: Publish, staged: StagedChanges, view: StreamView): ApiError | null {
  const expected = headers.number("Nats-Expected-Last-Sequence");
  if (expected === null) return null;
  const last = view.lastSeq + staged.count;
  if (expected !== last) return apiError("streamWrongLastSequence", { seq: last });
  return staged.count > 0 ? apiError("streamWrongLastSequenceConstant") : null;
}

/** Of a subject that the batch has written to nobody can know the last sequence. */
function subjectSeqProblem(
  { headers, subject }: Publish,
  staged: StagedChanges,
  view: StreamView,
): ApiError | null {
  const expected = headers.number("Nats-Expected-Last-Subject-Sequence");
  const other = headers.get("Nats-Expected-Last-Subject-Sequence-Subject");
  if (expected === null) return other === "" ? null : apiError("streamExpectedLastSeqPerSubjectInvalid");
  const asked = other === "" ? subject : other;
  if (staged.subjects.has(asked)) return apiError("streamWrongLastSequenceConstant");
  const last = staged.expected.get(asked) ?? view.lastSeqOf(asked);
  if (expected !== last) return apiError("streamWrongLastSequence", { seq: last });
  staged.expected.set(asked, last);
  return null;
}

/** A rollup may remove what was there before the batch, not what the batch brings. */
function rollupProblem(
  { headers, subject }: Publish,
  staged: StagedChanges,
  config: StreamConfig,
): string | null {
  const rollup = headers.get("Nats-Rollup").toLowerCase();
  if (rollup === "") return null;
  if (!config.allow_rollup_hdrs || config.deny_purge) return "rollup not permitted";
  if (rollup === "sub") return staged.subjects.has(subject) ? "batch rollup sub invalid" : null;
  if (rollup === "all") return staged.count > 0 ? "batch rollup all invalid" : null;
  return `rollup value invalid: ${goQuote(fromWireString(rollup))}`;
}

/** Where new messages are refused rather than old ones removed: what is over with all that is staged. */
function discardProblem(publish: Publish, staged: StagedChanges, view: StreamView): string | null {
  const { config } = view;
  const { subject, headerBytes, payloadBytes } = publish;
  if (config.discard !== "new") return null;
  const size = storedSize(config.storage, subject.length, headerBytes, payloadBytes);
  if (config.max_msgs > 0 && view.messages + staged.count + 1 > config.max_msgs)
    return "maximum messages exceeded";
  if (config.max_bytes > 0 && view.bytes + staged.bytes + size > config.max_bytes)
    return "maximum bytes exceeded";
  const perSubject = config.max_msgs_per_subject;
  const isLimited = config.discard_new_per_subject && perSubject > 0;
  // A rollup makes room for itself.
  if (!isLimited || publish.headers.get("Nats-Rollup") !== "") return null;
  const ofSubject = view.countOf(subject) + (staged.subjects.get(subject)?.count ?? 0);
  return ofSubject + 1 > perSubject ? "maximum messages per subject exceeded" : null;
}

function count(
  { subject, headerBytes, payloadBytes }: Publish,
  isSchedule: boolean,
  staged: StagedChanges,
  { storage }: StreamConfig,
): void {
  staged.count++;
  staged.bytes += storedSize(storage, subject.length, headerBytes, payloadBytes);
  const known = staged.subjects.get(subject);
  staged.subjects.set(subject, { count: (known?.count ?? 0) + 1, isSchedule });
}

/** The stream with the messages on top that are staged. */
class StagedView implements StreamView {
  readonly #view: StreamView;
  readonly #staged: StagedChanges;
  readonly loadLast: StreamView["loadLast"];

  constructor(view: StreamView, staged: StagedChanges) {
    this.#view = view;
    this.#staged = staged;
    this.loadLast = (subject, into) => view.loadLast(subject, into);
  }

  get config(): StreamConfig {
    return this.#view.config;
  }

  get lastSeq(): number {
    return this.#view.lastSeq + this.#staged.count;
  }

  get lastMsgId(): string {
    return this.#view.lastMsgId;
  }

  get messages(): number {
    return this.#view.messages + this.#staged.count;
  }

  get bytes(): number {
    return this.#view.bytes + this.#staged.bytes;
  }

  get maxPayload(): number {
    return this.#view.maxPayload;
  }

  lastSeqOf(subject: string): number {
    return this.#view.lastSeqOf(subject);
  }

  countOf(subject: string): number {
    return this.#view.countOf(subject) + (this.#staged.subjects.get(subject)?.count ?? 0);
  }

  sizeOfFirst(subject: string): number {
    return this.#view.sizeOfFirst(subject);
  }

  seqOfId(msgId: string): number {
    return this.#view.seqOfId(msgId);
  }

  hasInterest(subject: string): boolean {
    return this.#view.hasInterest(subject);
  }

  isServerFull(): boolean {
    return this.#view.isServerFull();
  }

  refusalOfAccount(bytes: number): ApiError | null {
    return this.#view.refusalOfAccount(this.#staged.bytes + bytes);
  }
}
