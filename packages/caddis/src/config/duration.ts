/**
 * Durations as Go writes them: a sign, then numbers with units, such as `2m30s`, `1.5h` or `500ms`. Inside
 * the server they are milliseconds.
 */

/** A duration of one unit, as the type checker knows it; `DurationText` takes the longer ones too. */
type OneUnit = `${number}${"ns" | "us" | "µs" | "ms" | "s" | "m" | "h"}`;

/** A Go duration such as `"2m"`, `"500ms"` or `"1h30m"`. */
export type DurationText = OneUnit | (string & {});

const UNIT_NS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3, // U+00B5
  μs: 1e3, // U+03BC
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

/** Go keeps durations in 64 bits of nanoseconds: about 292 years. */
const NS_MAX = 2 ** 63;

/** Reads a duration. Returns milliseconds (with a fraction where the text has one) or what is wrong. */
export function parseDuration(text: string): { ms: number } | { problem: string } {
  const quoted = JSON.stringify(text);
  const invalid = { problem: `time: invalid duration ${quoted}` };
  const [, sign, rest] = /^([+-]?)(.*)$/s.exec(text) ?? ["", "", ""];
  if (rest === "0") return { ms: 0 };
  if (rest === "") return invalid;
  const part = /(\d+\.?\d*|\.\d+)([^\d.]*)/y;
  let ns = 0;
  while (part.lastIndex < rest.length) {
    const found = part.exec(rest);
    if (found === null) return invalid;
    const [, number, unit] = found;
    if (unit === "") return { problem: `time: missing unit in duration ${quoted}` };
    const unitNs = Object.hasOwn(UNIT_NS, unit) ? UNIT_NS[unit] : undefined;
    if (unitNs === undefined)
      return { problem: `time: unknown unit ${JSON.stringify(unit)} in duration ${quoted}` };
    ns += Number(number) * unitNs;
  }
  if (ns >= NS_MAX) return invalid;
  return { ms: (sign === "-" ? -ns : ns) / 1e6 };
}

/** Writes `ms` milliseconds as Go does: `2m0s`, `1.5s`, `500ms`, `0s`. */
export function formatDuration(ms: number): string {
  const ns = Math.round(Math.abs(ms) * 1e6);
  const sign = ms < 0 && ns > 0 ? "-" : "";
  if (ns === 0) return "0s";
  if (ns < 1e3) return `${sign}${ns}ns`;
  if (ns < 1e6) return `${sign}${ns / 1e3}µs`;
  if (ns < 1e9) return `${sign}${ns / 1e6}ms`;
  const wholeMinutes = Math.floor(ns / 60e9);
  const seconds = `${(ns - wholeMinutes * 60e9) / 1e9}s`;
  if (wholeMinutes === 0) return sign + seconds;
  const hours = Math.floor(wholeMinutes / 60);
  return `${sign}${hours > 0 ? `${hours}h` : ""}${wholeMinutes % 60}m${seconds}`;
}
