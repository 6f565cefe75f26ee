import { assert } from "../../base/assert.ts";
import type { Disk } from "../../io/disk.ts";
import { Block } from "./block.ts";
import { type BlockFile, type BlockFiles, findBlockFiles } from "./block-files.ts";
import { BlockIndex } from "./block-index.ts";
import { type Damage, type Scan, scanBlock } from "./block-scan.ts";
import { type Checkpoint, CHECKPOINT_NAME, decodeCheckpoint, namesIn } from "./checkpoint.ts";
import { viewOf } from "./checksum.ts";
import { cipherOf, type StoreKeys } from "./cipher.ts";
import {
  aligned,
  KIND_ERASED,
  KIND_FRONT,
  KIND_KEPT,
  KIND_MESSAGE,
  KIND_REMOVED,
  KIND_SKIP,
  MESSAGE_BATCH,
  MESSAGE_FIXED_BYTES,
  nanosecondsOf,
} from "./format.ts";
import { readBlockLater } from "./frames.ts";
import { LiveBits, LiveList } from "./live-set.ts";
import { RecoveredRemovals } from "./recovered-removals.ts";
import { decodeRanges } from "./records.ts";
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
}

/** Sequences that were in bytes that can't be read. */
interface Gap {
  readonly after: number;
  readonly before: number;
  readonly bytes: number;
  readonly where: string;
}

/** A block that was walked through. */
interface Walked {
  readonly block: Block;
  /** Its messages: where each record lies, ascending. */
  readonly offsets: number[];
  readonly seqs: number[];
  /** Where a batch begins whose end is not in this block; Infinity: there is none. */
  openBatch: number;
  /** Some message in it is the last of its batch, or of none. */
  closesBatch: boolean;
  /** Where its records end. */
  end: number;
  /** Its bytes, where they are few; null: to be read again. */
  buf: Buffer | null;
}

/** Bytes of blocks that are kept between the two walks. */
const KEPT_BYTES_MAX = 64 * 1024 * 1024;
/** The smallest message. */
const MESSAGE_BYTES_MIN = MESSAGE_FIXED_BYTES;

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
  const checkpoint = await readCheckpoint(disk, folder, keys, report);
  const names = checkpoint === null ? new Set<string>() : namesIn(checkpoint);
  const found = await findBlockFiles(disk, folder, names);
  // All keys are looked for before anything else is done.
  const blocks = found.files.map(({ header, name, frames }) => {
    const path = `${folder}/${name}`;
    const cipher = cipherOf(keys, header.flags, header.salt, header.keyCheck, path);
    return new Block(folder, header, cipher, frames);
  });
  for (const problem of found.problems) report(problem);
  const isFit = checkpoint !== null && fits(checkpoint, [...names], found.files);
  if (checkpoint !== null && !isFit)
    report(`${folder}: the checkpoint speaks of other blocks than there are`);
  const recovery = new Recovery(disk, data, report, found, blocks, checkpoint, isFit && usesCheckpoint);
  await recovery.run();
  return recovery.result();
}

/** Null: there is none that can be read. */
async function readCheckpoint(
  disk: Disk,
  folder: string,
  keys: StoreKeys | null,
  report: (damage: string) => void,
): Promise<Checkpoint | null> {
  const path = `${folder}/${CHECKPOINT_NAME}`;
  const size = disk.size(path);
  if (size < 0) return null;
  const buf = Buffer.allocUnsafeSlow(size);
  const length = await disk.readLater(path, 0, buf, 0, size);
  const checkpoint = decodeCheckpoint(buf.subarray(0, length), keys, path);
  if (checkpoint === null) report(`${path} can't be read: all blocks are read instead`);
  return checkpoint;
}

/** Whether the first of `files` are what a checkpoint speaks of. */
function fits(checkpoint: Checkpoint, names: readonly string[], files: readonly BlockFile[]): boolean {
  return names.every((name, i) => {
    const file = files[i];
    return (
      file?.name === name &&
      file.size >= checkpoint.blocks[i].end &&
      file.header.storeId.equals(checkpoint.storeId)
    );
  });
}

