import type { Instant } from "../../base/instant.ts";
import { assert } from "../../base/assert.ts";
import { Expiries } from "../expiries.ts";
import type { StoredMessage } from "../stored-message.ts";
import type { Filter, StoreFailure, StreamState, StreamStore, SubjectCount } from "../stream-store.ts";
import { SubjectTable } from "../subject-table.ts";
import { MemoryFilter, MemorySearch } from "./memory-search.ts";
import { MemoryState } from "./memory-state.ts";
import { SeqIndex } from "./seq-index.ts";
import { Slabs } from "./slabs.ts";
import { SubjectChains } from "./subject-chains.ts";

/** What the reference counts for a message in memory besides its bytes. */
const OVERHEAD_BYTES = 16;

/** What a stream without messages may hold for the next ones: a queue that is often empty would allocate without end. */
const EMPTY_BYTES_MAX = 64 * 1024;

const FULL: StoreFailure = { kind: "full", reason: "no more memory can be addressed" };

export interface MemoryStoreOptions {
  /** What the first message gets; 0: 1. */
  readonly firstSeq: number;
  /** 32 secret bits; see `SubjectTable`. */
  readonly hashBasis: number;
  /** For tests: how many slabs it may have. */
  readonly slabsMax?: number;
}

/** Keeps the messages of a stream in memory, off the JavaScript heap; what was done is durable at once, as far as it goes. */
export class MemoryStreamStore implements StreamStore {
  readonly #index = new SeqIndex();
  readonly #slabs: Slabs;
  readonly #subjects: SubjectTable;
  readonly #chains: SubjectChains;
  readonly #state: MemoryState;
  readonly #search: MemorySearch;
  readonly #expiries = new Expiries((seq) => this.#expires(seq));
  #position = 0;
  onDurable: () => void = () => {};

