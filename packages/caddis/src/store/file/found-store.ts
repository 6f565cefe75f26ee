import type { Disk } from "../../io/disk.ts";
import { Block } from "./block.ts";
import { type BlockFile, type BlockFiles, findBlockFiles } from "./block-files.ts";
import { type Checkpoint, CHECKPOINT_NAME, decodeCheckpoint, namesIn } from "./checkpoint.ts";
import { cipherOf, type StoreKeys } from "./cipher.ts";
import { untouchedFiles } from "./untouched-files.ts";

/** What is read at once: going to another thread and back takes several times as long. */
const SMALL_BYTES = 64 * 1024;

/** What there is of a store, of which no record was read yet. */
export interface FoundStore {
  readonly log: BlockFiles;
  /** One for each of its files. */
  readonly blocks: readonly Block[];
  /** What is known already, of the first blocks; null: nothing. */
  readonly checkpoint: Checkpoint | null;
  /** One that is not used, since it speaks of other blocks or is not wanted. */
  readonly unfit: Checkpoint | null;
  /** The checkpoint says all there is, and is as one written now would be. */
  readonly isUntouched: boolean;
}

/** Looks for a store, and for all keys that it takes to read it. Rejects with a `DiskError` or a `KeyError`. */
export async function findStore(
  disk: Disk,
  folder: string,
  keys: StoreKeys | null,
  usesCheckpoint: boolean,
  report: (damage: string) => void,
): Promise<FoundStore> {
  const checkpoint = await readCheckpoint(disk, folder, keys, report);
  const names = checkpoint === null ? new Set<string>() : namesIn(checkpoint);
  const untouched = checkpoint === null ? null : untouchedFiles(disk, folder, checkpoint);
  const log = untouched ?? (await findBlockFiles(disk, folder, names));
  const blocks = log.files.map(({ header, name, frames }) => {
    const path = `${folder}/${name}`;
    const cipher = cipherOf(keys, header.flags, header.salt, header.keyCheck, path);
    return new Block(folder, header, cipher, frames);
  });
  for (const problem of log.problems) report(problem);
  const isFit = checkpoint !== null && fits(checkpoint, [...names], log.files);
  if (checkpoint !== null && !isFit)
    report(`${folder}: the checkpoint speaks of other blocks than there are`);
  const isUsed = isFit && usesCheckpoint;
  return {
    log,
    blocks,
    checkpoint: isUsed ? checkpoint : null,
    unfit: isUsed ? null : checkpoint,
    isUntouched: untouched !== null && isUsed && checkpoint.isCurrent,
  };
}

/** Null: there is none that can be read. */
async function readCheckpoint(
  disk: Disk,
  folder: string,
  keys: StoreKeys | null,
  report: (damage: string) => void,
): Promise<Checkpoint | null> {
  const path = `${folder}/${CHECKPOINT_NAME}`;
  const size = disk.size(path);
  if (size < 0) return null;
  const buf = Buffer.allocUnsafe(size);
  const isSmall = size <= SMALL_BYTES;
  const length = isSmall ? disk.read(path, 0, buf, 0, size) : await disk.readLater(path, 0, buf, 0, size);
  const checkpoint = decodeCheckpoint(buf.subarray(0, length), keys, path);
  if (checkpoint === null) report(`${path} can't be read: all blocks are read instead`);
  return checkpoint;
}

/** Whether the first of `files` are what a checkpoint speaks of, by those `names` and at least that long. */
export function fits(checkpoint: Checkpoint, names: readonly string[], files: readonly BlockFile[]): boolean {
  return names.every((name, i) => {
    const file = files[i];
    return (
      file?.name === name &&
      file.size >= checkpoint.blocks[i].end &&
      file.header.storeId.equals(checkpoint.storeId)
    );
  });
}
