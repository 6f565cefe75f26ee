import { assert } from "../base/assert.ts";
import type { FieldReader, FieldWriter } from "./file/byte-fields.ts";
import { SubjectCounts } from "./subject-counts.ts";
import { SubjectNames } from "./subject-names.ts";
import type { SubjectPattern } from "./subject-pattern.ts";
import { forEachEntry } from "./subject-walk.ts";

/** What a table without subjects may hold for the next ones. */
const EMPTY_BYTES_MAX = 64 * 1024;

/**
 * The subjects of one stream: an id for each, its bytes, and the first and last sequence and the number of its
 * messages; about 60 bytes and the subject's own, none of them on the JavaScript heap.
 *
 * Each beginning of a subject that ends before one of its first dots is an entry too, and knows its children, so that
 * a pattern with wildcards finds its subjects without looking at all the others: `SubjectNames`.
 *
 * An id (1 and up) is that subject's as long as it has messages; afterwards another may get it.
 */
export class SubjectTable {
  #hashBasis: number;
  #names: SubjectNames;
  #counts = new SubjectCounts();
  #size = 0;
  /** The subject with messages that was looked for last: publishers repeat themselves. */
  #latest = "";
  #latestId = 0;
  readonly #hasMessages = (id: number): boolean => this.#counts.count(id) > 0;

  /** `hashBasis`: any 32 bits, a secret so that nobody can choose subjects that all fall into one bucket. */
  constructor(hashBasis: number) {
    this.#hashBasis = hashBasis;
    this.#names = new SubjectNames(hashBasis);
  }

  /** How many subjects have messages. */
  get size(): number {
    return this.#size;
  }

  /** Ids are below. */
  get idEnd(): number {
    return this.#names.idEnd;
  }

  /** Bytes held. */
  get usedBytes(): number {
    return this.#names.usedBytes + this.#counts.usedBytes;
  }

  /** The id of a literal subject that has messages; 0: it has none. */
  idOf(subject: string): number {
    const id = this.#lookUp(subject);
    if (id === 0 || this.count(id) === 0) return 0;
    this.#remember(subject, id);
    return id;
  }

  /** Counts one more message `seq`, which comes after all others of `subject`; returns its id. */
  add(subject: string, seq: number): number {
    const id = this.intern(subject);
    this.addTo(id, seq);
    return id;
  }

  /** The id of a literal subject, made if it has no messages; the next call counts one: `addTo`. */
  intern(subject: string): number {
    const known = this.#lookUp(subject);
    const id = known !== 0 ? known : this.#insert(subject);
    this.#remember(subject, id);
    return id;
  }

  /** Counts one more message `seq` of a subject, which comes after all its others. */
  addTo(id: number, seq: number): void {
    if (this.#counts.add(id, seq)) this.#size++;
  }

  /**
   * Writes all of the table as it lies in memory, so that `load` makes the same of it, ids included: many times as fast
   * as to put in each subject anew.
   */
  save(fields: FieldWriter): void {
    fields.reserve(this.usedBytes);
    fields.u32(this.#size);
    this.#names.save(fields);
    this.#counts.save(fields, this.idEnd);
  }

  /** Puts in what `save` wrote; the table is empty. Where `fields` turn out to be over it is of no use. */
  load(fields: FieldReader): void {
    this.#size = fields.u32();
    this.#hashBasis = this.#names.load(fields);
    this.#counts.load(fields, this.idEnd);
  }

  /**
   * Counts `removed` messages fewer; true: the subject has none left and its id is no longer its own. Which are the first
   * and the last now is up to the caller: `setFirst`, `setLast`.
   */
  remove(id: number, removed: number = 1): boolean {
    if (!this.#counts.remove(id, removed)) return false;
    this.#size--;
    // Its id may soon be another's.
    if (id === this.#latestId) this.#remember("", 0);
    this.#names.prune(id, this.#hasMessages);
    if (this.#names.size === 0 && this.usedBytes > EMPTY_BYTES_MAX) this.clear();
    return true;
  }

  /** Forgets all subjects and gives the memory back. */
  clear(): void {
    this.#names = new SubjectNames(this.#hashBasis);
    this.#counts = new SubjectCounts();
    this.#size = 0;
    this.#remember("", 0);
  }

  first(id: number): number {
    return this.#counts.first(id);
  }

  setFirst(id: number, seq: number): void {
    this.#counts.setFirst(id, seq);
  }

  last(id: number): number {
    return this.#counts.last(id);
  }

  setLast(id: number, seq: number): void {
    this.#counts.setLast(id, seq);
  }

  /** How many messages it has; 0 also for an id that is nobody's. */
  count(id: number): number {
    return this.#counts.count(id);
  }

  /** The length of its subject in bytes. */
  length(id: number): number {
    return this.#names.length(id);
  }

  subject(id: number): string {
    return this.#names.text(id);
  }

  /** Copies the bytes of its subject; returns how many. */
  copySubject(id: number, target: Buffer, targetStart: number): number {
    return this.#names.copy(id, target, targetStart);
  }

  /** Whether `pattern` takes the subject of `id`. */
  matches(id: number, pattern: SubjectPattern): boolean {
    return this.#names.matches(id, pattern);
  }

  /** Calls `visit` with each id, in no particular order. The table does not change meanwhile. */
  forEach(visit: (id: number) => void): void {
    for (let id = 1; id < this.idEnd; id++) if (this.count(id) > 0) visit(id);
  }

  /** Calls `visit` with the id of each subject that `pattern` takes, in no particular order. The table does not change meanwhile. */
  forEachMatch(pattern: SubjectPattern, visit: (id: number) => void): void {
    if (pattern.parts.length === 1 && pattern.parts[0].kind === "rest") {
      this.forEach(visit);
      return;
    }
    forEachEntry(this.#names, pattern, (id) => {
      if (this.count(id) > 0) visit(id);
    });
  }

  /** The entry of `subject`, with messages or without. */
  #lookUp(subject: string): number {
    return subject === this.#latest ? this.#latestId : this.#names.find(0, subject);
  }

  #insert(subject: string): number {
    const id = this.#names.insert(subject);
    this.#counts.makeRoom(this.#names.idEnd);
    return id;
  }

  #remember(subject: string, id: number): void {
    this.#latest = subject;
    this.#latestId = id;
  }

  /** Throws where a stated invariant does not hold. For tests. */
  checkInvariants(): void {
    this.#names.checkInvariants(this.#hasMessages);
    let size = 0;
    this.forEach(() => size++);
    assert(size === this.#size, "subjects are counted");
  }
}
