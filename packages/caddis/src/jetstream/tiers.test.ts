import assert from "node:assert/strict";
import { test } from "node:test";
import { type JetStreamTiers, NO_TIER_LIMITS } from "../config/read-jetstream-account.ts";
import { promisedMore, reservedBy } from "./tiers.ts";

function tiers(limits: Readonly<Record<string, readonly [memory: number, store: number]>>): JetStreamTiers {
  return new Map(
    Object.entries(limits).map(([name, [maxMemory, maxStore]]) => [
      name,
      { ...NO_TIER_LIMITS, maxMemory, maxStore },
    ]),
  );
}

test("what is limited is promised, all tiers together", () => {
  const some = tiers({ R1: [5, -1], R3: [7, 9] });
  assert.deepEqual([reservedBy(some, "memory"), reservedBy(some, "file")], [12, 9]);
  assert.equal(reservedBy(new Map(), "file"), 0);
});

test("more is promised where a limit grows, begins, or a tier comes", () => {
  const before = tiers({ R1: [5, -1], R2: [9, 9] });
  const more = promisedMore(before, tiers({ R1: [8, 10], R3: [1, 1] }));
  assert.deepEqual([reservedBy(more, "memory"), reservedBy(more, "file")], [3 + 1, 10 + 1]);
  const less = promisedMore(before, tiers({ R1: [4, -1] }));
  assert.deepEqual([reservedBy(less, "memory"), reservedBy(less, "file")], [0, 0]);
});
