import { assert } from "../base/assert.ts";

/** Acknowledgements and bytes of reply subjects that an empty queue has room for; both double when it is full. */
const ENTRIES_INITIAL = 8;
const BYTES_INITIAL = 256;

/**
 * Acknowledgements that wait until what they are about is durable, in the order in which they came: a ring of
 * numbers and one of bytes, so that an acknowledgement in waiting is no object.
 */
export class PubAckQueue {
  #positions = new Float64Array(ENTRIES_INITIAL);
  #seqs = new Float64Array(ENTRIES_INITIAL);
  /** Where each reply subject ends in the stream of all bytes that ever were in the queue. */
  #ends = new Float64Array(ENTRIES_INITIAL);
  /** What follows the sequence in each acknowledgement; mostly one and the same string. */
  #tails: string[] = [];
  #first = 0;
  #size = 0;

  #bytes = Buffer.allocUnsafeSlow(BYTES_INITIAL);
  /** Where `#bytes` begins in that stream, and how far it is read and written. */
  #base = 0;
  #read = 0;
  #written = 0;

  get size(): number {
    return this.#size;
  }

  /**
   * Adds one for the message `seq` to the reply subject `buf[start, end)`, due once the store has made `position`
   * durable. Positions do not decrease.
   */
  push(position: number, seq: number, tail: string, buf: Buffer, start: number, end: number): void {
    if (this.#size === this.#positions.length) this.#growEntries();
    const length = end - start;
    if (this.#written + length > this.#base + this.#bytes.length) this.#makeRoom(length);
    // By hand: reply subjects are short, and copying natively costs more than they do.
    const target = this.#bytes;
    const at = this.#written - this.#base;
    for (let i = 0; i < length; i++) target[at + i] = buf[start + i];
    this.#written += length;
    const index = (this.#first + this.#size++) & (this.#positions.length - 1);
    this.#positions[index] = position;
    this.#seqs[index] = seq;
    this.#ends[index] = this.#written;
    this.#tails[index] = tail;
  }

  /** Whether the oldest may be sent. */
  isDue(durablePosition: number): boolean {
    return this.#size > 0 && this.#positions[this.#first] <= durablePosition;
  }

  /** Of the oldest: the sequence it tells. */
  get seq(): number {
    return this.#seqs[this.#first];
  }

  get tail(): string {
    return this.#tails[this.#first];
  }

  get replyLength(): number {
    return this.#ends[this.#first] - this.#read;
  }

  /** Copies the reply subject of the oldest to the beginning of `target`, which has room for it. */
  copyReply(target: Buffer): void {
    const source = this.#bytes;
    const at = this.#read - this.#base;
    const length = this.replyLength;
    for (let i = 0; i < length; i++) target[i] = source[at + i];
  }

  /** The reply subject of the oldest, a wire string. */
  replyText(): string {
    return this.#bytes.latin1Slice(this.#read - this.#base, this.#ends[this.#first] - this.#base);
  }

  shift(): void {
    assert(this.#size > 0, "something is shifted out of a queue that is not empty");
    this.#read = this.#ends[this.#first];
    this.#tails[this.#first] = "";
    this.#first = (this.#first + 1) & (this.#positions.length - 1);
    this.#size--;
  }

  #growEntries(): void {
    const { length } = this.#positions;
    this.#positions = this.#unrolled(this.#positions);
    this.#seqs = this.#unrolled(this.#seqs);
    this.#ends = this.#unrolled(this.#ends);
    this.#tails = Array.from({ length }, (_, i) => this.#tails[(this.#first + i) & (length - 1)]);
    this.#first = 0;
  }

  /** The ring from its first entry on, at the beginning of one twice as long. */
  #unrolled(ring: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
    const larger = new Float64Array(2 * ring.length);
    larger.set(ring.subarray(this.#first));
    larger.set(ring.subarray(0, this.#first), ring.length - this.#first);
    return larger;
  }

  /** Moves what is not read yet to the beginning, in a larger buffer if need be. */
  #makeRoom(length: number): void {
    const held = this.#bytes.subarray(this.#read - this.#base, this.#written - this.#base);
    let capacity = this.#bytes.length;
    while (capacity < 2 * (held.length + length)) capacity *= 2;
    const target = capacity === this.#bytes.length ? this.#bytes : Buffer.allocUnsafeSlow(capacity);
    held.copy(target);
    this.#bytes = target;
    this.#base = this.#read;
  }
}
