import type { TimeRange } from "./claims/permissions.ts";

const MS_PER_SECOND = 1_000;
const MS_PER_DAY = 86_400_000;

/**
 * When the time ends in which a user may be connected: 0 for never where there are no ranges, null outside of all
 * of them, wall-clock milliseconds inside, the latest end where several hold. Ranges are of the day in
 * `location` (IANA name); one whose start is later than its end goes over midnight. A range or a place that is
 * none lets nobody in.
 */
export function endOfTimes(ranges: readonly TimeRange[], location: string, nowMs: number): number | null {
  if (ranges.length === 0) return 0;
  const zone = zoneOf(location);
  if (zone === null || !ranges.every(({ start, end }) => isTimeOfDay(start) && isTimeOfDay(end))) return null;
  const ends = ranges.map((range) => endOfRange(range, zone, nowMs)).filter((end) => end !== null);
  return ends.length === 0 ? null : Math.max(...ends);
}

/** Whether a time of day is written as it should be: `HH:MM:SS`. */
export function isTimeOfDay(text: string): boolean {
  return parseTime(text) !== null;
}

/** Whether a place is known. */
export function isLocation(location: string): boolean {
  return zoneOf(location) !== null;
}

/** The clock of one place. */
type Zone = Intl.DateTimeFormat;

function zoneOf(location: string): Zone | null {
  if (!/^[A-Za-z]/.test(location)) return null; // offsets are no places
  try {
    return new Intl.DateTimeFormat("en-US-u-ca-gregory-nu-latn", {
      timeZone: location,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
  } catch {
    return null;
  }
}

function endOfRange(range: TimeRange, zone: Zone, nowMs: number): number | null {
  const wall = wallClock(zone, nowMs);
  const midnight = wall - (((wall % MS_PER_DAY) + MS_PER_DAY) % MS_PER_DAY);
  const at = (time: string, days: number): number =>
    instantOf(zone, midnight + days * MS_PER_DAY + (parseTime(time) ?? 0));
  const start = at(range.start, 0);
  const end = at(range.end, 0);
  if (start < nowMs && nowMs < end) return end;
  if (start <= end) return null;
  if (nowMs < end) return end; // since yesterday
  const tomorrow = at(range.end, 1);
  return start < nowMs && nowMs < tomorrow ? tomorrow : null;
}

/** What the clock of the place shows, as if it were UTC. */
function wallClock(zone: Zone, ms: number): number {
  const parts = new Map(zone.formatToParts(ms).map(({ type, value }) => [type, Number(value)]));
  const part = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) ?? 0;
  const millis = ((ms % MS_PER_SECOND) + MS_PER_SECOND) % MS_PER_SECOND;
  return (
    Date.UTC(part("year"), part("month") - 1, part("day"), part("hour"), part("minute"), part("second")) +
    millis
  );
}

/** When the clock of the place shows `wall`; near a change of the clocks one of the two answers. */
function instantOf(zone: Zone, wall: number): number {
  const guess = wall - (wallClock(zone, wall) - wall);
  return guess - (wallClock(zone, guess) - wall);
}

/** `HH:MM:SS` as milliseconds since midnight. */
function parseTime(text: string): number | null {
  const match = /^(\d{1,2}):(\d\d):(\d\d)$/.exec(text);
  if (match === null) return null;
  const [hours, minutes, seconds] = match.slice(1).map(Number);
  if (hours > 23 || minutes > 59 || seconds > 59) return null;
  return ((hours * 60 + minutes) * 60 + seconds) * MS_PER_SECOND;
}
