import { DiskError } from "../disk.ts";
import type { DiskFault } from "../disk.ts";
import { asSystemError, describeSystemError } from "./system-error.ts";

/** What the system's codes mean for who stores something; all others are `failed`. */
const FAULTS = new Map<string, DiskFault>([
  ["ENOSPC", "full"],
  ["EDQUOT", "full"],
  ["EMFILE", "busy"],
  ["ENFILE", "busy"],
  ["ENOENT", "absent"],
  ["EACCES", "denied"],
  ["EPERM", "denied"],
  ["EROFS", "denied"],
]);

/** What a call into Node threw, as a `DiskError`; one already is left as it is. `action` and `path` say what was tried. */
export function diskError(action: string, path: string, error: unknown): DiskError {
  if (error instanceof DiskError) return error;
  const fault = FAULTS.get(asSystemError(error).code ?? "") ?? "failed";
  return new DiskError(fault, describeSystemError(action, path, error));
}

/** Waits for a call into Node; rejects with a `DiskError`. */
export async function diskCall<T>(action: string, path: string, call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    throw diskError(action, path, error);
  }
}
