import { basename, dirname, join } from "node:path";
import type { Disk } from "../io/disk.ts";
import { isStoreFile } from "../store/file/block-files.ts";
import {
  CONSUMERS_END_FILE,
  CONSUMERS_FOLDER,
  MESSAGES_FOLDER,
  META_FILE,
  SOURCES_FILE,
  streamFolderName,
  STREAMS_FOLDER,
} from "../store/stream-files.ts";

/** Where something of a stream lies. */
export interface StoreFolder {
  readonly kind: "messages" | "consumers";
  readonly path: string;
  /** The name of the stream's folder; empty where it does not lie where streams do. */
  readonly stream: string;
}

/** A small file of a stream, there or not. */
export interface StoreFile {
  readonly kind: "file";
  readonly path: string;
  /** The stream can't do without it. */
  readonly isNeeded: boolean;
}

export type StorePart = StoreFolder | StoreFile;

/** All that is stored of streams at or below `folder`: of each its small files first, then its messages. Rejects with a `DiskError`. */
export async function findParts(disk: Disk, folder: string): Promise<StorePart[]> {
  const entries = await disk.list(folder);
  const has = (name: string): boolean => entries.some((entry) => entry.name === name);
  const stream = dirname(folder);
  const isPlaced = basename(dirname(stream)) === STREAMS_FOLDER;
  const kind = basename(folder) === CONSUMERS_FOLDER ? "consumers" : "messages";
  const end = join(stream, CONSUMERS_END_FILE);
  const hasEnd = kind === "consumers" && disk.size(end) >= 0;
  if (hasEnd || entries.some(({ name, isFolder }) => !isFolder && isStoreFile(name))) {
    const part: StorePart = {
      kind,
      path: folder,
      stream: isPlaced ? streamFolderName(basename(stream)) : "",
    };
    return hasEnd ? [{ kind: "file", path: end, isNeeded: false }, part] : [part];
  }
  const parts: StorePart[] = [];
  if (has(META_FILE) || has(MESSAGES_FOLDER)) {
    parts.push({ kind: "file", path: join(folder, META_FILE), isNeeded: true });
    if (has(SOURCES_FILE)) parts.push({ kind: "file", path: join(folder, SOURCES_FILE), isNeeded: false });
  }
  const folders = entries.filter(({ isFolder }) => isFolder).map(({ name }) => name);
  // That it was there is known.
  if (has(CONSUMERS_END_FILE) && !has(CONSUMERS_FOLDER)) folders.push(CONSUMERS_FOLDER);
  // As a server opens them: what is wrong with the key of the messages is found before anything is changed.
  folders.sort((a, b) => Number(b === MESSAGES_FOLDER) - Number(a === MESSAGES_FOLDER));
  for (const name of folders) parts.push(...(await findParts(disk, join(folder, name))));
  return parts;
}

/** The folders that a server takes for itself when it has these parts open; none where they do not lie as a server's. */
export function serverFolders(parts: readonly StorePart[]): Set<string> {
  const folders = new Set<string>();
  for (const { path } of parts) {
    const streams = dirname(dirname(path));
    if (basename(streams) === STREAMS_FOLDER) folders.add(dirname(dirname(streams)));
  }
  return folders;
}
