import { assert } from "../base/assert.ts";
import { HASH_PRIME } from "../subject/subject-hash.ts";
import type { FieldReader, FieldWriter } from "./file/byte-fields.ts";
import { SubjectArena } from "./subject-arena.ts";
import { SubjectBuckets } from "./subject-buckets.ts";
import type { SubjectPattern } from "./subject-pattern.ts";
import { ADDRESS, FIRST_CHILD, HASH, LENGTH, NEXT, SubjectRows } from "./subject-rows.ts";
import { SubjectTree } from "./subject-tree.ts";

/**
 * Beginnings of a subject that are entries: so many tokens at most, or one long subject of many tokens would take
 * memory with the square of its length. What stands below is told apart by its bytes.
 */
export const LEVELS_MAX = 8;

/**
 * The entries of a table of subjects: an id for each subject, and for each beginning of it that ends before one of its
 * first dots. All stand in one hash table, by linear hashing: each that is added splits at most one bucket, so that a
 * large table never stops to rehash; and in a tree, by their tokens.
 */
export class SubjectNames {
  #hashBasis: number;
  readonly #arena = new SubjectArena();
  readonly #buckets = new SubjectBuckets();
  readonly #rows = new SubjectRows();
  readonly tree = new SubjectTree(this.#rows);
  #size = 0;

  /** `hashBasis`: see `SubjectTable`. */
  constructor(hashBasis: number) {
    this.#hashBasis = hashBasis | 0;
  }

  /** How many entries there are. */
  get size(): number {
    return this.#size;
  }

  /** Ids are below. */
  get idEnd(): number {
    return this.#rows.idEnd;
  }

  /** Bytes held. */
  get usedBytes(): number {
    return this.#rows.usedBytes + this.#buckets.usedBytes + this.#arena.usedBytes;
  }

  /** The length of an entry in bytes. */
  length(id: number): number {
    return this.#rows.get(id, LENGTH);
  }

  /** As a wire string. */
  text(id: number): string {
    const address = this.#rows.get(id, ADDRESS);
    const start = this.#arena.start(address);
    return this.#arena.chunk(address).latin1Slice(start, start + this.length(id));
  }

  /** Copies the bytes of an entry; returns how many. */
  copy(id: number, target: Buffer, targetStart: number): number {
    const address = this.#rows.get(id, ADDRESS);
    const start = this.#arena.start(address);
    const length = this.length(id);
    this.#arena.chunk(address).copy(target, targetStart, start, start + length);
    return length;
  }

  /** Whether `pattern` takes an entry. */
  matches(id: number, pattern: SubjectPattern): boolean {
    const address = this.#rows.get(id, ADDRESS);
    const start = this.#arena.start(address);
    return pattern.takes(this.#arena.chunk(address), start, start + this.length(id));
  }

  /** The entry that consists of that of `prefix` (0: nothing) and `rest`; 0: there is none. */
  find(prefix: number, rest: string): number {
    const rows = this.#rows;
    const prefixLength = prefix === 0 ? 0 : this.length(prefix);
    const length = prefixLength + rest.length;
    const hash = this.#hashFrom(prefix, rest);
    let id = this.#buckets.first(this.#buckets.of(hash));
    for (; id !== 0; id = rows.get(id, NEXT)) {
      if (rows.get(id, HASH) !== hash || rows.get(id, LENGTH) !== length) continue;
      const address = rows.get(id, ADDRESS);
      const start = this.#arena.start(address);
      const chunk = this.#arena.chunk(address);
      if (isText(rest, chunk, start + prefixLength) && this.#startsWith(chunk, start, prefix)) break;
    }
    return id;
  }

  /** Puts in `subject`, which is no entry yet, and those of its beginnings that are missing; returns its id. */
  insert(subject: string): number {
    const id = this.#insertOne(subject);
    let child = id;
    for (let end = deepestDot(subject); ; end = subject.lastIndexOf(".", end - 1)) {
      const prefix = end > 0 ? subject.slice(0, end) : "";
      const known = prefix === "" ? 0 : this.find(0, prefix);
      const parent = prefix === "" || known !== 0 ? known : this.#insertOne(prefix);
      this.tree.adopt(parent, child);
      // Nothing before the dot, or something that has its parent already.
      if (parent === known) return id;
      child = parent;
    }
  }

  /** Removes an entry that nothing needs, and those above it that only it needed. */
  prune(entry: number, isNeeded: (id: number) => boolean): void {
    let id = entry;
    while (id !== 0 && !isNeeded(id) && this.tree.firstChild(id) === 0) {
      const parent = this.tree.parent(id);
      this.#remove(id);
      id = parent;
    }
  }

  /** Writes all entries, so that `load` makes the same of them. */
  save(fields: FieldWriter): void {
    fields.u32(this.#hashBasis >>> 0);
    fields.u32(this.#size);
    this.#rows.save(fields);
    this.#buckets.save(fields);
    this.#arena.save(fields);
  }

  /** Puts in what `save` wrote; there is no entry yet. Returns the basis of its hashes. */
  load(fields: FieldReader): number {
    this.#hashBasis = fields.u32() | 0;
    this.#size = fields.u32();
    this.#rows.load(fields);
    this.#buckets.load(fields);
    this.#arena.load(fields);
    return this.#hashBasis;
  }

  #startsWith(chunk: Buffer, start: number, prefix: number): boolean {
    if (prefix === 0) return true;
    const address = this.#rows.get(prefix, ADDRESS);
    const other = this.#arena.chunk(address);
    const otherStart = this.#arena.start(address);
    for (let i = this.length(prefix) - 1; i >= 0; i--) {
      if (chunk[start + i] !== other[otherStart + i]) return false;
    }
    return true;
  }

  #hashFrom(prefix: number, rest: string): number {
    let hash = prefix === 0 ? this.#hashBasis : this.#rows.get(prefix, HASH);
    for (let i = 0; i < rest.length; i++) hash = Math.imul(hash ^ rest.charCodeAt(i), HASH_PRIME);
    return hash | 0;
  }

  #insertOne(subject: string): number {
    const rows = this.#rows;
    const id = rows.take();
    rows.set(id, HASH, this.#hashFrom(0, subject));
    rows.set(id, ADDRESS, this.#arena.put(subject));
    rows.set(id, LENGTH, subject.length);
    rows.set(id, FIRST_CHILD, 0);
    this.#chain(id);
    this.#size++;
    if (this.#size > this.#buckets.count) this.#splitOne();
    return id;
  }

  #remove(id: number): void {
    this.tree.detach(id);
    this.#unchain(id);
    this.#arena.remove(this.#rows.get(id, ADDRESS) >>> 0, this.length(id));
    this.#rows.give(id);
    this.#size--;
  }

  #chain(id: number): void {
    const bucket = this.#buckets.of(this.#rows.get(id, HASH));
    this.#rows.set(id, NEXT, this.#buckets.first(bucket));
    this.#buckets.setFirst(bucket, id);
  }

  #unchain(id: number): void {
    const rows = this.#rows;
    const bucket = this.#buckets.of(rows.get(id, HASH));
    let previous = 0;
    for (let entry = this.#buckets.first(bucket); entry !== id; entry = rows.get(entry, NEXT)) {
      assert(entry !== 0, "an entry stands in its hash's bucket");
      previous = entry;
    }
    const next = rows.get(id, NEXT);
    if (previous === 0) this.#buckets.setFirst(bucket, next);
    else rows.set(previous, NEXT, next);
  }

  #splitOne(): void {
    const bucket = this.#buckets.split();
    let id = this.#buckets.first(bucket);
    this.#buckets.setFirst(bucket, 0);
    while (id !== 0) {
      const next = this.#rows.get(id, NEXT);
      this.#chain(id);
      id = next;
    }
  }

  /** Throws where a stated invariant does not hold. For tests. */
  checkInvariants(isNeeded: (id: number) => boolean): void {
    const { tree } = this;
    let size = 0;
    for (let bucket = 0; bucket < this.#buckets.count; bucket++) {
      for (let id = this.#buckets.first(bucket); id !== 0; id = this.#rows.get(id, NEXT)) {
        const subject = this.text(id);
        assert(
          this.#buckets.of(this.#hashFrom(0, subject)) === bucket,
          "an entry stands in its hash's bucket",
        );
        assert(this.find(0, subject) === id, "an entry is found");
        assert(isNeeded(id) || tree.firstChild(id) !== 0, "an entry has messages or children");
        const dot = deepestDot(subject);
        assert(
          tree.parent(id) === (dot > 0 ? this.find(0, subject.slice(0, dot)) : 0),
          "an entry has its parent",
        );
        tree.checkChildren(id);
        size++;
      }
    }
    assert(size === this.#size, "entries are counted");
  }
}

/** Where the longest beginning of `subject` that is an entry ends; -1: it has no dot. */
function deepestDot(subject: string): number {
  let end = -1;
  for (let level = 0; level < LEVELS_MAX; level++) {
    const dot = subject.indexOf(".", end + 1);
    if (dot < 0) break;
    end = dot;
  }
  return end;
}

/** Whether the wire string `text` stands in `chunk` at `start`; the end first, where subjects differ. */
function isText(text: string, chunk: Buffer, start: number): boolean {
  for (let i = text.length - 1; i >= 0; i--) if (chunk[start + i] !== text.charCodeAt(i)) return false;
  return true;
}
