import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { FieldError } from "./fields.ts";
import { parseJson } from "./json.ts";

function parse(json: string): unknown {
  return parseJson(Buffer.from(json, "utf8"));
}

test("JSON is what JSON.parse says", () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 5 }), (json) => {
      assert.deepEqual(parse(json), JSON.parse(json));
    }),
  );
});

test("a name that comes twice is refused, wherever it is and however it is spelled", () => {
  for (const json of [
    '{"a":1,"a":2}',
    '{"a":1,"b":{},"a":2}',
    '{"a":{"b":[1,{"c":1,"c":1}]}}',
    '[{},{"x":{},"x":[]}]',
    '{"a":1,"\\u0061":2}',
    '{"\\"":1,"\\u0022":2}',
    '{"a":[{"b":1}],"a":2}',
  ]) {
    assert.throws(() => parse(json), FieldError, json);
  }
  for (const json of [
    '{"a":{"a":{"a":1}}}',
    '[{"a":1},{"a":1}]',
    '{"a":"a","b":"a"}',
    '{"a":["a","a"],"b":"\\"a\\":1,\\"a\\":2"}',
    '{"a":"\\\\","b":1}',
    '{"a":{},"b":{"a":1}}',
  ]) {
    assert.deepEqual(parse(json), JSON.parse(json), json);
  }
});

test("a copied member makes any object bad", () => {
  const object = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }), { minKeys: 1 });
  fc.assert(
    fc.property(object, (value) => {
      const json = JSON.stringify(value);
      const first = JSON.stringify(Object.keys(value)[0]);
      assert.throws(() => parse(`${json.slice(0, -1)},${first}:0}`), FieldError);
    }),
  );
});

test("what is no JSON in UTF-8 is refused, and not shown", () => {
  for (const json of ["", "{", "x", '{"secret":}', "\ufeff{}", "{}{}", "nul"]) {
    assert.throws(
      () => parse(json),
      (error) => error instanceof FieldError && !/secret/.test(error.message),
    );
  }
  assert.throws(() => parseJson(Uint8Array.of(0x22, 0xff, 0x22)), FieldError);
  assert.throws(() => parse(`${"[".repeat(65)}${"]".repeat(65)}`), /too deep/);
  assert.doesNotThrow(() => parse(`${"[".repeat(64)}${"]".repeat(64)}`));
  assert.throws(() => parse(`${"[".repeat(500_000)}${"]".repeat(500_000)}`), FieldError);
});
