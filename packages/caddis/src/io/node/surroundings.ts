import { closeSync, openSync, readFileSync } from "node:fs";
import type { DescriptorUsage, Surroundings } from "../surroundings.ts";

/** The row of `/proc/self/limits` that tells how many descriptors this process may have open. */
const OPEN_FILES = /^Max open files\s+(\d+)/m;

/** The process as Linux shows it. `configDigest`: as in `Surroundings`; a server without a file has none. */
export function nodeSurroundings(configDigest: () => string | null = () => null): Surroundings {
  return { descriptors, configDigest };
}

function descriptors(): DescriptorUsage | null {
  try {
    const limit = Number(OPEN_FILES.exec(readFileSync("/proc/self/limits", "utf8"))?.[1] ?? NaN);
    if (Number.isNaN(limit)) return null;
    // The system gives the lowest number that is free: it says how many are in use, and nobody has to count.
    const lowestFree = openSync("/dev/null", "r");
    closeSync(lowestFree);
    return { inUse: lowestFree, limit };
  } catch {
    // Not Linux, or none is left: then the log says so.
    return null;
  }
}
