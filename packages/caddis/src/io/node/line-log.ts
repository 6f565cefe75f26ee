import { isatty } from "node:tty";
import type { Log } from "../log.ts";
import { StderrLog, type LogDestination } from "./log-destination.ts";
import { LogFile } from "./log-file.ts";
import { formatJson, oneLine, type LineFormat, type LogLevel } from "./log-format.ts";
import { wallClockMicros } from "./wall-clock.ts";
import { STDERR_FD } from "./write-sync.ts";

/** What the options say about the log. */
export interface LogSettings {
  readonly debug: boolean;
  readonly trace: boolean;
  /** Which time stands in text lines. */
  readonly time: "local" | "utc" | "none";
  readonly style: "text" | "json";
  /** Path of the log file; empty for none. Goes before syslog. */
  readonly file: string;
  readonly fileSizeLimitBytes: number;
  readonly filesMax: number;
  readonly syslog: boolean;
  /** URL of a syslog elsewhere; empty for none. Goes before the local one. */
  readonly remoteSyslog: string;
  /** The name of the program as syslog shows it. */
  readonly tag: string;
}

/**
 * The program's log: passes what the settings ask for to one destination. The server sees only `Log`;
 * `reopen`, `redirect` and `close` are for who opened it.
 */
export class LineLog implements Log {
  debugEnabled: boolean;
  traceEnabled: boolean;
  #destination: LogDestination;

  constructor(destination: LogDestination, enabled: { debug: boolean; trace: boolean }) {
    this.debugEnabled = enabled.debug;
    this.traceEnabled = enabled.trace;
    this.#destination = destination;
  }

  info(message: string): void {
    this.#destination.write("info", message);
  }

  warn(message: string): void {
    this.#destination.write("warn", message);
  }

  error(message: string): void {
    this.#destination.write("error", message);
  }

  fatal(message: string): void {
    this.#destination.write("fatal", message);
  }

  debug(message: string): void {
    if (this.debugEnabled) this.#destination.write("debug", message);
  }

  trace(message: string): void {
    if (this.traceEnabled) this.#destination.write("trace", message);
  }

  /** Opens the log file anew (for tools that move it away), or says that there is none. */
  reopen(): void {
    if (!this.#destination.reopen()) this.info("File log re-open ignored, not a file logger");
  }

  /**
   * From now on passes what `enabled` asks for to `destination`; null: where lines go already. Returns the
   * destination that is no longer in use, for the caller to close; null: there is none.
   */
  redirect(
    destination: LogDestination | null,
    enabled: { debug: boolean; trace: boolean },
  ): LogDestination | null {
    this.debugEnabled = enabled.debug;
    this.traceEnabled = enabled.trace;
    if (destination === null) return null;
    const previous = this.#destination;
    this.#destination = destination;
    return previous;
  }

  /** Hands over what is still on its way to syslog. */
  close(): Promise<void> {
    return this.#destination.close();
  }
}

/** Opens the destination the settings ask for. Rejects with a `LogOpenError`. */
export async function openLog(settings: LogSettings): Promise<LineLog> {
  return new LineLog(await openDestination(settings), settings);
}

/** Opens what lines are to go to. Rejects with a `LogOpenError`. */
export async function openDestination(settings: LogSettings): Promise<LogDestination> {
  const nowMicros = wallClockMicros();
  const format: LineFormat = { style: settings.style, pid: process.pid, time: settings.time, colors: false };
  if (settings.file !== "") {
    const rotation = { sizeLimitBytes: settings.fileSizeLimitBytes, filesMax: settings.filesMax };
    return new LogFile(settings.file, rotation, format, nowMicros);
  }
  const text = (level: LogLevel, message: string): string =>
    format.style === "json" ? formatJson(format, level, message, nowMicros()) : oneLine(message);
  // Syslog costs start-up time to load, and few ask for it.
  if (settings.remoteSyslog !== "") {
    const { openRemoteSyslog, parseSyslogAddress } = await import("./syslog-remote.ts");
    return openRemoteSyslog(parseSyslogAddress(settings.remoteSyslog), settings.tag, process.pid, text);
  }
  if (settings.syslog) {
    const { openLocalSyslog } = await import("./syslog-local.ts");
    return openLocalSyslog(settings.tag, process.pid, text);
  }
  return new StderrLog({ ...format, colors: format.style === "text" && isatty(STDERR_FD) }, nowMicros);
}
