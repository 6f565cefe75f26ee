import assert from "node:assert/strict";
import { test } from "node:test";
import {
  decodeRequest,
  isEmptyRequest,
  isObjectOrArray,
  listOf,
  objectOf,
  STRINGS,
  TEXTS,
  wordsOf,
} from "./json-fields.ts";

const INNER = objectOf("server.Inner", { name: "string", from: "time" });
const REQUEST = objectOf("Request", {
  name: "wire",
  big: "int64",
  seq: "uint64",
  small: "int32",
  span: "duration",
  on: "bool",
  inner: INNER,
  inners: listOf(INNER, "[]*server.Inner"),
  words: STRINGS,
  texts: TEXTS,
  kind: wordsOf({ a: "a", b: "b" }),
  mode: wordsOf({ old: "old" }, () => "no such mode", true),
});

function decode(text: string, isStrict = true): unknown {
  const decoded = decodeRequest(Buffer.from(text), REQUEST, isStrict);
  return "problem" in decoded ? decoded.problem : decoded.fields;
}

test("fields are decoded by their types", () => {
  assert.deepEqual(decode('{"name":"é","big":-5,"seq":7,"small":1,"span":100,"on":true}'), {
    name: "\xc3\xa9",
    big: -5,
    seq: 7,
    small: 1,
    span: 100,
    on: true,
  });
  assert.deepEqual(
    decode('{"inner":{"name":"x","from":"2020-01-02T03:04:05.000000006Z"},"words":["a",null]}'),
    {
      inner: { name: "x", from: { ms: Date.UTC(2020, 0, 2, 3, 4, 5), ns: 6 } },
      words: ["a", ""],
    },
  );
  assert.deepEqual(
    decode('{"inners":[{"name":"x"},null],"texts":{"k":"v","n":null},"kind":"b","mode":"OLD"}'),
    {
      inners: [{ name: "x" }, {}],
      texts: new Map([
        ["k", "v"],
        ["n", ""],
      ]),
      kind: "b",
      mode: "old",
    },
  );
});

test("nothing is an empty request, and several values are taken one over the other", () => {
  assert.deepEqual(decode(""), {});
  assert.deepEqual(decode(" \n"), {});
  assert.deepEqual(decode("null"), {});
  assert.deepEqual(decode('{"big":1,"inner":{"name":"x"}} {"inner":{"from":null},"seq":2}'), {
    big: 1,
    inner: { name: "x" },
    seq: 2,
  });
});

test("names match in any case; the last counts; null says nothing", () => {
  assert.deepEqual(decode('{"NAME":"x","Big":1,"big":2}'), { name: "x", big: 2 });
  assert.deepEqual(decode('{"big":1,"big":null}'), { big: 1 });
  assert.deepEqual(decode('{"inner":{"name":"x"},"inner":null}'), {});
  assert.deepEqual(decode('{"__proto__":1}'), 'json: unknown field "__proto__"');
  assert.deepEqual(decode('{"__proto__":1,"constructor":2}', false), {});
});

test("integers beyond what is exact are brought to it", () => {
  assert.deepEqual(
    decode('{"seq":18446744073709551615,"big":-9223372036854775808,"span":9223372036854775807}'),
    {
      seq: Number.MAX_SAFE_INTEGER,
      big: -Number.MAX_SAFE_INTEGER,
      span: 2 ** 63 - 1024,
    },
  );
  assert.deepEqual(decode('{"span":31536000000000000,"big":-0}'), { span: 31_536e12, big: 0 });
});

/** As the reference says them. */
const PROBLEMS: readonly (readonly [text: string, problem: string])[] = [
  ["{", "unexpected EOF"],
  ["x", "invalid character 'x' looking for beginning of value at offset 1"],
  ["é", "invalid character 'é' looking for beginning of value at offset 2"],
  ['{"name":"a\nb"}', String.raw`invalid character '\n' in string at offset 11`],
  [String.raw`{"name":"\x"}`, "invalid escape sequence `\\x` in string at offset 11"],
  ['{"name":tru}', "invalid character '}' in literal true (expecting 'e') at offset 12"],
  ['{"name":01}', "invalid character '1' after object key:value pair at offset 10"],
  ["[]", "json: cannot unmarshal array into Go value of type server.Request"],
  ['{"foo":1,"name":5}', 'json: unknown field "foo"'],
  ['{"name":5,"foo":1}', "json: cannot unmarshal number into Go struct field Request.name of type string"],
  ['{"inner":5}', "json: cannot unmarshal number into Go struct field Request.inner of type server.Inner"],
  [
    '{"inner":{"name":5}}',
    "json: cannot unmarshal number into Go struct field Request.inner.name of type string",
  ],
  ['{"inners":[5]}', "json: cannot unmarshal number into Request.inners.0 of type server.Inner"],
  [
    '{"inners":{}}',
    "json: cannot unmarshal object into Go struct field Request.inners of type []*server.Inner",
  ],
  [
    '{"small":2147483648}',
    "json: cannot unmarshal number 2147483648 into Go struct field Request.small of type int32",
  ],
  ['{"seq":-1}', "json: cannot unmarshal number -1 into Go struct field Request.seq of type uint64"],
  ['{"big":1.0}', "json: cannot unmarshal number 1.0 into Go struct field Request.big of type int64"],
  ['{"span":"1s"}', "json: cannot unmarshal string into Go struct field Request.span of type time.Duration"],
  ['{"texts":{"k":1}}', "json: cannot unmarshal number into Go struct field Request.texts.k of type string"],
  ['{"kind":"c"}', String.raw`can not unmarshal "\"c\""`],
  ['{"kind":null}', 'can not unmarshal "null"'],
  ['{"mode":"x"}', "no such mode"],
  ['{"inner":{"from":"x"}}', 'parsing time "x" as "2006-01-02T15:04:05Z07:00": cannot parse "x" as "2006"'],
];

test("what does not fit is told in the reference's words", () => {
  for (const [text, problem] of PROBLEMS) assert.equal(decode(text), problem, text);
});

test("without strictness unknown fields are nobody's business, and syntax has no offset", () => {
  assert.deepEqual(decode('{"foo":{"bar":[1]},"big":1}', false), { big: 1 });
  assert.equal(decode("{", false), "unexpected end of JSON input");
  assert.equal(decode("x", false), "invalid character 'x' looking for beginning of value");
});

test("an empty request has no bytes, or is an object without members", () => {
  const isEmpty = (text: string): boolean => isEmptyRequest(Buffer.from(text));
  for (const text of ["", "{}", " { } "]) assert.ok(isEmpty(text), text);
  for (const text of [" ", "[]", "null", "{}{}", '{"a":1}', "x", "{"]) assert.ok(!isEmpty(text), text);
  assert.ok(isObjectOrArray(Buffer.from(" \n{")));
  assert.ok(isObjectOrArray(Buffer.from("[")));
  assert.ok(!isObjectOrArray(Buffer.from(" x{")));
});
