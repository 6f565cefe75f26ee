import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** Longest a server may take from its start to its ports file. */
const START_DEADLINE_MS = 20_000;
const START_POLL_MS = 10;

/** Clock ticks per second in /proc: what `getconf CLK_TCK` says on every Linux architecture Node runs on. */
const TICKS_PER_SECOND = 100;

const MIB = 1024 * 1024;

/** CPU time of a process since its start, in microseconds, all its threads together. */
export interface CpuTime {
  readonly userMicros: number;
  readonly systemMicros: number;
}

/** Resident memory of a process now, and the most it ever was, in MiB. */
export interface Memory {
  readonly residentMib: number;
  readonly peakMib: number;
}

/** Which program to measure: an executable and its first arguments, and the name it gets in tables. */
export interface ServerProgram {
  readonly side: "ours" | "reference";
  readonly command: readonly string[];
}

/** First line of `--version`, or why there is none. */
export function versionOf(program: ServerProgram): string {
  const [file, ...args] = program.command;
  try {
    return execFileSync(file, [...args, "--version"], { encoding: "utf8", timeout: START_DEADLINE_MS }).split(
      "\n",
    )[0];
  } catch (error) {
    return `unknown (${error instanceof Error ? error.message.split("\n")[0] : String(error)})`;
  }
}

/**
 * A server process under test, started with the flags of nats-server, default settings but for a random
 * port on loopback. Its address and process id come from its ports file, so that a launcher which does
 * not become the server itself is not mistaken for it.
 */
export class ServerUnderTest {
  readonly port: number;
  /** NaN without a listener for it. */
  readonly websocketPort: number;
  readonly #pid: number;
  readonly #child: ChildProcess;
  readonly #folder: string;

  private constructor(child: ChildProcess, folder: string, { pid, port, websocketPort }: PortsFile) {
    this.#child = child;
    this.#folder = folder;
    this.#pid = pid;
    this.port = port;
    this.websocketPort = websocketPort;
  }

  /**
   * Starts the program, with a configuration file if `config` has any text (`{folder}` in it stands for a folder of its own); resolves when it has written its ports
   * file, rejects with its log when it does not.
   */
  static async start(program: ServerProgram, config = ""): Promise<ServerUnderTest> {
    const folder = mkdtempSync(join(tmpdir(), "caddis-bench-"));
    const logFile = join(folder, "log");
    const log = openSync(logFile, "w");
    const [file, ...args] = program.command;
    const configFile = join(folder, "server.conf");
    if (config !== "") writeFileSync(configFile, config.replaceAll("{folder}", folder));
    const given = config === "" ? [] : ["-c", configFile];
    const child = spawn(
      file,
      [...args, ...given, "-a", "127.0.0.1", "-p", "-1", "--ports_file_dir", folder],
      {
        stdio: ["ignore", log, log],
      },
    );
    closeSync(log);
    const end: { reason?: string } = {};
    child.on("error", (error) => (end.reason = error.message));
    child.on("exit", (code, signal) => (end.reason ??= `it ended with ${signal ?? code}`));
    const attempts = START_DEADLINE_MS / START_POLL_MS;
    for (let attempt = 0; attempt < attempts && end.reason === undefined; attempt++) {
      const found = readPortsFile(folder);
      if (found !== undefined) return new ServerUnderTest(child, folder, found);
      await sleep(START_POLL_MS);
    }
    child.kill("SIGKILL");
    const text = readFileSync(logFile, "utf8");
    rmSync(folder, { recursive: true, force: true });
    const reason = end.reason ?? `no ports file within ${START_DEADLINE_MS} ms`;
    throw new Error(`${program.command.join(" ")} did not start: ${reason}\n${text}`);
  }

  get pid(): number {
    return this.#pid;
  }

  /** CPU time so far. Its resolution is a clock tick, 10 ms. */
  cpu(): CpuTime {
    const stat = readFileSync(`/proc/${this.#pid}/stat`, "utf8");
    // The second field is the program's name in brackets and may contain spaces; utime and stime are 14 and 15.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const microsPerTick = 1_000_000 / TICKS_PER_SECOND;
    return {
      userMicros: Number(fields[11]) * microsPerTick,
      systemMicros: Number(fields[12]) * microsPerTick,
    };
  }

  /** Resident memory now and at its highest. */
  memory(): Memory {
    const status = readFileSync(`/proc/${this.#pid}/status`, "utf8");
    const mib = (field: string) =>
      (Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(status)?.[1]) * 1024) / MIB;
    return { residentMib: mib("VmRSS"), peakMib: mib("VmHWM") };
  }

  /** What the server has logged so far. */
  log(): string {
    return readFileSync(join(this.#folder, "log"), "utf8");
  }

  /** Kills the server and waits until it has gone; nothing stays behind. */
  async stop(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) resolve();
    else this.#child.once("exit", () => resolve());
    this.killNow();
    await promise;
  }

  /** Has the server shut down in good order, and waits until it has gone. */
  async leave(): Promise<void> {
    const gone = new Promise((resolve) => this.#child.once("exit", resolve));
    process.kill(this.#pid, "SIGTERM");
    await gone;
    this.killNow();
  }

  /** Kills without waiting, and removes log and ports file: for the end of the harness itself. */
  killNow(): void {
    if (this.#pid !== this.#child.pid && this.#child.exitCode === null) {
      try {
        process.kill(this.#pid, "SIGKILL");
      } catch {
        // It has gone already, which is what was wanted.
      }
    }
    this.#child.kill("SIGKILL");
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** What a ports file tells. */
interface PortsFile {
  readonly pid: number;
  readonly port: number;
  readonly websocketPort: number;
}

/** Process id (from its name) and ports (from its content) of the ports file in the folder. */
function readPortsFile(folder: string): PortsFile | undefined {
  const name = readdirSync(folder).find((entry) => entry.endsWith(".ports"));
  if (name === undefined) return undefined;
  const pid = Number(/_(\d+)\.ports$/.exec(name)?.[1]);
  const text = readFileSync(join(folder, name), "utf8");
  const port = Number(/"nats:\/\/[^"]*:(\d+)"/.exec(text)?.[1]);
  const websocketPort = Number(/"ws:\/\/[^"]*:(\d+)"/.exec(text)?.[1]);
  // The file may have been created but not yet written.
  return Number.isInteger(pid) && Number.isInteger(port) ? { pid, port, websocketPort } : undefined;
}
