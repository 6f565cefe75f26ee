import assert from "node:assert/strict";
import { test } from "node:test";
import {
  applyBatch,
  BatchBuilder,
  encodeFileHeader,
  findBatch,
  isFileHeader,
  readBatch,
} from "./consumer-log-format.ts";
import type { KeptConsumer } from "./consumer-store.ts";

const GENERATION = 7;
const POSITION = 64;

function newBatch(): Buffer {
  const builder = new BatchBuilder();
  builder.config("ä", '{"name":"ä"}');
  builder.state("ä", Buffer.from([0, 255]));
  builder.config("gone", "{}");
  builder.removed("gone");
  return builder.build(GENERATION, POSITION, 48);
}

function at(position: number, batch: Buffer): Buffer {
  return Buffer.concat([Buffer.alloc(position), batch]);
}

test("a batch is read as it was written", () => {
  const file = at(POSITION, newBatch());
  const batch = readBatch(file, GENERATION, POSITION);
  assert.ok(batch !== null);
  assert.equal(batch.end, file.length);
  assert.equal(batch.syncedBytes, 48);
  assert.equal(file.length % 8, 0);
  const kept = new Map<string, KeptConsumer>();
  applyBatch(batch, kept);
  assert.deepEqual([...kept], [["ä", { config: '{"name":"ä"}', state: new Uint8Array([0, 255]) }]]);
  assert.deepEqual(findBatch(file, GENERATION, 1), batch);
});

test("a batch with any other bit, at any other place or of another generation is none", () => {
  const batch = newBatch();
  // What fills it up to a multiple of eight says nothing.
  const bytes = batch.readUInt32LE(4) + 24;
  for (let bit = 0; bit < 8 * bytes; bit++) {
    const bad = Buffer.from(batch);
    bad[bit >>> 3] ^= 1 << (bit & 7);
    assert.equal(readBatch(at(POSITION, bad), GENERATION, POSITION), null, `bit ${bit}`);
  }
  assert.equal(readBatch(at(POSITION, batch), GENERATION + 1, POSITION), null);
  assert.equal(readBatch(at(POSITION + 8, batch), GENERATION, POSITION + 8), null);
  for (let length = 0; length < batch.length; length++) {
    assert.equal(
      readBatch(at(POSITION, batch.subarray(0, length)), GENERATION, POSITION),
      null,
      `cut to ${length}`,
    );
  }
});

test("a file's header is that of its generation", () => {
  const header = encodeFileHeader(GENERATION);
  assert.ok(isFileHeader(header, GENERATION));
  assert.ok(!isFileHeader(header, GENERATION + 1));
  assert.ok(!isFileHeader(header.subarray(1), GENERATION));
  for (let bit = 0; bit < 8 * header.length; bit++) {
    const bad = Buffer.from(header);
    bad[bit >>> 3] ^= 1 << (bit & 7);
    assert.ok(!isFileHeader(bad, GENERATION), `bit ${bit}`);
  }
});
