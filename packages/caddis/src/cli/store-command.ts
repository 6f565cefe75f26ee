import { join, resolve } from "node:path";
import { TimerQueue } from "../base/timer-queue.ts";
import type { Disk } from "../io/disk.ts";
import { systemClock } from "../io/node/clock.ts";
import { NodeDisk } from "../io/node/disk.ts";
import { systemRandom } from "../io/node/random.ts";
import { STDERR_FD, STDOUT_FD, writeTextSync } from "../io/node/write-sync.ts";
import { BlockCache } from "../store/file/block-cache.ts";
import { isStoreFile } from "../store/file/block-files.ts";
import { openFileStore } from "../store/file/file-store.ts";
import { type DumpedRecord, dumpStore, verifyStore } from "../store/file/verify.ts";
import { parseStoreLine, storeHelp, type StoreLine } from "./store-flags.ts";

const OK = 0;
const DAMAGED = 1;
const IMPOSSIBLE = 2;

/** Memory for what a repair reads. */
const CACHE_BYTES = 64 * 1024 * 1024;
/** A reader that is slower than that has gone away. */
const PIPE_WAIT_MS = 5_000;
/** Lines that are written together. */
const DUMP_BYTES = 64 * 1024;

/** The command `store`; `args` are all that the program was given. Resolves to the exit code. */
export async function storeCommand(exe: string, args: readonly string[]): Promise<number> {
  if (args[0]?.toLowerCase() !== "store") return misused(exe, "options stand behind the command");
  const line = parseStoreLine(args.slice(1));
  if (typeof line === "string") return misused(exe, line);
  if (line === null) {
    writeTextSync(STDOUT_FD, storeHelp(exe));
    return OK;
  }
  try {
    const disk = new NodeDisk();
    const folders = await findStores(disk, resolve(line.folder));
    if (folders.length === 0) return complain(exe, `there are no messages in ${line.folder}`);
    let code = OK;
    for (const folder of folders) code = Math.max(code, await run(disk, folder, line));
    return code;
  } catch (error) {
    return complain(exe, error instanceof Error ? error.message : String(error));
  }
}

function run(disk: Disk, folder: string, line: StoreLine): Promise<number> {
  if (line.action === "verify") return verify(disk, folder, line.wantsJson);
  return line.action === "dump" ? dump(disk, folder, line.wantsContent) : repair(disk, folder, line);
}

/** Folders that hold the messages of a stream, at or below `folder`. */
async function findStores(disk: Disk, folder: string): Promise<string[]> {
  const entries = await disk.list(folder);
  if (entries.some(({ name, isFolder }) => !isFolder && isStoreFile(name))) return [folder];
  const found: string[] = [];
  for (const { name, isFolder } of entries) {
    if (isFolder) found.push(...(await findStores(disk, join(folder, name))));
  }
  return found;
}

async function verify(disk: Disk, folder: string, wantsJson: boolean): Promise<number> {
  const verdict = await verifyStore(disk, folder);
  const { blocks, bytes, records, problems } = verdict;
  if (wantsJson) write(`${JSON.stringify({ folder, ...verdict })}\n`);
  else {
    const state = problems.length === 0 ? "ok" : "damaged";
    write(`${folder}: ${state}, ${blocks} blocks, ${bytes} bytes, ${records} messages on disk\n`);
    for (const problem of problems) write(`  ${problem}\n`);
  }
  return problems.length === 0 ? OK : DAMAGED;
}

async function dump(disk: Disk, folder: string, wantsContent: boolean): Promise<number> {
  let text = "";
  const flush = (): void => {
    write(text);
    text = "";
  };
  const problems = await dumpStore(disk, folder, (record) => {
    text += `${JSON.stringify(shown(record, wantsContent))}\n`;
    if (text.length > DUMP_BYTES) flush();
  });
  flush();
  for (const problem of problems) writeTextSync(STDERR_FD, `${problem}\n`);
  return problems.length === 0 ? OK : DAMAGED;
}

function shown(record: DumpedRecord, wantsContent: boolean): object {
  if (wantsContent) return record;
  const { headers, payload, ...rest } = record;
  if (payload === undefined) return rest;
  return { ...rest, headerBytes: Buffer.byteLength(headers ?? ""), payloadBytes: Buffer.byteLength(payload) };
}

async function repair(disk: Disk, folder: string, { key, cipher }: StoreLine): Promise<number> {
  const problems: string[] = [];
  const clock = systemClock();
  const store = await openFileStore(disk, folder, {
    sync: { intervalMs: 0 },
    keys: key === "" ? null : { cipher, key: Buffer.from(key), previousKey: null },
    cache: new BlockCache(CACHE_BYTES),
    clock,
    timers: new TimerQueue(clock),
    random: systemRandom,
    report: (problem) => problems.push(problem),
    firstSeq: 0,
    ignoresCheckpoint: true,
  });
  const { messages, bytes, firstSeq, lastSeq, lostCount } = store.state;
  await store.close();
  write(
    `${folder}: ${messages} messages (${bytes} bytes), sequences ${firstSeq} to ${lastSeq}, ${lostCount} lost\n`,
  );
  for (const problem of problems) write(`  ${problem}\n`);
  return problems.length === 0 ? OK : DAMAGED;
}

function write(text: string): void {
  writeTextSync(STDOUT_FD, text, PIPE_WAIT_MS);
}

function misused(exe: string, problem: string): number {
  return complain(exe, `${problem}; see ${exe} store --help`);
}

function complain(exe: string, problem: string): number {
  writeTextSync(STDERR_FD, `${exe}: ${problem}\n`);
  return IMPOSSIBLE;
}
