import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { subjectMatches } from "../../../../test/support/subject-match.ts";
import { intersection, isSubset, subjectsCollide } from "./overlap.ts";
import { isValidSubject } from "./subject.ts";

const token = fc.constantFrom("a", "b", "*", ">");
const pattern = fc
  .array(token, { minLength: 1, maxLength: 4 })
  .map((tokens) => tokens.join("."))
  .filter(isValidSubject);
const literal = fc
  .array(fc.constantFrom("a", "b", "c"), { minLength: 1, maxLength: 5 })
  .map((tokens) => tokens.join("."));

test("a subject matches the intersection exactly when it matches both patterns", () => {
  fc.assert(
    fc.property(pattern, pattern, literal, (a, b, subject) => {
      const both = intersection(a, b);
      const isMatched = both !== null && subjectMatches(subject, both);
      assert.equal(isMatched, subjectMatches(subject, a) && subjectMatches(subject, b));
    }),
    { numRuns: 2_000 },
  );
});

test("patterns that collide have a subject in common, and only those", () => {
  fc.assert(
    fc.property(pattern, pattern, (a, b) => {
      const both = intersection(a, b);
      assert.equal(subjectsCollide(a, b), both !== null);
      if (both === null) return;
      const common = both.replaceAll("*", "a").replace(">", "a");
      assert.ok(subjectMatches(common, a) && subjectMatches(common, b), `${common} of ${a} and ${b}`);
    }),
    { numRuns: 2_000 },
  );
});

test("a subset is covered by the pattern", () => {
  assert.ok(isSubset("foo.*", "foo.*"));
  assert.ok(isSubset("foo.*", "*.*"));
  assert.ok(isSubset("foo.*", "foo.>"));
  assert.ok(isSubset("foo.>", ">"));
  assert.ok(!isSubset("foo.*", "foo.bar"));
  assert.ok(!isSubset("foo.>", "foo.*"));
  assert.ok(!isSubset("foo.>", "foo.*.>"));
  assert.ok(!isSubset("foo", "foo.>"));
  assert.ok(!isSubset("foo.secret", "foo.*bar"), "a wildcard is a whole token");
  fc.assert(
    fc.property(pattern, pattern, literal, (narrow, wide, subject) => {
      if (isSubset(narrow, wide) && subjectMatches(subject, narrow)) assert.ok(subjectMatches(subject, wide));
    }),
    { numRuns: 2_000 },
  );
});
