import { assert } from "../base/assert.ts";
import { HASH_PRIME } from "../subject/subject-hash.ts";
import { SubjectArena } from "./subject-arena.ts";
import { SubjectBuckets } from "./subject-buckets.ts";
import { SubjectPage } from "./subject-page.ts";
import type { SubjectPattern } from "./subject-pattern.ts";

/** Ids of a full page. */
const PAGE_BITS = 12;
const PAGE_IDS = 2 ** PAGE_BITS;
const PAGE_MASK = PAGE_IDS - 1;
/**
 * Beginnings of a subject that are entries: so many tokens at most, or one long subject of many tokens would take
 * memory with the square of its length. What stands below is told apart by its bytes.
 */
const LEVELS_MAX = 8;
/** What a table without subjects may hold for the next ones. */
const EMPTY_BYTES_MAX = 64 * 1024;
/** The first page starts with so many, since most streams have few subjects, and is doubled until it is full. */
const PAGE_IDS_MIN = 16;

/**
 * The subjects of one stream: an id for each, its bytes, and the first and last sequence and the number of its
 * messages; about 60 bytes and the subject's own, none of them on the JavaScript heap.
 *
 * Each beginning of a subject that ends before one of its first dots is an entry too, and knows its children, so that
 * a pattern with wildcards finds its subjects without looking at all the others. All entries stand in one hash table, by linear
 * hashing: each that is added splits at most one bucket, so that a large table never stops to rehash.
 *
 * An id (1 and up) is that subject's as long as it has messages; afterwards another may get it.
 */
export class SubjectTable {
  readonly #hashBasis: number;
  #arena = new SubjectArena();
  #pages: SubjectPage[] = [new SubjectPage(PAGE_IDS_MIN)];
  /** The lowest id never used. */
  #idEnd = 1;
  /** Given-back ids, linked by `next`. 0: none. */
  #freeId = 0;
  #entries = 0;
  #size = 0;
  /** The first entry that has no dot. */
  #firstRoot = 0;
  #buckets = new SubjectBuckets();
  /** The subject looked for last: publishers repeat themselves. */
  #latest = "";
  #latestId = 0;

  /** `hashBasis`: any 32 bits, a secret so that nobody can choose subjects that all fall into one bucket. */
  constructor(hashBasis: number) {
    this.#hashBasis = hashBasis | 0;
  }

  /** How many subjects have messages. */
  get size(): number {
    return this.#size;
  }

  /** Ids are below. */
  get idEnd(): number {
    return this.#idEnd;
  }

  /** Bytes held. */
  get usedBytes(): number {
    const pages = this.#pages.reduce((sum, page) => sum + page.usedBytes, 0);
    return pages + this.#buckets.usedBytes + this.#arena.usedBytes;
  }

  /** The id of a literal subject that has messages; 0: it has none. */
  idOf(subject: string): number {
    const id = this.#lookUp(subject);
    return id !== 0 && this.count(id) > 0 ? id : 0;
  }

  /** Counts one more message `seq`, which comes after all others of `subject`; returns its id. */
  add(subject: string, seq: number): number {
    const id = this.intern(subject);
    this.addTo(id, seq);
    return id;
  }

  /** The id of a literal subject, made if it has no messages; the next call counts one: `addTo`. */
  intern(subject: string): number {
    const id = this.#lookUp(subject);
    return id !== 0 ? id : this.#insert(subject);
  }

  /** Counts one more message `seq` of a subject, which comes after all its others. */
  addTo(id: number, seq: number): void {
    const page = this.#pages[id >>> PAGE_BITS];
    const at = id & PAGE_MASK;
    if (page.count[at]++ === 0) {
      page.first[at] = seq;
      this.#size++;
    }
    page.last[at] = seq;
  }

  /** Puts a subject in as it was kept elsewhere; there is none of it yet, and `count` is not 0. */
  restore(subject: string, first: number, last: number, count: number): number {
    const id = this.add(subject, first);
    const page = this.#pages[id >>> PAGE_BITS];
    const at = id & PAGE_MASK;
    page.last[at] = last;
    page.count[at] = count;
    return id;
  }

