import type { Block } from "./block.ts";
import type { FieldReader, FieldWriter } from "./byte-fields.ts";
import { type BlockHeader, decodeHeader, encodeHeader, HEADER_BYTES, RECORDS_AT } from "./format.ts";
import { type LiveSet, readLiveSet, writeLiveSet } from "./live-set.ts";

/** A block as a checkpoint knows it. */
export interface CheckpointBlock {
  /** As in the file, so that a start need not read it there. */
  readonly header: BlockHeader;
  readonly firstSeq: number;
  readonly lastSeq: number;
  /** How much of it is covered. */
  readonly end: number;
  readonly liveBytes: number;
  readonly timeMs: number;
  readonly timeNs: number;
  readonly headersSeq: number;
  readonly live: LiveSet;
}

/** Writes what a checkpoint says of a block so that `readBlock` makes the same of it. */
export function writeBlock(block: Block, fields: FieldWriter): void {
  fields.filled(RECORDS_AT, (target, start) => {
    // The second copy is written over by what follows.
    encodeHeader(block.header, target.subarray(start, start + RECORDS_AT));
    return HEADER_BYTES;
  });
  fields.f64(block.firstSeq);
  fields.f64(block.lastSeq);
  fields.u32(block.end);
  fields.f64(block.liveBytes);
  fields.f64(block.timeMs);
  fields.u32(block.timeNs);
  fields.f64(block.headersSeq);
  writeLiveSet(block.live, fields);
}

/** Null: it can't be one. */
export function readBlock(fields: FieldReader): CheckpointBlock | null {
  const header = decodeHeader(fields.bytes(HEADER_BYTES));
  const firstSeq = fields.f64();
  const lastSeq = fields.f64();
  const end = fields.u32();
  const liveBytes = fields.f64();
  const timeMs = fields.f64();
  const timeNs = fields.u32();
  const headersSeq = fields.f64();
  const live = readLiveSet(fields);
  if (header === null || live === null) return null;
  return { header, firstSeq, lastSeq, end, liveBytes, timeMs, timeNs, headersSeq, live };
}

/** Has a block be as a checkpoint knows it. */
export function restoreBlock(block: Block, known: CheckpointBlock): void {
  block.firstSeq = known.firstSeq;
  block.lastSeq = known.lastSeq;
  block.live = known.live;
  block.liveBytes = known.liveBytes;
  block.timeMs = known.timeMs;
  block.timeNs = known.timeNs;
  block.headersSeq = known.headersSeq;
  block.end = known.end;
  block.writtenEnd = known.end;
  block.durableEnd = known.end;
}
