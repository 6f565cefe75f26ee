import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import type { Disk } from "../../io/disk.ts";
import { crc32, viewOf } from "./checksum.ts";
import { type FileCipher, TAG_BYTES } from "./cipher.ts";
import { CHUNK_BYTES, RECORDS_AT } from "./format.ts";

/**
 * # A compressed block
 *
 * Behind the header stands a table: u32 how many frames; for each u32 where it starts in the file and u32 its CRC-32;
 * u32 where the last one ends; u32 CRC-32 of these. Each frame holds `CHUNK_BYTES` of the block as it would be without compression, the last one
 * what is left; zstd, and then encrypted, with the frame's number in place of an offset, if the block is.
 */
export interface Frames {
  /** Where each starts in the file, and the end of the last. */
  readonly starts: readonly number[];
  readonly checksums: readonly number[];
  /** Bytes of the block without compression. */
  readonly length: number;
}

/** A block, to be read. */
export interface BlockBytes {
  readonly path: string;
  /** Null: it is not compressed. */
  readonly frames: Frames | null;
  /** Null: its frames are not encrypted, whatever its records are. */
  readonly frameCipher: FileCipher | null;
}

/** More than any block has: the largest message is a few hundred chunks. */
const FRAMES_MAX = 16 * 1024;

/** The bytes of the compressed file of a block whose content is `content`, header included. `pause` lets other things happen. */
export async function compressBlock(
  content: Buffer,
  cipher: FileCipher | null,
  pause: () => Promise<void>,
): Promise<{ file: Buffer; frames: Frames }> {
  const count = Math.ceil(content.length / CHUNK_BYTES);
  const tableBytes = tableBytesOf(count);
  const checksums: number[] = [];
  const parts: Buffer[] = [];
  const starts = [RECORDS_AT + tableBytes];
  for (let i = 0; i < count; i++) {
    const packed = zstdCompressSync(content.subarray(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES));
    const frame = cipher === null ? packed : sealed(packed, cipher, i);
    parts.push(frame);
    checksums.push(crc32(frame, viewOf(frame), 0, frame.length, 0));
    starts.push(starts[i] + frame.length);
    await pause();
  }
  const table = Buffer.alloc(tableBytes);
  table.writeUInt32LE(count, 0);
  for (let i = 0; i < count; i++) {
    table.writeUInt32LE(starts[i], 4 + 8 * i);
    table.writeUInt32LE(checksums[i], 8 + 8 * i);
  }
  table.writeUInt32LE(starts[count], 4 + 8 * count);
  table.writeUInt32LE(crc32(table, viewOf(table), 0, tableBytes - 4, 0), tableBytes - 4);
  const file = Buffer.concat([content.subarray(0, RECORDS_AT), table, ...parts]);
  return { file, frames: { starts, checksums, length: content.length } };
}

/** The table of a compressed file; null: it is damaged. `length`: bytes of the block, as its header says. */
export function readFrames(disk: Disk, path: string, length: number): Frames | null {
  const count = Math.ceil(length / CHUNK_BYTES);
  if (count > FRAMES_MAX) return null;
  const table = Buffer.alloc(tableBytesOf(count));
  if (disk.read(path, RECORDS_AT, table, 0, table.length) < table.length) return null;
  const isWhole =
    table.readUInt32LE(table.length - 4) === crc32(table, viewOf(table), 0, table.length - 4, 0);
  if (!isWhole || table.readUInt32LE(0) !== count) return null;
  const starts = Array.from({ length: count + 1 }, (_, i) => table.readUInt32LE(4 + 8 * i));
  const checksums = Array.from({ length: count }, (_, i) => table.readUInt32LE(8 + 8 * i));
  return { starts, checksums, length };
}

