import type { Disk } from "../../io/disk.ts";
import type { BlockFile, BlockFiles } from "./block-files.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { blockName, FLAG_COMPRESSED } from "./format.ts";
import { readFrames } from "./frames.ts";

/**
 * The files of a store that was closed in good order and not written to since, by what its checkpoint says of them, so
 * that neither its folder nor a block need be read. Null: they are to be looked for. Throws a `DiskError`.
 *
 * Whoever opens a store in order to change it puts records behind the last block's end or begins the next one, before
 * anything else is changed.
 */
export function untouchedFiles(disk: Disk, folder: string, checkpoint: Checkpoint): BlockFiles | null {
  const { blocks, isClean, nextNumber } = checkpoint;
  const last = blocks.at(-1);
  if (!isClean || last === undefined) return null;
  const lastNumber = last.header.lastNumber;
  if (last.header.generation !== 0 || nextNumber !== lastNumber + 1) return null;
  if (disk.size(`${folder}/${blockName(nextNumber, nextNumber, 0)}`) >= 0) return null;
  const files: BlockFile[] = [];
  for (const { header, end } of blocks) {
    const name = blockName(header.number, header.lastNumber, header.generation);
    const path = `${folder}/${name}`;
    const size = disk.size(path);
    if (size < 0) return null;
    const isCompressed = (header.flags & FLAG_COMPRESSED) !== 0;
    const frames = isCompressed ? readFrames(disk, path, header.length) : null;
    if (isCompressed && frames === null) return null;
    const length = frames === null ? size : frames.length;
    if (length < end) return null;
    files.push({ name, header, size: length, frames });
  }
  if (files[files.length - 1].size !== last.end) return null;
  return { folder, files, superseded: [], lastNumber, lastUnreadableBytes: 0, problems: [] };
}
