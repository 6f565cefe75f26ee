/** Nanoseconds as the reference's texts show durations: `1m30.005s`, `500ms`, `2h0m0s`, `0s`. */
export function goDuration(ns: number): string {
  const size = Math.abs(ns);
  const sign = ns < 0 ? "-" : "";
  if (size < 1e3) return size === 0 ? "0s" : `${sign}${size}ns`;
  if (size < 1e6) return `${sign}${size / 1e3}µs`;
  if (size < 1e9) return `${sign}${size / 1e6}ms`;
  const minutes = Math.floor(size / 60e9);
  const seconds = Math.floor((size % 60e9) / 1e9);
  const fraction = String(size % 1e9)
    .padStart(9, "0")
    .replace(/0+$/, "");
  const hours = Math.floor(minutes / 60);
  const clock = hours > 0 ? `${hours}h${minutes % 60}m` : minutes > 0 ? `${minutes}m` : "";
  return `${sign}${clock}${seconds}${fraction === "" ? "" : `.${fraction}`}s`;
}
