import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { unpackBlock } from "./s2-block.ts";
import { packS2, unpackS2 } from "./s2-frame.ts";

const MAX = 64 * 1024;
// What the library that nats-server uses writes.
const DIGITS = "ff06000053327354774f010d0000e5b08ac7313233343536373839";
const PAIRS = "ff06000053327354774f0019000009b3e66aac05046162110215003e142d63642d616219005201";
const FOX =
  "ff06000053327354774f004400007fb8920f98b902007811011900339bb074686520717569636b2062726f776e20666f78206a756d" +
  "7073206f76657220746865206c617a7920646f672c209e2d0008636174";

function unpack(hex: string, max = MAX): string | undefined {
  const bytes = unpackS2(Buffer.from(hex, "hex"), max);
  return bytes === null ? undefined : Buffer.from(bytes).toString("latin1");
}

test("plain chunks are written as by the library that nats-server uses", () => {
  assert.equal(Buffer.from(packS2(Buffer.from("123456789"))).toString("hex"), DIGITS);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      assert.deepEqual(unpackS2(packS2(bytes), MAX), Buffer.from(bytes));
    }),
  );
});

test("what that library compresses is unpacked", () => {
  const fox = "the quick brown fox jumps over the lazy ";
  assert.equal(unpack(DIGITS), "123456789");
  assert.equal(unpack(PAIRS), `${"ab".repeat(40)}-cd-${"ab".repeat(300)}`);
  assert.equal(unpack(FOX), `${"x".repeat(40_000)}${fox}dog, ${fox}cat`);
});

test("all forms of a block", () => {
  const block = (hex: string): string | undefined => {
    const bytes = unpackBlock(Buffer.from(hex, "hex"), 300);
    return bytes === null ? undefined : Buffer.from(bytes).toString("latin1");
  };
  assert.equal(block("00"), "");
  assert.equal(block("0304616263"), undefined, "a literal that ends early");
  assert.equal(block("0308616263"), "abc");
  assert.equal(block("03f002616263"), "abc");
  assert.equal(block("03f40200616263"), "abc");
  assert.equal(block("03f8020000616263"), "abc");
  assert.equal(block("03fc02000000616263"), "abc");
  assert.equal(block("0708616263 0103".replace(" ", "")), "abcabca");
  assert.equal(block("06086162630a0300"), "abcabc");
  assert.equal(block("06086162630b03000000"), "abcabc");
  assert.equal(block("0b08616263010301 00".replace(" ", "")), "abcabcabcab");
  assert.equal(block("0f08616263010315 0000".replace(" ", "")), "abcabcabcabcabc");
  for (const bad of [
    "",
    "0a",
    "ffffffffff01",
    "0408616263",
    "0208616263",
    "0708616263 0104",
    "0708616263 0100",
    "06086162630a0000",
    "0608616263 0a03",
    "0a0861626301030a0000",
    "ad02",
  ])
    assert.equal(block(bad.replace(" ", "")), undefined, bad);
});

test("no more is unpacked than may be", () => {
  assert.equal(unpack(DIGITS, 9), "123456789");
  assert.equal(unpack(DIGITS, 8), undefined);
  assert.equal(unpack(FOX, 40_000), undefined);
  assert.equal(unpack(DIGITS + DIGITS.slice(20), 17), undefined);
  assert.equal(unpack(DIGITS + DIGITS.slice(20), 18), "123456789123456789");
});

test("altered bytes are noticed", () => {
  for (const hex of [DIGITS, PAIRS]) {
    const whole = Buffer.from(hex, "hex");
    const plain = unpack(hex);
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const altered = Buffer.from(whole);
        altered[at] ^= mask;
        // A chunk of another type may be one to pass over; another encoding may mean the same.
        assert.ok([undefined, "", plain].includes(unpack(altered.toString("hex"))));
      }),
    );
  }
});

test("any block is a value or null", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      unpackBlock(bytes, 1_000);
    }),
    { numRuns: 2_000 },
  );
});
