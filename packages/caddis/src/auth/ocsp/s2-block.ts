/**
 * Unpacks one block of the S2 compression: a length, then literals and copies of what came before. S2 is Snappy
 * with "the last distance again", written as a copy from a distance of zero.
 */

const LITERAL = 0;
const NEAR_COPY = 1;
/** Literals up to this long say so in their tag; the tags above say in how many bytes the length follows. */
const SHORT_LITERALS = 60;
/** Lengths of repeats from here on follow in one, two or three bytes, above these. */
const REPEAT_LENGTHS: ReadonlyMap<number, readonly [bytes: number, least: number]> = new Map([
  [5, [1, 4]],
  [6, [2, 256]],
  [7, [3, 65_536]],
]);
/** What every near copy has at least. */
const NEAR_COPY_LEAST = 4;

/** Unpacks `block`; null when it is none, or would have more than `bytesMax`. */
export function unpackBlock(block: Uint8Array, bytesMax: number): Uint8Array | null {
  const input = new Input(block);
  const length = input.variableNumber();
  if (length === null || length > bytesMax) return null;
  const output = Buffer.alloc(length);
  let at = 0;
  let distance = 0;
  while (!input.isAtEnd) {
    const tag = input.number(1) ?? 0;
    if ((tag & 3) === LITERAL) {
      const bytes = input.bytes(literalLength(input, tag >> 2));
      if (bytes === null || bytes.length > length - at) return null;
      output.set(bytes, at);
      at += bytes.length;
      continue;
    }
    const copy = (tag & 3) === NEAR_COPY ? nearCopy(input, tag) : farCopy(input, tag);
    if (copy === null) return null;
    if (copy.distance !== 0) distance = copy.distance;
    if (distance === 0 || distance > at || copy.length > length - at) return null;
    // Byte by byte: a copy may go on into what it has just written.
    for (const end = at + copy.length; at < end; at++) output[at] = output[at - distance];
  }
  return at === length ? output : null;
}

interface Copy {
  /** 0: the last one again. */
  readonly distance: number;
  readonly length: number;
}

function literalLength(input: Input, size: number): number | null {
  if (size < SHORT_LITERALS) return size + 1;
  const length = input.number(size - SHORT_LITERALS + 1);
  return length === null ? null : length + 1;
}

function nearCopy(input: Input, tag: number): Copy | null {
  const low = input.number(1);
  if (low === null) return null;
  const distance = ((tag & 0xe0) << 3) | low;
  const size = (tag >> 2) & 7;
  const longer = distance === 0 ? REPEAT_LENGTHS.get(size) : undefined;
  if (longer === undefined) return { distance, length: size + NEAR_COPY_LEAST };
  const [bytes, least] = longer;
  const length = input.number(bytes);
  return length === null ? null : { distance, length: length + least + NEAR_COPY_LEAST };
}

function farCopy(input: Input, tag: number): Copy | null {
  const distance = input.number((tag & 3) === 2 ? 2 : 4);
  // Only a near copy may stand for a repeat.
  return distance === null || distance === 0 ? null : { distance, length: (tag >> 2) + 1 };
}

/** Bytes from first to last. */
class Input {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** The next `count` bytes; null when there are not so many. */
  bytes(count: number | null): Uint8Array | null {
    if (count === null || count > this.#bytes.length - this.#at) return null;
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  /** A number of up to four bytes, the lowest first. */
  number(count: number): number | null {
    const bytes = this.bytes(count);
    if (bytes === null) return null;
    return bytes.reduceRight((value, byte) => value * 256 + byte, 0);
  }

  /** A number of up to 32 bits in pieces of seven, the lowest first. */
  variableNumber(): number | null {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.number(1);
      if (byte === null) return null;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    return null;
  }
}
