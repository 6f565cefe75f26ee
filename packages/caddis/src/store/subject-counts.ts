import { assert } from "../base/assert.ts";
import type { FieldReader, FieldWriter } from "./file/byte-fields.ts";
import { roomFor } from "./subject-rows.ts";

/** Ids of a full page. */
const PAGE_BITS = 12;
const PAGE_IDS = 2 ** PAGE_BITS;
const PAGE_MASK = PAGE_IDS - 1;
/** The first page starts with so many, and is doubled until it is full. */
const PAGE_IDS_MIN = 16;
/** Two numbers of eight bytes, one of four. */
const ID_BYTES = 2 * 8 + 4;

/** The first and last sequence and the number of messages of each id, off the JavaScript heap. Ids of no messages count 0. */
export class SubjectCounts {
  readonly #pages: CountPage[] = [new CountPage(PAGE_IDS_MIN)];

  /** Bytes held. */
  get usedBytes(): number {
    return this.#pages.reduce((sum, page) => sum + page.usedBytes, 0);
  }

  /** Makes room for ids below `idEnd`, of which there were all but some few before. */
  makeRoom(idEnd: number): void {
    const pages = this.#pages;
    while (pages.length * PAGE_IDS < idEnd) pages.push(new CountPage(PAGE_IDS));
    while (pages.length === 1 && pages[0].capacity < idEnd) pages[0] = pages[0].grown();
  }

  first(id: number): number {
    return this.#pages[id >>> PAGE_BITS].first[id & PAGE_MASK];
  }

  setFirst(id: number, seq: number): void {
    this.#pages[id >>> PAGE_BITS].first[id & PAGE_MASK] = seq;
  }

  last(id: number): number {
    return this.#pages[id >>> PAGE_BITS].last[id & PAGE_MASK];
  }

  setLast(id: number, seq: number): void {
    this.#pages[id >>> PAGE_BITS].last[id & PAGE_MASK] = seq;
  }

  count(id: number): number {
    return this.#pages[id >>> PAGE_BITS].count[id & PAGE_MASK];
  }

  /** Sets all three. */
  set(id: number, first: number, last: number, count: number): void {
    const page = this.#pages[id >>> PAGE_BITS];
    const at = id & PAGE_MASK;
    page.first[at] = first;
    page.last[at] = last;
    page.count[at] = count;
  }

  /** Writes what is known of all ids below `idEnd`, so that `load` makes the same of it. */
  save(fields: FieldWriter, idEnd: number): void {
    for (let i = 0; i * PAGE_IDS < idEnd; i++) {
      const used = Math.min(PAGE_IDS, idEnd - i * PAGE_IDS);
      const { first, last, count } = this.#pages[i];
      for (const column of [first, last, count]) fields.numbers(column.subarray(0, used));
    }
  }

  /** Puts in what `save` wrote; there is nothing yet. */
  load(fields: FieldReader, idEnd: number): void {
    this.#pages.length = 0;
    for (let from = 0; from < idEnd && !fields.isOver; from += PAGE_IDS) {
      const used = Math.min(PAGE_IDS, idEnd - from);
      const page = new CountPage(from === 0 ? roomFor(used, PAGE_IDS_MIN) : PAGE_IDS);
      for (const column of [page.first, page.last, page.count]) fields.numbers(column.subarray(0, used));
      this.#pages.push(page);
    }
  }

  /** Counts one more message, which comes after all others; true: it is the only one. */
  add(id: number, seq: number): boolean {
    const page = this.#pages[id >>> PAGE_BITS];
    const at = id & PAGE_MASK;
    page.last[at] = seq;
    if (page.count[at]++ > 0) return false;
    page.first[at] = seq;
    return true;
  }

  /** Counts `removed` messages fewer; true: none is left. */
  remove(id: number, removed: number): boolean {
    const page = this.#pages[id >>> PAGE_BITS];
    const at = id & PAGE_MASK;
    assert(page.count[at] >= removed, "a subject does not lose more messages than it has");
    page.count[at] -= removed;
    return page.count[at] === 0;
  }
}

/** A column for each of the three. */
class CountPage {
  readonly capacity: number;
  readonly first: Float64Array;
  readonly last: Float64Array;
  readonly count: Uint32Array;

  constructor(capacity: number) {
    this.capacity = capacity;
    const memory = new ArrayBuffer(capacity * ID_BYTES);
    this.first = new Float64Array(memory, 0, capacity);
    this.last = new Float64Array(memory, capacity * 8, capacity);
    this.count = new Uint32Array(memory, capacity * 16, capacity);
  }

  get usedBytes(): number {
    return this.capacity * ID_BYTES;
  }

  /** The same with twice the room. */
  grown(): CountPage {
    const page = new CountPage(2 * this.capacity);
    page.first.set(this.first);
    page.last.set(this.last);
    page.count.set(this.count);
    return page;
  }
}
