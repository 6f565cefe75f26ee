import { decimalDigits, writeDecimal, writeDecimalDigits } from "../base/decimal.ts";

const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const NS_DIGITS = 6;
/** Five numbers, of up to 20 digits each, and the dots between them. */
export const ACK_NUMBERS_BYTES_MAX = 5 * 21;
const NOTHING = Buffer.alloc(0);

/** A number as it stands in memory. Invariant: `low` <= `value` < `high`, which is as long as it may be in its place. */
class Written {
  value = 0;
  end = 0;
  #low = 0;
  #high = 0;

  /** Whether `value` has as many digits as what is written. */
  fits(value: number): boolean {
    return value >= this.#low && value < this.#high;
  }

  /** Writes it for the first time, and returns where it ends. */
  begin(buf: Buffer, start: number, value: number): number {
    const digits = decimalDigits(value);
    this.value = value;
    this.#high = 10 ** digits;
    this.#low = digits === 1 ? 0 : 10 ** (digits - 1);
    this.end = writeDecimalDigits(buf, start, value, digits);
    return this.end;
  }

  /** Writes `value`, which fits, over the one before. */
  change(buf: Buffer, value: number): void {
    if (value === this.value + 1) increment(buf, this.end);
    else if (value === this.value - 1) decrement(buf, this.end);
    else if (value !== this.value) {
      const digits = decimalDigits(value);
      writeDecimalDigits(buf, this.end - digits, value, digits);
    }
    this.value = value;
  }
}

/**
 * The numbers at the end of an acknowledgement subject: deliveries, stream and consumer sequence, time in nanoseconds
 * since 1970, and how many messages are left. From one message to the next mostly their last digits change: only these
 * are written then.
 */
export class AckNumbers {
  /** Where they were written last. */
  #buf: Buffer = NOTHING;
  #start = 0;
  #end = 0;
  #deliveries = 0;
  readonly #seq = new Written();
  readonly #consumerSeq = new Written();
  readonly #ms = new Written();
  readonly #left = new Written();

  /**
   * Writes them at `start` and returns where they end. Where it is the same memory and place as before, they must still
   * stand there. Times before 1970 do not occur: the server itself gives them.
   */
  write(
    buf: Buffer,
    start: number,
    deliveries: number,
    seq: number,
    consumerSeq: number,
    ms: number,
    ns: number,
    left: number,
  ): number {
    const isSamePlace = buf === this.#buf && start === this.#start && deliveries === this.#deliveries;
    const fits =
      this.#seq.fits(seq) &&
      this.#consumerSeq.fits(consumerSeq) &&
      this.#ms.fits(ms) &&
      this.#left.fits(left);
    if (!isSamePlace || !fits) return this.#begin(buf, start, deliveries, seq, consumerSeq, ms, ns, left);
    this.#seq.change(buf, seq);
    this.#consumerSeq.change(buf, consumerSeq);
    this.#ms.change(buf, ms);
    writeDecimalDigits(buf, this.#ms.end, ns, NS_DIGITS);
    this.#left.change(buf, left);
    return this.#end;
  }

  #begin(
    buf: Buffer,
    start: number,
    deliveries: number,
    seq: number,
    consumerSeq: number,
    ms: number,
    ns: number,
    left: number,
  ): number {
    this.#buf = buf;
    this.#start = start;
    this.#deliveries = deliveries;
    let at = writeDecimal(buf, start, deliveries);
    buf[at++] = DOT;
    at = this.#seq.begin(buf, at, seq);
    buf[at++] = DOT;
    at = this.#consumerSeq.begin(buf, at, consumerSeq);
    buf[at++] = DOT;
    at = this.#ms.begin(buf, at, ms);
    at = writeDecimalDigits(buf, at, ns, NS_DIGITS);
    buf[at++] = DOT;
    this.#end = this.#left.begin(buf, at, left);
    return this.#end;
  }
}

/** Adds one to a decimal number that ends at `end` and has no more digits afterwards. */
function increment(buf: Buffer, end: number): void {
  let at = end - 1;
  for (; buf[at] === NINE; at--) buf[at] = ZERO;
  buf[at]++;
}

/** Takes one from a decimal number that ends at `end` and has no fewer digits afterwards. */
function decrement(buf: Buffer, end: number): void {
  let at = end - 1;
  for (; buf[at] === ZERO; at--) buf[at] = NINE;
  buf[at]--;
}
