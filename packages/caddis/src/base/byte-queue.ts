/**
 * Bytes that came in pieces, to be taken in pieces of other sizes. Keeps what it is given: whoever appends a buffer
 * does not change it any more.
 */
export class ByteQueue {
  /** Those from `first` on still hold something; of that one, what begins at `start`. */
  #buffers: Buffer[] = [];
  #first = 0;
  #start = 0;
  #length = 0;

  /** Bytes that are there. */
  get length(): number {
    return this.#length;
  }

  append(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#buffers.push(bytes);
    this.#length += bytes.length;
  }

  /** The next `count` bytes in one piece, and they stay; there are so many. Valid as long as nobody changes them. */
  peek(count: number): Buffer {
    const first = this.#buffers[this.#first];
    if (count === 0) return NOTHING;
    if (first.length - this.#start >= count) return first.subarray(this.#start, this.#start + count);
    const piece = Buffer.allocUnsafe(count);
    let filled = 0;
    let start = this.#start;
    for (let i = this.#first; filled < count; i++) {
      filled += this.#buffers[i].copy(piece, filled, start);
      start = 0;
    }
    return piece;
  }

  /** As `peek`, and they are gone. */
  take(count: number): Buffer {
    const piece = this.peek(count);
    this.skip(count);
    return piece;
  }

  /** Lets go of the next `count` bytes; there are so many. */
  skip(count: number): void {
    this.#length -= count;
    let left = count + this.#start;
    while (this.#first < this.#buffers.length && left >= this.#buffers[this.#first].length) {
      left -= this.#buffers[this.#first].length;
      this.#buffers[this.#first++] = NOTHING;
    }
    this.#start = left;
    if (this.#first * 2 > this.#buffers.length) {
      this.#buffers = this.#buffers.slice(this.#first);
      this.#first = 0;
    }
  }
}

const NOTHING = Buffer.alloc(0);
