import { RangeEncoder } from "./records.ts";

/** Room that is kept: most streams never need more, and thousands of them have it. */
const PLACES_INITIAL = 8;

/** Removed sequences that are still to be written, so that those of one commit are written together. */
export class PendingRemovals {
  #seqs = new Float64Array(PLACES_INITIAL);
  #count = 0;
  /** Null: nothing was ever removed. */
  #encoder: RangeEncoder | null = null;

  add(seq: number): void {
    if (this.#count === this.#seqs.length) {
      const larger = new Float64Array(this.#count * 2);
      larger.set(this.#seqs);
      this.#seqs = larger;
    }
    this.#seqs[this.#count++] = seq;
  }

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  /** Calls `write` with all of them as ranges, as often as it takes, and forgets them. Those before `frontSeq` need none. */
  flush(frontSeq: number, write: (ranges: RangeEncoder) => void): void {
    const seqs = this.#seqs.subarray(0, this.#count).sort();
    const encoder = (this.#encoder ??= new RangeEncoder());
    for (let i = 0; i < seqs.length;) {
      const from = seqs[i];
      while (i + 1 < seqs.length && seqs[i + 1] <= seqs[i] + 1) i++;
      const to = seqs[i++];
      if (to < frontSeq) continue;
      encoder.add(from, to);
      if (encoder.isFull) writeOut(encoder, write);
    }
    if (encoder.count > 0) writeOut(encoder, write);
    this.#count = 0;
    if (this.#seqs.length > PLACES_INITIAL) this.#seqs = new Float64Array(PLACES_INITIAL);
  }
}

function writeOut(encoder: RangeEncoder, write: (ranges: RangeEncoder) => void): void {
  write(encoder);
  encoder.clear();
}
