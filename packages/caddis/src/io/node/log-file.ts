import { closeSync, fstatSync, openSync, readdirSync, renameSync, unlinkSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { LineWriter, LogOpenError, type LogDestination } from "./log-destination.ts";
import { dateParts, fractionDigits, type LineFormat, type LogLevel } from "./log-format.ts";
import { describeSystemError } from "./system-error.ts";

/** Log files can be read by their group, as nats-server's. */
const LOG_FILE_MODE = 0o640;

/** When a log file is set aside, and how many files stay. */
export interface Rotation {
  /** The file is rotated once it is longer than this many bytes; 0 means never. */
  readonly sizeLimitBytes: number;
  /** How many files stay, the current one included; 0 means all. */
  readonly filesMax: number;
}

/**
 * Log lines in a file, appended and in the system's hands when `write` returns. A file over its size
 * is renamed to `<path>.YYYY.MM.DD.HH.MM.SS.nnnnnnnnn` (local time), and the oldest such files are removed.
 */
export class LogFile implements LogDestination {
  readonly #path: string;
  readonly #rotation: Rotation;
  readonly #nowMicros: () => number;
  readonly #writer: LineWriter;
  #sizeBytes: number;
  /** Rotation happens above this size: the limit, or more after an attempt that failed. */
  #rotateAboveBytes: number;

  /** Opens or creates the file. Throws a `LogOpenError`. */
  constructor(path: string, rotation: Rotation, format: LineFormat, nowMicros: () => number) {
    this.#path = path;
    this.#rotation = rotation;
    this.#nowMicros = nowMicros;
    this.#rotateAboveBytes = rotation.sizeLimitBytes || Infinity;
    let opened;
    try {
      opened = openForAppend(path);
    } catch (error) {
      throw new LogOpenError(`error opening file: ${describeSystemError("open", path, error)}`);
    }
    this.#writer = new LineWriter(opened.fd, format, nowMicros);
    this.#sizeBytes = opened.sizeBytes;
  }

  write(level: LogLevel, message: string): void {
    this.#append(level, message);
    if (this.#sizeBytes > this.#rotateAboveBytes) this.#rotate();
  }

  reopen(): boolean {
    try {
      this.#switchToNewFile();
      this.#append("info", "File log re-opened");
    } catch (error) {
      this.#append("error", `File log not re-opened: ${describeSystemError("open", this.#path, error)}`);
    }
    return true;
  }

  close(): Promise<void> {
    closeSync(this.#writer.fd);
    return Promise.resolve();
  }

  #append(level: LogLevel, message: string): void {
    this.#sizeBytes += this.#writer.write(level, message);
  }

  /** Whatever fails here, lines go on into the file that is open. */
  #rotate(): void {
    const backup = this.#backupPath();
    try {
      renameSync(this.#path, backup);
      this.#switchToNewFile();
    } catch (error) {
      this.#rotateAboveBytes = this.#sizeBytes + this.#rotation.sizeLimitBytes;
      const reason = describeSystemError("rename", this.#path, error);
      this.#append(
        "error",
        `Unable to rotate log, next attempt at ${this.#rotateAboveBytes} bytes: ${reason}`,
      );
      return;
    }
    this.#append("info", `Rotated log, backup saved as ${JSON.stringify(backup)}`);
    if (this.#rotation.filesMax > 0) this.#purge();
  }

  #switchToNewFile(): void {
    const { fd, sizeBytes } = openForAppend(this.#path);
    closeSync(this.#writer.fd);
    this.#writer.redirect(fd);
    this.#sizeBytes = sizeBytes;
    this.#rotateAboveBytes = this.#rotation.sizeLimitBytes || Infinity;
  }

  #backupPath(): string {
    const micros = this.#nowMicros();
    const parts = dateParts(new Date(micros / 1000), false);
    return `${this.#path}.${parts.join(".")}.${fractionDigits(micros)}000`;
  }

  /** Removes the oldest backups until `filesMax` files are left. Backups' names sort by age. */
  #purge(): void {
    const folder = dirname(this.#path);
    const prefix = `${basename(this.#path)}.`;
    try {
      const backups = readdirSync(folder)
        .filter((name) => name.startsWith(prefix) && BACKUP_SUFFIX.test(name.slice(prefix.length)))
        .sort();
      const surplus = Math.max(0, backups.length + 1 - this.#rotation.filesMax);
      for (const name of backups.slice(0, surplus)) {
        const path = join(folder, name);
        unlinkSync(path);
        this.#append("info", `Purged log file ${JSON.stringify(path)}`);
      }
    } catch (error) {
      this.#append("error", `Unable to purge log files: ${describeSystemError("remove", folder, error)}`);
    }
  }
}

/** What `#backupPath` puts after the name: date, time, nanoseconds. */
const BACKUP_SUFFIX = /^\d{4}\.\d\d\.\d\d\.\d\d\.\d\d\.\d\d\.\d{9}$/;

function openForAppend(path: string): { fd: number; sizeBytes: number } {
  const fd = openSync(path, "a", LOG_FILE_MODE);
  return { fd, sizeBytes: fstatSync(fd).size };
}
