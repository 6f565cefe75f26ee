import { assert } from "../base/assert.ts";
import type { Interested } from "./interested.ts";
import type { MatchResult } from "./match-result.ts";

/**
 * Answers kept at most. Fifty thousand subjects in rotation fit; a full cache is dropped whole, which
 * costs less bookkeeping than choosing victims.
 */
const CACHE_RESULTS_MAX = 65_536;

/**
 * What all answers together may cost, in words of eight bytes: receivers, eight characters of a subject,
 * and a fixed part each. About 32 MiB, whatever peers subscribe to and publish.
 */
const CACHE_COST_MAX = 4 * 1024 * 1024;

/** The fixed part of an answer's cost. */
const RESULT_COST = 24;

/** An answer that costs more is not kept: delivering to so many takes much longer than finding them. */
const RESULT_COST_MAX = CACHE_COST_MAX / 16;

/** Slots of an empty cache. */
const CACHE_SLOTS_INITIAL = 256;

/** Answers by subject: open addressing, at most half full. Whether one still stands is the sublist's to say. */
export class ResultCache<S extends Interested> {
  /** A power of two of them, or none. */
  #slots: (MatchResult<S> | null)[] = [];
  #size = 0;
  #cost = 0;

  get size(): number {
    return this.#size;
  }

  /** The answer for the subject `buf[start, end)`, whose hash is given. */
  find(buf: Uint8Array, start: number, end: number, hash: number): MatchResult<S> | null {
    const slots = this.#slots;
    const mask = slots.length - 1;
    if (mask < 0) return null;
    let slot = hash & mask;
    let result = slots[slot];
    while (result !== null && (result.hash !== hash || !result.isFor(buf, start, end))) {
      slot = (slot + 1) & mask;
      result = slots[slot];
    }
    return result;
  }

  /**
   * Keeps an answer whose subject is not in the cache yet, unless it is too large. False: there is no room, and the
   * cache is to be cleared first.
   */
  keep(result: MatchResult<S>): boolean {
    const cost = costOf(result);
    if (cost > RESULT_COST_MAX) return true;
    if (this.#size >= CACHE_RESULTS_MAX || this.#cost + cost > CACHE_COST_MAX) return false;
    result.isKept = true;
    result.cost = cost;
    this.#cost += cost;
    if (2 * (this.#size + 1) > this.#slots.length) {
      const old = this.#slots;
      this.#slots = Array.from({ length: Math.max(CACHE_SLOTS_INITIAL, 2 * old.length) }, () => null);
      for (const moved of old) if (moved !== null) this.#place(moved);
    }
    this.#place(result);
    this.#size++;
    return true;
  }

  /** An answer that is kept was found anew: it may have become larger. */
  onRenewed(result: MatchResult<S>): void {
    const cost = costOf(result);
    this.#cost += cost - result.cost;
    result.cost = cost;
  }

  /** Whether renewed answers have outgrown the cache. */
  get isOverfull(): boolean {
    return this.#cost > CACHE_COST_MAX;
  }

  /** Forgets all answers. Whoever still holds one finds it empty. */
  clear(): void {
    for (const result of this.#slots) {
      if (result === null) continue;
      result.isKept = false;
      result.empty();
    }
    this.#slots = [];
    this.#size = 0;
    this.#cost = 0;
  }

  forEach(visit: (result: MatchResult<S>) => void): void {
    for (const result of this.#slots) if (result !== null) visit(result);
  }

  /** Throws where the cache contradicts itself. For tests. */
  checkInvariants(): void {
    assert(2 * this.#size <= this.#slots.length, "the cache is at most half full");
    let cost = 0;
    this.forEach((result) => {
      cost += result.cost;
    });
    assert(cost === this.#cost, "the cost is that of the answers");
  }

  #place(result: MatchResult<S>): void {
    const mask = this.#slots.length - 1;
    let slot = result.hash & mask;
    while (this.#slots[slot] !== null) slot = (slot + 1) & mask;
    this.#slots[slot] = result;
  }
}

function costOf<S extends Interested>(result: MatchResult<S>): number {
  return RESULT_COST + result.size + (result.subject.length >> 3);
}
