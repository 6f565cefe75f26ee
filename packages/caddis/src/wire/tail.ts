import { assert } from "../base/assert.ts";
import { Bytes } from "../base/bytes.ts";
import { TAIL_BYTES_INITIAL } from "../base/limits.ts";

/** The bytes of an operation that a read cut short. */
export class Tail {
  /** `[0, length)` is filled; the byte behind that is there, too (see `SLACK_BYTES`). */
  bytes: Bytes;
  length = 0;

  /** `needed`: how many bytes the operation has in all; 0: not known yet. */
  constructor(length: number, needed: number) {
    this.bytes = new Bytes(capacityFor(length, needed));
  }

  /** Makes room for `length` bytes in all. */
  reserve(length: number, needed: number): void {
    if (length <= this.bytes.capacity) return;
    const grown = new Bytes(capacityFor(length, needed));
    this.bytes.buf.copy(grown.buf, 0, 0, this.length);
    this.bytes = grown;
  }

  /** Adds `input[start, end)`, which there is room for. */
  append(input: Bytes, start: number, end: number): void {
    assert(this.length + end - start <= this.bytes.capacity, "the tail has room");
    input.buf.copy(this.bytes.buf, this.length, start, end);
    this.length += end - start;
  }

  /** Takes `[start, end)` out. */
  remove(start: number, end: number): void {
    this.bytes.buf.copyWithin(start, end, this.length);
    this.length -= end - start;
  }
}

/** Grows with what has arrived, not with what was announced: a peer pays for its memory in bytes sent. */
function capacityFor(length: number, needed: number): number {
  const generous = Math.max(2 * length, TAIL_BYTES_INITIAL);
  return needed > 0 ? Math.max(length, Math.min(generous, needed)) : generous;
}
