import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { asSystemError, describeSystemError } from "./system-error.ts";

/** Only the server's user may read or replace its pid file, as with nats-server. */
const PID_FILE_MODE = 0o600;
/** Anybody may look up the ports. */
const PORTS_FILE_MODE = 0o644;

/** The text of a file. Throws an `Error` that says `open <path>: <reason>`, or `read` where that is what failed. */
export function readTextFile(path: string): string {
  return tell("open", path, () => readFileSync(path, "utf8"));
}

/** Writes the process id, without a line end. Throws an `Error` that says what failed. */
export function writePidFile(path: string, pid: number): void {
  tell("open", path, () => writeFileSync(path, String(pid), { mode: PID_FILE_MODE }));
}

/** Removes the pid file, an empty one that a full disk left too, unless another process has meanwhile written its own id there. */
export function removePidFile(path: string, pid: number): void {
  try {
    if (["", String(pid)].includes(readFileSync(path, "utf8"))) rmSync(path);
  } catch {
    // Gone already, or not ours to touch: nothing left to do for a process that leaves.
  }
}

/** Writes the ports file. Throws an `Error` that says what failed. */
export function writePortsFile(path: string, ports: Readonly<Record<string, readonly string[]>>): void {
  tell("open", path, () => writeFileSync(path, JSON.stringify(ports), { mode: PORTS_FILE_MODE }));
}

/** Removes the ports file. Throws an `Error` that says what failed. */
export function removePortsFile(path: string): void {
  tell("remove", path, () => rmSync(path));
}

function tell<T>(action: string, path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    // A folder can be opened, but not read.
    const failed = asSystemError(error).syscall === "read" ? "read" : action;
    throw new Error(describeSystemError(failed, path, error), { cause: error });
  }
}
