import type { FieldReader, FieldWriter } from "./file/byte-fields.ts";

/** Rows of a full page. */
const PAGE_BITS = 12;
const PAGE_ROWS = 2 ** PAGE_BITS;
const PAGE_MASK = PAGE_ROWS - 1;
/** The first page starts with so many, since most streams have few subjects, and is doubled until it is full. */
const PAGE_ROWS_MIN = 16;
/** A row is half a cache line: who looks for a subject reads most of it. */
const ROW_BITS = 3;
const ROW_WORDS = 2 ** ROW_BITS;

/** FNV-1a of the bytes, not folded: the hash of a longer subject goes on from it. */
export const HASH = 0;
/** The next id of the same bucket, or the next free id. */
export const NEXT = 1;
/** Of its bytes in the arena; 32 bits without a sign. */
export const ADDRESS = 2;
/** In bytes. */
export const LENGTH = 3;
/** The entry without its last token. */
export const PARENT = 4;
export const FIRST_CHILD = 5;
export const NEXT_SIBLING = 6;
export const PREVIOUS_SIBLING = 7;

/** What a table of subjects knows of each of its entries: a row of eight numbers of 32 bits, off the JavaScript heap. Ids are 1 and up; 0 stands for none everywhere. */
export class SubjectRows {
  readonly #pages: Int32Array[] = [new Int32Array(PAGE_ROWS_MIN * ROW_WORDS)];
  /** The lowest id never given out. */
  #idEnd = 1;
  /** Ids given back, linked by `NEXT`. */
  #freeId = 0;

  /** Ids are below. */
  get idEnd(): number {
    return this.#idEnd;
  }

  /** Bytes held. */
  get usedBytes(): number {
    return this.#pages.reduce((sum, page) => sum + page.byteLength, 0);
  }

  get(id: number, field: number): number {
    return this.#pages[id >>> PAGE_BITS][((id & PAGE_MASK) << ROW_BITS) + field];
  }

  set(id: number, field: number, value: number): void {
    this.#pages[id >>> PAGE_BITS][((id & PAGE_MASK) << ROW_BITS) + field] = value;
  }

  /** An id for a new entry; what its row says is left over. */
  take(): number {
    const free = this.#freeId;
    if (free !== 0) {
      this.#freeId = this.get(free, NEXT);
      return free;
    }
    const id = this.#idEnd++;
    const index = id >>> PAGE_BITS;
    if (index === this.#pages.length) this.#pages.push(new Int32Array(PAGE_ROWS * ROW_WORDS));
    const page = this.#pages[index];
    if ((id & PAGE_MASK) << ROW_BITS === page.length) {
      const grown = new Int32Array(2 * page.length);
      grown.set(page);
      this.#pages[index] = grown;
    }
    return id;
  }

  /** Writes all rows, so that `load` makes the same of them. */
  save(fields: FieldWriter): void {
    fields.u32(this.#idEnd);
    fields.u32(this.#freeId);
    for (let i = 0; i < this.#pages.length; i++) {
      const used = Math.min(PAGE_ROWS, this.#idEnd - i * PAGE_ROWS);
      fields.numbers(this.#pages[i].subarray(0, used * ROW_WORDS));
    }
  }

  /** Puts in what `save` wrote; there are none yet. */
  load(fields: FieldReader): void {
    this.#idEnd = fields.u32();
    this.#freeId = fields.u32();
    this.#pages.length = 0;
    for (let from = 0; from < this.#idEnd && !fields.isOver; from += PAGE_ROWS) {
      const used = Math.min(PAGE_ROWS, this.#idEnd - from);
      const rows = from === 0 ? roomFor(used, PAGE_ROWS_MIN) : PAGE_ROWS;
      const page = new Int32Array(rows * ROW_WORDS);
      fields.numbers(page.subarray(0, used * ROW_WORDS));
      this.#pages.push(page);
    }
  }

  /** Takes an id back. */
  give(id: number): void {
    this.set(id, NEXT, this.#freeId);
    this.#freeId = id;
  }
}

/** What a first page that starts with `least` has become when it holds `used`. */
export function roomFor(used: number, least: number): number {
  let room = least;
  while (room < used) room *= 2;
  return room;
}
