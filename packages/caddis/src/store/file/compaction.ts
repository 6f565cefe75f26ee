import type { Clock } from "../../io/clock.ts";
import type { Disk } from "../../io/disk.ts";
import type { Random } from "../../io/random.ts";
import { Block } from "./block.ts";
import { BlockIndex } from "./block-index.ts";
import { scanBlock } from "./block-scan.ts";
import { viewOf } from "./checksum.ts";
import { checkOf, type FileCipher, newCipher, type StoreKeys } from "./cipher.ts";
import {
  type BlockHeader,
  BLOCK_BYTES_MAX,
  BLOCK_BYTES_MIN,
  encodeHeader,
  FLAG_COMPACTED,
  FLAG_COMPRESSED,
  KIND_KEPT,
  KIND_MESSAGE,
  KIND_REMOVED,
  RECORDS_AT,
} from "./format.ts";
import { compressBlock, readBlockLater } from "./frames.ts";
import { LiveList } from "./live-set.ts";
import { LogWriter } from "./log-writer.ts";
import { decodeRanges, NewMessage, RangeEncoder } from "./records.ts";
import type { StoreData } from "./store-data.ts";
import { WriteBuffer } from "./write-buffer.ts";

/** A block with less than this share of live bytes is worth copying. */
const LIVE_SHARE_MIN = 0.5;
/** So many small blocks in a row are made one, however live. */
const SMALL_BLOCKS_MIN = 8;
/** Sequences that one compacted block may cover: distances must fit 32 bits. */
const SPAN_MAX = 2 ** 31;
/** Bytes copied between two looks at what else is to be done. */
const SLICE_BYTES = 128 * 1024;

/** A store, for those who work on its files. */
export interface StoreContext {
  readonly disk: Disk;
  readonly folder: string;
  readonly data: StoreData;
  readonly keys: StoreKeys | null;
  readonly random: Random;
  readonly clock: Clock;
  /** Whether what is copied is compressed. */
  readonly compresses: () => boolean;
}

/** Adjacent blocks, by their places, that are to become one. */
export interface CompactionRun {
  readonly place: number;
  readonly count: number;
}

/** What compaction makes of a run. */
export interface Compacted {
  readonly block: Block;
  readonly index: BlockIndex;
  /** The file's content. */
  readonly content: Buffer;
}

/** The next run of blocks that is worth being compacted, from `place` on; null: none is. `isStable`: it is all on the disk;
 * `isWanted`: it is to be copied in any case. */
export function nextRun(
  data: StoreData,
  place: number,
  isStable: (block: Block) => boolean,
  isWanted: (block: Block) => boolean,
): CompactionRun | null {
  const { blocks } = data;
  for (let start = place; start < blocks.length;) {
    let end = start;
    let live = 0;
    let bytes = 0;
    let wanted = false;
    for (; end < blocks.length; end++) {
      const block = blocks.at(end);
      const isPoor = block.liveBytes < block.end * LIVE_SHARE_MIN;
      const isSmall = block.end < BLOCK_BYTES_MIN;
      if (!isStable(block) || !(isPoor || isSmall || isWanted(block))) break;
      wanted ||= isWanted(block);
      if (live + block.liveBytes > BLOCK_BYTES_MAX || block.lastSeq - blocks.at(start).firstSeq > SPAN_MAX)
        break;
      live += block.liveBytes;
      bytes += block.end;
    }
    const isWorthIt = wanted || live < bytes * LIVE_SHARE_MIN || end - start >= SMALL_BLOCKS_MIN;
    if (end > start && isWorthIt) return { place: start, count: end - start };
    start = Math.max(end, start + 1);
  }
  return null;
}

/**
 * Copies what is live in a run of blocks, and what they say about older blocks that still matters, to a new file's
 * content. The store goes on meanwhile: what is removed then stays in the copy, and its removal in the log. Null:
 * something can't be read; the blocks stay as they are.
 */
export async function compact(context: StoreContext, run: CompactionRun): Promise<Compacted | null> {
  const { disk, data, clock } = context;
  const blocks = Array.from({ length: run.count }, (_, i) => data.blocks.at(run.place + i));
  const older = Array.from({ length: run.place }, (_, i) => data.blocks.at(i));
  const copy = new Copy(context, blocks, older);
  for (const block of blocks) {
    const buf = Buffer.allocUnsafeSlow(block.end);
    const length = await readBlockLater(disk, block, 0, buf, block.end);
    if (length < block.end || !(await copy.takeIn(block, buf, clock))) return null;
  }
  return copy.finish(() => nextTurn(clock));
}

function nextTurn(clock: Clock): Promise<void> {
  return new Promise((resolve) => clock.nextTurn(resolve));
}

class Copy {
  readonly #data: StoreData;
  readonly #blocks: readonly Block[];
  readonly #older: readonly Block[];
  readonly #folder: string;
  readonly #writer: LogWriter;
  readonly #buffer = new WriteBuffer(null);
  readonly #header: BlockHeader;
  readonly #block: Block;
  readonly #index = new BlockIndex();
  readonly #rels: number[] = [];
  readonly #ranges = new RangeEncoder();
  readonly #message = new NewMessage();
  readonly #compresses: boolean;
  readonly #cipher: FileCipher | null;
  #lastRangeEnd = 0;

