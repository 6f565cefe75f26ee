import { viewOf } from "./checksum.ts";
import {
  aligned,
  CHUNK_BYTES,
  KIND_LAST,
  RECORD_BYTES_MIN,
  RECORDS_AT,
  SMALL_RECORD_BYTES,
} from "./format.ts";
import { isWhole } from "./records.ts";

/** Checksums computed in search of the next record behind damage, in bytes per block: bounds what made-up lengths cost. */
const SEARCH_BYTES_MAX = 64 * 1024 * 1024;

/** Bytes of a block that can't be read. */
export interface Damage {
  readonly from: number;
  readonly to: number;
}

/** What a walk over the records of a block found. */
export interface Scan {
  /** Behind the last record that could be read. */
  readonly end: number;
  /** The furthest place that a record says was durable when it was written. */
  readonly durable: number;
  /** In between, ascending. */
  readonly damages: readonly Damage[];
}

/** Takes a record that is whole. */
export type OnRecord = (kind: number, offset: number, length: number) => void;

/**
 * Walks the records of a block, `buf[0, length)`, from `from` on. Behind what can't be read it goes on with the next
 * record that can.
 */
export function scanBlock(buf: Buffer, length: number, from: number, seed: number, onRecord: OnRecord): Scan {
  const view = viewOf(buf);
  const damages: Damage[] = [];
  let end = Math.max(from, RECORDS_AT);
  let durable = 0;
  let searchBytes = SEARCH_BYTES_MAX;
  let at = end;
  while (at < length) {
    const left = CHUNK_BYTES - (at % CHUNK_BYTES);
    if (left < RECORD_BYTES_MIN) {
      at += left;
      continue;
    }
    if (!isRecord(buf, view, at, length, seed)) {
      const search = findRecord(buf, view, at + 8, length, seed, searchBytes);
      if (search.offset < 0) break;
      searchBytes = search.bytesLeft;
      damages.push({ from: end, to: search.offset });
      at = search.offset;
    }
    const size = view.getUint32(at, true);
    durable = Math.max(durable, view.getUint32(at + 8, true));
    onRecord(buf[at + 12], at, size);
    at += aligned(size);
    end = at;
  }
  return { end, durable, damages };
}

function isRecord(buf: Buffer, view: DataView, at: number, limit: number, seed: number): boolean {
  const kind = buf[at + 12];
  return kind > 0 && kind <= KIND_LAST && isWhole(buf, view, at, limit, seed, at);
}

/** The next place from `from` on where a record is; -1: none. */
function findRecord(
  buf: Buffer,
  view: DataView,
  from: number,
  limit: number,
  seed: number,
  budget: number,
): { offset: number; bytesLeft: number } {
  let bytesLeft = budget;
  for (let at = from; at + RECORD_BYTES_MIN <= limit; at += 8) {
    const length = view.getUint32(at, true);
    const kind = buf[at + 12];
    if (length < RECORD_BYTES_MIN || at + length > limit || kind === 0 || kind > KIND_LAST) continue;
    // Once the budget is used up only the places count that records don't cross.
    const isBoundary = at % CHUNK_BYTES === 0 || length <= SMALL_RECORD_BYTES / 64;
    if (bytesLeft < length && !isBoundary) continue;
    bytesLeft -= length;
    if (isRecord(buf, view, at, limit, seed)) return { offset: at, bytesLeft };
  }
  return { offset: -1, bytesLeft };
}
