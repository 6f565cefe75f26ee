const MS_PER_SECOND = 1_000;
const BITS_PER_BYTE = 8;

/**
 * Keeps what is delivered to so many bits a second. A message may go out whenever nothing is owed; its size is then
 * owed, less what was saved up while nothing went out: at most one message of the largest size.
 */
export class RateLimit {
  readonly #bytesPerMs: number;
  readonly #burstBytes: number;
  #savedBytes: number;
  #lastMs = -Infinity;

  constructor(bitsPerSecond: number, burstBytes: number) {
    this.#bytesPerMs = bitsPerSecond / BITS_PER_BYTE / MS_PER_SECOND;
    this.#burstBytes = burstBytes;
    this.#savedBytes = burstBytes;
  }

  /** When the next message may go out. */
  readyMs(nowMs: number): number {
    this.#save(nowMs);
    return this.#savedBytes >= 0 ? nowMs : nowMs - this.#savedBytes / this.#bytesPerMs;
  }

  /** A message of `bytes` goes out. */
  spend(nowMs: number, bytes: number): void {
    this.#save(nowMs);
    this.#savedBytes -= bytes;
  }

  #save(nowMs: number): void {
    const passedMs = this.#lastMs === -Infinity ? 0 : nowMs - this.#lastMs;
    this.#lastMs = nowMs;
    this.#savedBytes = Math.min(this.#burstBytes, this.#savedBytes + passedMs * this.#bytesPerMs);
  }
}
