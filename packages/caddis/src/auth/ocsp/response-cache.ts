import { Timer, type TimerQueue } from "../../base/timer-queue.ts";
import type { OcspCacheConfig } from "../../config/tls.ts";
import type { Log } from "../../io/log.ts";
import type { OcspFolder } from "../../io/ocsp.ts";
import { formatCacheFile, parseCacheFile, type CachedResponse } from "./cache-file.ts";

/** Figures of a cache, as monitoring shows them. */
export interface CacheStats {
  readonly size: number;
  readonly hits: number;
  readonly misses: number;
  readonly revokes: number;
  readonly goods: number;
  readonly unknowns: number;
}

/** What responders said about peers' certificates, by fingerprint. */
export interface ResponseCache {
  readonly type: "none" | "local";
  readonly stats: CacheStats;
  /** Loads what was saved. Never rejects. */
  start(): Promise<void>;
  get(fingerprint: string): CachedResponse | null;
  put(fingerprint: string, entry: CachedResponse): void;
  /** Forgets an answer that `get` gave and that was of no use: that was a miss after all. */
  discard(fingerprint: string): void;
  /** Saves what is new. Never rejects. */
  close(): Promise<void>;
}

/** Certificates remembered, and bytes of their responses and subjects: a megabyte or two in most places. */
const ENTRIES_MAX = 10_000;
const BYTES_MAX = 32 * 1024 * 1024;

/** What those take in the file, with base64 and field names. */
const FILE_BYTES_MAX = 64 * 1024 * 1024;

const FILE_NAME = "cache.json";

export interface CacheDeps {
  readonly folder: OcspFolder;
  readonly timers: TimerQueue;
  readonly log: Log;
}

/** The cache that a configuration asks for. */
export function createResponseCache(config: OcspCacheConfig, deps: CacheDeps): ResponseCache {
  return config.type === "none" ? new NoCache() : new LocalCache(config, deps);
}

class NoCache implements ResponseCache {
  readonly type = "none";
  readonly stats: CacheStats = { size: 0, hits: 0, misses: 0, revokes: 0, goods: 0, unknowns: 0 };

  start(): Promise<void> {
    return Promise.resolve();
  }

  get(): null {
    return null;
  }

  put(): void {}

  discard(): void {}

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** In memory, and now and then in a file. */
class LocalCache implements ResponseCache {
  readonly type = "local";
  readonly #config: OcspCacheConfig;
  readonly #deps: CacheDeps;
  /** Oldest first. */
  readonly #entries = new Map<string, CachedResponse>();
  readonly #saveTimer = new Timer(() => void this.#saveAndGoOn());
  #bytes = 0;
  #hits = 0;
  #misses = 0;
  #isDirty = false;
  #isClosed = false;
  #saving: Promise<void> = Promise.resolve();

  constructor(config: OcspCacheConfig, deps: CacheDeps) {
    this.#config = config;
    this.#deps = deps;
  }

  get stats(): CacheStats {
    const counts = { good: 0, revoked: 0, unknown: 0 };
    for (const { status } of this.#entries.values()) counts[status]++;
    return {
      size: this.#entries.size,
      hits: this.#hits,
      misses: this.#misses,
      revokes: counts.revoked,
      goods: counts.good,
      unknowns: counts.unknown,
    };
  }

  async start(): Promise<void> {
    const { folder, log } = this.#deps;
    const file = await folder.read(FILE_NAME, FILE_BYTES_MAX);
    if (typeof file === "string") log.warn(`Unable to load OCSP peer cache: ${file}`);
    else if (file === null) log.debug("No OCSP peer cache found, starting with empty cache");
    else this.#load(new TextDecoder().decode(file));
    if (!this.#isClosed) this.#deps.timers.setIn(this.#saveTimer, this.#config.save_interval);
    log.info("OCSP peer cache online, type [local]");
  }

  #load(text: string): void {
    const loaded = parseCacheFile(text);
    if (loaded === null) {
      this.#deps.log.warn("Unable to load OCSP peer cache: not a cache");
      this.#isDirty = true;
      return;
    }
    for (const [fingerprint, entry] of loaded) this.#add(fingerprint, entry);
  }

  get(fingerprint: string): CachedResponse | null {
    const entry = this.#entries.get(fingerprint);
    if (entry === undefined) this.#misses++;
    else this.#hits++;
    return entry ?? null;
  }

  put(fingerprint: string, entry: CachedResponse): void {
    this.#add(fingerprint, entry);
    this.#isDirty = true;
  }

  discard(fingerprint: string): void {
    const entry = this.#entries.get(fingerprint);
    if (entry === undefined) return;
    this.#hits--;
    this.#misses++;
    if (entry.status === "revoked" && this.#config.preserve_revoked) return;
    this.#remove(fingerprint);
    this.#isDirty = true;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#deps.timers.cancel(this.#saveTimer);
    await this.#saving;
    await this.#save();
  }

  #add(fingerprint: string, entry: CachedResponse): void {
    this.#remove(fingerprint);
    this.#entries.set(fingerprint, entry);
    this.#bytes += sizeOf(entry);
    while (this.#entries.size > ENTRIES_MAX || this.#bytes > BYTES_MAX) this.#remove(this.#leastNeeded());
  }

  #remove(fingerprint: string): void {
    const entry = this.#entries.get(fingerprint);
    if (entry === undefined) return;
    this.#entries.delete(fingerprint);
    this.#bytes -= sizeOf(entry);
  }

  /** The oldest; what is revoked is the last to be forgotten. */
  #leastNeeded(): string {
    for (const [fingerprint, { status }] of this.#entries) if (status !== "revoked") return fingerprint;
    const [oldest] = this.#entries.keys();
    return oldest;
  }

  async #saveAndGoOn(): Promise<void> {
    this.#saving = this.#save();
    await this.#saving;
    if (!this.#isClosed) this.#deps.timers.setIn(this.#saveTimer, this.#config.save_interval);
  }

  async #save(): Promise<void> {
    if (!this.#isDirty) return;
    this.#isDirty = false;
    const text = formatCacheFile(this.#entries);
    const problem = await this.#deps.folder.write(FILE_NAME, new TextEncoder().encode(text));
    if (problem === null) return;
    this.#isDirty = true;
    this.#deps.log.error(`Unable to save OCSP peer cache: ${problem}`);
  }
}

function sizeOf({ response, subject }: CachedResponse): number {
  return response.length + subject.length;
}
