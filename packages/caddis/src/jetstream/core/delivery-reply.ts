/**
 * Tokens of a delivery's reply subject: `$JS.ACK.<stream>.<consumer>.<deliveries>.<stream seq>.<consumer seq>.<time>.<pending>`,
 * or, with domain and account before the stream, as many as that and perhaps more behind.
 */
const PLAIN_TOKENS = 9;
const NAMED_TOKENS_MIN = 11;
/** Which token the consumer's name is; the numbers follow. */
const PLAIN_CONSUMER = 3;
const NAMED_CONSUMER = 5;
const PREFIX = "$JS.ACK.";

/** Of a time in nanoseconds, the digits within a millisecond. */
const NS_DIGITS = 6;
/** More digits are no safe integer. */
const DIGITS_MAX = 16;

const DOT = 0x2e;
const ZERO = 0x30;

/** What the reply subject of a delivered message says about it; one object is filled anew for each. */
export class DeliveryReply {
  deliveries = 0;
  streamSeq = 0;
  consumerSeq = 0;
  /** When the message was stored in its stream. */
  timeMs = 0;
  timeNs = 0;
  /** Messages that the consumer has yet to deliver. */
  pending = 0;
  #buf: Buffer = NOTHING;
  #consumerStart = 0;
  #consumerEnd = 0;
  /** Where tokens end, and how many there are. */
  readonly #ends = new Int32Array(NAMED_TOKENS_MIN);
  #count = 0;

  /** Reads `buf[start, end)`, which has to stay as it is while `isFrom` is asked. False: it is no such reply. */
  read(buf: Buffer, start: number, end: number): boolean {
    if (!isAt(PREFIX, buf, start, end)) return false;
    this.#split(buf, start, end);
    if (this.#count !== PLAIN_TOKENS && this.#count < NAMED_TOKENS_MIN) return false;
    const consumer = this.#count === PLAIN_TOKENS ? PLAIN_CONSUMER : NAMED_CONSUMER;
    const ends = this.#ends;
    this.#buf = buf;
    this.#consumerStart = ends[consumer - 1] + 1;
    this.#consumerEnd = ends[consumer];
    this.deliveries = this.#number(consumer + 1);
    this.streamSeq = this.#number(consumer + 2);
    this.consumerSeq = this.#number(consumer + 3);
    const timeEnd = ends[consumer + 4];
    const timeStart = ends[consumer + 3] + 1;
    const split = Math.max(timeStart, timeEnd - NS_DIGITS);
    this.timeMs = split === timeStart ? 0 : numberAt(buf, timeStart, split);
    this.timeNs = numberAt(buf, split, timeEnd);
    this.pending = this.#number(consumer + 5);
    const least = Math.min(this.deliveries, this.streamSeq, this.consumerSeq);
    return least > 0 && this.timeMs >= 0 && this.timeNs >= 0 && this.pending >= 0;
  }

  /** Whether this consumer, a wire string, has delivered it. */
  isFrom(consumer: string): boolean {
    return (
      this.#consumerEnd - this.#consumerStart === consumer.length &&
      isAt(consumer, this.#buf, this.#consumerStart, this.#consumerEnd)
    );
  }

  #split(buf: Buffer, start: number, end: number): void {
    const ends = this.#ends;
    let count = 0;
    for (let at = start; at < end; at++) {
      if (buf[at] !== DOT) continue;
      if (count < NAMED_TOKENS_MIN) ends[count] = at;
      count++;
    }
    if (count < NAMED_TOKENS_MIN) ends[count] = end;
    this.#count = count + 1;
  }

  #number(token: number): number {
    return numberAt(this.#buf, this.#ends[token - 1] + 1, this.#ends[token]);
  }
}

const NOTHING = Buffer.alloc(0);

/** The decimal number that `buf[start, end)` is; -1: it is none. */
function numberAt(buf: Buffer, start: number, end: number): number {
  if (end <= start || end - start > DIGITS_MAX) return -1;
  let value = 0;
  for (let at = start; at < end; at++) {
    const digit = buf[at] - ZERO;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return Number.isSafeInteger(value) ? value : -1;
}

/** Whether `buf[start, end)` begins with `text`. */
function isAt(text: string, buf: Buffer, start: number, end: number): boolean {
  if (end - start < text.length) return false;
  for (let i = text.length - 1; i >= 0; i--) if (text.charCodeAt(i) !== buf[start + i]) return false;
  return true;
}
