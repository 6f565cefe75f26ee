import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { loadConfig } from "../../packages/caddis/src/config/load.ts";

/** What a check says: `digest` when all is well, else the faults, `line:column: reason` each where they have a place. */
export interface ConfigVerdict {
  digest: string;
  faults: string[];
}

/** A folder for configuration files that nats-server's own check (`-t`) and ours both read. */
export class ConfigCheck {
  readonly folder = mkdtempSync(join(tmpdir(), "caddis-config-"));
  readonly #reference: string;
  readonly #env: Readonly<Record<string, string>>;
  #fileCount = 0;

  constructor(reference: string, env: Readonly<Record<string, string>> = {}) {
    this.#reference = reference;
    this.#env = env;
  }

  /** Puts a file beside those that are checked. */
  async add(name: string, text: string): Promise<void> {
    const path = join(this.folder, name);
    mkdirSync(dirname(path), { recursive: true });
    await writeFile(path, text);
  }

  /** Writes `text` to a file, runs both checks on it, and gives both verdicts. `DIR` stands for the folder. */
  async verdicts(template: string): Promise<{ theirs: ConfigVerdict; ours: ConfigVerdict }> {
    const text = template.replaceAll("DIR/", `${this.folder}/`);
    const file = join(this.folder, `${this.#fileCount++}.conf`);
    await writeFile(file, text);
    const output = await new Promise<string>((resolve) => {
      const options = { env: { ...process.env, ...this.#env }, timeout: 20_000 };
      execFile(this.#reference, ["-t", "-c", file], options, (_error, stdout, stderr) =>
        resolve(stdout + stderr),
      );
    });
    const digest = /is valid \((sha256:[0-9a-f]+)\)/.exec(output)?.[1] ?? "";
    const lines = output
      .trim()
      .replace(/^\S*nats-server: /, "")
      .split("\n");
    const theirs = { digest, faults: digest === "" ? this.#faultsOf(lines, file) : [] };
    const loaded = loadConfig(text, {
      file,
      readFile: (path) => readText(path),
      env: (name) => this.#env[name] ?? process.env[name],
    });
    const faults = this.#faultsOf([...loaded.errors, ...loaded.warnings], file);
    return { theirs, ours: { digest: faults.length === 0 ? loaded.digest : "", faults } };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Positions and reasons of fault lines, without the folder and the name of the main file. */
  #faultsOf(lines: readonly string[], file: string): string[] {
    return lines.map((line) => line.replaceAll(`${file}:`, "").replaceAll(`${this.folder}/`, ""));
  }
}

/** The reason of a fault, without its place. */
export function reasonOf(fault: string): string {
  return fault.replace(/^(?:\S+\.conf:)?\d+:\d+: /, "");
}

/** The `line:column` of each fault that has one. */
export function placesOf(faults: readonly string[]): string[] {
  return faults.flatMap((fault) => /(?:^|\.conf:)(\d+:\d+): /.exec(fault)?.[1] ?? []).toSorted();
}

/** A file's text; the error says why there is none as the program's does. */
function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new Error(`open ${path}: no such file or directory`, { cause: error });
  }
}
