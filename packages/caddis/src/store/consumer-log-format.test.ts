import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "../io/seeded-random.ts";
import { lockedLogFile, type LogFile, newLogFile, openLogFile, readLogHeader } from "./consumer-log-file.ts";
import { applyBatch, BatchBuilder, findBatch, readBatch, streamOf } from "./consumer-log-format.ts";
import type { KeptConsumer } from "./consumer-store.ts";
import { type Encryption, KeyError } from "./file/cipher.ts";

const GENERATION = 7;
const POSITION = 96;

function encryption(
  key: string,
  cipher: "chacha" | "aes" = "chacha",
  former: string | null = null,
): Encryption {
  const previousKey = former === null ? null : Buffer.from(former);
  return { keys: { cipher, key: Buffer.from(key), previousKey }, random: new SeededRandom(3) };
}

const WAYS: readonly (Encryption | null)[] = [null, encryption("k"), encryption("k", "aes")];

function newBatch(file: LogFile): Buffer {
  const builder = new BatchBuilder();
  builder.reset("S");
  builder.config("ä", '{"name":"ä"}');
  builder.state("ä", Buffer.from([0, 255]));
  builder.config("gone", "{}");
  builder.removed("gone");
  return builder.build(file, POSITION, 48);
}

function at(position: number, batch: Buffer): Buffer {
  return Buffer.concat([Buffer.alloc(position), batch]);
}

test("a batch is read as it was written", () => {
  for (const way of WAYS) {
    const { file } = newLogFile(GENERATION, way);
    const data = at(POSITION, newBatch(file));
    const batch = readBatch(data, file, POSITION);
    assert.ok(batch !== null);
    assert.equal(batch.end, data.length);
    assert.equal(batch.syncedBytes, 48);
    assert.equal(data.length % 8, 0);
    assert.equal(streamOf(batch), "S");
    const kept = new Map<string, KeptConsumer>();
    applyBatch(batch, kept);
    assert.deepEqual([...kept], [["ä", { config: '{"name":"ä"}', state: new Uint8Array([0, 255]) }]]);
    assert.deepEqual(findBatch(data, file, 1), batch);
    assert.equal(data.includes("name"), way === null, "nothing shows where there is a key");
  }
});

test("a batch with any other bit, at any other place or of another file is none", () => {
  for (const way of WAYS) {
    const { file } = newLogFile(GENERATION, way);
    const batch = newBatch(file);
    // What fills it up to a multiple of eight says nothing.
    const bytes = batch.readUInt32LE(4) + 24;
    for (let bit = 0; bit < 8 * bytes; bit++) {
      const bad = Buffer.from(batch);
      bad[bit >>> 3] ^= 1 << (bit & 7);
      assert.equal(readBatch(at(POSITION, bad), file, POSITION), null, `bit ${bit}`);
    }
    const other = { ...file, generation: GENERATION + 1 };
    assert.equal(readBatch(at(POSITION, batch), other, POSITION), null);
    assert.equal(readBatch(at(POSITION + 8, batch), file, POSITION + 8), null);
    const foreign = newLogFile(GENERATION, encryption("k")).file;
    if (way !== null) assert.equal(readBatch(at(POSITION, batch), foreign, POSITION), null);
    for (let length = 0; length < batch.length; length++) {
      const cut = at(POSITION, batch.subarray(0, length));
      assert.equal(readBatch(cut, file, POSITION), null, `cut to ${length}`);
    }
  }
});

test("two batches at one place have nothing in common that shows what is in them", () => {
  const { file } = newLogFile(GENERATION, encryption("k"));
  const [first, second] = [newBatch(file), newBatch(file)];
  let same = 0;
  for (let i = 32; i < first.length; i++) if (first[i] === second[i]) same++;
  assert.ok(same < first.length / 8, `${same} of ${first.length} bytes are the same`);
});

test("a file begins as it was begun, and tells who may read it", () => {
  for (const way of WAYS) {
    const { header, file } = newLogFile(GENERATION, way);
    assert.equal(header.length, file.headerBytes);
    assert.equal(header.length % 8, 0);
    const found = readLogHeader(header, GENERATION);
    assert.ok(found.isWhole);
    const opened = openLogFile(found, way, "f");
    assert.notEqual(readBatch(at(POSITION, newBatch(file)), opened, POSITION), null);
    const locked = readBatch(at(POSITION, newBatch(file)), lockedLogFile(found), POSITION);
    assert.equal(locked?.body.length === 0, way !== null, "without a key it is whole, and says nothing");
    if (way === null) continue;
    assert.throws(() => openLogFile(found, null, "f"), new KeyError("f is encrypted, and there is no key"));
    const wrong = (): LogFile => openLogFile(found, encryption("other"), "f");
    assert.throws(wrong, new KeyError("f was encrypted with another key"));
    assert.ok(openLogFile(found, encryption("new", "aes", "k"), "f").cipher?.isFormer);
  }
});

test("a header that is not its own is noticed; of an encrypted one either copy will do", () => {
  for (const way of WAYS) {
    const { header, file } = newLogFile(GENERATION, way);
    assert.ok(!readLogHeader(header, GENERATION + 1).isWhole);
    assert.ok(!readLogHeader(header.subarray(1), GENERATION).isWhole);
    const batch = at(POSITION, newBatch(file));
    for (let bit = 0; bit < 8 * header.length; bit++) {
      const bad = Buffer.from(header);
      bad[bit >>> 3] ^= 1 << (bit & 7);
      const found = readLogHeader(bad, GENERATION);
      assert.ok(!found.isWhole, `bit ${bit}`);
      assert.notEqual(readBatch(batch, openLogFile(found, way, "f"), POSITION), null, `bit ${bit}`);
    }
    const lost = readLogHeader(Buffer.alloc(header.length), GENERATION);
    assert.equal(readBatch(batch, openLogFile(lost, way, "f"), POSITION) === null, way !== null);
  }
});
