import type { Interested } from "./interested.ts";

/** Up to this many queue groups of an answer are searched one by one. */
const QUEUES_SEARCHED_MAX = 16;

/**
 * Everyone a message with `subject` goes to: each plain subscription, and one of each queue group.
 * `isKept` says whether the result stands in the cache; one that does not is valid until the next match.
 */
export class MatchResult<S extends Interested> {
  subject = "";
  hash = 0;
  /** Which generation counter this answer depends on, and its value when the answer was found. */
  bucket = 0;
  generation = 0;
  isKept = false;
  /**
   * Whoever last found that this subject may be published to by those it decides for: it need not look again. For
   * the broker's use; rules that change are others.
   */
  permittedBy: object | null = null;
  /** What keeping it costs, see `ResultCache`; counted while it is kept. */
  cost = 0;
  readonly plain: S[] = [];
  readonly queues: S[][] = [];
  /** The groups by name while an answer with many of them is being made. */
  #queuesByName: Map<string, S[]> | null = null;

  get isEmpty(): boolean {
    return this.plain.length === 0 && this.queues.length === 0;
  }

  /** Whether `buf[start, end)` is this result's subject. */
  isFor(buf: Uint8Array, start: number, end: number): boolean {
    const subject = this.subject;
    if (subject.length !== end - start) return false;
    for (let i = 0; i < subject.length; i++) {
      if (subject.charCodeAt(i) !== buf[start + i]) return false;
    }
    return true;
  }

  /** Begins an answer for `subject`. */
  reset(subject: string, hash: number, bucket: number, generation: number): void {
    this.subject = subject;
    this.hash = hash;
    this.bucket = bucket;
    this.generation = generation;
    if (!this.isKept) this.permittedBy = null;
    this.plain.length = 0;
    this.queues.length = 0;
    this.#queuesByName = null;
  }

  /** Members of one queue group come together whatever subject each of them gave. */
  add(subscription: S): void {
    const { queue } = subscription;
    if (queue === "") {
      this.plain.push(subscription);
      return;
    }
    const { queues } = this;
    if (queues.length > QUEUES_SEARCHED_MAX) {
      this.#addToIndexed(subscription);
      return;
    }
    for (let i = 0; i < queues.length; i++) {
      if (queues[i][0].queue === queue) {
        queues[i].push(subscription);
        return;
      }
    }
    queues.push([subscription]);
  }

  /** Forgets the answer, and with it subscriptions that may be gone. */
  empty(): void {
    this.plain.length = 0;
    this.queues.length = 0;
  }

  /** How many subscriptions it holds. */
  get size(): number {
    let size = this.plain.length;
    for (let i = 0; i < this.queues.length; i++) size += this.queues[i].length;
    return size;
  }

  /** The answer is complete. */
  finish(): void {
    this.#queuesByName = null;
  }

  /** As the end of `add`, where a search through all groups would cost too much. */
  #addToIndexed(subscription: S): void {
    this.#queuesByName ??= new Map(this.queues.map((group) => [group[0].queue, group]));
    const group = this.#queuesByName.get(subscription.queue);
    if (group !== undefined) {
      group.push(subscription);
      return;
    }
    const made = [subscription];
    this.queues.push(made);
    this.#queuesByName.set(subscription.queue, made);
  }
}
