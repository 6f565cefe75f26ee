import { compareInstants, type Instant } from "../../base/instant.ts";
import type { StoreData } from "./store-data.ts";
import type { FileFilter } from "./store-filter.ts";

/** Messages looked at one by one before the subjects of a filter are: most often the next one is near. */
const SCAN_MIN = 1024;
/** A message is looked at so much faster than a subject of a filter is found. */
const SUBJECT_COST = 16;

/** Finds and counts messages. What it reads comes from the indexes of blocks. */
export class StoreSearch {
  readonly #data: StoreData;

  constructor(data: StoreData) {
    this.#data = data;
  }

  next(filter: FileFilter, fromSeq: number): number {
    const { state, blocks, table } = this.#data;
    const from = Math.max(fromSeq, state.firstSeq);
    if (state.messages === 0 || from > state.lastSeq) return 0;
    if (filter.isAll) return blocks.next(from);
    if (filter.literal !== null) {
      const id = table.idOf(filter.literal);
      return id === 0 ? 0 : this.#nextOf(id, from);
    }
    const near = this.#scanUp(filter, from, state.lastSeq, Math.max(SCAN_MIN, filter.scan));
    return near >= 0 ? near : this.#nextBySubject(filter, -near);
  }

  previous(filter: FileFilter, toSeq: number): number {
    const { state, blocks, table } = this.#data;
    const to = Math.min(toSeq, state.lastSeq);
    if (state.messages === 0 || to < state.firstSeq) return 0;
    if (filter.isAll) return blocks.previous(to);
    if (filter.literal !== null) {
      const id = table.idOf(filter.literal);
      return id === 0 ? 0 : this.#previousOf(id, to);
    }
    const near = this.#scanDown(filter, to, state.firstSeq, Math.max(SCAN_MIN, filter.scan));
    return near >= 0 ? near : this.#previousBySubject(filter, -near);
  }

  count(filter: FileFilter, fromSeq: number, lastPerSubject: boolean): number {
    const { state, blocks } = this.#data;
    const from = Math.max(fromSeq, state.firstSeq);
    if (state.messages === 0 || from > state.lastSeq) return 0;
    if (lastPerSubject) return this.#countLast(filter, from);
    const isFromStart = from <= state.firstSeq;
    if (filter.isAll) return isFromStart ? state.messages : blocks.countFrom(from);
    // From the subjects: what is certain of each; those that have messages on both sides are looked at.
    const { table } = this.#data;
    let total = 0;
    let certain = 0;
    let isCertain = true;
    filter.forEachId((id) => {
      total += table.count(id);
      if (table.first(id) >= from) certain += table.count(id);
      else if (table.last(id) >= from) isCertain = false;
    });
    if (isFromStart) return total;
    if (isCertain) return certain;
    const behind = blocks.countFrom(from);
    if (behind <= state.messages - behind) return this.#countTaken(filter, from, state.lastSeq);
    return total - this.#countTaken(filter, state.firstSeq, from - 1);
  }

  /** The first sequence of a subject that has messages. */
  firstOf(id: number): number {
    const { table } = this.#data;
    const first = table.first(id);
    if (this.#data.subjectAt(first) === id) return first;
    const last = table.last(id);
    // The most frequent case: a new value has come and the one before was removed.
    const found = table.count(id) === 1 && this.#data.subjectAt(last) === id ? last : this.#findUp(id, first);
    table.setFirst(id, found);
    return found;
  }

  /** The last sequence of a subject that has messages. */
  lastOf(id: number): number {
    const { table } = this.#data;
    const last = table.last(id);
    if (this.#data.subjectAt(last) === id) return last;
    const first = table.first(id);
    const found =
      table.count(id) === 1 && this.#data.subjectAt(first) === id ? first : this.#findDown(id, last);
    table.setLast(id, found);
    return found;
  }

  /**
   * The first message that is not older; 0: none. Times are taken to ascend, as clocks that run forward leave them;
   * where they don't, it is one such message whose predecessor is older.
   */
  firstFrom(time: Instant): number {
    const { blocks } = this.#data;
    for (const block of blocks) {
      if (block.live.count === 0 || compareInstants({ ms: block.timeMs, ns: block.timeNs }, time) < 0)
        continue;
      let low = 0;
      let high = block.lastSeq - block.firstSeq + 1;
      while (low < high) {
        const middle = low + Math.floor((high - low) / 2);
        const rel = block.live.next(middle);
        const at = rel < 0 ? null : this.#data.timeOf(block.firstSeq + rel);
        if (at !== null && compareInstants(at, time) < 0) low = rel + 1;
        else high = middle;
      }
      const rel = block.live.next(low);
      if (rel >= 0) return block.firstSeq + rel;
    }
    return 0;
  }

  /** Sequences of messages of one subject, by its id, from the last one up to `toSeq` down. */
  #previousOf(id: number, to: number): number {
    const { table } = this.#data;
    if (table.first(id) > to) return 0;
    const last = this.lastOf(id);
    if (last <= to) return last;
    return this.#findDown(id, to);
  }

  #nextOf(id: number, from: number): number {
    const { table } = this.#data;
    if (table.last(id) < from) return 0;
    const first = this.firstOf(id);
    if (first >= from) return first;
    if (table.count(id) === 1) return 0;
    return this.#findUp(id, from);
  }

