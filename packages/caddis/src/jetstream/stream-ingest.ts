import type { Message } from "../broker/message.ts";
import type { MessageTrace } from "../broker/message-trace.ts";
import type { Receiver, Subscription } from "../broker/subscription.ts";
import { fromWireString } from "../subject/subject.ts";
import { goQuote } from "../base/go-quote.ts";
import { type ApiError, apiError } from "./core/api-error.ts";
import { withHeaderSet, withoutHeader, withoutStatus } from "./core/header-edit.ts";
import { decide, SEQUENCE_MAX, type Verdict } from "./core/ingest.ts";
import { enforceLimits } from "./core/limits.ts";
import { Publish } from "./core/publish.ts";
import { traceProblem } from "./core/trace-problem.ts";
import { ACK_TAIL, DUPLICATE_TAIL } from "./pub-acks.ts";
import { StreamFacts } from "./stream-facts.ts";
import type { Stream } from "./stream.ts";

const MS_PER_SECOND = 1000;
const NS_PER_MS = 1e6;
/** Where the first line of a header block ends that has no status. */
const VERSION_BYTES = 8;
const CR = 0x0d;

/** The way into a stream: decides about what is published, stores it, and has it acknowledged. */
export class StreamIngest extends StreamFacts implements Receiver {
  readonly takesImports = true;
  readonly #stream: Stream;
  readonly #publish = new Publish();
  /** False: nothing is taken, as if nobody were there. */
  isOpen = false;

  constructor(stream: Stream) {
    super(stream);
    this.#stream = stream;
  }

  receive(message: Message, subscription: Subscription): boolean {
    if (!this.isOpen) return false;
    const publish = this.#read(message, subscription);
    if (message.trace !== null) this.#takeTraced(publish, message, message.trace);
    else if (!this.#stream.batches.take(publish, message))
      this.#answer(this.#decided(publish), publish, message);
    return true;
  }

  /** Says in the trace what becomes of the message, or would: then it is not stored, and only a refusal is answered. */
  #takeTraced(publish: Publish, message: Message, trace: MessageTrace): void {
    const step = trace.addJetStream(this.config.name);
    const { lastSeq } = this;
    if (!trace.isTraceOnly && this.#stream.batches.take(publish, message)) {
      // Of a batch nothing may be stored yet.
      if (this.lastSeq > lastSeq) step.subject = fromWireString(publish.subject);
      return;
    }
    const verdict = this.refusalByBacklog() ?? decide(publish, this);
    if (verdict === "store" || verdict === "skip") {
      step.subject = fromWireString(publish.subject);
      if (verdict === "skip") step.nointerest = true;
    } else step.error = traceProblem(verdict, publish, this);
    if (!trace.isTraceOnly) this.#carryOut(verdict, publish);
    else if (verdict === "store" || verdict === "skip") return;
    this.#answer(verdict, publish, message);
  }

  /**
   * A message of the server itself: decided about like any other, and answered to nobody. Subject and headers are wire
   * strings; `isChecked`: all that is asked is whether there is room.
   */
  publish(subject: string, headers: string, payload: Uint8Array, isChecked = false): Verdict {
    const publish = new Publish();
    publish.subject = subject;
    publish.setContent(headers, payload);
    this.#stamp(publish);
    publish.begin();
    publish.isChecked = isChecked;
    return this.#decided(publish);
  }

  /**
   * Takes a message of another stream, that `publish` was filled with for this purpose (`isSourced`). `seq`: a mirror
   * stores it with the sequence that it has there, which is past the last one; what is left out before it counts as
   * deleted. 0: the next sequence.
   */
  storeSourced(publish: Publish, seq: number): Verdict {
    const { store } = this.#stream;
    const { failure } = store;
    if (failure !== null) return apiError("streamStoreFailed", { err: failure.reason });
    if (seq > SEQUENCE_MAX) return apiError("streamStoreFailed", { err: "no sequences left" });
    const verdict = decide(publish, this);
    if (verdict !== "store" && verdict !== "skip") return verdict;
    // It stays where messages do not go by themselves.
    if (!this.config.allow_msg_ttl) publish.ttlSeconds = 0;
    if (seq > store.state.lastSeq + 1) store.skipTo(seq);
    if (verdict === "store") this.store(publish);
    else this.skip(publish);
    return verdict;
  }

  /** Stores a message that has been decided about, and returns its sequence. */
  store(publish: Publish): number {
    const stream = this.#stream;
    const { store, republisher } = stream;
    const { subject, timeMs, ttlSeconds, msgId, rollup } = publish;
    const destination = republisher === null ? "" : republisher.destination(subject);
    const previousSeq = destination === "" ? 0 : store.lastSeqOf(subject);
    const expiresMs = ttlSeconds > 0 ? timeMs + ttlSeconds * MS_PER_SECOND : 0;
    const seq = store.append(
      subject,
      publish.buf,
      publish.headersStart,
      publish.payloadStart,
      publish.payloadEnd,
      timeMs,
      publish.timeNs,
      expiresMs,
    );
    this.#remember(msgId, seq, timeMs);
    stream.onStored(seq, subject, publish.payloadEnd - publish.headersStart);
    stream.removals.isReplacing = true;
    enforceLimits(stream.config, store, subject, stream.removals);
    if (rollup !== "" || publish.headers.isAny) this.#rollUp(publish, 1);
    stream.removals.isReplacing = false;
    stream.noteUsage();
    stream.expiry.onStored(expiresMs, msgId !== "");
    stream.schedules?.onStored(seq, subject, publish.headers, { ms: timeMs, ns: publish.timeNs });
    if (destination !== "") republisher?.publish(destination, publish, seq, previousSeq);
    store.commit();
    return seq;
  }

