/**
 * Files, as the stores see them. Writing is asynchronous and says what is durable when it is done; reading
 * small pieces is synchronous: from the page cache it costs less than a trip to another thread, and it keeps
 * the logic of streams and consumers free of waiting. Paths are absolute. A failure throws, or rejects with, a
 * `DiskError`.
 *
 * Production plugs in `io/node/disk.ts`; tests a disk in memory that can lose, reorder, tear and refuse what
 * was not synced.
 */
export interface Disk {
  /** Makes a folder and those above it; durable when it resolves. One that is there stays. */
  makeFolder(path: string): Promise<void>;
  /** What is in a folder, sorted by name; empty when there is no such folder. */
  list(path: string): Promise<readonly DiskEntry[]>;
  /** Bytes in a file; -1: there is nothing of that name. Of a folder some number that is not negative. */
  size(path: string): number;
  /**
   * Reads up to `length` bytes from `position` into `target` at `start`; returns how many there were, less than
   * asked for only at the end of the file. Throws `absent` when there is no such file.
   */
  read(path: string, position: number, target: Buffer, start: number, length: number): number;
  /** As `read`, off the loop: for reading ahead and for long files. */
  readLater(path: string, position: number, target: Buffer, start: number, length: number): Promise<number>;
  /**
   * Opens a file to write to, and makes it if there is none. Its entry in the folder is durable when this resolves.
   */
  openToWrite(path: string): Promise<WritableFile>;
  /**
   * Puts `data` in place of a file, in one step: after a crash there is the old content or the new, and when it
   * resolves the new, durably. Goes by way of `<path>.tmp`, which a crash may leave behind.
   */
  replace(path: string, data: Uint8Array): Promise<void>;
  /** Gives a file or folder another name; durable when it resolves. */
  rename(from: string, to: string): Promise<void>;
  /** Removes a file; durable when it resolves. None there is no failure. */
  remove(path: string): Promise<void>;
  /** Removes a folder and all that is in it. None there is no failure. */
  removeFolder(path: string): Promise<void>;
  /** Bytes that may still be written to the disk that `path` lies on, and bytes it has in all. */
  space(path: string): Promise<DiskSpace>;
}

/** A file being written. One operation at a time: the caller waits for each before it asks for the next. */
export interface WritableFile {
  /** Writes all of `chunks`, one after the other, from `position`. On the disk only after `sync`, or after a crash perhaps in parts. */
  write(position: number, chunks: readonly Uint8Array[]): Promise<void>;
  /** Writes as `write` and is durable when it resolves: one trip instead of two. */
  writeDurably(position: number, chunks: readonly Uint8Array[]): Promise<void>;
  /**
   * All that was written is durable when it resolves. After a failure nobody knows what is on the disk: the file
   * must not be synced again as if nothing had happened.
   */
  sync(): Promise<void>;
  close(): Promise<void>;
}

export interface DiskEntry {
  readonly name: string;
  readonly isFolder: boolean;
}

export interface DiskSpace {
  readonly freeBytes: number;
  readonly totalBytes: number;
}

/**
 * Why a disk did not do what it was asked for. `busy`: no file could be opened, since process or system have as many open
 * as they may; nothing was done, and it may be tried again.
 */
export type DiskFault = "absent" | "full" | "busy" | "denied" | "failed";

/** A failed disk operation; the message names the file and the system's reason. */
export class DiskError extends Error {
  readonly fault: DiskFault;

  constructor(fault: DiskFault, message: string) {
    super(message);
    this.name = "DiskError";
    this.fault = fault;
  }
}
