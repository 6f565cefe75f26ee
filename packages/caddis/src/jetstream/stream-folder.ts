import { basename, join } from "node:path";
import type { Disk } from "../io/disk.ts";
import type { Encryption } from "../store/file/cipher.ts";
import {
  CONSUMERS_FOLDER,
  MESSAGES_FOLDER,
  META_FILE,
  SOURCES_FILE,
  streamFolderName,
  STREAMS_FOLDER,
} from "../store/stream-files.ts";
import { readSmallFile, renewSmallFile, writeSmallFile } from "../store/small-file.ts";
import { decodeSources, encodeSources } from "./source-meta.ts";
import type { KeptCursors } from "./source-keeper.ts";
import { decodeStreamMeta, encodeStreamMeta, type StreamMeta } from "./stream-meta.ts";

/** What files are called on their way to being there; see `Disk.replace`. */
const UNFINISHED = ".tmp";

const DAMAGED_META = "its configuration is damaged";

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
 *                                        /consumers/     its consumers, from the first one that is kept on
 *                                        /consumers.json how far their log went, see `store/consumer-log-end.ts`
 *
 * A folder without `stream.json` was never finished, one called `<stream>.deleted-<number>` never removed, and one
 * called `<stream>.restoring-<number>` never restored: they hold nothing that was acknowledged, and go at the next start.
 */
export class StreamFolder {
  readonly path: string;
  readonly #disk: Disk;
  /** Null: nothing is encrypted. */
  readonly #encryption: Encryption | null;

  constructor(disk: Disk, path: string, encryption: Encryption | null) {
    this.#disk = disk;
    this.path = path;
    this.#encryption = encryption;
  }

  /** What it is called, or will be, once the stream is there: the same for all files of the stream, always. */
  get name(): string {
    return streamFolderName(basename(this.path));
  }

  get messages(): string {
    return join(this.path, MESSAGES_FOLDER);
  }

  get consumers(): string {
    return join(this.path, CONSUMERS_FOLDER);
  }

  /** Makes the folders, but for what makes its own when it is needed; rejects where a stream lies there. */
  async make(): Promise<void> {
    if (this.#disk.size(join(this.path, META_FILE)) >= 0)
      throw new Error(`there is a stream in ${this.path}`);
    await this.removeUnfinished();
    await this.#disk.makeFolder(this.messages);
  }

  /** Keeps a configuration: in one step, and durable when it resolves. */
  writeMeta(meta: StreamMeta): Promise<void> {
    return writeSmallFile(this.#disk, join(this.path, META_FILE), encodeStreamMeta(meta), this.#encryption);
  }

  /**
   * The configuration, or what is wrong with it; null: the stream was never finished. Rejects with a `DiskError`, or
   * with a `KeyError` where it was encrypted with another key.
   */
  async readMeta(): Promise<StreamMeta | { readonly problem: string } | null> {
    const file = await this.#read(META_FILE);
    if (file === "absent") return null;
    if (file === "damaged") return { problem: DAMAGED_META };
    const meta = decodeStreamMeta(file.json);
    if (meta === "damaged") return { problem: DAMAGED_META };
    if (meta === "newer") return { problem: "its configuration was written by a newer version" };
    const { name } = meta.config;
    return fileNameOf(name) === this.name ? meta : { problem: `its configuration is that of '${name}'` };
  }

  /** Keeps how far the stream is with its sources. */
  writeSources(kept: KeptCursors): Promise<void> {
    const json = encodeSources(kept, this.name);
    return writeSmallFile(this.#disk, join(this.path, SOURCES_FILE), json, this.#encryption);
  }

  /** How far the stream is with its sources; null: nobody knows. Rejects where that was kept and can't be read. */
  async readSources(): Promise<KeptCursors | null> {
    const file = await this.#read(SOURCES_FILE);
    if (file === "absent") return null;
    const kept = file === "damaged" ? null : decodeSources(file.json, this.name);
    if (kept === null) throw new Error(`${join(this.path, SOURCES_FILE)} is damaged`);
    return kept;
  }

  /**
   * Encrypts what is not, or has the key of before. Only once it is known that the messages can be read: with a key that
   * is not theirs nothing is to be changed. Rejects as `readMeta`.
   */
  async renew(): Promise<void> {
    if (this.#encryption === null) return;
    for (const file of [META_FILE, SOURCES_FILE])
      await renewSmallFile(this.#disk, join(this.path, file), this.#encryption);
  }

  #read(file: string): ReturnType<typeof readSmallFile> {
    return readSmallFile(this.#disk, join(this.path, file), this.#encryption?.keys ?? null);
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
    return new StreamFolder(this.#disk, this.path + RESTORING + unique, this.#encryption);
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
