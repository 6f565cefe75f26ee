import { assert } from "../../base/assert.ts";
import type { Block } from "./block.ts";

/** The blocks of a store in the order of their numbers, which is that of their sequences. */
export class BlockList {
  readonly #blocks: Block[] = [];
  #latest = 0;

  get length(): number {
    return this.#blocks.length;
  }

  get last(): Block | null {
    return this.#blocks.at(-1) ?? null;
  }

  at(place: number): Block {
    return this.#blocks[place];
  }

  [Symbol.iterator](): IterableIterator<Block> {
    return this.#blocks.values();
  }

  add(block: Block): void {
    this.#blocks.push(block);
  }

  /** Puts `made` in the place of `count` blocks from `place` on. */
  replace(place: number, count: number, made: readonly Block[]): void {
    this.#blocks.splice(place, count, ...made);
    this.#latest = 0;
  }

  /** The place of the last block that starts at or before `seq`; -1: all start behind it. */
  placeOf(seq: number): number {
    const blocks = this.#blocks;
    const latest = this.#latest;
    if (latest < blocks.length && blocks[latest].firstSeq <= seq) {
      if (latest + 1 === blocks.length || blocks[latest + 1].firstSeq > seq) return latest;
    }
    let low = 0;
    let high = blocks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (blocks[middle].firstSeq <= seq) low = middle + 1;
      else high = middle;
    }
    if (low > 0) this.#latest = low - 1;
    return low - 1;
  }

  /** The block that has the message `seq`; null: none has. */
  holder(seq: number): Block | null {
    const place = this.placeOf(seq);
    if (place < 0) return null;
    const block = this.#blocks[place];
    return block.has(seq) ? block : null;
  }

  /** The first message from `seq` on; 0: none. */
  next(seq: number): number {
    const from = Math.max(0, this.placeOf(seq));
    for (let place = from; place < this.#blocks.length; place++) {
      const block = this.#blocks[place];
      const rel = block.live.next(Math.max(0, seq - block.firstSeq));
      if (rel >= 0) return block.firstSeq + rel;
    }
    return 0;
  }

  /** The last message up to `seq`; 0: none. */
  previous(seq: number): number {
    for (let place = this.placeOf(seq); place >= 0; place--) {
      const block = this.#blocks[place];
      const rel = block.live.previous(seq - block.firstSeq);
      if (rel >= 0) return block.firstSeq + rel;
    }
    return 0;
  }

  /** How many messages there are from `seq` on. */
  countFrom(seq: number): number {
    let count = 0;
    for (let place = this.#blocks.length - 1; place >= 0; place--) {
      const block = this.#blocks[place];
      count += block.live.countFrom(seq - block.firstSeq);
      if (block.firstSeq <= seq) break;
    }
    return count;
  }

  /** Throws where a stated invariant does not hold. For tests. */
  checkInvariants(): void {
    for (let place = 1; place < this.#blocks.length; place++) {
      const before = this.#blocks[place - 1];
      const block = this.#blocks[place];
      assert(block.number > before.lastNumber, "numbers ascend");
      assert(block.firstSeq > before.lastSeq, "blocks follow each other");
    }
  }
}
