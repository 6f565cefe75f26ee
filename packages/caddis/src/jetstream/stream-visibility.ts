import type { StreamInterest } from "./stream-interest.ts";

/** Messages that are shown may take up so much of the list before it is made short. */
const SHOWN_MAX = 4096;

/**
 * Messages that were stored and are not durable yet: consumers must not see them, since a crash could give their
 * sequences to others. Keeps no more of them than their subjects and sizes.
 */
export class StreamVisibility {
  /** The last sequence that consumers may see. */
  visibleSeq: number;
  #seqs: number[] = [];
  #subjects: string[] = [];
  #sizes: number[] = [];
  #shown = 0;
  /** Bytes of the messages that are not shown yet. */
  waitingBytes = 0;

  constructor(visibleSeq: number) {
    this.visibleSeq = visibleSeq;
  }

  /** A message was stored; sequences ascend. `subject` is a wire string, `bytes` are those of headers and payload. */
  add(seq: number, subject: string, bytes: number): void {
    this.#seqs.push(seq);
    this.#subjects.push(subject);
    this.#sizes.push(bytes);
    this.waitingBytes += bytes;
  }

  /** Shows what is durable to the consumers. */
  advance(durableSeq: number, interest: StreamInterest): void {
    this.visibleSeq = durableSeq;
    const seqs = this.#seqs;
    while (this.#shown < seqs.length && seqs[this.#shown] <= durableSeq) {
      const index = this.#shown++;
      this.waitingBytes -= this.#sizes[index];
      interest.onVisible(seqs[index], this.#subjects[index]);
    }
    if (this.#shown === seqs.length || this.#shown > SHOWN_MAX) this.#forgetShown();
  }

  #forgetShown(): void {
    if (this.#shown === this.#seqs.length) {
      this.#seqs.length = 0;
      this.#subjects.length = 0;
      this.#sizes.length = 0;
      this.#shown = 0;
      return;
    }
    this.#seqs.splice(0, this.#shown);
    this.#subjects.splice(0, this.#shown);
    this.#sizes.splice(0, this.#shown);
    this.#shown = 0;
  }
}
