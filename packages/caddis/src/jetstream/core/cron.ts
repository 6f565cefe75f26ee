/**
 * Cron patterns of message schedules: six fields (second, minute, hour, day of the month, month, day of the week),
 * each a list of values, ranges and steps, and the moments they stand for in a time zone. Names of months and days
 * are English, three letters, in any case.
 */

import type { ScheduleZone } from "./schedule-zone.ts";

/** A pattern that is well-formed; it may still never come true (30 February). */
export interface CronPattern {
  readonly seconds: CronField;
  readonly minutes: CronField;
  readonly hours: CronField;
  readonly daysOfMonth: CronField;
  readonly months: CronField;
  readonly daysOfWeek: CronField;
}

interface CronField {
  readonly values: ReadonlySet<number>;
  /** A plain star or question mark is among what it lists. */
  readonly hasStar: boolean;
}

interface FieldBounds {
  readonly min: number;
  readonly max: number;
  /** What names stand for, from `min` on; empty: there are none. */
  readonly names: readonly string[];
}

const MONTH_NAMES = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAY_NAMES = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

const SECONDS: FieldBounds = { min: 0, max: 59, names: [] };
const MINUTES = SECONDS;
const HOURS: FieldBounds = { min: 0, max: 23, names: [] };
const DAYS_OF_MONTH: FieldBounds = { min: 1, max: 31, names: [] };
const MONTHS: FieldBounds = { min: 1, max: 12, names: MONTH_NAMES };
const DAYS_OF_WEEK: FieldBounds = { min: 0, max: 6, names: DAY_NAMES };

/** A pattern that does not come true within so many years never does, as far as schedules go; as in the reference. */
const YEARS_AHEAD = 5;

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

const WHITESPACE = /[\t\n\v\f\r ]+/;
const INTEGER = /^\+?\d+$/;

/** Null for what is no pattern. */
export function parseCron(text: string): CronPattern | null {
  const fields = text.split(WHITESPACE).filter((field) => field !== "");
  if (fields.length !== 6) return null;
  const seconds = parseField(fields[0], SECONDS);
  const minutes = parseField(fields[1], MINUTES);
  const hours = parseField(fields[2], HOURS);
  const daysOfMonth = parseField(fields[3], DAYS_OF_MONTH);
  const months = parseField(fields[4], MONTHS);
  const daysOfWeek = parseField(fields[5], DAYS_OF_WEEK);
  if (seconds === null || minutes === null || hours === null) return null;
  if (daysOfMonth === null || months === null || daysOfWeek === null) return null;
  return { seconds, minutes, hours, daysOfMonth, months, daysOfWeek };
}

/** Commas part alternatives; empty ones don't count, so a field may come to stand for nothing. */
function parseField(text: string, bounds: FieldBounds): CronField | null {
  const values = new Set<number>();
  let hasStar = false;
  for (const part of text.split(",")) {
    if (part === "") continue;
    const range = parseRange(part, bounds);
    if (range === null) return null;
    for (let value = range.start; value <= range.end; value += range.step) values.add(value);
    hasStar ||= range.isStar;
  }
  return { values, hasStar };
}

interface CronRange {
  readonly start: number;
  readonly end: number;
  readonly step: number;
  readonly isStar: boolean;
}

/** `*`, `n`, `n-m`, each with `/step` behind it; `n/step` goes on to the last value there is. */
function parseRange(text: string, bounds: FieldBounds): CronRange | null {
  const [range, stepText, ...slashes] = text.split("/");
  if (slashes.length > 0) return null;
  const step = stepText === undefined ? 1 : parseNumber(stepText);
  if (step === null || step === 0) return null;
  const [first, last, ...hyphens] = range.split("-");
  // What follows the hyphen of a star is not looked at, as in the reference.
  if (first === "*" || first === "?") return { start: bounds.min, end: bounds.max, step, isStar: step === 1 };
  if (hyphens.length > 0) return null;
  const start = parseValue(first, bounds);
  const end = last === undefined ? start : parseValue(last, bounds);
  if (start === null || end === null) return null;
  const lastEnd = last === undefined && stepText !== undefined ? bounds.max : end;
  if (start < bounds.min || lastEnd > bounds.max || start > lastEnd) return null;
  return { start, end: lastEnd, step, isStar: false };
}

