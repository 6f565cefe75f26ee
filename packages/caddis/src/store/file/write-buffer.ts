import { assert } from "../../base/assert.ts";
import type { Block } from "./block.ts";
import { type BlockCache, CacheEntry } from "./block-cache.ts";
import { viewOf } from "./checksum.ts";
import { aligned, CHUNK_BYTES, SMALL_RECORD_BYTES } from "./format.ts";

/** A new piece of the log has room for so much at first: most streams are quiet. */
const SEGMENT_BYTES_MIN = 4 * 1024;

/** Bytes of a block that are in memory because they are to be written, or were lately. */
export class Segment {
  readonly block: Block;
  /** Where in the block `buf` starts. */
  readonly base: number;
  buf: Buffer;
  view: DataView;
  /** Filled up to here, in the block. */
  end: number;
  /** Handed to the disk up to here, in the block, for good or for now. */
  written: number;
  /** In the cache, where it counts as what else is in memory of files. */
  readonly entry: CacheEntry;

  /** `release`: lets go of it where memory is short; false: it is still needed. */
  constructor(block: Block, base: number, buf: Buffer, release: (segment: Segment) => boolean) {
    this.entry = new CacheEntry(buf.length, () => release(this));
    this.block = block;
    this.base = base;
    this.buf = buf;
    this.view = viewOf(buf);
    this.end = base;
    this.written = base;
  }

  get capacityEnd(): number {
    return this.base + this.buf.length;
  }
}

/**
 * Where records are put together that are not on the disk yet, in segments of one chunk or one large record. Bytes
 * that were filled in never move within the block, so that a write may go on while more is added.
 */
export class WriteBuffer {
  /** Those that hold something not durable, and the last one; in the order of the log. */
  readonly segments: Segment[] = [];
  #current: Segment | null = null;
  readonly #cache: BlockCache | null;
  readonly #release = (segment: Segment): boolean => {
    if (segment.written < segment.end || segment.end === segment.base) return false;
    this.#forget(segment);
    return true;
  };
  /** Where the reserved bytes lie in memory: `buf`, `view` and the index of the first. */
  buf: Buffer = NOTHING;
  view: DataView = NO_VIEW;
  at = 0;

  /** `cache`: what the memory counts in; null: nothing. */
  constructor(cache: BlockCache | null) {
    this.#cache = cache;
  }

  get current(): Segment | null {
    return this.#current;
  }

  /** The space that must stay free at the end of `block` so that a record of `length` bytes does not cross a chunk. */
  static gapBefore(block: Block, length: number): number {
    const left = CHUNK_BYTES - (block.end % CHUNK_BYTES);
    return length <= left || length > SMALL_RECORD_BYTES ? 0 : left;
  }

  /** Makes room for `length` bytes at the end of `block`, which they now belong to; `buf` and `at` tell where. */
  reserve(block: Block, length: number): number {
    const offset = block.end;
    const size = aligned(length);
    const segment = this.#segmentFor(block, offset, size);
    this.buf = segment.buf;
    this.view = segment.view;
    this.at = offset - segment.base;
    for (let i = length; i < size; i++) segment.buf[this.at + i] = 0;
    segment.end = offset + size;
    block.end = segment.end;
    return offset;
  }

  /** The segment that holds `offset` of `block`; null: none does. */
  find(block: Block, offset: number): Segment | null {
    const { segments } = this;
    for (let i = segments.length - 1; i >= 0; i--) {
      const segment = segments[i];
      if (segment.block === block && offset >= segment.base && offset < segment.end) return segment;
    }
    return null;
  }

  /** Lets go of a segment, which is durable. */
  drop(segment: Segment): void {
    assert(segment.written === segment.end, "what is let go of was written");
    this.#cache?.drop(segment.entry);
    this.#forget(segment);
  }

  clear(): void {
    for (const segment of this.segments) this.#cache?.drop(segment.entry);
    this.segments.length = 0;
    this.#current = null;
  }

  #forget(segment: Segment): void {
    const index = this.segments.indexOf(segment);
    if (index >= 0) this.segments.splice(index, 1);
    if (this.#current === segment) this.#current = null;
  }

  #segmentFor(block: Block, offset: number, size: number): Segment {
    const current = this.#current;
    if (current?.block === block && current.end === offset) {
      if (offset + size <= current.capacityEnd) return current;
      if (this.#grow(current, offset + size)) return current;
    }
    const segment = new Segment(block, offset, this.#memoryFor(offset, size), this.#release);
    this.segments.push(segment);
    this.#current = segment;
    this.#cache?.add(segment.entry);
    return segment;
  }

  /** Doubles a small segment's memory; false: it would reach beyond its chunk. */
  #grow(segment: Segment, end: number): boolean {
    const chunkEnd = chunkEndOf(segment.base);
    if (end > chunkEnd) return false;
    const wanted = Math.max(end - segment.base, segment.buf.length * 2);
    const length = Math.min(chunkEnd - segment.base, wanted);
    const larger = Buffer.allocUnsafeSlow(length);
    segment.buf.copy(larger, 0, 0, segment.end - segment.base);
    segment.buf = larger;
    segment.view = viewOf(larger);
    this.#cache?.resize(segment.entry, larger.length);
    return true;
  }

  #memoryFor(offset: number, size: number): Buffer {
    const room = chunkEndOf(offset) - offset;
    if (size > room) return Buffer.allocUnsafeSlow(size);
    // What has just filled a chunk goes on like that.
    if (this.#current !== null && room === CHUNK_BYTES && this.#cache !== null)
      return this.#cache.takeChunk();
    return Buffer.allocUnsafeSlow(Math.min(room, Math.max(size, SEGMENT_BYTES_MIN)));
  }
}

function chunkEndOf(offset: number): number {
  return offset - (offset % CHUNK_BYTES) + CHUNK_BYTES;
}

const NOTHING = Buffer.alloc(0);
const NO_VIEW = new DataView(new ArrayBuffer(0));
