import { closeSync, openSync, read, readSync } from "node:fs";
import { diskError } from "./disk-error.ts";

/** Files that stay open for reading: few are read at a time, and a server with thousands of them needs its descriptors. */
const DESCRIPTORS_MAX = 128;

/** A file open for reading. */
interface Descriptor {
  readonly fd: number;
  /** Reads that have not come back. */
  reads: number;
  /** Nobody gets it any more; it is closed when the last read is back. */
  isForgotten: boolean;
}

/** Reads files by path, and keeps the most recently used ones open. */
export class ReadDescriptors {
  /** Least recently used first. */
  readonly #open = new Map<string, Descriptor>();

  /** See `Disk.read`. */
  read(path: string, position: number, target: Buffer, start: number, length: number): number {
    const { fd } = this.#get(path);
    let got = 0;
    try {
      while (got < length) {
        const bytes = readSync(fd, target, start + got, length - got, position + got);
        if (bytes === 0) break;
        got += bytes;
      }
    } catch (error) {
      throw diskError("read", path, error);
    }
    return got;
  }

  /** See `Disk.readLater`. */
  async readLater(
    path: string,
    position: number,
    target: Buffer,
    start: number,
    length: number,
  ): Promise<number> {
    const descriptor = this.#get(path);
    descriptor.reads++;
    let got = 0;
    try {
      while (got < length) {
        const bytes = await readSome(descriptor.fd, target, start + got, length - got, position + got);
        if (bytes === 0) break;
        got += bytes;
      }
    } catch (error) {
      throw diskError("read", path, error);
    } finally {
      descriptor.reads--;
      if (descriptor.isForgotten) closeUnlessRead(descriptor);
    }
    return got;
  }

  /** Lets go of a file, or of all in a folder: another may be there now. */
  forget(path: string): void {
    for (const [file, descriptor] of this.#open) {
      if (file === path || file.startsWith(`${path}/`)) this.#drop(file, descriptor);
    }
  }

  close(): void {
    for (const [file, descriptor] of this.#open) this.#drop(file, descriptor);
  }

  #get(path: string): Descriptor {
    const known = this.#open.get(path);
    if (known !== undefined) {
      this.#open.delete(path);
      this.#open.set(path, known);
      return known;
    }
    const fd = this.#openFile(path);
    const descriptor = { fd, reads: 0, isForgotten: false };
    this.#open.set(path, descriptor);
    if (this.#open.size > DESCRIPTORS_MAX) {
      const [[oldest, oldestDescriptor]] = this.#open;
      this.#drop(oldest, oldestDescriptor);
    }
    return descriptor;
  }

  /** Where the process has no descriptor left, those that are only kept for later give way. */
  #openFile(path: string): number {
    try {
      return openSync(path, "r");
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : "";
      if ((code !== "EMFILE" && code !== "ENFILE") || this.#open.size === 0)
        throw diskError("open", path, error);
    }
    this.close();
    try {
      return openSync(path, "r");
    } catch (error) {
      throw diskError("open", path, error);
    }
  }

  #drop(path: string, descriptor: Descriptor): void {
    this.#open.delete(path);
    descriptor.isForgotten = true;
    closeUnlessRead(descriptor);
  }
}

function closeUnlessRead(descriptor: Descriptor): void {
  if (descriptor.reads === 0) closeSync(descriptor.fd);
}

function readSome(
  fd: number,
  target: Buffer,
  start: number,
  length: number,
  position: number,
): Promise<number> {
  return new Promise((resolve, reject) => {
    read(fd, target, start, length, position, (error, bytes) => {
      if (error === null) resolve(bytes);
      else reject(error);
    });
  });
}
