import type { Instant } from "../../base/instant.ts";
import type { StreamState } from "../stream-store.ts";

/** The figures of a file store; `firstTime` is looked up when it is asked for. */
export class FileState implements StreamState {
  messages = 0;
  bytes = 0;
  firstSeq = 0;
  lastSeq = 0;
  subjectCount = 0;
  lostCount = 0;
  lostBytes = 0;
  lastMs = 0;
  lastNs = 0;
  hasLast = false;
  /** Which message's time `#firstMs` and `#firstNs` are. */
  #firstTimeOf: number = -1;
  #firstMs = NaN;
  #firstNs = 0;
  readonly #timeOf: (seq: number) => Instant | null;

  /** `timeOf`: the time of a message that is there; null where it can't be read. */
  constructor(timeOf: (seq: number) => Instant | null) {
    this.#timeOf = timeOf;
  }

  get firstTime(): Instant | null {
    if (this.messages === 0) return null;
    if (this.#firstTimeOf !== this.firstSeq) {
      const time = this.#timeOf(this.firstSeq);
      this.noteFirstTime(time?.ms ?? NaN, time?.ns ?? 0);
    }
    return this.knownFirstTime;
  }

  /** The time of the first message where it need not be looked up; null: it has to be, or it can't be read. */
  get knownFirstTime(): Instant | null {
    if (this.#firstTimeOf !== this.firstSeq || Number.isNaN(this.#firstMs)) return null;
    return { ms: this.#firstMs, ns: this.#firstNs };
  }

  /** Tells the time of the first message, which is at `firstSeq`. */
  noteFirstTime(ms: number, ns: number): void {
    this.#firstTimeOf = this.firstSeq;
    this.#firstMs = ms;
    this.#firstNs = ns;
  }

  get lastTime(): Instant | null {
    return this.hasLast ? { ms: this.lastMs, ns: this.lastNs } : null;
  }

  get deletedCount(): number {
    return this.messages === 0 ? 0 : this.lastSeq - this.firstSeq + 1 - this.messages;
  }
}
