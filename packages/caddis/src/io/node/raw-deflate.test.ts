import assert from "node:assert/strict";
import { test } from "node:test";
import { constants, deflateRawSync } from "node:zlib";
import * as fc from "fast-check";
import { deflateAtOnce, inflateAtOnce, type InflateEnd, RawDeflater, RawInflater } from "./raw-deflate.ts";

type Inflate = (
  message: Buffer,
  bytesMax: number,
  output: Buffer,
  onPiece: (length: number) => void,
) => InflateEnd;

const deflater = new RawDeflater();
const inflater = new RawInflater();

const WAYS: Readonly<
  Record<string, { readonly deflate: (data: Buffer) => Buffer; readonly inflate: Inflate }>
> = {
  "with one context": {
    deflate: (data) => deflater.deflate(data),
    inflate: (...given) => inflater.inflate(...given),
  },
  "with one each time": { deflate: deflateAtOnce, inflate: inflateAtOnce },
};

const MEGABYTE = 1024 * 1024;

for (const [name, { deflate, inflate }] of Object.entries(WAYS)) {
  const inflated = (
    message: Buffer,
    bytesMax = MEGABYTE,
    outputBytes = 4_096,
  ): readonly [InflateEnd, Buffer] => {
    const output = Buffer.alloc(outputBytes);
    const pieces: Buffer[] = [];
    const end = inflate(message, bytesMax, output, (length) =>
      pieces.push(Buffer.from(output.subarray(0, length))),
    );
    return [end, Buffer.concat(pieces)];
  };

  test(`${name}: what was compressed comes out as it was, one message after the other`, () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 20_000, size: "max" }),
      fc.nat(300_000).map((length) => new Uint8Array(length).fill(7)),
    );
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 4 }), (messages) => {
        for (const message of messages) {
          const compressed = deflate(Buffer.from(message));
          assert.deepEqual(inflated(compressed), ["whole", Buffer.from(message)]);
        }
      }),
      { numRuns: 40 },
    );
  });

  test(`${name}: parts that were compressed one by one are one message`, () => {
    const parts = [Buffer.from("one, "), Buffer.from("two")];
    const flushed = parts.map((part) => deflateRawSync(part, { finishFlush: constants.Z_SYNC_FLUSH }));
    const message = Buffer.concat(flushed).subarray(0, -4);
    assert.deepEqual(inflated(message), ["whole", Buffer.concat(parts)]);
  });

  test(`${name}: a message that says where it ends is all right`, () => {
    assert.deepEqual(inflated(deflateRawSync("abc")), ["whole", Buffer.from("abc")]);
  });

  test(`${name}: no more comes out than is allowed`, () => {
    for (const bytesMax of [10, 4_096, 5_000, 100_000]) {
      const exact = inflated(deflate(Buffer.alloc(bytesMax, 1)), bytesMax);
      assert.deepEqual([exact[0], exact[1].length], ["whole", bytesMax]);
      const [end, data] = inflated(deflate(Buffer.alloc(64 * MEGABYTE, 1)), bytesMax);
      assert.equal(end, "too big");
      assert.ok(data.length <= bytesMax);
    }
    assert.equal(inflated(deflate(Buffer.from("abc")))[0], "whole", "the next message is none the worse");
  });

  test(`${name}: what nobody compressed is found out, and the next message is none the worse`, () => {
    assert.equal(inflated(Buffer.from([0xff, 0xff, 0xff]))[0], "corrupt");
    assert.deepEqual(inflated(deflate(Buffer.from("abc"))), ["whole", Buffer.from("abc")]);
  });

  test(`${name}: no bytes make it throw`, () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300, size: "max" }), (bytes) => {
        const [end, data] = inflated(Buffer.from(bytes), 10_000);
        assert.ok(["whole", "too big", "corrupt"].includes(end) && data.length <= 10_000);
      }),
    );
  });
}
