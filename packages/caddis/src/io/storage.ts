import type { Disk } from "./disk.ts";

/** Where JetStream may keep what it keeps, handed in. */
export interface StoragePort {
  /** For `store_dir` where none is given: what lies there may be gone after a restart of the machine. */
  readonly defaultFolder: string;
  /** What the log says then. */
  readonly defaultWarning: string;
  /** Of the machine, or what this process may have of it. */
  memoryBytes(): number;
  /**
   * Makes `folder` where it is missing, and takes it for one server alone. Rejects with an `Error` that says why it
   * can't be used; that another server has it is one reason.
   */
  open(folder: string): Promise<OpenStorage>;
}

/** A folder that one server has to itself. */
export interface OpenStorage {
  readonly disk: Disk;
  /** Absolute. */
  readonly folder: string;
  /** Lets others have it. Never rejects. */
  release(): Promise<void>;
}

/** Storage that lives as long as `disk` does, for servers inside of tests and applications. */
export function memoryStorage(disk: Disk, memoryBytes: number): StoragePort {
  return {
    defaultFolder: "/",
    defaultWarning: "Storage in memory used, data is lost with this server",
    memoryBytes: () => memoryBytes,
    async open(folder) {
      const path = `/${folder}`.replaceAll(/\/+/g, "/");
      await disk.makeFolder(path);
      return { disk, folder: path, release: () => Promise.resolve() };
    },
  };
}
