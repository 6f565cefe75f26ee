import { lowerBound } from "./live-set.ts";

const HEADERS_BIT = 0x8000_0000;
const EXPIRES_BIT = 0x4000_0000;
const LENGTH_MASK = 0x3fff_ffff;
const PLACES_INITIAL = 64;

/**
 * Where the messages of a block lie and which subjects they have: twelve bytes for each one that is in the file, live
 * or not. Made when a block is written, and by reading it where that is long ago (`block-scan.ts`).
 */
export class BlockIndex {
  /** How many records. Their places are 0 to `count - 1`, in the order of their sequences. */
  count = 0;
  /** Per place: the sequence less the block's first one; null while that is the place itself. */
  #rels: Uint32Array | null = null;
  offsets = new Uint32Array(PLACES_INITIAL);
  subjects = new Uint32Array(PLACES_INITIAL);
  #sizes = new Uint32Array(PLACES_INITIAL);

  get bytes(): number {
    return this.offsets.byteLength * (this.#rels === null ? 3 : 4);
  }

  add(
    rel: number,
    offset: number,
    length: number,
    subject: number,
    hasHeaders: boolean,
    expires: boolean,
  ): void {
    const place = this.count++;
    if (place === this.offsets.length) this.#grow();
    if (this.#rels === null && rel !== place) this.#listRels(place);
    if (this.#rels !== null) this.#rels[place] = rel;
    this.offsets[place] = offset;
    this.subjects[place] = subject;
    this.#sizes[place] = (length | (hasHeaders ? HEADERS_BIT : 0) | (expires ? EXPIRES_BIT : 0)) >>> 0;
  }

  /** The place of a sequence; -1: it has no record. */
  placeOf(rel: number): number {
    if (this.#rels === null) return rel < this.count ? rel : -1;
    const place = lowerBound(this.#rels, this.count, rel);
    return place < this.count && this.#rels[place] === rel ? place : -1;
  }

  /** The first place from `rel` on; `count`: none. */
  placeFrom(rel: number): number {
    if (this.#rels === null) return Math.min(Math.max(rel, 0), this.count);
    return lowerBound(this.#rels, this.count, rel);
  }

  relAt(place: number): number {
    return this.#rels === null ? place : this.#rels[place];
  }

  /** Bytes of the record, without what fills it up. */
  lengthAt(place: number): number {
    return this.#sizes[place] & LENGTH_MASK;
  }

  hasHeadersAt(place: number): boolean {
    return (this.#sizes[place] & HEADERS_BIT) !== 0;
  }

  /** Whether it has a due time of its own, or had one. */
  expiresAt(place: number): boolean {
    return (this.#sizes[place] & EXPIRES_BIT) !== 0;
  }

  #listRels(count: number): void {
    this.#rels = new Uint32Array(this.offsets.length);
    for (let place = 0; place < count; place++) this.#rels[place] = place;
  }

  #grow(): void {
    const length = this.offsets.length * 2;
    this.offsets = grown(this.offsets, length);
    this.subjects = grown(this.subjects, length);
    this.#sizes = grown(this.#sizes, length);
    if (this.#rels !== null) this.#rels = grown(this.#rels, length);
  }
}

function grown(array: Uint32Array, length: number): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(length);
  larger.set(array);
  return larger;
}
