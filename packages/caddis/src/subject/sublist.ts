import { assert } from "../base/assert.ts";
import type { Interested } from "./interested.ts";
import { LiteralTable } from "./literal-table.ts";
import { MatchResult } from "./match-result.ts";
import { ResultCache } from "./result-cache.ts";
import { SeenHashes } from "./seen-hashes.ts";
import { hasWildcard } from "./subject.ts";
import { HASH_PRIME, hashOf, spread } from "./subject-hash.ts";
import { WildcardTrie } from "./wildcard-trie.ts";

/**
 * Who is interested in a subject. Subjects are wire strings (one char code per byte).
 *
 * Subscriptions to literal subjects stand in one hash table; those with wildcards in a trie by token,
 * linked at the node where their subject ends. Adding and removing one costs the same however many have
 * the same subject.
 *
 * Answers are kept in a result cache keyed by the subject's bytes, from the second time on that a subject comes: a
 * reply subject, which is used once, costs no entry. An answer is good while the
 * generation of its first token stands: a subscription advances only the generation of its own first
 * token (all of them, if that is a wildcard), so inboxes that come and go leave other answers alone.
 */

const DOT = 0x2e;
const STAR = 0x2a;
const ANGLE = 0x3e;

/** Generation counters; first tokens that share one only invalidate each other's answers. */
const GENERATION_COUNT = 256;

/** Counts for monitoring. */
export interface SublistStats {
  readonly subscriptionCount: number;
  readonly cachedCount: number;
  readonly insertCount: number;
  readonly removeCount: number;
  readonly matchCount: number;
  readonly missCount: number;
  /** Largest and mean number of receivers over the answers in the cache. */
  readonly fanoutMax: number;
  readonly fanoutMean: number;
}

/** The interest of one account. */
export class Sublist<S extends Interested> {
  readonly #literals = new LiteralTable<Interested>();
  readonly #wildcards = new WildcardTrie<S>();

  readonly #generations = new Uint32Array(GENERATION_COUNT);
  readonly #cache = new ResultCache<S>();
  readonly #cacheEnabled: boolean;
  readonly #hashBasis: number;
  /** Which subjects were asked for lately: answers are kept for those that come again. Null: nobody asked yet. */
  #seen: SeenHashes | null = null;
  /** True when an answer in the cache may be stale, so that `sweep` has something to let go. */
  #changedSinceSweep = false;
  /** The answer that is not kept. */
  readonly #scratch = new MatchResult<S>();

  #insertCount = 0;
  #removeCount = 0;
  #missCount = 0;
  /** Lookups; whoever short-cuts `match` by a result of its own adds to it. */
  matchCount = 0;

  /** `hashBasis`: a 32-bit secret, see `hashOf`. */
  constructor(cacheEnabled: boolean, hashBasis: number) {
    this.#hashBasis = hashBasis | 0;
    this.#cacheEnabled = cacheEnabled;
  }

  /** How many subscriptions there are. */
  get count(): number {
    return this.#literals.size + this.#wildcards.size;
  }

