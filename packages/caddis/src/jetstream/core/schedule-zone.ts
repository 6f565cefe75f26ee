import { formatInstant, type Instant } from "../../base/instant.ts";

/** Time zones of message schedules: names of the IANA database, as clients give them in `Nats-Schedule-Time-Zone`. */

/** What the clocks of a place show. */
export interface ScheduleZone {
  /** The time of day and date there, told by the UTC fields of the result; wall-clock milliseconds, whole seconds. */
  local(ms: number): Date;
  /**
   * When clocks there show `timeOfDayMs` on that day; months from 0, those and days beyond the end run over. Of a time that
   * does not come, or comes twice, one close by.
   */
  instant(year: number, month: number, day: number, timeOfDayMs: number): number;
}

/** Where schedules are that name no zone. */
export const UTC: ScheduleZone = {
  local: (ms) => new Date(ms),
  instant: (year, month, day, timeOfDayMs) => Date.UTC(year, month, day) + timeOfDayMs,
};

/** The zone of the machine the server runs on, by the name the reference has for it. */
const LOCAL_NAME = "Local";

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;

/** RFC 3339 as clocks of `zone` show it, with their offset. */
export function formatLocal({ ms, ns }: Instant, zone: ScheduleZone): string {
  const wholeMs = Math.floor(ms / SECOND_MS) * SECOND_MS;
  const offsetMinutes = Math.trunc((zone.local(wholeMs).getTime() - wholeMs) / MINUTE_MS);
  const text = formatInstant({ ms: ms + offsetMinutes * MINUTE_MS, ns });
  if (offsetMinutes === 0) return text;
  const [hours, minutes] = [Math.floor(Math.abs(offsetMinutes) / 60), Math.abs(offsetMinutes) % 60];
  return `${text.slice(0, -1)}${offsetMinutes < 0 ? "-" : "+"}${twoDigits(hours)}:${twoDigits(minutes)}`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}

/** Knows time zones by their names, and keeps those that were asked for: there are some six hundred. */
export class ScheduleZones {
  readonly #known = new Map<string, ScheduleZone>([["UTC", UTC]]);

  /** Null: there is no zone of this name, in this spelling. */
  find(name: string): ScheduleZone | null {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const zone = open(name);
    if (zone !== null) this.#known.set(name, zone);
    return zone;
  }
}

function open(name: string): ScheduleZone | null {
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat("en-US", {
      timeZone: name === LOCAL_NAME ? undefined : name,
      calendar: "gregory",
      numberingSystem: "latn",
      hourCycle: "h23",
      era: "short",
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
  const { timeZone } = format.resolvedOptions();
  // Names of the database are told apart by capitals, which the runtime does not do. An offset is no name.
  const isMisspelled = timeZone !== name && timeZone.toLowerCase() === name.toLowerCase();
  return isMisspelled || /^[+-]/.test(name) ? null : new NamedZone(format);
}

class NamedZone implements ScheduleZone {
  readonly #format: Intl.DateTimeFormat;

  constructor(format: Intl.DateTimeFormat) {
    this.#format = format;
  }

  local(ms: number): Date {
    // "4/9/2026 A, 13:05:00"
    const text = this.#format.format(ms);
    const [month, day, year, hour, minute, second] = (text.match(/\d+/g) ?? []).map(Number);
    const local = new Date(0);
    local.setUTCFullYear(/\bB/.test(text) ? 1 - year : year, month - 1, day);
    local.setUTCHours(hour, minute, second);
    return local;
  }

  instant(year: number, month: number, day: number, timeOfDayMs: number): number {
    const shown = Date.UTC(year, month, day) + timeOfDayMs;
    // Two steps: the offset at a moment that is off by the offset may be that of before or after a change.
    return shown - this.#offsetMs(shown - this.#offsetMs(shown));
  }

  #offsetMs(ms: number): number {
    const wholeMs = Math.floor(ms / SECOND_MS) * SECOND_MS;
    return this.local(wholeMs).getTime() - wholeMs;
  }
}
