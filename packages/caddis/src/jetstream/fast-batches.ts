import { goQuote } from "../base/go-quote.ts";
import { Timer } from "../base/timer-queue.ts";
import { goJson } from "../broker/go-json.ts";
import { fromWireString, toWireString } from "../subject/subject.ts";
import { asksForMore, type BatchStream, batchTimeoutMs, dropRequiredLevel, refuse } from "./batch-stream.ts";
import { apiError } from "./core/api-error.ts";
import { checkBatchMessage, StagedChanges } from "./core/batch-check.ts";
import { FastBatch, type FastBatchNotice, type FastBatchStep } from "./core/fast-batch.ts";
import type { FastBatchReply } from "./core/fast-batch-reply.ts";
import type { Publish } from "./core/publish.ts";

/** Batches that a stream, and all streams of a server together, may have at a time. */
const PER_STREAM_MAX = 1_000;
const IN_ALL_MAX = 50_000;

/** Of a batch's id, in bytes. */
const ID_LENGTH_MAX = 64;

interface OpenBatch {
  readonly id: string;
  readonly state: FastBatch;
  readonly timer: Timer;
}

/** What is to be said of stored messages once the store has made `position` durable. */
interface WaitingAnswer {
  readonly position: number;
  readonly reply: string;
  readonly text: string;
  /** It is the last one of its batch. */
  readonly isFinal: boolean;
}

/** The fast batches of a stream. */
export class FastBatches {
  readonly #stream: BatchStream;
  readonly #open = new Map<string, OpenBatch>();
  /** In the order of their positions. */
  #waiting: WaitingAnswer[] = [];

  constructor(stream: BatchStream) {
    this.#stream = stream;
  }