  insert(subscription: S): void {
    assert(!subscription.isInterested, "a subscription stands in one sublist, once");
    subscription.isInterested = true;
    subscription.hash = hashOf(subscription.subject, this.#hashBasis);
    const subject = subscription.subject;
    if (hasWildcard(subject)) this.#wildcards.add(subscription);
    else this.#literals.add(subscription);
    this.#insertCount++;
    this.#advance(subject);
  }

  /** Takes `subscription` out; one that is not in is left alone. */
  remove(subscription: S): void {
    if (!subscription.isInterested) return;
    subscription.isInterested = false;
    const subject = subscription.subject;
    if (hasWildcard(subject)) this.#wildcards.remove(subscription);
    else this.#literals.remove(subscription);
    this.#removeCount++;
    this.#advance(subject);
  }

  /** Whether `result`'s answer still stands. */
  isCurrent(result: MatchResult<S>): boolean {
    return result.generation === this.#generations[result.bucket];
  }

  /** Who is interested in the literal subject `buf[start, end)`. */
  match(buf: Buffer, start: number, end: number): MatchResult<S> {
    this.matchCount++;
    // FNV-1a over the bytes; the first token's share of it picks the generation counter.
    let hash = this.#hashBasis;
    let bucket = -1;
    for (let i = start; i < end; i++) {
      const byte = buf[i];
      if (byte === DOT && bucket < 0) bucket = hash & (GENERATION_COUNT - 1);
      hash = Math.imul(hash ^ byte, HASH_PRIME);
    }
    if (bucket < 0) bucket = hash & (GENERATION_COUNT - 1);
    hash = spread(hash);
    const kept = this.#cache.find(buf, start, end, hash);
    if (kept === null) return this.#miss(buf.latin1Slice(start, end), hash, bucket);
    if (kept.generation !== this.#generations[bucket]) {
      this.#missCount++;
      // Renewing an answer must not make the cache outgrow its bound.
      if (this.#cache.isOverfull) {
        this.#forget();
        return this.#miss(buf.latin1Slice(start, end), hash, bucket);
      }
      this.#answer(kept, kept.subject, hash, bucket);
      this.#cache.onRenewed(kept);
    }
    return kept;
  }

  /** As `match`, for a wire string. */
  matchString(subject: string): MatchResult<S> {
    const buf = Buffer.from(subject, "latin1");
    return this.match(buf, 0, buf.length);
  }

  /**
   * As `matchString`, but touching no other answer: for a delivery within a delivery, whose own answer has to
   * stay as it is. What it returns is the caller's, and good as long as it `isCurrent`. Subject: a wire string
   * without wildcards.
   */
  matchApart(subject: string): MatchResult<S> {
    this.matchCount++;
    const result = new MatchResult<S>();
    this.#answer(result, subject, hashOf(subject, this.#hashBasis), this.#bucketOf(subject));
    return result;
  }

  /** Lets go of answers that may hold on to subscriptions which are gone. */
  sweep(): void {
    if (!this.#changedSinceSweep) return;
    this.#changedSinceSweep = false;
    this.#forget();
    this.#scratch.empty();
  }

  /** Calls `visit` with every subscription, in no particular order. */
  forEach(visit: (subscription: S) => void): void {
    this.#literals.forEach((subscription) => visit(subscription as S));
    this.#wildcards.forEach(visit);
  }

  stats(): SublistStats {
    let fanoutMax = 0;
    let fanoutTotal = 0;
    this.#cache.forEach((result) => {
      const fanout = result.plain.length + result.queues.length;
      fanoutMax = Math.max(fanoutMax, fanout);
      fanoutTotal += fanout;
    });
    return {
      subscriptionCount: this.count,
      cachedCount: this.#cache.size,
      insertCount: this.#insertCount,
      removeCount: this.#removeCount,
      matchCount: this.matchCount,
      missCount: this.#missCount,
      fanoutMax,
      fanoutMean: this.#cache.size === 0 ? 0 : fanoutTotal / this.#cache.size,
    };
  }

  /** Throws unless counts agree with the structures. For tests. */
  checkInvariants(): void {
    this.forEach((subscription) => {
      assert(subscription.isInterested, "a subscription in the sublist knows that it is");
    });
    this.#literals.checkInvariants();
    this.#wildcards.checkInvariants();
    this.#cache.checkInvariants();
  }

  #advance(subject: string): void {
    this.#changedSinceSweep = true;
    const generations = this.#generations;
    const first = subject.charCodeAt(0);
    const isWhole = subject.length === 1 || subject.charCodeAt(1) === DOT;
    if (isWhole && (first === STAR || first === ANGLE)) {
      this.#advanceAll();
      return;
    }
    generations[this.#bucketOf(subject)]++;
  }

  /** Which generation counter a subject's first token has. */
  #bucketOf(subject: string): number {
    let hash = this.#hashBasis;
    for (let i = 0; i < subject.length; i++) {
      const code = subject.charCodeAt(i);
      if (code === DOT) break;
      hash = Math.imul(hash ^ code, HASH_PRIME);
    }
    return hash & (GENERATION_COUNT - 1);
  }

  #forget(): void {
    this.#cache.clear();
    // Whoever still holds an answer must not find it current, since nobody renews it any more.
    this.#advanceAll();
  }

  #advanceAll(): void {
    for (let i = 0; i < GENERATION_COUNT; i++) this.#generations[i]++;
  }

  #miss(subject: string, hash: number, bucket: number): MatchResult<S> {
    this.#missCount++;
    const keep = this.#cacheEnabled && (this.#seen ??= new SeenHashes()).see(hash);
    const result = keep ? new MatchResult<S>() : this.#scratch;
    this.#answer(result, subject, hash, bucket);
    if (keep && !this.#cache.keep(result)) {
      this.#forget();
      this.#answer(result, subject, hash, bucket);
      this.#cache.keep(result);
    }
    return result;
  }

  #answer(result: MatchResult<S>, subject: string, hash: number, bucket: number): void {
    result.reset(subject, hash, bucket, this.#generations[bucket]);
    for (let entry = this.#literals.chain(hash); entry !== null; entry = entry.next) {
      if (entry.hash === hash && entry.subject === subject) result.add(entry as S);
    }
    // A subject with an empty token is nobody's, not even a full wildcard's.
    if (this.#wildcards.size > 0 && !hasEmptyToken(subject)) this.#wildcards.collect(subject, result);
    result.finish();
  }
}

function hasEmptyToken(subject: string): boolean {
  return (
    subject.length === 0 ||
    subject.charCodeAt(0) === DOT ||
    subject.charCodeAt(subject.length - 1) === DOT ||
    subject.includes("..")
  );
}
