import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { formatDuration, parseDuration } from "./duration.ts";

test("durations are read as Go reads them", () => {
  const cases: [string, number][] = [
    ["0", 0],
    ["5s", 5000],
    ["+5s", 5000],
    ["-1.5s", -1500],
    [".5s", 500],
    ["5.s", 5000],
    ["1h2m3.5s", 3_723_500],
    ["2m", 120_000],
    ["500ms", 500],
    ["1us", 0.001],
    ["1µs", 0.001],
    ["1μs", 0.001],
    ["1500ns", 0.0015],
  ];
  for (const [text, ms] of cases) assert.deepEqual(parseDuration(text), { ms }, text);
});

test("what is wrong with a duration is said in Go's words", () => {
  const cases: [string, string][] = [
    ["", 'time: invalid duration ""'],
    ["abc", 'time: invalid duration "abc"'],
    ["-", 'time: invalid duration "-"'],
    [".s", 'time: invalid duration ".s"'],
    ["5", 'time: missing unit in duration "5"'],
    ["5d", 'time: unknown unit "d" in duration "5d"'],
    ["5 s", 'time: unknown unit " s" in duration "5 s"'],
    ["5constructor", 'time: unknown unit "constructor" in duration "5constructor"'],
    ["9999999h", 'time: invalid duration "9999999h"'],
  ];
  for (const [text, problem] of cases) assert.deepEqual(parseDuration(text), { problem }, text);
});

test("durations are written as Go writes them", () => {
  const cases: [number, string][] = [
    [0, "0s"],
    [0.000001, "1ns"],
    [0.0015, "1.5µs"],
    [500, "500ms"],
    [1500, "1.5s"],
    [-40_000, "-40s"],
    [120_000, "2m0s"],
    [3_723_500, "1h2m3.5s"],
    [3_600_000, "1h0m0s"],
  ];
  for (const [ms, text] of cases) assert.equal(formatDuration(ms), text);
});

test("what is written is read back", () => {
  fc.assert(
    fc.property(fc.integer({ min: -1e12, max: 1e12 }), (us) => {
      const ms = us / 1000;
      const back = parseDuration(formatDuration(ms));
      assert.ok("ms" in back && Math.abs(back.ms - ms) < 1e-6);
    }),
  );
});
