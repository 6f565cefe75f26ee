import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { nextCronMs, parseCron } from "./cron.ts";
import { formatLocal, ScheduleZones, UTC } from "./schedule-zone.ts";

/** Pattern, zone, moment, and the next time that nats-server 2.15.1 says (null: none). */
const NEXT: readonly (readonly [string, string, string, string | null])[] = [
  ["0 0 * * * *", "", "2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z"],
  ["* * * * * *", "", "2026-01-01T00:00:00.999Z", "2026-01-01T00:00:01Z"],
  ["30 */15 8-10 * * mon-fri", "", "2026-01-02T10:50:00Z", "2026-01-05T08:00:30Z"],
  ["0 0 0 29 2 *", "", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z"],
  ["0 0 0 30 2 *", "", "2026-01-01T00:00:00Z", null],
  ["0 0 0 13 * 5", "", "2026-01-10T00:00:00Z", "2026-01-13T00:00:00Z"],
  ["0 0 0 */2 * 5", "", "2026-01-10T00:00:00Z", "2026-01-11T00:00:00Z"],
  ["0 0 0 ? JAN,jul 1", "", "2026-02-01T00:00:00Z", "2026-07-06T00:00:00Z"],
  ["5/10 59 23 31 12 *", "", "2026-12-31T23:59:46Z", "2026-12-31T23:59:55Z"],
  ["0 0 0 1 1 *", "", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"],
  ["*/100 * * * * *", "", "2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z"],
  ["*-7 0 0 * * *", "", "2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z"],
  ["0 30 2 * * *", "America/New_York", "2026-03-08T05:00:00Z", "2026-03-09T02:30:00-04:00"],
  ["0 30 1 * * *", "America/New_York", "2026-11-01T04:00:00Z", "2026-11-01T01:30:00-04:00"],
  ["0 30 1 * * *", "America/New_York", "2026-11-01T05:30:00Z", "2026-11-01T01:30:00-05:00"],
  ["0 0 0 * * *", "Europe/Berlin", "2026-03-28T23:30:00Z", "2026-03-30T00:00:00+02:00"],
  ["0 30 2 29 3 *", "Europe/Berlin", "2026-03-01T00:00:00Z", "2027-03-29T02:30:00+02:00"],
  ["0 15 2 * * *", "Australia/Lord_Howe", "2026-10-03T10:00:00Z", "2026-10-05T02:15:00+11:00"],
  ["0 0 0 * * *", "Africa/Cairo", "2026-04-23T12:00:00Z", "2026-04-25T00:00:00+03:00"],
  ["0 */20 * * * *", "Asia/Kolkata", "2026-05-05T05:05:05Z", "2026-05-05T10:40:00+05:30"],
  ["0 0 9 * * 1", "Pacific/Apia", "2026-05-05T05:05:05Z", "2026-05-11T09:00:00+13:00"],
];

test("the next time is that of the reference, also where clocks change", () => {
  const zones = new ScheduleZones();
  for (const [text, name, after, expected] of NEXT) {
    const pattern = parseCron(text);
    const zone = name === "" ? UTC : zones.find(name);
    assert.ok(pattern !== null && zone !== null, `${text} ${name}`);
    const ms = nextCronMs(pattern, zone, Date.parse(after));
    assert.equal(ms === null ? null : formatLocal({ ms, ns: 0 }, zone), expected, `${text} ${name} ${after}`);
  }
});

test("what is no pattern", () => {
  const wrong = [
    "",
    "* * * * *",
    "* * * * * * *",
    "60 * * * * *",
    "-1 * * * * *",
    "* * 24 * * *",
    "* * * 0 * *",
    "* * * 32 * *",
    "* * * * 13 *",
    "* * * * 0 *",
    "* * * * * 7",
    "* * * * * sunday",
    "5-1 * * * * *",
    "1-2-3 * * * * *",
    "1/2/3 * * * * *",
    "*/0 * * * * *",
    "*/a * * * * *",
    "5- * * * * *",
    "1.5 * * * * *",
    "0x1 * * * * *",
    "99999999999999999999 * * * * *",
  ];
  for (const text of wrong) assert.equal(parseCron(text), null, text);
});

test("a field that stands for nothing never comes true, and is not searched for", () => {
  for (const text of [
    ", * * * * *",
    "* , * * * *",
    "* * , * * *",
    "* * * , * ,",
    "* * * * , *",
    "* * * , * *",
  ]) {
    const pattern = parseCron(text);
    assert.ok(pattern !== null, text);
    assert.equal(nextCronMs(pattern, UTC, 0), null, text);
  }
});

test("in UTC the next time is the first second whose fields all match", () => {
  const field = (min: number, max: number) => {
    const value = fc.integer({ min, max });
    return fc.oneof(
      fc.constant("*"),
      value.map(String),
      fc.tuple(value, value).map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`),
      fc.integer({ min: 1, max: 20 }).map((step) => `*/${step}`),
    );
  };
  const patterns = fc.tuple(
    field(0, 59),
    field(0, 59),
    field(0, 3),
    fc.constant("*"),
    fc.constant("*"),
    field(0, 6),
  );
  const start = fc
    .integer({ min: 0, max: 86_400 * 3 })
    .map((second) => Date.UTC(2026, 1, 26) + second * 1_000);
  fc.assert(
    fc.property(patterns, start, (fields, afterMs) => {
      const pattern = parseCron(fields.join(" "));
      assert.ok(pattern !== null);
      const next = nextCronMs(pattern, UTC, afterMs);
      const limit = afterMs + 2 * 86_400_000;
      for (let ms = afterMs + 1_000; ms <= limit; ms += 1_000) {
        const at = new Date(ms);
        const matches =
          pattern.seconds.values.has(at.getUTCSeconds()) &&
          pattern.minutes.values.has(at.getUTCMinutes()) &&
          pattern.hours.values.has(at.getUTCHours()) &&
          pattern.daysOfWeek.values.has(at.getUTCDay());
        if (matches) return assert.equal(next, ms);
      }
      assert.ok(next === null || next > limit);
    }),
    { numRuns: 60 },
  );
});
