import { assert } from "../../base/assert.ts";
import type { FieldReader, FieldWriter } from "./byte-fields.ts";

/**
 * Which sequences of a block are there, by their distance from the block's first one. Kept in memory for every block,
 * so it has two forms: bits where most are there, a list where few are.
 */
export interface LiveSet {
  readonly count: number;
  has(rel: number): boolean;
  /** False: it was not there. */
  remove(rel: number): boolean;
  clear(): void;
  /** The first one from `rel` on; -1: none. */
  next(rel: number): number;
  /** The last one up to `rel`; -1: none. */
  previous(rel: number): number;
  /** How many there are from `rel` on. */
  countFrom(rel: number): number;
  /** Bytes of memory. */
  readonly bytes: number;
}

/** Forms of a set in a checkpoint. */
const FORM_ALL = 0;
const FORM_BITS = 1;
const FORM_LIST = 2;

/** Writes a set so that `readLiveSet` makes the same of it. */
export function writeLiveSet(set: LiveSet, fields: FieldWriter): void {
  if (set instanceof LiveBits) {
    const removed = set.removedWords;
    fields.u32(removed === null ? FORM_ALL : FORM_BITS);
    fields.u32(set.span);
    for (const word of removed ?? []) fields.u32(word);
    return;
  }
  assert(set instanceof LiveList, "a set is bits or a list");
  fields.u32(FORM_LIST);
  fields.u32(set.rels.length);
  for (const rel of set.rels) fields.u32(rel);
  writeLiveSet(set.kept, fields);
}

/** Null: it can't be one. */
export function readLiveSet(fields: FieldReader): LiveSet | null {
  const form = fields.u32();
  const length = fields.u32();
  if (form === FORM_LIST) {
    const bytes = fields.bytes(length * 4);
    const kept = readLiveSet(fields);
    if (!(kept instanceof LiveBits) || kept.span !== length) return null;
    return new LiveList(
      Uint32Array.from({ length }, (_, i) => bytes.readUInt32LE(i * 4)),
      kept,
    );
  }
  if (form === FORM_ALL) return LiveBits.of(length, null);
  const words = (length + 31) >>> 5;
  const bytes = fields.bytes(words * 4);
  if (form !== FORM_BITS || fields.isOver) return null;
  return LiveBits.of(
    length,
    Uint32Array.from({ length: words }, (_, i) => bytes.readUInt32LE(i * 4)),
  );
}

/** All of `0 … span - 1` but those that were removed: one bit for each, once there is a first. */
export class LiveBits implements LiveSet {
  #span = 0;
  #count = 0;
  #removed: Uint32Array | null = null;