class Recovery {
  readonly #disk: Disk;
  readonly #data: StoreData;
  readonly #report: (damage: string) => void;
  readonly #found: BlockFiles;
  readonly #blocks: readonly Block[];
  readonly #removals = new RecoveredRemovals();
  readonly #gaps: Gap[] = [];
  #lastSeq = 0;
  #keptBytes = 0;
  #isDamaged: boolean;
  /** The last message whose time was seen. */
  #timeSeq = 0;
  #timeMs = 0;
  #timeNs = 0;
  /** Messages from this sequence on belong to a batch that is not complete. */
  #voidFrom = Infinity;
  /** What is known already, of the first blocks; null: nothing. */
  readonly #checkpoint: Checkpoint | null;
  /** One that is not used. */
  readonly #unfit: Checkpoint | null;

  constructor(
    disk: Disk,
    data: StoreData,
    report: (damage: string) => void,
    found: BlockFiles,
    blocks: readonly Block[],
    checkpoint: Checkpoint | null,
    isFit: boolean,
  ) {
    this.#checkpoint = isFit ? checkpoint : null;
    this.#unfit = isFit ? null : checkpoint;
    this.#isDamaged = found.problems.length > 0;
    this.#disk = disk;
    this.#data = data;
    this.#report = report;
    this.#found = found;
    this.#blocks = blocks;
  }

