import type { Disk } from "../../io/disk.ts";
import type { Random } from "../../io/random.ts";
import { FieldReader, FieldWriter } from "./byte-fields.ts";
import { crc32, viewOf } from "./checksum.ts";
import { checkOf, cipherOf, isCurrent, KeyError, newCipher, type StoreKeys, TAG_BYTES } from "./cipher.ts";
import { type CheckpointBlock, readBlock, writeBlock } from "./checkpoint-block.ts";
import { blockName } from "./format.ts";
import type { StoreData } from "./store-data.ts";

/**
 * # The checkpoint, `index.db`
 *
 * What a store knows of its messages as of a place in the log, so that a start need not read all of it: it reads this
 * and goes on from there. It is replaced as a whole when the store is closed, and from time to time. Without it, or
 * where it does not fit the blocks that are there, all blocks are read.
 *
 *       0  8   magic "CADDISIX"
 *       8  u32 version, 2
 *      12  u32 flags: as of a block, what the rest is encrypted with
 *      16  16  salt
 *      32  8   check value of the key
 *      40  u32 CRC-32 of the rest, seeded with that of the bytes before
 *      44  4   zeros
 *      48      fields as `encodeCheckpoint` writes them, u32 and f64, and the subjects as they lie in memory
 *              (`SubjectTable.save`); encrypted: followed by the tag
 */
export const CHECKPOINT_NAME = "index.db";

const MAGIC = "CADDISIX";
const VERSION = 2;
const HEADER_BYTES = 48;
const CRC_AT = 40;

/** A checkpoint that was read. */
export interface Checkpoint {
  readonly storeId: Buffer;
  /** Nothing was written after it. */
  readonly isClean: boolean;
  /** Encrypted as one written now would be. */
  readonly isCurrent: boolean;
  /** Of the block that would be begun next: files with lower ones were known, whatever is in them. */
  readonly nextNumber: number;
  readonly blocks: readonly CheckpointBlock[];
  readonly lastSeq: number;
  /** Puts figures, lost messages, due times and subjects into an empty store. False: it is not whole. */
  readonly readInto: (data: StoreData) => boolean;
}

/**
 * The checkpoint in `folder`; null where there is none or nobody has the key, "damaged" where it can't be read. Rejects
 * with a `DiskError`, or with a `KeyError` for a wrong key.
 */
export async function lookAtCheckpoint(
  disk: Disk,
  folder: string,
  keys: StoreKeys | null,
): Promise<Checkpoint | "damaged" | null> {
  const path = `${folder}/${CHECKPOINT_NAME}`;
  const size = disk.size(path);
  if (size < 0) return null;
  const buf = Buffer.allocUnsafeSlow(size);
  const length = await disk.readLater(path, 0, buf, 0, size);
  try {
    return decodeCheckpoint(buf.subarray(0, length), keys, path) ?? "damaged";
  } catch (error) {
    if (error instanceof KeyError && keys === null) return null;
    throw error;
  }
}

/** Names of the blocks that a checkpoint speaks of. */
export function namesIn({ blocks }: Checkpoint): ReadonlySet<string> {
  return new Set(blocks.map(({ header }) => blockName(header.number, header.lastNumber, header.generation)));
}

/** All of `data` as it is now. The caller sees to it that the log is durable up to here before this is put in place. */
export function encodeCheckpoint(
  data: StoreData,
  storeId: Buffer,
  nextNumber: number,
  isClean: boolean,
  keys: StoreKeys | null,
  random: Random,
): Buffer {
  const fields = new FieldWriter();
  fields.bytes(Buffer.alloc(HEADER_BYTES));
  fields.bytes(storeId);
  fields.u32(isClean ? 1 : 0);
  fields.f64(nextNumber);
  fields.u32(data.blocks.length);
  for (const block of data.blocks) writeBlock(block, fields);
  fields.f64(data.state.lastSeq);
  writeFigures(data, fields);
  data.table.save(fields);
  return seal(fields, keys, random);
}

/** Null: it is no checkpoint, or damaged. Throws a `KeyError` for a wrong key. */
export function decodeCheckpoint(buf: Buffer, keys: StoreKeys | null, path: string): Checkpoint | null {
  const unsealed = unseal(buf, keys, path);
  if (unsealed === null) return null;
  const { fields, isCurrent: isAsNew } = unsealed;
  const storeId = fields.bytes(16);
  const isClean = fields.u32() === 1;
  const nextNumber = fields.f64();
  const blocks: CheckpointBlock[] = [];
  for (let left = fields.u32(); left > 0 && !fields.isOver; left--) {
    const block = readBlock(fields);
    if (block === null) return null;
    blocks.push(block);
  }
  const lastSeq = fields.f64();
  if (fields.isOver) return null;
  const readInto = (data: StoreData): boolean => {
    readFigures(data, fields);
    data.table.load(fields);
    data.state.subjectCount = data.table.size;
    return !fields.isOver;
  };
  return { storeId, isClean, isCurrent: isAsNew, nextNumber, blocks, lastSeq, readInto };
}

