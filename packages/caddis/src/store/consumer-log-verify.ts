import type { Disk } from "../io/disk.ts";
import { type LogEnd, lookAtLogEnd } from "./consumer-log-end.ts";
import { lockedLogFile, openLogFile, readLogHeader } from "./consumer-log-file.ts";
import { applyBatch, type LogRecord, recordsOf } from "./consumer-log-format.ts";
import {
  damageOf,
  findConsumerLogs,
  leastBytes,
  type LogPath,
  missingLog,
  readWhole,
  surveyLog,
} from "./consumer-log-recovery.ts";
import type { KeptConsumer } from "./consumer-store.ts";
import type { Encryption } from "./file/cipher.ts";

/** What a look at the consumers' log in a folder, which changes nothing, has found. */
export interface ConsumersVerdict {
  readonly files: number;
  readonly bytes: number;
  /** How many are kept; null: it is encrypted, and there was no key. */
  readonly consumers: number | null;
  /** In words, what can't be read. */
  readonly problems: readonly string[];
}

/** A record, for people, or a batch that nobody has the key of. */
export interface DumpedConsumerRecord {
  readonly file: string;
  /** Of the batch that it is in. */
  readonly offset: number;
  readonly record: LogRecord | null;
}

/**
 * Reads the logs in `folder`, those of `stream` (empty: of anybody); nobody else may have them open. Without a key,
 * what is encrypted is checked as far as that goes. Rejects with a `DiskError`, or with a `KeyError` for a wrong key.
 */
export async function verifyConsumers(
  disk: Disk,
  folder: string,
  encryption: Encryption | null,
  stream: string,
): Promise<ConsumersVerdict> {
  const kept = new Map<string, KeptConsumer>();
  const { paths, end, problems } = await logsIn(disk, folder, encryption, stream);
  let bytes = 0;
  let isLocked = false;
  for (const path of paths) {
    const { survey, file } = await look(disk, path, encryption, end);
    bytes += survey.size;
    isLocked ||= file.isEncrypted && file.cipher === null;
    problems.push(...damageOf(survey, stream).map((damage) => `${path.path}: damaged (${damage})`));
    for (const batch of survey.batches) applyBatch(batch, kept);
  }
  return { files: paths.length, bytes, consumers: isLocked ? null : kept.size, problems };
}

/** Hands all records in `folder` to `visit`, in the order of the log. Returns in words what can't be read. Rejects as `verifyConsumers`. */
export async function dumpConsumers(
  disk: Disk,
  folder: string,
  encryption: Encryption | null,
  visit: (record: DumpedConsumerRecord) => void,
): Promise<readonly string[]> {
  const { paths, end, problems } = await logsIn(disk, folder, encryption, "");
  for (const path of paths) {
    const { survey, file } = await look(disk, path, encryption, end);
    const isLocked = file.isEncrypted && file.cipher === null;
    const name = `${path.generation}.log`;
    problems.push(...damageOf(survey, "").map((damage) => `${path.path}: damaged (${damage})`));
    for (const batch of survey.batches) {
      const about = { file: name, offset: batch.start };
      if (isLocked) visit({ ...about, record: null });
      else for (const record of recordsOf(batch)) visit({ ...about, record });
    }
  }
  return problems;
}

/** The logs in a folder, how far they are known to go, and in words, whether one is missing. */
async function logsIn(disk: Disk, folder: string, encryption: Encryption | null, stream: string) {
  // First: what a server writes meanwhile only comes behind it.
  const end = await lookAtLogEnd(disk, folder, encryption, stream);
  const { paths } = await findConsumerLogs(disk, folder);
  const missing = missingLog(folder, paths, end);
  return { paths, end, problems: missing === null ? [] : [`${missing} is missing`] };
}

async function look(
  disk: Disk,
  { path, generation }: LogPath,
  encryption: Encryption | null,
  end: LogEnd | null,
) {
  const data = await readWhole(disk, path);
  const header = readLogHeader(data, generation);
  const file = encryption === null ? lockedLogFile(header) : openLogFile(header, encryption, path);
  return { survey: surveyLog(data, file, header.isWhole, leastBytes(end, generation)), file };
}
