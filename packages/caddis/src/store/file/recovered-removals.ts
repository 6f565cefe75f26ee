/** Sequences from `first` to `last`, not all of them. */
export interface Rest {
  readonly first: number;
  readonly last: number;
  readonly count: number;
}

/** What the log says was removed: ranges of sequences in any order, until `sort`. */
export class RecoveredRemovals {
  #froms: number[] = [];
  #tos: number[] = [];
  readonly kept = new Set<number>();
  /** All messages before it are gone. */
  frontSeq = 0;

  add(from: number, to: number): void {
    this.#froms.push(from);
    this.#tos.push(to);
  }

  /** All messages before `seq` are gone. */
  noteFront(seq: number): void {
    this.frontSeq = Math.max(this.frontSeq, seq);
  }

  /** Orders the ranges and joins those that touch. */
  sort(): void {
    const order = Array.from(this.#froms.keys()).sort((a, b) => this.#froms[a] - this.#froms[b]);
    const froms: number[] = [];
    const tos: number[] = [];
    for (const i of order) {
      const last = tos.length - 1;
      if (last >= 0 && this.#froms[i] <= tos[last] + 1) tos[last] = Math.max(tos[last], this.#tos[i]);
      else {
        froms.push(this.#froms[i]);
        tos.push(this.#tos[i]);
      }
    }
    this.#froms = froms;
    this.#tos = tos;
  }

  /** Whether `seq` is gone. After `sort`. */
  has(seq: number): boolean {
    if (seq < this.frontSeq) return true;
    const at = this.#rangeAt(seq);
    return at < this.#froms.length && this.#froms[at] <= seq;
  }

  /** What of `from` to `to` is not gone; null: nothing. After `sort`. */
  restOf(from: number, to: number): Rest | null {
    let first = Math.max(from, this.frontSeq);
    let last = to;
    let count = last - first + 1;
    for (let i = this.#rangeAt(first); i < this.#froms.length && this.#froms[i] <= to; i++) {
      const [start, end] = [this.#froms[i], this.#tos[i]];
      count -= Math.min(end, to) - Math.max(start, from, this.frontSeq) + 1;
      if (start <= first) first = end + 1;
      if (end >= last) last = start - 1;
    }
    return count > 0 ? { first, last, count } : null;
  }

  /** The place of the first range that does not end before `seq`. */
  #rangeAt(seq: number): number {
    let low = 0;
    let high = this.#froms.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#tos[middle] < seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  forEach(visit: (from: number, to: number) => void): void {
    for (let i = 0; i < this.#froms.length; i++) visit(this.#froms[i], this.#tos[i]);
  }
}
