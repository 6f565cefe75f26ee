import type { ClaimsDirectory, FileResult } from "../../io/claims-directory.ts";

/** A name that no file has: to ask whether one could be read if it were there. */
const NO_FILE = ".none";

/** A folder as it is, to which nothing is written: changes are in memory only. */
export class StillDirectory implements ClaimsDirectory {
  readonly path: string;
  readonly #folder: ClaimsDirectory;
  /** What was changed; null: removed. */
  readonly #changed = new Map<string, string | null>();

  constructor(folder: ClaimsDirectory) {
    this.path = folder.path;
    this.#folder = folder;
  }

  open(): Promise<FileResult<void>> {
    return Promise.resolve(done(undefined));
  }

  async names(): Promise<FileResult<readonly string[]>> {
    const found = await this.#folder.names();
    // A folder that is missing is no failure: a server makes it.
    if (!found.ok && !(await this.#folder.read(NO_FILE)).ok) return found;
    const names = new Set(found.ok ? found.value : []);
    for (const [name, text] of this.#changed) {
      if (text === null) names.delete(name);
      else names.add(name);
    }
    return done([...names].toSorted());
  }

  read(name: string): Promise<FileResult<string | null>> {
    const changed = this.#changed.get(name);
    return changed === undefined ? this.#folder.read(name) : Promise.resolve(done(changed));
  }

  write(name: string, text: string): Promise<FileResult<void>> {
    this.#changed.set(name, text);
    return Promise.resolve(done(undefined));
  }

  async rename(name: string, to: string): Promise<FileResult<boolean>> {
    const read = await this.read(name);
    if (!read.ok) return read;
    if (read.value === null) return done(false);
    this.#changed.set(to, read.value).set(name, null);
    return done(true);
  }

  async remove(name: string): Promise<FileResult<boolean>> {
    const read = await this.read(name);
    if (!read.ok) return read;
    this.#changed.set(name, null);
    return done(read.value !== null);
  }
}

function done<T>(value: T): FileResult<T> {
  return { ok: true, value };
}
