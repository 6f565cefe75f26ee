/**
 * When a scheduled message falls due: its pattern (`Nats-Schedule`) is `@at` with a time, `@every` with a duration,
 * the name of a common interval, or a cron pattern.
 */

import { compareInstants, type Instant, instantOf } from "../../base/instant.ts";
import { fromWireString } from "../../subject/subject.ts";
import { nextCronMs, parseCron } from "./cron.ts";
import { durationNs } from "./schedule-duration.ts";
import { type ScheduleZone, UTC } from "./schedule-zone.ts";

/** When a schedule fires, and whether it goes on after that. */
export interface Firing {
  readonly at: Instant;
  readonly repeats: boolean;
}

const AT = "@at ";
const EVERY = "@every ";

const CRON_OF_NAMES: ReadonlyMap<string, string> = new Map([
  ["@yearly", "0 0 0 1 1 *"],
  ["@annually", "0 0 0 1 1 *"],
  ["@monthly", "0 0 0 1 * *"],
  ["@weekly", "0 0 0 * * 0"],
  ["@daily", "0 0 0 * * *"],
  ["@midnight", "0 0 0 * * *"],
  ["@hourly", "0 0 * * * *"],
]);

const NS_PER_SECOND = 1e9;
const NS_PER_MS = 1e6;
const SECOND_MS = 1_000;

/**
 * The first firing of `pattern`, a wire string, after `after`; null where it is none. `zone`: null where none is
 * named; only cron patterns may have one. A repetition that `now` has passed already is left out: after a standstill
 * a schedule fires once.
 */
export function nextFiring(
  pattern: string,
  zone: ScheduleZone | null,
  after: Instant,
  now: Instant,
): Firing | null {
  if (pattern.startsWith(AT)) {
    const at = zone === null ? parseGoTime(pattern.slice(AT.length)) : null;
    return at === null ? null : { at, repeats: false };
  }
  if (pattern.startsWith(EVERY)) {
    const ns = zone === null ? intervalNs(pattern) : null;
    if (ns === null) return null;
    const at = plus(roundToSecond(after), ns);
    return { at: compareInstants(at, now) < 0 ? plus(roundToSecond(now), ns) : at, repeats: true };
  }
  const cron = parseCron(CRON_OF_NAMES.get(pattern) ?? pattern);
  if (cron === null) return null;
  let ms = nextCronMs(cron, zone ?? UTC, after.ms);
  if (ms !== null && compareInstants({ ms, ns: 0 }, now) < 0)
    ms = nextCronMs(cron, zone ?? UTC, roundToSecond(now).ms);
  return ms === null ? null : { at: { ms, ns: 0 }, repeats: true };
}

/**
 * As `nextFiring`, for a schedule that was stored at `stored` and of whose firings nothing is known any more. One
 * that repeats at an interval keeps to it, however often the server starts anew meanwhile.
 */
export function resumedFiring(
  pattern: string,
  zone: ScheduleZone | null,
  stored: Instant,
  now: Instant,
): Firing | null {
  const ns = pattern.startsWith(EVERY) && zone === null ? intervalNs(pattern) : null;
  if (ns === null) return nextFiring(pattern, zone, stored, now);
  const start = roundToSecond(stored);
  const passedMs = Math.max(0, now.ms - start.ms);
  const intervals = Math.floor((passedMs * NS_PER_MS) / ns) + 1;
  return { at: plus(start, intervals * ns), repeats: true };
}

/** Nanoseconds between repetitions; null: no duration, or less than a second. */
function intervalNs(pattern: string): number | null {
  const ns = durationNs(fromWireString(pattern.slice(EVERY.length)));
  return ns === null || ns < NS_PER_SECOND ? null : ns;
}

function plus({ ms, ns }: Instant, durationInNs: number): Instant {
  const wholeMs = Math.floor(durationInNs / NS_PER_MS);
  const sumNs = ns + Math.round(durationInNs - wholeMs * NS_PER_MS);
  return sumNs < NS_PER_MS
    ? { ms: ms + wholeMs, ns: sumNs }
    : { ms: ms + wholeMs + 1, ns: sumNs - NS_PER_MS };
}

function roundToSecond({ ms }: Instant): Instant {
  return instantOf(Math.floor((ms + SECOND_MS / 2) / SECOND_MS) * SECOND_MS);
}

const GO_TIME = /^(\d{4})-(\d\d)-(\d\d)T(\d\d?):(\d\d):(\d\d)(?:[.,](\d+))?(?:Z|([+-])(\d\d):(\d\d))$/;

/** RFC 3339 as Go reads it: exact about letters and the length of months, lenient about an hour of one digit and a comma. */
function parseGoTime(text: string): Instant | null {
  const match = GO_TIME.exec(text);
  if (match === null) return null;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number);
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day || day === 0) return null;
  if (hour > 23 || minute > 59 || second > 59) return null;
  const [zoneHours, zoneMinutes] = [Number(match[9] ?? 0), Number(match[10] ?? 0)];
  if (zoneHours > 24 || zoneMinutes > 60) return null;
  const offsetMinutes = (match[8] === "-" ? -1 : 1) * (zoneHours * 60 + zoneMinutes);
  const fraction = (match[7] ?? "").slice(0, 9).padEnd(9, "0");
  const ms = date.setUTCHours(hour, minute - offsetMinutes, second, Number(fraction.slice(0, 3)));
  return { ms, ns: Number(fraction.slice(3)) };
}
