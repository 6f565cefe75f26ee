import type { Disk } from "../io/disk.ts";
import { dumpConsumers, type DumpedConsumerRecord } from "../store/consumer-log-verify.ts";
import { type Encryption, KeyError } from "../store/file/cipher.ts";
import { type DumpedRecord, dumpStore } from "../store/file/verify.ts";
import { isSmallFileWhole, readSmallFile } from "../store/small-file.ts";
import type { StoreFile, StorePart } from "./store-folders.ts";

/**
 * Hands what a part holds to `put`, as objects for people to read: with headers, payloads and states only where
 * `wantsContent`. Returns in words what can't be read. Rejects with a `DiskError`, or with a `KeyError` for a wrong key.
 */
export async function dumpPart(
  disk: Disk,
  part: StorePart,
  encryption: Encryption | null,
  wantsContent: boolean,
  put: (line: object) => void,
): Promise<readonly string[]> {
  if (part.kind === "file") return dumpFile(disk, part, encryption, put);
  if (part.kind === "consumers")
    return dumpConsumers(disk, part.path, encryption, (record) => put(shownOfConsumer(record, wantsContent)));
  const visit = (record: DumpedRecord): void => put(shown(record, wantsContent));
  return dumpStore(disk, part.path, visit, encryption?.keys ?? null);
}

/** In words, what is wrong with a small file. Rejects with a `DiskError`, or with a `KeyError` for a wrong key. */
export async function fileProblems(
  disk: Disk,
  { path, isNeeded }: StoreFile,
  encryption: Encryption | null,
): Promise<readonly string[]> {
  if (disk.size(path) < 0) return [`${path} is missing`];
  const isWhole =
    encryption === null
      ? await isSmallFileWhole(disk, path)
      : (await readSmallFile(disk, path, encryption.keys)) !== "damaged";
  if (isWhole) return [];
  return [`${path} can't be read${isNeeded ? "; without it there is no stream" : ""}`];
}

async function dumpFile(
  disk: Disk,
  part: StoreFile,
  encryption: Encryption | null,
  put: (line: object) => void,
): Promise<readonly string[]> {
  const { path } = part;
  const problems = await fileProblems(disk, part, encryption);
  if (problems.length > 0) return problems;
  const found = await readLocked(disk, path, encryption);
  put(found === null ? { file: path, kind: "encrypted" } : { file: path, kind: "file", content: found });
  return [];
}

/** What a file says, which is whole; null: nobody has the key. */
async function readLocked(disk: Disk, path: string, encryption: Encryption | null): Promise<unknown> {
  try {
    const found = await readSmallFile(disk, path, encryption?.keys ?? null);
    return typeof found === "string" ? null : (JSON.parse(found.json) as unknown);
  } catch (error) {
    if (error instanceof KeyError && encryption === null) return null;
    throw error;
  }
}

function shown(record: DumpedRecord, wantsContent: boolean): object {
  if (wantsContent) return record;
  const { headers, payload, ...rest } = record;
  if (payload === undefined) return rest;
  return { ...rest, headerBytes: Buffer.byteLength(headers ?? ""), payloadBytes: Buffer.byteLength(payload) };
}

function shownOfConsumer({ record, ...about }: DumpedConsumerRecord, wantsContent: boolean): object {
  if (record === null) return { ...about, kind: "encrypted" };
  const { kind, name, value } = record;
  const line = { ...about, kind, name };
  if (kind === "config") return { ...line, content: JSON.parse(value.toString("utf8")) as unknown };
  if (kind !== "state") return line;
  return wantsContent ? { ...line, state: value.toString("base64") } : { ...line, stateBytes: value.length };
}
