import { closeSync, constants, fchmodSync, fstatSync, openSync, statSync } from "node:fs";
import type { AuditSink } from "../audit-sink.ts";
import type { Log } from "../log.ts";
import { describeSystemError } from "./system-error.ts";
import { writeTextSync } from "./write-sync.ts";

/** Only the server's user may know who connects when. */
const AUDIT_FILE_MODE = 0o600;

/**
 * Lines appended to a file, in the system's hands when `write` returns. A file that something moved away is made anew.
 * Throws an `Error` that says why the file can't be opened: no server starts without the audit log it was told to keep.
 */
export function openAuditFile(path: string, log: Log): AuditSink {
  return new AuditFile(path, log);
}

class AuditFile implements AuditSink {
  readonly #path: string;
  readonly #log: Log;
  #fd: number;
  /** Lines that could not be kept since the last that could. */
  #lostCount = 0;
  /** Whether the file was moved away and can't be made anew, which the log has heard of. */
  #isAstray = false;

  constructor(path: string, log: Log) {
    this.#path = path;
    this.#log = log;
    this.#fd = openForAppend(path);
  }

  write(line: string): void {
    this.#follow();
    // While it does not work, nobody waits for a full pipe.
    const failure = writeTextSync(this.#fd, `${line}\n`, this.#lostCount > 0 ? 0 : undefined);
    if (failure === null && this.#lostCount > 0) {
      this.#log.warn(`Audit log works again, ${this.#lostCount} line(s) were lost`);
      this.#lostCount = 0;
    }
    // Once, until it works again.
    if (failure !== null && this.#lostCount++ === 0) {
      this.#log.error(`Audit log: lines are lost: ${describeSystemError("write", this.#path, failure)}`);
    }
  }

  close(): void {
    closeSync(this.#fd);
  }

  /** Goes on in a new file where the path is no longer the one that is open; if that fails, in the old one. */
  #follow(): void {
    try {
      if (this.#isInPlace()) return;
      const next = openForAppend(this.#path);
      closeSync(this.#fd);
      this.#fd = next;
      this.#isAstray = false;
    } catch (error) {
      if (this.#isAstray) return;
      this.#isAstray = true;
      this.#log.error(`Audit log: goes on in the file that was moved away: ${messageOf(error)}`);
    }
  }

  #isInPlace(): boolean {
    const open = fstatSync(this.#fd);
    const there = statSync(this.#path, { throwIfNoEntry: false });
    return there !== undefined && there.ino === open.ino && there.dev === open.dev;
  }
}

function openForAppend(path: string): number {
  try {
    const { O_APPEND, O_CREAT, O_WRONLY } = constants;
    const fd = openSync(path, O_APPEND | O_CREAT | O_WRONLY, AUDIT_FILE_MODE);
    // One that was there may have been open to others. A pipe or a device is somebody else's.
    if (fstatSync(fd).isFile()) fchmodSync(fd, AUDIT_FILE_MODE);
    return fd;
  } catch (error) {
    throw new Error(`audit_log: ${describeSystemError("open", path, error)}`, { cause: error });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
