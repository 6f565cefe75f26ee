const ZERO = 0x30;
const NINE = 0x39;
const THOUSAND = 1000;
const INT_MAX = 2 ** 31 - 1;
const BILLION = 1_000_000_000;
const BILLION_DIGITS = 9;

/** The three digits of each number below a thousand, one behind the other. */
const TRIPLES = makeTriples();

/** How many digits a whole number, not negative, has in decimal. */
export function decimalDigits(value: number): number {
  let digits = 1;
  for (let power = 10; power <= value; power *= 10) digits++;
  return digits;
}

/** Writes a whole number, not negative, in decimal and returns where it ends. */
export function writeDecimal(buf: Uint8Array, start: number, value: number): number {
  return writeDecimalDigits(buf, start, value, decimalDigits(value));
}

/** As `writeDecimal` with so many digits, which it has at most: zeros come first. */
export function writeDecimalDigits(buf: Uint8Array, start: number, value: number, digits: number): number {
  let at = start + digits;
  let rest = value;
  // Whole numbers of 32 bits are divided faster: nine digits at a time.
  while (rest > INT_MAX) {
    const high = Math.floor(rest / BILLION);
    writeLast(buf, at, (rest - high * BILLION) | 0, BILLION_DIGITS);
    at -= BILLION_DIGITS;
    rest = high;
  }
  writeLast(buf, at, rest | 0, at - start);
  return start + digits;
}

/**
 * A number as it stands in memory, which is followed by others of the same length: of those that go up or down by one
 * only the last digits are written. Invariant: `#low` <= `#value` < `#high`; or all are 0 where nothing is written.
 */
export class WrittenDecimal {
  #value = 0;
  /** Where it ends. */
  end = 0;
  #low = 0;
  #high = 0;

  /** Whether `value` has as many digits as what is written. */
  fits(value: number): boolean {
    return value >= this.#low && value < this.#high;
  }

  /** Writes a number of any length, and returns where it ends. */
  begin(buf: Uint8Array, start: number, value: number): number {
    const digits = decimalDigits(value);
    this.#value = value;
    this.#high = 10 ** digits;
    this.#low = digits === 1 ? 0 : 10 ** (digits - 1);
    this.end = writeDecimalDigits(buf, start, value, digits);
    return this.end;
  }

  /** Writes `value`, which fits, over the one before. */
  change(buf: Uint8Array, value: number): void {
    if (value === this.#value + 1) increment(buf, this.end);
    else if (value === this.#value - 1) decrement(buf, this.end);
    else if (value !== this.#value) {
      const digits = decimalDigits(value);
      writeDecimalDigits(buf, this.end - digits, value, digits);
    }
    this.#value = value;
  }
}

/** Writes the last `digits` digits of a number of 32 bits so that they end at `end`. */
function writeLast(buf: Uint8Array, end: number, value: number, digits: number): void {
  let at = end;
  let rest = value;
  let left = digits;
  for (; left >= 3; left -= 3) {
    const thousands = (rest / THOUSAND) | 0;
    const triple = 3 * (rest - thousands * THOUSAND);
    buf[at - 3] = TRIPLES[triple];
    buf[at - 2] = TRIPLES[triple + 1];
    buf[at - 1] = TRIPLES[triple + 2];
    at -= 3;
    rest = thousands;
  }
  for (; left > 0; left--) {
    const tens = (rest / 10) | 0;
    buf[--at] = ZERO + rest - 10 * tens;
    rest = tens;
  }
}

/** Adds one to a decimal number that ends at `end` and has no more digits afterwards. */
function increment(buf: Uint8Array, end: number): void {
  let at = end - 1;
  for (; buf[at] === NINE; at--) buf[at] = ZERO;
  buf[at]++;
}

/** Takes one from a decimal number that ends at `end` and has no fewer digits afterwards. */
function decrement(buf: Uint8Array, end: number): void {
  let at = end - 1;
  for (; buf[at] === ZERO; at--) buf[at] = NINE;
  buf[at]--;
}

function makeTriples(): Uint8Array {
  const triples = new Uint8Array(3 * THOUSAND);
  for (let number = 0; number < THOUSAND; number++) {
    triples[3 * number] = ZERO + ((number / 100) | 0);
    triples[3 * number + 1] = ZERO + (((number / 10) | 0) % 10);
    triples[3 * number + 2] = ZERO + (number % 10);
  }
  return triples;
}