  constructor(
    { folder, data, keys, random, compresses }: StoreContext,
    blocks: readonly Block[],
    older: readonly Block[],
  ) {
    this.#folder = folder;
    this.#data = data;
    this.#blocks = blocks;
    this.#older = older;
    const salt = Buffer.from(random.bytes(16));
    const cipher = newCipher(keys, salt);
    this.#cipher = cipher;
    this.#compresses = compresses();
    const first = blocks[0];
    const last = blocks[blocks.length - 1];
    this.#header = {
      ...first.header,
      flags: FLAG_COMPACTED | (this.#compresses ? FLAG_COMPRESSED : 0) | (cipher === null ? 0 : cipher.flag),
      lastNumber: last.lastNumber,
      generation: Math.max(...blocks.map(({ header }) => header.generation)) + 1,
      firstSeq: first.firstSeq,
      frontSeq: first.header.frontSeq,
      lastSeq: last.lastSeq,
      salt,
      keyCheck: checkOf(cipher),
    };
    // What is compressed is encrypted afterwards.
    this.#block = new Block(folder, this.#header, this.#compresses ? null : cipher);
    this.#block.lastSeq = last.lastSeq;
    this.#writer = new LogWriter(folder, keys, random, first.header.storeId, this.#buffer, noFacts, 0, 0, 0);
    this.#block.end = 0;
    this.#buffer.reserve(this.#block, RECORDS_AT);
  }

  /** Copies what matters of one block. False: it can't be read. */
  async takeIn(block: Block, buf: Buffer, clock: Clock): Promise<boolean> {
    const view = viewOf(buf);
    const records: number[] = [];
    const scan = scanBlock(buf, block.end, 0, block.seed, (kind, offset) => {
      if (kind === KIND_MESSAGE || kind === KIND_REMOVED || kind === KIND_KEPT) records.push(offset);
    });
    if (scan.damages.length > 0) return false;
    let wasLive = 0;
    let slice = this.#block.end;
    for (const offset of records) {
      if (this.#block.end - slice > SLICE_BYTES) {
        slice = this.#block.end;
        await nextTurn(clock);
      }
      const kind = buf[offset + 12];
      if (kind === KIND_REMOVED) {
        decodeRanges(buf, view, offset, (from, to) => this.#noteRemoved(from, to));
        this.#endRanges();
      } else if (kind === KIND_KEPT) {
        this.#noteKept(view.getFloat64(offset + 16, true));
      } else {
        const isCopied = this.#copy(block, buf, view, offset);
        if (isCopied === null) return false;
        if (isCopied) wasLive++;
      }
    }
    return wasLive >= block.live.count;
  }

  async finish(pause: () => Promise<void>): Promise<Compacted> {
    const header = { ...this.#header, length: this.#block.end, messages: this.#rels.length };
    const content = Buffer.concat(
      this.#buffer.segments.map((segment) => segment.buf.subarray(0, segment.end - segment.base)),
    );
    encodeHeader(header, content.subarray(0, RECORDS_AT));
    const packed = this.#compresses ? await compressBlock(content, this.#cipher, pause) : null;
    const block = new Block(this.#folder, header, this.#cipher, packed?.frames ?? null);
    block.end = content.length;
    block.writtenEnd = content.length;
    block.durableEnd = content.length;
    block.lastSeq = this.#block.lastSeq;
    for (const { timeMs, timeNs, headersSeq } of this.#blocks) {
      block.noteTime(timeMs, timeNs);
      block.headersSeq = Math.max(block.headersSeq, headersSeq);
    }
    block.live = new LiveList(Uint32Array.from(this.#rels));
    return { block, index: this.#index, content: packed?.file ?? content };
  }

  /** Null: it can't be read. */
  #copy(block: Block, buf: Buffer, view: DataView, offset: number): boolean | null {
    const seq = block.header.firstSeq + view.getUint32(offset + 16, true);
    const { record, kept } = this.#data;
    if (!block.has(seq)) return false;
    if (!record.read(buf, view, offset, offset, block.cipher, true)) return null;
    const message = this.#message;
    message.seq = seq;
    message.subject = record.subject;
    message.buf = record.buf;
    message.headersStart = record.headersStart;
    message.payloadStart = record.payloadStart;
    message.payloadEnd = record.payloadEnd;
    message.timeMs = record.timeMs;
    message.timeNs = record.timeNs;
    message.expiresMs = kept.has(seq) ? 0 : record.dueMs;
    const { hasHeaders } = record;
    this.#writer.message(this.#block, message);
    const rel = seq - this.#block.firstSeq;
    const id = this.#data.table.idOf(message.subject);
    this.#index.add(rel, this.#writer.offset, this.#writer.length, id, hasHeaders, message.expiresMs !== 0);
    this.#rels.push(rel);
    return true;
  }

  /** A removal matters as long as an older block has the message. */
  #noteRemoved(from: number, to: number): void {
    for (const block of this.#older) {
      if (block.lastSeq < from || block.firstSeq > to) continue;
      const start = Math.max(from, block.firstSeq);
      const end = Math.min(to, block.lastSeq);
      if (!(block.live instanceof LiveList)) this.#addRange(start, end);
      else {
        for (let seq = start; seq <= end; seq++) {
          if (block.live.had(seq - block.firstSeq)) this.#addRange(seq, seq);
        }
      }
    }
  }

  #addRange(from: number, to: number): void {
    if (this.#ranges.isFull || from <= this.#lastRangeEnd) this.#endRanges();
    this.#ranges.add(from, to);
    this.#lastRangeEnd = to;
  }

  #endRanges(): void {
    if (this.#ranges.count > 0) this.#writer.removed(this.#block, this.#ranges);
    this.#ranges.clear();
    this.#lastRangeEnd = 0;
  }

  #noteKept(seq: number): void {
    if (seq < this.#block.firstSeq && this.#data.kept.has(seq)) {
      this.#writer.number(this.#block, KIND_KEPT, seq);
    }
  }
}

function noFacts(): never {
  throw new Error("a copy begins no block");
}