  get span(): number {
    return this.#span;
  }

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#removed === null ? 0 : this.#removed.byteLength;
  }

  /** `removed`: a bit for each that is not there; null: all are. */
  static of(span: number, removed: Uint32Array | null): LiveBits {
    const set = new LiveBits();
    set.#span = span;
    set.#count = span;
    set.#removed = removed;
    for (const word of removed ?? []) set.#count -= onesIn(word);
    return set;
  }

  /** A bit for each that is not there, and none behind the last one; null: all are there. */
  get removedWords(): Uint32Array | null {
    return this.#removed === null ? null : this.#removed.subarray(0, (this.#span + 31) >>> 5);
  }

  /** Adds one behind all others; what is left out is not there. */
  add(rel: number): void {
    assert(rel >= this.#span, "sequences ascend");
    const gap = this.#span;
    this.#span = rel + 1;
    this.#count++;
    if (this.#removed !== null) this.#reserve();
    for (let left = gap; left < rel; left++) this.#mark(left);
  }

  has(rel: number): boolean {
    if (rel < 0 || rel >= this.#span) return false;
    return this.#removed === null || (this.#removed[rel >>> 5] & (1 << (rel & 31))) === 0;
  }

  remove(rel: number): boolean {
    if (!this.has(rel)) return false;
    this.#mark(rel);
    this.#count--;
    return true;
  }

  clear(): void {
    if (this.#count === 0) return;
    this.#reserve();
    const lastWord = (this.#span - 1) >>> 5;
    this.#removed?.fill(0xffff_ffff, 0, lastWord);
    // What is added later lies in the rest of the last word.
    if (this.#removed !== null) this.#removed[lastWord] = -1 >>> (31 - ((this.#span - 1) & 31));
    this.#count = 0;
  }

  next(rel: number): number {
    const from = Math.max(rel, 0);
    if (from >= this.#span || this.#count === 0) return -1;
    const removed = this.#removed;
    if (removed === null) return from;
    let word = from >>> 5;
    let live = ~removed[word] & (-1 << (from & 31));
    const lastWord = (this.#span - 1) >>> 5;
    while (live === 0) {
      if (++word > lastWord) return -1;
      live = ~removed[word];
    }
    const found = word * 32 + 31 - Math.clz32(live & -live);
    return found < this.#span ? found : -1;
  }

  previous(rel: number): number {
    const from = Math.min(rel, this.#span - 1);
    if (from < 0 || this.#count === 0) return -1;
    const removed = this.#removed;
    if (removed === null) return from;
    let word = from >>> 5;
    let live = ~removed[word] & (-1 >>> (31 - (from & 31)));
    while (live === 0) {
      if (--word < 0) return -1;
      live = ~removed[word];
    }
    return word * 32 + 31 - Math.clz32(live);
  }

  countFrom(rel: number): number {
    if (rel <= 0) return this.#count;
    if (rel >= this.#span) return 0;
    const removed = this.#removed;
    if (removed === null) return this.#span - rel;
    let dead = 0;
    const lastWord = (this.#span - 1) >>> 5;
    for (let word = rel >>> 5; word <= lastWord; word++) {
      const mask = word === rel >>> 5 ? -1 << (rel & 31) : -1;
      dead += onesIn(removed[word] & mask);
    }
    return this.#span - rel - dead;
  }

  #mark(rel: number): void {
    this.#reserve();
    if (this.#removed !== null) this.#removed[rel >>> 5] |= 1 << (rel & 31);
  }

  #reserve(): void {
    const words = ((this.#span - 1) >>> 5) + 1;
    const removed = this.#removed;
    if (removed === null) this.#removed = new Uint32Array(words);
    else if (removed.length < words) {
      this.#removed = new Uint32Array(Math.max(words, removed.length * 2));
      this.#removed.set(removed);
    }
  }
}

/** A list of what is there, ascending: four bytes each, however far apart they lie. */
export class LiveList implements LiveSet {
  /** All that were there when it was made. */
  readonly rels: Uint32Array;
  /** Which places of the list are still there. */
  readonly kept: LiveBits;

  constructor(rels: Uint32Array, kept: LiveBits = LiveBits.of(rels.length, null)) {
    this.rels = rels;
    this.kept = kept;
  }

  get count(): number {
    return this.kept.count;
  }

  get bytes(): number {
    return this.rels.byteLength + this.kept.bytes;
  }

  has(rel: number): boolean {
    const place = this.#placeFrom(rel);
    return this.rels[place] === rel && this.kept.has(place);
  }

  remove(rel: number): boolean {
    const place = this.#placeFrom(rel);
    return this.rels[place] === rel && this.kept.remove(place);
  }

  clear(): void {
    this.kept.clear();
  }

  next(rel: number): number {
    const place = this.kept.next(this.#placeFrom(rel));
    return place < 0 ? -1 : this.rels[place];
  }

  previous(rel: number): number {
    const from = this.#placeFrom(rel);
    const place = this.kept.previous(this.rels[from] === rel ? from : from - 1);
    return place < 0 ? -1 : this.rels[place];
  }

  countFrom(rel: number): number {
    return this.kept.countFrom(this.#placeFrom(rel));
  }

  /** Whether it was there when the list was made. */
  had(rel: number): boolean {
    return this.rels[this.#placeFrom(rel)] === rel;
  }

  /** The first place whose entry is not less than `rel`. */
  #placeFrom(rel: number): number {
    return lowerBound(this.rels, this.rels.length, rel);
  }
}

/** The first index below `length` whose entry is not less than `value`; `length`: none. */
export function lowerBound(sorted: Uint32Array, length: number, value: number): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function onesIn(word: number): number {
  let bits = word - ((word >>> 1) & 0x5555_5555);
  bits = (bits & 0x3333_3333) + ((bits >>> 2) & 0x3333_3333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
}
