import { isPublicNkey } from "../../base/nkey-text.ts";
import type { TimerQueue } from "../../base/timer-queue.ts";
import type { JwtStore } from "./jwt-store.ts";
import { askPeers, type Peers } from "./peer-lookup.ts";
import { NOT_AN_ACCOUNT, NOT_FOUND, type Fetched, type Resolver, type StoreResult } from "./resolver.ts";

/** How a directory resolver asks other servers. */
export interface PeerSettings {
  readonly timers: TimerQueue;
  /** How long others may take, milliseconds. */
  readonly timeoutMs: number;
}

/**
 * Account JWTs from a folder, and from other servers for those that are not in it. `full`: the folder holds all
 * of them and exchanges them with others; `cache`: it holds those that were asked for.
 */
export class DirectoryResolver implements Resolver {
  readonly kind: "full" | "cache";
  readonly jwts: JwtStore;
  /** Null: there is nobody to ask. */
  peers: Peers | null = null;
  readonly #settings: PeerSettings;

  constructor(kind: "full" | "cache", jwts: JwtStore, settings: PeerSettings) {
    this.kind = kind;
    this.jwts = jwts;
    this.#settings = settings;
  }

  start(): Promise<string | null> {
    return this.jwts.open();
  }

  async fetchJwt(accountId: string): Promise<Fetched> {
    if (!isPublicNkey("account", accountId)) return NOT_AN_ACCOUNT;
    const loaded = await this.jwts.load(accountId);
    if (loaded.ok && loaded.value !== null) return { found: true, jwt: loaded.value };
    if (this.peers === null) return loaded.ok ? NOT_FOUND : { found: false, reason: loaded.problem };
    const { timers, timeoutMs } = this.#settings;
    const fetched = await askPeers(this.peers, timers, accountId, timeoutMs);
    if (!fetched.found) return fetched;
    const kept = await this.store(accountId, fetched.jwt);
    return kept.stored ? fetched : { found: false, reason: kept.reason };
  }

  store(accountId: string, jwt: string): Promise<StoreResult> {
    return this.jwts.saveIfNewer(accountId, jwt);
  }

  close(): Promise<void> {
    return this.jwts.close();
  }
}
