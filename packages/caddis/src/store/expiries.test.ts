import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { Expiries } from "./expiries.ts";

test("what expires comes soonest first, whatever is dropped meanwhile", () => {
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.record({ kind: fc.constant("add"), value: fc.nat({ max: 50 }) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("drop"), value: fc.nat() }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("pop"), value: fc.nat() }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200, size: "max" }), (steps) => {
      const live = new Map<number, number>();
      const expiries = new Expiries((seq) => live.has(seq));
      const empty = expiries.usedBytes;
      const drop = (seq: number): void => {
        live.delete(seq);
        expiries.drop();
      };
      let last = 0;
      for (const { kind, value } of steps) {
        const soonest = [...live].toSorted(([a, x], [b, y]) => x - y || a - b)[0];
        assert.equal(expiries.nextMs(), soonest?.[1] ?? Infinity);
        assert.equal(expiries.nextSeq(Infinity), soonest?.[0] ?? 0);
        if (kind === "add") {
          live.set(++last, value);
          expiries.add(value, last);
        } else if (kind === "drop" && live.size > 0) {
          drop([...live.keys()][value % live.size]);
        } else if (kind === "pop" && soonest !== undefined) {
          assert.equal(expiries.nextSeq(soonest[1] - 1), 0);
          drop(soonest[0]);
        }
      }
      const seen = new Map<number, number>();
      expiries.forEach((dueMs, seq) => seen.set(seq, dueMs));
      assert.deepEqual(seen, live);
      for (const seq of live.keys()) drop(seq);
      assert.equal(expiries.nextMs(), Infinity);
      assert.ok(expiries.usedBytes <= empty * 4, "memory is given back");
      expiries.clear();
      assert.equal(expiries.usedBytes, empty);
    }),
    { numRuns: 150 },
  );
});
