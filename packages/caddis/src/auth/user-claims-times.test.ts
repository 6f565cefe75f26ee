import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { endOfTimes, isLocation, isTimeOfDay } from "./user-claims-times.ts";

const at = (iso: string): number => Date.parse(iso);
const range = (start: string, end: string): { start: string; end: string } => ({ start, end });
const DAY = range("08:00:00", "17:30:00");
const NIGHT = range("22:00:00", "06:00:00");

function end(
  ranges: readonly { start: string; end: string }[],
  location: string,
  now: string,
): string | null {
  const ms = endOfTimes(ranges, location, at(now));
  return ms === null ? null : new Date(ms).toISOString();
}

test("without ranges there is no end", () => {
  assert.equal(endOfTimes([], "nowhere", 5), 0);
});

test("a range holds between its ends, by the clock of the place", () => {
  assert.equal(end([DAY], "UTC", "2026-01-15T12:00:00Z"), "2026-01-15T17:30:00.000Z");
  assert.equal(end([DAY], "UTC", "2026-01-15T07:59:59.999Z"), null);
  assert.equal(end([DAY], "UTC", "2026-01-15T08:00:00Z"), null, "the ends do not belong to it");
  assert.equal(end([DAY], "UTC", "2026-01-15T08:00:00.001Z"), "2026-01-15T17:30:00.000Z");
  assert.equal(end([DAY], "UTC", "2026-01-15T17:30:00Z"), null);
  assert.equal(end([DAY], "Europe/Berlin", "2026-01-15T07:00:01Z"), "2026-01-15T16:30:00.000Z");
  assert.equal(end([DAY], "Europe/Berlin", "2026-07-15T06:00:01Z"), "2026-07-15T15:30:00.000Z", "in summer");
  assert.equal(end([DAY], "Asia/Kolkata", "2026-01-15T02:30:01Z"), "2026-01-15T12:00:00.000Z");
  assert.equal(
    end([DAY], "Pacific/Kiritimati", "2026-01-14T23:00:00Z"),
    "2026-01-15T03:30:00.000Z",
    "another day",
  );
});

test("a range may go over midnight", () => {
  assert.equal(end([NIGHT], "UTC", "2026-01-15T23:30:00Z"), "2026-01-16T06:00:00.000Z");
  assert.equal(end([NIGHT], "UTC", "2026-01-15T05:00:00Z"), "2026-01-15T06:00:00.000Z");
  assert.equal(end([NIGHT], "UTC", "2026-01-15T12:00:00Z"), null);
  assert.equal(end([NIGHT], "UTC", "2025-12-31T23:00:00Z"), "2026-01-01T06:00:00.000Z");
  assert.equal(end([NIGHT], "America/New_York", "2026-01-15T04:00:00Z"), "2026-01-15T11:00:00.000Z");
});

test("the latest end of several counts", () => {
  assert.equal(
    end([DAY, range("10:00:00", "20:00:00")], "UTC", "2026-01-15T12:00:00Z"),
    "2026-01-15T20:00:00.000Z",
  );
  assert.equal(end([NIGHT, DAY], "UTC", "2026-01-15T12:00:00Z"), "2026-01-15T17:30:00.000Z");
});

test("the night when clocks change is an hour longer or shorter", () => {
  // In Berlin clocks go from 02:00 to 03:00 on 29 March 2026, and from 03:00 to 02:00 on 25 October.
  assert.equal(end([NIGHT], "Europe/Berlin", "2026-03-28T22:00:00Z"), "2026-03-29T04:00:00.000Z");
  const early = range("22:00:00", "01:30:00");
  assert.equal(
    end([early], "Europe/Berlin", "2026-03-28T22:00:00Z"),
    "2026-03-29T00:30:00.000Z",
    "before the jump",
  );
  assert.equal(end([NIGHT], "Europe/Berlin", "2026-10-24T22:00:00Z"), "2026-10-25T05:00:00.000Z");
});

test("a range or a place that is none lets nobody in", () => {
  const now = at("2026-01-15T12:00:00Z");
  for (const bad of ["8", "08:00", "24:00:00", "08:60:00", "08:00:60", "", "aa:bb:cc", "08:00:00 "]) {
    assert.equal(endOfTimes([DAY, range(bad, "17:00:00")], "UTC", now), null, bad);
    assert.equal(endOfTimes([DAY, range("08:00:00", bad)], "UTC", now), null, bad);
    assert.ok(!isTimeOfDay(bad), bad);
  }
  for (const place of ["", "Nowhere/City", "+01:00", "../etc", "Europe/Berlin "]) {
    assert.equal(endOfTimes([DAY], place, now), null, place);
    assert.ok(!isLocation(place), place);
  }
});

test("an end lies ahead, not further than a day and an hour, and is shown by the clock of the place", () => {
  const time = fc
    .tuple(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 }), fc.integer({ min: 0, max: 59 }))
    .map((parts) => parts.map((part) => String(part).padStart(2, "0")).join(":"));
  const place = fc.constantFrom("UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Pacific/Apia");
  const now = fc.integer({ min: at("2026-01-01T00:00:00Z"), max: at("2027-01-01T00:00:00Z") });
  fc.assert(
    fc.property(time, time, place, now, (start, stop, location, nowMs) => {
      const ends = endOfTimes([range(start, stop)], location, nowMs);
      if (ends === null) return;
      assert.ok(ends > nowMs && ends <= nowMs + 25 * 3_600_000);
      const clock = new Date(ends).toLocaleTimeString("en-GB", { timeZone: location, hourCycle: "h23" });
      // Where clocks jump, an hour that is not there is shown as the one next to it.
      assert.equal(clock.slice(-5), stop.slice(-5));
    }),
  );
});
