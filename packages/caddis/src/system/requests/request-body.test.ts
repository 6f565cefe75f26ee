import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { isProblem } from "../../auth/claims/fields.ts";
import { RequestBody } from "./request-body.ts";

function parse(text: string): RequestBody {
  const body = RequestBody.parse(Buffer.from(text, "utf8"));
  assert.ok(!isProblem(body), text);
  return body;
}

test("nothing, null and an empty object ask for nothing in particular", () => {
  for (const text of ["", "null", "{}", '{"limit":null,"sort":null,"auth":null,"tags":null}']) {
    const body = parse(text);
    assert.deepEqual(
      [body.int("limit"), body.uint("cid"), body.text("sort"), body.flag("auth"), body.texts("tags")],
      [0, 0, "", false, []],
    );
    assert.equal(body.fault, null);
  }
});

test("names count in any case, and the last of two is taken", () => {
  const body = parse('{"LIMIT":1,"limit":2,"SoRt":"cid"}');
  assert.deepEqual([body.int("limit"), body.text("sort")], [2, "cid"]);
});

test("what is no JSON object is refused", () => {
  for (const text of ["{", "[]", "1", '"x"', "true", " ", '{"a":1} x', "\xff"]) {
    assert.ok(isProblem(RequestBody.parse(Buffer.from(text, "latin1"))), text);
  }
});

test("a body that is too long is refused unread", () => {
  const body = (length: number): Buffer => Buffer.from(`{"a":"${"x".repeat(length - 8)}"}`);
  assert.ok(!isProblem(RequestBody.parse(body(65_536))));
  assert.deepEqual(RequestBody.parse(body(65_537)), { problem: "the request is too long" });
});

test("a value of the wrong type is told, the first one only", () => {
  const readers: readonly [json: string, read: (body: RequestBody) => unknown, fault: string][] = [
    ['{"a":1}', (body) => body.text("a"), "a must be a string"],
    ['{"a":"true"}', (body) => body.flag("a"), "a must be a boolean"],
    ['{"a":1.5}', (body) => body.int("a"), "a must be an integer"],
    ['{"a":1e300}', (body) => body.int("a"), "a must be an integer"],
    ['{"a":-1}', (body) => body.uint("a"), "a must be an integer from 0 on"],
    ['{"a":"A"}', (body) => body.texts("a"), "a must be a list of strings"],
    ['{"a":["A",1]}', (body) => body.texts("a"), "a must be a list of strings"],
  ];
  for (const [json, read, fault] of readers) {
    const body = parse(json);
    read(body);
    assert.equal(body.fault, fault);
    body.text("a");
    body.flag("a");
    assert.equal(body.fault, fault);
  }
});

test("names that objects have anyway are names like others", () => {
  const body = parse('{"__proto__":{"limit":5}}');
  assert.deepEqual([body.int("limit"), body.text("constructor"), body.fault], [0, "", null]);
});

test("no payload makes it throw", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array(),
        fc.json().map((text) => Buffer.from(text)),
      ),
      (payload) => {
        const body = RequestBody.parse(payload);
        if (!isProblem(body)) body.texts("tags");
      },
    ),
  );
});
