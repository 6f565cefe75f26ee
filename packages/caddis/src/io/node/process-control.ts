import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import * as inspector from "node:inspector";
import { systemReason } from "./system-error.ts";

/** Names of processes are cut to this many characters by Linux. */
const PROCESS_NAME_LENGTH_MAX = 15;

/**
 * Makes this process known as `exe`: `ps` shows `title`, and `pgrep`, which looks at the process name
 * alone, finds `exe`.
 */
export function nameProcess(exe: string, title: string): void {
  process.title = title;
  try {
    writeFileSync("/proc/self/comm", exe.slice(0, PROCESS_NAME_LENGTH_MAX));
  } catch {
    // Not Linux: pgrep looks at the title there.
  }
}

/** The ids of the other processes called `exe`. Throws an `Error` when pgrep is missing. */
export function findProcesses(exe: string): number[] {
  const name = exe.slice(0, PROCESS_NAME_LENGTH_MAX).replace(/[^\w-]/g, "\\$&");
  const found = spawnSync("pgrep", ["-x", "--", name], { encoding: "utf8" });
  if (found.error !== undefined) throw new Error("unable to resolve pid, try providing one");
  const ids = found.stdout.split("\n").filter((line) => line !== "");
  return ids.map(Number).filter((pid) => pid !== process.pid);
}

/** The text of a pid file without the space around it, or null when it cannot be read. */
export function readPidFile(path: string): string | null {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return null;
  }
}

/** Sends a signal. Returns null, or why the system refused, in its words. */
export function sendSignalTo(pid: number, signal: NodeJS.Signals): string | null {
  try {
    process.kill(pid, signal);
    return null;
  } catch (error) {
    return systemReason(error);
  }
}

/**
 * Closes Node's debugger unless somebody asked for it. A SIGUSR1 that comes before ours is trapped opens
 * it, on a port that every user of this machine can reach.
 */
export function closeUnaskedInspector(): void {
  const asked = [...process.execArgv, process.env["NODE_OPTIONS"] ?? ""].some((text) =>
    text.includes("--inspect"),
  );
  if (!asked && inspector.url() !== undefined) inspector.close();
}
