import { spread } from "../subject/subject-hash.ts";
import type { FieldReader, FieldWriter } from "./file/byte-fields.ts";
import { roomFor } from "./subject-rows.ts";

/** Buckets of an empty table. A power of two. */
const BUCKETS_MIN = 16;
/** Buckets of a full page. */
const PAGE_BITS = 12;
const PAGE_BUCKETS = 2 ** PAGE_BITS;
const PAGE_MASK = PAGE_BUCKETS - 1;

/**
 * The buckets of a hash table that grows by linear hashing, one bucket at a time: the first id of each, 0 for none.
 *
 * Invariant: buckets `[0, #next)` and `[#half, count)` are addressed with one bit more than the others;
 * `count === #half + #next`.
 */
export class SubjectBuckets {
  readonly #pages: Uint32Array[] = [new Uint32Array(BUCKETS_MIN)];
  #count = BUCKETS_MIN;
  /** Buckets at the beginning of the current round of splits; a power of two. */
  #half = BUCKETS_MIN;
  /** The next bucket to split. */
  #next = 0;

  get count(): number {
    return this.#count;
  }

  get usedBytes(): number {
    return this.#pages.reduce((sum, page) => sum + page.byteLength, 0);
  }

  /** The bucket of a hash, which need not be folded. */
  of(hash: number): number {
    const folded = spread(hash);
    const bucket = folded & (this.#half - 1);
    return bucket < this.#next ? folded & (2 * this.#half - 1) : bucket;
  }

  first(bucket: number): number {
    return this.#pages[bucket >>> PAGE_BITS][bucket & PAGE_MASK];
  }

  setFirst(bucket: number, id: number): void {
    this.#pages[bucket >>> PAGE_BITS][bucket & PAGE_MASK] = id;
  }

  /** Adds a bucket; returns the one whose ids are to be put in again, since some of them now belong to the new one. */
  split(): number {
    const bucket = this.#next++;
    this.#add();
    if (this.#next === this.#half) {
      this.#half *= 2;
      this.#next = 0;
    }
    return bucket;
  }

  /** Writes all buckets, so that `load` makes the same of them. */
  save(fields: FieldWriter): void {
    fields.u32(this.#count);
    fields.u32(this.#half);
    for (let i = 0; i < this.#pages.length; i++) {
      fields.numbers(this.#pages[i].subarray(0, Math.min(PAGE_BUCKETS, this.#count - i * PAGE_BUCKETS)));
    }
  }

  /** Puts in what `save` wrote; all are empty. */
  load(fields: FieldReader): void {
    this.#count = fields.u32();
    this.#half = fields.u32();
    this.#next = this.#count - this.#half;
    this.#pages.length = 0;
    for (let from = 0; from < this.#count && !fields.isOver; from += PAGE_BUCKETS) {
      const used = Math.min(PAGE_BUCKETS, this.#count - from);
      const page = new Uint32Array(from === 0 ? roomFor(used, BUCKETS_MIN) : PAGE_BUCKETS);
      fields.numbers(page.subarray(0, used));
      this.#pages.push(page);
    }
  }

  #add(): void {
    const bucket = this.#count++;
    const index = bucket >>> PAGE_BITS;
    if (index === this.#pages.length) this.#pages.push(new Uint32Array(PAGE_BUCKETS));
    const page = this.#pages[index];
    if ((bucket & PAGE_MASK) < page.length) return;
    const grown = new Uint32Array(page.length * 2);
    grown.set(page);
    this.#pages[index] = grown;
  }
}
