import type { Clock } from "../io/clock.ts";
import type { Log } from "../io/log.ts";
import type { StoreFailure } from "../store/stream-store.ts";

/** A disk that is full, has room and is full again tells so at most that often. */
const AGAIN_MS = 10_000;

/** Says in the log when a stream can't write, and when it can again. */
export class StoreFaultLog {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #what: string;
  #told: StoreFailure["kind"] | null = null;
  #toldMs = -AGAIN_MS;

  /** `what` names the stream, for people. */
  constructor(log: Log, clock: Clock, what: string) {
    this.#log = log;
    this.#clock = clock;
    this.#what = what;
  }

  /** To be called whenever the stream's store may stand otherwise: costs nothing while all is well. */
  note(failure: StoreFailure | null): void {
    const kind = failure?.kind ?? null;
    if (kind !== this.#told) this.#tell(failure);
  }

  #tell(failure: StoreFailure | null): void {
    if (failure === null) this.#log.info(`${this.#what} is written to the disk again`);
    else if (failure.kind === "failed")
      this.#log.error(`${this.#what} stores nothing more until the next start: ${failure.reason}`);
    else {
      const now = this.#clock.monotonicMs();
      if (now - this.#toldMs < AGAIN_MS) return;
      this.#toldMs = now;
      this.#log.error(`${this.#what} can't be written to the disk, which is tried again: ${failure.reason}`);
    }
    this.#told = failure?.kind ?? null;
  }
}
