import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { asSystemError } from "./system-error.ts";

/**
 * Makes the absolute folder `path` and those above it that are missing; resolves to the topmost that was made, undefined
 * when all were there. Rejects with what the system said. Node's own recursive `mkdir` never comes back where the
 * system says that something is missing and it is not (below /proc), and calls a file system read-only "no such file".
 */
export async function makeFolders(path: string, mode: number): Promise<string | undefined> {
  const error = await tryToMake(path, mode);
  if (error === null) return path;
  if (error.code !== "ENOENT") {
    if (await isFolder(path)) return undefined;
    throw error;
  }
  const above = dirname(path);
  if (above === path) throw error;
  const first = await makeFolders(above, mode);
  const again = await tryToMake(path, mode);
  // Somebody else may have made it meanwhile.
  if (again !== null && !(await isFolder(path))) throw again;
  return first ?? (again === null ? path : undefined);
}

/** Null: it is made. */
async function tryToMake(path: string, mode: number): Promise<NodeJS.ErrnoException | null> {
  try {
    await mkdir(path, { mode });
    return null;
  } catch (error) {
    return asSystemError(error);
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}
