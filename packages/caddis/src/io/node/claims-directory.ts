import { constants } from "node:fs";
import { mkdir, open, readdir, rename, rm, unlink } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { ClaimsDirectory, FileResult } from "../claims-directory.ts";
import { asSystemError, describeSystemError } from "./system-error.ts";

/** Who may deliver and read accounts' JWTs is the server's business alone. */
const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;

/** A file that is being written; one that is found at the start is what a crash left. */
const UNFINISHED = ".unfinished";

/** A pipe somebody put there must not hold up the server: it opens at once, and is seen to be no file. */
const READ_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK;

/** The folder at `path`. Files over `bytesMax` are not read: what lies there need not be ours. */
export function claimsDirectory(path: string, bytesMax: number): ClaimsDirectory {
  return new FolderOfClaims(resolve(path), bytesMax);
}

class FolderOfClaims implements ClaimsDirectory {
  readonly path: string;
  readonly #bytesMax: number;

  constructor(path: string, bytesMax: number) {
    this.path = path;
    this.#bytesMax = bytesMax;
  }

  open(): Promise<FileResult<void>> {
    return tell("open", this.path, async () => {
      await mkdir(this.path, { recursive: true, mode: FOLDER_MODE });
      for (const name of await readdir(this.path)) {
        if (name.endsWith(UNFINISHED)) await rm(join(this.path, name));
      }
    });
  }

  names(): Promise<FileResult<readonly string[]>> {
    return tell("read", this.path, async () => {
      const entries = await readdir(this.path, { withFileTypes: true });
      return entries
        .filter((entry) => !entry.isDirectory())
        .map((entry) => entry.name)
        .sort();
    });
  }

  read(name: string): Promise<FileResult<string | null>> {
    const path = join(this.path, name);
    return tell("open", path, () => unlessMissing(null, () => this.#readFile(path)));
  }

  async #readFile(path: string): Promise<string> {
    const file = await open(path, READ_FLAGS);
    try {
      const status = await file.stat();
      if (!status.isFile()) throw new Error("not a regular file");
      if (status.size > this.#bytesMax) throw new Error(`larger than ${this.#bytesMax} bytes`);
      const bytes = Buffer.alloc(status.size);
      const { bytesRead } = await file.read(bytes, 0, status.size, 0);
      return bytes.toString("utf8", 0, bytesRead);
    } finally {
      await file.close();
    }
  }

  write(name: string, text: string): Promise<FileResult<void>> {
    const path = join(this.path, name);
    const unfinished = path + UNFINISHED;
    return tell("write", path, async () => {
      try {
        await rm(unfinished, { force: true });
        await writeThrough(unfinished, text);
        await rename(unfinished, path);
      } catch (error) {
        // Why it failed says more than that this could not be cleared away either.
        await rm(unfinished, { force: true }).catch(() => undefined);
        throw error;
      }
      await syncFolder(this.path);
    });
  }

  rename(name: string, to: string): Promise<FileResult<boolean>> {
    const path = join(this.path, name);
    return tell("rename", path, () =>
      unlessMissing(false, async () => {
        await rename(path, join(this.path, to));
        await syncFolder(this.path);
        return true;
      }),
    );
  }

  remove(name: string): Promise<FileResult<boolean>> {
    const path = join(this.path, name);
    return tell("remove", path, () =>
      unlessMissing(false, async () => {
        await unlink(path);
        await syncFolder(this.path);
        return true;
      }),
    );
  }
}

/** A new file that is on the disk when this resolves. A link somebody put in its place is not followed. */
async function writeThrough(path: string, text: string): Promise<void> {
  const file = await open(path, "wx", FILE_MODE);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Puts the names in a folder on the disk. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function unlessMissing<T, M>(missing: M, work: () => Promise<T>): Promise<T | M> {
  try {
    return await work();
  } catch (error) {
    if (asSystemError(error).code === "ENOENT") return missing;
    throw error;
  }
}

async function tell<T>(action: string, path: string, work: () => Promise<T>): Promise<FileResult<T>> {
  try {
    return { ok: true, value: await work() };
  } catch (error) {
    return { ok: false, problem: describeSystemError(action, path, error) };
  }
}
