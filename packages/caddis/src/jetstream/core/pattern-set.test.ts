import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { isSubset, subjectsCollide } from "../../subject/overlap.ts";
import { PatternSet } from "./pattern-set.ts";

const pattern = fc
  .tuple(fc.array(fc.constantFrom("a", "b", "*"), { maxLength: 4 }), fc.constantFrom("a", "b", "*", ">"))
  .map(([tokens, last]) => [...tokens, last].join("."));

test("a set of patterns answers as comparing with each of them does", () => {
  fc.assert(
    fc.property(fc.uniqueArray(pattern, { maxLength: 8 }), pattern, (members, asked) => {
      const set = new PatternSet();
      for (const member of members) assert.equal(set.add(member), true);
      for (const member of members) assert.equal(set.add(member), false);
      const covered = members.some((member) => member !== asked && isSubset(asked, member));
      assert.equal(set.coversByAnother(asked), covered, "covered");
      assert.equal(
        set.collidesWith(asked),
        members.some((member) => subjectsCollide(asked, member)),
        "collides",
      );
    }),
    { numRuns: 2_000 },
  );
});

test("many patterns and long ones are no burden", () => {
  const set = new PatternSet();
  const many = Array.from({ length: 50_000 }, (_, i) => `*.${i}.a`);
  for (const member of many) set.add(member);
  assert.ok(many.every((member) => !set.coversByAnother(member)));
  const long = "a.".repeat(200_000) + ">";
  set.add(long);
  assert.equal(set.coversByAnother(long), false);
  assert.equal(set.collidesWith(`${long.slice(0, -1)}b`), true);
});
