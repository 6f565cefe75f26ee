import type { ConsumerPort } from "./consumer-port.ts";
import type { PendingMessage } from "./consumer-pending.ts";
import type { ConsumerState } from "./consumer-state.ts";
import { type ConsumerTerms, waitMs } from "./consumer-terms.ts";

/** Why a message that was pending is told to be terminated though nobody said so. */
const UNACKED_DELETED = "Unacknowledged message was deleted";

const NS_PER_MS = 1e6;
const ALL_PERCENT = 100;

/** What an acknowledgement names: the message, and its delivery as the subject says it. */
export interface Acked {
  readonly seq: number;
  readonly consumerSeq: number;
  readonly deliveries: number;
}

/**
 * What acknowledgements do to the state of a consumer, and what becomes of messages that nobody acknowledges.
 * Methods return whether something changed.
 */
export class ConsumerAcks {
  terms: ConsumerTerms;
  readonly #state: ConsumerState;
  readonly #port: ConsumerPort;

  constructor(state: ConsumerState, terms: ConsumerTerms, port: ConsumerPort) {
    this.#state = state;
    this.terms = terms;
    this.#port = port;
  }

  /** Whether no more may be delivered before something is acknowledged. */
  get isFull(): boolean {
    return this.#state.pending.size >= this.terms.maxAckPending;
  }

  /** `isMeasured`: it counts for metrics; terminations don't. */
  ack(acked: Acked, nowMs: number, isMeasured: boolean): boolean {
    return this.terms.acksCoverAll ? this.#ackUpTo(acked) : this.#ackOne(acked, nowMs, isMeasured);
  }

  /** To be delivered again: at once, or after `delayMs`. */
  nak({ seq, consumerSeq, deliveries }: Acked, delayMs: number | null, nowMs: number): boolean {
    const { pending, floorConsumer, deliveredConsumer } = this.#state;
    const message = pending.get(seq);
    if (message === undefined || consumerSeq <= floorConsumer || consumerSeq > deliveredConsumer + 1)
      return false;
    this.#port.advise({ kind: "naked", consumerSeq, streamSeq: seq, deliveries });
    if (delayMs === null) this.#redeliver(message);
    else pending.schedule(message, nowMs + Math.max(0, delayMs));
    return true;
  }

  /** Never to be delivered again, though it was not dealt with. */
  term(acked: Acked, reason: string, nowMs: number): boolean {
    const { seq: streamSeq, consumerSeq, deliveries } = acked;
    const hasChanged = this.ack(acked, nowMs, false);
    this.#port.advise({ kind: "terminated", consumerSeq, streamSeq, deliveries, reason });
    return hasChanged;
  }

  /** Somebody is at it: the wait begins anew. */
  progress(seq: number, nowMs: number): boolean {
    const message = this.#state.pending.get(seq);
    if (message === undefined) return false;
    message.startMs = nowMs;
    // One that is queued already is delivered again all the same, as in the reference.
    if (!message.isQueued)
      this.#state.pending.schedule(message, nowMs + waitMs(this.terms, this.#state.deliveries(seq)));
    return true;
  }

  /** Queues what is due for redelivery, or gives it up. */
  expire(nowMs: number): boolean {
    const { pending } = this.#state;
    if (pending.dueMs > nowMs) return false;
    for (const message of pending.takeDue(nowMs)) {
      message.startMs = nowMs;
      this.#redeliver(message);
    }
    return true;
  }

