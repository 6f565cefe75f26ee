/**
 * # How far a consumers' log went
 *
 * A small file (`small-file.ts`) beside the folder of the log, written when the log is closed and has changed since:
 *
 *     {"format":1,"stream":"…","generation":…,"bytes":…}
 *
 * So many bytes of the log of that generation were whole and synced. It is only ever appended to, or gives its place to
 * the next generation, so that less is damage, and never what a crash has left. `stream` is the name of the stream's
 * folder. After a crash the file is that of an earlier stop, and holds all the same; so it does when it could not be written.
 */
import type { Disk } from "../io/disk.ts";
import { type Encryption, KeyError } from "./file/cipher.ts";
import { readSmallFile, type SmallFileProblem, writeSmallFile } from "./small-file.ts";
import { CONSUMERS_END_SUFFIX } from "./stream-files.ts";

const FORMAT = 1;

/** What there is of a log at least, unless a later generation has taken its place. */
export interface LogEnd {
  readonly generation: number;
  readonly bytes: number;
}

/** Where it is put down how far the log in `folder` went. */
export function logEndPath(folder: string): string {
  return folder + CONSUMERS_END_SUFFIX;
}

/** Puts down how far the log of `stream` in `folder` goes, which is synced. Rejects with a `DiskError`. */
export function writeLogEnd(
  disk: Disk,
  folder: string,
  { generation, bytes }: LogEnd,
  encryption: Encryption | null,
  stream: string,
): Promise<void> {
  const json = JSON.stringify({ format: FORMAT, stream, generation, bytes });
  return writeSmallFile(disk, logEndPath(folder), json, encryption);
}

/**
 * How far the log of `stream` (empty: of anybody) went. Rejects with a `DiskError`, or with a `KeyError` where that was
 * encrypted with another key.
 */
export async function readLogEnd(
  disk: Disk,
  folder: string,
  encryption: Encryption | null,
  stream: string,
): Promise<LogEnd | SmallFileProblem> {
  const file = await readSmallFile(disk, logEndPath(folder), encryption?.keys ?? null);
  return typeof file === "string" ? file : (decode(file.json, stream) ?? "damaged");
}

/** The same for who only looks; null: nobody knows, or has the key. */
export async function lookAtLogEnd(
  disk: Disk,
  folder: string,
  encryption: Encryption | null,
  stream: string,
): Promise<LogEnd | null> {
  try {
    const end = await readLogEnd(disk, folder, encryption, stream);
    return typeof end === "string" ? null : end;
  } catch (error) {
    if (encryption === null && error instanceof KeyError) return null;
    throw error;
  }
}

/** Null: it is another stream's, was written by a newer version, or is something else. */
function decode(json: string, stream: string): LogEnd | null {
  const parsed = parse(json);
  if (parsed?.format !== FORMAT || (stream !== "" && parsed.stream !== stream)) return null;
  const { generation, bytes } = parsed;
  return isCount(generation) && isCount(bytes) ? { generation, bytes } : null;
}

/** What it says is not looked at yet. */
function parse(json: string): Partial<LogEnd & { format: number; stream: string }> | null {
  try {
    return JSON.parse(json) as ReturnType<typeof parse>;
  } catch {
    return null;
  }
}

function isCount(value: number | undefined): value is number {
  return value !== undefined && Number.isSafeInteger(value) && value > 0;
}
