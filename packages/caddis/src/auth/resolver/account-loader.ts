import { isPublicNkey } from "../../base/nkey-text.ts";
import type { Clock } from "../../io/clock.ts";
import type { Log } from "../../io/log.ts";
import { UNTRUSTED } from "./claims.ts";
import type { JwtStore } from "./jwt-store.ts";
import type { Fetched, Resolver } from "./resolver.ts";

/**
 * An account that was found missing, bad or expired is not asked for again so soon: clients that knock on are
 * many. The reference leaves the same time between two fetches of an expired account.
 */
const REFUSAL_MS = 1_000;
/** How many of these are remembered: whoever makes up account names must not fill the memory. */
const REFUSALS_MAX = 1_024;

/** A fetch that takes longer is worth a warning. */
const SLOW_FETCH_MS = 1_000;

/** An account's claims after all checks, or what they failed. */
export type Verified<Claims> =
  | {
      readonly ok: true;
      readonly accountId: string;
      readonly claims: Claims;
      /** Wall-clock milliseconds; `Infinity`: never. */
      readonly expiresMs: number;
    }
  | { readonly ok: false; readonly problem: string };

/** Who puts claims in force. */
export interface AccountListener<Claims> {
  /** An account's claims are there for the first time, or have changed. */
  onClaims(accountId: string, claims: Claims, jwt: string): void;
  /** An account was deleted: nobody may use it any more. */
  onGone(accountId: string): void;
}

/** What a loader works with. */
export interface LoaderPorts<Claims> {
  readonly resolver: Pick<Resolver, "fetchJwt">;
  readonly clock: Clock;
  readonly log: Log;
  /** Decodes a JWT; checks signature, trust in the issuer, validity. */
  readonly verify: (jwt: string) => Verified<Claims>;
  readonly listener: AccountListener<Claims>;
}

/** The claims of an account, or why nobody gets in with it. */
export type Loaded<Claims> =
  | { readonly ok: true; readonly claims: Claims }
  | { readonly ok: false; readonly problem: string };

interface Account<Claims> {
  readonly jwt: string;
  readonly claims: Claims;
  readonly expiresMs: number;
}

interface Fetch<Claims> {
  readonly done: Promise<Loaded<Claims>>;
  /** The account changed while its JWT was on its way. */
  isOutdated: boolean;
}

/** The accounts in use, by id; those that are not known yet come from the resolver, each once for all who wait. */
export class AccountLoader<Claims> {
  readonly #ports: LoaderPorts<Claims>;
  readonly #accounts = new Map<string, Account<Claims>>();
  readonly #fetches = new Map<string, Fetch<Claims>>();
  /** The oldest first. */
  readonly #refusals = new Map<string, { readonly problem: string; readonly untilMs: number }>();

  constructor(ports: LoaderPorts<Claims>) {
    this.#ports = ports;
  }

