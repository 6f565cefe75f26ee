import { formatLine, type LineFormat, type LogLevel } from "./log-format.ts";
import { systemReason } from "./system-error.ts";
import { STDERR_FD, writeTextSync } from "./write-sync.ts";

/** Where log lines go: a terminal or pipe, a file, syslog. */
export interface LogDestination {
  /** Takes one message. Never throws: what cannot be delivered is counted and told later, or told on stderr. */
  write(level: LogLevel, message: string): void;
  /** Opens the file anew, after something moved it away. False when this destination is no file. */
  reopen(): boolean;
  /** Hands over what is still on its way; nothing may be written afterwards. */
  close(): Promise<void>;
}

/** What a destination that cannot be opened throws; the message says to the user what failed. */
export class LogOpenError extends Error {
  override readonly name = "LogOpenError";
}

/**
 * Writes lines to a file descriptor, at once. When that fails it counts what is lost and says so when it works
 * again; until then it does not wait for a full pipe any more, which would hold the program up with each line.
 */
export class LineWriter {
  #fd: number;
  readonly #format: LineFormat;
  readonly #nowMicros: () => number;
  #lostCount = 0;

  constructor(fd: number, format: LineFormat, nowMicros: () => number) {
    this.#fd = fd;
    this.#format = format;
    this.#nowMicros = nowMicros;
  }

  get fd(): number {
    return this.#fd;
  }

  /** From now on writes to `fd`; closing the former descriptor is the caller's. */
  redirect(fd: number): void {
    this.#fd = fd;
  }

  /** Writes one line and returns how many bytes that was; 0 when it was lost. */
  write(level: LogLevel, message: string): number {
    const waitMs = this.#lostCount > 0 ? 0 : undefined;
    if (this.#lostCount > 0 && !this.#tellLoss()) {
      this.#lostCount++;
      return 0;
    }
    const line = this.#line(level, message);
    const failure = writeTextSync(this.#fd, line, waitMs);
    if (failure === null) return Buffer.byteLength(line);
    if (this.#fd !== STDERR_FD) {
      const reason = `Log lines are lost: ${systemReason(failure)}`;
      writeTextSync(STDERR_FD, this.#line("error", reason), waitMs);
    }
    this.#lostCount = 1;
    return 0;
  }

  #tellLoss(): boolean {
    const line = this.#line("warn", `${this.#lostCount} log line(s) lost before this one`);
    if (writeTextSync(this.#fd, line, 0) !== null) return false;
    this.#lostCount = 0;
    return true;
  }

  #line(level: LogLevel, message: string): string {
    return formatLine(this.#format, level, message, this.#nowMicros());
  }
}

/** Log lines on stderr, where nats-server writes them when no file and no syslog is configured. */
export class StderrLog implements LogDestination {
  readonly #writer: LineWriter;

  constructor(format: LineFormat, nowMicros: () => number) {
    this.#writer = new LineWriter(STDERR_FD, format, nowMicros);
  }

  write(level: LogLevel, message: string): void {
    this.#writer.write(level, message);
  }

  reopen(): boolean {
    return false;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
