/** Messages that were stored and can't be read. */
export interface LostRange {
  readonly from: number;
  readonly to: number;
  /** How many of these sequences; the others had been removed before. */
  readonly count: number;
  readonly bytes: number;
}

/** What a stream has lost, between its first and last message. */
export class LostMessages {
  #ranges: LostRange[] = [];
  count = 0;
  bytes = 0;

  get ranges(): readonly LostRange[] {
    return this.#ranges;
  }

  add(range: LostRange): void {
    if (range.count <= 0) return;
    this.#ranges.push(range);
    this.count += range.count;
    this.bytes += range.bytes;
  }

  /** Forgets what lies before the first message. */
  moveFront(firstSeq: number): void {
    if (this.#ranges.length === 0) return;
    const kept = this.#ranges.filter((range) => range.to >= firstSeq);
    if (kept.length === this.#ranges.length) return;
    this.#ranges = kept;
    this.count = kept.reduce((sum, range) => sum + range.count, 0);
    this.bytes = kept.reduce((sum, range) => sum + range.bytes, 0);
  }
}
