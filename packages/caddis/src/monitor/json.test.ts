import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { jsonLine, jsonPieces } from "./json.ts";

function whole(value: unknown): string {
  return [...jsonPieces(value)].join("");
}

test("it reads as JSON.stringify writes it, whatever the value", () => {
  const plain = fc.jsonValue({ noUnicodeString: false });
  fc.assert(
    fc.property(plain, (value) => {
      const text = whole(value);
      assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(value)));
      assert.equal(text.replaceAll(/\\u00(3c|3e|26)|\\u202[89]/g, unescaped), JSON.stringify(value, null, 2));
    }),
  );
});

function unescaped(escape: string): string {
  return String.fromCharCode(Number.parseInt(escape.slice(2), 16));
}

test("what HTML reads is escaped, in keys too", () => {
  assert.equal(whole({ "<b>": "a&b\u2028" }), '{\n  "\\u003cb\\u003e": "a\\u0026b\\u2028"\n}');
  assert.equal(jsonLine({ error: "<" }), '{"error":"\\u003c"}');
});

test("members that are undefined are left out", () => {
  assert.equal(whole({ a: undefined, b: 1, c: undefined, d: {} }), '{\n  "b": 1,\n  "d": {}\n}');
  assert.equal(whole({ a: undefined }), "{}");
});

test("any iterable is an array, and is asked only as far as pieces are taken", () => {
  assert.equal(whole({ list: new Set([1, "a"]) }), '{\n  "list": [\n    1,\n    "a"\n  ]\n}');
  assert.equal(whole({ list: new Set() }), '{\n  "list": []\n}');
  let made = 0;
  function* endless(): Generator<string> {
    for (;;) {
      made++;
      yield "x".repeat(1000);
    }
  }
  const pieces = jsonPieces({ list: endless() });
  const first = pieces.next().value as string;
  assert.ok(first.length > 1000 && first.length < 40_000, `${first.length}`);
  const madeBefore = made;
  assert.ok(madeBefore < 40, `${madeBefore}`);
  pieces.next();
  assert.ok(made > madeBefore && made < 80, `${made}`);
});

test("what JSON cannot hold is our own fault", () => {
  for (const value of [Number.NaN, Infinity, Symbol("a"), undefined]) {
    assert.throws(() => whole([value]), /broken expectation/);
  }
});
