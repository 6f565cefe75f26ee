import type { SubjectTable } from "../subject-table.ts";
import type { SeqIndex } from "./seq-index.ts";
import type { Slabs } from "./slabs.ts";

/**
 * The messages of each subject, in a chain from its first to its last, which lie in the table. What a subject's
 * messages are, in which order, is asked for without looking at others.
 */
export class SubjectChains {
  readonly #table: SubjectTable;
  readonly #index: SeqIndex;
  readonly #slabs: Slabs;

  constructor(table: SubjectTable, index: SeqIndex, slabs: Slabs) {
    this.#table = table;
    this.#index = index;
    this.#slabs = slabs;
  }

  /** The message of the same subject after `seq`, which is present; 0: none. */
  after(seq: number): number {
    return this.#slabs.next(this.#index.get(seq) - 1);
  }

  /** The message of the same subject before `seq`, which is present; 0: none. */
  before(seq: number): number {
    return this.#slabs.previous(this.#index.get(seq) - 1);
  }

  /** Counts the message `seq` at `address` in as the last of subject `id`. */
  append(id: number, seq: number, previous: number): void {
    if (previous !== 0) this.#slabs.setNext(this.#index.get(previous) - 1, seq);
    this.#table.addTo(id, seq);
  }

  /** Takes the message at `address` out of its subject; true: it was the only one. */
  remove(address: number): boolean {
    const id = this.#slabs.subjectId(address);
    const previous = this.#slabs.previous(address);
    const next = this.#slabs.next(address);
    if (previous === 0) this.#table.setFirst(id, next);
    else this.#slabs.setNext(this.#index.get(previous) - 1, next);
    if (next === 0) this.#table.setLast(id, previous);
    else this.#slabs.setPrevious(this.#index.get(next) - 1, previous);
    return this.#table.remove(id);
  }

  /**
   * The first message of subject `id` from `seq` on; 0: none. Looks from the beginning, from the end and at the messages
   * behind `seq` at once, and takes as long as the shortest of these ways.
   */
  next(id: number, seq: number): number {
    let front = this.#table.first(id);
    if (front >= seq) return front;
    let back = this.#table.last(id);
    if (back < seq) return 0;
    for (let beside = this.#index.next(seq); ; beside = this.#index.next(beside + 1)) {
      if (this.#slabs.subjectId(this.#index.get(beside) - 1) === id) return beside;
      front = this.after(front);
      if (front >= seq) return front;
      const previous = this.before(back);
      if (previous < seq) return back;
      back = previous;
    }
  }

  /** The last message of subject `id` up to `seq`; 0: none. As `next`. */
  previous(id: number, seq: number): number {
    let back = this.#table.last(id);
    if (back <= seq) return back;
    let front = this.#table.first(id);
    if (front > seq) return 0;
    for (let beside = this.#index.previous(seq); ; beside = this.#index.previous(beside - 1)) {
      if (this.#slabs.subjectId(this.#index.get(beside) - 1) === id) return beside;
      back = this.before(back);
      if (back <= seq) return back;
      const next = this.after(front);
      if (next > seq) return front;
      front = next;
    }
  }

  /** How many messages of subject `id` there are from `seq` on. As long as the shorter of the two ways. */
  countFrom(id: number, seq: number): number {
    let front = this.#table.first(id);
    if (front >= seq) return this.#table.count(id);
    let back = this.#table.last(id);
    for (let steps = 0; ; steps++) {
      if (back < seq) return steps;
      if (front >= seq) return this.#table.count(id) - steps;
      back = this.before(back);
      front = this.after(front);
    }
  }
}
