import type { Disk } from "../../io/disk.ts";
import type { BlockBytes } from "./frames.ts";
import { CHUNK_BYTES } from "./format.ts";

/**
 * Lays a copy of bytes of a block that can't be read beside it, for people: `bytes`, which stand at `from`. Of what is
 * encrypted in compressed pieces it is those pieces as the file has them: what was read of them is not to lie about.
 * One that is there stays. Rejects with a `DiskError`.
 */
export async function setAside(disk: Disk, block: BlockBytes, from: number, bytes: Buffer): Promise<void> {
  const path = `${block.path}.damaged-${from}`;
  if (disk.size(path) >= 0) return;
  const copy = block.frameCipher === null ? bytes : await piecesOf(disk, block, from, from + bytes.length);
  await disk.replace(path, copy);
}

/** The compressed pieces that bytes `from` to `to` of a block are in. */
async function piecesOf(disk: Disk, block: BlockBytes, from: number, to: number): Promise<Buffer> {
  const starts = block.frames?.starts ?? [];
  const start = starts[Math.floor(from / CHUNK_BYTES)];
  const pieces = Buffer.alloc(starts[Math.ceil(to / CHUNK_BYTES)] - start);
  const length = await disk.readLater(block.path, start, pieces, 0, pieces.length);
  return pieces.subarray(0, length);
}
