import { NOT_FOUND, type Fetched, type Resolver, type StoreResult } from "./resolver.ts";

/** Account JWTs from `resolver_preload`, and what replaced them since. */
export class MemoryResolver implements Resolver {
  readonly kind = "memory";
  readonly #jwts: Map<string, string>;

  constructor(preload: ReadonlyMap<string, string> = new Map()) {
    this.#jwts = new Map(preload);
  }

  start(): Promise<string | null> {
    return Promise.resolve(null);
  }

  fetchJwt(accountId: string): Promise<Fetched> {
    const jwt = this.#jwts.get(accountId);
    return Promise.resolve(jwt === undefined ? NOT_FOUND : { found: true, jwt });
  }

  /** Replaces whatever is there. */
  store(accountId: string, jwt: string): Promise<StoreResult> {
    const changed = this.#jwts.get(accountId) !== jwt;
    this.#jwts.set(accountId, jwt);
    return Promise.resolve({ stored: true, changed });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
