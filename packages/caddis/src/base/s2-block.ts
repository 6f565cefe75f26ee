/**
 * One block of the S2 compression: a length, then literals and copies of what came before. S2 is Snappy with "the last
 * distance again", written as a copy from a distance of zero.
 */

const LITERAL = 0;
const NEAR_COPY = 1;
const FAR_COPY = 2;
/** Literals up to this long say so in their tag; the tags above say in how many bytes the length follows. */
const SHORT_LITERALS = 60;
/** What every near copy has at least. */
const NEAR_COPY_LEAST = 4;
/** Repeats of these sizes have their length, less this, in one, two or three bytes behind the tag. */
const REPEAT_SIZE_MIN = 5;
const REPEAT_LEAST: readonly number[] = [8, 260, 65_540];
/** A length is written in so many bytes at most: 32 bits in pieces of seven. */
const LENGTH_BYTES_MAX = 5;
/** Shorter copies are cheaper byte by byte than by a call. */
const SHORT_COPY = 16;

/** Unpacks `block`; null when it is none, or would have more than `bytesMax`. */
export function unpackBlock(block: Uint8Array, bytesMax: number): Buffer | null {
  const unpacking = new Unpacking(block);
  const length = unpacking.readLength();
  return length < 0 || length > bytesMax ? null : unpacking.unpack(length);
}

/** A block being unpacked. What is read behind the end counts as zeros; that it was is found at the end. */
class Unpacking {
  readonly #input: Uint8Array;
  #at = 0;
  #distance = 0;

  constructor(input: Uint8Array) {
    this.#input = input;
  }