  /** The accounts in use. */
  ids(): readonly string[] {
    return [...this.#accounts.keys()];
  }

  isLoaded(accountId: string): boolean {
    return this.#accounts.has(accountId);
  }

  /** What is in force, expired or not; null: the account is not loaded. */
  claimsOf(accountId: string): Claims | null {
    return this.#accounts.get(accountId)?.claims ?? null;
  }

  /** The claims of an account, fetched where they are not known or have expired. Never rejects. */
  load(accountId: string): Promise<Loaded<Claims>> {
    // Clients make these up, and they go into the log.
    if (!isPublicNkey("account", accountId)) return Promise.resolve(refused("not a public account nkey"));
    const current = this.currentOf(accountId);
    if (current !== null) return Promise.resolve({ ok: true, claims: current });
    const refusal = this.#refusals.get(accountId);
    const isFresh = refusal !== undefined && refusal.untilMs > this.#ports.clock.monotonicMs();
    return isFresh ? Promise.resolve(refused(refusal.problem)) : this.#fetchOnce(accountId);
  }

  /**
   * Puts the claims of a JWT in force that came by another way than a fetch. An account nobody uses is only
   * noted: it is fetched when somebody does. A text says why not.
   */
  apply(accountId: string, jwt: string): string | null {
    this.#outdateFetch(accountId);
    if (!this.isLoaded(accountId)) return null;
    const loaded = this.#take(accountId, jwt);
    return loaded.ok ? null : loaded.problem;
  }

  /** An account was deleted. */
  remove(accountId: string): void {
    this.#outdateFetch(accountId);
    if (this.#accounts.delete(accountId)) this.#ports.listener.onGone(accountId);
  }

  /** Claims that hold now; null: there are none. */
  currentOf(accountId: string): Claims | null {
    const known = this.#accounts.get(accountId);
    return known !== undefined && known.expiresMs > this.#ports.clock.nowMs() ? known.claims : null;
  }

  #outdateFetch(accountId: string): void {
    const fetch = this.#fetches.get(accountId);
    if (fetch !== undefined) fetch.isOutdated = true;
    this.#refusals.delete(accountId);
  }

  #fetchOnce(accountId: string): Promise<Loaded<Claims>> {
    const running = this.#fetches.get(accountId);
    if (running !== undefined) return running.done;
    const { promise, resolve } = Promise.withResolvers<Loaded<Claims>>();
    const fetch: Fetch<Claims> = { done: promise, isOutdated: false };
    this.#fetches.set(accountId, fetch);
    void this.#fetchCurrent(accountId, fetch).then((loaded) => {
      this.#fetches.delete(accountId);
      if (!loaded.ok) this.#refuse(accountId, loaded.problem);
      resolve(loaded);
    });
    return promise;
  }

  /** What was on its way while the account changed is thrown away: it could bring old rights back. */
  async #fetchCurrent(accountId: string, fetch: Fetch<Claims>): Promise<Loaded<Claims>> {
    for (;;) {
      fetch.isOutdated = false;
      const fetched = await this.#ask(accountId);
      if (!fetch.isOutdated) {
        if (fetched.found) return this.#take(accountId, fetched.jwt);
        return refused(this.isLoaded(accountId) ? EXPIRED : fetched.reason);
      }
      const current = this.currentOf(accountId);
      if (current !== null) return { ok: true, claims: current };
    }
  }

  async #ask(accountId: string): Promise<Fetched> {
    const { resolver, clock, log } = this.#ports;
    const startMs = clock.monotonicMs();
    const fetched = await resolver.fetchJwt(accountId);
    const tookMs = clock.monotonicMs() - startMs;
    const text = `Account [${accountId}] fetch took ${tookMs.toFixed(3)}ms`;
    if (tookMs > SLOW_FETCH_MS) log.warn(text);
    else log.debug(text);
    if (!fetched.found) log.warn(`Account fetch failed: ${fetched.reason}`);
    return fetched;
  }

  /** Checks a JWT and puts its claims in force. */
  #take(accountId: string, jwt: string): Loaded<Claims> {
    const { clock, listener, log, verify } = this.#ports;
    const current = this.currentOf(accountId);
    if (current !== null && this.#accounts.get(accountId)?.jwt === jwt) {
      log.debug(`Requested account update for [${accountId}], same claims detected`);
      return { ok: true, claims: current };
    }
    const verified = verify(jwt);
    if (!verified.ok) return verified;
    if (verified.accountId !== accountId) return refused(UNTRUSTED);
    const { claims, expiresMs } = verified;
    if (expiresMs <= clock.nowMs()) return refused(EXPIRED);
    this.#accounts.set(accountId, { jwt, claims, expiresMs });
    listener.onClaims(accountId, claims, jwt);
    return { ok: true, claims };
  }

  #refuse(accountId: string, problem: string): void {
    this.#refusals.delete(accountId);
    this.#refusals.set(accountId, { problem, untilMs: this.#ports.clock.monotonicMs() + REFUSAL_MS });
    const oldest = this.#refusals.keys().next().value;
    if (this.#refusals.size > REFUSALS_MAX && oldest !== undefined) this.#refusals.delete(oldest);
  }
}

const EXPIRED = "account expired";

function refused(problem: string): { readonly ok: false; readonly problem: string } {
  return { ok: false, problem };
}

/** Lets changes in a folder take effect on the accounts in use. */
export function followStore<Claims>(store: JwtStore, loader: AccountLoader<Claims>, log: Log): void {
  store.listener = {
    onStored(accountId, jwt) {
      const problem = loader.apply(accountId, jwt);
      if (problem === null) return;
      log.error(`DirResolver - Update for account "${accountId}" resulted in error ${problem}`);
    },
    onDeleted: (accountId) => loader.remove(accountId),
  };
}
