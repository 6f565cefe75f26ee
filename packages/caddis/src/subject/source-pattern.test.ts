import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { SourcePattern } from "./source-pattern.ts";
import { hasWildcard } from "./subject.ts";

const token = fc.constantFrom("a", "ab", "foo", "x*", ">x");
const subject = fc
  .tuple(fc.array(fc.oneof(token, fc.constant("*")), { maxLength: 4 }), fc.boolean())
  .map(([tokens, open]) => (open || tokens.length === 0 ? [...tokens, ">"] : tokens).join("."));

/** Whether every subject that `subject` matches is matched by `pattern` too, token by token. */
function isSubset(subject: string, pattern: string): boolean {
  const tokens = subject.split(".");
  const wanted = pattern.split(".");
  for (const [i, want] of wanted.entries()) {
    if (i === tokens.length) return false;
    if (want === ">") return true;
    if (tokens[i] === ">") return false;
    if (want !== "*" && want !== tokens[i]) return false;
  }
  return tokens.length === wanted.length;
}

test("a pattern covers what is a subset of it", () => {
  fc.assert(
    fc.property(subject, subject, (published, source) => {
      assert.equal(new SourcePattern(source).covers(published), isSubset(published, source));
      assert.equal(new SourcePattern(source).isLiteral, !hasWildcard(source));
    }),
    { numRuns: 3_000 },
  );
});

test("a token that begins with * takes any, but for wildcards, and makes the source no literal", () => {
  const pattern = new SourcePattern("a.*x");
  assert.ok(pattern.covers("a.*x"));
  assert.ok(pattern.covers("a.b"));
  assert.ok(!pattern.covers("a.*"));
  assert.ok(!pattern.covers("a.>"));
  assert.ok(!pattern.covers("b.b"));
  assert.ok(!pattern.isLiteral);
});

test("> takes what follows unseen, other tokens have to be there", () => {
  assert.ok(new SourcePattern("a.>").covers("a..b"));
  assert.ok(new SourcePattern("a.>").covers("a."));
  assert.ok(!new SourcePattern("a.>").covers("a"));
  assert.ok(!new SourcePattern("a.*").covers("a."));
  assert.ok(!new SourcePattern("a.*.c").covers("a..c"));
});
