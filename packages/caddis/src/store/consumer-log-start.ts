import type { Disk, WritableFile } from "../io/disk.ts";
import { type LogEnd, logEndPath, readLogEnd } from "./consumer-log-end.ts";
import type { LogFile } from "./consumer-log-file.ts";
import {
  type FoundLog,
  type FoundLogs,
  leastBytes,
  logPath,
  readConsumerLogs,
} from "./consumer-log-recovery.ts";
import { writeGeneration } from "./consumer-log-snapshot.ts";
import type { KeptConsumer } from "./consumer-store.ts";
import type { Encryption } from "./file/cipher.ts";
import { renewSmallFile } from "./small-file.ts";

/** What a log that is opened begins with. */
export interface StartedLog {
  readonly kept: Map<string, KeptConsumer>;
  /** Null: there is none yet. */
  readonly open: OpenLog | null;
  /** How far it is known to go, which is put down; null: it is not. */
  readonly end: LogEnd | null;
}

/** A file that is open to be appended to. */
export interface OpenLog {
  readonly file: LogFile;
  readonly writable: WritableFile;
  readonly size: number;
}

/** Whose log it is, and how it is kept. */
export interface LogOwner {
  readonly encryption: Encryption | null;
  /** The name of the stream's folder; empty: it is anybody's. */
  readonly stream: string;
  /** Told in words what was found damaged. */
  readonly report: (damage: string) => void;
}

/**
 * Reads the log in `folder` and opens it, as it is or written anew. What is damaged is reported and kept aside,
 * `<name>.damaged`, and what is missing is reported. Rejects with a `DiskError` where the disk does not let it, or with
 * a `KeyError` where it was encrypted with another key: then nothing was changed.
 */
export async function startLog(disk: Disk, folder: string, owner: LogOwner): Promise<StartedLog> {
  const { encryption, stream } = owner;
  // Most streams never have a consumer that is kept: the first one makes folder and file.
  if (disk.size(folder) < 0 && disk.size(logEndPath(folder)) < 0)
    return { kept: new Map(), open: null, end: null };
  const known = await readLogEnd(disk, folder, encryption, stream);
  const end = typeof known === "string" ? null : known;
  const found = await readConsumerLogs(disk, folder, encryption, stream, end);
  if (known === "damaged") await setEndAside(disk, folder, owner);
  else if (end !== null && encryption !== null) await renewSmallFile(disk, logEndPath(folder), encryption);
  for (const path of found.leftOver) await disk.remove(path);
  return { kept: found.kept, open: await openFound(disk, folder, owner, found, end), end };
}

async function openFound(
  disk: Disk,
  folder: string,
  owner: LogOwner,
  found: FoundLogs,
  end: LogEnd | null,
): Promise<OpenLog | null> {
  const { logs, missing } = found;
  const last = logs.at(-1);
  if (missing !== null) {
    owner.report(`${missing}: missing: what was last stored about consumers there is lost`);
  } else {
    if (last === undefined) return null;
    if (logs.length === 1 && last.isFit) return openAsIs(disk, last, end);
  }
  const generation = Math.max(last?.file.generation ?? 0, end?.generation ?? 0) + 1;
  return writeAnew(disk, folder, owner, found, generation);
}

async function openAsIs(disk: Disk, { path, file, size }: FoundLog, end: LogEnd | null): Promise<OpenLog> {
  const writable = await disk.openToWrite(path);
  // Unless it was closed so, whoever wrote the end of it may not have come to sync it.
  if (size !== leastBytes(end, file.generation)) await writable.sync();
  return { file, size, writable };
}

/** Puts what was found in a file of its own, in place of those that it was found in. */
async function writeAnew(
  disk: Disk,
  folder: string,
  { encryption, stream, report }: LogOwner,
  { kept, logs }: FoundLogs,
  generation: number,
): Promise<OpenLog> {
  const next = await writeGeneration(disk, folder, generation, kept, encryption, stream);
  for (const { path, damage } of logs) {
    if (damage.length === 0) {
      await disk.remove(path);
      continue;
    }
    await disk.rename(path, `${path}.damaged`);
    report(
      `${path}: damaged (${damage.join(", ")}): what was last stored about consumers there is lost; ` +
        `the file is left as ${path}.damaged`,
    );
  }
  return { ...next, writable: await disk.openToWrite(logPath(folder, generation)) };
}

/** Where it can't be read how far the log went. */
async function setEndAside(disk: Disk, folder: string, { report }: LogOwner): Promise<void> {
  const path = logEndPath(folder);
  await disk.rename(path, `${path}.damaged`);
  report(
    `${path}: damaged: whether some of what was stored about consumers is missing can't be told; ` +
      `the file is left as ${path}.damaged`,
  );
}
