import type { Disk } from "../io/disk.ts";
import { type LogFile, openLogFile, readLogHeader } from "./consumer-log-file.ts";
import { applyBatch, type Batch, findBatch, readBatch, streamOf } from "./consumer-log-format.ts";
import type { LogEnd } from "./consumer-log-end.ts";
import type { KeptConsumer } from "./consumer-store.ts";
import { type Encryption, isCurrent } from "./file/cipher.ts";

const LOG_NAME = /^(\d{1,9})\.log$/;

/** What a folder holds. */
export interface FoundLogs {
  readonly kept: Map<string, KeptConsumer>;
  readonly logs: readonly FoundLog[];
  /** The log that was there at least, and is not, nor one that came after it; null: all is there. */
  readonly missing: string | null;
  /** Left behind by a crash. */
  readonly leftOver: readonly string[];
}

export interface FoundLog {
  readonly path: string;
  readonly file: LogFile;
  readonly size: number;
  /** In words, what is wrong: ranges that were synced and are not whole, or all of it. */
  readonly damage: readonly string[];
  /** Whether it may be appended to: all of it is whole, and it is encrypted as a new one would be. */
  readonly isFit: boolean;
}

/** A file of the folder. */
export interface LogPath {
  readonly path: string;
  readonly generation: number;
}

export function logPath(folder: string, generation: number): string {
  return `${folder}/${generation}.log`;
}

/**
 * Reads all that a folder holds of the consumers of `stream` (empty: of anybody), and changes nothing. `end`: what is
 * known to be there; null: nothing. Rejects with a `DiskError` where the disk does not let it, and with a `KeyError`
 * where it was encrypted with another key.
 */
export async function readConsumerLogs(
  disk: Disk,
  folder: string,
  encryption: Encryption | null,
  stream: string,
  end: LogEnd | null,
): Promise<FoundLogs> {
  const { paths, leftOver } = await findConsumerLogs(disk, folder);
  const kept = new Map<string, KeptConsumer>();
  const logs: FoundLog[] = [];
  for (const { path, generation } of paths) {
    const data = await readWhole(disk, path);
    const header = readLogHeader(data, generation);
    const file = openLogFile(header, encryption, path);
    const survey = surveyLog(data, file, header.isWhole, leastBytes(end, generation));
    const damage = damageOf(survey, stream);
    for (const batch of applicable(survey, stream)) applyBatch(batch, kept);
    const isFit = survey.gaps.length === 0 && damage.length === 0;
    const isKept = isCurrent(file.cipher, encryption?.keys ?? null);
    logs.push({ path, file, size: data.length, damage, isFit: isFit && isKept });
  }
  return { kept, logs, missing: missingLog(folder, paths, end), leftOver };
}

/** So many bytes of the log of a generation are known to be there. */
export function leastBytes(end: LogEnd | null, generation: number): number {
  return end?.generation === generation ? end.bytes : 0;
}

/** The log that is known to be there, where neither it is nor one that came after it. */
export function missingLog(folder: string, paths: readonly LogPath[], end: LogEnd | null): string | null {
  const latest = paths.at(-1)?.generation ?? 0;
  return end === null || latest >= end.generation ? null : logPath(folder, end.generation);
}

/** The files of a folder, the oldest generation first, and what a crash has left beside them. */
export async function findConsumerLogs(
  disk: Disk,
  folder: string,
): Promise<{ readonly paths: readonly LogPath[]; readonly leftOver: readonly string[] }> {
  const entries = await disk.list(folder);
  const paths = entries
    .map(({ name, isFolder }) => (isFolder ? null : LOG_NAME.exec(name)))
    .filter((match) => match !== null)
    .map(([name, digits]) => ({ path: `${folder}/${name}`, generation: Number(digits) }))
    .toSorted((a, b) => a.generation - b.generation);
  const leftOver = entries
    .filter(({ name }) => name.endsWith(".log.tmp"))
    .map(({ name }) => `${folder}/${name}`);
  return { paths, leftOver };
}

/** All bytes of a file. */
export async function readWhole(disk: Disk, path: string): Promise<Buffer> {
  const data = Buffer.alloc(disk.size(path));
  const size = await disk.readLater(path, 0, data, 0, data.length);
  return data.subarray(0, size);
}

/** What there is in a file. */
export interface Survey {
  readonly size: number;
  readonly batches: readonly Batch[];
  /** Ranges that are not whole. */
  readonly gaps: readonly { readonly start: number; readonly end: number }[];
  /** So much of it was synced. */
  readonly syncedBytes: number;
}

/** Looks through the bytes of a file, of which there were `bytesMin` at least, all of them synced. */
export function surveyLog(data: Buffer, file: LogFile, isHeaderWhole: boolean, bytesMin: number): Survey {
  const { headerBytes } = file;
  const fileEnd = Math.max(data.length, bytesMin);
  const batches: Batch[] = [];
  const gaps: { start: number; end: number }[] = [];
  if (!isHeaderWhole) gaps.push({ start: 0, end: Math.min(fileEnd, headerBytes) });
  for (let at = headerBytes; at < fileEnd;) {
    let batch = readBatch(data, file, at);
    if (batch === null) {
      batch = findBatch(data, file, at + 1);
      gaps.push({ start: at, end: batch?.start ?? fileEnd });
    }
    if (batch === null) break;
    batches.push(batch);
    at = batch.end;
  }
  const syncedBytes = batches.reduce(
    (most, batch) => Math.max(most, batch.syncedBytes),
    Math.max(headerBytes, bytesMin),
  );
  return { size: data.length, batches, gaps, syncedBytes };
}

/** In words, what of a file is lost or not `stream`'s. */
export function damageOf(survey: Survey, stream: string): string[] {
  const { gaps, syncedBytes } = survey;
  const owner = ownerOf(survey, stream);
  if (owner !== stream) return [`it is that of stream '${owner}'`];
  return gaps
    .filter(({ start }) => start < syncedBytes)
    .map(({ start, end }) => `${end - start} bytes at ${start}`);
}

/** The batches that count. What was written behind a write that was lost is lost with it, unless the loss is damage. */
function applicable(survey: Survey, stream: string): readonly Batch[] {
  const { batches, gaps, syncedBytes } = survey;
  if (ownerOf(survey, stream) !== stream) return [];
  const torn = gaps.find(({ start }) => start >= syncedBytes);
  return torn === undefined ? batches : batches.filter(({ start }) => start < torn.start);
}

/** Whose log it says it is; `stream` where it does not say, or nobody asks. */
function ownerOf({ batches: [first] }: Survey, stream: string): string {
  if (stream === "" || first === undefined) return stream;
  return streamOf(first) || stream;
}
