import { spawn, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

/** How long a server may take until it says that it is ready; reached only when it hangs. */
const START_DEADLINE_MS = 20_000;
/** How long a server may take to leave after SIGTERM before it is killed. */
const STOP_DEADLINE_MS = 5_000;

/** Servers that must not outlive this process when it fails. */
const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** The launcher of the server in this checkout. */
export const OUR_SERVER = join(import.meta.dirname, "../../bin/caddis");

/** What to start and how. */
export interface ServerOptions {
  /** Path of the executable. */
  command: string;
  /** Text of the configuration file; the server gets none when absent. */
  config?: string;
  /** Further command line arguments. */
  args?: readonly string[];
}

/** The reference server's path from NATS_SERVER or PATH, or null when this machine has none. */
export function findReferenceServer(): string | null {
  const named = process.env["NATS_SERVER"];
  if (named !== undefined && named !== "") return named;
  for (const folder of (process.env["PATH"] ?? "").split(delimiter)) {
    const candidate = join(folder, "nats-server");
    if (folder !== "" && existsSync(candidate)) return candidate;
  }
  return null;
}

/** A server in a process of its own, on 127.0.0.1 and a random port, with a folder that goes when it stops. */
export class ServerProcess {
  readonly port: number;
  readonly #process: ChildProcess;
  readonly #folder: string;
  readonly #output: { text: string };
  readonly #exited: Promise<number | null>;

  private constructor(
    port: number,
    child: ChildProcess,
    folder: string,
    output: { text: string },
    exited: Promise<number | null>,
  ) {
    this.port = port;
    this.#process = child;
    this.#folder = folder;
    this.#output = output;
    this.#exited = exited;
  }

  /** Starts a server and waits for its "Server is ready". Throws with its output when it leaves or hangs instead. */
  static async start(options: ServerOptions): Promise<ServerProcess> {
    const folder = await mkdtemp(join(tmpdir(), "caddis-test-"));
    const args = ["-a", "127.0.0.1", "-p", "-1", ...(options.args ?? [])];
    if (options.config !== undefined) {
      const file = join(folder, "server.conf");
      await writeFile(file, options.config);
      args.push("-c", file);
    }
    const child = spawn(options.command, args, { cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
    running.add(child);
    child.once("exit", () => running.delete(child));
    const output = { text: "" };
    const exited = new Promise<number | null>((resolve) => {
      child.once("exit", resolve);
      child.once("error", (error) => {
        output.text += `${error.message}\n`;
        resolve(null);
      });
    });
    const ready = Promise.withResolvers<"ready">();
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      output.text += text;
      if (output.text.includes("Server is ready")) ready.resolve("ready");
    });
    const late = Promise.withResolvers<"late">();
    const timer = setTimeout(() => late.resolve("late"), START_DEADLINE_MS);
    const outcome = await Promise.race([ready.promise, late.promise, exited.then(() => "exited" as const)]);
    clearTimeout(timer);
    const port = /Listening for client connections on .*:(\d+)/.exec(output.text)?.[1];
    if (outcome !== "ready" || port === undefined) {
      child.kill("SIGKILL");
      await rm(folder, { recursive: true, force: true });
      throw new Error(`${options.command} did not become ready (${outcome}):\n${output.text}`);
    }
    return new ServerProcess(Number(port), child, folder, output, exited);
  }

  /** Everything the server has written to stderr so far. */
  get log(): string {
    return this.#output.text;
  }

  /** The process id. */
  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** Whether the process is gone. */
  get hasExited(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null;
  }

  /** Resolves to the exit code, or to null when a signal ended the process. */
  get exited(): Promise<number | null> {
    return this.#exited;
  }

  /** Sends a signal. */
  signal(name: NodeJS.Signals): void {
    this.#process.kill(name);
  }

  /** Stops the server (by a signal, at last SIGKILL), removes its folder and gives its exit code. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
    this.#process.kill(signal);
    const timer = setTimeout(() => this.#process.kill("SIGKILL"), STOP_DEADLINE_MS);
    const code = await this.#exited;
    clearTimeout(timer);
    await rm(this.#folder, { recursive: true, force: true });
    return code;
  }
}
