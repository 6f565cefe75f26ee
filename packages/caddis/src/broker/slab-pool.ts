import { Bytes } from "../base/bytes.ts";
import { SLAB_BYTES, SLAB_POOL_BYTES_MAX } from "../base/limits.ts";

/** One size of slab. Invariant: `fewest` is the least `free.length` since the last upkeep. */
class SlabClass {
  readonly free: Bytes[] = [];
  fewest = 0;
}

/**
 * Output memory of one server. Slabs are taken only while there is output and go back as soon as the
 * kernel has it; the last one returned is the next one taken, so it is warm in the cache.
 */
export class SlabPool {
  readonly #classes: readonly SlabClass[] = SLAB_BYTES.map(() => new SlabClass());
  #freeBytes = 0;

  /** A slab of the class with this index in `SLAB_BYTES`. */
  take(classIndex: number): Bytes {
    const slabClass = this.#classes[classIndex];
    const slab = slabClass.free.pop();
    if (slab === undefined) return new Bytes(SLAB_BYTES[classIndex]);
    this.#freeBytes -= slab.capacity;
    if (slabClass.free.length < slabClass.fewest) slabClass.fewest = slabClass.free.length;
    return slab;
  }

  give(slab: Bytes): void {
    if (this.#freeBytes + slab.capacity > SLAB_POOL_BYTES_MAX) {
      slab.free();
      return;
    }
    this.#freeBytes += slab.capacity;
    for (let i = 0; i < SLAB_BYTES.length; i++) {
      if (SLAB_BYTES[i] === slab.capacity) this.#classes[i].free.push(slab);
    }
  }

  /** Lets go of the slabs that nobody needed since the last call. */
  upkeep(): void {
    for (const slabClass of this.#classes) {
      for (const slab of slabClass.free.splice(0, slabClass.fewest)) {
        this.#freeBytes -= slab.capacity;
        slab.free();
      }
      slabClass.fewest = slabClass.free.length;
    }
  }

  /** Bytes held for reuse. */
  get freeBytes(): number {
    return this.#freeBytes;
  }
}