  /** A message whose reply subject, `reply`, or the one that its client gave, reads as `parsed`. Wire string. */
  take(publish: Publish, reply: string, parsed: FastBatchReply): void {
    const { id, operation } = parsed;
    if (id.length > ID_LENGTH_MAX) return refuse(this.#stream, reply, apiError("batchPublishInvalidBatchID"));
    const known = this.#open.get(id);
    if (known === undefined && (parsed.seq !== 1 || operation === "ping"))
      return refuse(this.#stream, reply, apiError("batchPublishUnknownBatchID"));
    if (known === undefined && !this.#hasRoom())
      return refuse(this.#stream, reply, apiError("batchPublishTooManyInflight"));
    const batch = known ?? this.#begin(parsed);
    if (asksForMore(publish)) {
      this.#end(batch);
      return refuse(this.#stream, reply, apiError("requiredApiLevel"));
    }
    dropRequiredLevel(publish);
    this.#stream.broker.timers.setIn(batch.timer, batchTimeoutMs(this.#stream));
    const isLast = operation === "commit" || operation === "commitEnd";
    const tell = this.#teller(reply);
    let step = batch.state.take(parsed, this.#open.size, tell);
    if (step === "store") {
      if (parsed.seq === 1 && !isLast && !this.#stream.config.no_ack) batch.state.begin(tell);
      step = this.#store(batch, publish, reply, isLast);
    }
    if (step === "finish") this.#finish(batch, batch.state.streamSeq, "", reply);
  }

  /** Sends what is due; when nothing more will be durable, clients are told so. */
  onDurable(durablePosition: number): void {
    const waiting = this.#waiting;
    let due = 0;
    while (due < waiting.length && waiting[due].position <= durablePosition) due++;
    if (due > 0) for (const { reply, text } of waiting.splice(0, due)) this.#say(reply, text);
    const { failure } = this.#stream.store;
    if (failure === null || failure.kind !== "failed") return;
    const error = apiError("streamStoreFailed", { err: failure.reason });
    for (const { reply, isFinal } of waiting.splice(0)) if (isFinal) this.#stream.acks.refuse(reply, error);
  }

  /** Gives up all of them, and tells nobody. */
  clear(): void {
    for (const batch of this.#open.values()) this.#end(batch);
    this.#waiting = [];
  }

  #hasRoom(): boolean {
    const { limits, counts } = this.#stream;
    const perStream = limits.maxInflightPerStream > 0 ? limits.maxInflightPerStream : PER_STREAM_MAX;
    const inAll = limits.maxInflightTotal > 0 ? limits.maxInflightTotal : IN_ALL_MAX;
    return this.#open.size < perStream && counts.fast < inAll;
  }

  #begin(parsed: FastBatchReply): OpenBatch {
    const { id } = parsed;
    const batch: OpenBatch = {
      id,
      state: new FastBatch(parsed, this.#open.size + 1),
      timer: new Timer(() => this.#end(batch)),
    };
    this.#open.set(id, batch);
    this.#stream.counts.fast++;
    return batch;
  }

  #end(batch: OpenBatch): void {
    this.#stream.broker.timers.cancel(batch.timer);
    if (this.#open.delete(batch.id)) this.#stream.counts.fast--;
  }

  /** Stores a message of a batch, if the stream takes it. */
  #store(batch: OpenBatch, publish: Publish, reply: string, isLast: boolean): FastBatchStep {
    const { ingest } = this.#stream;
    const { state } = batch;
    const tell = this.#teller(reply);
    const verdict = checkBatchMessage(publish, new StagedChanges(), ingest);
    if (typeof verdict === "string") {
      const seq = verdict === "store" ? ingest.store(publish) : ingest.skip(publish);
      return state.onStored(seq, isLast, this.#open.size, tell);
    }
    const { error, duplicateOf } = verdict;
    // The first message of a batch that may have no gaps is answered as any message is.
    const isAlone = !state.isGapFine && state.lastSeq === 1;
    if (duplicateOf > 0) {
      const step = state.onDuplicate(isLast, this.#open.size, tell);
      if (step !== "finish" || !isAlone) return step;
      this.#finish(batch, duplicateOf, ',"duplicate": true', reply);
      return "nothing";
    }
    if (!isAlone) return state.onRefused(error, isLast, tell);
    this.#end(batch);
    if (reply !== "") this.#stream.acks.refuse(reply, error);
    return "nothing";
  }

  /** The batch is over; says what of it there is. */
  #finish(batch: OpenBatch, seq: number, remark: string, reply: string): void {
    this.#end(batch);
    const { config, owner } = this.#stream;
    const { domain } = owner.jetStream;
    const inDomain = domain === "" ? "" : `"domain":${goQuote(toWireString(domain))},`;
    const head = `{"stream":${goQuote(config.name)},${inDomain}"seq":${seq}`;
    const tail = `${remark},"batch":${goQuote(batch.id)},"count":${batch.state.lastSeq}}`;
    this.#sayWhenDurable(reply, head + tail, true);
  }

  #teller(reply: string): (notice: FastBatchNotice, isStored: boolean) => void {
    return (notice, isStored) => {
      const text = toWireString(goJson(shown(notice)));
      if (isStored) this.#sayWhenDurable(reply, text, false);
      else this.#say(reply, text);
    };
  }

  /** Says something of what has been stored so far, in its turn. */
  #sayWhenDurable(reply: string, text: string, isFinal: boolean): void {
    const { position, durablePosition } = this.#stream.store;
    if (position > durablePosition) this.#waiting.push({ position, reply, text, isFinal });
    else this.#say(reply, text);
  }

  /** Both are wire strings. */
  #say(reply: string, text: string): void {
    this.#stream.acks.answer(reply, "", Buffer.from(text, "latin1"));
  }
}

/** A notice with its texts as they are, not as bytes on the wire. */
function shown(notice: FastBatchNotice): FastBatchNotice {
  if (notice.type !== "err") return notice;
  const { code, err_code, description } = notice.error;
  return { ...notice, error: { code, err_code, description: fromWireString(description) } };
}
