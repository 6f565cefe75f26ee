import type { BlockCache } from "./block-cache.ts";
import { CacheEntry, ROUNDS_MAX } from "./block-cache.ts";
import type { BlockIndex } from "./block-index.ts";
import { type FileCipher, isCurrent, type StoreKeys } from "./cipher.ts";
import type { BlockBytes, Frames } from "./frames.ts";
import { type BlockHeader, blockName, RECORDS_AT, seedOf } from "./format.ts";
import { LiveBits, type LiveSet } from "./live-set.ts";

/** One file of the log: what is known of it while the store is open. */
export class Block implements BlockBytes {
  readonly header: BlockHeader;
  readonly path: string;
  readonly seed: number;
  /** What the bodies of its messages are encrypted with; null: they are not. */
  readonly cipher: FileCipher | null;
  readonly frames: Frames | null;
  readonly frameCipher: FileCipher | null;
  /** What its records count sequences from; of a block that holds nothing that counts, where it would lie. */
  firstSeq: number;
  /** The last sequence that it holds, or that was left out or lost behind it; `firstSeq - 1`: none yet. */
  lastSeq: number;
  /** Which of its sequences are messages. */
  live: LiveSet = new LiveBits();
  /** What the records of these take up. */
  liveBytes = 0;
  /** Bytes of records, written or not. */
  end = RECORDS_AT;
  /** What lies before was handed to the disk, and what before this one is durable. */
  writtenEnd = 0;
  durableEnd = 0;
  /** The latest time of a message that it ever held. */
  timeMs = -Infinity;
  timeNs = 0;
  /** The last of its messages that came with headers, be it gone by now; 0: none did. */
  headersSeq = 0;
  /** Null: not in memory; `BlockIndexes` brings it. */
  index: BlockIndex | null = null;
  indexEntry: CacheEntry | null = null;
  /** Its file is no longer part of the store. */
  isGone = false;
  /** Pieces of the file in memory, by their number. */
  readonly chunks: (Chunk | null)[] = [];
  /** Checksums of pieces as they were written and had in memory last; -1: not known. */
  readonly sums: number[] = [];

  /** `frames`: null where it is not compressed. */
  constructor(folder: string, header: BlockHeader, cipher: FileCipher | null, frames: Frames | null = null) {
    this.header = header;
    this.path = `${folder}/${blockName(header.number, header.lastNumber, header.generation)}`;
    this.seed = seedOf(header);
    this.cipher = frames === null ? cipher : null;
    this.frames = frames;
    this.frameCipher = frames === null ? null : cipher;
    this.firstSeq = header.firstSeq;
    this.lastSeq = header.firstSeq - 1;
  }

  get number(): number {
    return this.header.number;
  }

  get lastNumber(): number {
    return this.header.lastNumber;
  }

  /** Bytes that compression saves. */
  get savedBytes(): number {
    return this.frames === null ? 0 : this.frames.length - (this.frames.starts.at(-1) ?? 0);
  }

  /** Whether it is encrypted, or plain, as a new one would be. */
  isCurrent(keys: StoreKeys | null): boolean {
    return isCurrent(this.frames === null ? this.cipher : this.frameCipher, keys);
  }

  /** Whether `seq` is a message that is there. */
  has(seq: number): boolean {
    return this.live.has(seq - this.firstSeq);
  }

  /** The time of a message that is added. */
  noteTime(timeMs: number, timeNs: number): void {
    if (timeMs < this.timeMs || (timeMs === this.timeMs && timeNs < this.timeNs)) return;
    this.timeMs = timeMs;
    this.timeNs = timeNs;
  }

  /** Keeps an index in memory for as long as there is room. `isOpen`: it goes on growing, and stays. */
  keepIndex(index: BlockIndex, cache: BlockCache, isOpen: () => boolean): void {
    this.index = index;
    this.indexEntry = new CacheEntry(
      index.bytes,
      () => {
        if (isOpen()) return false;
        this.index = null;
        this.indexEntry = null;
        return true;
        // To make it again the whole block is read: many times its own bytes.
      },
      ROUNDS_MAX,
    );
    cache.add(this.indexEntry);
  }

  /** Lets go of what is in memory of the file. */
  release(cache: BlockCache): void {
    this.isGone = true;
    if (this.indexEntry !== null) cache.drop(this.indexEntry);
    this.index = null;
    this.indexEntry = null;
    for (const chunk of this.chunks) if (chunk !== null) cache.drop(chunk.entry);
    this.chunks.length = 0;
  }
}

/** A piece of a file in memory: `buf[0, length)` is what the file has from a multiple of `CHUNK_BYTES` on. */
export interface Chunk {
  readonly buf: Buffer;
  readonly view: DataView;
  readonly length: number;
  /** It is what this store wrote: it was never read from the disk, or is the same as then. */
  readonly isOwn: boolean;
  readonly entry: CacheEntry;
}
