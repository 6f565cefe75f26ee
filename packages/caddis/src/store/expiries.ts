/** Room of an empty heap, in entries. */
const ENTRIES_MIN = 16;

/**
 * Which messages fall due on their own account, soonest first: a binary heap off the JavaScript heap, 16 bytes per
 * message. An entry whose message was removed, or is kept, is left where it is until it comes to the top or most
 * entries are such.
 */
export class Expiries {
  readonly #isDue: (seq: number) => boolean;
  #due = new Float64Array(ENTRIES_MIN);
  #seqs = new Float64Array(ENTRIES_MIN);
  #size = 0;
  /** Entries whose message is still to expire. */
  #live = 0;

  /** `isDue`: whether a message is there and still expires. */
  constructor(isDue: (seq: number) => boolean) {
    this.#isDue = isDue;
  }

  get usedBytes(): number {
    return this.#due.byteLength + this.#seqs.byteLength;
  }

  /** `dueMs`: wall-clock milliseconds. Each message comes once. */
  add(dueMs: number, seq: number): void {
    if (this.#size === this.#due.length) this.#resize(2 * this.#size);
    this.#live++;
    this.#siftUp(this.#size++, dueMs, seq);
  }

  /** A message that was added was removed or is kept: `isDue` says no from now on. */
  drop(): void {
    this.#live--;
    if (this.#size > 2 * this.#live + ENTRIES_MIN) this.#rebuild();
  }

  clear(): void {
    this.#size = 0;
    this.#live = 0;
    this.#resize(ENTRIES_MIN);
  }

  /** When the first one falls due; Infinity: there is none. */
  nextMs(): number {
    this.#skipDropped();
    return this.#size === 0 ? Infinity : this.#due[0];
  }

  /** The sequence of the first one, if it is due at `nowMs`; else 0. */
  nextSeq(nowMs: number): number {
    return this.nextMs() <= nowMs && this.#size > 0 ? this.#seqs[0] : 0;
  }

  /** Calls `visit` with each message that is still to expire, in no particular order. */
  forEach(visit: (dueMs: number, seq: number) => void): void {
    for (let i = 0; i < this.#size; i++) {
      if (this.#isDue(this.#seqs[i])) visit(this.#due[i], this.#seqs[i]);
    }
  }

  #skipDropped(): void {
    while (this.#size > 0 && !this.#isDue(this.#seqs[0])) {
      this.#size--;
      this.#siftDown(0, this.#due[this.#size], this.#seqs[this.#size]);
    }
  }

  #rebuild(): void {
    let kept = 0;
    for (let i = 0; i < this.#size; i++) {
      if (!this.#isDue(this.#seqs[i])) continue;
      this.#due[kept] = this.#due[i];
      this.#seqs[kept] = this.#seqs[i];
      kept++;
    }
    this.#size = kept;
    this.#resize(Math.max(ENTRIES_MIN, 2 * kept));
    for (let i = (kept >>> 1) - 1; i >= 0; i--) this.#siftDown(i, this.#due[i], this.#seqs[i]);
  }

  #resize(capacity: number): void {
    const due = new Float64Array(capacity);
    const seqs = new Float64Array(capacity);
    due.set(this.#due.subarray(0, this.#size));
    seqs.set(this.#seqs.subarray(0, this.#size));
    this.#due = due;
    this.#seqs = seqs;
  }

  #isBefore(dueMs: number, seq: number, other: number): boolean {
    return dueMs < this.#due[other] || (dueMs === this.#due[other] && seq < this.#seqs[other]);
  }

  #siftUp(start: number, dueMs: number, seq: number): void {
    let at = start;
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      if (!this.#isBefore(dueMs, seq, parent)) break;
      this.#move(parent, at);
      at = parent;
    }
    this.#due[at] = dueMs;
    this.#seqs[at] = seq;
  }

  #siftDown(start: number, dueMs: number, seq: number): void {
    let at = start;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.#size) break;
      if (child + 1 < this.#size && this.#isBefore(this.#due[child + 1], this.#seqs[child + 1], child))
        child++;
      if (this.#isBefore(dueMs, seq, child)) break;
      this.#move(child, at);
      at = child;
    }
    this.#due[at] = dueMs;
    this.#seqs[at] = seq;
  }

  #move(from: number, to: number): void {
    this.#due[to] = this.#due[from];
    this.#seqs[to] = this.#seqs[from];
  }
}
