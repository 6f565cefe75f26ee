const UNIT_NS = new Map([
  ["ns", 1],
  ["us", 1e3],
  ["µs", 1e3], // U+00B5
  ["μs", 1e3], // U+03BC
  ["ms", 1e6],
  ["s", 1e9],
  ["m", 60e9],
  ["h", 3600e9],
]);

/** Go keeps durations in 64 bits. */
const NS_LIMIT = 2 ** 63;

/** Nanoseconds of a duration as Go writes it (`1h30m`, `1.5s`, `-2m`, `0`); null for what is none. */
export function durationNs(text: string): number | null {
  const sign = text.startsWith("-") ? -1 : 1;
  const rest = /^[+-]/.test(text) ? text.slice(1) : text;
  if (rest === "0") return 0;
  if (rest === "") return null;
  const part = /(\d+\.?\d*|\.\d+)([^\d.]+)/y;
  let ns = 0;
  while (part.lastIndex < rest.length) {
    const found = part.exec(rest);
    const unit = found === null ? undefined : UNIT_NS.get(found[2]);
    if (found === null || unit === undefined) return null;
    ns += Number(found[1]) * unit;
  }
  return ns < NS_LIMIT ? sign * ns : null;
}
