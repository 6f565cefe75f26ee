/** Entries that may be dead at the front of the list before it is made short. */
const DEAD_MAX = 1024;

/**
 * The ids of messages that came lately, and their sequences: a message with one of them is there already. Times are
 * wall-clock milliseconds, in the order in which the messages came. Ids are wire strings.
 */
export class DuplicateWindow {
  /** How long an id is remembered; 0: not at all. */
  windowMs: number;
  readonly #seqs = new Map<string, number>();
  /** In order of time; what lies before `#first` is gone. */
  #ids: string[] = [];
  #entrySeqs: number[] = [];
  #times: number[] = [];
  #first = 0;

  constructor(windowMs: number) {
    this.windowMs = windowMs;
  }

  get size(): number {
    return this.#seqs.size;
  }

  /** The sequence that goes with `id`; 0: it did not come within the window. */
  seqOf(id: string, nowMs: number): number {
    if (this.#seqs.size === 0) return 0;
    this.forgetOld(nowMs);
    return this.#seqs.get(id) ?? 0;
  }

  add(id: string, seq: number, timeMs: number): void {
    if (this.windowMs <= 0) return;
    this.forgetOld(timeMs);
    this.#seqs.set(id, seq);
    this.#ids.push(id);
    this.#entrySeqs.push(seq);
    this.#times.push(timeMs);
  }

  /** When the oldest id may be forgotten; Infinity: there is none. */
  get nextMs(): number {
    return this.#first < this.#times.length ? this.#times[this.#first] + this.windowMs : Infinity;
  }

  /** Forgets what is older than the window. */
  forgetOld(nowMs: number): void {
    const times = this.#times;
    const endMs = nowMs - this.windowMs;
    while (this.#first < times.length && times[this.#first] <= endMs) this.#forgetFirst();
    if (this.#first > DEAD_MAX && 2 * this.#first > times.length) this.#compact();
  }

  clear(): void {
    this.#seqs.clear();
    this.#first = this.#ids.length;
    this.#compact();
  }

  #forgetFirst(): void {
    const id = this.#ids[this.#first];
    // The same id may have come again since.
    if (this.#seqs.get(id) === this.#entrySeqs[this.#first]) this.#seqs.delete(id);
    this.#ids[this.#first] = "";
    this.#first++;
  }

  #compact(): void {
    this.#ids = this.#ids.slice(this.#first);
    this.#entrySeqs = this.#entrySeqs.slice(this.#first);
    this.#times = this.#times.slice(this.#first);
    this.#first = 0;
  }
}
