import { randomUUID } from "node:crypto";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { OcspFolder } from "../ocsp.ts";
import { asSystemError, describeSystemError } from "./system-error.ts";

/** As the reference makes folders. */
const FOLDER_MODE = 0o750;
/** Only the server's user reads and replaces what the server relies on. */
const FILE_MODE = 0o600;

/** A folder of the system's, which is made when something is to be written. */
export function openOcspFolder(path: string): OcspFolder {
  return {
    async read(name, bytesMax) {
      const file = join(path, name);
      try {
        return await readFile(file, bytesMax);
      } catch (error) {
        return asSystemError(error).code === "ENOENT" ? null : describeSystemError("open", file, error);
      }
    },
    async write(name, bytes) {
      const file = join(path, name);
      try {
        await mkdir(path, { recursive: true, mode: FOLDER_MODE });
        await replaceFile(file, bytes);
        return null;
      } catch (error) {
        return describeSystemError("write", file, error);
      }
    },
  };
}

async function readFile(path: string, bytesMax: number): Promise<Uint8Array | string> {
  await using file = await open(path);
  const { size } = await file.stat();
  if (size > bytesMax) return `${path} is larger than ${bytesMax} bytes`;
  return await file.readFile();
}

/** Writes beside the file first: who reads it finds the old bytes or the new ones. */
async function replaceFile(path: string, bytes: Uint8Array): Promise<void> {
  const unfinished = `${path}.${randomUUID()}.tmp`;
  try {
    await writeFile(unfinished, bytes);
    await rename(unfinished, path);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
}

async function writeFile(path: string, bytes: Uint8Array): Promise<void> {
  await using file = await open(path, "wx", FILE_MODE);
  await file.writeFile(bytes);
  await file.sync();
}
