import { accountOf, type JwtAccount } from "../auth/account-claims.ts";
import { accountProblemsAt } from "../auth/account-claims-check.ts";
import { isProblem } from "../auth/claims/fields.ts";
import { decodeClaims } from "../auth/jwt.ts";
import { decodeOperator, type TrustedOperators, trustKeys, trustOperators } from "../auth/operator.ts";
import {
  AccountLoader,
  type AccountListener,
  followStore,
  type Verified,
} from "../auth/resolver/account-loader.ts";
import { type ClaimsRules, operatorRules, UNTRUSTED } from "../auth/resolver/claims.ts";
import {
  type ClaimsEndpoint,
  claimsEndpoints,
  packRequest,
  takePack,
} from "../auth/resolver/claims-requests.ts";
import type { OperatorKeys } from "../auth/resolver/claims-update.ts";
import { DirectoryResolver } from "../auth/resolver/directory-resolver.ts";
import type { Resolver } from "../auth/resolver/resolver.ts";
import { startResolver } from "../auth/resolver/start-resolver.ts";
import { checkActivation } from "../auth/activation.ts";
import { same } from "../base/same.ts";
import { Timer } from "../base/timer-queue.ts";
import type { Account } from "../broker/account.ts";
import type { Broker } from "../broker/broker.ts";
import type { ReceivedMessage } from "../broker/internal-subscription.ts";
import { makeInbox } from "../broker/internal-request.ts";
import { makeMessage } from "../broker/message.ts";
import type { Subscription } from "../broker/subscription.ts";
import type { ExportConfig, ImportConfig } from "../config/accounts.ts";
import { ConfigError } from "../config/config-error.ts";
import type { Options } from "../config/options.ts";
import type { SecurityPorts } from "../io/security.ts";
import { toWireString } from "../subject/subject.ts";
import { serverInfo } from "../system/server-info.ts";
import { endAccount, reviewClients, reviewNewcomer } from "./account-review.ts";
import { openResolver, type ResolverDeps } from "./open-resolver.ts";
import type { ReloadStep } from "./reload-part.ts";

/** A system account that can't be fetched at the start is asked for again this often, as in the reference. */
const SYSTEM_ACCOUNT_RETRY_MS = 1_000;

/**
 * Accounts by JWTs that operators sign: trust, the resolver they come from, those in use, and the requests of the
 * system account that list and change them.
 */
export class OperatorMode implements AccountListener<JwtAccount> {
  readonly operators: TrustedOperators;
  readonly #broker: Broker;
  #resolver: Resolver;
  readonly #loader: AccountLoader<JwtAccount>;
  readonly #claims: ClaimsRules;
  /** By account id: when its claims end. */
  readonly #expiries = new Map<string, Timer>();
  /** Requests to the system account that are answered here. */
  readonly #served: Subscription[] = [];
  /** By importing account: when the first of its activation tokens ends. */
  readonly #rechecks = new Map<string, { readonly timer: Timer; readonly expiresMs: number }>();
  readonly #retry = new Timer(() => void this.#loadSystemAccount());
  /** The next time that other servers are asked for the accounts they have. */
  readonly #exchange = new Timer(() => this.#askForPacks());
  #exchangeMs = 0;
  #packInbox = "";

  private constructor(operators: TrustedOperators, claims: ClaimsRules, resolver: Resolver, broker: Broker) {
    this.operators = operators;
    this.#broker = broker;
    this.#resolver = resolver;
    this.#claims = claims;
    const { clock, log } = broker;
    this.#loader = new AccountLoader({
      resolver: { fetchJwt: (id) => this.#resolver.fetchJwt(id) },
      clock,
      log,
      verify: (jwt) => this.#verify(jwt),
      listener: this,
    });
    this.#follow();
    broker.reviewer = (client) => reviewNewcomer(client, this.#loader.currentOf(client.account.name));
    broker.accounts.checkActivation = (wanted, exported, importer, exporter) =>
      this.#checkActivation(wanted, exported, importer, exporter);
  }

  /** Rejects with a `ConfigError` when there can be no such thing. */
  static async open(options: Options, ports: SecurityPorts, broker: Broker): Promise<OperatorMode> {
    const operators = trustedOperators(options);
    const claims = operatorRules((issuer) => operators.isTrusted(issuer));
    const { clock, timers, log } = broker;
    const resolver = await openStartedResolver(options, { ports, claims, clock, timers, log });
    return new OperatorMode(operators, claims, resolver, broker);
  }