  async run(): Promise<void> {
    const known = this.#checkpoint === null ? 0 : this.#restore(this.#checkpoint);
    const walked: Walked[] = [];
    for (const { header } of this.#found.files) this.#noteFront(header.frontSeq);
    const last = this.#blocks.at(-1) ?? null;
    // What blocks before say of sequences from there on is void.
    if (last !== null) this.#noteSeq(last, Math.max(last.header.firstSeq - 1, last.header.lastSeq));
    // The last one that is known may have more than is known.
    for (let i = Math.max(0, known - 1); i < this.#blocks.length; i++) {
      const from = i < known ? this.#blocks[i].end : 0;
      if (from < this.#found.files[i].size) walked.push(await this.#walk(i, from));
    }
    this.#dropOpenBatch(walked);
    this.#removals.sort();
    this.#removeKnown();
    const limits = this.#limits();
    for (const each of walked) await this.#takeIn(each, limits[this.#blocks.indexOf(each.block)]);
    this.#finish();
    if (this.#unfit !== null) this.#noteUnfit(this.#unfit);
  }

  /** Takes over what a checkpoint says; returns of how many blocks. */
  #restore(checkpoint: Checkpoint): number {
    const isWhole = checkpoint.readInto(this.#data);
    assert(isWhole, "a checkpoint with the right checksum is whole");
    for (let i = 0; i < checkpoint.blocks.length; i++) {
      const block = this.#blocks[i];
      const known = checkpoint.blocks[i];
      block.firstSeq = known.firstSeq;
      block.lastSeq = known.lastSeq;
      block.live = known.live;
      block.liveBytes = known.liveBytes;
      block.timeMs = known.timeMs;
      block.timeNs = known.timeNs;
      block.end = known.end;
      block.writtenEnd = known.end;
      block.durableEnd = known.end;
      this.#data.addBlock(block);
    }
    this.#lastSeq = checkpoint.lastSeq;
    this.#noteFront(this.#data.state.firstSeq);
    return checkpoint.blocks.length;
  }

  /** Removes what the log removes behind the checkpoint of what that has. */
  #removeKnown(): void {
    if (this.#checkpoint === null) return;
    // An erased message is not in its file any more.
    this.#data.isErased = (seq) => this.#removals.has(seq);
    this.#data.forgetRange(0, this.#removals.frontSeq - 1);
    this.#removals.forEach((from, to) => this.#data.forgetRange(from, to));
    for (const seq of this.#removals.kept) this.#data.keep(seq);
    this.#data.isErased = () => false;
  }

  /** A checkpoint that is not used says at least how far the store had come. */
  #noteUnfit(checkpoint: Checkpoint): void {
    const { state } = this.#data;
    if (checkpoint.lastSeq <= state.lastSeq) return;
    const from = state.lastSeq + 1;
    const count = checkpoint.lastSeq - state.lastSeq;
    this.#report(`${count} messages from ${from} to ${checkpoint.lastSeq} are lost or were removed`);
    state.lastSeq = checkpoint.lastSeq;
    this.#data.noteLost(from, checkpoint.lastSeq, count, 0);
  }

  result(): Recovered {
    const checkpoint = this.#checkpoint ?? this.#unfit;
    const { files, lastNumber, superseded } = this.#found;
    const last = files.at(-1) ?? null;
    const block = this.#blocks.at(-1) ?? null;
    const isWhole = last !== null && last.header.lastNumber === lastNumber;
    const wasClosed = this.#checkpoint?.isClean === true && this.#checkpoint.blocks.length === files.length;
    const isOpen =
      isWhole &&
      wasClosed &&
      block !== null &&
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
    };
  }

  /** A sequence that was given out, by what a block says; only the last block knows the last one. */
  #noteSeq(block: Block, seq: number): void {
    if (block === this.#blocks.at(-1)) this.#lastSeq = Math.max(this.#lastSeq, seq);
  }

  #noteFront(seq: number): void {
    this.#removals.frontSeq = Math.max(this.#removals.frontSeq, seq);
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

  async #read(block: Block, length: number): Promise<Buffer> {
    const buf = Buffer.allocUnsafeSlow(length);
    const got = await readBlockLater(this.#disk, block, 0, buf, length);
    return got === length ? buf : buf.subarray(0, got);
  }

  /** Reads a block's records: what they remove, and where its messages lie. */
  async #walk(place: number, from: number): Promise<Walked> {
    const block = this.#blocks[place];
    const file = this.#found.files[place];
    const isLast = place === this.#blocks.length - 1;
    const buf = await this.#read(block, file.size);
    const known = isLast ? this.#coveredLength(block) : this.#validLength(place, file);
    const valid = isLast ? Math.max(known, cutOf(buf, block.seed, from, known)) : known;
    const length = Math.min(buf.length, valid);
    const view = viewOf(buf);
    const walked: Walked = {
      block,
      offsets: [],
      seqs: [],
      openBatch: Infinity,
      closesBatch: false,
      end: 0,
      buf: null,
    };
    /** Where sequences stand, for what lies in between: as `offsets`, with skips. */
    const marks: { offset: number; seq: number }[] = [];
    const scan = scanBlock(buf, length, from, block.seed, (kind, offset) => {
      const hasSeq = kind === KIND_MESSAGE || kind === KIND_ERASED;
      const seq = hasSeq ? block.header.firstSeq + view.getUint32(offset + 16, true) : 0;
      if (hasSeq) noteBatch(walked, seq, buf, view, offset);
      if (kind === KIND_MESSAGE) {
        walked.offsets.push(offset);
        walked.seqs.push(seq);
      } else if (kind === KIND_SKIP) {
        marks.push({ offset, seq: view.getFloat64(offset + 16, true) - 1 });
      } else if (kind === KIND_ERASED) {
        marks.push({ offset, seq });
        this.#noteTime(
          seq,
          view.getFloat64(offset + 24, true),
          nanosecondsOf(view.getUint32(offset + 20, true)),
        );
      } else {
        this.#noteRemoval(block, kind, buf, view, offset);
      }
    });
    for (const { seq } of marks) this.#noteSeq(block, seq);
    for (const seq of walked.seqs) this.#noteSeq(block, seq);
    // The zeros behind the last record may be missing.
    const end = isLast ? Math.max(known, Math.min(scan.end, file.size)) : known;
    walked.end = Math.min(end, file.size);
    this.#noteDamages(walked, marks, scan, end, place, buf);
    if (this.#keptBytes + buf.length <= KEPT_BYTES_MAX) {
      this.#keptBytes += buf.length;
      walked.buf = buf;
    }
    return walked;
  }

