import { must } from "../base/assert.ts";
import type { Account } from "../broker/account.ts";
import type { Broker } from "../broker/broker.ts";
import type { JetStreamFacts } from "../broker/jetstream-facts.ts";
import { UNLIMITED_TIERS, type JetStreamTiers } from "../config/read-jetstream-account.ts";
import { BlockCache } from "../store/file/block-cache.ts";
import type { Encryption } from "../store/file/cipher.ts";
import type { Disk } from "../io/disk.ts";
import { JetStreamAccount } from "./account.ts";
import { BatchCounts } from "./batch-stream.ts";
import { type ApiError, apiError } from "./core/api-error.ts";
import type { Storage } from "./core/stream-config.ts";
import { RoomLog } from "./room-log.ts";
import { openServices, openServicesWithout, type Services } from "./services.ts";
import type { EncryptionSettings, JetStreamSettings } from "./settings.ts";
import { promisedMore, reservedBy } from "./tiers.ts";
import { type ApiCounts, StorageUsage } from "./usage.ts";

/** JetStream of one server: its accounts, what all of them may use together, and how it starts and stops. */
export class JetStream implements JetStreamFacts {
  readonly broker: Broker;
  readonly disk: Disk;
  /** Others after a reload. */
  settings: JetStreamSettings;
  readonly #roomLog: RoomLog;
  /** What files are encrypted with; null: they are not. */
  readonly encryption: Encryption | null;
  /** By name, the accounts for which it is enabled. */
  readonly accounts = new Map<string, JetStreamAccount>();
  /** What the streams of all accounts use, and what was promised to them. */
  readonly usage = new StorageUsage();
  /** Memory for what is read from disk. */
  readonly blockCache: BlockCache;
  /** What the batches of all streams take up. */
  readonly batchCounts = new BatchCounts();
  readonly api: ApiCounts = { total: 0, errors: 0, inflight: 0 };
  /** False until everything that was kept has been looked at. */
  hasStarted = false;
  /** Called with milliseconds after each sync of the disk; null: nobody measures. */
  onSynced: ((ms: number) => void) | null = null;
  /** What accounts are asked by; of those that have no JetStream, too. */
  readonly #services = new Map<string, Services>();
  /** By account: what is being done about it, one step after the other. */
  readonly #changes = new Map<string, Promise<void>>();
  /** Once the global account has it, other accounts do not take it away. */
  #globalHasIt = false;
  #isClosing = false;

  constructor(broker: Broker, disk: Disk, settings: JetStreamSettings) {
    this.broker = broker;
    this.disk = disk;
    this.settings = settings;
    this.#roomLog = new RoomLog((line) => broker.log.error(line), broker.clock, "server");
    this.encryption = encryptionOf(settings.encryption, broker);
    this.blockCache = new BlockCache(settings.cacheBytes);
  }

  get domain(): string {
    return this.settings.domain;
  }

  /** Accounts whose streams are being looked at just now. */
  get recoveringCount(): number {
    return this.#changes.size;
  }

