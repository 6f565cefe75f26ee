import { assert } from "../../base/assert.ts";
import type { Disk } from "../../io/disk.ts";
import type { Block } from "./block.ts";
import type { BlockFile } from "./block-files.ts";
import { WalkedBlock } from "./block-walk.ts";
import { restoreBlock } from "./checkpoint-block.ts";
import type { Checkpoint } from "./checkpoint.ts";
import type { StoreKeys } from "./cipher.ts";
import { type FoundStore, findStore } from "./found-store.ts";
import { aligned, RECORDS_AT } from "./format.ts";
import { readBlockLater } from "./frames.ts";
import { takeIn } from "./recovered-messages.ts";
import { RecoveredRemovals } from "./recovered-removals.ts";
import { RecoveredTime } from "./recovered-time.ts";
import {
  type Gap,
  gapsOf,
  MESSAGE_BYTES_MIN,
  messagesIn,
  missingBlocks,
  noteGap,
  restOfKnown,
} from "./recovery-gaps.ts";
import { setAside } from "./set-aside.ts";
import type { StoreData } from "./store-data.ts";

/** What `recover` found, beside what it put into the `StoreData`. */
export interface Recovered {
  /** Null: there was nothing. */
  readonly storeId: Buffer | null;
  readonly nextNumber: number;
  /** How much of the block before the next one is valid; see `format.ts`. */
  readonly previousLength: number;
  /** Files that others have taken over; they may go. */
  readonly superseded: readonly string[];
  /** A block to go on with: it was closed, not left. */
  readonly open: Block | null;
  /** The checkpoint says all there is, and is as one written now would be. */
  readonly isUntouched: boolean;
}

/** Bytes of blocks that are kept between the two walks. */
const KEPT_BYTES_MAX = 64 * 1024 * 1024;

/**
 * Reads the log of a store into `data`: first all that was removed, then the messages that were not. The same files give
 * the same store always; nothing is changed but that copies of damaged bytes are laid beside them. Rejects with a
 * `DiskError` or a `KeyError`.
 */
export async function recover(
  disk: Disk,
  folder: string,
  keys: StoreKeys | null,
  data: StoreData,
  usesCheckpoint: boolean,
  report: (damage: string) => void,
): Promise<Recovered> {
  const found = await findStore(disk, folder, keys, usesCheckpoint, report);
  const recovery = new Recovery(disk, data, report, found);
  await recovery.run();
  return recovery.result();
}

function isNotErased(): boolean {
  return false;
}

/** One start of a store: what its checkpoint says, and what the log says behind that. */
class Recovery {
  readonly #disk: Disk;
  readonly #data: StoreData;
  readonly #report: (damage: string) => void;
  readonly #found: FoundStore;
  readonly #blocks: readonly Block[];
  readonly #removals = new RecoveredRemovals();
  readonly #time = new RecoveredTime();
  readonly #gaps: Gap[] = [];
  /** Blocks that a checkpoint which is used speaks of. */
  #knownCount = 0;
  /** The first sequence by that checkpoint. */
  #knownFront = 0;
  #lastSeq = 0;
  #keptBytes = 0;
  #isDamaged: boolean;
  /** Messages from this sequence on belong to a batch that is not complete. */
  #voidFrom = Infinity;

  constructor(disk: Disk, data: StoreData, report: (damage: string) => void, found: FoundStore) {
    this.#disk = disk;
    this.#data = data;
    this.#report = report;
    this.#found = found;
    this.#blocks = found.blocks;
    this.#isDamaged = found.log.problems.length > 0;
  }