  /** -1: there is none. */
  readLength(): number {
    let value = 0;
    for (let i = 0; i < LENGTH_BYTES_MAX; i++) {
      if (this.#at >= this.#input.length) return -1;
      const byte = this.#input[this.#at++];
      value += (byte & 0x7f) * 2 ** (7 * i);
      if (byte < 0x80) return value;
    }
    return -1;
  }

  unpack(length: number): Buffer | null {
    const input = this.#input;
    const output = Buffer.allocUnsafe(length);
    let filled = 0;
    while (this.#at < input.length) {
      const tag = input[this.#at++];
      const isLiteral = (tag & 3) === LITERAL;
      const count = isLiteral ? this.#literalLength(tag >> 2) : this.#copyLength(tag);
      if (this.#at > input.length || count > length - filled) return null;
      if (isLiteral) {
        if (count > input.length - this.#at) return null;
        copyWithin(input, this.#at, output, filled, count);
        this.#at += count;
      } else {
        const distance = this.#distance;
        if (distance <= 0 || distance > filled) return null;
        repeat(output, filled, distance, count);
      }
      filled += count;
    }
    return filled === length ? output : null;
  }

  #literalLength(size: number): number {
    return size < SHORT_LITERALS ? size + 1 : this.#number(size - SHORT_LITERALS + 1) + 1;
  }

  /** How long a copy is; how far back it lies is the distance then, -1 for nonsense. */
  #copyLength(tag: number): number {
    const size = tag >> 2;
    if ((tag & 3) !== NEAR_COPY) {
      const distance = this.#number((tag & 3) === FAR_COPY ? 2 : 4);
      // Only a near copy may stand for a repeat.
      this.#distance = distance === 0 ? -1 : distance;
      return size + 1;
    }
    const nearSize = size & 7;
    const distance = ((tag & 0xe0) << 3) | this.#number(1);
    if (distance !== 0) this.#distance = distance;
    else if (nearSize >= REPEAT_SIZE_MIN) {
      const bytes = nearSize - REPEAT_SIZE_MIN + 1;
      return this.#number(bytes) + REPEAT_LEAST[bytes - 1];
    }
    return nearSize + NEAR_COPY_LEAST;
  }

  /** A number of up to four bytes, the lowest first. */
  #number(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i++) value += (this.#input[this.#at + i] ?? 0) * 2 ** (8 * i);
    this.#at += count;
    return value;
  }
}

function copyWithin(from: Uint8Array, start: number, to: Buffer, at: number, count: number): void {
  if (count > SHORT_COPY) to.set(from.subarray(start, start + count), at);
  else for (let i = 0; i < count; i++) to[at + i] = from[start + i];
}

/** Goes on at `at` with what lies `distance` before it; that may be what was just written. */
function repeat(output: Buffer, at: number, distance: number, count: number): void {
  if (count > SHORT_COPY && count <= distance) output.copyWithin(at, at - distance, at - distance + count);
  else for (let i = at; i < at + count; i++) output[i] = output[i - distance];
}

/** A block that is packed has no more: distances of copies fit two bytes then. */
export const PACKED_BLOCK_MAX = 65_536;
const HASH_BITS = 14;
/** Bytes at the end of a block that are always literals, so that four can be read anywhere before. */
const TAIL_BYTES = 4;
/** What looks as if it could not be packed is gone through faster and faster: a step more for so many misses. */
const MISSES_PER_STEP_BITS = 5;
const COPY_LENGTH_MAX = 64;
const NEAR_LENGTH_MAX = 11;
const NEAR_DISTANCE_MAX = 2047;
/** A literal of a block needs a tag and two bytes of length, at most; the length of the block three. */
const OVERHEAD_MAX = 6;

/**
 * Packs blocks, in the forms that Snappy knows: greedily, looking for what is repeated by a hash of four bytes. Keeps
 * its tables from block to block.
 */
export class BlockPacker {
  readonly #positions = new Uint16Array(1 << HASH_BITS);
  #output: Buffer = Buffer.alloc(0);
  #at = 0;

  /** `input` has `PACKED_BLOCK_MAX` bytes at most. Valid until the next call. Null: it does not become smaller. */
  pack(input: Buffer): Buffer | null {
    const { length } = input;
    if (this.#output.length < length + OVERHEAD_MAX) this.#output = Buffer.allocUnsafe(length + OVERHEAD_MAX);
    this.#at = 0;
    this.#writeLength(length);
    this.#positions.fill(0);
    const rest = this.#packCopies(input);
    if (rest < 0 || !this.#writeLiteral(input, rest, length)) return null;
    return this.#at < length ? this.#output.subarray(0, this.#at) : null;
  }

  /** Returns where the literals at the end begin; -1: the result would be too long. */
  #packCopies(input: Buffer): number {
    const positions = this.#positions;
    const end = input.length - TAIL_BYTES;
    let literalStart = 0;
    let misses = 1 << MISSES_PER_STEP_BITS;
    for (let at = 1; at < end;) {
      const four = fourAt(input, at);
      const slot = Math.imul(four, 0x1e35_a7bd) >>> (32 - HASH_BITS);
      const candidate = positions[slot];
      positions[slot] = at;
      if (fourAt(input, candidate) !== four) {
        at += misses++ >>> MISSES_PER_STEP_BITS;
        continue;
      }
      let length = 4;
      while (at + length < input.length && input[candidate + length] === input[at + length]) length++;
      if (!this.#writeLiteral(input, literalStart, at) || !this.#writeCopy(at - candidate, length)) return -1;
      at += length;
      literalStart = at;
      misses = 1 << MISSES_PER_STEP_BITS;
    }
    return literalStart;
  }

  #writeLength(length: number): void {
    let left = length;
    for (; left >= 0x80; left >>>= 7) this.#output[this.#at++] = (left & 0x7f) | 0x80;
    this.#output[this.#at++] = left;
  }

  /** False: there is no room for it. */
  #writeLiteral(input: Buffer, start: number, end: number): boolean {
    const output = this.#output;
    const count = end - start;
    if (count === 0) return true;
    if (this.#at + count + 3 > output.length) return false;
    const size = count - 1;
    if (size < SHORT_LITERALS) output[this.#at++] = size << 2;
    else if (size < 256) {
      output[this.#at++] = SHORT_LITERALS << 2;
      output[this.#at++] = size;
    } else {
      output[this.#at++] = (SHORT_LITERALS + 1) << 2;
      output[this.#at++] = size & 0xff;
      output[this.#at++] = size >> 8;
    }
    copyWithin(input, start, output, this.#at, count);
    this.#at += count;
    return true;
  }

  #writeCopy(distance: number, length: number): boolean {
    const output = this.#output;
    let left = length;
    // The last piece has four at least, so that it may be a near one.
    while (left > 0) {
      if (this.#at + 3 > output.length) return false;
      if (left <= NEAR_LENGTH_MAX && distance <= NEAR_DISTANCE_MAX) {
        output[this.#at++] = ((distance >> 8) << 5) | ((left - NEAR_COPY_LEAST) << 2) | NEAR_COPY;
        output[this.#at++] = distance & 0xff;
        return true;
      }
      const piece = left > COPY_LENGTH_MAX ? Math.min(COPY_LENGTH_MAX, left - NEAR_COPY_LEAST) : left;
      output[this.#at++] = ((piece - 1) << 2) | FAR_COPY;
      output[this.#at++] = distance & 0xff;
      output[this.#at++] = distance >> 8;
      left -= piece;
    }
    return true;
  }
}

function fourAt(bytes: Buffer, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
}
