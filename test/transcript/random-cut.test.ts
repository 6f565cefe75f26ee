import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { randomCut } from "./random-cut.ts";

test("the pieces are the bytes, and the same seed makes the same pieces", () => {
  fc.assert(
    fc.property(fc.integer(), fc.array(fc.string({ maxLength: 30 })), (seed, writes) => {
      const pieces = writes.map(randomCut(seed));
      assert.deepEqual(
        pieces.map((one) => one.join("")),
        writes,
      );
      assert.deepEqual(writes.map(randomCut(seed)), pieces);
    }),
  );
});

test("a long write is cut", () => {
  assert.ok(randomCut(1)("x".repeat(1000)).length > 1);
});
