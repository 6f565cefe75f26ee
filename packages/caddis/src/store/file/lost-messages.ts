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

  /** Which they are from `firstSeq` on, ascending, without ranges of which some had been removed: it is not known which. */
  *seqs(firstSeq: number): IterableIterator<number> {
    for (const { from, to, count } of this.#ranges.toSorted((a, b) => a.from - b.from)) {
      if (count <= to - from) continue;
      for (let seq = Math.max(from, firstSeq); seq <= to; seq++) yield seq;
    }
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
