import { DiskError } from "../../packages/caddis/src/io/disk.ts";
import type {
  Disk,
  DiskEntry,
  DiskFault,
  DiskSpace,
  WritableFile,
} from "../../packages/caddis/src/io/disk.ts";
import { SeededRandom } from "../../packages/caddis/src/io/seeded-random.ts";
import { FaultyFile } from "./faulty-file.ts";

/** Null: the name is taken away. */
type Names = readonly (readonly [path: string, file: FaultyFile | null])[];

/** Names that were given or taken together; a sync of one of `folders` makes that durable. */
interface NameChange {
  readonly folders: readonly string[];
  readonly names: Names;
}

/**
 * A disk in memory that does to what was not synced what disks do when the power goes: it is there, or not, or in parts,
 * file by file and sector by sector, and the same with names. All that it does by chance comes from a seed.
 *
 * Each thing that could be the last one before a crash is a step; steps are counted, so that a test can let the power
 * go, or one thing fail, at each of them. `crash` then gives the disk as it is found afterwards.
 */
export class FaultyDisk implements Disk {
  readonly #random: SeededRandom;
  readonly #folders = new Set<string>(["/"]);
  /** As it looks to who is using it. */
  #files = new Map<string, FaultyFile>();
  /** As the names lie on the disk. */
  #syncedFiles = new Map<string, FaultyFile>();
  /** What happened to names since their folders were synced, in order. */
  #unsynced: NameChange[] = [];
  readonly #steps: string[] = [];
  #killStep = Infinity;
  readonly #failures = new Map<number, DiskFault>();
  #capacity = Infinity;

  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
  }

  /** What was done so far, a line for each step: `sync /a`. */
  get steps(): readonly string[] {
    return this.#steps;
  }

  /** The power goes in the midst of step `step` (from 0): it may be done in parts, it and all after fail. */
  killAt(step: number): void {
    this.#killStep = step;
  }

  get isKilled(): boolean {
    return this.#steps.length > this.#killStep;
  }

  /** Something was made to fail already. */
  get hasFailed(): boolean {
    return [...this.#failures.keys()].some((step) => step < this.#steps.length);
  }

  /** Step `step` (from 0) fails, and only it: a write in parts; a sync leaves what was to be synced unsynced and says so just once. */
  failAt(step: number, fault: DiskFault = "failed"): void {
    this.#failures.set(step, fault);
  }

  /** Leaves room for so many bytes; Infinity: for everything. */
  fill(freeBytes: number): void {
    this.#capacity = this.#usedBytes() + freeBytes;
  }

  /** The disk as it is found after the power went; this one is not to be used any more. */
  crash(): FaultyDisk {
    const after = this.#next();
    const names = new Map(this.#syncedFiles);
    for (const change of this.#unsynced) {
      if (this.#random.below(2) === 0) continue;
      for (const [path, file] of change.names) rename(names, path, file);
    }
    const fates = new Map<FaultyFile, FaultyFile>();
    for (const [path, file] of names) {
      const fate = fates.get(file) ?? file.afterPowerLoss(this.#random);
      fates.set(file, fate);
      after.#files.set(path, fate);
      after.#syncedFiles.set(path, fate);
      // One whose renaming is not on the disk is where it was.
      after.#addFolders(parentOf(path));
    }
    return after;
  }

  /** The disk as it is found after the process went and the system stayed: nothing is lost, nothing more is synced. */
  restart(): FaultyDisk {
    const after = this.#next();
    after.#files = new Map(this.#files);
    after.#syncedFiles = new Map(this.#syncedFiles);
    after.#unsynced = [...this.#unsynced];
    // A folder whose renaming was the last thing that came to pass.
    for (const path of after.#files.keys()) after.#addFolders(parentOf(path));
    return after;
  }

  #next(): FaultyDisk {
    const after = new FaultyDisk(this.#random.below(2 ** 32));
    for (const folder of this.#folders) after.#folders.add(folder);
    return after;
  }

  /** All files, by path. */
  get paths(): readonly string[] {
    return [...this.#files.keys()].toSorted();
  }

  content(path: string): Buffer {
    return Buffer.from(this.#need("read", path).content);
  }

  /** Changes a file as only a fault of the disk would: it is on the disk at once. */
  damage(path: string, change: (content: Buffer) => Buffer): void {
    const file = FaultyFile.of(change(this.content(path)));
    this.#files.set(path, file);
    this.#syncedFiles.set(path, file);
  }

  async makeFolder(path: string): Promise<void> {
    if (this.#folders.has(path)) return;
    try {
      this.#step(`make ${path}`);
    } catch (error) {
      if (this.isKilled && this.#mayHappen && this.#random.below(2) === 0) this.#addFolders(path);
      throw error;
    }
    this.#addFolders(path);
  }

  #addFolders(path: string): void {
    for (let folder = path; folder !== "/"; folder = parentOf(folder)) this.#folders.add(folder);
  }

  async list(path: string): Promise<readonly DiskEntry[]> {
    const inside = (child: string): boolean => parentOf(child) === path && child !== "/";
    const files = [...this.#files.keys()].filter(inside).map((file) => entry(file, false));
    const folders = [...this.#folders].filter(inside).map((folder) => entry(folder, true));
    return [...files, ...folders].toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  size(path: string): number {
    return this.#files.get(path)?.content.length ?? (this.#folders.has(path) ? 0 : -1);
  }

  read(path: string, position: number, target: Buffer, start: number, length: number): number {
    const { content } = this.#need("open", path);
    const end = Math.min(content.length, position + length);
    return end <= position ? 0 : content.copy(target, start, position, end);
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
    if (!this.#files.has(path)) this.#changeNames(`create ${path}`, [[path, new FaultyFile()]]);
    this.#syncFolder(parentOf(path));
    return new OpenFaultyFile(this, path, this.#need("open", path));
  }

  async replace(path: string, data: Uint8Array): Promise<void> {
    this.#needFolder("open", path);
    const temporary = `${path}.tmp`;
    const file = new FaultyFile();
    this.#changeNames(`create ${temporary}`, [[temporary, file]]);
    this.write(temporary, file, 0, data);
    this.sync(temporary, file);
    this.#changeNames(`rename ${temporary}`, [
      [temporary, null],
      [path, file],
    ]);
    this.#syncFolder(parentOf(path));
  }

  async rename(from: string, to: string): Promise<void> {
    this.#needFolder("rename", to);
    if (this.#files.has(from)) {
      this.#changeNames(`rename ${from}`, [
        [from, null],
        [to, this.#need("rename", from)],
      ]);
    } else {
      this.#renameFolder(from, to);
    }
    this.#syncFolder(parentOf(to));
    if (parentOf(from) !== parentOf(to)) this.#syncFolder(parentOf(from));
  }

  #renameFolder(from: string, to: string): void {
    if (!this.#folders.has(from)) throw absent("rename", from);
    const moved = [...this.#files].filter(([path]) => path.startsWith(`${from}/`));
    this.#changeNames(
      `rename ${from}`,
      moved.flatMap(([path, file]) => [[path, null] as const, [to + path.slice(from.length), file] as const]),
      [parentOf(from), parentOf(to)],
    );
    for (const path of [...this.#folders].filter((path) => path === from || path.startsWith(`${from}/`))) {
      this.#folders.delete(path);
      this.#folders.add(to + path.slice(from.length));
    }
  }

  async remove(path: string): Promise<void> {
    if (!this.#files.has(path)) return;
    this.#changeNames(`remove ${path}`, [[path, null]]);
    this.#syncFolder(parentOf(path));
  }

  async removeFolder(path: string): Promise<void> {
    for (const file of [...this.#files.keys()].filter((file) => file.startsWith(`${path}/`))) {
      this.#changeNames(`remove ${file}`, [[file, null]]);
    }
    for (const folder of this.#folders) {
      if (folder === path || folder.startsWith(`${path}/`)) this.#folders.delete(folder);
    }
    // Those below it are gone with it.
    this.#unsynced = this.#unsynced.filter(
      ({ names }) => !names.every(([file]) => file.startsWith(`${path}/`)),
    );
    for (const file of this.#syncedFiles.keys()) {
      if (file.startsWith(`${path}/`)) this.#syncedFiles.delete(file);
    }
    this.#step(`sync ${parentOf(path)}`);
  }

  async space(): Promise<DiskSpace> {
    const totalBytes = Number.isFinite(this.#capacity) ? this.#capacity : 2 ** 50;
    return { freeBytes: Math.max(0, totalBytes - this.#usedBytes()), totalBytes };
  }

  /** For open files. */
  write(path: string, file: FaultyFile, position: number, data: Uint8Array): void {
    const growth = Math.max(0, position + data.length - file.content.length);
    const fits = growth <= this.#capacity - this.#usedBytes();
    try {
      this.#step(`write ${path}`);
    } catch (error) {
      // In parts; what comes after the end of the power not at all.
      if (this.#mayHappen) file.write(position, data.subarray(0, this.#random.below(data.length + 1)));
      throw error;
    }
    if (!fits) {
      file.write(position, data.subarray(0, Math.max(0, data.length - growth)));
      throw new DiskError("full", `write ${path}: no space left on device`);
    }
    file.write(position, data);
  }

  sync(path: string, file: FaultyFile): void {
    try {
      this.#step(`sync ${path}`);
    } catch (error) {
      if (!this.isKilled) file.failToSync();
      throw error;
    }
    file.sync();
  }

  #usedBytes(): number {
    let bytes = 0;
    for (const { content } of this.#files.values()) bytes += content.length;
    return bytes;
  }

  /** `folders`: where the names lie, unless it is said. */
  #changeNames(
    step: string,
    names: Names,
    folders: readonly string[] = names.map(([path]) => parentOf(path)),
  ): void {
    const change = { folders, names };
    try {
      this.#step(step);
    } catch (error) {
      // It may have come to pass all the same.
      if (this.isKilled && this.#mayHappen && this.#random.below(2) === 0) this.#change(change);
      throw error;
    }
    this.#change(change);
  }

  #change(change: NameChange): void {
    for (const [path, file] of change.names) rename(this.#files, path, file);
    this.#unsynced.push(change);
  }

  #syncFolder(folder: string): void {
    this.#step(`sync ${folder}`);
    // A journal holds the changes in order: with the last one of a folder come all before it.
    const last = this.#unsynced.findLastIndex(({ folders }) => folders.includes(folder));
    for (const { names } of this.#unsynced.splice(0, last + 1)) {
      for (const [path, file] of names) rename(this.#syncedFiles, path, file);
    }
  }

  /** Counts a step; throws where it is not to happen. */
  #step(what: string): void {
    const step = this.#steps.length;
    this.#steps.push(what);
    if (step >= this.#killStep) throw new DiskError("failed", `${what}: the power is gone`);
    const fault = this.#failures.get(step);
    if (fault !== undefined) throw new DiskError(fault, `${what}: made to fail`);
  }

  /** Whether the latest step, which failed, may have been done in parts. */
  get #mayHappen(): boolean {
    return this.#steps.length - 1 <= this.#killStep;
  }

  #need(action: string, path: string): FaultyFile {
    const file = this.#files.get(path);
    if (file === undefined) throw absent(action, path);
    return file;
  }

  #needFolder(action: string, path: string): void {
    if (!this.#folders.has(parentOf(path))) throw absent(action, path);
  }
}

class OpenFaultyFile implements WritableFile {
  readonly #disk: FaultyDisk;
  readonly #path: string;
  readonly #file: FaultyFile;

  constructor(disk: FaultyDisk, path: string, file: FaultyFile) {
    this.#disk = disk;
    this.#path = path;
    this.#file = file;
  }

  async write(position: number, chunks: readonly Uint8Array[]): Promise<void> {
    const data = Buffer.concat(chunks);
    if (data.length > 0) this.#disk.write(this.#path, this.#file, position, data);
  }

  async writeDurably(position: number, chunks: readonly Uint8Array[]): Promise<void> {
    await this.write(position, chunks);
    await this.sync();
  }

  async sync(): Promise<void> {
    this.#disk.sync(this.#path, this.#file);
  }

  async close(): Promise<void> {}
}

function rename(names: Map<string, FaultyFile>, path: string, file: FaultyFile | null): void {
  if (file === null) names.delete(path);
  else names.set(path, file);
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
