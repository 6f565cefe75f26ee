import assert from "node:assert/strict";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import * as fc from "fast-check";
import { same } from "./same.ts";

const datum = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(0, 1, "", "a", true, null, undefined),
    fc.array(tie("any"), { maxLength: 2 }),
    fc.dictionary(fc.constantFrom("a", "b", "__proto__"), tie("any"), { maxKeys: 2, noNullPrototype: true }),
    fc
      .array(fc.tuple(fc.constantFrom("a", "b"), tie("any")), { maxLength: 2 })
      .map((pairs) => new Map(pairs)),
  ),
})).any;

test("data is the same as Node finds it", () => {
  fc.assert(
    fc.property(datum, datum, (one, other) => {
      assert.equal(same(one, other), isDeepStrictEqual(one, other));
      assert.equal(same(one, structuredClone(one)), true);
    }),
    { numRuns: 500 },
  );
});

test("a list is no map, and a member that is missing is not one that is undefined", () => {
  assert.equal(same([], {}), false);
  assert.equal(same(new Map(), {}), false);
  assert.equal(same({ a: undefined }, { b: undefined }), false);
  assert.equal(same({ a: { b: [1, new Map([["c", 2]])] } }, { a: { b: [1, new Map([["c", 3]])] } }), false);
});
