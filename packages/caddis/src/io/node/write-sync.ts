import { writeSync } from "node:fs";
import { asSystemError } from "./system-error.ts";

/** The file descriptors of stdout and stderr. */
export const STDOUT_FD = 1;
export const STDERR_FD = 2;

/** How long one write to a full pipe may hold the program up, unless said otherwise. */
const FULL_PIPE_WAIT_MS_MAX = 250;
/** How long to sleep between two tries on a full pipe. */
const FULL_PIPE_NAP_MS = 1;

/**
 * Writes all of `text` (as UTF-8) to `fd` before it returns, so that nothing is lost when the process
 * leaves right after. `process.stdout` and `process.stderr` are avoided: they cost start-up time and
 * make pipes non-blocking for everybody who shares them. When another process has done so, a full pipe
 * is retried for `waitMs` milliseconds, then the rest of the text is given up. Returns null, or the error
 * that kept the text, or its end, from being written.
 */
export function writeTextSync(
  fd: number,
  text: string,
  waitMs: number = FULL_PIPE_WAIT_MS_MAX,
): NodeJS.ErrnoException | null {
  const bytes = Buffer.from(text);
  let written = 0;
  let napsLeft = Math.ceil(waitMs / FULL_PIPE_NAP_MS);
  while (written < bytes.length) {
    try {
      written += writeSync(fd, bytes, written);
    } catch (error) {
      const failure = asSystemError(error);
      if (failure.code === "EINTR") continue;
      if (failure.code !== "EAGAIN" || napsLeft === 0) return failure;
      napsLeft--;
      nap();
    }
  }
  return null;
}

/** Sleeps without leaving the current turn. */
function nap(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, FULL_PIPE_NAP_MS);
}
