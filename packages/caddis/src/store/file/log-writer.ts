import type { Random } from "../../io/random.ts";
import { Block } from "./block.ts";
import { checkOf, newCipher, type StoreKeys } from "./cipher.ts";
import {
  aligned,
  BLOCK_BYTES_MAX,
  BLOCK_GAP_MAX,
  BLOCK_SPAN_MAX,
  encodeHeader,
  KIND_FILLER,
  KIND_REMOVED,
  NUMBER_RECORD_BYTES,
  RECORD_BYTES_MIN,
  RECORDS_AT,
} from "./format.ts";
import { encodeMessage, finishRecord, messageLength, type NewMessage, type RangeEncoder } from "./records.ts";
import { WriteBuffer } from "./write-buffer.ts";

/** A block holds about this share of what is live, within its bounds: so a stream with a small limit stays small on disk. */
const LIVE_SHARE = 8;
/** Where the ranges of a `removed` record start. */
const RANGES_AT = 28;

/** What a new block says of the store. */
export interface LogFacts {
  /** All messages before it are gone. */
  readonly frontSeq: number;
  readonly timeMs: number;
  readonly timeNs: number;
  /** Bytes of live records. */
  readonly liveBytes: number;
}

/** Puts records at the end of the log, in memory: begins blocks, encodes. Nothing here waits. */
export class LogWriter {
  readonly #folder: string;
  readonly #keys: StoreKeys | null;
  readonly #random: Random;
  readonly #storeId: Buffer;
  readonly #facts: () => LogFacts;
  readonly buffer: WriteBuffer;
  #block: Block | null = null;
  #previousLength: number;
  #nextNumber: number;
  readonly #blockBytesMin: number;
  #blockBytes: number;
  /** Bytes that were put into the log. */
  loggedBytes = 0;
  /** The place of the latest record in its block, and its length. */
  offset = 0;
  length = 0;

  /** `facts`: as they are when a block begins. `nextNumber`: of the next block; `previousLength`: of the one before it. */
  constructor(
    folder: string,
    keys: StoreKeys | null,
    random: Random,
    storeId: Buffer,
    buffer: WriteBuffer,
    facts: () => LogFacts,
    nextNumber: number,
    previousLength: number,
    blockBytesMin: number,
  ) {
    this.#blockBytesMin = blockBytesMin;
    this.#blockBytes = blockBytesMin;
    this.#folder = folder;
    this.#keys = keys;
    this.#random = random;
    this.#storeId = storeId;
    this.buffer = buffer;
    this.#facts = facts;
    this.#nextNumber = nextNumber;
    this.#previousLength = previousLength;
  }

  /** Of the next block. */
  get nextNumber(): number {
    return this.#nextNumber;
  }

  get storeId(): Buffer {
    return this.#storeId;
  }

  /** The block that is written to; null: none was begun yet. */
  get block(): Block | null {
    return this.#block;
  }

  /** Whether a block that is there may be gone on with: it is as a new one would be. */
  canContinue(block: Block): boolean {
    const cipher = this.#keys === null ? null : newCipher(this.#keys, block.header.salt);
    return checkOf(cipher).equals(block.header.keyCheck) && (cipher?.flag ?? 0) === block.header.flags;
  }

  /** Goes on with a block that is there. */
  continue(block: Block, liveBytes: number): void {
    this.#block = block;
    this.#nextNumber = block.number + 1;
    this.#blockBytes = this.#blockBytesFor(liveBytes);
  }

