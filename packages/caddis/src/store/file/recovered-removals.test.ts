import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { RecoveredRemovals } from "./recovered-removals.ts";

const SEQ = fc.integer({ min: 1, max: 40 });

test("what is left of a range is what is left of each of its sequences", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(SEQ, SEQ)), SEQ, SEQ, SEQ, (ranges, frontSeq, from, to) => {
      const removals = new RecoveredRemovals();
      for (const [a, b] of ranges) removals.add(Math.min(a, b), Math.min(a, b) + (Math.max(a, b) % 5));
      removals.noteFront(Math.floor(frontSeq / 4));
      removals.sort();
      const left = Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i).filter(
        (seq) => !removals.has(seq),
      );
      const [first, last] = [left.at(0), left.at(-1)];
      const expected = left.length === 0 ? null : { first, last, count: left.length };
      assert.deepEqual(removals.restOf(from, to), expected);
    }),
  );
});

test("a range costs what was removed of it, however long it is", () => {
  const removals = new RecoveredRemovals();
  removals.add(5, 9);
  removals.sort();
  assert.deepEqual(removals.restOf(5, 2 ** 50), { first: 10, last: 2 ** 50, count: 2 ** 50 - 9 });
});
