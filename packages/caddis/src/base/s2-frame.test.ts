import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { BlockPacker, PACKED_BLOCK_MAX, unpackBlock } from "./s2-block.ts";
import { packS2, S2Reader, S2Writer, unpackS2 } from "./s2-frame.ts";

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

/** Texts with much that is repeated, near and far. */
const repetitive = fc
  .array(fc.tuple(fc.nat(6), fc.nat(300)), { maxLength: 40 })
  .map((pieces) => Buffer.from(pieces.map(([word, times]) => WORDS[word].repeat(times)).join("")));
const WORDS = [
  "a",
  "ab",
  "abcd",
  "0123456789",
  '{"key":',
  "\u0000\u0000\u0001",
  "lorem ipsum dolor sit amet ",
];

test("what is packed is unpacked as it was", () => {
  const packer = new BlockPacker();
  fc.assert(
    fc.property(fc.oneof(repetitive, fc.uint8Array({ maxLength: 2_000 })), (bytes) => {
      const block = Buffer.from(bytes).subarray(0, PACKED_BLOCK_MAX);
      const packed = packer.pack(block);
      if (packed === null) return;
      assert.ok(packed.length < block.length);
      assert.deepEqual(unpackBlock(packed, PACKED_BLOCK_MAX), block);
    }),
    { numRuns: 500 },
  );
  // What repeats itself becomes much smaller, at all distances.
  const text = Buffer.from("the quick brown fox ".repeat(3_000)).subarray(0, PACKED_BLOCK_MAX);
  assert.ok((packer.pack(text)?.length ?? Infinity) < text.length / 15);
  const far = Buffer.concat([Buffer.from("far away "), Buffer.alloc(65_000, "x"), Buffer.from("far away ")]);
  assert.deepEqual(unpackBlock(packer.pack(far) ?? Buffer.alloc(0), PACKED_BLOCK_MAX), far);
  assert.equal(packer.pack(Buffer.from("nothing twice")), null);
});

test("a stream that is written in pieces is read in pieces", () => {
  fc.assert(
    fc.property(
      fc.array(repetitive, { maxLength: 6 }),
      fc.integer({ min: 1, max: 5_000 }),
      (contents, size) => {
        const written: Buffer[] = [];
        const writer = new S2Writer((bytes) => written.push(bytes));
        for (const bytes of contents) writer.write(bytes);
        writer.end();
        const stream = Buffer.concat(written);
        const reader = new S2Reader();
        const read: Buffer[] = [];
        for (let at = 0; at < stream.length; at += size) {
          reader.append(stream.subarray(at, at + size));
          for (let piece = reader.next(); piece !== null; piece = reader.next()) {
            assert.notEqual(piece, "damaged");
            if (piece !== "damaged") read.push(piece);
          }
        }
        assert.ok(reader.isBetweenChunks);
        assert.ok(Buffer.concat(read).equals(Buffer.concat(contents)));
      },
    ),
  );
});

test("a chunk that says it is too long is not waited for", () => {
  const reader = new S2Reader();
  reader.append(Buffer.from("ff06000053327354774f01ffffff", "hex"));
  assert.equal(reader.next(), "damaged");
});
