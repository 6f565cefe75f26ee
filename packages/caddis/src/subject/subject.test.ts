import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import {
  fromWireString,
  hasWildcard,
  isValidConfiguredSubject,
  isValidLiteralSubject,
  isValidSubject,
  tokenCount,
  tokenEnd,
  tokenStart,
  toWireString,
} from "./subject.ts";

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
  }
  for (const subject of ["", "a", "a*", "*a", "a.>b", "..", "**"]) {
    assert.ok(!hasWildcard(subject), subject);
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