  /** The first message of a subject from `from` on; 0: none. */
  #findUp(id: number, from: number): number {
    const { blocks, table } = this.#data;
    const last = table.last(id);
    for (let place = Math.max(0, blocks.placeOf(from)); place < blocks.length; place++) {
      const block = blocks.at(place);
      if (block.firstSeq > last) return 0;
      if (block.live.count === 0) continue;
      const index = this.#data.indexOf(block);
      const { subjects, count } = index;
      for (let at = index.placeFrom(from - block.firstSeq); at < count; at++) {
        if (subjects[at] === id && block.live.has(index.relAt(at))) return block.firstSeq + index.relAt(at);
      }
    }
    return 0;
  }

  /** The last message of a subject up to `to`; 0: none. */
  #findDown(id: number, to: number): number {
    const { blocks, table } = this.#data;
    const first = table.first(id);
    for (let place = blocks.placeOf(to); place >= 0; place--) {
      const block = blocks.at(place);
      if (block.lastSeq < first) return 0;
      if (block.live.count === 0) continue;
      const index = this.#data.indexOf(block);
      const { subjects } = index;
      for (let at = index.placeFrom(to - block.firstSeq + 1) - 1; at >= 0; at--) {
        if (subjects[at] === id && block.live.has(index.relAt(at))) return block.firstSeq + index.relAt(at);
      }
    }
    return 0;
  }

  /**
   * The first message that `filter` takes, from `from` to `to`; 0: none. After `budget` messages it stops: the negative
   * of where to go on.
   */
  #scanUp(filter: FileFilter, from: number, to: number, budget: number): number {
    const { blocks } = this.#data;
    let left = budget;
    for (let place = Math.max(0, blocks.placeOf(from)); place < blocks.length; place++) {
      const block = blocks.at(place);
      if (block.firstSeq > to) return 0;
      if (block.live.count === 0) continue;
      const index = this.#data.indexOf(block);
      for (let at = index.placeFrom(from - block.firstSeq); at < index.count; at++) {
        const rel = index.relAt(at);
        if (block.firstSeq + rel > to) return 0;
        if (left-- <= 0) return -(block.firstSeq + rel);
        if (block.live.has(rel) && filter.takesId(index.subjects[at])) return block.firstSeq + rel;
      }
    }
    return 0;
  }

  /** As `#scanUp`, the last one from `to` down to `from`. */
  #scanDown(filter: FileFilter, to: number, from: number, budget: number): number {
    const { blocks } = this.#data;
    let left = budget;
    for (let place = blocks.placeOf(to); place >= 0; place--) {
      const block = blocks.at(place);
      if (block.lastSeq < from) return 0;
      if (block.live.count === 0) continue;
      const index = this.#data.indexOf(block);
      for (let at = index.placeFrom(to - block.firstSeq + 1) - 1; at >= 0; at--) {
        const rel = index.relAt(at);
        if (block.firstSeq + rel < from) return 0;
        if (left-- <= 0) return -(block.firstSeq + rel);
        if (block.live.has(rel) && filter.takesId(index.subjects[at])) return block.firstSeq + rel;
      }
    }
    return 0;
  }

  /** What the subjects know of their first and last messages bounds the search. */
  #nextBySubject(filter: FileFilter, from: number): number {
    const { table } = this.#data;
    let start = Infinity;
    let end = 0;
    let subjects = 0;
    filter.forEachId((id) => {
      subjects++;
      if (table.last(id) < from) return;
      start = Math.min(start, table.first(id));
      end = Math.max(end, table.last(id));
    });
    filter.scan = SUBJECT_COST * subjects;
    return end === 0 ? 0 : this.#scanUp(filter, Math.max(from, start), end, Infinity);
  }

  #previousBySubject(filter: FileFilter, to: number): number {
    const { table } = this.#data;
    let start = 0;
    let end = Infinity;
    let subjects = 0;
    filter.forEachId((id) => {
      subjects++;
      if (table.first(id) > to) return;
      start = Math.max(start, table.last(id));
      end = Math.min(end, table.first(id));
    });
    filter.scan = SUBJECT_COST * subjects;
    return end === Infinity ? 0 : this.#scanDown(filter, Math.min(to, start), end, Infinity);
  }

  #countLast(filter: FileFilter, from: number): number {
    const { table } = this.#data;
    const unsure: number[] = [];
    let count = 0;
    filter.forEachId((id) => {
      if (table.last(id) >= from) unsure.push(id);
    });
    for (const id of unsure) if (this.lastOf(id) >= from) count++;
    return count;
  }

  /** The sequences that `filter` takes, below `end`, ascending. */
  taken(filter: FileFilter, end: number): number[] {
    const { table } = this.#data;
    let from = Infinity;
    let to = 0;
    filter.forEachId((id) => {
      from = Math.min(from, table.first(id));
      to = Math.max(to, table.last(id));
    });
    const found: number[] = [];
    if (to > 0) this.#visitTaken(filter, from, Math.min(to, end - 1), (seq) => found.push(seq));
    return found;
  }

  #countTaken(filter: FileFilter, from: number, to: number): number {
    let count = 0;
    this.#visitTaken(filter, from, to, () => count++);
    return count;
  }

  #visitTaken(filter: FileFilter, from: number, to: number, visit: (seq: number) => void): void {
    const { blocks } = this.#data;
    for (let place = Math.max(0, blocks.placeOf(from)); place < blocks.length; place++) {
      const block = blocks.at(place);
      if (block.firstSeq > to) break;
      if (block.live.count === 0) continue;
      const index = this.#data.indexOf(block);
      for (let at = index.placeFrom(from - block.firstSeq); at < index.count; at++) {
        const rel = index.relAt(at);
        if (block.firstSeq + rel > to) break;
        if (block.live.has(rel) && filter.takesId(index.subjects[at])) visit(block.firstSeq + rel);
      }
    }
  }
}
