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

/** RFC 3339 in UTC with up to nine digits, no zeros at the end: how Go's JSON shows a time. */
export function formatInstant({ ms, ns }: Instant): string {
  const text = new Date(ms).toISOString();
  const fraction = (text.slice(-4, -1) + String(ns).padStart(6, "0")).replace(/0+$/, "");
  return `${text.slice(0, -5)}${fraction === "" ? "" : `.${fraction}`}Z`;
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