  /** Whether a message with this sequence wants a new block. */
  isFullFor(seq: number): boolean {
    const block = this.#block;
    if (block === null || block.end >= this.#blockBytes) return true;
    return seq - block.firstSeq >= BLOCK_SPAN_MAX || seq - block.lastSeq > BLOCK_GAP_MAX;
  }

  /** Begins a block whose first sequence is `seq`. */
  begin(seq: number): Block {
    const facts = this.#facts();
    const salt = Buffer.from(this.#random.bytes(16));
    const cipher = newCipher(this.#keys, salt);
    const header = {
      flags: cipher === null ? 0 : cipher.flag,
      number: this.#nextNumber,
      lastNumber: this.#nextNumber,
      generation: 0,
      previousLength: this.#block === null ? this.#previousLength : this.#block.end,
      firstSeq: seq,
      frontSeq: Math.min(facts.frontSeq, seq),
      timeMs: facts.timeMs,
      timeNs: facts.timeNs,
      length: 0,
      lastSeq: 0,
      messages: 0,
      storeId: this.#storeId,
      salt,
      keyCheck: checkOf(cipher),
    };
    const block = new Block(this.#folder, header, cipher);
    block.end = 0;
    this.buffer.reserve(block, RECORDS_AT);
    this.loggedBytes += RECORDS_AT;
    encodeHeader(header, this.buffer.buf.subarray(this.buffer.at, this.buffer.at + RECORDS_AT));
    this.#block = block;
    this.#nextNumber++;
    this.#blockBytes = this.#blockBytesFor(facts.liveBytes);
    return block;
  }

  /** Adds a message to the block; `offset` and `length` tell where. */
  message(block: Block, message: NewMessage): void {
    const length = messageLength(message, block.cipher !== null);
    this.#reserve(block, length);
    const { buf, view, at } = this.buffer;
    encodeMessage(message, block.firstSeq, buf, view, at);
    this.#finish(block, length);
  }

  /** Adds a record that carries one number. */
  number(block: Block, kind: number, value: number): void {
    this.#reserve(block, NUMBER_RECORD_BYTES);
    const { view, at } = this.buffer;
    view.setUint32(at + 12, kind, true);
    view.setFloat64(at + 16, value, true);
    this.#finish(block, NUMBER_RECORD_BYTES);
  }

  /** Adds a record that says nothing but what was durable when it was written. */
  mark(block: Block): void {
    this.#reserve(block, RECORD_BYTES_MIN);
    const { view, at } = this.buffer;
    view.setUint32(at + 12, KIND_FILLER, true);
    this.#finish(block, RECORD_BYTES_MIN);
  }

  removed(block: Block, ranges: RangeEncoder): void {
    const length = RANGES_AT + ranges.length;
    this.#reserve(block, length);
    const { buf, view, at } = this.buffer;
    view.setUint32(at + 12, KIND_REMOVED, true);
    view.setFloat64(at + 16, ranges.firstSeq, true);
    view.setUint32(at + 24, ranges.count, true);
    ranges.bytes.copy(buf, at + RANGES_AT, 0, ranges.length);
    this.#finish(block, length);
  }

  #reserve(block: Block, length: number): void {
    const gap = WriteBuffer.gapBefore(block, aligned(length));
    if (gap > 0) this.#fill(block, gap);
    this.loggedBytes += gap + aligned(length);
    this.offset = this.buffer.reserve(block, length);
    this.length = length;
  }

  /** Less than a record needs stays as it is: zeros at the end of a chunk. */
  #fill(block: Block, gap: number): void {
    const offset = this.buffer.reserve(block, gap);
    const { buf, view, at } = this.buffer;
    buf.fill(0, at, at + gap);
    if (gap < RECORD_BYTES_MIN) return;
    buf[at + 12] = KIND_FILLER;
    finishRecord(buf, view, at, gap, offset, block.durableEnd, block.seed, null);
  }

  #finish(block: Block, length: number): void {
    const { buf, view, at } = this.buffer;
    finishRecord(buf, view, at, length, this.offset, block.durableEnd, block.seed, block.cipher);
  }

  #blockBytesFor(liveBytes: number): number {
    return Math.min(BLOCK_BYTES_MAX, Math.max(this.#blockBytesMin, liveBytes / LIVE_SHARE));
  }
}
