import { goQuote } from "../base/go-quote.ts";
import { Timer } from "../base/timer-queue.ts";
import { asksForMore, type BatchStream, batchTimeoutMs, dropRequiredLevel, refuse } from "./batch-stream.ts";
import { type ApiError, apiError } from "./core/api-error.ts";
import { type AbandonReason, type AtomicHeaders, atomicStep } from "./core/atomic-batch.ts";
import { checkBatchMessage, StagedChanges } from "./core/batch-check.ts";
import { withHeader } from "./core/header-edit.ts";
import { Publish } from "./core/publish.ts";

/** Batches that a stream, and all streams of a server together, may have at a time; messages that one may have. */
const PER_STREAM_MAX = 50;
const IN_ALL_MAX = 1_000;
const MESSAGES_MAX = 1_000;

/**
 * Bytes of all messages of a server that are staged: a thousand batches of a thousand messages could otherwise take
 * any amount of memory. The reference stages them on the disk instead.
 */
const STAGED_BYTES_MAX = 256 * 1024 * 1024;

/** Memory that a staged message takes besides its bytes, about. */
const STAGED_OVERHEAD_BYTES = 256;

const NOTHING = Buffer.alloc(0);

interface StagedMessage {
  /** Wire string. */
  readonly subject: string;
  /** Headers and payload, a copy; and where the payload begins. */
  readonly buf: Buffer;
  readonly payloadStart: number;
}

/** A batch that is not committed yet. */
interface OpenBatch {
  readonly id: string;
  readonly messages: StagedMessage[];
  bytes: number;
  readonly timer: Timer;
}

/** The atomic batches of a stream: keeps their messages in memory until they are committed. */
export class AtomicBatches {
  readonly #stream: BatchStream;
  readonly #open = new Map<string, OpenBatch>();

  constructor(stream: BatchStream) {
    this.#stream = stream;
  }

  /** A message with `Nats-Batch-Id`; wire string, empty: nobody waits for an answer. */
  take(publish: Publish, reply: string): void {
    const headers = headersOf(publish);
    const known = this.#open.get(headers.id);
    const lastSeq = known?.messages.length ?? 0;
    const step = atomicStep(headers, lastSeq, known !== undefined, this.#hasRoom(), this.#messagesMax());
    if (step.do === "refuse") {
      if (step.ends) this.#abandon(headers.id, step.reason);
      refuse(this.#stream, reply, step.error);
      return;
    }
    const batch = known ?? this.#begin(headers.id);
    this.#stream.broker.timers.setIn(batch.timer, batchTimeoutMs(this.#stream));
    const isMarker = step.do === "commit" && step.isMarker;
    if (!isMarker && !this.#stage(batch, publish)) {
      this.#abandon(batch.id, "large");
      refuse(this.#stream, reply, apiError("insufficientResources"));
    } else if (step.do === "commit") {
      this.#end(batch);
      const error = this.#commit(batch, isMarker, reply);
      if (error !== null) refuse(this.#stream, reply, error);
    } else if (reply !== "" && !this.#stream.config.no_ack) {
      this.#stream.acks.answer(reply, "", NOTHING);
    }
  }

  /** Gives up all of them, and tells nobody. */
  clear(): void {
    for (const batch of this.#open.values()) this.#end(batch);
  }

  #hasRoom(): boolean {
    const { limits, counts } = this.#stream;
    const perStream = limits.maxInflightPerStream > 0 ? limits.maxInflightPerStream : PER_STREAM_MAX;
    const inAll = limits.maxInflightTotal > 0 ? limits.maxInflightTotal : IN_ALL_MAX;
    return this.#open.size < perStream && counts.atomic < inAll;
  }

  #messagesMax(): number {
    const { maxMsgs } = this.#stream.limits;
    return maxMsgs > 0 ? maxMsgs : MESSAGES_MAX;
  }

  #begin(id: string): OpenBatch {
    const timer = new Timer(() => this.#abandon(id, "timeout"));
    const batch = { id, messages: [], bytes: 0, timer };
    this.#open.set(id, batch);
    this.#stream.counts.atomic++;
    return batch;
  }

  /** False: there is no memory for it. */
  #stage(batch: OpenBatch, publish: Publish): boolean {
    const { counts } = this.#stream;
    dropRequiredLevel(publish);
    const { subject, headersStart, payloadEnd, headerBytes } = publish;
    const bytes = payloadEnd - headersStart + STAGED_OVERHEAD_BYTES;
    if (counts.stagedBytes + bytes > STAGED_BYTES_MAX) return false;
    const buf = Buffer.from(publish.buf.subarray(headersStart, payloadEnd));
    batch.messages.push({ subject, buf, payloadStart: headerBytes });
    batch.bytes += bytes;
    counts.stagedBytes += bytes;
    return true;
  }

  #abandon(id: string, reason: AbandonReason | null): void {
    const batch = this.#open.get(id);
    if (batch !== undefined) this.#end(batch);
    if (reason !== null) this.#stream.tellAbandoned(id, reason);
  }

  #end(batch: OpenBatch): void {
    const { broker, counts } = this.#stream;
    broker.timers.cancel(batch.timer);
    this.#open.delete(batch.id);
    counts.atomic--;
    counts.stagedBytes -= batch.bytes;
  }

