import { resolve } from "node:path";
import { TimerQueue } from "../base/timer-queue.ts";
import type { Disk } from "../io/disk.ts";
import { systemClock } from "../io/node/clock.ts";
import { NodeDisk } from "../io/node/disk.ts";
import { folderHolder, lockFolder, type FolderLock } from "../io/node/folder-lock.ts";
import { systemRandom } from "../io/node/random.ts";
import { STDERR_FD, STDOUT_FD, writeTextSync } from "../io/node/write-sync.ts";
import { openConsumerLog } from "../store/consumer-log.ts";
import { verifyConsumers } from "../store/consumer-log-verify.ts";
import { BlockCache } from "../store/file/block-cache.ts";
import type { Encryption } from "../store/file/cipher.ts";
import { openFileStore } from "../store/file/file-store.ts";
import { verifyStore } from "../store/file/verify.ts";
import { renewSmallFile } from "../store/small-file.ts";
import { dumpPart, fileProblems } from "./store-dump.ts";
import { parseStoreLine, storeHelp, type StoreLine } from "./store-flags.ts";
import {
  findParts,
  serverFolders,
  type StoreFile,
  type StoreFolder,
  type StorePart,
} from "./store-folders.ts";

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
  const line = parseStoreLine(args.slice(1), process.env);
  if (typeof line === "string") return misused(exe, line);
  if (line === null) {
    writeTextSync(STDOUT_FD, storeHelp(exe));
    return OK;
  }
  const locks: FolderLock[] = [];
  try {
    const disk = new NodeDisk();
    const parts = await findParts(disk, resolve(line.folder));
    if (parts.length === 0) return complain(exe, `there are no streams in ${line.folder}`);
    const encryption = encryptionOf(line);
    for (const folder of serverFolders(parts))
      if (line.action === "repair") locks.push(await lockFolder(folder));
      else await warnOfServer(exe, folder);
    // Before anything is changed it is known whether the key is the right one.
    if (line.action === "repair" && encryption !== null)
      for (const part of parts) await findProblems(disk, part, encryption);
    let code = OK;
    for (const part of parts) code = Math.max(code, await run(disk, part, line, encryption));
    return code;
  } catch (error) {
    return complain(exe, error instanceof Error ? error.message : String(error));
  } finally {
    for (const lock of locks) await lock.release();
  }
}

/** Looking does no harm while a server is at work, but what it has half written is no damage. */
async function warnOfServer(exe: string, folder: string): Promise<void> {
  const holder = await folderHolder(folder);
  if (holder === null) return;
  const what = "what it writes meanwhile may look damaged";
  writeTextSync(STDERR_FD, `${exe}: folder ${folder} is in use by a server (process ${holder}): ${what}\n`);
}

function encryptionOf({ key, previousKey, cipher }: StoreLine): Encryption | null {
  if (key === "") return null;
  const former = previousKey === "" ? null : Buffer.from(previousKey);
  return { keys: { cipher, key: Buffer.from(key), previousKey: former }, random: systemRandom };
}

async function run(
  disk: Disk,
  part: StorePart,
  { action, wantsJson, wantsContent }: StoreLine,
  encryption: Encryption | null,
): Promise<number> {
  if (action === "verify") return verify(disk, part, encryption, wantsJson);
  if (action === "dump") return dump(disk, part, encryption, wantsContent);
  if (part.kind === "file") return repairFile(disk, part, encryption);
  return part.kind === "messages"
    ? repairMessages(disk, part, encryption)
    : repairConsumers(disk, part, encryption);
}

/** What a look at a part has found. */
interface Verdict {
  /** For people. */
  readonly summary: string;
  /** For programs. */
  readonly facts: object;
  readonly problems: readonly string[];
}

/** Rejects with a `KeyError` for a wrong key. */
async function findProblems(disk: Disk, part: StorePart, encryption: Encryption | null): Promise<Verdict> {
  const { path } = part;
  if (part.kind === "file") {
    const problems = await fileProblems(disk, part, encryption);
    return { summary: `${Math.max(0, disk.size(path))} bytes`, facts: { file: path, problems }, problems };
  }
  if (part.kind === "messages") {
    const verdict = await verifyStore(disk, path, encryption?.keys ?? null);
    const { blocks, bytes, records, blocksToEncrypt, problems } = verdict;
    const open = blocksToEncrypt === 0 ? "" : `, ${blocksToEncrypt} blocks not encrypted with the key`;
    const summary = `${blocks} blocks, ${bytes} bytes, ${records} messages on disk${open}`;
    return { summary, facts: { folder: path, ...verdict }, problems };
  }
  const verdict = await verifyConsumers(disk, path, encryption, part.stream);
  const { bytes, consumers, problems } = verdict;
  const what = consumers === null ? "encrypted" : `${consumers} consumers`;
  return { summary: `${bytes} bytes, ${what}`, facts: { folder: path, ...verdict }, problems };
}

async function verify(
  disk: Disk,
  part: StorePart,
  encryption: Encryption | null,
  wantsJson: boolean,
): Promise<number> {
  const { summary, facts, problems } = await findProblems(disk, part, encryption);
  if (wantsJson) write(`${JSON.stringify(facts)}\n`);
  else tell(`${part.path}: ${problems.length === 0 ? "ok" : "damaged"}, ${summary}`, problems);
  return codeOf(problems);
}

async function dump(
  disk: Disk,
  part: StorePart,
  encryption: Encryption | null,
  wantsContent: boolean,
): Promise<number> {
  let text = "";
  const flush = (): void => {
    write(text);
    text = "";
  };
  const put = (line: object): void => {
    text += `${JSON.stringify(line)}\n`;
    if (text.length > DUMP_BYTES) flush();
  };
  const problems = await dumpPart(disk, part, encryption, wantsContent, put);
  flush();
  for (const problem of problems) writeTextSync(STDERR_FD, `${problem}\n`);
  return codeOf(problems);
}

async function repairMessages(
  disk: Disk,
  { path }: StoreFolder,
  encryption: Encryption | null,
): Promise<number> {
  const problems: string[] = [];
  const clock = systemClock();
  const store = await openFileStore(disk, path, {
    sync: { intervalMs: 0 },
    keys: encryption?.keys ?? null,
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
  const summary = `${messages} messages (${bytes} bytes), sequences ${firstSeq} to ${lastSeq}, ${lostCount} lost`;
  tell(`${path}: ${summary}`, problems);
  return codeOf(problems);
}

async function repairConsumers(
  disk: Disk,
  { path, stream }: StoreFolder,
  encryption: Encryption | null,
): Promise<number> {
  const problems: string[] = [];
  const store = await openConsumerLog(disk, path, {
    sync: { intervalMs: 0 },
    timers: new TimerQueue(systemClock()),
    report: (problem) => problems.push(problem),
    encryption,
    stream,
  });
  await store.close();
  tell(`${path}: ${store.recovered.size} consumers`, problems);
  return codeOf(problems);
}

/** Nothing takes the place of what is damaged in such a file. */
async function repairFile(disk: Disk, part: StoreFile, encryption: Encryption | null): Promise<number> {
  const problems = await fileProblems(disk, part, encryption);
  if (problems.length === 0 && encryption !== null) await renewSmallFile(disk, part.path, encryption);
  if (problems.length > 0) tell(`${part.path}: damaged`, problems);
  return codeOf(problems);
}

function tell(summary: string, problems: readonly string[]): void {
  write(`${summary}\n`);
  for (const problem of problems) write(`  ${problem}\n`);
}

function codeOf(problems: readonly string[]): number {
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
