import assert from "node:assert/strict";
import test from "node:test";
import * as fc from "fast-check";
import { DuplicateWindow } from "./dedupe.ts";

test("an id is known for as long as the window, and no longer", () => {
  const window = new DuplicateWindow(100);
  window.add("a", 1, 1000);
  assert.equal(window.seqOf("a", 1099), 1);
  assert.equal(window.nextMs, 1100);
  assert.equal(window.seqOf("a", 1100), 0);
  assert.equal(window.nextMs, Infinity);
});

test("an id that came again lives from then on", () => {
  const window = new DuplicateWindow(100);
  window.add("a", 1, 1000);
  window.add("a", 2, 1050);
  assert.equal(window.seqOf("a", 1120), 2);
  assert.equal(window.seqOf("a", 1150), 0);
});

test("without a window nothing is kept", () => {
  const window = new DuplicateWindow(0);
  window.add("a", 1, 1000);
  assert.equal(window.size, 0);
});

test("the same as a list that is searched", () => {
  const step = fc.record({ id: fc.constantFrom("a", "b", "c", "d"), after: fc.nat({ max: 60 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const window = new DuplicateWindow(100);
      const came: { id: string; seq: number; atMs: number }[] = [];
      let nowMs = 0;
      for (const [i, { id, after }] of steps.entries()) {
        nowMs += after;
        const known = came.findLast((one) => one.id === id && nowMs - one.atMs < 100);
        assert.equal(window.seqOf(id, nowMs), known?.seq ?? 0);
        window.add(id, i + 1, nowMs);
        came.push({ id, seq: i + 1, atMs: nowMs });
      }
    }),
  );
});

test("what is forgotten takes up no memory", () => {
  const window = new DuplicateWindow(10);
  for (let i = 0; i < 20_000; i++) window.add(`id${i}`, i, i);
  assert.ok(window.size <= 11);
  window.forgetOld(1e9);
  assert.equal(window.size, 0);
});
