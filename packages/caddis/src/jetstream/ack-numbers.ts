import { WrittenDecimal, writeDecimal, writeDecimalDigits } from "../base/decimal.ts";

const DOT = 0x2e;
const NS_DIGITS = 6;
/** Five numbers, of up to 20 digits each, and the dots between them. */
export const ACK_NUMBERS_BYTES_MAX = 5 * 21;
const NOTHING = Buffer.alloc(0);

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
  readonly #seq = new WrittenDecimal();
  readonly #consumerSeq = new WrittenDecimal();
  readonly #ms = new WrittenDecimal();
  readonly #left = new WrittenDecimal();

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