  /** Stores all messages of the batch, or none of them and says why. */
  #commit({ id, messages }: OpenBatch, hasMarker: boolean, reply: string): ApiError | null {
    const { ingest, store, acks, config } = this.#stream;
    const checked = this.#check(messages);
    if (!Array.isArray(checked)) return checked;
    const last = checked[checked.length - 1].publish;
    if (hasMarker) last.setHeaders(withHeader(last.headerText(), "Nats-Batch-Commit", "1"));
    const stored = checked.filter(({ verdict }) => verdict === "store").length;
    if (stored > 0) store.together(stored);
    let seq = 0;
    for (const { publish, verdict } of checked)
      seq = verdict === "store" ? ingest.store(publish) : ingest.skip(publish);
    if (reply === "" || config.no_ack) return null;
    const tail = `,"batch":${goQuote(id)},"count":${messages.length}}`;
    acks.pushTo(store.position, seq, tail, reply);
    this.#stream.settleSoon();
    return null;
  }

  /** The messages as they are to be stored, or what is wrong with one of them. */
  #check(messages: readonly StagedMessage[]): CheckedMessage[] | ApiError {
    const staged = new StagedChanges();
    const { ingest, broker } = this.#stream;
    const nowMs = broker.clock.nowMs();
    const checked: CheckedMessage[] = [];
    for (const { subject, buf, payloadStart } of messages) {
      const publish = new Publish();
      publish.subject = subject;
      publish.buf = buf;
      publish.payloadStart = payloadStart;
      publish.payloadEnd = buf.length;
      publish.timeMs = Math.floor(nowMs);
      publish.timeNs = Math.floor((nowMs - publish.timeMs) * NS_PER_MS);
      publish.begin();
      if (publish.headers.get(EXPECTED_LAST_ID) !== "")
        return apiError("atomicPublishUnsupportedHeaderBatch", { header: EXPECTED_LAST_ID });
      const verdict = checkBatchMessage(publish, staged, ingest);
      if (typeof verdict === "object") return verdict.error;
      checked.push({ publish, verdict });
    }
    return checked;
  }
}

/** What other messages come between nobody can foresee in a batch. */
const EXPECTED_LAST_ID = "Nats-Expected-Last-Msg-Id";

const NS_PER_MS = 1e6;

interface CheckedMessage {
  readonly publish: Publish;
  readonly verdict: "store" | "skip";
}

function headersOf(publish: Publish): AtomicHeaders {
  const { headers } = publish;
  const seq = headers.number("Nats-Batch-Sequence");
  return {
    id: headers.get("Nats-Batch-Id"),
    seq: seq === -1 ? null : seq,
    commit: headers.has("Nats-Batch-Commit") ? headers.get("Nats-Batch-Commit") : null,
    isUnsupported: asksForMore(publish),
  };
}
