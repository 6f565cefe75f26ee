import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { filtered, finish, inTurns, mapped, sorted, type Steps } from "./steps.ts";

function* counting(steps: number): Steps<string> {
  for (let i = 0; i < steps; i++) yield;
  return `after ${steps}`;
}

/** Steps that are taken, the last one included. */
function stepsOf(steps: Steps<unknown>): number {
  let count = 1;
  while (steps.next().done !== true) count++;
  return count;
}

test("all at once", () => {
  assert.equal(finish(counting(0)), "after 0");
  assert.equal(finish(counting(5)), "after 5");
});

test("one step in each turn, and no promise for a single one", async () => {
  const turns: (() => void)[] = [];
  const nextTurn = (run: () => void): void => void turns.push(run);
  assert.equal(inTurns(counting(0), nextTurn), "after 0");
  const result = inTurns(counting(3), nextTurn);
  assert.ok(result instanceof Promise);
  let taken = 0;
  for (let turn = turns.shift(); turn !== undefined; turn = turns.shift()) {
    taken++;
    turn();
    assert.ok(turns.length <= 1);
  }
  assert.equal(taken, 3);
  assert.equal(await result, "after 3");
});

test("a fault in a later step rejects", async () => {
  function* failing(): Steps<never> {
    yield;
    throw new Error("no");
  }
  await assert.rejects(async () => inTurns(failing(), setImmediate), /^Error: no$/);
});

test("sorting is that of arrays, and stable", () => {
  const entry = fc.record({ key: fc.integer({ min: 0, max: 9 }), id: fc.nat() });
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 5000, size: "max" }), (entries) => {
      const byKey = (a: { key: number }, b: { key: number }): number => a.key - b.key;
      assert.deepEqual(finish(sorted(entries, byKey)), entries.toSorted(byKey));
    }),
    { numRuns: 30 },
  );
});

test("what is asked of many entries comes in as many steps", () => {
  const many = Array.from({ length: 10_240 }, (_, i) => i);
  const isEven = (i: number): boolean => i % 2 === 0;
  assert.deepEqual(finish(filtered(many, isEven)), many.filter(isEven));
  assert.deepEqual(finish(mapped(many, String)), many.map(String));
  assert.equal(stepsOf(filtered(many, isEven)), 11);
  assert.equal(stepsOf(filtered(many.slice(0, 100), isEven, () => 1024)), 101);
  assert.equal(stepsOf(mapped(many, String)), 11);
  // A step for each run, and for each thousand entries of each round of merging.
  assert.ok(stepsOf(sorted(many, (a, b) => b - a)) > 40);
  assert.equal(stepsOf(sorted(many.slice(0, 1024), (a, b) => b - a)), 1);
});
