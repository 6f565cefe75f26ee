import { assert } from "../base/assert.ts";
import { LiteralTable } from "./literal-table.ts";

/**
 * Who is interested in a subject. Subjects are wire strings (one char code per byte).
 *
 * Subscriptions to literal subjects stand in one hash table; those with wildcards in a trie by token,
 * linked at the node where their subject ends. Adding and removing one costs the same however many have
 * the same subject.
 *
 * Answers are kept in a result cache keyed by the subject's bytes. An answer is good while the
 * generation of its first token stands: a subscription advances only the generation of its own first
 * token (all of them, if that is a wildcard), so inboxes that come and go leave other answers alone.
 */

const DOT = 0x2e;
const STAR = 0x2a;
const ANGLE = 0x3e;
/** FNV-1a, 32 bits. */
const HASH_BASIS = -2128831035;
const HASH_PRIME = 16777619;

/** What a subscriber hands to the sublist; the broker's `Subscription` extends it. */
export class Interested {
  readonly subject: string;
  /** Empty: a plain subscription. */
  readonly queue: string;
  /** What the subject is filed under. */
  readonly hash: number;
  /** Whether it stands in a sublist; `previous` and `next` are its neighbours there. */
  isInterested = false;
  previous: Interested | null = null;
  next: Interested | null = null;

  constructor(subject: string, queue: string) {
    this.subject = subject;
    this.queue = queue;
    this.hash = hashOf(subject);
  }
}

/** A place in the trie: the tokens on the way to it are the beginning of a subject with wildcards. */
class TrieNode {
  /** The subscriptions whose subject ends here. */
  first: Interested | null = null;
  children: Map<string, TrieNode> | null = null;
  /** Below a `*`. */
  partial: TrieNode | null = null;
  /** At a `>`. */
  full: TrieNode | null = null;

  get isEmpty(): boolean {
    return this.first === null && this.children === null && this.partial === null && this.full === null;
  }

  add(subscription: Interested): void {
    subscription.next = this.first;
    if (this.first !== null) this.first.previous = subscription;
    this.first = subscription;
  }

  remove(subscription: Interested): void {
    const { previous, next } = subscription;
    if (previous === null) this.first = next;
    else previous.next = next;
    if (next !== null) next.previous = previous;
    subscription.previous = null;
    subscription.next = null;
  }

  child(token: string): TrieNode | null {
    if (token === "*") return this.partial;
    if (token === ">") return this.full;
    return this.children?.get(token) ?? null;
  }

  childOrNew(token: string): TrieNode {
    const existing = this.child(token);
    if (existing !== null) return existing;
    const made = new TrieNode();
    if (token === "*") this.partial = made;
    else if (token === ">") this.full = made;
    else (this.children ??= new Map()).set(token, made);
    return made;
  }

  removeChild(token: string): void {
    if (token === "*") this.partial = null;
    else if (token === ">") this.full = null;
    else if (this.children !== null) {
      this.children.delete(token);
      if (this.children.size === 0) this.children = null;
    }
  }
}

/**
 * Everyone a message with `subject` goes to: each plain subscription, and one of each queue group.
 * `isKept` says whether the result stands in the cache; one that does not is valid until the next match.
 */
export class MatchResult<S extends Interested> {
  subject = "";
  hash = 0;
  /** Which generation counter this answer depends on, and its value when the answer was found. */
  bucket = 0;
  generation = 0;
  isKept = false;
  readonly plain: S[] = [];
  readonly queues: S[][] = [];

  get isEmpty(): boolean {
    return this.plain.length === 0 && this.queues.length === 0;
  }

  /** Whether `buf[start, end)` is this result's subject. */
  isFor(buf: Uint8Array, start: number, end: number): boolean {
    const subject = this.subject;
    if (subject.length !== end - start) return false;
    for (let i = 0; i < subject.length; i++) {
      if (subject.charCodeAt(i) !== buf[start + i]) return false;
    }
    return true;
  }
}

/** Generation counters; first tokens that share one only invalidate each other's answers. */
const GENERATION_COUNT = 256;

/**
 * Answers kept at most. Fifty thousand subjects in rotation fit; a full cache is dropped whole, which
 * costs less bookkeeping than choosing victims.
 */
const CACHE_RESULTS_MAX = 65_536;