  /**
   * Brings up the accounts that are known; resolves once all are. What is wrong with what one of them has stored is
   * logged; rejects when they are promised more than there is.
   */
  async start(): Promise<void> {
    this.#checkPromises();
    for (const account of this.broker.accounts) this.follow(account);
    await Promise.all(this.#changes.values());
    this.hasStarted = true;
  }

  /**
   * Writes anew what streams have stored that is not encrypted with the present key, one stream after the other. Returns
   * how many files there were, and how many are left that can't be.
   */
  async renewKeys(): Promise<{ readonly found: number; readonly left: number }> {
    let [found, left] = [0, 0];
    for (const account of this.accounts.values()) {
      for (const { store } of account.streams.values()) {
        const before = store.outdatedFiles;
        if (before === 0 || this.#isClosing) continue;
        await store.renew();
        found += before;
        left += store.outdatedFiles;
      }
    }
    return { found, left };
  }

  /** Makes an account's JetStream what its limits say now. Streams come and go off the turn; see `settled`. */
  follow(account: Account): void {
    if (this.#isClosing) return;
    const owner = this.accounts.get(account.name);
    const tiers = this.#tiersOf(account);
    const isBusy = this.#changes.has(account.name);
    if (!isBusy && owner !== undefined && owner.account === account && tiers !== null) {
      this.#setLimits(owner, tiers);
    } else if (isBusy || owner !== undefined || tiers !== null) {
      this.#change(account.name, () => this.#settle(account));
    } else this.#serve(account.name, openServicesWithout(account, this));
  }

  forget(account: Account): void {
    if (this.accounts.has(account.name) || this.#changes.has(account.name)) {
      this.#change(account.name, async () => {
        await this.#disable(account.name);
        this.#serve(account.name, null);
      });
    } else this.#serve(account.name, null);
  }

  /** Resolves once an account has what it is to have. */
  async settled(name: string): Promise<void> {
    await this.#changes.get(name);
  }

  has(account: Account): boolean {
    return this.accounts.get(account.name)?.account === account;
  }

  /** How often the API was asked in an account. */
  apiCountsOf(name: string): ApiCounts {
    return this.#services.get(name)?.counts ?? NOT_ASKED;
  }

  /** Tells whoever waits for messages that the server shuts down. */
  endPulls(): void {
    for (const { streams } of this.accounts.values())
      for (const { consumers } of streams.values())
        for (const consumer of consumers.values()) consumer.endPulls();
  }

  /** Puts everything away; nothing is stored or answered any more. Never rejects. */
  async close(): Promise<void> {
    this.#isClosing = true;
    await Promise.all(this.#changes.values());
    await Promise.all([...this.accounts.keys()].map((name) => this.#disable(name)));
    for (const name of this.#services.keys()) this.#serve(name, null);
  }

  /** Answers are from `services` from now on, and from nobody else. */
  #serve(name: string, services: Services | null): void {
    this.#services.get(name)?.close();
    if (services === null) this.#services.delete(name);
    else this.#services.set(name, services);
  }

  /** Whether all streams together use more than the server has, were `bytes` added. */
  isExceeded(storage: Storage, bytes = 0): boolean {
    return this.usage.used(storage) + bytes > this.#most(storage);
  }

  /** As `isExceeded`, of something that is refused then: the log tells. */
  isFull(storage: Storage, bytes = 0): boolean {
    if (!this.isExceeded(storage, bytes)) return false;
    this.#roomLog.noteRefusal(storage);
    return true;
  }

  /**
   * Why the server can't promise a stream its `max_bytes`; `released` are given back with it, those of the same stream
   * before. Null: it can. A stream without `max_bytes` asks for room at all.
   */
  mayReserve(storage: Storage, maxBytes: number, released = 0): ApiError | null {
    const wanted = maxBytes < 0 ? 1 : maxBytes;
    const fits = this.usage.reserved(storage) - Math.max(released, 0) + wanted <= this.#most(storage);
    return fits ? null : exceeded(storage);
  }

  /** Why the server can't promise an account so much more; null: it can. */
  mayPromise(tiers: JetStreamTiers): ApiError | null {
    for (const storage of STORAGES) {
      const wanted = reservedBy(tiers, storage);
      // Less than before is always possible, however things stand.
      if (wanted === 0) continue;
      let promised = 0;
      for (const { limits } of this.accounts.values()) promised += reservedBy(limits, storage);
      const taken = Math.max(promised, this.usage.reserved(storage));
      if (taken + wanted > this.#most(storage) && !this.#isProvisional(storage)) return exceeded(storage);
    }
    return null;
  }

  #checkPromises(): void {
    const promised = [...this.broker.accounts].map((account) => this.#tiersOf(account) ?? NO_TIERS);
    for (const storage of STORAGES) {
      const bytes = promised.reduce((sum, tiers) => sum + reservedBy(tiers, storage), 0);
      if (bytes <= this.#most(storage) || this.#isProvisional(storage)) continue;
      throw new Error(`Error enabling jetstream on configured accounts: ${errorText(exceeded(storage))}`);
    }
  }

  /** What is free on the disk leaves out what lies there already, which is not known before all of it is back. */
  #isProvisional(storage: Storage): boolean {
    return storage === "file" && !this.hasStarted && this.broker.options.jetstream.max_file_store < 0;
  }

  #most(storage: Storage): number {
    return storage === "memory" ? this.settings.maxMemory : this.settings.maxStore;
  }

  /** What an account is to have; null: no JetStream. */
  #tiersOf(account: Account): JetStreamTiers | null {
    const { accounts, systemAccount, options } = this.broker;
    if (accounts.get(account.name) !== account || account === systemAccount) return null;
    if (account !== accounts.global) return account.jetStream;
    // Where there are no other accounts everybody is in this one.
    const isAlone = accounts.size === (systemAccount === null ? 1 : 2);
    const isOperatorMode = options.operator.length > 0 || options.trusted.length > 0;
    this.#globalHasIt ||= isAlone && !isOperatorMode;
    return this.#globalHasIt ? UNLIMITED_TIERS : null;
  }

  #change(name: string, change: () => Promise<void>): void {
    const before = this.#changes.get(name) ?? Promise.resolve();
    const after = before.then(change).catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      this.broker.log.error(`Error enabling jetstream on account ${JSON.stringify(name)}: ${reason}`);
    });
    const done = after.then(() => {
      if (this.#changes.get(name) === done) this.#changes.delete(name);
    });
    this.#changes.set(name, done);
  }

  async #settle(account: Account): Promise<void> {
    const tiers = this.#tiersOf(account);
    const owner = this.accounts.get(account.name);
    if (owner !== undefined && (tiers === null || owner.account !== account))
      await this.#disable(account.name);
    if (this.#isClosing) return;
    if (tiers === null) return this.#serve(account.name, openServicesWithout(account, this));
    const present = this.accounts.get(account.name);
    if (present !== undefined) return this.#setLimits(present, tiers);
    try {
      await this.#enable(account, tiers);
    } catch (error) {
      this.#serve(account.name, openServicesWithout(account, this));
      throw error;
    }
  }

  async #enable(account: Account, tiers: JetStreamTiers): Promise<void> {
    const { name } = account;
    const error = this.mayPromise(tiers);
    if (error !== null) throw new Error(errorText(error));
    const owner = new JetStreamAccount(this, account, tiers);
    this.accounts.set(name, owner);
    try {
      await owner.recover(() => this.#serve(name, openServices(owner)));
    } catch (failure) {
      this.accounts.delete(name);
      throw failure;
    }
    this.broker.log.debug(`Enabled JetStream for account ${JSON.stringify(name)}`);
  }

  async #disable(name: string): Promise<void> {
    if (!this.accounts.has(name)) return;
    this.#serve(name, null);
    const owner = must(this.accounts.get(name), "an account that is enabled");
    try {
      await owner.close();
    } finally {
      this.accounts.delete(name);
    }
  }

