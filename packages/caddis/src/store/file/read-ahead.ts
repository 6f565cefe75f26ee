import type { Disk } from "../../io/disk.ts";
import type { Block } from "./block.ts";
import type { BlockCache } from "./block-cache.ts";
import { CHUNK_BYTES } from "./format.ts";
import { readBlockLater } from "./frames.ts";

/**
 * Pieces that are read before they are wanted. A reader that goes through a block takes more than one of them in a turn
 * of the loop, and reads come back only between turns.
 */
const PIECES_AHEAD = 4;

/** A piece that is being read. */
interface Read {
  readonly block: Block;
  readonly index: number;
}

/** Reads the pieces of a block that follow, off the loop, for a reader that takes one after the other. */
export class ReadAhead {
  readonly #disk: Disk;
  readonly #cache: BlockCache;
  readonly #put: (block: Block, index: number, buf: Buffer) => void;
  /** At most `PIECES_AHEAD` for each of few readers that take turns. */
  readonly #reads: Read[] = [];
  /** The piece that was wanted last. */
  #block: Block | null = null;
  #index = -1;

  /** `put` takes a whole piece that was read. */
  constructor(disk: Disk, cache: BlockCache, put: (block: Block, index: number, buf: Buffer) => void) {
    this.#disk = disk;
    this.#cache = cache;
    this.#put = put;
  }

  /** A piece is wanted: if it follows the one before, or begins a block, those behind it soon are, too. */
  onWanted(block: Block, index: number): void {
    if (block === this.#block && index === this.#index) return;
    const isNext = index === 0 || (block === this.#block && index === this.#index + 1);
    this.#block = block;
    this.#index = index;
    if (!isNext) return;
    for (let ahead = 1; ahead <= PIECES_AHEAD; ahead++) this.#read(block, index + ahead);
  }

  #read(block: Block, index: number): void {
    const start = index * CHUNK_BYTES;
    const isThere = (block.chunks[index] ?? null) !== null;
    if (isThere || start + CHUNK_BYTES > block.writtenEnd) return;
    if (this.#reads.some((read) => read.block === block && read.index === index)) return;
    const read = { block, index };
    this.#reads.push(read);
    const buf = this.#cache.takeChunk();
    readBlockLater(this.#disk, block, start, buf, CHUNK_BYTES)
      .then(
        (length) => {
          const isWanted = length === CHUNK_BYTES && (block.chunks[index] ?? null) === null && !block.isGone;
          if (isWanted) this.#put(block, index, buf);
          else this.#cache.giveChunk(buf);
        },
        // Who wants to read it will see.
        () => this.#cache.giveChunk(buf),
      )
      .finally(() => this.#reads.splice(this.#reads.indexOf(read), 1));
  }
}
