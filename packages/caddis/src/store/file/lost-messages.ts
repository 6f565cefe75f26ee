/** Messages that were stored and can't be read. */
export interface LostRange {
  readonly from: number;
  readonly to: number;
  /** How many of these sequences; the others had been removed before. */
  readonly count: number;
  readonly bytes: number;
}

/** What a stream has lost, since messages were last removed from its front. */
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

  /** Which they are, ascending, without ranges of which some had been removed: it is not known which. */
  *seqs(): IterableIterator<number> {
    for (const { from, to, count } of this.#ranges.toSorted((a, b) => a.from - b.from)) {
      if (count <= to - from) continue;
      for (let seq = from; seq <= to; seq++) yield seq;
    }
  }

  /** Forgets what lies before the first message, where messages were removed from there. */
  moveFront(firstSeq: number): void {
    if (this.#ranges.every(({ from }) => from >= firstSeq)) return;
    this.#ranges = this.#ranges
      .filter(({ to }) => to >= firstSeq)
      .map((range) => withoutFront(range, firstSeq));
    this.count = this.#ranges.reduce((sum, range) => sum + range.count, 0);
    this.bytes = this.#ranges.reduce((sum, range) => sum + range.bytes, 0);
  }
}

/** Of a range some of which had been removed it is not known how many lie where. */
function withoutFront(range: LostRange, firstSeq: number): LostRange {
  const { from, to, count } = range;
  if (from >= firstSeq || count <= to - from) return range;
  return { ...range, from: firstSeq, count: to - firstSeq + 1 };
}
