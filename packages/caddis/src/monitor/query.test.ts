import assert from "node:assert/strict";
import { test } from "node:test";
import { Query } from "./query.ts";

test("texts are decoded, and the first value counts", () => {
  const query = new Query("a=1+2&a=3&b=%41%C3%A9&c&=x&d=a=b");
  assert.equal(query.text("a"), "1 2");
  assert.equal(query.text("b"), "Aé");
  assert.equal(query.text("c"), "");
  assert.equal(query.text("d"), "a=b");
  assert.equal(query.text("nothing"), "");
  assert.equal(query.problem, null);
});

test("pairs that are no pairs are as if they were not there", () => {
  const query = new Query("a=1;b=2&c=%zz&%zz=1&e=%ff&d=4&&");
  for (const name of ["a", "b", "c", "e"]) assert.equal(query.text(name), "");
  assert.equal(query.text("d"), "4");
});

test("booleans have the spellings of Go", () => {
  for (const text of ["1", "t", "T", "TRUE", "true", "True"])
    assert.equal(new Query(`x=${text}`).boolean("x"), true);
  for (const text of ["0", "f", "F", "FALSE", "false", "False", ""]) {
    assert.equal(new Query(`x=${text}`).boolean("x"), false);
  }
  const query = new Query("x=yes");
  assert.equal(query.boolean("x"), false);
  assert.equal(
    query.problem,
    `Error decoding boolean for 'x': strconv.ParseBool: parsing "yes": invalid syntax`,
  );
});

test("numbers are whole and fit into 64 bits", () => {
  const numbers: [string, number][] = [
    ["", 0],
    ["7", 7],
    ["%2B7", 7],
    ["-7", -7],
    ["007", 7],
    ["9223372036854775807", 2 ** 63],
    ["-9223372036854775808", -(2 ** 63)],
  ];
  for (const [text, value] of numbers) {
    const query = new Query(`x=${text}`);
    assert.equal(query.int("x"), value);
    assert.equal(query.problem, null);
  }
  const problems: [string, string][] = [
    ["1.5", "invalid syntax"],
    ["0x1", "invalid syntax"],
    ["1_0", "invalid syntax"],
    ["+7", "invalid syntax"],
    ["-", "invalid syntax"],
    ["9223372036854775808", "value out of range"],
  ];
  for (const [text, complaint] of problems) {
    const query = new Query(`x=${text}`);
    assert.equal(query.int("x"), 0);
    const parsed = JSON.stringify(text.replace("+", " "));
    assert.equal(query.problem, `Error decoding int for 'x': strconv.Atoi: parsing ${parsed}: ${complaint}`);
  }
  assert.equal(new Query("x=18446744073709551615").uint("x"), 2 ** 64);
  for (const [text, complaint] of [
    ["-1", "invalid syntax"],
    ["18446744073709551616", "value out of range"],
  ]) {
    const query = new Query(`x=${text}`);
    assert.equal(query.uint("x"), 0);
    assert.equal(
      query.problem,
      `Error decoding uint64 for 'x': strconv.ParseUint: parsing "${text}": ${complaint}`,
    );
  }
});

test("choices are taken in any case, and the first problem stays", () => {
  const words = new Map([
    ["open", 1],
    ["closed", 2],
  ]);
  assert.equal(new Query("state=CLOSED").choice("state", words, 1), 2);
  assert.equal(new Query("").choice("state", words, 1), 1);
  const query = new Query("state=Foo&limit=x");
  assert.equal(query.choice("state", words, 1), 1);
  query.int("limit");
  assert.equal(query.problem, "Error decoding state for Foo");
});
