import assert from "node:assert/strict";
import { test } from "node:test";
import { FaultyDisk } from "../../../../test/support/faulty-disk.ts";
import { SeededRandom } from "../io/seeded-random.ts";
import { type Encryption, KeyError } from "./file/cipher.ts";
import {
  decodeSmallFile,
  encodeSmallFile,
  isSmallFileWhole,
  readSmallFile,
  renewSmallFile,
  writeSmallFile,
} from "./small-file.ts";

const JSON_TEXT = '{"name":"ORDERS","ü":"\u00ff"}';
const PATH = "/f/stream.json";

function encryption(
  key: string,
  cipher: "chacha" | "aes" = "chacha",
  former: string | null = null,
): Encryption {
  const previousKey = former === null ? null : Buffer.from(former);
  return { keys: { cipher, key: Buffer.from(key), previousKey }, random: new SeededRandom(11) };
}

const WAYS: readonly (Encryption | null)[] = [null, encryption("k"), encryption("k", "aes")];

async function diskWith(data: Buffer): Promise<FaultyDisk> {
  const disk = new FaultyDisk(1);
  await disk.makeFolder("/f");
  await disk.replace(PATH, data);
  return disk;
}

test("a small file is read as it was written, and shows nothing where there is a key", () => {
  for (const way of WAYS) {
    const data = encodeSmallFile(JSON_TEXT, way);
    assert.equal(decodeSmallFile(data, way?.keys ?? null, PATH), JSON_TEXT);
    assert.equal(data.includes("ORDERS"), way === null);
  }
  assert.notDeepEqual(encodeSmallFile(JSON_TEXT, WAYS[1]), encodeSmallFile(JSON_TEXT, WAYS[1]));
});

test("whatever bit is another, and wherever it is cut, it is damaged and nothing else", async () => {
  for (const way of WAYS) {
    const data = encodeSmallFile(JSON_TEXT, way);
    for (let bit = 0; bit < 8 * data.length; bit++) {
      const bad = Buffer.from(data);
      bad[bit >>> 3] ^= 1 << (bit & 7);
      assert.equal(decodeSmallFile(bad, way?.keys ?? null, PATH), null, `bit ${bit}`);
      if (bit % 8 === 0) assert.equal(await isSmallFileWhole(await diskWith(bad), PATH), false);
    }
    for (let length = 0; length < data.length; length++)
      assert.equal(decodeSmallFile(data.subarray(0, length), way?.keys ?? null, PATH), null);
    assert.ok(await isSmallFileWhole(await diskWith(data), PATH));
  }
});

test("one that was altered by somebody who can compute checksums is damaged too", async () => {
  const way = encryption("k");
  const mine = encodeSmallFile(JSON_TEXT, way);
  const other = encodeSmallFile(JSON_TEXT.replace("ORDERS", "OTHERS"), way);
  assert.equal(mine.length, other.length);
  // The salt of one with what the other has behind it, each with a checksum that fits.
  const mixed = Buffer.concat([mine.subarray(0, 60), other.subarray(60)]);
  const fitting = Buffer.from(mixed);
  fitting.writeUInt32LE(crcOf(fitting), fitting.length - 4);
  assert.ok(await isSmallFileWhole(await diskWith(fitting), PATH), "as far as can be said without the key");
  assert.equal(decodeSmallFile(fitting, way.keys, PATH), null);
});

function crcOf(data: Buffer): number {
  let crc = -1;
  for (const byte of data.subarray(0, data.length - 4)) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb8_8320 : 0);
  }
  return ~crc >>> 0;
}

test("without the key it says so by name; what is plain stays readable with one", async () => {
  const disk = await diskWith(encodeSmallFile(JSON_TEXT, encryption("k")));
  await assert.rejects(
    readSmallFile(disk, PATH, null),
    new KeyError(`${PATH} is encrypted, and there is no key`),
  );
  const { keys } = encryption("other", "chacha", "another");
  await assert.rejects(
    readSmallFile(disk, PATH, keys),
    new KeyError(`${PATH} was encrypted with another key`),
  );
  const plain = await diskWith(encodeSmallFile(JSON_TEXT, null));
  assert.deepEqual(await readSmallFile(plain, PATH, keys), { json: JSON_TEXT });
  assert.equal(await readSmallFile(plain, "/f/none", keys), "absent");
});

test("it is renewed when it is plain or has the key of before, and only then", async () => {
  const now = encryption("k", "chacha", "former");
  for (const before of [null, encryption("former"), encryption("k", "aes")]) {
    const disk = await diskWith(encodeSmallFile(JSON_TEXT, before));
    await renewSmallFile(disk, PATH, now);
    assert.deepEqual(await readSmallFile(disk, PATH, encryption("k").keys), { json: JSON_TEXT });
    const { length } = disk.steps;
    await renewSmallFile(disk, PATH, now);
    assert.equal(disk.steps.length, length, "once is enough");
  }
  const damaged = encodeSmallFile(JSON_TEXT, now);
  damaged[20] ^= 1;
  const disk = await diskWith(damaged);
  await renewSmallFile(disk, PATH, now);
  assert.deepEqual(disk.content(PATH), damaged, "what is damaged stays as it is");
  await renewSmallFile(disk, "/f/none", now);
  assert.equal(disk.size("/f/none"), -1);
});

test("wherever the power goes while it is renewed, it is there", async () => {
  const now = encryption("k", "chacha", "former");
  for (let step = 0; step < 8; step++) {
    const disk = new FaultyDisk(step);
    await disk.makeFolder("/f");
    await writeSmallFile(disk, PATH, JSON_TEXT, encryption("former"));
    disk.killAt(disk.steps.length + step);
    await renewSmallFile(disk, PATH, now).catch(() => undefined);
    assert.deepEqual(await readSmallFile(disk.crash(), PATH, now.keys), { json: JSON_TEXT }, `step ${step}`);
  }
});
