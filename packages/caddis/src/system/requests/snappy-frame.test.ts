import assert from "node:assert/strict";
import { test } from "node:test";
import { snappyFrame } from "./snappy-frame.ts";

test("a stream is a header and plain chunks with a masked CRC-32C", () => {
  // The check value of CRC-32C is e3069283 for "123456789"; turned by 15 bits, plus a282ead8.
  const crc = 0xe3069283;
  const masked = (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32LE(masked);
  const expected = Buffer.concat([
    Buffer.from("\xff\x06\x00\x00sNaPpY\x01\x0d\x00\x00", "latin1"),
    checksum,
    Buffer.from("123456789"),
  ]);
  assert.deepEqual(snappyFrame(Buffer.from("123456789")), expected);
});

test("no chunk holds more than 65536 bytes", () => {
  const stream = Buffer.from(snappyFrame(Buffer.alloc(150_000, 7)));
  const sizes: number[] = [];
  for (let at = 10; at < stream.length;) {
    assert.equal(stream[at], 1);
    const size = stream.readUIntLE(at + 1, 3);
    sizes.push(size - 4);
    at += 4 + size;
  }
  assert.deepEqual(sizes, [65_536, 65_536, 18_928]);
  assert.equal(snappyFrame(Buffer.alloc(0)).length, 10);
});
