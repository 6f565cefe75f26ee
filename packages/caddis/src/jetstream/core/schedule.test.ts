import assert from "node:assert/strict";
import { test } from "node:test";
import { formatInstant, type Instant, parseInstant } from "../../base/instant.ts";
import { nextFiring, resumedFiring } from "./schedule.ts";
import { ScheduleZones, UTC } from "./schedule-zone.ts";

function at(text: string): Instant {
  const instant = parseInstant(text);
  assert.ok(instant !== null, text);
  return instant;
}

const NOW = at("2026-01-01T00:00:00.6Z");

/** The first firing in words, null where the pattern is refused. */
function first(pattern: string, zone: string | null = null, after = NOW, now = after): string | null {
  const firing = nextFiring(pattern, zone === null ? null : new ScheduleZones().find(zone), after, now);
  return firing === null ? null : `${formatInstant(firing.at)}${firing.repeats ? " repeats" : ""}`;
}

test("@at is one moment, read as Go reads it", () => {
  assert.equal(first("@at 2026-05-01T10:00:00Z"), "2026-05-01T10:00:00Z");
  assert.equal(first("@at 2026-05-01T10:00:00.123456789+02:00"), "2026-05-01T08:00:00.123456789Z");
  assert.equal(first("@at 2026-05-01T9:00:00,5Z"), "2026-05-01T09:00:00.5Z");
  assert.equal(first("@at 2020-01-01T00:00:00-01:30"), "2020-01-01T01:30:00Z", "in the past");
  assert.equal(first("@at 0001-01-01T00:00:00Z"), "0001-01-01T00:00:00Z");
  const wrong = [
    "@at 2026-02-30T00:00:00Z",
    "@at 2026-00-01T00:00:00Z",
    "@at 2026-01-00T00:00:00Z",
    "@at 2026-01-01T24:00:00Z",
    "@at 2026-01-01T00:60:00Z",
    "@at 2026-01-01T00:00:60Z",
    "@at 2026-01-01t00:00:00z",
    "@at 2026-01-01T00:00:00",
    "@at 2026-01-01T00:00:00+25:00",
    "@at  2026-01-01T00:00:00Z",
    "@at ",
    "@at",
  ];
  for (const pattern of wrong) assert.equal(first(pattern), null, pattern);
  assert.equal(first("@at 2026-05-01T10:00:00Z", "UTC"), null, "no zone");
});

test("@every counts from the rounded second, and only once over a standstill", () => {
  assert.equal(first("@every 1h30m"), "2026-01-01T01:30:01Z repeats");
  assert.equal(first("@every 1.5s"), "2026-01-01T00:00:02.5Z repeats");
  assert.equal(first("@every 1s", null, NOW, at("2026-01-01T00:00:02Z")), "2026-01-01T00:00:02Z repeats");
  assert.equal(first("@every 1s", null, NOW, at("2026-03-01T00:00:00.4Z")), "2026-03-01T00:00:01Z repeats");
  for (const pattern of ["@every 999ms", "@every -5s", "@every 5", "@every ", "@every 1 s", "@every 1s "])
    assert.equal(first(pattern), null, pattern);
  assert.equal(first("@every 1s", "UTC"), null, "no zone");
});

test("names stand for cron patterns", () => {
  const after = at("2026-05-06T07:08:09Z");
  assert.equal(first("@hourly", null, after), "2026-05-06T08:00:00Z repeats");
  assert.equal(first("@daily", null, after), "2026-05-07T00:00:00Z repeats");
  assert.equal(first("@midnight", null, after), "2026-05-07T00:00:00Z repeats");
  assert.equal(first("@weekly", null, after), "2026-05-10T00:00:00Z repeats");
  assert.equal(first("@monthly", null, after), "2026-06-01T00:00:00Z repeats");
  assert.equal(first("@yearly", null, after), "2027-01-01T00:00:00Z repeats");
  assert.equal(first("@annually", "America/New_York", after), "2027-01-01T05:00:00Z repeats");
  for (const pattern of ["@Hourly", "@hourly ", "@secondly", "hourly"])
    assert.equal(first(pattern), null, pattern);
});

test("cron goes on from now when its time has passed", () => {
  const after = at("2026-05-06T07:00:00Z");
  assert.equal(first("0 0 * * * *", null, after, at("2026-05-06T08:00:00Z")), "2026-05-06T08:00:00Z repeats");
  assert.equal(first("0 0 * * * *", null, after, at("2026-05-06T20:10:00Z")), "2026-05-06T21:00:00Z repeats");
});

test("an interval is kept to over restarts", () => {
  const stored = at("2026-01-01T00:00:10.2Z");
  const resumed = (pattern: string, now: string): string | null => {
    const firing = resumedFiring(pattern, null, stored, at(now));
    return firing === null ? null : formatInstant(firing.at);
  };
  assert.equal(resumed("@every 1h", "2026-01-01T00:30:00Z"), "2026-01-01T01:00:10Z");
  assert.equal(resumed("@every 1h", "2026-01-05T00:30:00Z"), "2026-01-05T01:00:10Z");
  assert.equal(resumed("@at 2025-01-01T00:00:00Z", "2026-01-05T00:30:00Z"), "2025-01-01T00:00:00Z");
  assert.equal(resumed("@every 1ms", "2026-01-05T00:30:00Z"), null);
  assert.equal(resumedFiring("@every 1h", UTC, stored, NOW), null);
});