  /** Until when somebody may be at work on what was delivered; -Infinity: on nothing. Looks at all that is pending. */
  busyUntilMs(): number {
    let until = -Infinity;
    for (const { seq, startMs } of this.#state.pending)
      until = Math.max(until, startMs + waitMs(this.terms, this.#state.deliveries(seq)));
    return until;
  }

  /** All that is pending is to be delivered again, to somebody else. */
  redeliverAll(): void {
    for (const message of this.#state.pending) this.#redeliver(message);
  }

  /** The message to be delivered again next, out of those that may be; null: none. */
  nextRedelivery(): PendingMessage | null {
    const { pending } = this.#state;
    for (let message = pending.queueFirst; message !== null; message = pending.queueFirst) {
      if (this.#state.deliveries(message.seq) < this.terms.maxDeliver) return message;
      this.#giveUp(message);
    }
    return null;
  }

  /** A message went out for the first time. */
  onDelivered(seq: number, nowMs: number): void {
    const state = this.#state;
    state.deliveredConsumer++;
    state.deliveredStream = Math.max(state.deliveredStream, seq);
    if (this.terms.expectsAcks) {
      state.pending.add(seq, state.deliveredConsumer, nowMs, nowMs + waitMs(this.terms, 1));
    } else {
      state.floorConsumer = state.deliveredConsumer;
      state.floorStream = state.deliveredStream;
      this.#port.done(seq);
    }
  }

  /** A message went out again. */
  onRedelivered(message: PendingMessage, nowMs: number): void {
    const state = this.#state;
    const deliveries = state.deliveries(message.seq) + 1;
    state.redelivered.set(message.seq, deliveries - 1);
    state.deliveredConsumer++;
    message.startMs = nowMs;
    state.pending.schedule(message, nowMs + waitMs(this.terms, deliveries));
  }

  /** A message is gone from the stream. */
  onRemoved(seq: number): boolean {
    const { pending, redelivered } = this.#state;
    const message = pending.get(seq);
    if (message === undefined) return redelivered.size > 0 && redelivered.delete(seq);
    const { consumerSeq } = message;
    const deliveries = this.#state.deliveries(seq);
    this.#settle(message);
    const reason = UNACKED_DELETED;
    this.#port.advise({ kind: "terminated", consumerSeq, streamSeq: seq, deliveries, reason });
    return true;
  }

  /** Many messages are gone; `isThere` says which are not. */
  onPurged(isThere: (seq: number) => boolean): boolean {
    const { pending, redelivered } = this.#state;
    const pendingBefore = pending.size;
    for (const message of pending) if (!isThere(message.seq)) this.#settle(message);
    for (const seq of redelivered.keys()) if (!isThere(seq)) redelivered.delete(seq);
    return pending.size < pendingBefore;
  }

  #ackOne({ seq, consumerSeq, deliveries }: Acked, nowMs: number, isMeasured: boolean): boolean {
    const { pending, redelivered } = this.#state;
    const message = pending.get(seq);
    if (message !== undefined) {
      if (isMeasured && this.#isSampled()) {
        const delay = Math.round((nowMs - message.startMs) * NS_PER_MS);
        this.#port.advise({ kind: "acked", consumerSeq, streamSeq: seq, delay, deliveries });
      }
      this.#settle(message);
    } else if (redelivered.size === 0 || !redelivered.delete(seq)) {
      return false;
    }
    this.#port.done(seq);
    return true;
  }

  #ackUpTo({ seq, consumerSeq }: Acked): boolean {
    const state = this.#state;
    if (consumerSeq <= state.floorConsumer || seq <= state.floorStream) return false;
    const done: number[] = [];
    for (let message = state.pending.first; message !== null && message.seq <= seq;) {
      done.push(message.seq);
      this.#forget(message);
      message = state.pending.first;
    }
    for (const each of state.redelivered.keys()) {
      if (each > seq) continue;
      state.redelivered.delete(each);
      done.push(each);
    }
    // A number of a second delivery may be higher than the first of a message that is still pending.
    const last = (state.pending.first?.consumerSeq ?? Infinity) - 1;
    state.floorConsumer = Math.max(state.floorConsumer, Math.min(consumerSeq, state.deliveredConsumer, last));
    state.floorStream = Math.min(seq, state.deliveredStream);
    if (state.pending.size === 0) state.raiseFloor();
    for (const each of done) this.#port.done(each);
    return true;
  }

  /** It is done with: no longer pending, and the floor may rise. */
  #settle(message: PendingMessage): void {
    const wasFirst = this.#state.pending.first === message;
    this.#forget(message);
    if (wasFirst) this.#state.raiseFloor();
  }

  #forget(message: PendingMessage): void {
    const { pending, redelivered } = this.#state;
    if (redelivered.size > 0) redelivered.delete(message.seq);
    pending.remove(message);
  }

  #redeliver(message: PendingMessage): void {
    if (this.#state.deliveries(message.seq) >= this.terms.maxDeliver) this.#giveUp(message);
    else this.#state.pending.enqueue(message);
  }

  /** It was delivered as often as may be. That it was is remembered, since nobody is done with it. */
  #giveUp(message: PendingMessage): void {
    const { seq } = message;
    const deliveries = this.#state.deliveries(seq);
    this.#settle(message);
    this.#state.redelivered.set(seq, Math.max(1, deliveries - 1));
    this.#port.advise({ kind: "maxDeliveries", streamSeq: seq, deliveries });
  }

  #isSampled(): boolean {
    const percent = this.terms.samplePercent;
    return percent > 0 && (percent >= ALL_PERCENT || this.#port.percent() <= percent);
  }
}
