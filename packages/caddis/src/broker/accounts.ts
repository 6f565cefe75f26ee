import { type AccountConfig, type ExportConfig, NO_ACCOUNT_LIMITS } from "../config/accounts.ts";
import type { Random } from "../io/random.ts";
import { type MappingInput, MappingTable } from "../subject/mapping.ts";
import { Account } from "./account.ts";
import type { CheckActivation } from "./account-exports.ts";
import { AccountLinks } from "./account-links.ts";
import type { Broker } from "./broker.ts";
import { domainMappings, systemDomainMappings } from "./domain-mappings.ts";
import { RenamedMessage } from "./stream-import.ts";
import { bareAccount, systemExports, systemImports, UserInfoService } from "./system-services.ts";

/** The names of the accounts that exist without being configured. */
export const GLOBAL_ACCOUNT = "$G";
const SYSTEM_ACCOUNT = "$SYS";

/** Activation tokens are nobody's business without accounts from JWTs. */
const NO_ACTIVATION: CheckActivation = () => "activation tokens are not accepted";

/**
 * All accounts of one server, and what they import from each other. A configuration is applied as a whole, or not
 * at all; in operator mode accounts come, change and go one by one.
 */
export class Accounts implements Iterable<Account> {
  readonly global: Account;
  /** How activation tokens are checked; set before accounts that have them come. */
  checkActivation: CheckActivation = NO_ACTIVATION;
  readonly #broker: Broker;
  readonly #accounts = new Map<string, Account>();
  #configs = new Map<string, AccountConfig>();
  #links: AccountLinks;
  #system: Account | null = null;
  #userInfo: UserInfoService | null = null;
  readonly #renamed = new RenamedMessage();

  constructor(broker: Broker) {
    this.#broker = broker;
    this.global = this.#make(GLOBAL_ACCOUNT);
    this.#links = new AccountLinks(NO_ACTIVATION);
    this.apply([]);
  }

  /** Null with `no_system_account`. */
  get system(): Account | null {
    return this.#system;
  }

  get size(): number {
    return this.#accounts.size;
  }

  get(name: string): Account | undefined {
    return this.#accounts.get(name);
  }

  [Symbol.iterator](): Iterator<Account> {
    return this.#accounts.values();
  }