  /**
   * Counts `removed` messages fewer; true: the subject has none left and its id is no longer its own. Which are the first
   * and the last now is up to the caller: `setFirst`, `setLast`.
   */
  remove(id: number, removed: number = 1): boolean {
    const page = this.#pages[id >>> PAGE_BITS];
    const at = id & PAGE_MASK;
    assert(page.count[at] >= removed, "a subject does not lose more messages than it has");
    page.count[at] -= removed;
    if (page.count[at] > 0) return false;
    this.#size--;
    this.#prune(id);
    if (this.#entries === 0 && this.usedBytes > EMPTY_BYTES_MAX) this.clear();
    return true;
  }

  /** Forgets all subjects and gives the memory back. */
  clear(): void {
    this.#arena = new SubjectArena();
    this.#pages = [new SubjectPage(PAGE_IDS_MIN)];
    this.#idEnd = 1;
    this.#freeId = 0;
    this.#entries = 0;
    this.#size = 0;
    this.#firstRoot = 0;
    this.#buckets = new SubjectBuckets();
    this.#latest = "";
    this.#latestId = 0;
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

  /** How many messages it has; 0 also for an id that is nobody's. */
  count(id: number): number {
    return this.#pages[id >>> PAGE_BITS].count[id & PAGE_MASK];
  }

  /** The length of its subject in bytes. */
  length(id: number): number {
    return this.#pages[id >>> PAGE_BITS].length[id & PAGE_MASK];
  }

  subject(id: number): string {
    const page = this.#pages[id >>> PAGE_BITS];
    const address = page.address[id & PAGE_MASK];
    const start = this.#arena.start(address);
    return this.#arena.chunk(address).latin1Slice(start, start + page.length[id & PAGE_MASK]);
  }

  /** Copies the bytes of its subject; returns how many. */
  copySubject(id: number, target: Buffer, targetStart: number): number {
    const page = this.#pages[id >>> PAGE_BITS];
    const address = page.address[id & PAGE_MASK];
    const start = this.#arena.start(address);
    const length = page.length[id & PAGE_MASK];
    this.#arena.chunk(address).copy(target, targetStart, start, start + length);
    return length;
  }

  /** Whether `pattern` takes the subject of `id`. */
  matches(id: number, pattern: SubjectPattern): boolean {
    const page = this.#pages[id >>> PAGE_BITS];
    const address = page.address[id & PAGE_MASK];
    const start = this.#arena.start(address);
    return pattern.takes(this.#arena.chunk(address), start, start + page.length[id & PAGE_MASK]);
  }

  /** Calls `visit` with each id, in no particular order. The table does not change meanwhile. */
  forEach(visit: (id: number) => void): void {
    for (let id = 1; id < this.#idEnd; id++) if (this.count(id) > 0) visit(id);
  }

  /** Calls `visit` with the id of each subject that `pattern` takes, in no particular order. The table does not change meanwhile. */
  forEachMatch(pattern: SubjectPattern, visit: (id: number) => void): void {
    if (pattern.parts.length === 1 && pattern.parts[0].kind === "rest") this.forEach(visit);
    else this.#walk(0, 0, pattern, 0, visit);
  }

  /** Entries below `parent` (0: all), which has `level` tokens, that the parts of `pattern` from `index` on take. */
  #walk(
    parent: number,
    level: number,
    pattern: SubjectPattern,
    index: number,
    visit: (id: number) => void,
  ): void {
    const { kind, dotted, tokens } = pattern.parts[index];
    const isLast = index === pattern.parts.length - 1;
    if (kind === "rest") {
      this.#visitBelow(parent, visit);
    } else if (kind === "literal" && (isLast || level + tokens <= LEVELS_MAX)) {
      const id = this.#find(parent, dotted);
      if (id === 0) return;
      if (!isLast) this.#walk(id, level + tokens, pattern, index + 1, visit);
      else if (this.count(id) > 0) visit(id);
    } else if (kind === "one" && level < LEVELS_MAX) {
      for (let id = this.#firstChild(parent); id !== 0; id = this.#nextSibling(id)) {
        if (!isLast) this.#walk(id, level + 1, pattern, index + 1, visit);
        else if (this.count(id) > 0) visit(id);
      }
    } else {
      this.#visitBelow(parent, (id) => {
        if (this.matches(id, pattern)) visit(id);
      });
    }
  }

  /** All that stands below `parent`, without recursion: subjects may have thousands of tokens. */
  #visitBelow(parent: number, visit: (id: number) => void): void {
    let id = this.#firstChild(parent);
    while (id !== 0) {
      if (this.count(id) > 0) visit(id);
      let next = this.#firstChild(id);
      while (next === 0) {
        next = this.#nextSibling(id);
        if (next !== 0) break;
        id = this.#parent(id);
        if (id === parent) return;
      }
      id = next;
    }
  }

