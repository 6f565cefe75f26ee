import { writeDecimalDigits } from "./decimal.ts";
import { dateText, MS_PER_DAY } from "./instant.ts";

/** Room that a written time may take: years of up to 16 digits, which no clock tells, and 21 characters more. */
export const INSTANT_BYTES_MAX = 40;

const LETTER_T = 0x54;
const COLON = 0x3a;
const POINT = 0x2e;
const ZULU = 0x5a;
const MS_PER_HOUR = 3_600_000;
const MS_PER_MINUTE = 60_000;
const MS_PER_SECOND = 1_000;
const NS_PER_MS = 1_000_000;
const FRACTION_DIGITS = 9;

/** Writes times as `formatInstant` does, into bytes: for those who write one into each message. Keeps the last date. */
export class InstantWriter {
  /** Days since 1970 of `#date`. */
  #day = NaN;
  #date = "";

  /** Writes the time at `buf[start]` and returns where it ends: `INSTANT_BYTES_MAX` further at most. */
  write(buf: Uint8Array, start: number, ms: number, ns: number): number {
    const day = Math.floor(ms / MS_PER_DAY);
    if (day !== this.#day) {
      this.#day = day;
      this.#date = dateText(day);
    }
    const date = this.#date;
    let at = start;
    for (let i = 0; i < date.length; i++) buf[at++] = date.charCodeAt(i);
    let rest = (ms - day * MS_PER_DAY) | 0;
    const hours = (rest / MS_PER_HOUR) | 0;
    rest -= hours * MS_PER_HOUR;
    const minutes = (rest / MS_PER_MINUTE) | 0;
    rest -= minutes * MS_PER_MINUTE;
    const seconds = (rest / MS_PER_SECOND) | 0;
    rest -= seconds * MS_PER_SECOND;
    buf[at++] = LETTER_T;
    at = writeDecimalDigits(buf, at, hours, 2);
    buf[at++] = COLON;
    at = writeDecimalDigits(buf, at, minutes, 2);
    buf[at++] = COLON;
    at = writeDecimalDigits(buf, at, seconds, 2);
    at = writeFraction(buf, at, rest * NS_PER_MS + ns);
    buf[at++] = ZULU;
    return at;
  }
}

/** Of a number of nanoseconds below a second: a point and its digits, without zeros at the end. */
function writeFraction(buf: Uint8Array, start: number, nanoseconds: number): number {
  if (nanoseconds === 0) return start;
  let digits = FRACTION_DIGITS;
  let rest = nanoseconds | 0;
  for (; rest % 10 === 0; rest = (rest / 10) | 0) digits--;
  buf[start] = POINT;
  return writeDecimalDigits(buf, start + 1, rest, digits);
}
