import assert from "node:assert/strict";
import { test } from "node:test";
import { hasWildcards, isContainedIn, renamingProblems, withoutReferences } from "./subject-text.ts";

test("a subject lies in another that matches all it matches", () => {
  const inside = [
    ["a", "a"],
    ["a.b", "a.*"],
    ["a.b", "*.*"],
    ["a.*", "a.*"],
    ["a.*", "a.>"],
    ["a.b.c", "a.>"],
    ["a.>", "a.>"],
    ["a.>", ">"],
    ["*.b", ">"],
  ];
  const outside = [
    ["a", "b"],
    ["a", "a.b"],
    ["a.b", "a"],
    ["a", "a.>"],
    ["a.*", "a.b"],
    ["a.b.c", "a.*"],
    ["a.>", "a.b"],
    [">", "a.>"],
    // The reference takes these for contained: an activation for `a.*` would open all of `a.>`.
    ["a.>", "a.*"],
    [">", "*"],
    ["a.>.b", "a.*.b"],
  ];
  for (const [inner, outer] of inside) assert.ok(isContainedIn(inner, outer), `${inner} in ${outer}`);
  for (const [inner, outer] of outside) assert.ok(!isContainedIn(inner, outer), `${inner} in ${outer}`);
});

test("local subjects use each wildcard once", () => {
  assert.deepEqual(renamingProblems("b.$1.$2", "a.*.*"), []);
  assert.deepEqual(renamingProblems("b.*", "a.*"), []);
  assert.deepEqual(renamingProblems("b.>", "a.>"), []);
  assert.equal(renamingProblems("b.$3.$1", "a.*.*").length, 2);
  assert.equal(renamingProblems("b", "a.*").length, 1);
  assert.equal(renamingProblems("b.$x", "a").length, 0, "no reference");
  assert.equal(withoutReferences("b.$1.$x.$22"), "b.*.$x.*");
});

test("a wildcard is a whole token", () => {
  for (const subject of ["*", ">", "a.*", "*.a", "a.*.b", "a.>"]) assert.ok(hasWildcards(subject), subject);
  for (const subject of ["", "a", "a*", ">a", "a>", "a.*b"]) assert.ok(!hasWildcards(subject), subject);
});
