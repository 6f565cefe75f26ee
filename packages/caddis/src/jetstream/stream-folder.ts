import { join } from "node:path";
import type { Disk } from "../io/disk.ts";
import { decodeSources, encodeSources } from "./source-meta.ts";
import type { KeptCursors } from "./source-keeper.ts";
import { decodeStreamMeta, encodeStreamMeta, type StreamMeta } from "./stream-meta.ts";

/** The file that makes a folder a stream: it is written last, and read first. */
const META_FILE = "stream.json";
/** How far the stream is with its sources. */
const SOURCES_FILE = "sources.json";
const MESSAGES_FOLDER = "messages";
const CONSUMERS_FOLDER = "consumers";
const STREAMS_FOLDER = "streams";

/** What files are called on their way to being there; see `Disk.replace`. */
const UNFINISHED = ".tmp";

/** A configuration is this long at most: thousands of subjects, and 128 KiB of metadata that JSON spells out. */
const META_BYTES_MAX = 16 * 1024 * 1024;

/** What is behind the name of a folder whose stream was deleted; no stream's folder has a dot in its name. */
const DELETED = ".deleted-";

/** The same of one in which a stream is being restored. */
const RESTORING = ".restoring-";

/** Letters of a name that a folder's name takes at most; file systems allow 255. */
const NAME_CHARACTERS_MAX = 160;
const UNSAFE = /[^A-Za-z0-9_-]/g;

/**
 * Where a stream lies:
 *
 *     <folder>/<account>/streams/<stream>/stream.json    its configuration, see `stream-meta.ts`
 *                                        /sources.json   how far it is with its sources, see `source-meta.ts`
 *                                        /messages/      its messages
 *                                        /consumers/     its consumers
 *
 * A folder without `stream.json` was never finished, one called `<stream>.deleted-<number>` never removed, and one
 * called `<stream>.restoring-<number>` never restored: they hold nothing that was acknowledged, and go at the next start.
 */
export class StreamFolder {
  readonly path: string;
  readonly #disk: Disk;

  constructor(disk: Disk, path: string) {
    this.#disk = disk;
    this.path = path;
  }

  get messages(): string {
    return join(this.path, MESSAGES_FOLDER);
  }

  get consumers(): string {
    return join(this.path, CONSUMERS_FOLDER);
  }

  /** Makes the folders; rejects where a stream lies there. */
  async make(): Promise<void> {
    if (this.#disk.size(join(this.path, META_FILE)) >= 0)
      throw new Error(`there is a stream in ${this.path}`);
    await this.removeUnfinished();
    await this.#disk.makeFolder(this.messages);
    await this.#disk.makeFolder(this.consumers);
  }

  /** Keeps a configuration: in one step, and durable when it resolves. */
  writeMeta(meta: StreamMeta): Promise<void> {
    return this.#disk.replace(join(this.path, META_FILE), encodeStreamMeta(meta));
  }

  /** The configuration, or what is wrong with it; null: the stream was never finished. */
  async readMeta(): Promise<StreamMeta | { readonly problem: string } | null> {
    const path = join(this.path, META_FILE);
    const size = this.#disk.size(path);
    if (size < 0) return null;
    if (size > META_BYTES_MAX) return { problem: "its configuration is damaged" };
    const data = Buffer.alloc(size);
    const length = await this.#disk.readLater(path, 0, data, 0, size);
    return decodeStreamMeta(data.subarray(0, length));
  }

  /** Keeps how far the stream is with its sources. */
  writeSources(kept: KeptCursors): Promise<void> {
    return this.#disk.replace(join(this.path, SOURCES_FILE), encodeSources(kept));
  }

  /** How far the stream is with its sources; null: nobody knows. */
  async readSources(): Promise<KeptCursors | null> {
    const path = join(this.path, SOURCES_FILE);
    const size = this.#disk.size(path);
    if (size < 0 || size > META_BYTES_MAX) return null;
    const data = Buffer.alloc(size);
    const length = await this.#disk.readLater(path, 0, data, 0, size);
    return decodeSources(data.subarray(0, length));
  }

  /** Removes what is left of a stream that was never finished; rejects where there is more than that. */
  async removeUnfinished(): Promise<void> {
    for (const folder of [this.messages, this.consumers]) {
      const entries = await this.#disk.list(folder);
      if (entries.some(({ name }) => !name.endsWith(UNFINISHED)))
        throw new Error("its configuration is missing");
    }
    await this.#disk.removeFolder(this.path);
  }

  /** Where a stream is put together that is to lie here. */
  forRestore(unique: string): StreamFolder {
    return new StreamFolder(this.#disk, this.path + RESTORING + unique);
  }

  /** Gives the stream its place, in one step; durable when it resolves. Rejects where a stream lies there. */
  async moveTo(place: StreamFolder): Promise<void> {
    if (this.#disk.size(join(place.path, META_FILE)) >= 0)
      throw new Error(`there is a stream in ${place.path}`);
    await place.removeUnfinished();
    await this.#disk.rename(this.path, place.path);
  }

  /** Removes all that lies here: it never became a stream. */
  discard(): Promise<void> {
    return this.#disk.removeFolder(this.path);
  }

  /** Removes the stream. It is gone, durably, from the moment at which its folder has another name. */
  async remove(unique: string): Promise<void> {
    const grave = this.path + DELETED + unique;
    await this.#disk.rename(this.path, grave);
    await this.#disk.removeFolder(grave);
  }
}

/** The folder that an account's streams lie in. */
export function streamsFolderOf(folder: string, accountName: string): string {
  return join(folder, fileNameOf(accountName), STREAMS_FOLDER);
}

/** The name of a folder that holds a stream which was deleted, or never restored. */
export function isDeletedFolder(name: string): boolean {
  return name.includes(DELETED) || name.includes(RESTORING);
}

/** A file name for a wire string: one for each, whatever it is. */
export function fileNameOf(name: string): string {
  const safe = name.replace(
    UNSAFE,
    (character) => `%${character.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
  if (safe.length <= NAME_CHARACTERS_MAX) return safe;
  return `${safe.slice(0, NAME_CHARACTERS_MAX)}~${hashText(name)}`;
}

/** 64 bits of FNV-1a, to tell long names with the same beginning apart. */
function hashText(text: string): string {
  let low = 0x811c_9dc5;
  let high = 0x2345_6789;
  for (let i = 0; i < text.length; i++) {
    low = Math.imul(low ^ text.charCodeAt(i), 0x0100_0193);
    high = Math.imul(high ^ text.charCodeAt(text.length - 1 - i), 0x0100_0193);
  }
  return ((high >>> 0).toString(16) + (low >>> 0).toString(16)).padStart(16, "0");
}
