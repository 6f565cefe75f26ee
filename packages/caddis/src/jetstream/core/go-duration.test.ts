import assert from "node:assert/strict";
import { test } from "node:test";
import { goDuration } from "./go-duration.ts";

test("durations are shown as the reference's runtime shows them", () => {
  const cases: readonly [number, string][] = [
    [0, "0s"],
    [1, "1ns"],
    [1_500, "1.5µs"],
    [500_000_000, "500ms"],
    [1_000_000_000, "1s"],
    [90_005_000_000, "1m30.005s"],
    [60_000_000_000, "1m0s"],
    [7_200_000_000_000, "2h0m0s"],
    [3_723_000_000_001, "1h2m3.000000001s"],
    [-1_500_000_000, "-1.5s"],
  ];
  for (const [ns, text] of cases) assert.equal(goDuration(ns), text);
});
