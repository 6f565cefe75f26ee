import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { FieldReader, FieldWriter } from "./byte-fields.ts";
import { LiveBits, LiveList, type LiveSet, readLiveSet, writeLiveSet } from "./live-set.ts";

/** Compares `set` with the plain list of what it holds. */
function compare(set: LiveSet, model: readonly number[], end: number): void {
  assert.equal(set.count, model.length);
  for (let rel = 0; rel <= end; rel++) {
    assert.equal(set.has(rel), model.includes(rel), `has ${rel}`);
    assert.equal(set.next(rel), model.find((each) => each >= rel) ?? -1, `next ${rel}`);
    assert.equal(set.previous(rel), model.findLast((each) => each <= rel) ?? -1, `previous ${rel}`);
    assert.equal(set.countFrom(rel), model.filter((each) => each >= rel).length, `count from ${rel}`);
  }
}

function copyOf(set: LiveSet): LiveSet {
  const fields = new FieldWriter();
  writeLiveSet(set, fields);
  const copy = readLiveSet(new FieldReader(fields.content));
  assert.ok(copy !== null);
  return copy;
}

test("both forms of a set hold what a list of numbers would", () => {
  const numbers = fc.uniqueArray(fc.nat(150), { maxLength: 60 });
  fc.assert(
    fc.property(numbers, fc.array(fc.nat(150)), fc.boolean(), (added, removed, clears) => {
      const sorted = added.toSorted((a, b) => a - b);
      const bits = new LiveBits();
      for (const rel of sorted) bits.add(rel);
      for (const set of [bits, new LiveList(Uint32Array.from(sorted))]) {
        let model = sorted;
        compare(set, model, 155);
        for (const rel of removed) {
          assert.equal(set.remove(rel), model.includes(rel));
          model = model.filter((each) => each !== rel);
        }
        compare(set, model, 155);
        compare(copyOf(set), model, 155);
        if (clears) {
          set.clear();
          compare(set, [], 155);
        }
      }
      if (!clears) return;
      bits.add(200);
      assert.ok(bits.has(200) && bits.count === 1 && bits.next(0) === 200);
    }),
  );
});

test("what is no set is not read as one", () => {
  const fields = new FieldWriter();
  writeLiveSet(new LiveList(Uint32Array.from([1, 5, 9])), fields);
  for (let length = 0; length < fields.content.length; length++) {
    const set = readLiveSet(new FieldReader(fields.content.subarray(0, length)));
    assert.ok(set === null || set.count === 0);
  }
});