  /** How many bytes of a block a checkpoint knows to be valid, also one that is not used. */
  #coveredLength(block: Block): number {
    const { blocks } = this.#checkpoint ?? this.#unfit ?? { blocks: [] };
    const { number, generation } = block.header;
    return blocks.find((known) => known.number === number && known.generation === generation)?.end ?? 0;
  }

  /** How many bytes of a block that is not the last one are valid. */
  #validLength(place: number, file: BlockFile): number {
    const { header } = file;
    if (header.length > 0) return header.length;
    const next = this.#found.files[place + 1].header;
    const isNext = next.number === header.lastNumber + 1;
    return isNext && next.previousLength > 0 ? next.previousLength : file.size;
  }

  #noteRemoval(block: Block, kind: number, buf: Buffer, view: DataView, offset: number): void {
    if (kind === KIND_REMOVED) {
      decodeRanges(buf, view, offset, (from, to) => {
        this.#removals.add(from, to);
        // Its own record may be gone: it was being erased.
        this.#noteSeq(block, to);
      });
    } else if (kind === KIND_FRONT) {
      this.#noteFront(view.getFloat64(offset + 16, true));
    } else if (kind === KIND_KEPT) {
      this.#removals.kept.add(view.getFloat64(offset + 16, true));
    }
  }

  /** Notes what can't be read, and lays copies of it aside. */
  #noteDamages(
    walked: Walked,
    marks: readonly { offset: number; seq: number }[],
    scan: Scan,
    end: number,
    place: number,
    buf: Buffer,
  ): void {
    const { block, offsets, seqs } = walked;
    const damages: Damage[] = [...scan.damages];
    if (scan.end < end) damages.push({ from: scan.end, to: end });
    for (const { from, to } of damages) {
      let after = Math.max(block.firstSeq - 1, block.lastSeq);
      let before = to >= end ? this.#firstBehind(place) : Infinity;
      for (let i = 0; i < offsets.length && offsets[i] < from; i++) after = seqs[i];
      for (let i = offsets.length - 1; i >= 0 && offsets[i] >= to; i--) before = Math.min(before, seqs[i]);
      for (const mark of marks) {
        if (mark.offset < from) after = Math.max(after, mark.seq);
        else before = Math.min(before, mark.seq + 1);
      }
      if (before === Infinity) before = this.#firstBehind(place);
      const where = `${block.path}, bytes ${from} to ${to}`;
      this.#gaps.push({ after, before, bytes: to - from, where });
      if (from < buf.length) this.#quarantine(block, from, buf.subarray(from, Math.min(to, buf.length)));
    }
  }

  /** The first sequence that may be in a later block. */
  #firstBehind(place: number): number {
    const next = this.#blocks[place + 1];
    return next === undefined ? Infinity : next.firstSeq;
  }

  #quarantine(block: Block, from: number, bytes: Buffer): void {
    const path = `${block.path}.damaged-${from}`;
    if (this.#disk.size(path) >= 0) return;
    // Only a service to people: what it is a copy of stays where it is.
    this.#disk.replace(path, bytes).catch((error: unknown) => {
      this.#report(`${path} can't be written: ${error instanceof Error ? error.message : String(error)}`);
    });
  }

  /** A batch at the end of the log whose last message is not there was never acknowledged. */
  #dropOpenBatch(walked: readonly Walked[]): void {
    for (let i = walked.length - 1; i >= 0; i--) {
      const { openBatch, closesBatch } = walked[i];
      this.#voidFrom = Math.min(this.#voidFrom, openBatch);
      if (closesBatch) break;
    }
    this.#lastSeq = Math.min(this.#lastSeq, this.#voidFrom - 1);
  }

  /** Takes the messages of a block in that are still there. */
  async #takeIn(walked: Walked, limitSeq: number): Promise<void> {
    const { block, offsets, seqs } = walked;
    const buf = walked.buf ?? (await this.#read(block, walked.end));
    const view = viewOf(buf);
    const { table, record, kept, expiries } = this.#data;
    const isKnown = this.#data.blocks.last === block;
    // Of one that is known in part, only if it is at hand: else it is made when it is needed.
    const index = isKnown ? block.index : new BlockIndex();
    if (!isKnown) {
      block.firstSeq = Math.min(block.firstSeq, limitSeq);
      block.lastSeq = block.firstSeq - 1;
      this.#data.addBlock(block);
    }
    const rels: number[] = [];
    for (let i = 0; i < offsets.length; i++) {
      const seq = seqs[i];
      const offset = offsets[i];
      const length = view.getUint32(offset, true);
      const isLive = seq < limitSeq && !this.#removals.has(seq);
      if (!record.read(buf, view, offset, offset, block.cipher, isLive)) {
        this.#gaps.push({
          after: seq - 1,
          before: seq + 1,
          bytes: length,
          where: `${block.path} at ${offset}`,
        });
        continue;
      }
      if (seq >= limitSeq) continue;
      block.lastSeq = seq;
      const { hasHeaders, dueMs } = record;
      let id = 0;
      if (isLive) {
        id = table.intern(record.subject);
        table.addTo(id, seq);
        rels.push(seq - block.firstSeq);
        this.#data.countLive(block, seq, length, hasHeaders, dueMs !== 0, record.timeMs, record.timeNs);
        if (dueMs !== 0 && this.#removals.kept.has(seq)) kept.add(seq);
        else if (dueMs !== 0) expiries.add(dueMs, seq);
      } else {
        block.noteTime(record.timeMs, record.timeNs);
      }
      index?.add(seq - block.header.firstSeq, offset, length, id, hasHeaders, dueMs !== 0);
      this.#noteTime(seq, record.timeMs, record.timeNs);
    }
    // Not before: whoever needed its index until now needed it without what is new.
    block.end = walked.end;
    block.writtenEnd = block.end;
    block.durableEnd = block.end;
    addTo(block, seqs, rels);
    if (index !== null) this.#data.keepIndex(block, index);
  }

  #finish(): void {
    const { state, table, lost } = this.#data;
    const last = this.#found.files.at(-1) ?? null;
    if (last === null && this.#found.lastUnreadableBytes === 0) return;
    this.#passUnreadable();
    if (this.#timeSeq > 0) {
      state.lastMs = this.#timeMs;
      state.lastNs = this.#timeNs;
      state.hasLast = true;
    } else if (!state.hasLast) {
      this.#takeTime();
    }
    state.lastSeq = Math.max(this.#lastSeq, this.#removals.frontSeq - 1);
    state.subjectCount = table.size;
    for (const block of this.#blocks) this.#data.noteFile(block, 1);
    for (const gap of this.#missing().concat(this.#gaps)) {
      const from = Math.max(gap.after + 1, this.#removals.frontSeq);
      const to = Math.min(gap.before - 1, state.lastSeq);
      let count = 0;
      for (let seq = from; seq <= to; seq++) if (!this.#removals.has(seq)) count++;
      // A message that was being erased when the power went: all there was is known to be gone.
      if (count === 0 && gap.before > gap.after + 1) continue;
      this.#isDamaged = true;
      if (gap.bytes > 0) count = Math.min(count, Math.floor(gap.bytes / MESSAGE_BYTES_MIN) + 1);
      const what = count === 0 ? "no message" : `${count} messages between ${from} and ${to}`;
      this.#report(`${gap.where} can't be read: ${what} lost`);
      lost.add({ from, to, count, bytes: Math.min(gap.bytes, aligned(gap.bytes)) });
    }
    state.firstSeq = state.messages === 0 ? 0 : this.#data.blocks.next(0);
    this.#data.advanceFront();
    const front = this.#removals.frontSeq;
    if (state.messages === 0 && front > 0) state.firstSeq = Math.max(state.firstSeq, front);
  }

  /** None of the sequences that a last file had which can't be read is to be given out again. */
  #passUnreadable(): void {
    const { lastUnreadableBytes: bytes, folder, lastNumber } = this.#found;
    const wasKnown = this.#checkpoint !== null && lastNumber < this.#checkpoint.nextNumber;
    if (bytes === 0 || wasKnown) return;
    const after = this.#lastSeq;
    // Only who closed the store knew how many these were.
    const known = this.#unfit?.isClean === true ? this.#unfit.lastSeq : 0;
    this.#lastSeq = Math.max(after, known > 0 ? known : after + Math.floor(bytes / MESSAGE_BYTES_MIN));
    this.#gaps.push({ after, before: this.#lastSeq + 1, bytes, where: `${folder}: block ${lastNumber}` });
  }

  /** What blocks that are missing may have held. */
  #missing(): Gap[] {
    const gaps: Gap[] = [];
    const blocks = this.#blocks;
    for (let i = 0; i < blocks.length; i++) {
      const { number } = blocks[i];
      const before = i === 0 ? null : blocks[i - 1];
      const isMissing = before === null ? number > 1 : number > before.lastNumber + 1;
      if (!isMissing) continue;
      const after = before === null ? 0 : before.lastSeq;
      if (Math.max(after + 1, this.#removals.frontSeq) >= blocks[i].firstSeq) continue;
      gaps.push({ after, before: blocks[i].firstSeq, bytes: 0, where: `what lay before ${blocks[i].path}` });
    }
    return gaps;
  }

  #noteTime(seq: number, timeMs: number, timeNs: number): void {
    if (seq < this.#timeSeq) return;
    this.#timeSeq = seq;
    this.#timeMs = timeMs;
    this.#timeNs = timeNs;
  }

  /** The time of the last message that there ever was, where none of the log has it. */
  #takeTime(): void {
    const { state } = this.#data;
    const header = this.#found.files.findLast((file) => !Number.isNaN(file.header.timeMs))?.header;
    if (header === undefined) return;
    state.lastMs = header.timeMs;
    state.lastNs = header.timeNs;
    state.hasLast = true;
  }
}

/** Where the last block ends: behind that nothing was ever acknowledged. Up to `known` everything was. */
function cutOf(buf: Buffer, seed: number, start: number, known: number): number {
  const scan = scanBlock(buf, buf.length, start, seed, () => {});
  const torn = scan.damages.find(({ from }) => from >= Math.max(scan.durable, known));
  return torn === undefined ? scan.end : torn.from;
}

/** Has a block hold messages: `seqs` are all that are in the file, `rels` those that are still there, behind what it holds. */
function addTo(block: Block, seqs: readonly number[], rels: readonly number[]): void {
  if (block.header.generation === 0) {
    const { live } = block;
    assert(live instanceof LiveBits, "only compacted blocks have lists");
    for (const rel of rels) live.add(rel);
    return;
  }
  const all = Uint32Array.from(seqs, (seq) => seq - block.header.firstSeq);
  block.live = new LiveList(all);
  let next = 0;
  for (const rel of all) {
    if (rels[next] === rel) next++;
    else block.live.remove(rel);
  }
}

/** Notes whether a batch goes on behind a message, or what is left of one. */
function noteBatch(walked: Walked, seq: number, buf: Buffer, view: DataView, offset: number): void {
  const isOpen = (buf[offset + 13] & MESSAGE_BATCH) !== 0 && view.getUint32(offset + 36, true) > 0;
  if (isOpen) walked.openBatch = Math.min(walked.openBatch, seq);
  else {
    walked.openBatch = Infinity;
    walked.closesBatch = true;
  }
}