/** Slots of an empty cache. */
const CACHE_SLOTS_INITIAL = 256;

/**
 * One answer in so many is kept on a miss: a subject that recurs is in soon, while reply subjects that
 * are used once cost no entry each. A power of two.
 */
const CACHE_KEEP_ONE_IN = 8;

/** Up to this many queue groups of an answer are searched one by one. */
const QUEUES_SEARCHED_MAX = 16;

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

export class Sublist<S extends Interested> {
  readonly #literals = new LiteralTable<Interested>();
  readonly #root = new TrieNode();
  #wildcardCount = 0;
  #count = 0;

  readonly #generations = new Uint32Array(GENERATION_COUNT);
  readonly #cacheEnabled: boolean;
  /** Open addressing, at most half full. */
  #slots: (MatchResult<S> | null)[] = [];
  #cachedCount = 0;
  /** True when an answer in the cache may be stale, so that `sweep` has something to let go. */
  #changedSinceSweep = false;
  #scratch = new MatchResult<S>();
  /** The stack of `#collect`: nodes and where in the subject their token begins. Empty in between. */
  readonly #nodesToVisit: TrieNode[] = [];
  readonly #startsToVisit: number[] = [];
  /** The groups of the answer at hand by name, once they are many. Empty in between. */
  readonly #queuesByName = new Map<string, S[]>();

  #insertCount = 0;
  #removeCount = 0;
  #missCount = 0;
  /** Lookups; whoever short-cuts `match` by a result of its own adds to it. */
  matchCount = 0;

  constructor(cacheEnabled: boolean) {
    this.#cacheEnabled = cacheEnabled;
  }

  get count(): number {
    return this.#count;
  }

  insert(subscription: S): void {
    assert(!subscription.isInterested, "a subscription stands in one sublist, once");
    subscription.isInterested = true;
    const subject = subscription.subject;
    if (hasWildcardToken(subject)) {
      let node = this.#root;
      for (const token of subject.split(".")) node = node.childOrNew(token);
      node.add(subscription);
      this.#wildcardCount++;
    } else {
      this.#literals.add(subscription);
    }
    this.#count++;
    this.#insertCount++;
    this.#advance(subject);
  }

  /** Takes `subscription` out; one that is not in is left alone. */
  remove(subscription: S): void {
    if (!subscription.isInterested) return;
    subscription.isInterested = false;
    const subject = subscription.subject;
    if (hasWildcardToken(subject)) {
      this.#removeWildcard(subscription);
      this.#wildcardCount--;
    } else {
      this.#literals.remove(subscription);
    }
    this.#count--;
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
    let hash = HASH_BASIS;
    let bucket = -1;
    for (let i = start; i < end; i++) {
      const byte = buf[i];
      if (byte === DOT && bucket < 0) bucket = hash & (GENERATION_COUNT - 1);
      hash = Math.imul(hash ^ byte, HASH_PRIME);
    }
    if (bucket < 0) bucket = hash & (GENERATION_COUNT - 1);
    hash = spread(hash);
    const slots = this.#slots;
    const mask = slots.length - 1;
    if (mask > 0) {
      let slot = hash & mask;
      for (let result = slots[slot]; result !== null; result = slots[slot]) {
        if (result.hash === hash && result.isFor(buf, start, end)) {
          if (result.generation !== this.#generations[bucket]) {
            this.#missCount++;
            this.#answer(result, result.subject, hash, bucket);
          }
          return result;
        }
        slot = (slot + 1) & mask;
      }
    }
    return this.#miss(buf.latin1Slice(start, end), hash, bucket);
  }

  /** As `match`, for a wire string. */
  matchString(subject: string): MatchResult<S> {
    const buf = Buffer.from(subject, "latin1");
    return this.match(buf, 0, buf.length);
  }