  /**
   * Makes the accounts those of `configs`, with the global and the system account, or says in the reference's
   * words what is wrong, and changes nothing. Accounts that stay keep their connections and subscriptions; what
   * they import changes at once. Those that go are cut off; closing their connections is the caller's part.
   */
  apply(configs: readonly AccountConfig[]): readonly string[] {
    const systemName = this.#systemName();
    const { links, problems } = AccountLinks.of(configs, systemName !== null, this.#activation);
    const isBare = systemName !== null && configs.every(({ name }) => name !== systemName);
    const mapped = isBare ? [...configs, bareAccount(systemName, NO_ACCOUNT_LIMITS)] : configs;
    const mappings = compileMappings(mapped, this.#broker.random, (name) => this.#addedMappings(name));
    if (problems.length > 0 || Array.isArray(mappings)) {
      return Array.isArray(mappings) ? [...problems, ...mappings] : problems;
    }
    this.#links = links;
    this.#configs = new Map(configs.map((config) => [config.name, config]));
    const names = new Set([GLOBAL_ACCOUNT, ...this.#configs.keys()]);
    if (systemName !== null) names.add(systemName);
    for (const name of this.#accounts.keys()) if (!names.has(name)) this.#drop(name);
    for (const name of names) {
      const account = this.#accounts.get(name) ?? this.#make(name);
      account.limits = this.configOf(name).limits;
      account.trace = this.configOf(name).msg_trace ?? null;
      account.jetStream = this.configOf(name).jetstream ?? null;
      // The global account's mappings may be those of the configuration's top level.
      if (name !== GLOBAL_ACCOUNT || this.#configs.has(name)) account.mappings = mappings.get(name) ?? null;
    }
    this.#setSystem(systemName);
    for (const name of names) this.#connect(name);
    for (const account of this) this.#broker.jetStream?.follow(account);
    return [];
  }

  /** What `apply` would say, without applying anything. */
  check(configs: readonly AccountConfig[]): readonly string[] {
    return accountProblems(configs, this.#systemName() !== null, this.#activation);
  }

  /**
   * Makes or changes one account, as in operator mode. An import from an account that is not known yet begins
   * when that account comes; one that is not allowed is left out, and said.
   */
  update(config: AccountConfig): readonly string[] {
    const { name } = config;
    const account = this.#accounts.get(name) ?? this.#make(name);
    const mappings = compileMappings([config], this.#broker.random, (one) => this.#addedMappings(one));
    this.#configs.set(name, config);
    account.updatedMs = this.#broker.clock.nowMs();
    account.limits = config.limits;
    account.trace = config.msg_trace ?? null;
    account.jetStream = config.jetstream ?? null;
    // Broken ones leave those that are there, rather than none.
    if (!Array.isArray(mappings)) account.mappings = mappings.get(name) ?? null;
    this.#setExports(name);
    const problems = [...this.#relink(name), ...this.#relinkImportersOf(name)];
    this.#broker.jetStream?.follow(account);
    return Array.isArray(mappings) ? [...mappings, ...problems] : problems;
  }

  /** Looks at the imports of an account again: an activation token has expired, say. */
  recheck(name: string): readonly string[] {
    return this.#accounts.has(name) ? this.#relink(name) : [];
  }

  /** Takes an account away, and what others import from it. Closing its connections is the caller's part. */
  remove(name: string): void {
    if (this.#accounts.get(name) === this.global || this.#accounts.get(name) === this.#system) return;
    this.#drop(name);
    this.#configs.delete(name);
    this.#links.remove(name);
    this.#relinkImportersOf(name);
  }

  readonly #activation: CheckActivation = (...args) => this.checkActivation(...args);

  #systemName(): string | null {
    const { no_system_account, system_account } = this.#broker.options;
    if (system_account !== "") return system_account;
    return no_system_account ? null : SYSTEM_ACCOUNT;
  }

  /** What an account exports: what is configured, and in the servers' own account what the server adds. */
  exportsOf(name: string): readonly ExportConfig[] {
    const { exports } = this.configOf(name);
    return this.#accounts.get(name) === this.#system ? systemExports(exports) : exports;
  }

  /** What is mapped in an account: what is configured, and what the server adds. */
  mappingsOf(name: string): readonly MappingInput[] {
    return withAdded(this.configOf(name).mappings, this.#addedMappings(name));
  }

  /** What is configured of an account. */
  configOf(name: string): AccountConfig {
    return this.#configs.get(name) ?? bareAccount(name, NO_ACCOUNT_LIMITS);
  }

  /** What is mapped in an account that does not say otherwise. */
  #addedMappings(name: string): readonly MappingInput[] {
    const { enabled, domain } = this.#broker.options.jetstream;
    if (!enabled || domain === "") return [];
    return name === this.#systemName() ? systemDomainMappings(domain) : domainMappings(domain);
  }

  #make(name: string): Account {
    const account = new Account(this.#broker, name);
    this.#accounts.set(name, account);
    return account;
  }

  #drop(name: string): void {
    const account = this.#accounts.get(name);
    if (account === undefined) return;
    account.end();
    this.#accounts.delete(name);
    this.#broker.jetStream?.forget(account);
  }

  /** Sets which account is the servers' own. */
  #setSystem(name: string | null): void {
    const system = name === null ? null : (this.#accounts.get(name) ?? null);
    if (system !== this.#system) {
      this.#userInfo?.end();
      this.#system = system;
      this.#userInfo = system === null ? null : new UserInfoService(system);
    }
    for (const known of this.#accounts.keys()) {
      if (known === name || !this.#links.has(known)) this.#setExports(known);
    }
    for (const known of this.#accounts.keys()) this.#linkToSystem(known);
  }

  #setExports(name: string): void {
    this.#links.setExports(name, this.exportsOf(name));
  }

  #linkToSystem(name: string): void {
    if (this.#system === null) return;
    for (const wanted of systemImports(name, this.#system.name)) this.#links.linkByServer(name, wanted);
  }

  /** Works out anew what an account may import. */
  #relink(name: string): string[] {
    const problems: string[] = [];
    this.#links.unlink(name);
    for (const wanted of this.configOf(name).imports) {
      const problem = this.#links.has(wanted.account) ? this.#links.link(name, wanted) : null;
      if (problem !== null) problems.push(problem);
    }
    this.#linkToSystem(name);
    this.#connect(name);
    return problems;
  }

  /** What those that import from `exporter` may not have any more is said with their names. */
  #relinkImportersOf(exporter: string): string[] {
    const problems: string[] = [];
    const isSystem = this.#system?.name === exporter;
    for (const { name, imports } of this.#configs.values()) {
      if (name === exporter) continue;
      if (!isSystem && imports.every(({ account }) => account !== exporter)) continue;
      problems.push(...this.#relink(name).map((problem) => `account ${name}: ${problem}`));
    }
    return problems;
  }

  /** Makes the imports of an account those that its links say. */
  #connect(name: string): void {
    const account = this.#accounts.get(name);
    const exporterOf = (exporter: string): Account | undefined => this.#accounts.get(exporter);
    account?.imports.set(this.#links.of(name), exporterOf, this.#renamed);
  }
}

/** Everything that is wrong with accounts of a configuration, in the reference's words. */
export function accountProblems(
  configs: readonly AccountConfig[],
  hasSystem: boolean,
  checkActivation: CheckActivation = NO_ACTIVATION,
): readonly string[] {
  const { problems } = AccountLinks.of(configs, hasSystem, checkActivation);
  const mappings = compileMappings(configs, NO_RANDOM);
  return Array.isArray(mappings) ? [...problems, ...mappings] : problems;
}

/** Nothing is mapped where mappings are only checked. */
const NO_RANDOM: Pick<Random, "below"> = { below: () => 0 };

/** The mappings of each account that has some, or what is wrong with them. */
function compileMappings(
  configs: readonly AccountConfig[],
  random: Pick<Random, "below">,
  addedOf: (name: string) => readonly MappingInput[] = () => [],
): ReadonlyMap<string, MappingTable> | string[] {
  const tables = new Map<string, MappingTable>();
  const problems: string[] = [];
  for (const { name, mappings: own } of configs) {
    const table = MappingTable.compile(withAdded(own, addedOf(name)), { random, clusterName: "" });
    if (typeof table === "string") problems.push(table);
    else if (table.size > 0) tables.set(name, table);
  }
  return problems.length > 0 ? problems : tables;
}

/** What an account says of a subject itself goes before what is added. */
function withAdded(own: readonly MappingInput[], added: readonly MappingInput[]): readonly MappingInput[] {
  return added.length === 0
    ? own
    : [...own, ...added.filter(({ source }) => own.every((other) => other.source !== source))];
}
