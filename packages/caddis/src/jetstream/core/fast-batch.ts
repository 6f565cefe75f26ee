/**
 * Fast batches: a client numbers its messages in their reply subjects and is told now and then how far they have been
 * stored, and how often it will be told. Here is what happens to one such batch, message by message; who owns it
 * stores the messages and sends the answers.
 */

import { type ApiError } from "./api-error.ts";
import type { FastBatchReply } from "./fast-batch-reply.ts";

/** One flow acknowledgement stands for at most so many messages of all batches of a stream together. */
const FLOW_MESSAGES_MAX = 500;

/** What a client is told about a batch, before its final acknowledgement. Field order is the reference's. */
export type FastBatchNotice =
  /** Messages up to `seq` have been stored; the next such notice comes after `msgs` more. */
  | { readonly type: "ack"; readonly seq: number; readonly msgs: number }
  /** `last_seq` was to come next, and `seq` came. */
  | { readonly type: "gap"; readonly last_seq: number; readonly seq: number }
  /** Message `seq` was refused. */
  | { readonly type: "err"; readonly seq: number; readonly error: ApiError };

/** What is to be done about a message of a batch that goes on, besides telling the client. */
export type FastBatchStep =
  /** The message is to be stored, and `onStored`, `onDuplicate` or `onRefused` called. */
  | "store"
  | "nothing"
  /** The batch is over: its client gets the final acknowledgement. */
  | "finish";

/** How the client is told: `isStored` notices speak of stored messages and wait until these are durable. */
export type TellClient = (notice: FastBatchNotice, isStored: boolean) => void;

/** One batch, from its first message until it is committed, ends at a gap or is given up. */
export class FastBatch {
  readonly isGapFine: boolean;
  /** The last sequence of the batch that came. */
  lastSeq = 0;
  /** The stream's sequence of the last message that was stored; 0: none was. */
  streamSeq = 0;
  /** As `lastSeq`, of what has been dealt with. */
  #doneSeq = 0;
  /** What the client was told last. */
  #toldSeq = 0;
  #flow: number;
  readonly #flowMax: number;

  /** `count`: batches that the stream has, this one included. */
  constructor({ isGapFine, flow }: FastBatchReply, count: number) {
    this.isGapFine = isGapFine;
    this.#flowMax = flow;
    // Alone it may go ahead; among others it starts slowly.
    this.#flow = count > 1 ? 1 : Math.min(FLOW_MESSAGES_MAX, flow);
  }

  /** A message of the batch has come. `count`: as before. */
  take(reply: FastBatchReply, count: number, tell: TellClient): FastBatchStep {
    if (reply.operation === "ping") return this.#ping(reply.seq, count, tell);
    this.lastSeq++;
    if (reply.seq !== this.lastSeq) {
      tell({ type: "gap", last_seq: this.lastSeq, seq: reply.seq }, false);
      if (!this.isGapFine || reply.seq < this.lastSeq) {
        this.lastSeq--;
        return "finish";
      }
      this.lastSeq = reply.seq;
    }
    if (reply.operation === "commitEnd") {
      this.lastSeq--;
      return "finish";
    }
    return "store";
  }

  /** The flow acknowledgement that a batch begins with. */
  begin(tell: TellClient): void {
    tell({ type: "ack", seq: 0, msgs: this.#flow }, false);
  }

  /** The message at hand is stored under `streamSeq`. */
  onStored(streamSeq: number, isLast: boolean, count: number, tell: TellClient): FastBatchStep {
    this.streamSeq = streamSeq;
    this.#doneSeq = this.lastSeq;
    if (isLast) return "finish";
    this.#tellProgress(count, tell);
    return "nothing";
  }

  /** The stream had the message at hand already: no more is to be done. */
  onDuplicate(isLast: boolean, count: number, tell: TellClient): FastBatchStep {
    this.#doneSeq = this.lastSeq;
    this.#tellProgress(count, tell);
    return isLast ? "finish" : "nothing";
  }

  /** The message at hand could not be stored: the batch ends before it, unless gaps are fine. */
  onRefused(error: ApiError, isLast: boolean, tell: TellClient): FastBatchStep {
    tell({ type: "err", seq: this.lastSeq, error }, false);
    if (this.isGapFine && !isLast) return "nothing";
    this.lastSeq--;
    return "finish";
  }

  /** The client asks how far things are; `seq` is the last message it has sent. */
  #ping(seq: number, count: number, tell: TellClient): FastBatchStep {
    let isTold = false;
    if (seq > this.lastSeq) {
      tell({ type: "gap", last_seq: this.lastSeq + 1, seq: seq + 1 }, false);
      if (!this.isGapFine) return "finish";
      this.lastSeq = seq;
      this.#doneSeq = seq;
      isTold = this.#tellProgress(count, tell);
    }
    if (!isTold) this.#tellFlow(tell);
    return "nothing";
  }

  /** Tells how far things are where it is time to; false: it is not. */
  #tellProgress(count: number, tell: TellClient): boolean {
    const steps = Math.floor((this.#doneSeq - this.#toldSeq) / this.#flow);
    if (steps < 1) return false;
    this.#toldSeq += steps * this.#flow;
    this.#adaptFlow(count);
    this.#tellFlow(tell);
    return true;
  }

  /** Doubles or halves the messages between notices, towards a fair share of what all batches may have together. */
  #adaptFlow(count: number): void {
    const fair = Math.max(1, Math.floor(FLOW_MESSAGES_MAX / count));
    const goal = Math.min(fair, this.#flowMax);
    if (this.#flow < goal) this.#flow = Math.min(goal, this.#flow * 2);
    else if (this.#flow > goal) this.#flow = Math.max(goal, Math.floor(this.#flow / 2));
  }

  #tellFlow(tell: TellClient): void {
    tell({ type: "ack", seq: this.#toldSeq, msgs: this.#flow }, true);
  }
}
