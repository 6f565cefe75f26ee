import { Timer } from "../base/timer-queue.ts";
import type { JetStreamAccount } from "./account.ts";
import type { Consumer } from "./consumer.ts";

/** How often every consumer is asked whether it could deliver and does not. */
const ROUND_MS = 5_000;
/** Consumers asked at a time, so that nobody else waits for thousands of them. */
const CONSUMERS_PER_TURN = 1_000;

/**
 * Looks after the consumers of an account: one that could deliver something and does not, for however odd a reason, is
 * set going again, and that is said in the log. It never should be.
 */
export class StallRounds {
  readonly #owner: JetStreamAccount;
  readonly #timer = new Timer(() => this.#goOn());
  /** Those of the round at hand that were not asked yet. */
  #rest: IterableIterator<Consumer> | null = null;

  constructor(owner: JetStreamAccount) {
    this.#owner = owner;
  }

  start(): void {
    this.#owner.account.broker.timers.setIn(this.#timer, ROUND_MS);
  }

  stop(): void {
    this.#owner.account.broker.timers.cancel(this.#timer);
  }

  #goOn(): void {
    const { timers } = this.#owner.account.broker;
    this.#rest ??= consumersOf(this.#owner);
    for (let asked = 0; asked < CONSUMERS_PER_TURN; asked++) {
      const { value: consumer, done } = this.#rest.next();
      if (done === true) {
        this.#rest = null;
        break;
      }
      this.#ask(consumer);
    }
    timers.setIn(this.#timer, this.#rest === null ? ROUND_MS : 0);
  }

  #ask(consumer: Consumer): void {
    const stall = consumer.stallCheck();
    if (stall === null) return;
    const { account } = this.#owner;
    const name = `${account.name} > ${consumer.stream.name} > ${consumer.name}`;
    account.broker.log.error(
      `JetStream consumer '${name}' delivered nothing for ${Math.round(stall.quietMs)}ms with ` +
        `${stall.numPending} messages pending; it was set going again`,
    );
  }
}

function* consumersOf(owner: JetStreamAccount): IterableIterator<Consumer> {
  for (const { consumers } of owner.streams.values()) yield* consumers.values();
}
