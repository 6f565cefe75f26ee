import type { SeededRandom } from "../../packages/caddis/src/io/seeded-random.ts";

/** What a disk writes in one go, or not. */
const SECTOR_BYTES = 512;

/** A file whose content is one thing and what of it lies on the disk another. */
export class FaultyFile {
  readonly #content = new Bytes();
  /** As of the last sync. */
  readonly #synced = new Bytes();
  /** Sectors that were written since. */
  readonly #dirty = new Set<number>();

  /** One that is all on the disk. */
  static of(content: Buffer): FaultyFile {
    const file = new FaultyFile();
    file.#content.set(0, content);
    file.#synced.set(0, content);
    return file;
  }

  /** Valid until it is written to. */
  get content(): Buffer {
    return this.#content.all;
  }

  write(position: number, data: Uint8Array): void {
    const end = position + data.length;
    const { length } = this.content;
    if (end > length) this.#touch(length, end);
    this.#content.set(position, data);
    this.#touch(position, end);
  }

  sync(): void {
    const { content } = this;
    this.#synced.grow(content.length);
    for (const sector of this.#dirty) {
      const start = sector * SECTOR_BYTES;
      this.#synced.set(start, content.subarray(start, start + SECTOR_BYTES));
    }
    this.#dirty.clear();
  }

  /** A sync that failed: as systems do, what was to be written counts as written, and is not. */
  failToSync(): void {
    this.#dirty.clear();
  }

  /** What is left of it when the power goes now: of what was not synced each sector is new, old, or torn. */
  afterPowerLoss(random: SeededRandom): FaultyFile {
    const after = Buffer.from(this.content);
    // A sector that counts as written and is not is old.
    const sectors = Math.ceil(after.length / SECTOR_BYTES);
    for (let sector = 0; sector < sectors; sector++) {
      const start = sector * SECTOR_BYTES;
      const end = Math.min(after.length, start + SECTOR_BYTES);
      const old = this.#old(start, end);
      const kept = this.#dirty.has(sector) ? this.#keptBytes(random, end - start) : 0;
      after.set(old.subarray(kept), start + kept);
    }
    return FaultyFile.of(after.subarray(0, this.#lengthAfter(random)));
  }

  /** What is on the disk of a range; zeros where there was nothing. */
  #old(start: number, end: number): Buffer {
    const old = Buffer.alloc(end - start);
    const synced = this.#synced.all;
    if (start < synced.length) synced.copy(old, 0, start, end);
    return old;
  }

  #keptBytes(random: SeededRandom, length: number): number {
    const fate = random.below(5);
    if (fate === 0) return random.below(length);
    return fate < 3 ? length : 0;
  }

  #lengthAfter(random: SeededRandom): number {
    const synced = this.#synced.all.length;
    const { length } = this.content;
    // Where nothing waits to be written, what is not there never comes.
    if (length <= synced || this.#dirty.size === 0) return Math.min(length, synced);
    const fate = random.below(4);
    if (fate === 0) return synced;
    return fate === 1 ? synced + random.below(length - synced + 1) : length;
  }

  #touch(start: number, end: number): void {
    for (let at = start; at < end; at = (Math.floor(at / SECTOR_BYTES) + 1) * SECTOR_BYTES) {
      this.#dirty.add(Math.floor(at / SECTOR_BYTES));
    }
  }
}

/** Bytes that become more; what was never written are zeros. */
class Bytes {
  #buf = Buffer.alloc(0);
  #length = 0;

  get all(): Buffer {
    return this.#buf.subarray(0, this.#length);
  }

  grow(length: number): void {
    if (length > this.#buf.length) {
      const grown = Buffer.alloc(Math.max(length, 2 * this.#buf.length));
      this.#buf.copy(grown, 0, 0, this.#length);
      this.#buf = grown;
    }
    this.#length = Math.max(this.#length, length);
  }

  set(position: number, data: Uint8Array): void {
    this.grow(position + data.length);
    this.#buf.set(data, position);
  }
}
