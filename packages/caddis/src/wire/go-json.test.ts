import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { decodeGoObject, type GoFields } from "./go-json.ts";

const FIELDS: GoFields = { flag: "bool", count: "int", name: "string", urls: "strings", extra: "object" };

function values(json: string): unknown {
  const decoded = decodeGoObject(json, FIELDS);
  assert.ok(!("problem" in decoded), `${json}: ${"problem" in decoded ? decoded.problem : ""}`);
  return { ...decoded.values };
}

test("known fields are taken in any case, others are ignored, null leaves a field as it is", () => {
  assert.deepEqual(values('{"flag":true,"COUNT":3,"Name":"n","urls":["a"],"extra":{}}'), {
    flag: true,
    count: 3,
    name: "n",
    urls: ["a"],
    extra: {},
  });
  assert.deepEqual(values('{"other":[{"count":"x"}],"flag":null}'), {});
  assert.deepEqual(values("null"), {});
  assert.deepEqual(values(" \t{ } \r\n"), {});
  assert.deepEqual(values('{"\\u0066lag":false}'), { flag: false });
});

test("the last occurrence wins, in whatever case", () => {
  assert.deepEqual(values('{"count":1,"count":2}'), { count: 2 });
  assert.deepEqual(values('{"count":1,"COUNT":2}'), { count: 2 });
  assert.deepEqual(values('{"count":1,"count":null}'), {});
});

test("what is no JSON object, or has a field of the wrong type, is refused", () => {
  const wrong = [
    "",
    " ",
    "{",
    "[]",
    "1",
    '"x"',
    "true",
    "{}x",
    "{} {}",
    "{'flag':true}",
    '{"flag":true,}',
    "{flag:true}",
  ];
  const wrongTypes = [
    '{"flag":1}',
    '{"flag":"true"}',
    '{"count":"1"}',
    '{"count":true}',
    '{"name":1}',
    '{"name":[]}',
    '{"urls":"a"}',
    '{"urls":[1]}',
    '{"extra":[]}',
    '{"extra":1}',
  ];
  const noIntegers = [
    '{"count":1.5}',
    '{"count":1.0}',
    '{"count":1e0}',
    '{"count":1E2}',
    '{"count":9223372036854775808}',
    '{"count":1e400}',
  ];
  for (const json of [...wrong, ...wrongTypes, ...noIntegers, '{"name":"a\nb"}', '{"name":"\\x41"}']) {
    assert.ok("problem" in decodeGoObject(json, FIELDS), json);
  }
  assert.deepEqual(values('{"count":-0}'), { count: -0 });
  assert.deepEqual(
    values('{"extra":{"count":1.5},"count":1}'),
    { count: 1, extra: { count: 1.5 } },
    "a fraction elsewhere",
  );
});

test("no text makes it throw, and no key reaches beyond the object", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json(),
        fc.string({ unit: fc.constantFrom("{", "}", "[", '"', ":", ",", "1", "\\") }),
      ),
      (text) => {
        decodeGoObject(text, FIELDS);
      },
    ),
    { numRuns: 500 },
  );
  const deep = `{"extra":{"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}}`;
  assert.doesNotThrow(() => decodeGoObject(deep, FIELDS));
  assert.deepEqual(values('{"__proto__":{"flag":true},"constructor":1,"hasOwnProperty":2}'), {});
  assert.equal(({} as Record<string, unknown>)["flag"], undefined);
});