/** The numbers of frames whose bytes are not what they were: a look that needs no key. */
export async function damagedFrames(disk: Disk, path: string, frames: Frames): Promise<number[]> {
  const damaged: number[] = [];
  for (let i = 0; i < frames.checksums.length; i++) {
    const packed = Buffer.allocUnsafe(frames.starts[i + 1] - frames.starts[i]);
    const got = await disk.readLater(path, frames.starts[i], packed, 0, packed.length);
    if (!isWhole(frames, i, packed.subarray(0, got))) damaged.push(i);
  }
  return damaged;
}

function tableBytesOf(count: number): number {
  return 12 + 8 * count;
}

function isWhole({ starts, checksums }: Frames, index: number, packed: Buffer): boolean {
  if (packed.length < starts[index + 1] - starts[index]) return false;
  return checksums[index] === crc32(packed, viewOf(packed), 0, packed.length, 0);
}

/**
 * As `Disk.read`, of a block: `position` counts without compression. What can't be unpacked reads as zeros, which are
 * no records.
 */
export function readBlock(
  disk: Disk,
  block: BlockBytes,
  position: number,
  target: Buffer,
  length: number,
): number {
  const { path, frames } = block;
  if (frames === null) return disk.read(path, position, target, 0, length);
  const end = Math.min(position + length, frames.length);
  for (let i = Math.floor(position / CHUNK_BYTES); i * CHUNK_BYTES < end; i++) {
    const packed = Buffer.allocUnsafe(frames.starts[i + 1] - frames.starts[i]);
    const got = disk.read(path, frames.starts[i], packed, 0, packed.length);
    unpackInto(frames, block.frameCipher, i, packed.subarray(0, got), position, end, target);
  }
  return Math.max(0, end - position);
}

/** As `readBlock`, the whole of it off the loop but for the unpacking. */
export async function readBlockLater(
  disk: Disk,
  block: BlockBytes,
  position: number,
  target: Buffer,
  length: number,
): Promise<number> {
  const { path, frames } = block;
  if (frames === null) return disk.readLater(path, position, target, 0, length);
  const end = Math.min(position + length, frames.length);
  for (let i = Math.floor(position / CHUNK_BYTES); i * CHUNK_BYTES < end; i++) {
    const packed = Buffer.allocUnsafe(frames.starts[i + 1] - frames.starts[i]);
    const got = await disk.readLater(path, frames.starts[i], packed, 0, packed.length);
    unpackInto(frames, block.frameCipher, i, packed.subarray(0, got), position, end, target);
  }
  return Math.max(0, end - position);
}

/** Puts the part of frame `index` that lies in `[position, end)` where it belongs in `target`, which starts at `position`. */
function unpackInto(
  frames: Frames,
  cipher: FileCipher | null,
  index: number,
  packed: Buffer,
  position: number,
  end: number,
  target: Buffer,
): void {
  const start = index * CHUNK_BYTES;
  const from = Math.max(start, position);
  const to = Math.min(start + CHUNK_BYTES, end);
  const plain = unpack(frames, cipher, index, packed);
  if (plain === null) target.fill(0, from - position, to - position);
  else plain.copy(target, from - position, from - start, to - start);
}

function unpack(frames: Frames, cipher: FileCipher | null, index: number, packed: Buffer): Buffer | null {
  if (!isWhole(frames, index, packed)) return null;
  const wanted = Math.min(CHUNK_BYTES, frames.length - index * CHUNK_BYTES);
  try {
    const body = cipher === null ? packed : cipher.open(packed, 0, 0, packed.length - TAG_BYTES, index);
    // Never more than there can be: what is damaged might claim anything.
    const plain = body === null ? null : zstdDecompressSync(body, { maxOutputLength: CHUNK_BYTES });
    return plain?.length === wanted ? plain : null;
  } catch {
    return null;
  }
}

function sealed(packed: Buffer, cipher: FileCipher, index: number): Buffer {
  const frame = Buffer.concat([packed, Buffer.alloc(TAG_BYTES)]);
  cipher.seal(frame, 0, 0, packed.length, index);
  return frame;
}
