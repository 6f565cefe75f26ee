import type { Random } from "./random.ts";

/** 2 ** 32: one more than the largest number that a step yields. */
const STEP_RANGE = 0x1_0000_0000;

/**
 * Chance that repeats: the same seed gives the same sequence. For tests only; `bytes` is no secret. The
 * generator is Splitmix with 32 bits: one addition and three mixing steps for each number.
 */
export class SeededRandom implements Random {
  #state: number;

  /** `seed`: any integer; its lowest 32 bits count. */
  constructor(seed: number) {
    this.#state = seed | 0;
  }

  fraction(): number {
    return this.#next() / STEP_RANGE;
  }

  below(below: number): number {
    return Math.floor(this.fraction() * below);
  }

  bytes(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => this.#next() & 0xff);
  }

  #next(): number {
    this.#state = (this.#state + 0x9e37_79b9) | 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0_aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a_2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  }
}