function parseValue(text: string, bounds: FieldBounds): number | null {
  const index = bounds.names.indexOf(text.toLowerCase());
  return index < 0 ? parseNumber(text) : bounds.min + index;
}

function parseNumber(text: string): number | null {
  if (!INTEGER.test(text)) return null;
  const value = Number(text);
  return value < 2 ** 63 ? value : null;
}

/**
 * The first moment after `afterMs` that `pattern` stands for in `zone`, on a whole second; wall-clock milliseconds.
 * Null: there is none in the years ahead.
 *
 * Goes from the largest field to the smallest and forward only, as the reference does, so that both agree on hours
 * that a zone leaves out or has twice.
 */
export function nextCronMs(pattern: CronPattern, zone: ScheduleZone, afterMs: number): number | null {
  if (!canComeTrue(pattern)) return null;
  let ms = Math.floor(afterMs / SECOND_MS) * SECOND_MS + SECOND_MS;
  let isCut = false;
  const lastYear = zone.local(ms).getUTCFullYear() + YEARS_AHEAD;
  search: for (;;) {
    let local = zone.local(ms);
    if (local.getUTCFullYear() > lastYear) return null;
    while (!pattern.months.values.has(local.getUTCMonth() + 1)) {
      if (!isCut) ms = zone.instant(local.getUTCFullYear(), local.getUTCMonth(), 1, 0);
      isCut = true;
      ms = addDate(zone, ms, 1, 0);
      local = zone.local(ms);
      if (local.getUTCMonth() === 0) continue search;
    }
    while (!isDay(pattern, local)) {
      if (!isCut) ms = zone.instant(local.getUTCFullYear(), local.getUTCMonth(), local.getUTCDate(), 0);
      isCut = true;
      ms = addDate(zone, ms, 0, 1);
      local = zone.local(ms);
      if (local.getUTCDate() === 1) continue search;
    }
    while (!pattern.hours.values.has(local.getUTCHours())) {
      if (!isCut) {
        const hourMs = local.getUTCHours() * HOUR_MS;
        ms = zone.instant(local.getUTCFullYear(), local.getUTCMonth(), local.getUTCDate(), hourMs);
      }
      isCut = true;
      ms += HOUR_MS;
      local = zone.local(ms);
      if (local.getUTCHours() === 0) continue search;
    }
    while (!pattern.minutes.values.has(local.getUTCMinutes())) {
      if (!isCut) ms = Math.floor(ms / MINUTE_MS) * MINUTE_MS;
      isCut = true;
      ms += MINUTE_MS;
      local = zone.local(ms);
      if (local.getUTCMinutes() === 0) continue search;
    }
    while (!pattern.seconds.values.has(local.getUTCSeconds())) {
      isCut = true;
      ms += SECOND_MS;
      local = zone.local(ms);
      if (local.getUTCSeconds() === 0) continue search;
    }
    return ms;
  }
}

/** A field without any value would be searched for second by second through the years. */
function canComeTrue({ seconds, minutes, hours, daysOfMonth, months, daysOfWeek }: CronPattern): boolean {
  if ([seconds, minutes, hours, months].some(({ values }) => values.size === 0)) return false;
  if (daysOfMonth.hasStar || daysOfWeek.hasStar)
    return daysOfMonth.values.size > 0 && daysOfWeek.values.size > 0;
  return daysOfMonth.values.size > 0 || daysOfWeek.values.size > 0;
}

/** Where both kinds of day are restricted, one of them is enough. */
function isDay({ daysOfMonth, daysOfWeek }: CronPattern, local: Date): boolean {
  const isOfMonth = daysOfMonth.values.has(local.getUTCDate());
  const isOfWeek = daysOfWeek.values.has(local.getUTCDay());
  return daysOfMonth.hasStar || daysOfWeek.hasStar ? isOfMonth && isOfWeek : isOfMonth || isOfWeek;
}

/** The same time of day, so many months and days later. */
function addDate(zone: ScheduleZone, ms: number, months: number, days: number): number {
  const local = zone.local(ms);
  const timeOfDayMs =
    local.getUTCHours() * HOUR_MS + local.getUTCMinutes() * MINUTE_MS + local.getUTCSeconds() * SECOND_MS;
  return zone.instant(
    local.getUTCFullYear(),
    local.getUTCMonth() + months,
    local.getUTCDate() + days,
    timeOfDayMs,
  );
}
