import type { ResponseRule } from "../config/permissions.ts";

/** Requests of one connection that may be answered at a time; the oldest beyond that are forgotten. */
export const REPLIES_MAX = 65_536;

/** What their reply subjects may take together, bytes: the sender of a request chooses its length. */
export const REPLY_BYTES_MAX = 8 * 1024 * 1024;

/** Of a full memory this share is forgotten at once, so that one that stays full is not searched each time. */
const FORGOTTEN_SHARE = 1 / 16;

/** Expired permits are looked for after so many new ones, or after so long; as in the reference. */
const PRUNE_NOTES = 4_096;
const PRUNE_INTERVAL_MS = 1_000;

interface Permit {
  /** Messages that may still be sent. */
  left: number;
  notedMs: number;
}

/**
 * To which reply subjects one connection may publish because a request with them was delivered to it.
 * Times are milliseconds of one clock that never goes back. Subjects are wire strings.
 */
export class ResponsePermits {
  readonly #rule: ResponseRule;
  /** In the order of their last request, which is the order they expire in. */
  readonly #permits = new Map<string, Permit>();
  #replyBytes = 0;
  #notesSincePrune = 0;
  #lastPruneMs = 0;

  constructor(rule: ResponseRule) {
    this.#rule = rule;
  }

  /** Whether it goes by `rule`. */
  isFor(rule: ResponseRule): boolean {
    return this.#rule.max === rule.max && this.#rule.expiresMs === rule.expiresMs;
  }

  /** Reply subjects that are remembered, expired ones among them. */
  get size(): number {
    return this.#permits.size;
  }

  /** A request was delivered with this reply subject, to which the connection may not publish anyway. */
  note(reply: string, nowMs: number): void {
    const { max } = this.#rule;
    const known = this.#permits.get(reply);
    const carried = known === undefined || this.#isExpired(known, nowMs) ? 0 : known.left;
    if (known !== undefined) this.#forget(reply);
    this.#permits.set(reply, { left: max < 0 ? Infinity : carried + max, notedMs: nowMs });
    this.#replyBytes += reply.length;
    this.#notesSincePrune++;
    this.#prune(nowMs);
  }

  /** Whether a message may be published to `subject` as an answer; that it was is taken into account. */
  take(subject: string, nowMs: number): boolean {
    const permit = this.#permits.get(subject);
    if (permit === undefined) return false;
    const isGood = !this.#isExpired(permit, nowMs) && permit.left > 0;
    permit.left--;
    if (!isGood || permit.left <= 0) this.#forget(subject);
    return isGood;
  }

  #isExpired(permit: Permit, nowMs: number): boolean {
    const { expiresMs } = this.#rule;
    return expiresMs > 0 && nowMs - permit.notedMs > expiresMs;
  }

  #prune(nowMs: number): void {
    const isFull = this.#permits.size > REPLIES_MAX || this.#replyBytes > REPLY_BYTES_MAX;
    const isDue = this.#notesSincePrune >= PRUNE_NOTES || nowMs - this.#lastPruneMs > PRUNE_INTERVAL_MS;
    if (!isFull && !isDue) return;
    this.#notesSincePrune = 0;
    this.#lastPruneMs = nowMs;
    const kept = 1 - FORGOTTEN_SHARE;
    for (const [reply, permit] of this.#permits) {
      const mustGo =
        isFull && (this.#permits.size > kept * REPLIES_MAX || this.#replyBytes > kept * REPLY_BYTES_MAX);
      if (!mustGo && !this.#isExpired(permit, nowMs)) return;
      this.#forget(reply);
    }
  }

  #forget(reply: string): void {
    this.#permits.delete(reply);
    this.#replyBytes -= reply.length;
  }
}
