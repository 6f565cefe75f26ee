const HASH_BYTES = 32;

/** What is known of a stored JWT without reading it. */
interface Entry {
  readonly hash: Uint8Array;
  /** When the JWT itself expires, wall-clock milliseconds; `Infinity`: never. */
  readonly expiresMs: number;
  /** When its file is to go. */
  dueMs: number;
}

/**
 * Which JWTs a folder holds: their hashes, when they are due to go and which was used last.
 * Invariant: `hash` is the XOR of all entries' hashes, so that two servers that hold the same agree on it.
 */
export class ClaimsIndex {
  readonly #ttlMs: number;
  /** The least recently used first. */
  readonly #entries = new Map<string, Entry>();
  readonly #hash = new Uint8Array(HASH_BYTES);

  /** `ttlMs`: how long an unused JWT stays; 0: until it expires. */
  constructor(ttlMs: number) {
    this.#ttlMs = ttlMs;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** A copy of the XOR over all hashes. */
  get hash(): Uint8Array {
    return this.#hash.slice();
  }

  has(id: string): boolean {
    return this.#entries.has(id);
  }

  /** Whether `id` is there with just this hash. */
  matches(id: string, hash: Uint8Array): boolean {
    const known = this.#entries.get(id);
    return known !== undefined && Buffer.compare(known.hash, hash) === 0;
  }

  /** Puts an entry in, or a newer one in its place; it counts as used. */
  set(id: string, hash: Uint8Array, expiresMs: number, nowMs: number): void {
    this.delete(id);
    this.#mix(hash);
    this.#entries.set(id, { hash, expiresMs, dueMs: this.#ttlMs > 0 ? nowMs + this.#ttlMs : expiresMs });
  }

  /** Notes that `id` was used, if it is there. */
  touch(id: string, nowMs: number): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    if (this.#ttlMs > 0) entry.dueMs = nowMs + this.#ttlMs;
    this.#entries.delete(id);
    this.#entries.set(id, entry);
  }

  delete(id: string): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    this.#mix(entry.hash);
    this.#entries.delete(id);
  }

  clear(): void {
    this.#entries.clear();
    this.#hash.fill(0);
  }

  /** The least recently used; undefined when there is none. */
  oldest(): string | undefined {
    return this.#entries.keys().next().value;
  }

  /** Those whose files are to go by now. */
  due(nowMs: number): string[] {
    return [...this.#entries].filter(([, { dueMs }]) => dueMs <= nowMs).map(([id]) => id);
  }

  /** Those whose JWTs hold, sorted. */
  valid(nowMs: number): string[] {
    const held = [...this.#entries].filter(([, { expiresMs }]) => expiresMs > nowMs);
    return held.map(([id]) => id).sort();
  }

  #mix(hash: Uint8Array): void {
    for (let i = 0; i < HASH_BYTES; i++) this.#hash[i] ^= hash[i];
  }
}
