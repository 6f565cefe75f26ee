/**
 * A moment of wall-clock time to the nanosecond, as JetStream stores and shows it: two numbers, since
 * nanoseconds since 1970 do not fit one. Hot code passes the two apart.
 */
export interface Instant {
  /** Whole milliseconds since the Unix epoch; may be negative. */
  readonly ms: number;
  /** Nanoseconds within that millisecond, 0 to 999,999. */
  readonly ns: number;
}

const NS_PER_MS = 1_000_000;
/** Go's zero time, which its JSON shows where there is none. */
export const GO_ZERO_TIME = "0001-01-01T00:00:00Z";
const GO_ZERO_MS = Date.parse(GO_ZERO_TIME);

/** `nowMs`: milliseconds that may have a fraction, as a clock tells them. */
export function instantOf(nowMs: number): Instant {
  const ms = Math.floor(nowMs);
  return { ms, ns: Math.min(NS_PER_MS - 1, Math.floor((nowMs - ms) * NS_PER_MS)) };
}

/** Negative, 0 or positive, as `a` is before, at or after `b`. */
export function compareInstants(a: Instant, b: Instant): number {
  return a.ms - b.ms || a.ns - b.ns;
}

/** Whether it is Go's zero time: the same as none. */
export function isGoZeroTime({ ms, ns }: Instant): boolean {
  return ms === GO_ZERO_MS && ns === 0;
}

/** Milliseconds. */
export const MS_PER_DAY = 86_400_000;
/** Days in 400 years, and from the first of March of the year 0 to the first of January 1970. */
const DAYS_PER_CYCLE = 146_097;
const DAYS_TO_1970 = 719_468;
/** `00` to `99`. */
const TWO_DIGITS: readonly string[] = Array.from({ length: 100 }, (_, i) => String(i).padStart(2, "0"));

/**
 * RFC 3339 in UTC with up to nine digits, no zeros at the end: how Go's JSON shows a time. By hand, since direct gets
 * write one for each message and `Date` takes several times as long.
 */
export function formatInstant({ ms, ns }: Instant): string {
  const days = Math.floor(ms / MS_PER_DAY);
  const inDay = ms - days * MS_PER_DAY;
  const seconds = Math.floor(inDay / 1000);
  const minutes = Math.floor(seconds / 60);
  const fraction = fractionText((inDay - seconds * 1000) * NS_PER_MS + ns);
  const hour = TWO_DIGITS[Math.floor(minutes / 60)];
  return `${dateText(days)}T${hour}:${TWO_DIGITS[minutes % 60]}:${TWO_DIGITS[seconds % 60]}${fraction}Z`;
}

/** Of a number of nanoseconds below a second. */
function fractionText(nanoseconds: number): string {
  if (nanoseconds === 0) return "";
  let digits = 9;
  let rest = nanoseconds;
  for (; rest % 10 === 0; rest /= 10) digits--;
  return `.${String(rest).padStart(digits, "0")}`;
}

/** The date of a day since 1970, in UTC, by counting in years that begin in March and cycles of 400 of them. */
export function dateText(days: number): string {
  const day = days + DAYS_TO_1970;
  const cycle = Math.floor(day / DAYS_PER_CYCLE);
  const ofCycle = day - cycle * DAYS_PER_CYCLE;
  const leapDays =
    Math.floor(ofCycle / 1460) - Math.floor(ofCycle / 36_524) + Math.floor(ofCycle / (DAYS_PER_CYCLE - 1));
  const yearOfCycle = Math.floor((ofCycle - leapDays) / 365);
  const ofYear = ofCycle - (365 * yearOfCycle + Math.floor(yearOfCycle / 4) - Math.floor(yearOfCycle / 100));
  const monthFromMarch = Math.floor((5 * ofYear + 2) / 153);
  const dayOfMonth = ofYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1;
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  const year = yearOfCycle + cycle * 400 + (month <= 2 ? 1 : 0);
  return `${String(year).padStart(4, "0")}-${TWO_DIGITS[month]}-${TWO_DIGITS[dayOfMonth]}`;
}

/** Nanoseconds since the epoch in decimal, as acknowledgement subjects carry it. */
export function nanosecondsText({ ms, ns }: Instant): string {
  return ms < 0 ? String(BigInt(ms) * BigInt(NS_PER_MS) + BigInt(ns)) : `${ms}${String(ns).padStart(6, "0")}`;
}

const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9})\d*)?(Z|[+-]\d\d:\d\d)$/i;

/** Null for what is no RFC 3339 time. */
export function parseInstant(text: string): Instant | null {
  const match = RFC3339.exec(text);
  if (match === null) return null;
  const seconds = Date.parse(text.replace(/\.\d+/, "").toUpperCase());
  if (Number.isNaN(seconds)) return null;
  const digits = (match[7] ?? "").padEnd(9, "0");
  return { ms: seconds + Number(digits.slice(0, 3)), ns: Number(digits.slice(3)) };
}
