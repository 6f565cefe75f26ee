import { assert } from "../../base/assert.ts";

/** Lets a number of things happen at a time and others wait, in order, up to a number. */
export class Slots {
  #free: number;
  readonly #waitingMax: number;
  readonly #waiting = new Set<() => void>();

  constructor(count: number, waitingMax: number) {
    assert(count > 0, "there is a slot");
    this.#free = count;
    this.#waitingMax = waitingMax;
  }

  /** Resolves to true when a slot is had, which is to be given back, or at once to false when too many wait. */
  take(): Promise<boolean> {
    if (this.#free > 0) {
      this.#free--;
      return Promise.resolve(true);
    }
    if (this.#waiting.size >= this.#waitingMax) return Promise.resolve(false);
    return new Promise((resolve) => this.#waiting.add(() => resolve(true)));
  }

  /** Gives a slot to whoever waits longest. */
  give(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#free++;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}
