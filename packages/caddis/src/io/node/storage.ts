import { access, constants, stat } from "node:fs/promises";
import { tmpdir, totalmem } from "node:os";
import { join, resolve } from "node:path";
import type { StoragePort } from "../storage.ts";
import { makeFolders } from "./make-folder.ts";
import { describeSystemError } from "./system-error.ts";

/** As the reference makes folders. */
const FOLDER_MODE = 0o750;

/** Folders of the system's. What it takes is loaded when one is opened: most servers do without. */
export const nodeStorage: StoragePort = {
  defaultFolder: join(tmpdir(), "nats"),
  defaultWarning: "Temporary storage directory used, data could be lost on system reboot",
  // Without a bound the system gives an enormous one, or none.
  memoryBytes: () => Math.min(process.constrainedMemory() || Infinity, totalmem()),
  async open(given) {
    const folder = resolve(given);
    await makeFolder(folder);
    const [{ NodeDisk }, { lockFolder }] = await Promise.all([
      import("./disk.ts"),
      import("./folder-lock.ts"),
    ]);
    const lock = await lockFolder(folder);
    return { disk: new NodeDisk(), folder, release: () => lock.release() };
  },
};

/** In the reference's words where there is something in the way. */
async function makeFolder(folder: string): Promise<void> {
  try {
    await makeFolders(folder, FOLDER_MODE);
  } catch (error) {
    const isThere = await stat(folder).then(
      () => true,
      () => false,
    );
    const reason = isThere
      ? "storage directory is not a directory"
      : `could not create storage directory - ${describeSystemError("mkdir", folder, error)}`;
    throw new Error(reason, { cause: error });
  }
  try {
    await access(folder, constants.W_OK);
  } catch (error) {
    throw new Error("storage directory is not writable", { cause: error });
  }
}
