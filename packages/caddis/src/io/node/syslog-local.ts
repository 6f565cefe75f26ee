import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { LogOpenError, type LogDestination } from "./log-destination.ts";
import type { LogLevel } from "./log-format.ts";
import { SEVERITIES, type MessageText } from "./syslog-remote.ts";
import { STDERR_FD, writeTextSync } from "./write-sync.ts";

/** Where syslog daemons listen. */
const SOCKET_PATHS: readonly string[] = ["/dev/log", "/var/run/syslog", "/var/run/log"];
/** The syslog facility of nats-server's local messages: daemon. */
const FACILITY_DAEMON = 3;
/** The longest message `logger` passes on in one piece. */
const MESSAGE_BYTES_MAX = 32 * 1024;
/** What may wait for `logger`; above it messages are counted and dropped. */
const BACKLOG_BYTES_MAX = 1024 * 1024;
/** How long leaving may wait for the last messages. */
const CLOSE_MS_MAX = 1_000;

/**
 * The syslog of this machine. Node cannot open unix datagram sockets, so a `logger` process (util-linux)
 * stands in between: it gets lines with a priority in front. Throws a `LogOpenError` when there is no
 * daemon or no such `logger`. `socketPaths` is for tests.
 */
export function openLocalSyslog(
  tag: string,
  pid: number,
  text: MessageText,
  socketPaths: readonly string[] = SOCKET_PATHS,
): LogDestination {
  const socketPath = socketPaths.find((path) => existsSync(path));
  if (socketPath === undefined) {
    throw new LogOpenError(`error connecting to syslog: none of ${socketPaths.join(", ")} is there`);
  }
  const version = spawnSync("logger", ["--version"], { encoding: "utf8" });
  if (version.error !== undefined || !version.stdout.includes("util-linux")) {
    throw new LogOpenError("error connecting to syslog: local syslog needs logger(1) of util-linux on PATH");
  }
  return new LocalSyslog(tag, pid, text, socketPath);
}

class LocalSyslog implements LogDestination {
  readonly #text: MessageText;
  readonly #child;
  readonly #exited: Promise<void>;
  #gone = false;
  #closing = false;
  #lostCount = 0;

  constructor(tag: string, pid: number, text: MessageText, socketPath: string) {
    this.#text = text;
    const options = ["--prio-prefix", "--socket-errors=on", `--size=${MESSAGE_BYTES_MAX}`];
    // A group of its own: Ctrl-C in a terminal is for the server, which still has lines to log.
    this.#child = spawn("logger", [...options, `--id=${pid}`, "--tag", tag, "--socket", socketPath], {
      stdio: ["pipe", "ignore", "inherit"],
      detached: true,
    });
    this.#child.unref();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#exited = promise;
    const gone = (): void => {
      this.#leave();
      resolve();
    };
    this.#child.once("exit", gone).once("error", gone);
    this.#child.stdin.on("error", () => {});
  }

  write(level: LogLevel, message: string): void {
    const line = `<${FACILITY_DAEMON * 8 + SEVERITIES[level]}>${this.#text(level, message)}\n`;
    if (this.#gone) writeTextSync(STDERR_FD, line);
    else if (this.#child.stdin.writableLength > BACKLOG_BYTES_MAX) this.#lostCount++;
    else this.#send(line);
  }

  reopen(): boolean {
    return false;
  }

  async close(): Promise<void> {
    this.#closing = true;
    if (this.#gone) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timeout = setTimeout(resolve, CLOSE_MS_MAX);
    this.#child.stdin.end();
    await Promise.race([this.#exited, promise]);
    clearTimeout(timeout);
  }

  #send(line: string): void {
    if (this.#lostCount > 0) {
      const priority = FACILITY_DAEMON * 8 + SEVERITIES.warn;
      this.#child.stdin.write(`<${priority}>${this.#lostCount} log line(s) lost before this one\n`);
      this.#lostCount = 0;
    }
    this.#child.stdin.write(line);
  }

  /** Without `logger` the lines go to stderr, rather than nowhere. */
  #leave(): void {
    this.#gone = true;
    if (!this.#closing) writeTextSync(STDERR_FD, "logger(1) ended: syslog lines go to stderr from here on\n");
  }
}
