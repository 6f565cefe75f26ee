import { constants, statSync } from "node:fs";
import { open, readdir, rename, rm, statfs, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Disk, DiskEntry, DiskSpace, WritableFile } from "../disk.ts";
import { diskCall, diskError } from "./disk-error.ts";
import { makeFolders } from "./make-folder.ts";
import { OpenFile, writeAll } from "./open-file.ts";
import { ReadDescriptors } from "./read-descriptors.ts";

/** As the reference's: what is stored is nobody else's business. */
const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;

/** The files of the system. Folders are synced after each change of their entries, files by who writes them. */
export class NodeDisk implements Disk {
  readonly #reading = new ReadDescriptors();

  async makeFolder(path: string): Promise<void> {
    const first = await diskCall("mkdir", path, makeFolders(path, FOLDER_MODE));
    // Where nothing was made, who made it may have had no time to sync it.
    const top = dirname(first ?? path);
    for (let made = path; made !== top; made = dirname(made)) await syncFolder(dirname(made));
  }

  async list(path: string): Promise<readonly DiskEntry[]> {
    try {
      const entries = await readdir(path, { withFileTypes: true });
      return entries
        .map((entry) => ({ name: entry.name, isFolder: entry.isDirectory() }))
        .toSorted((a, b) => (a.name < b.name ? -1 : 1));
    } catch (error) {
      const failure = diskError("open", path, error);
      if (failure.fault === "absent") return [];
      throw failure;
    }
  }

  size(path: string): number {
    try {
      return statSync(path, { throwIfNoEntry: false })?.size ?? -1;
    } catch (error) {
      throw diskError("stat", path, error);
    }
  }

  read(path: string, position: number, target: Buffer, start: number, length: number): number {
    return this.#reading.read(path, position, target, start, length);
  }

  readLater(path: string, position: number, target: Buffer, start: number, length: number): Promise<number> {
    return this.#reading.readLater(path, position, target, start, length);
  }

  async openToWrite(path: string): Promise<WritableFile> {
    const flags = constants.O_RDWR | constants.O_CREAT;
    const file = await diskCall("open", path, open(path, flags, FILE_MODE));
    try {
      // Also where it was there before: who made it may have had no time for this.
      await syncFolder(dirname(path));
    } catch (error) {
      await file.close();
      throw error;
    }
    return new OpenFile(path, file);
  }

  async replace(path: string, data: Uint8Array): Promise<void> {
    const temporary = `${path}.tmp`;
    try {
      await writeNew(temporary, data);
      await diskCall("rename", path, rename(temporary, path));
    } catch (error) {
      // What is left of it only takes room; the failure that is told is the first.
      await unlink(temporary).catch(() => undefined);
      throw error;
    }
    this.#reading.forget(path);
    await syncFolder(dirname(path));
  }

  async rename(from: string, to: string): Promise<void> {
    await diskCall("rename", from, rename(from, to));
    this.#reading.forget(from);
    this.#reading.forget(to);
    await syncFolder(dirname(to));
    if (dirname(from) !== dirname(to)) await syncFolder(dirname(from));
  }

  async remove(path: string): Promise<void> {
    await this.#remove(path, unlink(path));
  }

  async removeFolder(path: string): Promise<void> {
    await this.#remove(path, rm(path, { recursive: true, force: true }));
  }

  async #remove(path: string, removal: Promise<void>): Promise<void> {
    try {
      await removal;
      await syncFolder(dirname(path));
    } catch (error) {
      const failure = diskError("remove", path, error);
      if (failure.fault !== "absent") throw failure;
    } finally {
      this.#reading.forget(path);
    }
  }

  async space(path: string): Promise<DiskSpace> {
    try {
      const { bsize, bavail, blocks } = await statfs(path);
      return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
    } catch (error) {
      const failure = diskError("statfs", path, error);
      // What is not there yet will lie on the disk of the folder above.
      if (failure.fault === "absent" && dirname(path) !== path) return this.space(join(path, ".."));
      throw failure;
    }
  }

  /** Closes what is open for reading. Reading afterwards opens it again. */
  close(): void {
    this.#reading.close();
  }
}

async function writeNew(path: string, data: Uint8Array): Promise<void> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC;
  const file = await diskCall("open", path, open(path, flags, FILE_MODE));
  try {
    await writeAll(path, file, 0, [data]);
    await diskCall("sync", path, file.sync());
  } finally {
    await file.close();
  }
}

/** Makes the entries of a folder durable. */
async function syncFolder(path: string): Promise<void> {
  // There is no opening a folder there, and its file system keeps entries by itself.
  if (process.platform === "win32") return;
  const folder = await diskCall("open", path, open(path, constants.O_RDONLY));
  try {
    await diskCall("sync", path, folder.sync());
  } finally {
    await folder.close();
  }
}
