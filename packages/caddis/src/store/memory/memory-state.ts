import type { Instant } from "../../base/instant.ts";
import type { StreamState } from "../stream-store.ts";

/** The figures of a stream in memory; its store keeps them up. */
export class MemoryState implements StreamState {
  readonly #timeOf: (seq: number) => Instant | null;
  messages = 0;
  bytes = 0;
  firstSeq: number;
  lastSeq: number;
  subjectCount = 0;
  /** Nothing is damaged in memory. */
  readonly lostCount = 0;
  readonly lostBytes = 0;
  /** Of the last message, also when it is gone. */
  lastTimeMs = NaN;
  lastTimeNs = 0;

  /** `firstSeq`: what the first message gets; 0: 1. `timeOf`: null where there is no message. */
  constructor(firstSeq: number, timeOf: (seq: number) => Instant | null) {
    this.#timeOf = timeOf;
    this.firstSeq = firstSeq;
    this.lastSeq = Math.max(0, firstSeq - 1);
  }

  get firstTime(): Instant | null {
    return this.#timeOf(this.firstSeq);
  }

  get lastTime(): Instant | null {
    return Number.isNaN(this.lastTimeMs) ? null : { ms: this.lastTimeMs, ns: this.lastTimeNs };
  }

  get deletedCount(): number {
    return this.messages === 0 ? 0 : this.lastSeq - this.firstSeq + 1 - this.messages;
  }
}
