import type { Instant } from "../../base/instant.ts";

/**
 * Numbers of an archive: unsigned, seven bits to a byte, lowest first, the highest bit set on all but the last byte
 * (LEB128). A time is nanoseconds since 1970, doubled (zigzag): up to 64 bits, computed in parts that a double holds.
 */

/** Of a number of 64 bits. */
export const NUMBER_BYTES_MAX = 10;
const NS_PER_MS = 1_000_000;
const PART = 2 ** 28;
/** Milliseconds are split here so that each part times a million stays exact. */
const MS_PART = 2 ** 20;

/** Writes `value`, a safe integer that is not negative, and returns where it ends. */
export function writeNumber(buf: Buffer, start: number, value: number): number {
  let at = start;
  let left = value;
  for (; left > 0x7f; left = Math.floor(left / 0x80)) buf[at++] = (left % 0x80) | 0x80;
  buf[at++] = left;
  return at;
}

/** Writes a time that is not before 1970, and returns where it ends. */
export function writeTime(buf: Buffer, start: number, ms: number, ns: number): number {
  const high = Math.floor(ms / MS_PART);
  const low = (ms % MS_PART) * NS_PER_MS * 2 + ns * 2;
  // The value is rest * 2^14 + first.
  const first = low % 0x4000;
  const rest = high * NS_PER_MS * 2 * 64 + Math.floor(low / 0x4000);
  if (rest === 0) return writeNumber(buf, start, first);
  buf[start] = (first & 0x7f) | 0x80;
  buf[start + 1] = (first >> 7) | 0x80;
  return writeNumber(buf, start + 2, rest);
}

/** Reads numbers one after the other. */
export class NumberReader {
  readonly #buf: Buffer;
  at: number;
  /** False once something was read that ends too late, or means more than can be. */
  isGood = true;
  /** The numbers end before the bytes do: false once one went on behind them. */
  isWhole = true;

  constructor(buf: Buffer, at = 0) {
    this.#buf = buf;
    this.at = at;
  }

  /** A safe integer. */
  number(): number {
    let value = 0;
    let factor = 1;
    for (let i = 0; i < NUMBER_BYTES_MAX; i++) {
      const byte = this.#byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) {
        if (value > Number.MAX_SAFE_INTEGER) this.isGood = false;
        return value;
      }
      factor *= 0x80;
    }
    this.isGood = false;
    return 0;
  }

  /** A number with a sign, by zigzag; a safe integer. */
  signed(): number {
    const value = this.number();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  /** Passes over a number, whatever it is. */
  skip(): void {
    for (let i = 0; i < NUMBER_BYTES_MAX; i++) if (this.#byte() < 0x80) return;
    this.isGood = false;
  }

  /** A time; one before 1970 is none. */
  time(): Instant {
    const parts = [0, 0, 0];
    for (let i = 0; i < NUMBER_BYTES_MAX; i++) {
      const byte = this.#byte();
      // Four pieces of seven bits make a part.
      parts[i >> 2] += (byte & 0x7f) * 2 ** (7 * (i & 3));
      if (byte < 0x80) return this.#instant(parts);
    }
    this.isGood = false;
    return { ms: 0, ns: 0 };
  }

  #instant([low, middle, high]: readonly number[]): Instant {
    if (low % 2 === 1 || high > 0xff) this.isGood = false;
    const nsLow = (low >>> 1) + (middle % 2) * (PART / 2);
    const nsHigh = (middle >>> 1) + (high % 2) * (PART / 2) + Math.floor(high / 2) * PART;
    const msHigh = Math.floor(nsHigh / NS_PER_MS);
    const rest = (nsHigh % NS_PER_MS) * PART + nsLow;
    return { ms: msHigh * PART + Math.floor(rest / NS_PER_MS), ns: rest % NS_PER_MS };
  }

  #byte(): number {
    if (this.at < this.#buf.length) return this.#buf[this.at++];
    this.isWhole = false;
    return 0;
  }
}
