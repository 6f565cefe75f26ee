import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import {
  fromWireString,
  hasWildcard,
  isSubsetMatch,
  isValidConfiguredSubject,
  isValidLiteralSubject,
  isValidSubject,
  subjectIsLiteral,
  subjectMatches,
  subjectsOverlap,
  tokenCount,
  tokenEnd,
  tokenStart,
  toWireString,
} from "./subject.ts";

/** Few tokens, so that random subjects meet. */
const literalToken = fc.constantFrom("a", "b", "foo", "*x", ">x", "x*");
const literal = fc.array(literalToken, { minLength: 1, maxLength: 4 }).map((tokens) => tokens.join("."));
const pattern = fc
  .tuple(fc.array(fc.oneof(literalToken, fc.constant("*")), { maxLength: 4 }), fc.boolean())
  .map(([tokens, open]) => (open || tokens.length === 0 ? [...tokens, ">"] : tokens).join("."));
/** Anything at all, with the characters that matter more often than by chance. */
const anything = fc.string({ unit: fc.constantFrom("a", ".", "*", ">", " ", "\t", "\f", "\xe9") });

test("a subject one may subscribe to has no empty token, and > at its end only", () => {
  for (const valid of [
    "foo",
    "foo.bar",
    "*",
    ">",
    "*.*",
    "foo.*.>",
    "foo*",
    "*foo",
    ">foo",
    "foo>",
    "**",
    ">>",
  ]) {
    assert.ok(isValidSubject(valid), valid);
  }
  for (const valid of ["foo\fbar", "a\rb", "\0", "\xff", "\xa0", "caf\xc3\xa9"]) {
    assert.ok(isValidSubject(valid), JSON.stringify(valid));
  }
  for (const invalid of ["", ".", "..", "foo..bar", "foo.", ".foo", "foo.>.bar", ">.>", ">.foo"]) {
    assert.ok(!isValidSubject(invalid), invalid);
  }
});

test("a configured subject has no white space either", () => {
  assert.ok(isValidConfiguredSubject("foo.*.>"));
  assert.ok(isValidConfiguredSubject("foo\v\xa0"));
  for (const invalid of ["", "foo bar", "foo. ", "foo\t", "a\nb", "a\rb", "foo.\f", "foo..bar"]) {
    assert.ok(!isValidConfiguredSubject(invalid), JSON.stringify(invalid));
  }
});

test("a literal subject has no empty token and no wildcard", () => {
  for (const valid of ["foo", "foo.bar", "foo*", "*foo", "foo.>bar", "**", "foo\fbar"]) {
    assert.ok(isValidLiteralSubject(valid), valid);
  }
  for (const invalid of ["", "foo.", ".foo", "a..b", "*", ">", "foo.*", "*.foo", "foo.>", "foo.>.bar"]) {
    assert.ok(!isValidLiteralSubject(invalid), invalid);
  }
});

test("wildcards are whole tokens", () => {
  for (const subject of ["*", ">", "a.*", "*.a", "a.*.b", "a.>", "a.>.b", ".*", "*."]) {
    assert.ok(hasWildcard(subject), subject);
    assert.ok(!subjectIsLiteral(subject), subject);
  }
  for (const subject of ["", "a", "a*", "*a", "a.>b", "..", "**"]) {
    assert.ok(!hasWildcard(subject), subject);
    assert.ok(subjectIsLiteral(subject), subject);
  }
});

test("tokens are found by number and counted", () => {
  assert.deepEqual([tokenCount(""), tokenCount("a"), tokenCount("a.b"), tokenCount("..")], [1, 1, 2, 3]);
  fc.assert(
    fc.property(anything, (subject) => {
      const tokens = subject.split(".");
      assert.equal(tokenCount(subject), tokens.length);
      for (const [i, token] of tokens.entries()) {
        const start = tokenStart(subject, i);
        assert.equal(subject.slice(start, tokenEnd(subject, start)), token);
      }
      assert.equal(tokenStart(subject, tokens.length), -1);
    }),
  );
});

test("valid subjects are those that the grammar describes", () => {
  fc.assert(
    fc.property(anything, (subject) => {
      const grammar = /^(?:(?!>\.)[^.]+\.)*[^.]+$/;
      assert.equal(isValidSubject(subject), grammar.test(subject));
      assert.equal(isValidLiteralSubject(subject), isValidSubject(subject) && !hasWildcard(subject));
      assert.equal(
        isValidConfiguredSubject(subject),
        isValidSubject(subject) && !/[ \t\n\r\f]/.test(subject),
      );
    }),
  );
});

