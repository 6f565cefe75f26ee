import { StoredMessage } from "../../store/stored-message.ts";
import type { Filter } from "../../store/stream-store.ts";
import type { StreamView } from "./consumer-port.ts";
import type { ConsumerState } from "./consumer-state.ts";
import { lastSeqs } from "./consumer-start.ts";

/**
 * The messages of the stream that a consumer has still to deliver for the first time: which is next, and how many
 * there are.
 */
export class ConsumerSource {
  /** The message that was loaded last; filled anew by each load. */
  readonly message = new StoredMessage();
  #filter: Filter;
  readonly #view: StreamView;
  readonly #state: ConsumerState;
  /** Sequences that are delivered before all others, where only the last message of each subject is: ascending. */
  #lastSeqs: readonly number[] = [];
  #lastSeqsDone = 0;
  #numPending = 0;
  /** Messages up to this sequence are in the count, or were. */
  #countedTo = 0;
  /** Messages behind that which were removed before they could be seen. */
  readonly #removedUnseen = new Set<number>();

  constructor(view: StreamView, state: ConsumerState, subjects: readonly string[]) {
    this.#view = view;
    this.#state = state;
    this.#filter = view.store.filter(subjects);
    this.#listLastSeqs();
    this.recount();
  }

  get filter(): Filter {
    return this.#filter;
  }

  /** How many messages are still to be delivered. */
  get numPending(): number {
    return this.#numPending;
  }

  setSubjects(subjects: readonly string[]): void {
    this.#filter = this.#view.store.filter(subjects);
    this.#listLastSeqs();
    this.recount();
  }

  /** The state begins elsewhere now. */
  restart(): void {
    this.#listLastSeqs();
    this.recount();
  }

  /** The sequence that is to be delivered next; 0: there is none that may be seen. */
  next(): number {
    const state = this.#state;
    const { store, visibleSeq } = this.#view;
    if (state.lastPerSubjectUntil > 0) {
      for (; this.#lastSeqsDone < this.#lastSeqs.length; this.#lastSeqsDone++) {
        const seq = this.#lastSeqs[this.#lastSeqsDone];
        if (store.next(this.#filter, seq) === seq) return seq <= visibleSeq ? seq : 0;
      }
      state.nextSeq = Math.max(state.nextSeq, state.lastPerSubjectUntil + 1);
      state.lastPerSubjectUntil = 0;
      this.#lastSeqs = [];
    }
    if (state.nextSeq > visibleSeq) return this.#end();
    const seq = store.next(this.#filter, state.nextSeq);
    if (seq > 0 && seq <= visibleSeq) return seq;
    // What was looked at is not looked at again.
    state.nextSeq = visibleSeq + 1;
    return this.#end();
  }

  /** Brings a message into `message`; false: it is not there any more, or can't be read. */
  load(seq: number): boolean {
    return this.#view.store.load(seq, this.message) === "loaded";
  }

  /** `seq`, which `next` gave, is delivered, or can't be: it is behind now. */
  pass(seq: number): void {
    const state = this.#state;
    if (state.lastPerSubjectUntil > 0) this.#lastSeqsDone++;
    state.nextSeq = seq + 1;
    if (this.#numPending > 0) this.#numPending--;
  }

  /** A message that the filter takes can be seen now. */
  onVisible(seq: number): void {
    if (seq <= this.#countedTo) return;
    this.#countedTo = seq;
    if (this.#removedUnseen.size > 0 && this.#removedUnseen.delete(seq)) return;
    if (seq >= this.#state.nextSeq) this.#numPending++;
  }

  /** A message that the filter takes was removed. */
  onRemoved(seq: number): void {
    if (seq > this.#countedTo) {
      this.#removedUnseen.add(seq);
      return;
    }
    if (seq < this.#state.nextSeq || this.#numPending === 0) return;
    // Of those up to there only the last of each subject were counted.
    if (seq <= this.#state.lastPerSubjectUntil && !this.#isListed(seq)) return;
    this.#numPending--;
  }

  /** Counts anew: many messages were removed, or others are asked for. */
  recount(): void {
    const { store, visibleSeq } = this.#view;
    const { nextSeq, lastPerSubjectUntil } = this.#state;
    this.#countedTo = visibleSeq;
    for (const seq of this.#removedUnseen) if (seq <= visibleSeq) this.#removedUnseen.delete(seq);
    this.#numPending = 0;
    if (lastPerSubjectUntil > 0) {
      for (let i = this.#lastSeqsDone; i < this.#lastSeqs.length; i++) {
        const seq = this.#lastSeqs[i];
        if (store.next(this.#filter, seq) === seq) this.#numPending++;
      }
    }
    const from = Math.max(nextSeq, lastPerSubjectUntil + 1);
    if (from > visibleSeq) return;
    const unseen = store.count(this.#filter, visibleSeq + 1, false);
    this.#numPending += Math.max(0, store.count(this.#filter, from, false) - unseen);
  }

  /** There is nothing left, so whatever is counted is wrong. */
  #end(): number {
    this.#numPending = 0;
    return 0;
  }

  #listLastSeqs(): void {
    const { nextSeq, lastPerSubjectUntil } = this.#state;
    this.#lastSeqsDone = 0;
    this.#lastSeqs =
      lastPerSubjectUntil === 0 ? [] : lastSeqs(this.#view.store, this.#filter, nextSeq, lastPerSubjectUntil);
  }

  #isListed(seq: number): boolean {
    let low = this.#lastSeqsDone;
    let high = this.#lastSeqs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#lastSeqs[middle] < seq) low = middle + 1;
      else high = middle;
    }
    return this.#lastSeqs[low] === seq;
  }
}
