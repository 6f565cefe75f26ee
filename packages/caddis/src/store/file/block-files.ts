import type { Disk } from "../../io/disk.ts";
import { CHECKPOINT_NAME } from "./checkpoint.ts";
import {
  type BlockHeader,
  type BlockName,
  decodeHeader,
  FLAG_COMPRESSED,
  parseBlockName,
  RECORDS_AT,
} from "./format.ts";
import { type Frames, readFrames } from "./frames.ts";

/** A file of the log that is part of the store. */
export interface BlockFile {
  readonly name: string;
  readonly header: BlockHeader;
  /** Bytes that there are of it, without compression. */
  readonly size: number;
  /** Null: it is not compressed. */
  readonly frames: Frames | null;
}

/** The files of a store's log. */
export interface BlockFiles {
  readonly folder: string;
  /** By number; numbers may be missing. */
  readonly files: readonly BlockFile[];
  /** Files whose content others have taken over. */
  readonly superseded: readonly string[];
  /** The last number that a file with content has. */
  readonly lastNumber: number;
  /** Bytes of records in the last file, if its header is damaged; else 0. */
  readonly lastUnreadableBytes: number;
  /** In words, what is wrong. */
  readonly problems: readonly string[];
}

/**
 * Looks for the blocks in a folder and reads their headers. `preferred`: names of those that count, up to the last of
 * them, if all of them are there, and the oldest generation of those behind. Else the newest generation of those that
 * cover the same number counts. Rejects with a `DiskError`.
 */
export async function findBlockFiles(
  disk: Disk,
  folder: string,
  preferred: ReadonlySet<string>,
): Promise<BlockFiles> {
  const entries = await disk.list(folder);
  const present = entries.filter(({ isFolder }) => !isFolder).map(({ name }) => name);
  const names = present.map(parseBlockName).filter((name) => name !== null);
  const isComplete = [...preferred].every((name) => present.includes(name));
  const chosen = isComplete ? names.filter(({ name }) => preferred.has(name)) : [];
  const lastChosen = Math.max(0, ...chosen.map(({ lastNumber }) => lastNumber));
  // Copies that the checkpoint does not name were not put in force: what they leave out may be needed yet.
  const order = chosen.length > 0 ? -1 : 1;
  names.sort((a, b) => order * (b.generation - a.generation) || a.number - b.number);
  const problems: string[] = [];
  const files: BlockFile[] = [];
  const superseded: string[] = [];
  let lastNumber = 0;
  let lastUnreadableBytes = 0;
  for (const name of names) {
    // What is not chosen among them holds nothing any more, or was not put in force.
    const isLeft = isComplete && name.number <= lastChosen && !preferred.has(name.name);
    // What a file covers that comes before is its own.
    if (
      isLeft ||
      files.some(({ header }) => header.number <= name.lastNumber && name.number <= header.lastNumber)
    ) {
      superseded.push(name.name);
      continue;
    }
    const path = `${folder}/${name.name}`;
    const size = disk.size(path);
    const header = readHeader(disk, path, name);
    // The header is written first and alone: without more the file was only just begun, and is begun again.
    if (header === null && size <= RECORDS_AT) continue;
    const frames = header === null ? null : framesOf(disk, path, header);
    if (header !== null && frames !== undefined) files.push(fileOf(name.name, header, size, frames));
    else problems.push(`${path} can't be read: its header is damaged (${size} bytes)`);
    if (name.lastNumber > lastNumber) {
      lastNumber = name.lastNumber;
      lastUnreadableBytes = header === null ? size - RECORDS_AT : 0;
    }
  }
  // A file that was not put in its place in the end.
  superseded.push(
    ...present.filter((name) => name.endsWith(TEMPORARY) && isStoreFile(name.slice(0, -TEMPORARY.length))),
  );
  const own = ownFiles(files, problems, folder);
  own.sort((a, b) => a.header.number - b.header.number);
  noteMissing(own, problems, folder);
  return { folder, files: own, superseded, lastNumber, lastUnreadableBytes, problems };
}

const TEMPORARY = ".tmp";

/** Null: it is not compressed; undefined: its table is damaged. */
function framesOf(disk: Disk, path: string, header: BlockHeader): Frames | null | undefined {
  if ((header.flags & FLAG_COMPRESSED) === 0) return null;
  return readFrames(disk, path, header.length) ?? undefined;
}

function fileOf(name: string, header: BlockHeader, size: number, frames: Frames | null): BlockFile {
  // What is missing at the end of a compressed one reads as zeros.
  return { name, header, size: frames === null ? size : frames.length, frames };
}

/** Whether a file of this name is part of a store. */
export function isStoreFile(name: string): boolean {
  return name === CHECKPOINT_NAME || parseBlockName(name) !== null;
}

function readHeader(disk: Disk, path: string, name: BlockName): BlockHeader | null {
  const buf = Buffer.alloc(RECORDS_AT);
  disk.read(path, 0, buf, 0, RECORDS_AT);
  const header = decodeHeader(buf);
  if (header === null) return null;
  const isNamed =
    header.number === name.number &&
    header.lastNumber === name.lastNumber &&
    header.generation === name.generation;
  return isNamed ? header : null;
}

/** Those of the store that most of them belong to. */
function ownFiles(files: readonly BlockFile[], problems: string[], folder: string): BlockFile[] {
  const counts = new Map<string, number>();
  for (const { header } of files) {
    const id = header.storeId.toString("hex");
    counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  if (counts.size <= 1) return [...files];
  const [own] = [...counts].reduce((most, each) => (each[1] > most[1] ? each : most));
  return files.filter(({ header, name }) => {
    if (header.storeId.toString("hex") === own) return true;
    problems.push(`${folder}/${name} belongs to another store and is left alone`);
    return false;
  });
}

function noteMissing(files: readonly BlockFile[], problems: string[], folder: string): void {
  for (let i = 1; i < files.length; i++) {
    const from = files[i - 1].header.lastNumber + 1;
    const { number } = files[i].header;
    if (number > from) problems.push(`${folder}: blocks ${from} to ${number - 1} are missing`);
  }
}
