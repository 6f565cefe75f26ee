import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { literalSubject, subscribableSubject } from "../../../../test/support/naive-permissions.ts";
import { subjectMatches } from "../../../../test/support/subject-match.ts";
import { queueMatches, subjectsOverlap } from "./authorizer-overlap.ts";

test("subjects overlap where one literal is matched by both", () => {
  const pairs: [string, string, boolean][] = [
    ["a", "a", true],
    ["a", "b", false],
    ["a.*", "*.b", true],
    ["a.*", "b.*", false],
    ["a.>", "a", false],
    ["a.>", "*.*.c", true],
    ["a.>", "b.>", false],
    [">", "a.b.c", true],
    ["*", "a.b", false],
    ["*.*", "a.>", true],
    ["a*", "ab", false],
    ["a.*.>", "a.b", false],
  ];
  for (const [a, b, expected] of pairs) {
    assert.equal(subjectsOverlap(a, b), expected, `${a} ${b}`);
    assert.equal(subjectsOverlap(b, a), expected, `${b} ${a}`);
  }
});

test("subjects that share a literal overlap", () => {
  fc.assert(
    fc.property(subscribableSubject, subscribableSubject, literalSubject, (a, b, literal) => {
      if (subjectMatches(literal, a) && subjectMatches(literal, b)) assert.ok(subjectsOverlap(a, b));
    }),
    { numRuns: 5_000 },
  );
});

test("a queue is matched by its name or by wildcards", () => {
  const pairs: [string, string, boolean][] = [
    ["v1", "v1", true],
    ["v1", "v2", false],
    ["v1.a", "v1", false],
    ["v1.a", "v1.*", true],
    ["v1.a.b", "v1.*", false],
    ["v1.a.b", "v1.>", true],
    ["v1", "v1.>", false],
    ["v1", "*", true],
    ["v1", ">", true],
    [">", "*", false],
    ["*", "*", true],
    ["*", "v1", false],
    ["v1.*", "v1.>", true],
    ["v1.*", "v1.*", true],
    ["v1.>", "v1.*", false],
    ["v1", "v*", false],
    ["v*", "v*", true],
    ["a..b", "a.*.b", false],
    ["a..b", "a.>", true],
    ["", "*", false],
    // As in the reference: next to a real wildcard.
    ["a.b", "*.*x", true],
    ["a.*", "*.*x", false],
    ["b", "*x", false],
  ];
  for (const [queue, pattern, expected] of pairs) {
    assert.equal(queueMatches(queue, pattern), expected, `${queue} by ${pattern}`);
  }
});
