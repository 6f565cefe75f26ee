import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32 as nativeCrc32 } from "node:zlib";
import * as fc from "fast-check";
import { crc32, viewOf } from "./checksum.ts";

test("it is zlib's checksum, of whatever length and wherever it starts", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 500 }), fc.nat(20), fc.nat(0xffff_ffff), (bytes, start, seed) => {
      const buf = Buffer.from(bytes);
      const from = Math.min(start, buf.length);
      const expected = nativeCrc32(buf.subarray(from), seed);
      assert.equal(crc32(buf, viewOf(buf), from, buf.length, seed), expected);
    }),
  );
});
