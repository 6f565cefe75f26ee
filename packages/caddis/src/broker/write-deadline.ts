import { STUCK_WRITE_MS } from "../base/limits.ts";
import { Timer } from "../base/timer-queue.ts";
import type { Broker } from "./broker.ts";

/** How long a connection's write takes that did not go through at once, and when that is too long (`write_deadline`). */
export class WriteDeadline {
  readonly #broker: Broker;
  readonly #onMissed: (isRepeated: boolean) => void;
  readonly #timer = new Timer(() => this.#onDue());
  /** When the write began, monotonic milliseconds. */
  #startMs = 0;
  #isWriting = false;
  /** Whether it was missed already by this write. */
  #isMissed = false;

  /** `onMissed` hears of it each time the deadline passes; `isRepeated`: not for the first time with this write. */
  constructor(broker: Broker, onMissed: (isRepeated: boolean) => void) {
    this.#broker = broker;
    this.#onMissed = onMissed;
  }

  /** Whether the write has taken so long that the peer seems to take nothing at all. */
  get isStuck(): boolean {
    return this.#broker.clock.monotonicMs() - this.#startMs > STUCK_WRITE_MS;
  }

  /** A write has begun. */
  begin(): void {
    this.#startMs = this.#broker.clock.monotonicMs();
    this.#isWriting = true;
  }

  /** Has `onMissed` called unless the write is through before `write_deadline` from now. */
  arm(): void {
    this.#broker.timers.setIn(this.#timer, this.#broker.options.write_deadline);
  }

  /** The write is through. */
  end(): void {
    const { timing, clock } = this.#broker;
    if (timing !== null && this.#isWriting) timing.onSlowWrite(clock.monotonicMs() - this.#startMs);
    this.#isWriting = false;
    this.disarm();
  }

  /** Nobody wants to hear of it any more. */
  disarm(): void {
    this.#broker.timers.cancel(this.#timer);
    this.#isMissed = false;
  }

  #onDue(): void {
    const isRepeated = this.#isMissed;
    this.#isMissed = true;
    this.#onMissed(isRepeated);
  }
}
