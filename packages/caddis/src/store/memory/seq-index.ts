/** Sequences of one page. */
const PAGE_SEQS = 1024;

/** The values of the sequences `[first, first + PAGE_SEQS)`; 0: absent. */
class Page {
  readonly first: number;
  readonly values = new Uint32Array(PAGE_SEQS);
  /** How many are present. */
  count = 0;

  constructor(first: number) {
    this.first = first;
  }
}

/**
 * A number above 0 for each sequence that is present. Sequences are added in ascending order and may leave gaps of any
 * size; a page without any is given back. Four bytes per sequence, off the JavaScript heap.
 */
export class SeqIndex {
  /** Ascending, none empty but the last, to which will be added. */
  #pages: Page[] = [];
  /** The one asked for last: neighbours follow each other. */
  #latest: Page | null = null;

  get usedBytes(): number {
    return this.#pages.length * PAGE_SEQS * Uint32Array.BYTES_PER_ELEMENT;
  }

  /** `seq` comes after all others. */
  add(seq: number, value: number): void {
    let page = this.#pages.at(-1);
    if (page === undefined || seq >= page.first + PAGE_SEQS) {
      if (page !== undefined && page.count === 0) this.#pages.pop();
      page = new Page(seq - (seq % PAGE_SEQS));
      this.#pages.push(page);
    }
    page.values[seq - page.first] = value;
    page.count++;
  }

  /** 0: it is absent. */
  get(seq: number): number {
    const page = this.#pageOf(seq);
    return page === null ? 0 : page.values[seq - page.first];
  }

  /** Another value for a sequence that is present. */
  set(seq: number, value: number): void {
    const page = this.#pageOf(seq);
    if (page !== null) page.values[seq - page.first] = value;
  }

  /** Takes out a sequence that is present. */
  remove(seq: number): void {
    const page = this.#pageOf(seq);
    if (page === null) return;
    page.values[seq - page.first] = 0;
    page.count--;
    if (page.count > 0 || page === this.#pages.at(-1)) return;
    this.#pages.splice(this.#indexFrom(seq), 1);
    this.#latest = null;
  }

  clear(): void {
    this.#pages = [];
    this.#latest = null;
  }

  /** The first sequence present from `seq` on; 0: none. */
  next(seq: number): number {
    for (let i = this.#indexFrom(seq); i < this.#pages.length; i++) {
      const { first, values, count } = this.#pages[i];
      if (count === 0) continue;
      for (let at = Math.max(0, seq - first); at < PAGE_SEQS; at++) if (values[at] !== 0) return first + at;
    }
    return 0;
  }

  /** The last sequence present up to `seq`; 0: none. */
  previous(seq: number): number {
    for (let i = Math.min(this.#indexFrom(seq), this.#pages.length - 1); i >= 0; i--) {
      const { first, values, count } = this.#pages[i];
      if (count === 0) continue;
      for (let at = Math.min(PAGE_SEQS - 1, seq - first); at >= 0; at--)
        if (values[at] !== 0) return first + at;
    }
    return 0;
  }

  /** How many are present from `seq` on. */
  countFrom(seq: number): number {
    const start = this.#indexFrom(seq);
    let total = 0;
    for (let i = start; i < this.#pages.length; i++) total += this.#pages[i].count;
    if (start < this.#pages.length) {
      const { first, values } = this.#pages[start];
      for (let at = 0; at < seq - first; at++) if (values[at] !== 0) total--;
    }
    return total;
  }

  #pageOf(seq: number): Page | null {
    const latest = this.#latest;
    if (latest !== null && seq >= latest.first && seq < latest.first + PAGE_SEQS) return latest;
    const page = this.#pages[this.#indexFrom(seq)];
    if (page === undefined || seq < page.first) return null;
    this.#latest = page;
    return page;
  }

  /** The index of the first page that does not end before `seq`. */
  #indexFrom(seq: number): number {
    const pages = this.#pages;
    if (pages.length === 0 || seq < pages[0].first) return 0;
    const first = seq - (seq % PAGE_SEQS);
    // Where nothing is missing between them.
    const guess = (first - pages[0].first) / PAGE_SEQS;
    if (guess < pages.length && pages[guess].first === first) return guess;
    let low = 0;
    let high = pages.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (pages[middle].first < first) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