  constructor({ firstSeq, hashBasis, slabsMax }: MemoryStoreOptions) {
    this.#slabs = new Slabs((seq, address) => {
      this.#index.set(seq, address + 1);
    }, slabsMax);
    this.#subjects = new SubjectTable(hashBasis);
    this.#chains = new SubjectChains(this.#subjects, this.#index, this.#slabs);
    this.#state = new MemoryState(firstSeq, (seq) => this.#timeOf(seq));
    this.#search = new MemorySearch(this.#state, this.#index, this.#slabs, this.#subjects, this.#chains);
  }

  get state(): StreamState {
    return this.#state;
  }

  append(
    subject: string,
    buf: Buffer,
    headersStart: number,
    payloadStart: number,
    payloadEnd: number,
    timeMs: number,
    timeNs: number,
    expiresMs: number,
  ): number {
    const state = this.#state;
    const seq = state.lastSeq + 1;
    const id = this.#subjects.intern(subject);
    const previous = this.#subjects.count(id) === 0 ? 0 : this.#subjects.last(id);
    const address = this.#slabs.add(
      seq,
      id,
      previous,
      buf,
      headersStart,
      payloadStart,
      payloadEnd,
      timeMs,
      timeNs,
      expiresMs !== 0,
    );
    this.#index.add(seq, address + 1);
    this.#chains.append(id, seq, previous);
    if (expiresMs !== 0) this.#expiries.add(expiresMs, seq);
    if (state.messages === 0) state.firstSeq = seq;
    state.messages++;
    state.bytes += OVERHEAD_BYTES + subject.length + payloadEnd - headersStart;
    state.lastSeq = seq;
    state.lastTimeMs = timeMs;
    state.lastTimeNs = timeNs;
    state.subjectCount = this.#subjects.size;
    this.#position++;
    return seq;
  }

  /** Nothing is left after a crash. */
  together(): void {}

  skipTo(seq: number): void {
    const state = this.#state;
    assert(seq > state.lastSeq, "sequences are skipped forwards");
    state.lastSeq = seq - 1;
    if (state.messages === 0) state.firstSeq = seq;
    this.#position++;
  }

  remove(seq: number): boolean {
    if (this.#index.get(seq) === 0) return false;
    this.#remove(seq);
    this.#settleFirst();
    this.#position++;
    return true;
  }

  removeBefore(seq: number): number {
    const state = this.#state;
    if (seq <= state.firstSeq) return 0;
    this.#position++;
    const before = state.messages;
    if (seq > state.lastSeq) {
      this.#clear();
      state.firstSeq = seq;
      state.lastSeq = seq - 1;
    } else {
      for (let at = this.#index.next(state.firstSeq); at !== 0 && at < seq; at = this.#index.next(at + 1)) {
        this.#remove(at);
      }
      this.#settleFirst();
    }
    return before - state.messages;
  }

  purge(filter: Filter, beforeSeq: number, keep: number): number {
    const ownFilter = own(filter);
    if (this.#state.messages === 0) return 0;
    let end = beforeSeq;
    for (let kept = 0; kept < keep; kept++) {
      end = this.#search.previous(ownFilter, end - 1);
      if (end === 0) return 0;
    }
    if (ownFilter.isAll && end > this.#state.lastSeq) return this.removeBefore(this.#state.lastSeq + 1);
    const ids: number[] = [];
    ownFilter.forEachId((id) => ids.push(id));
    const before = this.#state.messages;
    for (const id of ids) {
      let seq = this.#subjects.first(id);
      while (seq !== 0 && seq < end) {
        const next = this.#chains.after(seq);
        this.#remove(seq);
        seq = next;
      }
    }
    const purged = before - this.#state.messages;
    if (purged > 0) {
      this.#settleFirst();
      this.#position++;
    }
    return purged;
  }

  filter(subjects: readonly string[]): Filter {
    return new MemoryFilter(this.#subjects, subjects);
  }

  next(filter: Filter, fromSeq: number): number {
    return this.#search.next(own(filter), fromSeq);
  }

  previous(filter: Filter, toSeq: number): number {
    return this.#search.previous(own(filter), toSeq);
  }

  count(filter: Filter, fromSeq: number, lastPerSubject: boolean): number {
    return this.#search.count(own(filter), fromSeq, lastPerSubject);
  }

  firstSeqFrom(time: Instant): number {
    return this.#search.firstSeqFrom(time);
  }

  *withHeaders(since: Instant): IterableIterator<number> {
    const from = this.firstSeqFrom(since);
    for (let seq = this.#index.next(from); seq !== 0; seq = this.#index.next(seq + 1)) {
      if (this.#slabs.headersLength(this.#index.get(seq) - 1) > 0) yield seq;
    }
  }

  load(seq: number, into: StoredMessage): "loaded" | "absent" {
    const address = this.#index.get(seq) - 1;
    if (address < 0) return "absent";
    this.#slabs.load(address, into);
    into.subject = this.#subjects.subject(this.#slabs.subjectId(address));
    return "loaded";
  }

  lastSeqOf(subject: string): number {
    const id = this.#subjects.idOf(subject);
    return id === 0 ? 0 : this.#subjects.last(id);
  }

  countOf(subject: string): number {
    const id = this.#subjects.idOf(subject);
    return id === 0 ? 0 : this.#subjects.count(id);
  }

  firstSeqOf(subject: string): number {
    const id = this.#subjects.idOf(subject);
    return id === 0 ? 0 : this.#subjects.first(id);
  }

  *subjects(filter: Filter): IterableIterator<SubjectCount> {
    const ids: number[] = [];
    own(filter).forEachId((id) => ids.push(id));
    for (const id of ids) {
      const count = this.#subjects.count(id);
      if (count > 0) yield { subject: this.#subjects.subject(id), count };
    }
  }

  *deleted(): IterableIterator<number> {
    if (this.#state.messages === 0) return;
    for (let seq = this.#state.firstSeq; seq <= this.#state.lastSeq; seq++) {
      if (this.#index.get(seq) === 0) yield seq;
    }
  }

  *lost(): IterableIterator<number> {
    // Nothing in memory is ever damaged.
  }

  nextExpiryMs(): number {
    return this.#expiries.nextMs();
  }

  nextExpired(nowMs: number): number {
    return this.#expiries.nextSeq(nowMs);
  }

  keep(seq: number): void {
    if (!this.#expires(seq)) return;
    this.#slabs.keep(this.#index.get(seq) - 1);
    this.#expiries.drop();
    this.#position++;
  }

  get position(): number {
    return this.#position;
  }

  get durablePosition(): number {
    return this.#position;
  }

  get durableSeq(): number {
    return this.#state.lastSeq;
  }

  /** Nothing to wait for. */
  commit(): void {}

  get failure(): StoreFailure | null {
    return this.#slabs.isFull ? FULL : null;
  }

  usedBytes(): number {
    return (
      this.#slabs.usedBytes + this.#index.usedBytes + this.#subjects.usedBytes + this.#expiries.usedBytes
    );
  }

  readonly outdatedFiles = 0;

  async renew(): Promise<void> {}

  async close(): Promise<void> {}

  async destroy(): Promise<void> {
    this.#clear();
  }

  /** Removes a message that is there; `#settleFirst` is to follow. */
  #remove(seq: number): void {
    const state = this.#state;
    const address = this.#index.get(seq) - 1;
    if (this.#slabs.expires(address)) {
      this.#slabs.keep(address);
      this.#expiries.drop();
    }
    const id = this.#slabs.subjectId(address);
    state.messages--;
    state.bytes -= OVERHEAD_BYTES + this.#subjects.length(id) + this.#slabs.dataLength(address);
    this.#chains.remove(address);
    state.subjectCount = this.#subjects.size;
    this.#index.remove(seq);
    // The last, since it may move others.
    this.#slabs.remove(address);
  }

  #settleFirst(): void {
    const state = this.#state;
    state.firstSeq = this.#index.next(state.firstSeq);
    if (state.firstSeq !== 0) return;
    state.firstSeq = state.lastSeq + 1;
    if (this.#slabs.usedBytes > EMPTY_BYTES_MAX) this.#slabs.clear();
  }

  #clear(): void {
    this.#index.clear();
    this.#slabs.clear();
    this.#subjects.clear();
    this.#expiries.clear();
    this.#state.messages = 0;
    this.#state.bytes = 0;
    this.#state.subjectCount = 0;
  }

  #expires(seq: number): boolean {
    const address = this.#index.get(seq) - 1;
    return address >= 0 && this.#slabs.expires(address);
  }

  #timeOf(seq: number): Instant | null {
    const address = this.#index.get(seq) - 1;
    return address < 0 ? null : { ms: this.#slabs.timeMs(address), ns: this.#slabs.timeNs(address) };
  }

  /** Throws where a stated invariant does not hold. For tests. */
  checkInvariants(): void {
    this.#subjects.checkInvariants();
    const { messages, bytes, firstSeq, lastSeq } = this.#state;
    let count = 0;
    let size = 0;
    for (let seq = this.#index.next(0); seq !== 0; seq = this.#index.next(seq + 1)) {
      const address = this.#index.get(seq) - 1;
      const id = this.#slabs.subjectId(address);
      assert(seq >= firstSeq && seq <= lastSeq, "messages lie between the first and the last");
      const before = this.#slabs.previous(address);
      assert(
        before === 0 ? this.#subjects.first(id) === seq : this.#chains.after(before) === seq,
        "a message follows the one before it of its subject",
      );
      if (this.#slabs.next(address) === 0)
        assert(this.#subjects.last(id) === seq, "a chain ends with the last");
      count++;
      size += OVERHEAD_BYTES + this.#subjects.length(id) + this.#slabs.dataLength(address);
    }
    assert(count === messages && size === bytes, "messages and bytes are counted");
    this.#slabs.checkInvariants(count);
  }
}

/** Filters are made by the store that is asked with them. */
function own(filter: Filter): MemoryFilter {
  assert(filter instanceof MemoryFilter, "a filter is used with the store that made it");
  return filter;
}
