import type { Account } from "../broker/account.ts";
import type { Broker } from "../broker/broker.ts";
import { StoredDelivery } from "./deliver-stored.ts";

/** Messages that one consumer delivers before another one of its stream has its turn. */
const DELIVERIES_PER_SLICE = 256;
/** Messages that the consumers of a stream deliver in one turn of the loop: about a millisecond. */
const DELIVERIES_PER_TURN = 2_048;
/**
 * Times in a row that they begin without waiting for the next turn. What they deliver may be stored in a stream, even
 * their own, and be delivered again: that must not go on for ever in one turn.
 */
const STARTS_AT_ONCE_MAX = 8;

/** Somebody who has messages to deliver from time to time. */
export interface Deliverer {
  /** Whether it stands in the queue already; kept by the queue. */
  isScheduled: boolean;
  /** Delivers up to `budget` messages; returns how many. It wants another turn when they are as many as that. */
  onTurn(budget: number): number;
}

/**
 * Consumers of one stream that have something to deliver. They begin once the input at hand is parsed, so that all
 * it brings is dealt with together and nothing is delivered within the delivery of something else; and they yield to
 * others after a while.
 */
export class ConsumerTurns {
  #waiting: Deliverer[] = [];
  #isAsked = false;
  #startsAtOnce = 0;
  #delivery: StoredDelivery | null = null;

  /** What all of them deliver with, one after the other: the memory in which a message is written out. */
  delivery(account: Account): StoredDelivery {
    return (this.#delivery ??= new StoredDelivery(account));
  }

  schedule(deliverer: Deliverer, broker: Broker): void {
    if (deliverer.isScheduled) return;
    deliverer.isScheduled = true;
    this.#waiting.push(deliverer);
    if (this.#isAsked) return;
    this.#isAsked = true;
    if (++this.#startsAtOnce <= STARTS_AT_ONCE_MAX) queueMicrotask(() => this.#run(broker));
    else this.#runNextTurn(broker);
  }

  #runNextTurn(broker: Broker): void {
    this.#startsAtOnce = 0;
    broker.clock.nextTurn(() => this.#run(broker));
  }

  #run(broker: Broker): void {
    let left = DELIVERIES_PER_TURN;
    // Some may be added while this goes on; each that can't finish its slice waits behind the others.
    let next = 0;
    const queue = this.#waiting;
    while (next < queue.length && left > 0) {
      const deliverer = queue[next++];
      deliverer.isScheduled = false;
      const delivered = deliverer.onTurn(DELIVERIES_PER_SLICE);
      // A turn in which nothing is delivered costs something as well.
      left -= Math.max(1, delivered);
      if (delivered < DELIVERIES_PER_SLICE || deliverer.isScheduled) continue;
      deliverer.isScheduled = true;
      queue.push(deliverer);
    }
    queue.splice(0, next);
    this.#isAsked = queue.length > 0;
    if (this.#isAsked) this.#runNextTurn(broker);
    broker.flusher.flush();
  }
}
