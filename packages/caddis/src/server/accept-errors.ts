import { Timer, type TimerQueue } from "../base/timer-queue.ts";
import type { Log } from "../io/log.ts";

/** So often at most a line tells of connections that could not be accepted; the reference's slowest pace, too. */
const TELL_INTERVAL_MS = 1_000;

/** Tells the log of connections that the system kept us from accepting: the first at once, more of them by their number. */
export class AcceptErrors {
  readonly #log: Log;
  readonly #timers: TimerQueue;
  /** Set while it is too early for another line. */
  readonly #pause = new Timer(() => this.#tell());
  #untoldCount = 0;
  #reason = "";

  constructor(log: Log, timers: TimerQueue) {
    this.#log = log;
    this.#timers = timers;
  }

  /** Takes one connection that was lost, and why. */
  add({ message }: Error): void {
    this.#untoldCount++;
    this.#reason = message;
    if (!this.#pause.isSet) this.#tell();
  }

  #tell(): void {
    if (this.#untoldCount === 0) return;
    this.#log.error(`Client Accept Error(${this.#reason}), connections refused: ${this.#untoldCount}`);
    this.#untoldCount = 0;
    this.#timers.setIn(this.#pause, TELL_INTERVAL_MS);
  }
}
