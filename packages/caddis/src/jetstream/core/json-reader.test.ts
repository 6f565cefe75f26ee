import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { JSON_DEPTH_MAX, JsonReader, type JsonValue } from "./json-reader.ts";

function read(text: string | Uint8Array): unknown {
  const reader = new JsonReader(typeof text === "string" ? Buffer.from(text) : text);
  const value = reader.next();
  return value !== null && "kind" in value ? plain(value) : value;
}

/** The value as `JSON.parse` would have it. */
function plain(value: JsonValue): unknown {
  switch (value.kind) {
    case "null":
      return null;
    case "bool":
      return value.source === "true";
    case "number":
      return Number(value.source);
    case "string":
      return value.text;
    case "array":
      return value.items.map(plain);
    case "object":
      return Object.fromEntries(value.members.map((member) => [member.name, plain(member.value)]));
  }
}

test("any JSON is read as JSON.parse reads it", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), fc.constantFrom(undefined, 1, "\t"), (value, space) => {
      const text = JSON.stringify(value, null, space);
      assert.deepEqual(read(text), JSON.parse(text));
    }),
  );
});

test("a text is refused exactly when JSON.parse refuses it, wherever it is damaged", () => {
  const damaged = fc
    .tuple(
      fc.jsonValue(),
      fc.nat(),
      fc.nat(3),
      fc.constantFrom("", "{", "]", '"', "\\", ",", "0", "-", "\u0001", "tru"),
    )
    .map(([value, at, cut, put]) => {
      const text = JSON.stringify(value);
      const start = at % (text.length + 1);
      return text.slice(0, start) + put + text.slice(start + cut);
    });
  fc.assert(
    fc.property(damaged, (text) => {
      const reader = new JsonReader(Buffer.from(text));
      const first = reader.next();
      const isRead = first !== null && "kind" in first && reader.next() === null;
      assert.equal(isRead, isJson(text), text);
    }),
  );
});

function isJson(text: string): boolean {
  try {
    JSON.parse(Buffer.from(text).toString());
    return true;
  } catch {
    return false;
  }
}

test("a number has no needless zeros in front", () => {
  assert.deepEqual(read("[01]"), { reason: "invalid character '1' after array element", offset: 3 });
  assert.deepEqual(read("[-0,0.5,10]"), [-0, 0.5, 10]);
});

test("values that follow each other are read one by one", () => {
  const reader = new JsonReader(Buffer.from(' {"a":1} 2\n"x"'));
  const values = [reader.next(), reader.next(), reader.next()];
  assert.deepEqual(
    values.map((value) => value !== null && "kind" in value && plain(value)),
    [{ a: 1 }, 2, "x"],
  );
  assert.equal(reader.next(), null);
});

test("bytes that are no UTF-8 and halves of pairs become U+FFFD", () => {
  assert.equal(read(Buffer.from([0x22, 0xff, 0x41, 0x22])), "\ufffdA");
  assert.equal(read(String.raw`"\ud800x"`), "\ufffdx");
  assert.equal(read(String.raw`"\ud83d\ude00"`), "😀");
});

test("numbers keep how they are written, and members of one name are kept both", () => {
  const value = new JsonReader(Buffer.from('{"a":1.50,"a":18446744073709551615}')).next();
  assert.ok(value !== null && "kind" in value);
  assert.deepEqual(
    value.members.map(({ name, value: { source } }) => [name, source]),
    [
      ["a", "1.50"],
      ["a", "18446744073709551615"],
    ],
  );
});

test("nesting has a bound", () => {
  const nested = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);
  assert.ok(Array.isArray(read(nested(JSON_DEPTH_MAX))));
  assert.deepEqual(read(nested(JSON_DEPTH_MAX + 1)), {
    reason: "exceeded max depth",
    offset: JSON_DEPTH_MAX + 1,
  });
});
