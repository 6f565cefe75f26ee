import { readFileSync } from "node:fs";

/** The row of `/proc/self/limits` that tells how many descriptors this process may have open. */
const OPEN_FILES = /^Max open files\s+(\d+)/m;

/**
 * Of the descriptors that the system allows, so many are not for connections: the log file is opened anew,
 * and people who want to know what is going on ask the monitoring. Where few are allowed, a share of them.
 */
const KEPT_MAX = 16;
const KEPT_SHARE = 1 / 8;

/**
 * The first descriptor that a connection may not have. The system gives the lowest one that is free, so one
 * of this height says how many are in use, and nobody has to count. Infinity where the system does not tell.
 */
export function connectionDescriptorsEnd(): number {
  let limit: number;
  try {
    limit = Number(OPEN_FILES.exec(readFileSync("/proc/self/limits", "utf8"))?.[1] ?? Infinity);
  } catch {
    // Not Linux.
    return Infinity;
  }
  return limit - Math.min(KEPT_MAX, Math.ceil(limit * KEPT_SHARE));
}
