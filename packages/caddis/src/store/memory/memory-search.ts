import type { Instant } from "../../base/instant.ts";
import { SubjectFilter } from "../subject-filter.ts";
import type { SubjectTable } from "../subject-table.ts";
import type { MemoryState } from "./memory-state.ts";
import type { SeqIndex } from "./seq-index.ts";
import type { Slabs } from "./slabs.ts";
import type { SubjectChains } from "./subject-chains.ts";

/** Messages that are looked at one by one before the subjects of a filter are: most often the next one is near. */
const SCAN_MIN = 256;
/** A message is looked at so much faster than a subject is found and its chain followed. */
const SUBJECT_COST = 4;

/** A filter that knows how far to look before it asks its subjects. */
export class MemoryFilter extends SubjectFilter {
  /** Messages to look at one by one: about as long as looking at its subjects took the last time. */
  scan = SCAN_MIN;
}

/** Finds messages of a stream in memory; see `StreamStore` for what each answer is. */
export class MemorySearch {
  readonly #state: MemoryState;
  readonly #index: SeqIndex;
  readonly #slabs: Slabs;
  readonly #subjects: SubjectTable;
  readonly #chains: SubjectChains;

  constructor(
    state: MemoryState,
    index: SeqIndex,
    slabs: Slabs,
    subjects: SubjectTable,
    chains: SubjectChains,
  ) {
    this.#state = state;
    this.#index = index;
    this.#slabs = slabs;
    this.#subjects = subjects;
    this.#chains = chains;
  }

  next(filter: MemoryFilter, fromSeq: number): number {
    const from = Math.max(fromSeq, this.#state.firstSeq);
    if (this.#state.messages === 0 || from > this.#state.lastSeq) return 0;
    if (filter.isAll) return this.#index.next(from);
    if (filter.literal !== null) {
      const id = this.#subjects.idOf(filter.literal);
      return id === 0 ? 0 : this.#chains.next(id, from);
    }
    let seq = from;
    for (let scanned = 0; scanned < filter.scan; scanned++) {
      seq = this.#index.next(seq);
      if (seq === 0 || this.#takes(filter, seq)) return seq;
      seq++;
    }
    return this.#nextBySubject(filter, seq);
  }

  previous(filter: MemoryFilter, toSeq: number): number {
    const to = Math.min(toSeq, this.#state.lastSeq);
    if (this.#state.messages === 0 || to < this.#state.firstSeq) return 0;
    if (filter.isAll) return this.#index.previous(to);
    if (filter.literal !== null) {
      const id = this.#subjects.idOf(filter.literal);
      return id === 0 ? 0 : this.#chains.previous(id, to);
    }
    let seq = to;
    for (let scanned = 0; scanned < filter.scan; scanned++) {
      seq = this.#index.previous(seq);
      if (seq === 0 || this.#takes(filter, seq)) return seq;
      seq--;
    }
    return this.#previousBySubject(filter, seq);
  }

  count(filter: MemoryFilter, fromSeq: number, lastPerSubject: boolean): number {
    const from = Math.max(fromSeq, this.#state.firstSeq);
    if (this.#state.messages === 0 || from > this.#state.lastSeq) return 0;
    if (filter.isAll && !lastPerSubject) return this.#index.countFrom(from);
    let total = 0;
    filter.forEachId((id) => {
      if (!lastPerSubject) total += this.#chains.countFrom(id, from);
      else if (this.#subjects.last(id) >= from) total++;
    });
    return total;
  }

  /** Messages are taken to be in the order of their times, as clocks that run forward leave them. */
  firstSeqFrom({ ms, ns }: Instant): number {
    const { firstSeq, lastSeq } = this.#state;
    let low = firstSeq;
    let high = lastSeq + 1;
    while (low < high) {
      const middle = low + Math.floor((high - low) / 2);
      const seq = this.#index.next(middle);
      const address = seq === 0 ? -1 : this.#index.get(seq) - 1;
      const isOlder =
        address >= 0 &&
        (this.#slabs.timeMs(address) < ms ||
          (this.#slabs.timeMs(address) === ms && this.#slabs.timeNs(address) < ns));
      if (isOlder) low = seq + 1;
      else high = middle;
    }
    const first = this.#index.next(low);
    return first === 0 ? lastSeq + 1 : first;
  }

  #takes(filter: MemoryFilter, seq: number): boolean {
    return filter.takesId(this.#slabs.subjectId(this.#index.get(seq) - 1));
  }

  /** As `next`, for a filter of several subjects: what these say about their first and last messages bounds the search. */
  #nextBySubject(filter: MemoryFilter, from: number): number {
    let end = Infinity;
    let isExact = true;
    let subjects = 0;
    filter.forEachId((id) => {
      subjects++;
      const first = this.#subjects.first(id);
      const last = this.#subjects.last(id);
      if (last < from) return;
      if (first < from) isExact = false;
      end = Math.min(end, first >= from ? first : last);
    });
    filter.scan = Math.max(SCAN_MIN, SUBJECT_COST * subjects);
    if (end === Infinity) return 0;
    if (isExact) return end;
    let seq = this.#index.next(from);
    while (seq < end && !this.#takes(filter, seq)) seq = this.#index.next(seq + 1);
    return seq;
  }

  #previousBySubject(filter: MemoryFilter, to: number): number {
    let end = 0;
    let isExact = true;
    let subjects = 0;
    filter.forEachId((id) => {
      subjects++;
      const first = this.#subjects.first(id);
      const last = this.#subjects.last(id);
      if (first > to) return;
      if (last > to) isExact = false;
      end = Math.max(end, last <= to ? last : first);
    });
    filter.scan = Math.max(SCAN_MIN, SUBJECT_COST * subjects);
    if (isExact || end === 0) return end;
    let seq = this.#index.previous(to);
    while (seq > end && !this.#takes(filter, seq)) seq = this.#index.previous(seq - 1);
    return seq;
  }
}
