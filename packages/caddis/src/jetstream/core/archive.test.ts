import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { NumberReader, writeNumber, writeTime } from "./archive-number.ts";
import {
  ARCHIVE_MAGIC,
  type ArchiveEntry,
  ArchiveReader,
  ArchiveWriter,
  isLastEntry,
  LAST_ENTRY,
} from "./archive.ts";

const MS_MAX = 9_000_000_000_000;
const times = fc.record({ ms: fc.nat(MS_MAX), ns: fc.nat(999_999) }, { noNullPrototype: true });

test("numbers and times are written as the reference's runtime writes them", () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), times, (value, { ms, ns }) => {
      const buf = Buffer.alloc(32);
      const end = writeNumber(buf, 0, value);
      assert.equal(buf.toString("hex", 0, end), varint(BigInt(value)));
      const timeEnd = writeTime(buf, 0, ms, ns);
      assert.equal(buf.toString("hex", 0, timeEnd), varint((BigInt(ms) * 1_000_000n + BigInt(ns)) * 2n));
      const reader = new NumberReader(buf.subarray(0, timeEnd));
      assert.deepEqual(reader.time(), { ms, ns });
      assert.ok(reader.isGood && reader.isWhole);
    }),
  );
});

test("numbers beyond what can be are no good", () => {
  const read = (hex: string, what: "number" | "time"): boolean[] => {
    const reader = new NumberReader(Buffer.from(hex, "hex"));
    reader[what]();
    return [reader.isGood, reader.isWhole];
  };
  assert.deepEqual(read(varint(2n ** 53n), "number"), [false, true]);
  assert.deepEqual(read("ff".repeat(10) + "01", "number"), [false, true]);
  assert.deepEqual(read("ffff", "number"), [true, false]);
  // Before 1970.
  assert.deepEqual(read(varint(3n), "time"), [false, true]);
  assert.deepEqual(read("ff".repeat(10) + "01", "time"), [false, true]);
  assert.deepEqual(read("80", "time"), [true, false]);
});

/** Seven bits to a byte, in hexadecimal digits. */
function varint(value: bigint): string {
  const bytes: number[] = [];
  for (let left = value; ; left >>= 7n) {
    if (left < 0x80n) return Buffer.from([...bytes, Number(left)]).toString("hex");
    bytes.push(Number(left & 0x7fn) | 0x80);
  }
}

test("an archive is read as it was written, however it is cut", () => {
  const entries = fc.array(
    fc.record(
      {
        name: fc.string({ unit: "binary-ascii", minLength: 1, maxLength: 20 }),
        time: times,
        seq: fc.maxSafeNat(),
        headerBytes: fc.nat(10),
        payloadBytes: fc.nat(200),
      },
      { noNullPrototype: true },
    ),
    { maxLength: 10 },
  );
  fc.assert(
    fc.property(entries, fc.integer({ min: 1, max: 50 }), (written, size) => {
      const bytes = archiveOf(written);
      const reader = new ArchiveReader();
      const read: ArchiveEntry[] = [];
      let open: ArchiveEntry | null = null;
      for (let at = 0; at < bytes.length; at += size) {
        reader.append(bytes.subarray(at, at + size));
        for (;;) {
          if (open === null) {
            const next = reader.next();
            assert.notEqual(next, "damaged");
            if (next === null || next === "damaged") break;
            open = next;
          }
          const content = reader.take(open.headerBytes + open.payloadBytes);
          if (content === null) break;
          assert.ok(content.every((byte) => byte === 7));
          read.push(open);
          open = null;
        }
      }
      assert.deepEqual(read, [...written, LAST_ENTRY]);
      assert.ok(isLastEntry(read[read.length - 1]));
    }),
  );
});

test("anything else ends in a value", () => {
  const whole = archiveOf([{ name: "s.a", time: { ms: 5, ns: 6 }, seq: 1, headerBytes: 0, payloadBytes: 3 }]);
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 5 }), (changes) => {
      const bytes = Buffer.from(whole);
      for (const [at, value] of changes) bytes[at] = value;
      const reader = new ArchiveReader();
      reader.append(bytes);
      for (let entries = 0; entries < 10; entries++) {
        const entry = reader.next();
        if (entry === null || entry === "damaged") return;
        if (reader.take(entry.headerBytes + entry.payloadBytes) === null) return;
      }
    }),
  );
});

function archiveOf(entries: readonly ArchiveEntry[]): Buffer {
  const writer = new ArchiveWriter();
  const pieces: Buffer[] = [ARCHIVE_MAGIC];
  for (const entry of entries) {
    pieces.push(Buffer.from(writer.entry(entry)), Buffer.alloc(entry.headerBytes + entry.payloadBytes, 7));
  }
  pieces.push(Buffer.from(writer.entry(LAST_ENTRY)));
  return Buffer.concat(pieces);
}
