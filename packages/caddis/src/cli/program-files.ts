import { join } from "node:path";
import { removePidFile, removePortsFile, writePidFile, writePortsFile } from "../io/node/process-files.ts";
import type { Log } from "../io/log.ts";

/** The files that tell others about a running server; empty for none. */
export interface ProgramFiles {
  readonly pidFile: string;
  readonly portsFileDir: string;
}

/** URLs by the names test launchers look for; kinds of listeners that are off have no entry. */
export type Ports = Readonly<Record<string, readonly string[]>>;

/** The files of one run of the program: they are there while the server is up. */
export class RunFiles {
  readonly #exe: string;
  readonly #log: Log;
  readonly #ports: () => Ports;
  #files: ProgramFiles;

  /** `exe`: the name the program was called by. */
  constructor(exe: string, log: Log, ports: () => Ports, files: ProgramFiles) {
    this.#exe = exe;
    this.#log = log;
    this.#ports = ports;
    this.#files = files;
  }

  /** Writes them. Throws an `Error` when there can be no pid file. */
  write(): void {
    if (this.#files.pidFile !== "") claimPidFile(this.#files.pidFile);
    this.#writePorts();
  }

  /** The configuration names other files: those it named before go. What can't be written is told in the log. */
  follow(next: ProgramFiles): void {
    const previous = this.#files;
    const isMoved = next.portsFileDir !== previous.portsFileDir;
    if (isMoved) this.#removePorts();
    this.#files = next;
    if (isMoved) this.#writePorts();
    if (next.pidFile === previous.pidFile) return;
    if (previous.pidFile !== "") removePidFile(previous.pidFile, process.pid);
    if (next.pidFile === "") return;
    this.#attempt("Failed to write pidfile", () => writePidFile(next.pidFile, process.pid));
  }

  remove(): void {
    this.#removePorts();
    if (this.#files.pidFile !== "") removePidFile(this.#files.pidFile, process.pid);
  }

  /** Empty: none. */
  get #portsFile(): string {
    const { portsFileDir } = this.#files;
    return portsFileDir === "" ? "" : join(portsFileDir, `${this.#exe}_${process.pid}.ports`);
  }

  #writePorts(): void {
    const path = this.#portsFile;
    if (path === "") return;
    this.#attempt(`Error writing ports file (${path})`, () => writePortsFile(path, this.#ports()));
  }

  #removePorts(): void {
    const path = this.#portsFile;
    if (path === "") return;
    this.#attempt(`Error cleaning up ports file ${path}`, () => removePortsFile(path));
  }

  #attempt(complaint: string, work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#log.error(`${complaint}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}

function claimPidFile(path: string): void {
  try {
    writePidFile(path, process.pid);
  } catch (error) {
    removePidFile(path, process.pid);
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`Could not write pidfile: ${reason}`, { cause: error });
  }
}
