/** Slots of a new filter, and at most: as many as answers are kept. Powers of two. */
const SLOTS_MIN = 256;
const SLOTS_MAX = 65_536;

/**
 * Tells what comes again from what came once: half of each of the hashes seen last, until others drive it out. It may
 * take one for another, hardly ever.
 */
export class SeenHashes {
  #tags = new Uint16Array(SLOTS_MIN);
  /** Entered since it was made this large. */
  #entered = 0;
  /** State of the dice; never 0. */
  #die = 1;

  /** Whether `hash`, of 32 bits, was seen lately; from now on it probably was. */
  see(hash: number): boolean {
    const tags = this.#tags;
    const slot = hash & (tags.length - 1);
    // Never 0, which stands for none; of other bits than the slot.
    const tag = 1 + ((hash >>> 16) % 65_535);
    const other = tags[slot];
    if (other === tag) return true;
    // Two that take turns would drive each other out for ever.
    if (other !== 0 && (this.#nextDie() & 1) === 0) return false;
    tags[slot] = tag;
    if (++this.#entered >= tags.length && tags.length < SLOTS_MAX) this.#grow();
    return false;
  }

  /** What was seen is forgotten, and comes again. */
  #grow(): void {
    this.#tags = new Uint16Array(2 * this.#tags.length);
    this.#entered = 0;
  }

  /** Xorshift: plain counting would fall into step with traffic that repeats. */
  #nextDie(): number {
    let die = this.#die;
    die ^= die << 13;
    die ^= die >>> 17;
    die ^= die << 5;
    this.#die = die;
    return die;
  }
}