  #firstChild(id: number): number {
    return id === 0 ? this.#firstRoot : this.#pages[id >>> PAGE_BITS].firstChild[id & PAGE_MASK];
  }

  #nextSibling(id: number): number {
    return this.#pages[id >>> PAGE_BITS].nextSibling[id & PAGE_MASK];
  }

  #parent(id: number): number {
    return this.#pages[id >>> PAGE_BITS].parent[id & PAGE_MASK];
  }

  /** The entry of `subject`, with messages or without. */
  #lookUp(subject: string): number {
    if (subject === this.#latest) return this.#latestId;
    const id = this.#find(0, subject);
    if (id !== 0) this.#remember(subject, id);
    return id;
  }

  #remember(subject: string, id: number): void {
    this.#latest = subject;
    this.#latestId = id;
  }

  /** The entry that consists of that of `prefix` (0: nothing) and `rest`. */
  #find(prefix: number, rest: string): number {
    const prefixLength = prefix === 0 ? 0 : this.length(prefix);
    const length = prefixLength + rest.length;
    const hash = this.#hashFrom(prefix, rest);
    for (let id = this.#buckets.first(this.#buckets.of(hash)); id !== 0;) {
      const page = this.#pages[id >>> PAGE_BITS];
      const at = id & PAGE_MASK;
      if (page.hash[at] === hash && page.length[at] === length) {
        const address = page.address[at];
        const start = this.#arena.start(address);
        const chunk = this.#arena.chunk(address);
        if (endsWith(chunk, start + prefixLength, rest) && this.#startsWith(chunk, start, prefix)) return id;
      }
      id = page.next[at];
    }
    return 0;
  }

  #startsWith(chunk: Buffer, start: number, prefix: number): boolean {
    if (prefix === 0) return true;
    const page = this.#pages[prefix >>> PAGE_BITS];
    const at = prefix & PAGE_MASK;
    const other = this.#arena.chunk(page.address[at]);
    const otherStart = this.#arena.start(page.address[at]);
    for (let i = page.length[at] - 1; i >= 0; i--)
      if (chunk[start + i] !== other[otherStart + i]) return false;
    return true;
  }

  #hashFrom(prefix: number, rest: string): number {
    let hash = prefix === 0 ? this.#hashBasis : this.#pages[prefix >>> PAGE_BITS].hash[prefix & PAGE_MASK];
    for (let i = 0; i < rest.length; i++) hash = Math.imul(hash ^ rest.charCodeAt(i), HASH_PRIME);
    return hash | 0;
  }

  /** Puts in `subject` and those of its beginnings that are missing. */
  #insert(subject: string): number {
    const id = this.#insertOne(subject);
    let child = id;
    for (let end = deepestDot(subject); ; end = subject.lastIndexOf(".", end - 1)) {
      const prefix = end > 0 ? subject.slice(0, end) : "";
      const known = prefix === "" ? 0 : this.#find(0, prefix);
      const parent = prefix === "" || known !== 0 ? known : this.#insertOne(prefix);
      this.#adopt(parent, child);
      // Nothing before the dot, or something that has its parent already.
      if (parent === known) break;
      child = parent;
    }
    this.#remember(subject, id);
    return id;
  }

  #insertOne(subject: string): number {
    const id = this.#takeId();
    const page = this.#pages[id >>> PAGE_BITS];
    const at = id & PAGE_MASK;
    page.hash[at] = this.#hashFrom(0, subject);
    page.address[at] = this.#arena.put(subject);
    page.length[at] = subject.length;
    page.count[at] = 0;
    page.firstChild[at] = 0;
    this.#chain(id);
    this.#entries++;
    if (this.#entries > this.#buckets.count) this.#splitOne();
    return id;
  }

  #takeId(): number {
    if (this.#freeId !== 0) {
      const id = this.#freeId;
      this.#freeId = this.#pages[id >>> PAGE_BITS].next[id & PAGE_MASK];
      return id;
    }
    const id = this.#idEnd++;
    const index = id >>> PAGE_BITS;
    if (index === this.#pages.length) this.#pages.push(new SubjectPage(PAGE_IDS));
    const page = this.#pages[index];
    if ((id & PAGE_MASK) >= page.capacity) this.#pages[index] = page.grown(page.capacity * 2);
    return id;
  }

  #adopt(parent: number, child: number): void {
    const page = this.#pages[child >>> PAGE_BITS];
    const at = child & PAGE_MASK;
    const sibling = this.#firstChild(parent);
    page.parent[at] = parent;
    page.previousSibling[at] = 0;
    page.nextSibling[at] = sibling;
    if (sibling !== 0) this.#pages[sibling >>> PAGE_BITS].previousSibling[sibling & PAGE_MASK] = child;
    this.#setFirstChild(parent, child);
  }

  #setFirstChild(parent: number, child: number): void {
    if (parent === 0) this.#firstRoot = child;
    else this.#pages[parent >>> PAGE_BITS].firstChild[parent & PAGE_MASK] = child;
  }

  /** Removes an entry that nothing needs, and those above it that only it needed. */
  #prune(id: number): void {
    while (id !== 0 && this.count(id) === 0 && this.#firstChild(id) === 0) {
      const parent = this.#parent(id);
      this.#removeOne(id);
      id = parent;
    }
  }

  #removeOne(id: number): void {
    const page = this.#pages[id >>> PAGE_BITS];
    const at = id & PAGE_MASK;
    const previous = page.previousSibling[at];
    const next = page.nextSibling[at];
    if (previous === 0) this.#setFirstChild(page.parent[at], next);
    else this.#pages[previous >>> PAGE_BITS].nextSibling[previous & PAGE_MASK] = next;
    if (next !== 0) this.#pages[next >>> PAGE_BITS].previousSibling[next & PAGE_MASK] = previous;
    this.#unchain(id);
    this.#arena.remove(page.address[at], page.length[at]);
    page.next[at] = this.#freeId;
    this.#freeId = id;
    this.#entries--;
    if (this.#latestId === id) this.#remember("", 0);
  }

  #chain(id: number): void {
    const page = this.#pages[id >>> PAGE_BITS];
    const bucket = this.#buckets.of(page.hash[id & PAGE_MASK]);
    page.next[id & PAGE_MASK] = this.#buckets.first(bucket);
    this.#buckets.setFirst(bucket, id);
  }

  #unchain(id: number): void {
    const bucket = this.#buckets.of(this.#pages[id >>> PAGE_BITS].hash[id & PAGE_MASK]);
    let previous = 0;
    let entry = this.#buckets.first(bucket);
    while (entry !== id) {
      assert(entry !== 0, "an entry stands in its hash's bucket");
      previous = entry;
      entry = this.#pages[entry >>> PAGE_BITS].next[entry & PAGE_MASK];
    }
    const next = this.#pages[id >>> PAGE_BITS].next[id & PAGE_MASK];
    if (previous === 0) this.#buckets.setFirst(bucket, next);
    else this.#pages[previous >>> PAGE_BITS].next[previous & PAGE_MASK] = next;
  }

  #splitOne(): void {
    const bucket = this.#buckets.split();
    let id = this.#buckets.first(bucket);
    this.#buckets.setFirst(bucket, 0);
    while (id !== 0) {
      const next: number = this.#pages[id >>> PAGE_BITS].next[id & PAGE_MASK];
      this.#chain(id);
      id = next;
    }
  }

  /** Throws where a stated invariant does not hold. For tests. */
  checkInvariants(): void {
    let entries = 0;
    let size = 0;
    for (let bucket = 0; bucket < this.#buckets.count; bucket++) {
      for (
        let id = this.#buckets.first(bucket);
        id !== 0;
        id = this.#pages[id >>> PAGE_BITS].next[id & PAGE_MASK]
      ) {
        const subject = this.subject(id);
        assert(
          this.#buckets.of(this.#hashFrom(0, subject)) === bucket,
          "an entry stands in its hash's bucket",
        );
        assert(this.#find(0, subject) === id, "an entry is found");
        assert(this.count(id) > 0 || this.#firstChild(id) !== 0, "an entry has messages or children");
        const dot = deepestDot(subject);
        assert(
          this.#parent(id) === (dot > 0 ? this.#find(0, subject.slice(0, dot)) : 0),
          "an entry has its parent",
        );
        for (let child = this.#firstChild(id); child !== 0; child = this.#nextSibling(child)) {
          assert(this.#parent(child) === id, "a child knows its parent");
        }
        entries++;
        if (this.count(id) > 0) size++;
      }
    }
    assert(entries === this.#entries && size === this.#size, "entries are counted");
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

/** Whether `rest` stands in `chunk` at `start`; the end first, where subjects differ. */
function endsWith(chunk: Buffer, start: number, rest: string): boolean {
  for (let i = rest.length - 1; i >= 0; i--) if (chunk[start + i] !== rest.charCodeAt(i)) return false;
  return true;
}
