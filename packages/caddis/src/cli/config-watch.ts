import { dirname, join } from "node:path";
import { ConfigError } from "../config/config-error.ts";
import { loadConfig } from "../config/load.ts";
import type { Options } from "../config/options.ts";
import { parseConfig } from "../config/parser.ts";
import type { Log } from "../io/log.ts";
import { watchFiles, type Watch } from "../io/node/certificate-watch.ts";
import { readTextFile } from "../io/node/process-files.ts";
import type { ReloadPart, ReloadStep } from "../server/reload-part.ts";

/** What a watch of a configuration works with. */
export interface ConfigWatchPorts {
  readonly readFile: (path: string) => string;
  readonly env: (name: string) => string | undefined;
  readonly watchFiles: (paths: readonly string[], onChange: () => Promise<void>) => Watch;
  readonly log: Log;
  /** Whether these options ask for it. */
  readonly isWanted: (options: Options) => boolean;
  /** Reads the configuration again and goes on with it; rejects with an `Error` that says why not. */
  readonly reload: () => Promise<void>;
}

/**
 * Reloads when the configuration file, or one that it includes or whose text it takes, becomes another; the option
 * `config_watch`. A file that has become empty is left alone: it is most likely being written, and to take it would
 * open a server that asks for passwords.
 */
export class ConfigWatch implements ReloadPart {
  readonly #file: string;
  readonly #ports: ConfigWatchPorts;
  #watch: Watch | null = null;
  #paths: readonly string[] = [];
  #isOn = false;

  /** `file`: the configuration; empty: there is none to watch. */
  constructor(file: string, ports: ConfigWatchPorts) {
    this.#file = file;
    this.#ports = ports;
  }

  /**
   * Watches, where `options` ask for it. `digest`: of the file as the server has it; if it is another by now, it is
   * read again at once. Resolves when changes are noticed from then on.
   */
  async start(options: Options, digest: string): Promise<void> {
    this.#isOn = this.#asksForIt(options);
    await this.#watchThem();
    if (this.#isOn && this.#digest() !== digest) await this.#onChange();
  }

  prepare(_current: Options, next: Options): ReloadStep {
    return {
      commit: () => {
        this.#isOn = this.#asksForIt(next);
        if (!this.#isOn) this.close();
      },
      finish: () => this.#watchThem(),
    };
  }

  #asksForIt(options: Options): boolean {
    return this.#file !== "" && this.#ports.isWanted(options);
  }

  /** Ends it, until a reload asks for it again. */
  close(): void {
    this.#isOn = false;
    this.#watch?.close();
    this.#watch = null;
    this.#paths = [];
  }

  /** Watches the files there are now; until they no longer change while that is being done. */
  async #watchThem(): Promise<void> {
    for (let paths = this.#files(); this.#isOn && !this.#isWatched(paths); paths = this.#files()) {
      this.#watch?.close();
      this.#paths = paths;
      this.#watch = this.#ports.watchFiles(paths, () => this.#onChange());
      await this.#watch.ready;
    }
  }

  #isWatched(paths: readonly string[]): boolean {
    return this.#watch !== null && paths.join("\n") === this.#paths.join("\n");
  }

  async #onChange(): Promise<void> {
    if (!this.#isOn) return;
    // Before it is read: what changes from now on is noticed.
    await this.#watchThem();
    if (!this.#isOn) return;
    const { log } = this.#ports;
    const digest = this.#digest();
    if (digest === null) {
      log.warn(`Configuration file ${this.#file} has become empty: not reloaded`);
      return;
    }
    log.info(`Configuration file ${this.#file} has changed`);
    await this.#reload();
    // A reload may begin to watch other files, from what they are by then: what changed since it read them counts.
    if (this.#isOn && this.#digest() !== digest) await this.#onChange();
  }

  async #reload(): Promise<void> {
    try {
      await this.#ports.reload();
    } catch (error) {
      const problems = error instanceof ConfigError ? error.problems : [describe(error)];
      this.#ports.log.error(`Failed to reload server configuration: ${problems.join("; ")}`);
    }
  }

  /** The file itself, and all that reading it asks for; those that are missing too: they may come. */
  #files(): readonly string[] {
    const paths = new Set<string>();
    const readFile = (path: string): string => {
      paths.add(path);
      return this.#ports.readFile(path);
    };
    try {
      loadConfig(readFile(this.#file), { file: this.#file, readFile, env: this.#ports.env });
    } catch {
      // It can't be read: what is known of it so far is watched, and a reload tells of it.
    }
    return [...paths].sort();
  }

  /** Of the file as it is; empty: it can't be read or makes no sense, which a reload tells of; null: nothing is in it. */
  #digest(): string | null {
    const { readFile, env } = this.#ports;
    const resolvePath = (from: string, path: string): string => join(dirname(from), path);
    const source = { file: this.#file, readFile, env, resolvePath };
    try {
      const text = readFile(this.#file);
      return parseConfig(text, source).entries.size === 0 ? null : loadConfig(text, source).digest;
    } catch {
      return "";
    }
  }
}

/** A watch of the configuration of this process; see `ConfigWatchPorts`. */
export function watchConfig(
  file: string,
  log: Log,
  isWanted: ConfigWatchPorts["isWanted"],
  reload: ConfigWatchPorts["reload"],
): ConfigWatch {
  const env = (name: string): string | undefined => process.env[name];
  return new ConfigWatch(file, { readFile: readTextFile, env, watchFiles, log, isWanted, reload });
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
