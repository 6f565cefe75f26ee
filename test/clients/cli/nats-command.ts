import { execFile } from "node:child_process";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { whyNot } from "../support/checks.ts";
import { cacheFolder, lastWords, sourceFolder, tool } from "../support/programs.ts";

/** One command takes no longer; reached only when something hangs. */
const COMMAND_DEADLINE_MS = 20_000;

/** What a command of `nats` came to. */
export interface Ended {
  code: number;
  /** Everything it wrote to either stream. */
  output: string;
}

/** How a command is run. */
export interface RunOptions {
  /** Ends it early. */
  signal?: AbortSignal;
  /** What it reads; nothing when absent. */
  input?: string;
}

/** The `nats` command line. */
export class NatsCommand {
  readonly #path: string;
  /** Where it keeps its contexts: not those of whoever runs the tests. */
  readonly #home: string;

  private constructor(path: string, home: string) {
    this.#path = path;
    this.#home = home;
  }

  /** Fetches and builds it; a text says why this machine does not. Rejects when what was fetched does not build. */
  static async build(): Promise<NatsCommand | string> {
    const reason = whyNot(["go"], true);
    if (reason !== null) return reason;
    const cwd = sourceFolder("cli");
    const cache = await cacheFolder("cli");
    const path = join(cache, "nats");
    try {
      await tool("go", ["mod", "download"], { cwd });
    } catch (error) {
      return `cannot be fetched here: ${lastWords(error)}`;
    }
    await tool("go", ["build", "-mod=readonly", "-o", path, "github.com/nats-io/natscli/nats"], { cwd });
    return new NatsCommand(path, join(cache, "home"));
  }

  /** Runs it to its end at the server of `url`, or until the signal ends it. */
  async run(
    t: TestContext,
    url: string,
    args: readonly string[],
    { signal = t.signal, input = "" }: RunOptions = {},
  ): Promise<Ended> {
    const env = { ...process.env, HOME: this.#home, XDG_CONFIG_HOME: this.#home, NATS_URL: url };
    return await new Promise((resolve) => {
      const options = { env, signal, timeout: COMMAND_DEADLINE_MS };
      const child = execFile(this.#path, args, options, (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
        resolve({ code, output: stdout + stderr });
      });
      // Nobody answers its questions. Its end may come before it has read anything.
      child.stdin?.on("error", () => {}).end(input);
    });
  }
}
