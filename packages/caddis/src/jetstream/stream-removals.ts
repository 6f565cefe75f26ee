import { StoredMessage } from "../store/stored-message.ts";
import type { Remover } from "./core/limits.ts";
import type { Stream } from "./stream.ts";

/** Up to so many messages of one subject are removed one by one: the consumers keep their counts then. */
const SINGLE_REMOVALS_MAX = 100;

/** Takes messages out of a stream: tells its consumers, and keeps count of what it uses. */
export class StreamRemovals implements Remover {
  readonly #stream: Stream;
  readonly #stored = new StoredMessage();
  /** Whether what is removed makes way for a newer message: snapshots keep it then. */
  isReplacing = false;

  constructor(stream: Stream) {
    this.#stream = stream;
  }

  removeFirst(): void {
    this.#remove(this.#stream.store.state.firstSeq, false);
  }

  /** Removes one message; false: there was none. */
  remove(seq: number, erase = false): boolean {
    if (this.isReplacing && this.#stream.snapshots.isAny) this.#stream.snapshots.onReplacing(seq);
    return this.#remove(seq, erase);
  }

  #remove(seq: number, erase: boolean): boolean {
    const stream = this.#stream;
    const { store } = stream;
    const subject = stream.consumers.size === 0 ? "" : this.#subjectOf(seq);
    const isFirst = store.state.messages > 0 && seq === store.state.firstSeq;
    // Moving the front costs a store less than a hole does.
    const isRemoved = isFirst && !erase ? store.removeBefore(seq + 1) > 0 : store.remove(seq, erase);
    if (!isRemoved) return false;
    stream.noteUsage();
    if (subject === null) stream.interest.onPurged();
    else if (subject !== "") stream.interest.onRemoved(seq, subject);
    return true;
  }

  keepLast(subject: string, keep: number): void {
    const { store } = this.#stream;
    const excess = store.countOf(subject) - keep;
    const isTold = this.isReplacing && this.#stream.snapshots.isAny;
    if (excess > SINGLE_REMOVALS_MAX && !isTold) {
      this.purge(subject, store.state.lastSeq + 1, keep);
      return;
    }
    for (let left = excess; left > 0; left--) this.remove(store.firstSeqOf(subject));
  }

  /** Removes all before `seq`; returns how many. */
  removeBefore(seq: number): number {
    const { store } = this.#stream;
    // One alone lets the consumers keep their counts.
    if (store.state.messages > 0 && seq === store.state.firstSeq + 1) return this.remove(seq - 1) ? 1 : 0;
    return this.purgeBefore(seq);
  }

  /** As `removeBefore`, on request: consumers go on behind what was removed, be it one message. */
  purgeBefore(seq: number): number {
    this.#tellReplaced(seq);
    return this.#told(this.#stream.store.removeBefore(seq));
  }

  /** Removes what `filter`, a subject with wildcards, takes below `beforeSeq`, all but the last `keep`; returns how many. */
  purge(filter: string, beforeSeq: number, keep: number): number {
    const { store } = this.#stream;
    return this.#told(store.purge(store.filter([filter]), beforeSeq, keep));
  }

  /** Of all before `seq`. */
  #tellReplaced(beforeSeq: number): void {
    const { store, snapshots } = this.#stream;
    if (!this.isReplacing || !snapshots.isAny) return;
    const all = store.filter([]);
    for (
      let seq = store.next(all, 1);
      seq > 0 && seq < beforeSeq && snapshots.isAny;
      seq = store.next(all, seq + 1)
    )
      snapshots.onReplacing(seq);
  }

  #told(count: number): number {
    if (count > 0) {
      this.#stream.noteUsage();
      this.#stream.interest.onPurged();
    }
    return count;
  }

  /** Empty: there is no such message; null: it can't be read. */
  #subjectOf(seq: number): string | null {
    const loaded = this.#stream.store.load(seq, this.#stored);
    if (loaded === "loaded") return this.#stored.subject;
    return loaded === "absent" ? "" : null;
  }
}
