import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { goJson } from "../../broker/go-json.ts";
import { answerPieces } from "./answer-json.ts";

test("it is JSON in one line, with HTML's characters spelled out", () => {
  fc.assert(
    fc.property(fc.object({ withNullPrototype: false }), (value) => {
      const expected = goJson(JSON.parse(JSON.stringify(value)));
      assert.equal([...answerPieces(JSON.parse(JSON.stringify(value)) as object)].join(""), expected);
    }),
  );
});

test("lists that are made while they are written are lists", () => {
  const value = { a: [1, 2].values(), b: undefined, c: [].values(), d: [{ e: ["<x>"].values() }], f: {} };
  assert.equal(
    [...answerPieces(value)].join(""),
    '{"a":[1,2],"c":[],"d":[{"e":["\\u003cx\\u003e"]}],"f":{}}',
  );
});

test("a long answer comes in pieces, each made when it is asked for", () => {
  let made = 0;
  function* entries(): Generator<object> {
    for (; made < 10_000; made++) yield { text: "x".repeat(100) };
  }
  const pieces = answerPieces({ entries: entries() });
  assert.ok(String(pieces.next().value).length < 70_000);
  assert.ok(made < 1_000, "the first piece does not wait for the rest");
  assert.ok([...pieces].length > 10);
  assert.equal(made, 10_000);
});
