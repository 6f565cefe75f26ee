import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { Bytes, copyBytes, copyWords, SLACK_BYTES } from "./bytes.ts";

/** Bytes whose content tells each place apart from its neighbours and from those of the other salt. */
function patterned(capacity: number, salt: number): Bytes {
  const bytes = new Bytes(capacity);
  for (let i = 0; i < bytes.buf.length; i++) bytes.buf[i] = (i * 7 + salt) & 0xff;
  return bytes;
}

/** A word copy may write this much too far. */
const OVERSHOOT_BYTES = 7;

const length = fc.oneof(fc.integer({ min: 0, max: 140 }), fc.constantFrom(0, 1, 7, 8, 9, 95, 96, 97, 5_000));
const offset = fc.integer({ min: 0, max: 40 });

for (const [name, copy, lengths] of [
  ["copyBytes", copyBytes, length],
  [
    "copyWords",
    (source: Bytes, start: number, end: number, target: Bytes, targetStart: number) =>
      copyWords(source.view, start, target.view, targetStart, end - start),
    fc.integer({ min: 0, max: 96 }),
  ],
] as const) {
  test(`${name} copies its range and writes nothing but at most seven bytes behind it`, () => {
    fc.assert(
      fc.property(lengths, offset, offset, fc.boolean(), (count, from, to, tight) => {
        // Tight: both ranges end where the usable bytes end, so that only the slack lies behind them.
        const spare = tight ? 0 : 50;
        const source = patterned(from + count + spare, 1);
        const target = patterned(to + count + spare, 101);
        const sourceBefore = Buffer.from(source.buf);
        const targetBefore = Buffer.from(target.buf);
        copy(source, from, from + count, target, to);
        assert.deepEqual(source.buf, sourceBefore, "the source is only read");
        assert.deepEqual(target.buf.subarray(0, to), targetBefore.subarray(0, to), "before the range");
        assert.deepEqual(
          target.buf.subarray(to, to + count),
          sourceBefore.subarray(from, from + count),
          "the range",
        );
        const behind = to + count + OVERSHOOT_BYTES;
        assert.deepEqual(target.buf.subarray(behind), targetBefore.subarray(behind), "behind the overshoot");
      }),
    );
  });
}

test("the slack has room for the parser's line feed and for an overshooting word", () => {
  const bytes = new Bytes(0);
  assert.equal(bytes.capacity, 0);
  assert.equal(bytes.buf.length, SLACK_BYTES);
  assert.equal(bytes.view.byteLength, SLACK_BYTES);
  assert.ok(SLACK_BYTES > OVERSHOOT_BYTES);
});

test("both views look at the same memory", () => {
  const bytes = new Bytes(16);
  bytes.view.setUint32(0, 0x4d534720);
  assert.equal(bytes.buf.latin1Slice(0, 4), "MSG ");
});

test("freed bytes give their memory back at once", () => {
  const bytes = new Bytes(4_096);
  bytes.free();
  assert.equal(bytes.buf.length, 0);
  assert.equal(bytes.buf.buffer.byteLength, 0);
});