  /** Begins to answer requests, and brings the system account in. */
  async start(options: Options): Promise<void> {
    this.#serveRequests(options);
    await this.#loadSystemAccount();
  }

  /**
   * Makes ready what other options say of the resolver; nothing in use changes before `commit`. Rejects with a
   * `ConfigError`. A folder that stays is looked through again.
   */
  async prepare(current: Options, next: Options, ports: SecurityPorts): Promise<PreparedResolver> {
    const isKept = this.#resolver.kind !== "memory" && same(resolverPart(current), resolverPart(next));
    const { clock, timers, log } = this.#broker;
    const deps = { ports, claims: this.#claims, clock, timers, log };
    const replacement = isKept ? null : await openStartedResolver(next, deps);
    const previous = this.#resolver;
    return {
      commit: () => {
        if (replacement === null) return;
        this.#resolver = replacement;
        this.#follow();
        this.#serveRequests(next);
      },
      finish: async () => {
        const problem = replacement === null && previous.kind !== "url" ? await previous.start() : null;
        if (problem !== null) log.error(`Account JWTs not read again: ${problem}`);
        if (replacement === null) return;
        await previous.close();
        await this.#refresh();
      },
      abandon: async () => replacement?.close(),
    };
  }

  /** Changes in a folder take effect on the accounts in use. */
  #follow(): void {
    const resolver = this.#resolver;
    if (resolver instanceof DirectoryResolver) followStore(resolver.jwts, this.#loader, this.#broker.log);
  }

  /**
   * The accounts in use become what another resolver says of them. Of a configuration's own accounts those that
   * are missing now are gone; whoever can't be asked takes nothing away.
   */
  async #refresh(): Promise<void> {
    const { log, systemAccount } = this.#broker;
    const isComplete = this.#resolver.kind === "memory";
    for (const id of this.#loader.ids()) {
      const fetched = await this.#resolver.fetchJwt(id);
      const problem = fetched.found ? this.#loader.apply(id, fetched.jwt) : "removed";
      if (problem === null || !isComplete || id === systemAccount?.name) continue;
      const why = fetched.found ? `bad claims: ${problem}` : problem;
      log.info(`Reloaded: deleting account [${why}]: ${JSON.stringify(id)}`);
      this.#loader.remove(id);
    }
  }

  #serveRequests(options: Options): void {
    this.#logTrust(options);
    const system = this.#broker.systemAccount;
    if (system === null) return;
    for (const subscription of this.#served.splice(0)) system.unsubscribe(subscription);
    this.#broker.timers.cancel(this.#exchange);
    for (const endpoint of claimsEndpoints(this.#resolver, {
      claims: this.#claims,
      operator: operatorKeys(options, this.operators),
      accounts: this.#loader,
      systemAccount: system.name,
      clock: this.#broker.clock,
      log: this.#broker.log,
      server: () => serverInfo(this.#broker),
    })) {
      this.#serve(system, endpoint);
    }
    if (options.resolver?.type === "full") this.#startExchange(system, options.resolver.interval);
  }

