import { assert } from "../../base/assert.ts";
import { CHUNK_BYTES } from "./format.ts";

/** Pieces without content that are kept for reuse: what a busy log fills in some milliseconds. */
const SPARE_MAX = 16;
/** Rounds of the hand that an entry may stay unused, at most. */
export const ROUNDS_MAX = 16;

/**
 * What the stores of all streams keep in memory of their files, within one budget. What was not used for some rounds
 * of the hand is let go of: noting a use is one assignment.
 */
export class BlockCache {
  /** Bytes that all entries may have together; one that is alone may be larger. */
  readonly #budgetBytes: number;
  readonly #entries: CacheEntry[] = [];
  readonly #spare: Buffer[] = [];
  #bytes = 0;
  #hand = 0;

  constructor(budgetBytes: number) {
    this.#budgetBytes = budgetBytes;
  }

  /** Bytes held at present. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Takes an entry in, for which others may have to go. */
  add(entry: CacheEntry): void {
    entry.place = this.#entries.length;
    entry.isUsed = true;
    this.#entries.push(entry);
    this.#bytes += entry.bytes;
    this.#makeRoom(entry);
  }

  /** An entry has grown or shrunk. */
  resize(entry: CacheEntry, bytes: number): void {
    this.#bytes += bytes - entry.bytes;
    entry.bytes = bytes;
    entry.isUsed = true;
    this.#makeRoom(entry);
  }

  /** Forgets an entry; one that is not there is none of its business. */
  drop(entry: CacheEntry): void {
    if (entry.place < 0) return;
    const last = this.#entries.pop();
    if (last !== undefined && last !== entry) {
      this.#entries[entry.place] = last;
      last.place = entry.place;
    }
    entry.place = -1;
    this.#bytes -= entry.bytes;
  }

  /**
   * Memory for a piece of a file, whose content is anything. New memory costs more than it takes to fill it: the system
   * clears it, and the collector is told of it.
   */
  takeChunk(): Buffer {
    return this.#spare.pop() ?? Buffer.allocUnsafeSlow(CHUNK_BYTES);
  }

  /** Takes memory back that nobody refers to, or only until the next call to any store. */
  giveChunk(buf: Buffer): void {
    if (buf.length === CHUNK_BYTES && this.#spare.length < SPARE_MAX) this.#spare.push(buf);
  }

  /** `wanted` is being used, and stays. */
  #makeRoom(wanted: CacheEntry): void {
    // After so many rounds everyone has had their chances; the last one stays, however large it is.
    for (let left = (ROUNDS_MAX + 1) * this.#entries.length; left > 0; left--) {
      if (this.#bytes <= this.#budgetBytes || this.#entries.length <= 1) return;
      if (this.#hand >= this.#entries.length) this.#hand = 0;
      const entry = this.#entries[this.#hand];
      if (entry === wanted || entry.survives() || !entry.release()) this.#hand++;
      else this.drop(entry);
    }
  }
}

/**
 * Something in a `BlockCache`. Invariants: `place` is where it stands there, -1 while it is not there; 0 <= `#left` <=
 * `rounds`.
 */
export class CacheEntry {
  bytes: number;
  place = -1;
  isUsed = true;
  /** Rounds of the hand that it stays without being used. */
  readonly #rounds: number;
  #left = 0;
  /** Lets go of the memory; false: not now. */
  readonly release: () => boolean;

  /** `rounds`: how many times as dear a byte of it is to bring back as one of a piece of a file is. */
  constructor(bytes: number, release: () => boolean, rounds = 1) {
    assert(rounds >= 1 && rounds <= ROUNDS_MAX, "an entry stays for some rounds");
    this.bytes = bytes;
    this.release = release;
    this.#rounds = rounds;
  }

  /** The hand passes; false: it was not used for all its rounds. */
  survives(): boolean {
    if (this.isUsed) {
      this.isUsed = false;
      this.#left = this.#rounds;
    }
    if (this.#left === 0) return false;
    this.#left--;
    return true;
  }
}