  async run(): Promise<void> {
    if (this.#found.checkpoint !== null) this.#restore(this.#found.checkpoint);
    const known = this.#knownCount;
    for (const { header } of this.#found.log.files) this.#removals.noteFront(header.frontSeq);
    const last = this.#blocks.at(-1) ?? null;
    // What blocks before say of sequences from there on is void.
    if (last !== null) this.#noteSeq(last, Math.max(last.header.firstSeq - 1, last.header.lastSeq));
    const walked: WalkedBlock[] = [];
    // The last one that is known may have more than is known.
    for (let i = Math.max(0, known - 1); i < this.#blocks.length; i++) {
      const from = i < known ? this.#blocks[i].end : 0;
      if (from < this.#found.log.files[i].size) walked.push(await this.#walk(i, from));
    }
    this.#dropOpenBatch(walked);
    this.#removals.sort();
    this.#removeKnown();
    const limits = this.#limits();
    for (const each of walked) {
      const buf = each.buf ?? (await this.#read(each.block, each.end));
      const limit = limits[this.#blocks.indexOf(each.block)];
      const gaps = takeIn(each, buf, limit, this.#data, this.#removals, this.#time);
      for (const gap of gaps) this.#gaps.push(gap);
    }
    this.#finish();
    if (this.#found.unfit !== null) this.#noteUnfit(this.#found.unfit);
  }

  result(): Recovered {
    const checkpoint = this.#found.checkpoint ?? this.#found.unfit;
    const { files, lastNumber, superseded } = this.#found.log;
    const last = files.at(-1) ?? null;
    const block = this.#blocks.at(-1) ?? null;
    const isWhole = last !== null && last.header.lastNumber === lastNumber;
    // One that was written to after that was not closed again.
    const isKnown = this.#found.checkpoint?.blocks.at(-1)?.end === block?.end;
    const wasClosed =
      this.#found.checkpoint?.isClean === true &&
      this.#found.checkpoint.blocks.length === files.length &&
      isKnown;
    const isOpen =
      isWhole &&
      wasClosed &&
      block !== null &&
      // A header that was cut off is not to have records behind it.
      block.end >= RECORDS_AT &&
      block.end === aligned(block.end) &&
      last.header.generation === 0 &&
      last.size === block.end;
    return {
      storeId: last?.header.storeId ?? checkpoint?.storeId ?? null,
      nextNumber: Math.max(lastNumber + 1, checkpoint?.nextNumber ?? 0),
      // Not known: what an unreadable file may have held.
      previousLength: isWhole && block !== null ? block.end : 0,
      superseded: this.#isDamaged ? [] : superseded,
      open: isOpen ? block : null,
      isUntouched: this.#found.isUntouched,
    };
  }

  /** Takes over what a checkpoint says. */
  #restore(checkpoint: Checkpoint): void {
    const isWhole = checkpoint.readInto(this.#data);
    assert(isWhole, "a checkpoint with the right checksum is whole");
    for (let i = 0; i < checkpoint.blocks.length; i++) {
      restoreBlock(this.#blocks[i], checkpoint.blocks[i]);
      this.#data.addBlock(this.#blocks[i]);
    }
    this.#lastSeq = checkpoint.lastSeq;
    this.#knownCount = checkpoint.blocks.length;
    this.#knownFront = this.#data.state.firstSeq;
    this.#removals.noteFront(this.#knownFront);
  }

  /** Reads a block's records: what they remove, and where its messages lie. */
  async #walk(place: number, from: number): Promise<WalkedBlock> {
    const block = this.#blocks[place];
    const file = this.#found.log.files[place];
    const isLast = place === this.#blocks.length - 1;
    const buf = await this.#read(block, file.size);
    const valid = isLast ? this.#coveredLength(block) : this.#validLength(place, file);
    const walked = new WalkedBlock(block, buf, from, valid, isLast, this.#removals, this.#time);
    this.#noteSeq(block, walked.lastSeq);
    for (const gap of gapsOf(walked, this.#firstBehind(place))) this.#gaps.push(gap);
    for (const damage of walked.damages) this.#setAside(block, buf, damage.from, damage.to);
    this.#keptBytes += buf.length;
    if (this.#keptBytes > KEPT_BYTES_MAX) {
      this.#keptBytes -= buf.length;
      walked.buf = null;
    }
    return walked;
  }

  async #read(block: Block, length: number): Promise<Buffer> {
    const buf = Buffer.allocUnsafeSlow(length);
    const got = await readBlockLater(this.#disk, block, 0, buf, length);
    return got === length ? buf : buf.subarray(0, got);
  }

  /** How many bytes of a block a checkpoint knows to be valid, also one that is not used. */
  #coveredLength(block: Block): number {
    const { blocks } = this.#found.checkpoint ?? this.#found.unfit ?? { blocks: [] };
    const { number, generation } = block.header;
    const known = blocks.find(({ header }) => header.number === number && header.generation === generation);
    return known?.end ?? 0;
  }

  /** How many bytes of a block that is not the last one are valid. */
  #validLength(place: number, file: BlockFile): number {
    const { header } = file;
    if (header.length > 0) return header.length;
    const next = this.#found.log.files[place + 1].header;
    const isNext = next.number === header.lastNumber + 1;
    return isNext && next.previousLength > 0 ? next.previousLength : file.size;
  }

  /** The first sequence that may be in a later block. */
  #firstBehind(place: number): number {
    return this.#blocks[place + 1]?.firstSeq ?? Infinity;
  }

  /** Only a service to people: what it is a copy of stays where it is. */
  #setAside(block: Block, buf: Buffer, from: number, to: number): void {
    if (from >= buf.length) return;
    setAside(this.#disk, block, from, buf.subarray(from, Math.min(to, buf.length))).catch(
      (error: unknown) => {
        const reason = error instanceof Error ? error.message : String(error);
        this.#report(`${block.path}.damaged-${from} can't be written: ${reason}`);
      },
    );
  }

  /** A sequence that was given out, by what a block says; only the last block knows the last one. */
  #noteSeq(block: Block, seq: number): void {
    if (block === this.#blocks.at(-1)) this.#lastSeq = Math.max(this.#lastSeq, seq);
  }

  /** A batch at the end of the log whose last message is not there was never acknowledged. */
  #dropOpenBatch(walked: readonly WalkedBlock[]): void {
    // Where a later block starts at or before the batch, an earlier start has dropped it, and went on in its place.
    let firstBehind = Infinity;
    for (let i = walked.length - 1; i >= 0; i--) {
      const { block, openBatch, closesBatch } = walked[i];
      if (openBatch < firstBehind) this.#voidFrom = Math.min(this.#voidFrom, openBatch);
      if (closesBatch) break;
      firstBehind = Math.min(firstBehind, block.firstSeq);
    }
    this.#lastSeq = Math.min(this.#lastSeq, this.#voidFrom - 1);
  }

  /** Removes what the log removes behind the checkpoint of what that has. */
  #removeKnown(): void {
    if (this.#found.checkpoint === null) return;
    // An erased message is not in its file any more.
    this.#data.isErased = (seq) => this.#removals.has(seq);
    this.#data.forgetRange(0, this.#removals.frontSeq - 1);
    this.#removals.forEach((from, to) => this.#data.forgetRange(from, to));
    for (const seq of this.#removals.kept) this.#data.keep(seq);
    // A function of this place would keep all of this in memory.
    this.#data.isErased = isNotErased;
  }

  /** Per block, the sequence from which on its messages are void: a later block starts there. */
  #limits(): number[] {
    const limits: number[] = [];
    let limit = this.#voidFrom;
    for (let i = this.#blocks.length - 1; i >= 0; i--) {
      limits[i] = limit;
      limit = Math.min(limit, this.#blocks[i].firstSeq);
    }
    return limits;
  }

  #finish(): void {
    const { state, table } = this.#data;
    const last = this.#found.log.files.at(-1) ?? null;
    if (last === null && this.#found.log.lastUnreadableBytes === 0) return;
    this.#passUnreadable();
    this.#takeTime();
    const { frontSeq } = this.#removals;
    state.lastSeq = Math.max(this.#lastSeq, frontSeq - 1);
    state.subjectCount = table.size;
    for (const block of this.#blocks) this.#data.noteFile(block, 1);
    // Where messages were removed, what was lost before them is gone as they are.
    if (frontSeq > this.#knownFront) this.#data.lost.moveFront(frontSeq);
    const missing = missingBlocks(this.#blocks, this.#knownCount, frontSeq, this.#told);
    for (const gap of [...missing, ...this.#gaps]) {
      if (noteGap(gap, this.#removals, this.#data, this.#report)) this.#isDamaged = true;
    }
    state.firstSeq = state.messages === 0 ? 0 : this.#data.blocks.next(0);
    this.#data.advanceFront();
    if (state.messages === 0 && frontSeq > 0) state.firstSeq = Math.max(state.firstSeq, frontSeq);
  }

  /** None of the sequences that a last file had which can't be read is to be given out again. */
  #passUnreadable(): void {
    const { lastUnreadableBytes: bytes, folder, lastNumber } = this.#found.log;
    const wasKnown = this.#found.checkpoint !== null && lastNumber < this.#found.checkpoint.nextNumber;
    if (bytes === 0 || wasKnown) return;
    const after = this.#lastSeq;
    // Only who closed the store knew how many these were.
    const known = this.#found.unfit?.isClean === true ? this.#found.unfit.lastSeq : 0;
    this.#lastSeq = Math.max(after, known > 0 ? known : after + Math.floor(bytes / MESSAGE_BYTES_MIN));
    this.#gaps.push({ after, before: this.#lastSeq + 1, bytes, where: `${folder}: block ${lastNumber}` });
  }

  /** The time of the last message that there ever was: of the log, of the checkpoint, or what the last block says. */
  #takeTime(): void {
    const { state } = this.#data;
    const header = this.#found.log.files.findLast((file) => !Number.isNaN(file.header.timeMs))?.header;
    if (this.#time.seq > 0) {
      state.lastMs = this.#time.ms;
      state.lastNs = this.#time.ns;
    } else if (!state.hasLast && header !== undefined) {
      state.lastMs = header.timeMs;
      state.lastNs = header.timeNs;
    }
    state.hasLast ||= this.#time.seq > 0 || header !== undefined;
  }

  /** A checkpoint that is not used, of this store: what it says was so. */
  get #told(): Checkpoint | null {
    const { unfit, log } = this.#found;
    const storeId = log.files.at(-1)?.header.storeId;
    return unfit !== null && storeId?.equals(unfit.storeId) !== false ? unfit : null;
  }

  /** A checkpoint that is not used says at least how far the store had come. */
  #noteUnfit(checkpoint: Checkpoint): void {
    const { state } = this.#data;
    const { lastSeq } = checkpoint;
    if (lastSeq <= state.lastSeq) return;
    const from = state.lastSeq + 1;
    state.lastSeq = lastSeq;
    const rest =
      this.#told === null
        ? { first: from, last: lastSeq, count: lastSeq - from + 1 }
        : restOfKnown(messagesIn(checkpoint, from, lastSeq), this.#removals);
    if (rest === null) return this.#data.advanceFront();
    const { first, last, count } = rest;
    this.#report(`${count} messages from ${first} to ${last} are lost or were removed`);
    this.#data.noteLost(first, last, count, 0);
  }
}