  /** Uses up a sequence for a message that no consumer wants; returns it. */
  skip(publish: Publish): number {
    const { store } = this.#stream;
    const { subject, buf, timeMs, timeNs } = publish;
    // Stored without its content and removed at once: so the stream knows when its last message came.
    const seq = store.append(subject, buf, 0, 0, 0, timeMs, timeNs, 0);
    if (store.state.messages === 1) store.removeBefore(seq + 1);
    else store.remove(seq, false);
    this.#remember(publish.msgId, seq, publish.timeMs);
    if (publish.headers.isAny) this.#rollUp(publish, 0);
    store.commit();
    this.#stream.settleSoon();
    return seq;
  }

  /** The end of the acknowledgement of a message that was stored. */
  tailOf({ counterValue }: Publish): string {
    return counterValue === null ? ACK_TAIL : `,"val":${goQuote(counterValue)}}`;
  }

  /** Whether so much waits for the disk that no more is taken. */
  refusalByBacklog(): ApiError | null {
    const { failure } = this.#stream.store;
    if (failure !== null) return apiError("streamStoreFailed", { err: failure.reason });
    return this.#stream.isBackedUp() ? apiError("streamTooManyRequests") : null;
  }

  #decided(publish: Publish): Verdict {
    const verdict = this.refusalByBacklog() ?? decide(publish, this);
    this.#carryOut(verdict, publish);
    return verdict;
  }

  #carryOut(verdict: Verdict, publish: Publish): void {
    if (verdict === "store") this.store(publish);
    else if (verdict === "skip") this.skip(publish);
  }

  /** Acknowledges or refuses, where somebody waits for it. */
  #answer(verdict: Verdict, publish: Publish, message: Message): void {
    const { replyStart, replyEnd, input } = message;
    const stream = this.#stream;
    if (replyStart === replyEnd || stream.config.no_ack) return;
    const { store, acks } = stream;
    if (typeof verdict === "object") {
      const reply = input.buf.latin1Slice(replyStart, replyEnd);
      if (verdict.code === 429) acks.refuseTooMany(reply, verdict);
      else acks.refuse(reply, verdict);
      return;
    }
    const isDuplicate = verdict === "duplicate";
    // What a duplicate repeats may itself not be durable yet.
    const seq = isDuplicate ? publish.duplicateOf : store.state.lastSeq;
    const tail = isDuplicate ? DUPLICATE_TAIL : this.tailOf(publish);
    acks.push(store.position, seq, tail, input.buf, replyStart, replyEnd);
    if (isDuplicate) stream.settleSoon();
  }

  #read(message: Message, subscription: Subscription): Publish {
    const publish = this.#publish;
    const { buf } = message.input;
    publish.subject = this.#stream.subjects.storedUnder(message, subscription);
    publish.buf = buf;
    publish.headersStart = message.payloadStart;
    publish.payloadStart = message.payloadStart + message.headerBytes;
    publish.payloadEnd = message.payloadEnd;
    this.#stamp(publish);
    publish.begin();
    if (message.headerBytes > 0) tidyHeaders(publish, message);
    return publish;
  }

  #stamp(publish: Publish): void {
    const nowMs = this.#stream.owner.account.broker.clock.nowMs();
    publish.timeMs = Math.floor(nowMs);
    publish.timeNs = Math.floor((nowMs - publish.timeMs) * NS_PER_MS);
  }

  #remember(msgId: string, seq: number, timeMs: number): void {
    this.lastMsgId = msgId;
    if (msgId !== "") this.#stream.duplicates.add(msgId, seq, timeMs);
  }

  /** Removes what the message makes obsolete, all but the last `keep` of it. */
  #rollUp({ rollup, subject, headers }: Publish, keep: number): void {
    const { config, removals, store } = this.#stream;
    if (!config.allow_rollup_hdrs || config.deny_purge) return;
    if (rollup === "sub") removals.keepLast(subject, keep);
    else if (rollup === "all") removals.purgeBefore(store.state.lastSeq + 1 - keep);
    const scheduler = headers.get("Nats-Schedule-Next") === "purge" ? headers.get("Nats-Scheduler") : "";
    if (scheduler !== "") removals.keepLast(scheduler, 0);
  }
}

/** Takes out of the headers what is between servers and clients and not to be stored. */
function tidyHeaders(publish: Publish, { trace }: Message): void {
  const { buf, headersStart, headers } = publish;
  const hasStatus = buf[headersStart + VERSION_BYTES] !== CR;
  const hasInfo = headers.has("Nats-Request-Info");
  if (!hasStatus && !hasInfo && trace === null) return;
  let text = publish.headerText();
  if (hasStatus) text = withoutStatus(text);
  if (trace !== null) text = withHeaderSet(text, "Nats-Trace-Dest", "trace disabled");
  if (hasInfo) text = withoutHeader(text, "Nats-Request-Info");
  publish.setHeaders(text);
}
