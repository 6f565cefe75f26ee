import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { readBytes, readText, writeBytes } from "./bytes.ts";

test("escapes stand for bytes", () => {
  assert.equal(readText(String.raw`a\r\n\t\0\s\\\xff`), "a\r\n\t\0 \\\xff");
  assert.equal(readText("ü"), "\xc3\xbc");
  assert.equal(readText(String.raw`\{ab\n*3}`), "ab\nab\nab\n");
});

test("a cut makes two chunks, a backslash at the end leaves the CRLF out", () => {
  assert.deepEqual(readBytes(String.raw`PUB\| foo`), { chunks: ["PUB", " foo"], unterminated: false });
  assert.deepEqual(readBytes("PUB\\"), { chunks: ["PUB"], unterminated: true });
});

test("an unknown escape is an error", () => {
  assert.throws(() => readBytes(String.raw`\q`), /unknown escape/);
});

test("text that can be read stays as it is", () => {
  assert.equal(writeBytes("MSG gr\xc3\xbc\xc3\x9fe 1"), "MSG grüße 1");
  assert.equal(writeBytes("\xff\0 "), String.raw`\xff\0\s`);
  assert.equal(writeBytes("x".repeat(50)), String.raw`\{x*50}`);
  assert.equal(writeBytes(`\xff${"f".repeat(50)}`), String.raw`\xff\{f*50}`);
});

test("what is written is read back", () => {
  const bytes = fc.uint8Array({ maxLength: 80 }).map((array) => Buffer.from(array).toString("latin1"));
  const runs = fc.tuple(bytes, fc.integer({ min: 0, max: 255 }), fc.integer({ min: 1, max: 100 }), bytes);
  fc.assert(
    fc.property(runs, ([before, byte, count, after]) => {
      const text = before + String.fromCharCode(byte).repeat(count) + after;
      assert.equal(readText(writeBytes(text)), text);
    }),
  );
});
