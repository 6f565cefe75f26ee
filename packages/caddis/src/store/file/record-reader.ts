import type { Disk } from "../../io/disk.ts";
import type { Block, Chunk } from "./block.ts";
import { type BlockCache, CacheEntry } from "./block-cache.ts";
import { crc32, viewOf } from "./checksum.ts";
import { CHUNK_BYTES } from "./format.ts";
import { readBlock } from "./frames.ts";
import { ReadAhead } from "./read-ahead.ts";
import { isRefusal } from "./refusal.ts";
import { isWhole } from "./records.ts";
import type { WriteBuffer } from "./write-buffer.ts";

/** A chunk is kept once a second of its records is asked for among so many misses. */
const MISSES_REMEMBERED = 16;
const SCRATCH_BYTES_KEPT = 1024 * 1024;
/** Records up to this on average are short. */
const SMALL_BYTES = 512;
/** The checksum of a piece is not known. */
const NO_SUM = -1;

/**
 * Brings records into memory: from the write buffer, from pieces of files that are kept, or from the disk. A single
 * record is read alone; where several of one piece are wanted the piece is read, and when that goes on those behind it
 * ahead of time.
 */
export class RecordReader {
  readonly #disk: Disk;
  readonly #cache: BlockCache;
  readonly #written: WriteBuffer;
  readonly #ahead: ReadAhead;
  readonly #missedBlocks: (Block | null)[] = Array.from({ length: MISSES_REMEMBERED }, () => null);
  readonly #missedChunks = new Int32Array(MISSES_REMEMBERED);
  #misses = 0;
  #scratch: Buffer = Buffer.alloc(0);
  #scratchView = viewOf(this.#scratch);
  /** Where the record lies that was asked for last. */
  buf: Buffer = this.#scratch;
  view: DataView = this.#scratchView;
  at = 0;
  /** It is what this store wrote: it needs no checking. */
  #isOwn = false;
  /** The disk did not give what it has: that says nothing about what is there. */
  onRefused: (reason: string) => void = () => {};

  constructor(disk: Disk, cache: BlockCache, written: WriteBuffer) {
    this.#disk = disk;
    this.#cache = cache;
    this.#written = written;
    this.#ahead = new ReadAhead(disk, cache, (block, index, buf) => {
      this.#put(block, index, buf, buf.length, false);
    });
  }

  /** Brings the record of `length` bytes at `offset`; false: what is there is not that record, whole. */
  bring(block: Block, offset: number, length: number): boolean {
    if (block.writtenEnd < block.end || this.#written.current?.block === block) {
      const segment = this.#written.find(block, offset);
      if (segment !== null) {
        this.buf = segment.buf;
        this.view = segment.view;
        this.at = offset - segment.base;
        return true;
      }
    }
    if (!this.#fetch(block, offset, length)) return false;
    return (
      this.view.getUint32(this.at, true) === length &&
      (this.#isOwn || isWhole(this.buf, this.view, this.at, this.at + length, block.seed, offset))
    );
  }

  /** Puts a filled piece in the cache, which was written: it is likely to be read soon. */
  keep(block: Block, index: number, buf: Buffer): void {
    this.#put(block, index, buf, buf.length, true);
  }

  #fetch(block: Block, offset: number, length: number): boolean {
    const index = Math.floor(offset / CHUNK_BYTES);
    const within = offset - index * CHUNK_BYTES;
    if (within + length > CHUNK_BYTES) return this.#readAlone(block, offset, length);
    let chunk = block.chunks[index] ?? null;
    if (chunk === null || within + length > chunk.length) {
      // Of a compressed block there is nothing smaller to be read.
      if (block.frames === null && !this.#wasMissed(block, index))
        return this.#readAlone(block, offset, length);
      chunk = this.#readChunk(block, index);
      if (chunk === null || within + length > chunk.length) return false;
    }
    this.#ahead.onWanted(block, index);
    chunk.entry.isUsed = true;
    this.#isOwn = chunk.isOwn;
    this.buf = chunk.buf;
    this.view = chunk.view;
    this.at = within;
    return true;
  }

  /** Notes a miss; true: there was one of the same piece lately. */
  #wasMissed(block: Block, index: number): boolean {
    for (let i = 0; i < MISSES_REMEMBERED; i++) {
      if (this.#missedChunks[i] === index && this.#missedBlocks[i] === block) return true;
    }
    const place = this.#misses++ % MISSES_REMEMBERED;
    this.#missedBlocks[place] = block;
    this.#missedChunks[place] = index;
    return false;
  }

  #readAlone(block: Block, offset: number, length: number): boolean {
    if (this.#scratch.length < length || this.#scratch.length > SCRATCH_BYTES_KEPT) {
      this.#scratch = Buffer.allocUnsafeSlow(Math.max(4096, length));
      this.#scratchView = viewOf(this.#scratch);
    }
    this.#isOwn = false;
    this.buf = this.#scratch;
    this.view = this.#scratchView;
    this.at = 0;
    return this.#read(block, offset, this.#scratch, length) === length;
  }

  #readChunk(block: Block, index: number): Chunk | null {
    const buf = this.#cache.takeChunk();
    const length = this.#read(block, index * CHUNK_BYTES, buf, CHUNK_BYTES);
    if (length <= 0) return null;
    return this.#put(block, index, buf, length, false);
  }

  /** Bytes that were there; -1: there is no such file, or the disk does not give them. */
  #read(block: Block, offset: number, target: Buffer, length: number): number {
    try {
      return readBlock(this.#disk, block, offset, target, length);
    } catch (error) {
      if (isRefusal(error)) this.onRefused(error.message);
      return -1;
    }
  }

  #put(block: Block, index: number, buf: Buffer, length: number, isWritten: boolean): Chunk {
    const old = block.chunks[index] ?? null;
    if (old !== null) this.#cache.drop(old.entry);
    const view = viewOf(buf);
    const sum = block.sums[index] ?? NO_SUM;
    const isOwn = isWritten || (sum !== NO_SUM && sum === sumOf(buf, view));
    const entry = new CacheEntry(buf.length, () => {
      if (isOwn && sum === NO_SUM && hasSmallRecords(block)) noteSum(block, index, sumOf(buf, view));
      block.chunks[index] = null;
      this.#cache.giveChunk(buf);
      return true;
    });
    const chunk = { buf, view, length, isOwn, entry };
    while (block.chunks.length < index) block.chunks.push(null);
    block.chunks[index] = chunk;
    this.#cache.add(entry);
    return chunk;
  }
}

/**
 * One checksum of a piece costs less than those of its records, where these are short (6 GB/s against 1.4, measured
 * with records of 190 bytes), but it has to be made when the piece leaves the cache.
 */
function hasSmallRecords(block: Block): boolean {
  return block.end < SMALL_BYTES * block.live.count;
}

function noteSum(block: Block, index: number, sum: number): void {
  while (block.sums.length < index) block.sums.push(NO_SUM);
  block.sums[index] = sum;
}

function sumOf(buf: Buffer, view: DataView): number {
  return crc32(buf, view, 0, buf.length, 0);
}
