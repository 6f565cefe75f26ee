import { DiskError } from "./disk.ts";
import type { Disk, DiskEntry, DiskSpace, WritableFile } from "./disk.ts";

/** What a disk in memory says it has, unless told otherwise: enough for every test. */
const TOTAL_BYTES = 1024 ** 4;

/** A file's first allocation; it is doubled when it is full. */
const FILE_BYTES_MIN = 256;

/**
 * A disk in memory, for servers that live in a test: nothing of it outlives the process. All is done before a call
 * returns, promises are resolved already, so that it behaves the same each time.
 */
export class MemoryDisk implements Disk {
  readonly #totalBytes: number;
  readonly #folders = new Set<string>(["/"]);
  readonly #files = new Map<string, MemoryFile>();

  constructor(totalBytes: number = TOTAL_BYTES) {
    this.#totalBytes = totalBytes;
  }

  async makeFolder(path: string): Promise<void> {
    for (let folder = path; folder !== "/"; folder = parentOf(folder)) {
      if (this.#files.has(folder)) throw new DiskError("failed", `mkdir ${path}: not a directory`);
      this.#folders.add(folder);
    }
  }

  async list(path: string): Promise<readonly DiskEntry[]> {
    const inside = (child: string): boolean => parentOf(child) === path && child !== "/";
    const files = [...this.#files.keys()].filter(inside).map((file) => entry(file, false));
    const folders = [...this.#folders].filter(inside).map((folder) => entry(folder, true));
    return [...files, ...folders].toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  size(path: string): number {
    return this.#files.get(path)?.length ?? (this.#folders.has(path) ? 0 : -1);
  }

  read(path: string, position: number, target: Buffer, start: number, length: number): number {
    const file = this.#files.get(path);
    if (file === undefined) throw absent("open", path);
    return file.read(position, target, start, length);
  }

  async readLater(
    path: string,
    position: number,
    target: Buffer,
    start: number,
    length: number,
  ): Promise<number> {
    return this.read(path, position, target, start, length);
  }

  async openToWrite(path: string): Promise<WritableFile> {
    this.#needFolder("open", path);
    const file = this.#files.get(path) ?? new MemoryFile();
    this.#files.set(path, file);
    return new OpenMemoryFile(this, path, file);
  }

  async replace(path: string, data: Uint8Array): Promise<void> {
    this.#needFolder("open", path);
    this.#needSpace(path, data.length);
    const file = new MemoryFile();
    file.write(0, data);
    this.#files.set(path, file);
  }

  async rename(from: string, to: string): Promise<void> {
    this.#needFolder("rename", to);
    const file = this.#files.get(from);
    if (file !== undefined) {
      this.#files.delete(from);
      this.#files.set(to, file);
      return;
    }
    if (!this.#folders.has(from)) throw absent("rename", from);
    if ((await this.list(to)).length > 0) throw new DiskError("failed", `rename ${to}: directory not empty`);
    for (const [path, inside] of [...this.#files].filter(([path]) => path.startsWith(`${from}/`))) {
      this.#files.delete(path);
      this.#files.set(to + path.slice(from.length), inside);
    }
    for (const path of [...this.#folders].filter((path) => path === from || path.startsWith(`${from}/`))) {
      this.#folders.delete(path);
      this.#folders.add(to + path.slice(from.length));
    }
  }

  async remove(path: string): Promise<void> {
    this.#files.delete(path);
  }

  async removeFolder(path: string): Promise<void> {
    const inside = (child: string): boolean => child === path || child.startsWith(`${path}/`);
    for (const file of [...this.#files.keys()].filter(inside)) this.#files.delete(file);
    for (const folder of [...this.#folders].filter(inside)) this.#folders.delete(folder);
  }

  async space(): Promise<DiskSpace> {
    return { freeBytes: this.#freeBytes(), totalBytes: this.#totalBytes };
  }

  /** Throws `full` unless so many bytes more fit. */
  #needSpace(path: string, bytes: number): void {
    if (bytes > this.#freeBytes()) throw new DiskError("full", `write ${path}: no space left on device`);
  }

  /** For files that grow. */
  needSpaceFor(path: string, file: MemoryFile, length: number): void {
    if (length > file.length) this.#needSpace(path, length - file.length);
  }

  #freeBytes(): number {
    let used = 0;
    for (const file of this.#files.values()) used += file.length;
    return this.#totalBytes - used;
  }

  #needFolder(action: string, path: string): void {
    if (!this.#folders.has(parentOf(path))) throw absent(action, path);
  }
}

/** The bytes of one file. */
class MemoryFile {
  length = 0;
  #bytes = Buffer.alloc(FILE_BYTES_MIN);

  read(position: number, target: Buffer, start: number, length: number): number {
    const end = Math.min(this.length, position + length);
    return end <= position ? 0 : this.#bytes.copy(target, start, position, end);
  }

  /** Room that is skipped reads as zeros. */
  write(position: number, data: Uint8Array): void {
    const end = position + data.length;
    if (end > this.#bytes.length) {
      const grown = Buffer.alloc(Math.max(end, 2 * this.#bytes.length));
      this.#bytes.copy(grown, 0, 0, this.length);
      this.#bytes = grown;
    }
    this.#bytes.set(data, position);
    this.length = Math.max(this.length, end);
  }
}

class OpenMemoryFile implements WritableFile {
  readonly #disk: MemoryDisk;
  readonly #path: string;
  readonly #file: MemoryFile;

  constructor(disk: MemoryDisk, path: string, file: MemoryFile) {
    this.#disk = disk;
    this.#path = path;
    this.#file = file;
  }

  async write(position: number, chunks: readonly Uint8Array[]): Promise<void> {
    const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    this.#disk.needSpaceFor(this.#path, this.#file, position + bytes);
    let at = position;
    for (const chunk of chunks) {
      this.#file.write(at, chunk);
      at += chunk.length;
    }
  }

  writeDurably(position: number, chunks: readonly Uint8Array[]): Promise<void> {
    return this.write(position, chunks);
  }

  async sync(): Promise<void> {}

  async close(): Promise<void> {}
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(1, path.lastIndexOf("/")));
}

function entry(path: string, isFolder: boolean): DiskEntry {
  return { name: path.slice(path.lastIndexOf("/") + 1), isFolder };
}

function absent(action: string, path: string): DiskError {
  return new DiskError("absent", `${action} ${path}: no such file or directory`);
}
