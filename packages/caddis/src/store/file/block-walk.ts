import type { Block } from "./block.ts";
import { type Damage, scanBlock } from "./block-scan.ts";
import { viewOf } from "./checksum.ts";
import {
  KIND_ERASED,
  KIND_FRONT,
  KIND_KEPT,
  KIND_MESSAGE,
  KIND_REMOVED,
  KIND_SKIP,
  MESSAGE_BATCH,
  nanosecondsOf,
} from "./format.ts";
import type { RecoveredRemovals } from "./recovered-removals.ts";
import type { RecoveredTime } from "./recovered-time.ts";
import { decodeRanges } from "./records.ts";

/** Where a sequence stands in a block, without a message: what lies in between is known to be around it. */
export interface Mark {
  readonly offset: number;
  readonly seq: number;
}

/** A block that was walked through: where its messages lie, and what else is to be known of it. */
export class WalkedBlock {
  readonly block: Block;
  /** Its messages: where each record lies, ascending. */
  readonly offsets: number[] = [];
  readonly seqs: number[] = [];
  readonly marks: Mark[] = [];
  /** The last sequence that was given out, by what the block says; 0: it does not. */
  lastSeq = 0;
  /** Where a batch begins whose end is not in this block; Infinity: there is none. */
  openBatch = Infinity;
  /** Some message in it is the last of its batch, or of none. */
  closesBatch = false;
  /** Where its records end. */
  readonly end: number;
  /** Bytes in it that can't be read, ascending. */
  readonly damages: readonly Damage[];
  /** What the file has; null: it is to be read again. */
  buf: Buffer | null;

  /**
   * `buf`: what the file has, of which `from` to `valid` is looked at. `isLast`: what can't be read at the end was never
   * there, unless it lies before `valid`. What the records remove goes to `removals`.
   */
  constructor(
    block: Block,
    buf: Buffer,
    from: number,
    valid: number,
    isLast: boolean,
    removals: RecoveredRemovals,
    time: RecoveredTime,
  ) {
    this.block = block;
    this.buf = buf;
    const view = viewOf(buf);
    const length = isLast ? Math.max(valid, cutOf(buf, block.seed, from, valid)) : valid;
    const scan = scanBlock(buf, Math.min(buf.length, length), from, block.seed, (kind, offset) => {
      if (kind === KIND_MESSAGE) this.#noteMessage(buf, view, offset);
      else if (kind === KIND_ERASED) this.#noteErased(buf, view, offset, time);
      else if (kind === KIND_SKIP) this.#mark(offset, view.getFloat64(offset + 16, true) - 1);
      else if (kind === KIND_FRONT) removals.noteFront(view.getFloat64(offset + 16, true));
      else if (kind === KIND_KEPT) removals.kept.add(view.getFloat64(offset + 16, true));
      else if (kind === KIND_REMOVED) this.#noteRemoved(buf, view, offset, removals);
    });
    // The zeros behind the last record may be missing.
    const end = isLast ? Math.max(valid, Math.min(scan.end, buf.length)) : valid;
    this.end = Math.min(end, buf.length);
    this.damages = scan.end < end ? [...scan.damages, { from: scan.end, to: end }] : scan.damages;
    this.lastSeq = Math.max(this.lastSeq, this.seqs.at(-1) ?? 0);
  }

  #noteMessage(buf: Buffer, view: DataView, offset: number): void {
    const seq = this.#seqAt(view, offset);
    this.#noteBatch(seq, buf, view, offset);
    this.offsets.push(offset);
    this.seqs.push(seq);
  }

  #noteErased(buf: Buffer, view: DataView, offset: number, time: RecoveredTime): void {
    const seq = this.#seqAt(view, offset);
    this.#noteBatch(seq, buf, view, offset);
    this.#mark(offset, seq);
    time.note(seq, view.getFloat64(offset + 24, true), nanosecondsOf(view.getUint32(offset + 20, true)));
  }

  #noteRemoved(buf: Buffer, view: DataView, offset: number, removals: RecoveredRemovals): void {
    decodeRanges(buf, view, offset, (from, to) => {
      removals.add(from, to);
      // Its own record may be gone: it was being erased.
      this.lastSeq = Math.max(this.lastSeq, to);
    });
  }

  /** Notes whether a batch goes on behind a message, or what is left of one. */
  #noteBatch(seq: number, buf: Buffer, view: DataView, offset: number): void {
    const isOpen = (buf[offset + 13] & MESSAGE_BATCH) !== 0 && view.getUint32(offset + 36, true) > 0;
    if (isOpen) this.openBatch = Math.min(this.openBatch, seq);
    else {
      this.openBatch = Infinity;
      this.closesBatch = true;
    }
  }

  #mark(offset: number, seq: number): void {
    this.marks.push({ offset, seq });
    this.lastSeq = Math.max(this.lastSeq, seq);
  }

  #seqAt(view: DataView, offset: number): number {
    return this.block.header.firstSeq + view.getUint32(offset + 16, true);
  }
}

/** Where the last block ends: behind that nothing was ever acknowledged. Up to `valid` everything was. */
function cutOf(buf: Buffer, seed: number, start: number, valid: number): number {
  const scan = scanBlock(buf, buf.length, start, seed, () => {});
  const torn = scan.damages.find(({ from }) => from >= Math.max(scan.durable, valid));
  return torn === undefined ? scan.end : torn.from;
}
