import { StoredMessage } from "../store/stored-message.ts";
import type { Consumer } from "./consumer.ts";
import type { Stream } from "./stream.ts";

/** Messages that are looked at in one turn when all of them have to be. */
const SWEEP_PER_TURN = 4096;

/** Removes what no consumer needs any more, from streams that keep messages for their consumers only. */
export class StreamRetention {
  readonly #stream: Stream;
  readonly #stored = new StoredMessage();
  /** The next sequence that a sweep looks at; 0: none is going on. */
  #sweepSeq = 0;
  #isStopped = false;

  constructor(stream: Stream) {
    this.#stream = stream;
  }

  /** A consumer has no more use for a message: it was acknowledged, given up, or passed without acknowledgement. */
  onDone(consumer: Consumer, seq: number): void {
    const { config, removals, store } = this.#stream;
    if (config.retention === "limits") return;
    if (config.retention === "interest" && this.#isNeeded(seq, consumer)) return;
    if (removals.remove(seq)) store.commit();
  }

  /** Looks at all messages, some each turn: consumers have gone, or were more durable than the removal of what they had done. */
  sweep(): void {
    const { config, store, removals, consumers } = this.#stream;
    if (config.retention === "limits" || store.state.messages === 0) return;
    if (config.retention === "interest" && consumers.size === 0) {
      removals.removeBefore(store.state.lastSeq + 1);
      store.commit();
      return;
    }
    const isGoingOn = this.#sweepSeq > 0;
    this.#sweepSeq = Math.max(store.state.firstSeq, 1);
    if (!isGoingOn) this.#sweepSome();
  }

  stop(): void {
    this.#isStopped = true;
  }

  #sweepSome(): void {
    const { store, removals, owner } = this.#stream;
    const all = store.filter([]);
    let seq = this.#isStopped ? 0 : store.next(all, this.#sweepSeq);
    for (let left = SWEEP_PER_TURN; seq > 0 && left > 0; left--) {
      if (this.#mayGo(seq)) removals.remove(seq);
      this.#sweepSeq = seq + 1;
      seq = store.next(all, this.#sweepSeq);
    }
    store.commit();
    if (seq > 0) owner.account.broker.clock.nextTurn(() => this.#sweepSome());
    else this.#sweepSeq = 0;
  }

  /** In a work queue a message that no consumer takes waits for one that will. */
  #mayGo(seq: number): boolean {
    const { config, interest, store } = this.#stream;
    if (config.retention === "limits" || this.#isNeeded(seq, null)) return false;
    if (config.retention === "interest") return true;
    return store.load(seq, this.#stored) === "loaded" && interest.hasInterest(this.#stored.subject);
  }

  /** Whether another consumer than `done` still needs the message. */
  #isNeeded(seq: number, done: Consumer | null): boolean {
    const { consumers, store } = this.#stream;
    if (consumers.size === (done === null ? 0 : 1)) return false;
    if (store.load(seq, this.#stored) !== "loaded") return false;
    const { subject } = this.#stored;
    for (const consumer of consumers.values())
      if (consumer !== done && consumer.needs(seq, subject)) return true;
    return false;
  }
}
