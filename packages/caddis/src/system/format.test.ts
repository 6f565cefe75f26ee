import assert from "node:assert/strict";
import { test } from "node:test";
import { formatRoundTrip, formatTime, formatUptime, toNanoseconds } from "./format.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

test("times have no zeros at the end of their fraction", () => {
  const start = Date.UTC(2026, 10, 20, 5, 50, 0);
  assert.equal(formatTime(start), "2026-11-20T05:50:00Z");
  assert.equal(formatTime(start + 120), "2026-11-20T05:50:00.12Z");
  assert.equal(formatTime(start + 7), "2026-11-20T05:50:00.007Z");
  assert.equal(formatTime(start + 10 * SECOND), "2026-11-20T05:50:10Z");
});

test("uptimes begin with the largest unit that is there", () => {
  const cases: [number, string][] = [
    [0, "0s"],
    [999, "0s"],
    [-5 * SECOND, "0s"],
    [59 * SECOND + 999, "59s"],
    [MINUTE, "1m0s"],
    [HOUR + 2 * SECOND, "1h0m2s"],
    [DAY, "1d0h0m0s"],
    [365 * DAY, "1y0d0h0m0s"],
    [2 * 365 * DAY + 3 * DAY + 4 * HOUR + 5 * MINUTE + 6 * SECOND, "2y3d4h5m6s"],
  ];
  for (const [ms, text] of cases) assert.equal(formatUptime(ms), text);
});

test("round trips below a millisecond are whole microseconds", () => {
  const cases: [number, string][] = [
    [0, "0s"],
    [Number.MIN_VALUE, "0s"],
    [0.0005, "500ns"],
    [0.7351, "735µs"],
    [0.0019, "1µs"],
    [1, "1ms"],
    [1.234567, "1.234567ms"],
    [1500, "1.5s"],
  ];
  for (const [ms, text] of cases) assert.equal(formatRoundTrip(ms), text);
});

test("durations are whole nanoseconds", () => {
  assert.equal(toNanoseconds(1500), 1_500_000_000);
  assert.equal(toNanoseconds(0.1), 100_000);
  assert.equal(String(toNanoseconds(120_000)), "120000000000");
});
