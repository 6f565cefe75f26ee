import type { SeededRandom } from "../../packages/caddis/src/io/seeded-random.ts";

/** What a disk writes in one go, or not. */
const SECTOR_BYTES = 512;

/** A file whose content is one thing and what of it lies on the disk another. */
export class FaultyFile {
  content: Buffer = Buffer.alloc(0);
  /** As of the last sync. */
  #synced: Buffer = Buffer.alloc(0);
  /** Sectors that were written since. */
  readonly #dirty = new Set<number>();

  /** One that is all on the disk. */
  static of(content: Buffer): FaultyFile {
    const file = new FaultyFile();
    file.content = Buffer.from(content);
    file.#synced = Buffer.from(content);
    return file;
  }

  write(position: number, data: Uint8Array): void {
    const end = position + data.length;
    if (end > this.content.length) {
      this.#touch(this.content.length, end);
      this.content = Buffer.concat([this.content, Buffer.alloc(end - this.content.length)]);
    }
    this.content.set(data, position);
    this.#touch(position, end);
  }

  sync(): void {
    const synced = this.#old(0, this.content.length);
    for (const sector of this.#dirty) {
      const start = sector * SECTOR_BYTES;
      this.content.copy(synced, start, start, start + SECTOR_BYTES);
    }
    this.#synced = synced;
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
    if (start < this.#synced.length) this.#synced.copy(old, 0, start, end);
    return old;
  }

  #keptBytes(random: SeededRandom, length: number): number {
    const fate = random.below(5);
    if (fate === 0) return random.below(length);
    return fate < 3 ? length : 0;
  }

  #lengthAfter(random: SeededRandom): number {
    const synced = this.#synced.length;
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
