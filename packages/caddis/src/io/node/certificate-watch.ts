import { type FSWatcher, watch } from "node:fs";
import { realpath, stat } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Changes come in bursts (a certificate, then its key; a new folder, then the link to it): they are looked at
 * when nothing more has come for this long.
 */
const SETTLE_MS = 250;

/** File systems that tell of nothing (NFS, some containers'), and links to links, are looked at this often. */
const POLL_MS = 30_000;

/** A watch of files. */
export interface Watch {
  /** Settled when it is known what the files are: changes from then on are noticed. */
  readonly ready: Promise<void>;
  /** Ends it; nothing is called and nothing stays open. */
  close(): void;
}

/** When to look. */
export interface WatchTiming {
  readonly settleMs: number;
  readonly pollMs: number;
}

/**
 * Calls `onChange` when one of the files at `paths` has become another: rewritten, renamed over, or reached
 * through a link that now leads elsewhere, as Kubernetes does it with `..data`. Files that are missing may come.
 * One call at a time; changes meanwhile come to one more. Does not keep the process alive.
 */
export function watchFiles(
  paths: readonly string[],
  onChange: () => Promise<void>,
  timing: WatchTiming = { settleMs: SETTLE_MS, pollMs: POLL_MS },
): Watch {
  return new FilesWatch(paths, onChange, timing);
}

class FilesWatch implements Watch {
  readonly #paths: readonly string[];
  readonly #onChange: () => Promise<void>;
  readonly #timing: WatchTiming;
  /** By path and identity: a folder that was made anew is another one. */
  readonly #folders = new Map<string, FSWatcher>();
  readonly ready: Promise<void>;
  readonly #poll: NodeJS.Timeout;
  #settling: NodeJS.Timeout | undefined;
  /** What the files were when they were last looked at. */
  #seen: string | null = null;
  #isLooking = true;
  #mustLookAgain = false;
  #isClosed = false;

  constructor(paths: readonly string[], onChange: () => Promise<void>, timing: WatchTiming) {
    this.#paths = paths;
    this.#onChange = onChange;
    this.#timing = timing;
    this.#poll = setInterval(() => this.#look(), timing.pollMs).unref();
    this.ready = this.#lookWell();
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#poll);
    clearTimeout(this.#settling);
    for (const watcher of this.#folders.values()) watcher.close();
    this.#folders.clear();
  }

  #onEvent(): void {
    clearTimeout(this.#settling);
    if (!this.#isClosed) this.#settling = setTimeout(() => this.#look(), this.#timing.settleMs).unref();
  }

  #look(): void {
    if (this.#isLooking) {
      this.#mustLookAgain = true;
      return;
    }
    this.#isLooking = true;
    void this.#lookWell();
  }

  async #lookWell(): Promise<void> {
    do {
      this.#mustLookAgain = false;
      // Folders first: what changes after this is told of.
      await this.#watchFolders();
      const states = await Promise.all(this.#paths.map(stateOf));
      if (this.#isClosed) return;
      const before = this.#seen;
      this.#seen = states.join("\n");
      if (before !== null && before !== this.#seen) await this.#onChange();
    } while (this.#mustLookAgain && !this.#isClosed);
    this.#isLooking = false;
  }

  /** Watches the folders in which the files lie, and those where their links lead to at present. */
  async #watchFolders(): Promise<void> {
    const real = await Promise.all(this.#paths.map((path) => realpath(path).catch(() => path)));
    const folders = [...new Set([...this.#paths, ...real].map((path) => dirname(path)))];
    const keys = await Promise.all(folders.map(async (folder) => `${folder} ${await identityOf(folder)}`));
    if (this.#isClosed) return;
    for (const key of this.#folders.keys()) if (!keys.includes(key)) this.#dropFolder(key);
    for (const [i, folder] of folders.entries()) {
      if (!this.#folders.has(keys[i])) this.#watchFolder(folder, keys[i]);
    }
  }

  #watchFolder(folder: string, key: string): void {
    try {
      const watcher = watch(folder, { persistent: false }, () => this.#onEvent());
      this.#folders.set(key, watcher);
      watcher.on("error", () => this.#dropFolder(key));
    } catch {
      // No such folder, or no watch to be had: the next look tries again, and looks itself.
    }
  }

  #dropFolder(key: string): void {
    this.#folders.get(key)?.close();
    this.#folders.delete(key);
  }
}

async function identityOf(folder: string): Promise<string> {
  try {
    const { dev, ino } = await stat(folder);
    return `${dev} ${ino}`;
  } catch {
    return "missing";
  }
}

/** Differs when the file at `path` is another one, or has another content. */
async function stateOf(path: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeMs, ctimeMs } = await stat(path);
    return `${dev} ${ino} ${size} ${mtimeMs} ${ctimeMs}`;
  } catch {
    return "missing";
  }
}
