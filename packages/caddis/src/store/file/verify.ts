import type { Disk } from "../../io/disk.ts";
import { type BlockFiles, findBlockFiles } from "./block-files.ts";
import { scanBlock } from "./block-scan.ts";
import { viewOf } from "./checksum.ts";
import { lookAtCheckpoint, namesIn } from "./checkpoint.ts";
import { cipherOf, type FileCipher, type StoreKeys } from "./cipher.ts";
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
import { fits } from "./found-store.ts";
import { damagedFrames, readBlockLater } from "./frames.ts";
import { decodeRanges, MessageRecord } from "./records.ts";

/** What a look at a store's files, which changes nothing, has found. */
export interface StoreVerdict {
  readonly blocks: number;
  readonly bytes: number;
  /** Records of messages, those included that were removed and still take up room. */
  readonly records: number;
  /** Blocks that are plain or have the key of before; 0 where no key was given. */
  readonly blocksToEncrypt: number;
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
  /** Absent where the record is encrypted, and there is no key. */
  readonly subject?: string;
  readonly headers?: string;
  readonly payload?: string;
  readonly ranges?: readonly (readonly [from: number, to: number])[];
}

const KINDS = ["", "message", "removed", "front", "skip", "kept", "erased", "filler"];

/**
 * Reads all files of the store in `folder`; nobody else may have it open. Without keys, what is encrypted is checked as
 * far as that goes. Rejects with a `DiskError`, or with a `KeyError` for a wrong key.
 */
export async function verifyStore(
  disk: Disk,
  folder: string,
  keys: StoreKeys | null = null,
): Promise<StoreVerdict> {
  const problems: string[] = [];
  let records = 0;
  let bytes = 0;
  const { blocks, blocksToEncrypt } = await walk(disk, folder, keys, problems, (record) => {
    if (record.kind === "message") records++;
  });
  for (const { size } of blocks) bytes += size;
  return { blocks: blocks.length, bytes, records, blocksToEncrypt, problems };
}

/** Hands all records of the store in `folder` to `visit`, in the order of the log. Returns in words what can't be read. Rejects as `verifyStore`. */
export async function dumpStore(
  disk: Disk,
  folder: string,
  visit: (record: DumpedRecord) => void,
  keys: StoreKeys | null = null,
): Promise<readonly string[]> {
  const problems: string[] = [];
  await walk(disk, folder, keys, problems, visit);
  return problems;
}

async function walk(
  disk: Disk,
  folder: string,
  keys: StoreKeys | null,
  problems: string[],
  visit: (record: DumpedRecord) => void,
): Promise<{ blocks: readonly { size: number }[]; blocksToEncrypt: number }> {
  const found = await findBlocks(disk, folder, keys, problems);
  let blocksToEncrypt = 0;
  for (let i = 0; i < found.files.length; i++) {
    const { name, header, size, frames } = found.files[i];
    const path = `${folder}/${name}`;
    const cipher = keys === null ? null : cipherOf(keys, header.flags, header.salt, header.keyCheck, path);
    if (keys !== null && (cipher === null || cipher.isFormer)) blocksToEncrypt++;
    for (const frame of frames === null ? [] : await damagedFrames(disk, path, frames)) {
      problems.push(`${path}: compressed piece ${frame} can't be read`);
    }
    // Without a key there is nothing more to be seen.
    if (frames !== null && cipher === null && isEncrypted(header)) continue;
    const next = found.files[i + 1]?.header ?? null;
    const buf = Buffer.allocUnsafeSlow(size);
    await readBlockLater(disk, { path, frames, frameCipher: cipher }, 0, buf, size);
    const valid = header.length > 0 ? header.length : (next?.previousLength ?? 0);
    const length = valid > 0 ? Math.min(valid, size) : size;
    const scan = scanBlock(buf, length, 0, seedOf(header), (kind, offset) => {
      const about = { file: name, offset, kind: KINDS[kind] };
      if (kind !== KIND_MESSAGE) return visit({ ...about, ...describe(header, buf, kind, offset) });
      const content = contentOf(header, buf, offset, frames === null ? cipher : null, frames !== null);
      if (content === null) problems.push(`${path}: the message at ${offset} can't be decrypted`);
      visit({ ...about, ...describe(header, buf, kind, offset), ...content });
    });
    for (const { from, to } of scan.damages)
      problems.push(`${folder}/${name}: bytes ${from} to ${to} can't be read`);
    const end = valid > 0 ? valid : size;
    if (scan.end < end && next !== null) {
      problems.push(`${folder}/${name}: bytes ${scan.end} to ${end} can't be read`);
    }
  }
  return { blocks: found.files, blocksToEncrypt };
}

/** Looks for blocks as a start does; those that are gone, or shorter than they were, are a problem too. */
async function findBlocks(
  disk: Disk,
  folder: string,
  keys: StoreKeys | null,
  problems: string[],
): Promise<BlockFiles> {
  const seen = await lookAtCheckpoint(disk, folder, keys);
  const checkpoint = seen === "damaged" ? null : seen;
  if (seen === "damaged")
    problems.push(`${folder}: the checkpoint can't be read; a start reads all blocks instead`);
  const names = checkpoint === null ? new Set<string>() : namesIn(checkpoint);
  const found = await findBlockFiles(disk, folder, names);
  problems.push(...found.problems);
  if (checkpoint !== null && !fits(checkpoint, [...names], found.files))
    problems.push(`${folder}: the checkpoint speaks of other blocks than there are, or of longer ones`);
  return found;
}

/** What a record says in front of its content. */
function describe(header: BlockHeader, buf: Buffer, kind: number, offset: number): Partial<DumpedRecord> {
  const view = viewOf(buf);
  if (kind === KIND_MESSAGE || kind === KIND_ERASED) {
    const seq = header.firstSeq + view.getUint32(offset + 16, true);
    const ms = view.getFloat64(offset + 24, true);
    return { seq, time: [ms, nanosecondsOf(view.getUint32(offset + 20, true))] };
  }
  if (kind === KIND_REMOVED) {
    const ranges: [number, number][] = [];
    decodeRanges(buf, view, offset, (from, to) => ranges.push([from, to]));
    return { ranges };
  }
  const hasNumber = kind === KIND_FRONT || kind === KIND_SKIP || kind === KIND_KEPT;
  return hasNumber ? { seq: view.getFloat64(offset + 16, true) } : {};
}

/** A message's content, empty where nobody has the key; null: it is not what was written. `cipher`: of the record itself. */
function contentOf(
  header: BlockHeader,
  buf: Buffer,
  offset: number,
  cipher: FileCipher | null,
  isUnlocked: boolean,
): Partial<DumpedRecord> | null {
  if (isEncrypted(header) && cipher === null && !isUnlocked) return {};
  const record = new MessageRecord();
  if (!record.read(buf, viewOf(buf), offset, offset, cipher, true)) return null;
  const { dueMs, headersStart, payloadStart, payloadEnd } = record;
  return {
    ...(dueMs === 0 ? {} : { dueMs }),
    subject: record.subject,
    headers: record.buf.toString("utf8", headersStart, payloadStart),
    payload: record.buf.toString("utf8", payloadStart, payloadEnd),
  };
}

function isEncrypted({ flags }: BlockHeader): boolean {
  return (flags & (FLAG_AES | FLAG_CHACHA)) !== 0;
}