test("a pattern matches token by token", () => {
  for (const [subject, wanted] of [
    ["foo", "foo"],
    ["foo", "*"],
    ["foo", ">"],
    ["foo.bar", "foo.*"],
    ["foo.bar", "*.bar"],
    ["foo.bar", "foo.>"],
    ["foo.bar.baz", "foo.>"],
    ["foo.bar.baz", "*.*.>"],
    // Published with a wildcard: it stands for itself.
    ["foo.*", "foo.*"],
    ["foo.>", "foo.*"],
    ["*", ">"],
  ]) {
    assert.ok(subjectMatches(subject, wanted), `${subject} is matched by ${wanted}`);
  }
  for (const [subject, wanted] of [
    ["foo", "bar"],
    ["foo", "foo.>"],
    ["foo", "foo.*"],
    ["foo.bar", "*"],
    ["foo.bar", "foo"],
    ["foo.bar.baz", "foo.*"],
    ["foo.*", "foo.bar"],
    ["foo..bar", ">"],
    ["foo.", "foo.*"],
    ["foobar", "foo*"],
  ]) {
    assert.ok(!subjectMatches(subject, wanted), `${subject} is not matched by ${wanted}`);
  }
});

test("a subset is matched wherever its members are", () => {
  assert.ok(isSubsetMatch("foo.*", "foo.*"));
  assert.ok(isSubsetMatch("foo.*", "*.*"));
  assert.ok(isSubsetMatch("foo.*", "foo.>"));
  assert.ok(isSubsetMatch("foo.>", ">"));
  assert.ok(!isSubsetMatch("foo.*", "foo.bar"));
  assert.ok(!isSubsetMatch("foo.>", "foo.*"));
  assert.ok(!isSubsetMatch("foo.>", "foo.*.>"));
  assert.ok(!isSubsetMatch("foo", "foo.>"));
  fc.assert(
    fc.property(literal, pattern, pattern, (subject, narrow, wide) => {
      assert.equal(isSubsetMatch(subject, wide), subjectMatches(subject, wide));
      if (isSubsetMatch(narrow, wide) && subjectMatches(subject, narrow)) {
        assert.ok(subjectMatches(subject, wide));
      }
    }),
    { numRuns: 2_000 },
  );
});

test("subjects overlap when some subject is matched by both", () => {
  assert.ok(subjectsOverlap("foo.*", "*.bar"));
  assert.ok(subjectsOverlap("foo.>", "foo.*.baz"));
  assert.ok(subjectsOverlap("foo", "foo"));
  assert.ok(subjectsOverlap(">", "foo.bar"));
  assert.ok(!subjectsOverlap("foo", "foo.>"));
  assert.ok(!subjectsOverlap("foo.*", "bar.*"));
  assert.ok(!subjectsOverlap("*", "foo.bar"));
  fc.assert(
    fc.property(pattern, pattern, (a, b) => {
      // A member of both, if there is one: each token from the side that names one.
      const [left, right] = [a.split("."), b.split(".")];
      const length = Math.max(left.length, right.length);
      const tokenOf = (tokens: string[], i: number): string =>
        tokens[i] ?? (tokens.at(-1) === ">" ? ">" : "missing");
      const member = Array.from({ length }, (_, i) => {
        const named = [tokenOf(left, i), tokenOf(right, i)].filter((token) => token !== "*" && token !== ">");
        return named[0] ?? "any";
      }).join(".");
      assert.equal(subjectsOverlap(a, b), subjectMatches(member, a) && subjectMatches(member, b));
      assert.equal(subjectsOverlap(a, b), subjectsOverlap(b, a));
    }),
    { numRuns: 2_000 },
  );
});

test("text becomes one character per byte of its UTF-8, and comes back", () => {
  assert.equal(toWireString("h\u00e9.\u20ac"), "h\xc3\xa9.\xe2\x82\xac");
  assert.equal(fromWireString("h\xc3\xa9"), "h\u00e9");
  assert.equal(fromWireString("\xff"), "\ufffd");
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      assert.equal(fromWireString(toWireString(text)), text);
      assert.equal(toWireString(text).length, Buffer.byteLength(text));
    }),
  );
});
