import assert from "node:assert/strict";
import { test } from "node:test";
import { FieldError, Fields } from "./fields.ts";

test("null and absent fields have the empty value of their type", () => {
  for (const fields of [new Fields({}), new Fields({ s: null, b: null, i: null, l: null, o: null })]) {
    assert.equal(fields.string("s"), "");
    assert.equal(fields.bool("b"), false);
    assert.equal(fields.int("i"), 0);
    assert.equal(fields.int("i", -1), -1);
    assert.deepEqual(fields.strings("l"), []);
    assert.equal(fields.stringsOrNull("l"), null);
    assert.equal(fields.objectOrNull("o"), null);
    assert.equal(fields.object("o").string("x"), "");
    assert.deepEqual(fields.map("o", String), new Map());
  }
});

test("a wrong type ends the reading, and names the field but not the value", () => {
  const reads: readonly (readonly [unknown, (fields: Fields) => unknown])[] = [
    [5, (fields) => fields.string("x")],
    ["secret", (fields) => fields.int("x")],
    [1.5, (fields) => fields.int("x")],
    [2 ** 70, (fields) => fields.int("x")],
    ["true", (fields) => fields.bool("x")],
    [0, (fields) => fields.bool("x")],
    ["secret", (fields) => fields.strings("x")],
    [["secret", null], (fields) => fields.strings("x")],
    [[], (fields) => fields.object("x")],
    ["secret", (fields) => fields.object("x")],
    [{}, (fields) => fields.list("x", String)],
    [[], (fields) => fields.map("x", String)],
  ];
  for (const [x, read] of reads) {
    assert.throws(
      () => read(new Fields({ x }, "outer")),
      (error) =>
        error instanceof FieldError && /outer\.x/.test(error.message) && !/secret/.test(error.message),
    );
  }
  for (const value of [null, [], "x", 1, undefined]) assert.throws(() => new Fields(value), FieldError);
});

test("another casing of a field is refused rather than passed over", () => {
  for (const name of ["EXP", "Exp", "eXp"]) {
    assert.throws(() => new Fields({ [name]: 1 }).int("exp"), FieldError);
    assert.throws(() => new Fields({ exp: 1, [name]: 2 }), FieldError);
  }
  assert.throws(
    () => new Fields({ ſub: "x" }).string("sub"),
    FieldError,
    "a long s, as the reference folds it",
  );
  assert.throws(() => new Fields({ "to\u212aen": "x" }).string("token"), FieldError, "the Kelvin sign");
  assert.equal(new Fields({ other: 1 }).int("exp"), 0);
});

test("members of the prototype are no fields", () => {
  const fields = new Fields(JSON.parse('{"__proto__":{"x":"y"},"constructor":5}'));
  assert.equal(fields.string("x"), "");
  assert.equal(fields.int("constructor"), 5);
  assert.equal(new Fields({}).raw("toString"), null);
  const map = fields.map("__proto__", String);
  assert.deepEqual([...map], [["x", "y"]]);
});
