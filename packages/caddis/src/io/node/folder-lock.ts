import { randomUUID } from "node:crypto";
import { link, open, rename, rm } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { join } from "node:path";
import { asSystemError, systemReason } from "./system-error.ts";

/** The socket by which a process shows that it has a folder. */
const LOCK_NAME = ".lock";

/** The system gives paths of sockets about a hundred bytes. */
const SOCKET_PATH_BYTES_MAX = 100;

/** A folder taken for one holder in one process. */
export interface FolderLock {
  /** Never rejects. */
  release(): Promise<void>;
}

/**
 * Takes a folder that exists. Rejects with an `Error` when somebody has it. A socket rather than a file with a
 * process id: it ends with its process, however that ends, and tells processes of different containers apart.
 */
export async function lockFolder(folder: string): Promise<FolderLock> {
  await using handle = await open(folder);
  const base = shortPathOf(folder, handle.fd);
  const holder = await holderOf(join(base, LOCK_NAME));
  if (holder === null) return await take(folder, base);
  throw new Error(`folder ${folder} is in use by another server (process ${holder})`);
}

/** The process that has a folder, which exists; null: nobody. Takes nothing and writes nothing. */
export async function folderHolder(folder: string): Promise<string | null> {
  await using handle = await open(folder);
  return await holderOf(join(shortPathOf(folder, handle.fd), LOCK_NAME));
}

/** By way of the descriptor where the path of the folder is too long for a socket's. */
function shortPathOf(folder: string, fd: number): string {
  const isLong = Buffer.byteLength(folder) + LOCK_NAME.length + 40 > SOCKET_PATH_BYTES_MAX;
  return isLong ? `/proc/self/fd/${fd}` : folder;
}

/**
 * Puts a socket of our own in place, unless somebody else was quicker: takes a folder that nobody had a moment ago.
 * `base`: a path of the folder that is short enough.
 */
export async function take(folder: string, base: string): Promise<FolderLock> {
  const path = join(base, LOCK_NAME);
  const own = join(base, `${LOCK_NAME}.${randomUUID().slice(0, 8)}`);
  const server = await listen(own);
  try {
    await moveAway(path, `${own}.old`);
    await link(own, path);
  } catch (error) {
    await close(server);
    const reason =
      asSystemError(error).code === "EEXIST" ? "another server takes it just now" : systemReason(error);
    throw new Error(`folder ${folder} can't be locked: ${reason}`, { cause: error });
  } finally {
    await rm(own, { force: true });
  }
  const lock = join(folder, LOCK_NAME);
  return {
    async release() {
      await rm(lock, { force: true }).catch(() => {});
      await close(server);
    },
  };
}

/** Takes what a dead process left out of the way; what turns out to be alive goes back. */
async function moveAway(path: string, aside: string): Promise<void> {
  try {
    await rename(path, aside);
  } catch (error) {
    if (asSystemError(error).code === "ENOENT") return;
    throw error;
  }
  const isAlive = (await holderOf(aside)) !== null;
  if (isAlive) await link(aside, path);
  await rm(aside, { force: true });
}

/** The process that listens at `path`; null: nobody does. */
function holderOf(path: string): Promise<string | null> {
  return new Promise((resolve, reject) => {
    let text = "";
    const socket = connect(path);
    socket.on("data", (bytes) => (text += bytes.toString("latin1")));
    socket.on("close", (hadError) => hadError || resolve(text === "" ? "unknown" : text));
    socket.on("error", (error) => {
      const { code = "" } = asSystemError(error);
      if (code === "ENOENT" || code === "ECONNREFUSED") resolve(null);
      // Somebody went away while we asked.
      else if (code === "ECONNRESET" || code === "EPIPE") resolve("unknown");
      else reject(error);
    });
  });
}

function listen(path: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.on("error", () => {});
      socket.end(String(process.pid));
    });
    server.once("error", reject);
    server.listen(path, () => resolve(server.unref()));
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
