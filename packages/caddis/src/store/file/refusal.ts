import { DiskError } from "../../io/disk.ts";

/**
 * Whether a read failed for a reason that says nothing about what is stored: too many open files, a broken cable. A
 * file that is not there is none.
 */
export function isRefusal(error: unknown): error is Error {
  return error instanceof Error && !(error instanceof DiskError && error.fault === "absent");
}
