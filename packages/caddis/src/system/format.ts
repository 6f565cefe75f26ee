import { formatDuration } from "../config/duration.ts";

/** How monitoring writes times: the forms of the reference, which tools parse. */

/** A wall-clock time in milliseconds, as RFC 3339 in UTC with no zeros at the end of the fraction. */
export function formatTime(ms: number): string {
  const text = new Date(ms).toISOString();
  // Milliseconds are there always: the point ends the search.
  let end = text.length - 1;
  while (text[end - 1] === "0") end--;
  if (text[end - 1] === ".") end--;
  return `${text.slice(0, end)}Z`;
}

/** A length of time in whole seconds and larger units: `5s`, `1m2s`, `3h0m2s`, `1d0h0m0s`, `2y3d4h5m6s`. */
export function formatUptime(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  const years = Math.floor(days / 365);
  let text = `${seconds % 60}s`;
  if (minutes > 0) text = `${minutes % 60}m${text}`;
  if (hours > 0) text = `${hours % 24}h${text}`;
  if (days > 0) text = `${days % 365}d${text}`;
  return years > 0 ? `${years}y${text}` : text;
}

/** A round trip in milliseconds: whole microseconds below a millisecond, all digits above. */
export function formatRoundTrip(ms: number): string {
  const isShort = ms > 0.001 && ms < 1;
  return formatDuration(isShort ? Math.floor(ms * 1000) / 1000 : ms);
}

/** Milliseconds as the nanoseconds that durations are in JSON. */
export function toNanoseconds(ms: number): number {
  return Math.round(ms * 1e6);
}
