import assert from "node:assert/strict";
import { test } from "node:test";
import { median, pairedRatio, spreadOf } from "./statistics.ts";

test("the median is the middle value, or the mean of the middle two", () => {
  assert.equal(median([9, 1, 5]), 5);
  assert.equal(median([4, 1, 2, 100]), 3);
  assert.throws(() => median([]), RangeError);
});

test("a spread keeps the ends", () => {
  assert.deepEqual(spreadOf([10, 2, 7]), { median: 7, min: 2, max: 10 });
});

test("ratios are taken pair by pair, not of medians", () => {
  // Medians are 20 and 10; the pairs say 1, 4 and 2.
  assert.deepEqual(pairedRatio([10, 40, 20], [10, 10, 10]), { median: 2, min: 1, max: 4 });
  assert.deepEqual(pairedRatio([1, 20, 300], [1, 10, 100]), { median: 2, min: 1, max: 3 });
});

test("pairs with a zero or without a partner say nothing", () => {
  assert.deepEqual(pairedRatio([0, 6, 5], [3, 2]), { median: 3, min: 3, max: 3 });
  assert.equal(pairedRatio([1], []), undefined);
  assert.equal(pairedRatio([1], [0]), undefined);
});
