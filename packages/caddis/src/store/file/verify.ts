import type { Disk } from "../../io/disk.ts";
import { findBlockFiles } from "./block-files.ts";
import { scanBlock } from "./block-scan.ts";
import { viewOf } from "./checksum.ts";
import { checkpointNames } from "./checkpoint.ts";
import {
  type BlockHeader,
  FLAG_AES,
  FLAG_CHACHA,
  KIND_ERASED,
  KIND_FRONT,
  KIND_KEPT,
  KIND_MESSAGE,
  KIND_REMOVED,
  KIND_SKIP,
  nanosecondsOf,
  seedOf,
} from "./format.ts";
import { damagedFrames, readBlockLater } from "./frames.ts";
import { decodeRanges, MessageRecord } from "./records.ts";

/** What a look at a store's files, which needs no key and changes nothing, has found. */
export interface StoreVerdict {
  readonly blocks: number;
  readonly bytes: number;
  /** Records of messages, those included that were removed and still take up room. */
  readonly records: number;
  /** In words, what can't be read. */
  readonly problems: readonly string[];
}

/** A record, for people. */
export interface DumpedRecord {
  readonly file: string;
  readonly offset: number;
  readonly kind: string;
  readonly seq?: number;
  /** Milliseconds since 1970, and nanoseconds on top. */
  readonly time?: readonly [ms: number, ns: number];
  readonly dueMs?: number;
  /** Absent where the record is encrypted. */
  readonly subject?: string;
  readonly headers?: string;
  readonly payload?: string;
  readonly ranges?: readonly (readonly [from: number, to: number])[];
}

const KINDS = ["", "message", "removed", "front", "skip", "kept", "erased", "filler"];

/** Reads all files of the store in `folder`; nobody else may have it open. Rejects with a `DiskError`. */
export async function verifyStore(disk: Disk, folder: string): Promise<StoreVerdict> {
  const problems: string[] = [];
  let records = 0;
  let bytes = 0;
  const { blocks } = await walk(disk, folder, problems, (record) => {
    if (record.kind === "message") records++;
  });
  for (const { size } of blocks) bytes += size;
  return { blocks: blocks.length, bytes, records, problems };
}

/** Hands all records of the store in `folder` to `visit`, in the order of the log. Returns in words what can't be read. */
export async function dumpStore(
  disk: Disk,
  folder: string,
  visit: (record: DumpedRecord) => void,
): Promise<readonly string[]> {
  const problems: string[] = [];
  await walk(disk, folder, problems, visit);
  return problems;
}

async function walk(
  disk: Disk,
  folder: string,
  problems: string[],
  visit: (record: DumpedRecord) => void,
): Promise<{ blocks: readonly { size: number }[] }> {
  const names = await checkpointNames(disk, folder);
  if (names === null)
    problems.push(`${folder}: the checkpoint can't be read; a start reads all blocks instead`);
  const found = await findBlockFiles(disk, folder, names ?? new Set());
  problems.push(...found.problems);
  for (let i = 0; i < found.files.length; i++) {
    const { name, header, size, frames } = found.files[i];
    const path = `${folder}/${name}`;
    for (const frame of frames === null ? [] : await damagedFrames(disk, path, frames)) {
      problems.push(`${path}: compressed piece ${frame} can't be read`);
    }
    // Without a key there is nothing more to be seen.
    if (frames !== null && (header.flags & (FLAG_AES | FLAG_CHACHA)) !== 0) continue;
    const next = found.files[i + 1]?.header ?? null;
    const buf = Buffer.allocUnsafeSlow(size);
    await readBlockLater(disk, { path, frames, frameCipher: null }, 0, buf, size);
    const valid = header.length > 0 ? header.length : (next?.previousLength ?? 0);
    const length = valid > 0 ? Math.min(valid, size) : size;
    const scan = scanBlock(buf, length, 0, seedOf(header), (kind, offset) => {
      visit(describe(name, header, buf, kind, offset));
    });
    for (const { from, to } of scan.damages)
      problems.push(`${folder}/${name}: bytes ${from} to ${to} can't be read`);
    const end = valid > 0 ? valid : size;
    if (scan.end < end && next !== null) {
      problems.push(`${folder}/${name}: bytes ${scan.end} to ${end} can't be read`);
    }
  }
  return { blocks: found.files };
}

function describe(
  file: string,
  header: BlockHeader,
  buf: Buffer,
  kind: number,
  offset: number,
): DumpedRecord {
  const view = viewOf(buf);
  const about = { file, offset, kind: KINDS[kind] };
  if (kind === KIND_MESSAGE || kind === KIND_ERASED) {
    const seq = header.firstSeq + view.getUint32(offset + 16, true);
    const time = [
      view.getFloat64(offset + 24, true),
      nanosecondsOf(view.getUint32(offset + 20, true)),
    ] as const;
    if (kind === KIND_ERASED) return { ...about, seq, time };
    return { ...about, seq, time, ...contentOf(header, buf, view, offset) };
  }
  if (kind === KIND_REMOVED) {
    const ranges: [number, number][] = [];
    decodeRanges(buf, view, offset, (from, to) => ranges.push([from, to]));
    return { ...about, ranges };
  }
  const hasNumber = kind === KIND_FRONT || kind === KIND_SKIP || kind === KIND_KEPT;
  return hasNumber ? { ...about, seq: view.getFloat64(offset + 16, true) } : about;
}

function contentOf(header: BlockHeader, buf: Buffer, view: DataView, offset: number): Partial<DumpedRecord> {
  if ((header.flags & (FLAG_AES | FLAG_CHACHA)) !== 0) return {};
  const record = new MessageRecord();
  if (!record.read(buf, view, offset, offset, null, true)) return {};
  const { dueMs, headersStart, payloadStart, payloadEnd } = record;
  return {
    ...(dueMs === 0 ? {} : { dueMs }),
    subject: record.subject,
    headers: record.buf.toString("utf8", headersStart, payloadStart),
    payload: record.buf.toString("utf8", payloadStart, payloadEnd),
  };
}