  /** Lets go of answers that may hold on to subscriptions which are gone. */
  sweep(): void {
    if (!this.#changedSinceSweep) return;
    this.#changedSinceSweep = false;
    this.#dropCache();
  }

  /** Calls `visit` with every subscription, in no particular order. */
  forEach(visit: (subscription: S) => void): void {
    this.#literals.forEach((subscription) => visit(subscription as S));
    visitTrie(this.#root, visit);
  }

  stats(): SublistStats {
    let fanoutMax = 0;
    let fanoutTotal = 0;
    for (const result of this.#slots) {
      if (result === null) continue;
      const fanout = result.plain.length + result.queues.length;
      fanoutMax = Math.max(fanoutMax, fanout);
      fanoutTotal += fanout;
    }
    return {
      subscriptionCount: this.#count,
      cachedCount: this.#cachedCount,
      insertCount: this.#insertCount,
      removeCount: this.#removeCount,
      matchCount: this.matchCount,
      missCount: this.#missCount,
      fanoutMax,
      fanoutMean: this.#cachedCount === 0 ? 0 : fanoutTotal / this.#cachedCount,
    };
  }

  /** Throws unless counts agree with the structures. For tests. */
  checkInvariants(): void {
    let seen = 0;
    this.forEach((subscription) => {
      seen++;
      assert(subscription.isInterested, "a subscription in the sublist knows that it is");
    });
    assert(seen === this.#count, "the count is the number of subscriptions");
    assert(this.#wildcardCount > 0 || this.#root.isEmpty, "an emptied trie is pruned");
    this.#literals.checkInvariants();
    assert(2 * this.#cachedCount <= this.#slots.length, "the cache is at most half full");
  }

  #advance(subject: string): void {
    this.#changedSinceSweep = true;
    const generations = this.#generations;
    const first = subject.charCodeAt(0);
    const isWhole = subject.length === 1 || subject.charCodeAt(1) === DOT;
    if (isWhole && (first === STAR || first === ANGLE)) {
      for (let i = 0; i < GENERATION_COUNT; i++) generations[i]++;
      return;
    }
    let hash = HASH_BASIS;
    for (let i = 0; i < subject.length; i++) {
      const code = subject.charCodeAt(i);
      if (code === DOT) break;
      hash = Math.imul(hash ^ code, HASH_PRIME);
    }
    generations[hash & (GENERATION_COUNT - 1)]++;
  }

  #miss(subject: string, hash: number, bucket: number): MatchResult<S> {
    this.#missCount++;
    const keep = this.#cacheEnabled && (this.#missCount & (CACHE_KEEP_ONE_IN - 1)) === 0;
    const result = keep ? new MatchResult<S>() : this.#scratch;
    this.#answer(result, subject, hash, bucket);
    if (keep) this.#keep(result);
    return result;
  }

  #answer(result: MatchResult<S>, subject: string, hash: number, bucket: number): void {
    result.subject = subject;
    result.hash = hash;
    result.bucket = bucket;
    result.generation = this.#generations[bucket];
    result.plain.length = 0;
    result.queues.length = 0;
    for (let entry = this.#literals.chain(hash); entry !== null; entry = entry.next) {
      if (entry.hash === hash && entry.subject === subject) this.#addTo(result, entry as S);
    }
    // A subject with an empty token is nobody's, not even a full wildcard's.
    if (this.#wildcardCount > 0 && !hasEmptyToken(subject)) this.#collect(subject, result);
    if (this.#queuesByName.size > 0) this.#queuesByName.clear();
  }

  /**
   * Adds everyone in the trie whose subject covers this one. A stack of its own instead of recursion:
   * how deep subjects go is up to the peers.
   */
  #collect(subject: string, result: MatchResult<S>): void {
    const nodes = this.#nodesToVisit;
    const starts = this.#startsToVisit;
    nodes.push(this.#root);
    starts.push(0);
    for (let node = nodes.pop(); node !== undefined; node = nodes.pop()) {
      const start = starts.pop() as number;
      if (start > subject.length) {
        this.#addAll(result, node);
        continue;
      }
      if (node.full !== null) this.#addAll(result, node.full);
      const dot = subject.indexOf(".", start);
      const end = dot < 0 ? subject.length : dot;
      if (node.partial !== null) {
        nodes.push(node.partial);
        starts.push(end + 1);
      }
      const child = node.children === null ? undefined : node.children.get(subject.slice(start, end));
      if (child !== undefined) {
        nodes.push(child);
        starts.push(end + 1);
      }
    }
  }

  #addAll(result: MatchResult<S>, node: TrieNode): void {
    for (let entry = node.first; entry !== null; entry = entry.next) this.#addTo(result, entry as S);
  }

  /** Members of one queue group come together whatever subject each of them gave. */
  #addTo(result: MatchResult<S>, subscription: S): void {
    const { queue } = subscription;
    if (queue === "") {
      result.plain.push(subscription);
      return;
    }
    const { queues } = result;
    if (queues.length > QUEUES_SEARCHED_MAX) {
      this.#addToIndexed(queues, subscription);
      return;
    }
    for (let i = 0; i < queues.length; i++) {
      if (queues[i][0].queue === queue) {
        queues[i].push(subscription);
        return;
      }
    }
    queues.push([subscription]);
  }

  /** As the end of `#addTo`, where a search through all groups would cost too much. */
  #addToIndexed(queues: S[][], subscription: S): void {
    const index = this.#queuesByName;
    if (index.size === 0) for (const group of queues) index.set(group[0].queue, group);
    const group = index.get(subscription.queue);
    if (group !== undefined) {
      group.push(subscription);
      return;
    }
    const made = [subscription];
    queues.push(made);
    index.set(subscription.queue, made);
  }

  #keep(result: MatchResult<S>): void {
    result.isKept = true;
    if (this.#cachedCount >= CACHE_RESULTS_MAX) this.#dropCache();
    if (2 * (this.#cachedCount + 1) > this.#slots.length) {
      const old = this.#slots;
      this.#slots = Array.from({ length: Math.max(CACHE_SLOTS_INITIAL, 2 * old.length) }, () => null);
      for (const moved of old) if (moved !== null) this.#place(moved);
    }
    this.#place(result);
    this.#cachedCount++;
  }

  #place(result: MatchResult<S>): void {
    const mask = this.#slots.length - 1;
    let slot = result.hash & mask;
    while (this.#slots[slot] !== null) slot = (slot + 1) & mask;
    this.#slots[slot] = result;
  }

  /** Whoever still holds a dropped result finds it outdated, since nothing re-answers it. */
  #dropCache(): void {
    for (let i = 0; i < GENERATION_COUNT; i++) this.#generations[i]++;
    this.#slots = [];
    this.#cachedCount = 0;
    this.#scratch = new MatchResult<S>();
  }

  #removeWildcard(subscription: S): void {
    const tokens = subscription.subject.split(".");
    const path: TrieNode[] = [this.#root];
    for (const token of tokens) {
      const child: TrieNode | null = path[path.length - 1].child(token);
      assert(child !== null, "a wildcard subscription's path is in the trie");
      path.push(child);
    }
    path[tokens.length].remove(subscription);
    for (let depth = tokens.length; depth > 0 && path[depth].isEmpty; depth--) {
      path[depth - 1].removeChild(tokens[depth - 1]);
    }
  }
}

/** Whether a token of `subject` is `*` or `>`. */
export function hasWildcardToken(subject: string): boolean {
  const last = subject.length - 1;
  for (let i = 0; i <= last; i++) {
    const code = subject.charCodeAt(i);
    if (
      (code === STAR || code === ANGLE) &&
      (i === 0 || subject.charCodeAt(i - 1) === DOT) &&
      (i === last || subject.charCodeAt(i + 1) === DOT)
    ) {
      return true;
    }
  }
  return false;
}

function hasEmptyToken(subject: string): boolean {
  return (
    subject.length === 0 ||
    subject.charCodeAt(0) === DOT ||
    subject.charCodeAt(subject.length - 1) === DOT ||
    subject.includes("..")
  );
}

/** The hash that literals and answers are filed under: FNV-1a over the bytes, folded. */
function hashOf(subject: string): number {
  let hash = HASH_BASIS;
  for (let i = 0; i < subject.length; i++) hash = Math.imul(hash ^ subject.charCodeAt(i), HASH_PRIME);
  return spread(hash);
}

/** The low bits of FNV-1a are its weakest; fold the high ones in. */
function spread(hash: number): number {
  return hash ^ (hash >>> 15);
}

function visitTrie<S extends Interested>(root: TrieNode, visit: (subscription: S) => void): void {
  const nodes = [root];
  for (let node = nodes.pop(); node !== undefined; node = nodes.pop()) {
    for (let entry = node.first; entry !== null; ) {
      const next: Interested | null = entry.next;
      visit(entry as S);
      entry = next;
    }
    if (node.partial !== null) nodes.push(node.partial);
    if (node.full !== null) nodes.push(node.full);
    if (node.children !== null) for (const child of node.children.values()) nodes.push(child);
  }
}
