import { join } from "node:path";
import { isPublicNkey } from "../base/nkey-text.ts";
import { Timer } from "../base/timer-queue.ts";
import type { Broker } from "../broker/broker.ts";
import type { Options } from "../config/options.ts";
import { MeasuredDisk } from "../io/measured-disk.ts";
import type { OpenStorage, StoragePort } from "../io/storage.ts";
import { JetStream } from "../jetstream/jetstream.ts";
import type { JetStreamSettings } from "../jetstream/settings.ts";
import { friendlyBytes } from "./friendly-bytes.ts";
import { jetStreamSettings, reloadableSettings } from "./jetstream-settings.ts";
import type { ReloadStep } from "./reload-part.ts";

/** What lies in `store_dir`, as in the reference. */
const FOLDER = "jetstream";

/** How often a long start says how far it is. */
const PROGRESS_MS = 2_000;

/** A start waits so long for all streams; then it goes on, and the rest come while others are served. */
const PATIENCE_MS = 2_000;

/** The level of the API that is served. */
const API_LEVEL = 5;

/** JetStream of a server as a part of it: the folder it has to itself, and what follows from options. */
export class JetStreamPart {
  readonly jetStream: JetStream;
  readonly #storage: OpenStorage;
  #renewal: Promise<void> = Promise.resolve();
  readonly #progress = new Timer(() => this.#onProgress());

  private constructor(jetStream: JetStream, storage: OpenStorage) {
    this.jetStream = jetStream;
    this.#storage = storage;
  }

  /** Takes the folder; nothing is looked at in it before `start`. Rejects with what is in the way. */
  static async open(broker: Broker, options: Options, storage: StoragePort): Promise<JetStreamPart> {
    const { log } = broker;
    log.info("Starting JetStream");
    if (options.store_dir === "") log.warn(storage.defaultWarning);
    const open = await storage.open(join(options.store_dir || storage.defaultFolder, FOLDER));
    try {
      const settings = await jetStreamSettings(options, storage.memoryBytes(), open);
      for (const line of banner(settings)) log.info(line);
      const disk = new MeasuredDisk(open.disk, broker.clock, () => jetStream.onSynced);
      const jetStream: JetStream = new JetStream(broker, disk, settings);
      return new JetStreamPart(jetStream, open);
    } catch (error) {
      await open.release();
      throw error;
    }
  }

  /**
   * Brings up what was kept. Resolves once all of it is there, or after a while: then clients are let in, and are served
   * by what is there already. Rejects with what is in the way.
   */
  async start(): Promise<void> {
    const { timers } = this.jetStream.broker;
    const isLate = Promise.withResolvers<void>();
    const patience = new Timer(isLate.resolve);
    timers.setIn(patience, PATIENCE_MS);
    try {
      await Promise.race([this.#recover(), isLate.promise]);
    } finally {
      timers.cancel(patience);
    }
  }

  async #recover(): Promise<void> {
    const { clock, log, options, timers } = this.jetStream.broker;
    const startMs = clock.nowMs();
    timers.setIn(this.#progress, PROGRESS_MS);
    try {
      await this.jetStream.start();
    } finally {
      timers.cancel(this.#progress);
    }
    if (options.jetstream.max_file_store < 0) this.#addOwnRoom();
    log.info(`Took ${Math.round(clock.nowMs() - startMs)}ms to start JetStream`);
    this.#renewal = this.#renewKeys();
  }

  /** What was stored with another key, or none, gets the present one, while streams are served. */
  async #renewKeys(): Promise<void> {
    const { log } = this.jetStream.broker;
    const { found, left } = await this.jetStream.renewKeys();
    if (left > 0) log.warn(`JetStream: ${left} of ${found} files keep the encryption they had`);
    else if (found > 0) log.info(`JetStream: ${found} files were encrypted anew`);
  }

  /** Accounts by JWT that have stored something here, by name. */
  async storedAccounts(): Promise<readonly string[]> {
    const { disk, settings } = this.jetStream;
    const entries = await disk.list(settings.folder);
    return entries.flatMap(({ name, isFolder }) => (isFolder && isPublicNkey("account", name) ? [name] : []));
  }

  /** Never rejects. */
  async close(): Promise<void> {
    await this.jetStream.close();
    await this.#renewal;
    await this.#storage.release();
  }

  /** Goes on with other limits. */
  prepare(next: Options): ReloadStep {
    return {
      commit: () => {
        const { settings } = this.jetStream;
        const { max_memory_store, max_file_store } = next.jetstream;
        this.jetStream.settings = {
          ...settings,
          ...reloadableSettings(next),
          maxMemory: max_memory_store < 0 ? settings.maxMemory : max_memory_store,
          maxStore: max_file_store < 0 ? settings.maxStore : max_file_store,
        };
      },
    };
  }

  /** Says how far it is, when that takes long. */
  #onProgress(): void {
    const { accounts, broker } = this.jetStream;
    let [done, total] = [0, 0];
    for (const { recovery } of accounts.values()) {
      done += recovery.done;
      total += recovery.total;
    }
    broker.log.info(`JetStream is recovering: ${done} of ${total} streams`);
    broker.timers.setIn(this.#progress, PROGRESS_MS);
  }

  /** What is free on the disk leaves out what lies there already; the limit should be the same after each start. */
  #addOwnRoom(): void {
    const { settings, usage } = this.jetStream;
    this.jetStream.settings = { ...settings, maxStore: settings.maxStore + Math.floor(usage.store * 0.75) };
  }
}

function banner(settings: JetStreamSettings): string[] {
  const { domain, encryption, strict, syncIntervalMs } = settings;
  return [
    "---------------- JETSTREAM ----------------",
    ...(strict ? ["  Strict:          true"] : []),
    `  Max Memory:      ${friendlyBytes(settings.maxMemory)}`,
    `  Max Storage:     ${friendlyBytes(settings.maxStore)}`,
    `  Store Directory: "${settings.folder}"`,
    ...(domain === "" ? [] : [`  Domain:          ${domain}`]),
    ...(encryption === null ? [] : [`  Encryption:      ${CIPHER_NAMES[encryption.cipher]}`]),
    `  Durability:      ${durability(syncIntervalMs)}`,
    `  API Level:       ${API_LEVEL}`,
    "-------------------------------------------",
  ];
}

/** As the reference's log has them. */
const CIPHER_NAMES = { chacha: "ChaCha20-Poly1305", aes: "AES-GCM" } as const;

function durability(syncIntervalMs: number): string {
  return syncIntervalMs === 0
    ? "acknowledged after sync"
    : `acknowledged before sync, which follows within ${syncIntervalMs}ms`;
}