  /** Less is always possible; more only as far as the server has it. */
  #setLimits(owner: JetStreamAccount, tiers: JetStreamTiers): void {
    const error = this.mayPromise(promisedMore(owner.limits, tiers));
    if (error === null) owner.limits = tiers;
    else {
      const { name } = owner.account;
      this.broker.log.error(
        `JetStream limits of account ${JSON.stringify(name)} unchanged: ${error.description}`,
      );
    }
  }
}

function encryptionOf(settings: EncryptionSettings | null, { random }: Broker): Encryption | null {
  if (settings === null) return null;
  const { cipher, key, previousKey } = settings;
  const former = previousKey === "" ? null : Buffer.from(previousKey);
  return { keys: { cipher, key: Buffer.from(key), previousKey: former }, random };
}

const STORAGES: readonly Storage[] = ["memory", "file"];
const NO_TIERS: JetStreamTiers = new Map();

/** As the reference's log has errors of the API. */
function errorText({ description, err_code }: ApiError): string {
  return `${description} (${err_code})`;
}

const NOT_ASKED: Readonly<ApiCounts> = { total: 0, errors: 0, inflight: 0 };

function exceeded(storage: Storage): ApiError {
  return apiError(storage === "memory" ? "memoryResourcesExceeded" : "storageResourcesExceeded");
}
