import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { constructedTag, decodeDer, encodeDer, TAG } from "./der.ts";
import { readGeneralizedTime, readTime } from "./der-time.ts";

const read = (hex: string): Uint8Array | null =>
  decodeDer(Buffer.from(hex, "hex"), (reader) => reader.read(TAG.octetString));

test("what was encoded is read again", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 70_000, size: "max" }), (bytes) => {
      const encoded = encodeDer(TAG.octetString, bytes.subarray(0, 65_535));
      const decoded = decodeDer(encoded, (reader) => reader.read(TAG.octetString));
      assert.deepEqual(decoded, Buffer.from(bytes.subarray(0, 65_535)));
    }),
    { numRuns: 30 },
  );
});

test("any bytes are a value or null", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      decodeDer(bytes, (reader) => {
        while (!reader.isAtEnd) reader.enter(reader.tag).enterIf(constructedTag(0))?.oid();
      });
    }),
  );
});

test("there is one way to write a length", () => {
  assert.deepEqual(read("0401aa"), Buffer.from("aa", "hex"));
  for (const hex of [
    "048101aa",
    "04820001aa",
    "0480aa0000",
    "0484000000010a",
    "0402aa",
    "04",
    "0482ff",
    "0401aabb",
  ])
    assert.equal(read(hex), null, hex);
  assert.equal(read(`04820080${"00".repeat(128)}`), null);
  assert.equal(read(`048180${"00".repeat(128)}`)?.length, 128);
});

test("another element than the expected one is refused", () => {
  assert.equal(read("0501aa"), null);
  assert.equal(read(""), null);
});

test("object identifiers", () => {
  const oid = (hex: string): string | null =>
    decodeDer(encodeDer(TAG.oid, Buffer.from(hex, "hex")), (reader) => reader.oid());
  assert.equal(oid("2b06010505073001"), "1.3.6.1.5.5.7.48.1");
  assert.equal(oid("550403"), "2.5.4.3");
  assert.equal(oid("8837"), "2.999");
  for (const hex of ["", "2b80", "2b8001", "2bffffffff7f"]) assert.equal(oid(hex), null, hex);
});

test("times", () => {
  const general = (text: string): number | null =>
    decodeDer(encodeDer(TAG.generalizedTime, Buffer.from(text)), readGeneralizedTime);
  assert.equal(general("20261120082400Z"), Date.UTC(2026, 10, 20, 8, 24));
  for (const text of [
    "20261120082400",
    "202611200824Z",
    "20260230000000Z",
    "20261301000000Z",
    "20261120246000Z",
  ])
    assert.equal(general(text), null, text);
  for (const text of ["20261120082400.5Z", "20261120082400+0000", "20261120240000Z"])
    assert.equal(general(text), null, text);
  const utc = (text: string): number | null => decodeDer(encodeDer(TAG.utcTime, Buffer.from(text)), readTime);
  assert.equal(utc("490101000000Z"), Date.UTC(2049, 0, 1));
  assert.equal(utc("500101000000Z"), Date.UTC(1950, 0, 1));
});

test("bit strings hold whole bytes", () => {
  const bits = (hex: string): Uint8Array | null =>
    decodeDer(encodeDer(TAG.bitString, Buffer.from(hex, "hex")), (reader) => reader.bits());
  assert.deepEqual(bits("00aa"), Buffer.from("aa", "hex"));
  assert.equal(bits("01aa"), null);
  assert.equal(bits(""), null);
});
