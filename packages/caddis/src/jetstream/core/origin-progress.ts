import type { DeliveryReply } from "./delivery-reply.ts";

/** What is to be done with a delivered message: store it, leave it, or ask for what was lost before it. */
export type ProgressVerdict = "take" | "ignore" | "gap";

/** How far a stream is with what it mirrors or sources, and whether something was lost on the way. */
export class OriginProgress {
  /** The last sequence of the origin that is done with. */
  seq = 0;
  /** The last delivery of the present consumer. */
  delivered = 0;
  /** Messages that are still to come, as of the last delivery. */
  lag = 0;

  /** A consumer begins to deliver what follows `seq`. */
  begin(seq: number): void {
    this.seq = seq;
    this.delivered = 0;
  }

  /** A message was delivered; `isMirror`: the next sequence is the next, whatever the consumer counts. */
  onDelivery(reply: DeliveryReply, isMirror: boolean): ProgressVerdict {
    const { deliveries, streamSeq, consumerSeq, pending } = reply;
    if (deliveries > 1) return "ignore";
    const isNext = consumerSeq === this.delivered + 1;
    if (streamSeq <= this.seq) {
      if (isNext) this.delivered++;
      return "ignore";
    }
    if (!isNext && !(isMirror && streamSeq === this.seq + 1))
      return isMirror || consumerSeq > this.delivered ? "gap" : "ignore";
    this.delivered = consumerSeq;
    this.seq = streamSeq;
    this.lag = Math.max(0, pending - 1);
    return "take";
  }

  /** Whether a consumer that has delivered `last` messages (0: nothing said) has delivered some that never came. */
  hasLost(last: number): boolean {
    return last > 0 && last !== this.delivered;
  }
}
