import { spawn, type ChildProcess } from "node:child_process";
import { watch } from "node:fs";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { OUR_SERVER } from "./server-process.ts";

/** How long anything here may take; reached only when a program hangs. */
const DEADLINE_MS = 20_000;

/** What a program that ended by itself left behind. */
export interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** A folder that goes when the test ends. */
export async function testFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "caddis-program-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A symlink to our launcher, under another name. */
export async function calledAs(folder: string, name: string): Promise<string> {
  const path = join(folder, name);
  await symlink(OUR_SERVER, path);
  return path;
}

/** Puts a script for /bin/sh into a folder, to stand on PATH in front of the real program. */
export async function fakeProgram(folder: string, name: string, script: string): Promise<void> {
  await writeFile(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}

/** A program that was started, with all it has written so far. */
export class Program {
  readonly #child: ChildProcess;
  readonly #ended: Promise<Outcome>;
  readonly #outcome: Outcome = { code: null, stdout: "", stderr: "" };
  #hasEnded = false;
  #onOutput: () => void = () => {};

  constructor(
    t: TestContext,
    command: string,
    args: readonly string[],
    cwd: string,
    env: NodeJS.ProcessEnv = {},
  ) {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = child;
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      this.#outcome.stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#outcome.stderr += text;
      this.#onOutput();
    });
    this.#ended = new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code) => {
        this.#outcome.code = code;
        this.#hasEnded = true;
        this.#onOutput();
        resolve(this.#outcome);
      });
    });
    const deadline = setTimeout(() => child.kill("SIGKILL"), DEADLINE_MS);
    t.after(async () => {
      clearTimeout(deadline);
      child.kill("SIGKILL");
      await this.#ended;
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get stderr(): string {
    return this.#outcome.stderr;
  }

  /** Resolves when the program has ended and its output is read. */
  get ended(): Promise<Outcome> {
    return this.#ended;
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Resolves when stderr matches; rejects when the program ends without. */
  until(pattern: RegExp): Promise<void> {
    return this.untilSaid((text) => pattern.test(text), String(pattern));
  }

  /** Resolves when `found` says so of all that stderr has; rejects when the program ends without. `what`: for the error. */
  async untilSaid(found: (text: string) => boolean, what: string): Promise<void> {
    while (!found(this.#outcome.stderr)) {
      if (this.#hasEnded) throw new Error(`ended without ${what}:\n${this.#outcome.stderr}`);
      await new Promise<void>((resolve) => (this.#onOutput = resolve));
    }
  }
}

/** Resolves when `found` says so about the files of a folder, asked again after each change in it. */
export async function untilFiles(folder: string, found: () => boolean): Promise<void> {
  const watcher = watch(folder);
  const deadline = setTimeout(() => watcher.close(), DEADLINE_MS);
  try {
    let changed = Promise.withResolvers<void>();
    let open = true;
    watcher.on("change", () => changed.resolve());
    watcher.on("close", () => {
      open = false;
      changed.resolve();
    });
    while (!found()) {
      if (!open) throw new Error(`what was waited for in ${folder} did not happen`);
      await changed.promise;
      changed = Promise.withResolvers<void>();
    }
  } finally {
    clearTimeout(deadline);
    watcher.close();
  }
}
