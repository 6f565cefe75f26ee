import { getSystemErrorMessage } from "node:util";

/**
 * Says what the system refused, as people who run servers know it: `open /x/y.log: no such file or directory`.
 * `error` is whatever a call into Node threw; `action` and `target` say what was tried.
 */
export function describeSystemError(action: string, target: string, error: unknown): string {
  return `${action} ${target}: ${systemReason(error)}`;
}

/** The system's own words for an error of Node's, without the call and the path that Node puts around them. */
export function systemReason(error: unknown): string {
  const { code = "", errno, message } = asSystemError(error);
  return (
    SYSTEM_WORDS[code] ?? (typeof errno === "number" ? getSystemErrorMessage(errno) : undefined) ?? message
  );
}

/** Where Node words it otherwise than the system, and so than the reference, whose texts scripts look for. */
const SYSTEM_WORDS: Readonly<Record<string, string>> = {
  EADDRNOTAVAIL: "cannot assign requested address",
  EHOSTUNREACH: "no route to host",
  EISDIR: "is a directory",
  ELOOP: "too many levels of symbolic links",
  ENAMETOOLONG: "file name too long",
  ETXTBSY: "text file busy",
};

/** What a call into Node threw, as the type that carries `code` and `errno`. */
export function asSystemError(error: unknown): NodeJS.ErrnoException {
  return error instanceof Error ? error : new Error(String(error));
}