  #logTrust({ resolver }: Options): void {
    const { log } = this.#broker;
    const { operators } = this.operators;
    if (operators.length > 0) log.info("Trusted Operators");
    for (const { aud, exp, iat, name } of operators) {
      log.info(`  System  : ${JSON.stringify(aud)}`);
      log.info(`  Operator: ${JSON.stringify(name)}`);
      log.info(`  Issued  : ${logTime(iat)}`);
      log.info(`  Expires : ${exp === 0 ? "Never" : logTime(exp)}`);
    }
    if (resolver?.type === "full") log.info(`Managing all jwt in exclusive directory ${resolver.dir}`);
    if (resolver?.type === "cache") log.info(`Managing some jwt in exclusive directory ${resolver.dir}`);
  }

  /**
   * An account with what it imports from, fetched where they are not known yet; null: nobody gets in with it.
   * Never rejects.
   */
  async account(id: string): Promise<JwtAccount | null> {
    const loaded = await this.#loader.load(id);
    if (!loaded.ok) return null;
    await this.#loadExporters(loaded.claims, new Set([id]));
    await this.#broker.jetStream?.settled(id);
    // Claims that came meanwhile count.
    return this.#loader.currentOf(id);
  }

  onClaims(id: string, account: JwtAccount, jwt: string): void {
    const { accounts, log } = this.#broker;
    for (const problem of accounts.update(account.config)) log.error(`Account ${id}: ${problem}`);
    const present = accounts.get(id);
    if (present !== undefined) {
      const { issuer, nameTag, revocations, tags } = account;
      present.nameTag = nameTag;
      present.origin = { jwt, issuer, tags, revocations };
    }
    this.#setExpiry(id, account.expiresMs);
    reviewClients(this.#broker, account);
    // Whoever is connected already does not have to wait for a new connection to have what is newly imported.
    void this.#loadExporters(account, new Set([id]));
  }

  onGone(id: string): void {
    this.#setExpiry(id, 0);
    this.#forgetRecheck(id);
    endAccount(this.#broker, id, "accountGone");
    this.#broker.accounts.remove(id);
  }

  async close(): Promise<void> {
    for (const timer of this.#expiries.values()) this.#broker.timers.cancel(timer);
    for (const { timer } of this.#rechecks.values()) this.#broker.timers.cancel(timer);
    this.#broker.reviewer = null;
    this.#broker.timers.cancel(this.#retry);
    this.#broker.timers.cancel(this.#exchange);
    await this.#resolver.close();
  }

  #verify(jwt: string): Verified<JwtAccount> {
    const claims = decodeClaims("account", jwt);
    if (isProblem(claims)) return { ok: false, problem: claims.problem };
    if (!this.operators.isTrusted(claims.iss)) return { ok: false, problem: UNTRUSTED };
    const problems = accountProblemsAt(claims, this.#broker.clock.nowMs());
    if (problems.length > 0) return { ok: false, problem: problems[0] };
    const account = accountOf(claims, this.operators.isStrict(claims.iss));
    const expiresMs = account.expiresMs === 0 ? Infinity : account.expiresMs;
    return { ok: true, accountId: claims.sub, claims: account, expiresMs };
  }

  /** Also those that these import from, and so on. */
  async #loadExporters({ config }: JwtAccount, seen: Set<string>): Promise<void> {
    const missing = config.imports.map(({ account }) => account).filter((id) => !seen.has(id));
    for (const id of missing) seen.add(id);
    await Promise.all(
      missing.map(async (id) => {
        const loaded = await this.#loader.load(id);
        if (loaded.ok) await this.#loadExporters(loaded.claims, seen);
      }),
    );
  }

  #checkActivation(
    wanted: ImportConfig,
    exported: ExportConfig,
    importer: string,
    exporter: string,
  ): string | null {
    const account = this.#loader.claimsOf(exporter);
    if (account === null || exported.approval.kind !== "token") return "the exporting account is not known";
    const { revocations } = exported.approval;
    const isSigner = (key: string): boolean => account.signingKeys.has(key) || key === exporter;
    const checked = checkActivation(wanted, importer, { isSigner, revocations }, this.#broker.clock.nowMs());
    if (isProblem(checked)) return checked.problem;
    if (checked.expiresMs !== 0) this.#recheckAt(importer, checked.expiresMs);
    return null;
  }

  /** A token of `importer` ends at `expiresMs`: what it let in has to go then. */
  #recheckAt(importer: string, expiresMs: number): void {
    const { accounts, clock, log, timers } = this.#broker;
    const known = this.#rechecks.get(importer);
    if (known !== undefined && known.expiresMs <= expiresMs) return;
    this.#forgetRecheck(importer);
    const recheck = (): void => {
      this.#rechecks.delete(importer);
      for (const problem of accounts.recheck(importer)) log.warn(`Account ${importer}: ${problem}`);
    };
    const timer = new Timer(recheck);
    this.#rechecks.set(importer, { timer, expiresMs });
    timers.setIn(timer, Math.max(0, expiresMs - clock.nowMs()) + 1);
  }

  #forgetRecheck(importer: string): void {
    const known = this.#rechecks.get(importer);
    if (known !== undefined) this.#broker.timers.cancel(known.timer);
    this.#rechecks.delete(importer);
  }

  #setExpiry(id: string, expiresMs: number): void {
    const { clock, timers } = this.#broker;
    const previous = this.#expiries.get(id);
    if (previous !== undefined) timers.cancel(previous);
    this.#expiries.delete(id);
    if (expiresMs === 0) return;
    const timer = new Timer(() => endAccount(this.#broker, id, "accountExpired"));
    this.#expiries.set(id, timer);
    timers.setIn(timer, expiresMs - clock.nowMs());
  }

  async #loadSystemAccount(): Promise<void> {
    const { log, systemAccount, timers } = this.#broker;
    if (systemAccount === null) return;
    const loaded = await this.#loader.load(systemAccount.name);
    if (loaded.ok) return;
    log.warn(`System account can't be fetched: ${loaded.problem}`);
    timers.setIn(this.#retry, SYSTEM_ACCOUNT_RETRY_MS);
  }

  /** Servers with full resolvers level out what they have: each asks, from time to time, for what it lacks. */
  #startExchange(system: Account, intervalMs: number): void {
    const resolver = this.#resolver;
    if (!(resolver instanceof DirectoryResolver)) return;
    this.#exchangeMs = intervalMs;
    this.#packInbox = makeInbox(this.#broker.random);
    const take = ({ payload }: ReceivedMessage): void => void takePack(resolver, payload, this.#broker.log);
    this.#served.push(system.listen(this.#packInbox, "", take));
    this.#broker.timers.setIn(this.#exchange, intervalMs);
  }

  #askForPacks(): void {
    const { systemAccount, timers } = this.#broker;
    const resolver = this.#resolver;
    if (systemAccount === null || !(resolver instanceof DirectoryResolver)) return;
    const { subject, payload } = packRequest(resolver);
    systemAccount.publish(makeMessage(subject, this.#packInbox, "", payload));
    timers.setIn(this.#exchange, this.#exchangeMs);
  }

  #serve(system: Account, endpoint: ClaimsEndpoint): void {
    const handle = ({ subject, reply, payload }: ReceivedMessage): void => {
      const answer = (text: string): void =>
        void system.publish(makeMessage(reply, "", "", Buffer.from(text, "utf8")));
      void endpoint.handle({ subject, payload, wantsReply: reply !== "" }, answer);
    };
    this.#served.push(system.listen(toWireString(endpoint.subject), endpoint.queue, handle));
  }
}

/** Another resolver, or the same anew, to take over. */
export type PreparedResolver = Required<ReloadStep>;

/** Rejects with a `ConfigError` when there can be none. */
async function openStartedResolver(options: Options, deps: ResolverDeps): Promise<Resolver> {
  const resolver = await openResolver(options, deps);
  if (typeof resolver === "string") throw new ConfigError([resolver]);
  const problem = await startResolver(resolver, options.resolver_preload, deps);
  if (problem === null) return resolver;
  await resolver.close();
  throw new ConfigError([problem]);
}

function resolverPart({ resolver, resolver_tls, resolver_preload }: Options): object {
  return { resolver, resolver_tls, resolver_preload };
}

/** Rejects by a `ConfigError`, like everything that is wrong with options. */
function trustedOperators({ operator, trusted }: Options): TrustedOperators {
  const decoded = operator.map(decodeOperator);
  const problems = decoded.flatMap((claims) => (isProblem(claims) ? [claims.problem] : []));
  if (problems.length > 0) throw new ConfigError(problems);
  const claims = decoded.flatMap((one) => (isProblem(one) ? [] : [one]));
  const operators = operator.length > 0 ? trustOperators(claims) : trustKeys(trusted);
  if (isProblem(operators)) throw new ConfigError([operators.problem]);
  return operators;
}

/** The operator that requests about accounts have to come from. */
function operatorKeys({ trusted }: Options, { operators }: TrustedOperators): OperatorKeys {
  if (operators.length === 0) return { subject: trusted[0] ?? "", isStrict: false, keys: new Set(trusted) };
  const [{ sub, nats }] = operators;
  const isStrict = nats.strict_signing_key_usage;
  return {
    subject: sub,
    isStrict,
    keys: new Set(isStrict ? nats.signing_keys : [sub, ...nats.signing_keys]),
  };
}

/** Unix seconds as Go prints a time in UTC: `2026-01-31 12:00:00 +0000 UTC`. */
function logTime(seconds: number): string {
  const [date, time] = new Date(seconds * 1_000).toISOString().split("T");
  return `${date} ${time.slice(0, 8)} +0000 UTC`;
}