function writeFigures(data: StoreData, fields: FieldWriter): void {
  const { state, lost, kept, expiries } = data;
  const { knownFirstTime } = state;
  fields.f64(state.firstSeq);
  fields.f64(knownFirstTime?.ms ?? NaN);
  fields.u32(knownFirstTime?.ns ?? 0);
  fields.f64(state.messages);
  fields.f64(state.bytes);
  fields.f64(data.liveBytes);
  fields.u32(state.hasLast ? 1 : 0);
  fields.f64(state.lastMs);
  fields.u32(state.lastNs);
  fields.u32(lost.ranges.length);
  for (const { from, to, count, bytes } of lost.ranges) {
    for (const value of [from, to, count, bytes]) fields.f64(value);
  }
  fields.u32(kept.size);
  for (const seq of kept) fields.f64(seq);
  expiries.forEach((dueMs, seq) => {
    fields.f64(dueMs);
    fields.f64(seq);
  });
  fields.f64(NO_MORE);
}

/** Where the due times end. */
const NO_MORE = -1;

function readFigures(data: StoreData, fields: FieldReader): void {
  const { state, lost, kept, expiries } = data;
  state.firstSeq = fields.f64();
  const firstMs = fields.f64();
  const firstNs = fields.u32();
  if (!Number.isNaN(firstMs)) state.noteFirstTime(firstMs, firstNs);
  state.messages = fields.f64();
  state.bytes = fields.f64();
  data.liveBytes = fields.f64();
  state.hasLast = fields.u32() === 1;
  state.lastMs = fields.f64();
  state.lastNs = fields.u32();
  for (let left = fields.u32(); left > 0 && !fields.isOver; left--) {
    lost.add({ from: fields.f64(), to: fields.f64(), count: fields.f64(), bytes: fields.f64() });
  }
  for (let left = fields.u32(); left > 0 && !fields.isOver; left--) kept.add(fields.f64());
  for (let dueMs = fields.f64(); dueMs !== NO_MORE && !fields.isOver; dueMs = fields.f64()) {
    expiries.add(dueMs, fields.f64());
  }
  state.lostCount = lost.count;
  state.lostBytes = lost.bytes;
}

function seal(fields: FieldWriter, keys: StoreKeys | null, random: Random): Buffer {
  const salt = Buffer.from(random.bytes(16));
  const cipher = newCipher(keys, salt);
  if (cipher !== null) fields.bytes(Buffer.alloc(TAG_BYTES));
  const buf = fields.content;
  buf.latin1Write(MAGIC, 0);
  buf.writeUInt32LE(VERSION, 8);
  buf.writeUInt32LE(cipher === null ? 0 : cipher.flag, 12);
  salt.copy(buf, 16);
  checkOf(cipher).copy(buf, 32);
  cipher?.seal(buf, HEADER_BYTES, HEADER_BYTES, buf.length - TAG_BYTES, 0);
  buf.writeUInt32LE(checksumOf(buf), CRC_AT);
  return buf;
}

function unseal(
  buf: Buffer,
  keys: StoreKeys | null,
  path: string,
): { readonly fields: FieldReader; readonly isCurrent: boolean } | null {
  if (buf.length < HEADER_BYTES || buf.latin1Slice(0, 8) !== MAGIC || buf.readUInt32LE(8) !== VERSION)
    return null;
  if (buf.readUInt32LE(CRC_AT) !== checksumOf(buf)) return null;
  const cipher = cipherOf(keys, buf.readUInt32LE(12), buf.subarray(16, 32), buf.subarray(32, 40), path);
  const plain =
    cipher === null
      ? buf.subarray(HEADER_BYTES)
      : cipher.open(buf, HEADER_BYTES, HEADER_BYTES, buf.length - TAG_BYTES, 0);
  return plain === null ? null : { fields: new FieldReader(plain), isCurrent: isCurrent(cipher, keys) };
}

function checksumOf(buf: Buffer): number {
  const view = viewOf(buf);
  return crc32(buf, view, HEADER_BYTES, buf.length, crc32(buf, view, 0, CRC_AT, 0));
}
