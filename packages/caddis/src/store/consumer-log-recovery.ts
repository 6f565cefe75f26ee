import type { Disk } from "../io/disk.ts";
import type { KeptConsumer } from "./consumer-store.ts";
import { applyBatch, FILE_HEADER_BYTES, findBatch, isFileHeader, readBatch } from "./consumer-log-format.ts";
import type { Batch } from "./consumer-log-format.ts";

const LOG_NAME = /^(\d{1,9})\.log$/;

/** What a folder holds. */
export interface FoundLogs {
  readonly kept: Map<string, KeptConsumer>;
  readonly logs: readonly FoundLog[];
  /** Left behind by a crash. */
  readonly leftOver: readonly string[];
}

export interface FoundLog {
  readonly path: string;
  readonly generation: number;
  readonly size: number;
  /** Ranges that were synced and are not whole, in words. */
  readonly damage: readonly string[];
  /** Whether it may be appended to: all of it is whole. */
  readonly isWhole: boolean;
}

export function logPath(folder: string, generation: number): string {
  return `${folder}/${generation}.log`;
}

/** Reads all that a folder holds of consumers, and changes nothing. Rejects with a `DiskError` where the disk does not let it. */
export async function readConsumerLogs(disk: Disk, folder: string): Promise<FoundLogs> {
  const entries = await disk.list(folder);
  const generations = entries
    .map(({ name, isFolder }) => (isFolder ? null : LOG_NAME.exec(name)))
    .filter((match) => match !== null)
    .map(([, digits]) => Number(digits))
    .toSorted((a, b) => a - b);
  const kept = new Map<string, KeptConsumer>();
  const logs: FoundLog[] = [];
  for (const generation of generations) {
    const path = logPath(folder, generation);
    const file = Buffer.alloc(disk.size(path));
    const size = await disk.readLater(path, 0, file, 0, file.length);
    logs.push(replay(path, file.subarray(0, size), generation, kept));
  }
  const leftOver = entries
    .filter(({ name }) => name.endsWith(".log.tmp"))
    .map(({ name }) => `${folder}/${name}`);
  return { kept, logs, leftOver };
}

/** A range that is not whole. */
interface Gap {
  readonly start: number;
  readonly end: number;
}

/** Does what a file says, in its order, to `kept`. */
function replay(path: string, file: Buffer, generation: number, kept: Map<string, KeptConsumer>): FoundLog {
  const { batches, gaps } = survey(file, generation);
  const syncedBytes = batches.reduce((most, batch) => Math.max(most, batch.syncedBytes), FILE_HEADER_BYTES);
  const damage = gaps
    .filter(({ start }) => start < syncedBytes)
    .map(({ start, end }) => `${end - start} bytes at ${start}`);
  // What was written behind a write that was lost is lost with it, unless the loss is damage.
  const torn = gaps.find(({ start }) => start >= syncedBytes);
  for (const batch of batches) if (torn === undefined || batch.start < torn.start) applyBatch(batch, kept);
  return { path, generation, size: file.length, damage, isWhole: gaps.length === 0 };
}

function survey(file: Buffer, generation: number): { batches: Batch[]; gaps: Gap[] } {
  const batches: Batch[] = [];
  const gaps: Gap[] = [];
  if (!isFileHeader(file, generation)) gaps.push({ start: 0, end: Math.min(file.length, FILE_HEADER_BYTES) });
  for (let at = FILE_HEADER_BYTES; at < file.length;) {
    let batch = readBatch(file, generation, at);
    if (batch === null) {
      batch = findBatch(file, generation, at + 1);
      gaps.push({ start: at, end: batch?.start ?? file.length });
    }
    if (batch === null) break;
    batches.push(batch);
    at = batch.end;
  }
  return { batches, gaps };
}
