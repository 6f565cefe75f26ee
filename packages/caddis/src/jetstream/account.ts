import { join } from "node:path";
import { instantOf } from "../base/instant.ts";
import { same } from "../base/same.ts";
import type { Account } from "../broker/account.ts";
import { randomName } from "../broker/random-name.ts";
import type { KeptConsumer } from "../store/consumer-store.ts";
import { fromWireString } from "../subject/subject.ts";
import { Advisories } from "./advisories.ts";
import { refusalByOverlap, refusalOfChange, refusalOfStream, tierNameOf } from "./account-limits.ts";
import {
  type DamagedStream,
  findStreams,
  inParallel,
  type KeptStream,
  reasonOf,
} from "./account-recovery.ts";
import { type ApiError, apiError } from "./core/api-error.ts";
import type { StreamConfig } from "./core/stream-config.ts";
import type { JetStream } from "./jetstream.ts";
import { newerConsumers, newerConsumersReason, newerStreamReason } from "./newer-assets.ts";
import { PushInterest } from "./push-interest.ts";
import { Restores } from "./restores.ts";
import { RoomLog } from "./room-log.ts";
import type { AccountTierLimits } from "./settings.ts";
import { DirectMirrors } from "./direct-mirrors.ts";
import { fileNameOf, StreamFolder, streamsFolderOf } from "./stream-folder.ts";
import { openStores } from "./stream-stores.ts";
import { Stream } from "./stream.ts";
import { StorageUsage } from "./usage.ts";

/** Letters that tell the folders of deleted streams apart. */
const UNIQUE_LENGTH = 12;

/** What the server itself says in a stream's metadata: no difference between two configurations. */
const OWN_METADATA = "_nats.";

/** JetStream of one account: its streams, and what it may use. */
export class JetStreamAccount {
  readonly jetStream: JetStream;
  readonly account: Account;
  /** Those that are at work. */
  readonly streams = new Map<string, Stream>();
  readonly advisories: Advisories;
  /** How far bringing back what was kept has come, in streams. */
  readonly recovery = { done: 0, total: 0 };
  /** By name, streams that could not be brought back. */
  readonly damaged = new Map<string, DamagedStream>();
  readonly pushInterest = new PushInterest();
  /** Streams that are being restored. */
  readonly restores = new Restores(this);
  /** Mirrors that answer direct gets in their origins' place. */
  readonly directMirrors = new DirectMirrors<Stream>();
  readonly #roomLog: RoomLog;
  #limits: ReadonlyMap<string, AccountTierLimits>;
  /** What streams use, by tier. */
  readonly #usage = new Map<string, StorageUsage>();
  /** Streams that are being made or brought back: their names and subjects are taken. */
  readonly #claims = new Map<string, StreamConfig>();
  /** What is being done about a name; whoever wants the name waits for it. */
  readonly #busy = new Map<string, Promise<unknown>>();
  #isClosed = false;

  constructor(jetStream: JetStream, account: Account, limits: ReadonlyMap<string, AccountTierLimits>) {
    this.jetStream = jetStream;
    this.account = account;
    this.#limits = limits;
    this.advisories = new Advisories(account, () => jetStream.domain);
    const { log, clock } = account.broker;
    const whose = `account: ${JSON.stringify(account.logName)}`;
    this.#roomLog = new RoomLog((line) => log.warn(line), clock, whose);
  }

  /** By tier (`R1`, …), or under "" where there are none. */
  get limits(): ReadonlyMap<string, AccountTierLimits> {
    return this.#limits;
  }

  set limits(limits: ReadonlyMap<string, AccountTierLimits>) {
    this.#limits = limits;
    // Streams may count in other tiers now.
    this.#usage.clear();
    for (const { config, reportedBytes } of this.streams.values())
      this.#usageFor(config).add(config.storage, reportedBytes);
  }

  /**
   * Brings back what was kept: each stream is at work as soon as it is open. Resolves once all are. `onFound` is called
   * when it is known which there are: whoever asks for one of them from then on waits for it.
   */
  async recover(onFound: () => void = () => {}): Promise<void> {
    const { kept, damaged } = await findStreams(this);
    for (const one of damaged) this.#report(one);
    this.recovery.total += kept.length;
    for (const { meta } of kept) this.#claims.set(meta.config.name, meta.config);
    const waiting = kept.map((one) => {
      const turn = Promise.withResolvers<void>();
      const done = this.#take(one.meta.config.name, () => turn.promise.then(() => this.#recoverStream(one)));
      return { turn, done };
    });
    onFound();
    await inParallel(this.account.broker.clock, waiting, ({ turn, done }) => {
      turn.resolve();
      return done;
    });
  }

  /** Takes nothing more; resolves once everything is put away. Never rejects. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.restores.stop();
    await Promise.allSettled(this.#busy.values());
    await Promise.all(Array.from(this.streams.values(), (stream) => this.#stop(stream, "shutdown")));
  }

  /** The stream called so, once it is known whether there is one: it may be on its way back. Null: there is none. */
  async whenLoaded(name: string): Promise<Stream | null> {
    await this.#busy.get(name);
    return this.streams.get(name) ?? null;
  }

  /** The configurations of all streams, those included that are being made or left to a newer server. */
  *configs(): IterableIterator<StreamConfig> {
    for (const { config } of this.streams.values()) yield config;
    for (const config of this.#claims.values()) if (!this.streams.has(config.name)) yield config;
    for (const { newer } of this.damaged.values()) if (newer !== undefined) yield newer.config;
  }

  /** The limits that a stream is subject to; null: it may not be. */
  tierOf({ num_replicas }: StreamConfig): AccountTierLimits | null {
    return this.limits.get(tierNameOf(this.limits, num_replicas)) ?? null;
  }

  /** What the streams of a tier use, and what of it is set aside for them. */
  usageOf(tier: string): StorageUsage {
    const usage = new StorageUsage();
    const used = this.#usage.get(tier);
    usage.add("memory", used?.memory ?? 0);
    usage.add("file", used?.store ?? 0);
    for (const { storage, num_replicas, max_bytes } of this.configs())
      if (tierNameOf(this.#limits, num_replicas) === tier) usage.reserve(storage, max_bytes);
    return usage;
  }

  /**
   * Makes a stream of a configuration that has been checked and has its defaults; resolves once it is durable. What
   * depends on other streams and on what the account may use is checked here. Where an equal one is there already it
   * is that one.
   */
  createStream(config: StreamConfig): Promise<Stream | ApiError> {
    return this.#take(config.name, () => this.#create(config));
  }

  /**
   * As `createStream`, of a stream that comes with what it holds: `make` puts it where it belongs. It has to be a new one.
   * `consumers`: those that are not in its store.
   */
  restoreStream(
    config: StreamConfig,
    make: () => Promise<Stream>,
    consumers: ReadonlyMap<string, KeptConsumer>,
  ): Promise<Stream | ApiError> {
    return this.#take(config.name, () =>
      this.streams.has(config.name)
        ? Promise.resolve(apiError("streamNameExistRestoreFailed"))
        : this.#create(config, make, consumers),
    );
  }

  /** Removes a stream and its consumers; resolves once that is durable. */
  deleteStream(stream: Stream): Promise<ApiError | null> {
    return this.#take(stream.name, () => this.#delete(stream));
  }

  // For streams.

  /** Why so many bytes more may not be stored in a stream, which the log tells as well; null: they may. */
  refusalOf(config: StreamConfig, bytes: number): ApiError | null {
    const tier = tierNameOf(this.limits, config.num_replicas);
    const limits = this.limits.get(tier);
    if (limits === undefined) return apiError("noLimits");
    const most = config.storage === "memory" ? limits.maxMemory : limits.maxStore;
    if (most < 0) return null;
    const used = this.#usage.get(tier)?.used(config.storage) ?? 0;
    if (used + bytes <= most) return null;
    this.#roomLog.noteRefusal(config.storage);
    return apiError("accountResourcesExceeded");
  }

  /** Why a stream may not become like this; null: it may. */
  refusalOfUpdate(stream: Stream, config: StreamConfig): ApiError | null {
    return refusalOfChange(this, stream.config, config);
  }

  /** A stream goes on with another configuration. */
  onUpdated(before: StreamConfig, after: StreamConfig): void {
    this.#release(before);
    this.#reserve(after);
    this.advisories.streamUpdated(after.name);
  }

  /** What a stream takes up has changed. */
  noteUsage(config: StreamConfig, bytes: number): void {
    this.#usageFor(config).add(config.storage, bytes);
    this.jetStream.usage.add(config.storage, bytes);
  }

  #usageFor({ num_replicas }: StreamConfig): StorageUsage {
    const tier = tierNameOf(this.#limits, num_replicas);
    let usage = this.#usage.get(tier);
    if (usage === undefined) this.#usage.set(tier, (usage = new StorageUsage()));
    return usage;
  }

  async #create(
    config: StreamConfig,
    make: () => Promise<Stream> = () => this.#make(config),
    consumers?: ReadonlyMap<string, KeptConsumer>,
  ): Promise<Stream | ApiError> {
    const { name } = config;
    if (this.#isClosed) return apiError("notEnabledForAccount");
    const offline = this.damaged.get(name) ?? this.damaged.get(fileNameOf(name));
    if (offline !== undefined) return apiError("streamOfflineReason", { err: offline.reason });
    const refused = refusalOfStream(this, config);
    if (refused !== null) return refused;
    const present = this.streams.get(name);
    if (present !== undefined)
      return isSameConfig(present.config, config) ? present : apiError("streamNameExist");
    const overlap = refusalByOverlap(this, config);
    if (overlap !== null) return overlap;
    this.#claims.set(name, config);
    this.#reserve(config);
    try {
      const stream = await make();
      this.#begin(stream, consumers);
      this.advisories.streamCreated(name);
      return stream;
    } catch (error) {
      this.#release(config);
      this.#logStream(name, `could not be made: ${reasonOf(error)}`);
      return apiError("streamCreate", { err: reasonOf(error) });
    } finally {
      this.#claims.delete(name);
    }
  }

  async #make(config: StreamConfig): Promise<Stream> {
    const created = instantOf(this.account.broker.clock.nowMs());
    const folder = config.storage === "memory" ? null : this.folderOf(config.name);
    if (folder !== null) {
      await folder.make();
      // From here on the stream is there, whatever happens.
      await folder.writeMeta({ created, config });
    }
    const { messages, consumers } = await openStores(this, config, folder);
    return new Stream(this, config, created, messages, consumers, folder);
  }

  async #recoverStream({ folder, meta }: KeptStream): Promise<void> {
    const { config, created } = meta;
    const leave = (reason: string, newer: ReadonlyMap<string, string>): void =>
      this.#report({ name: config.name, folder: folder.path, reason, newer: { config, consumers: newer } });
    try {
      const newer = newerStreamReason(config);
      if (newer !== null) return leave(newer, new Map());
      const { messages, consumers } = await openStores(this, config, folder);
      const newerOnes = newerConsumers(consumers.recovered);
      const newerConsumer = newerConsumersReason(newerOnes);
      if (newerConsumer !== null) {
        await Promise.all([messages.close(), consumers.close()]);
        return leave(newerConsumer, newerOnes);
      }
      this.#reserve(config);
      this.#begin(new Stream(this, config, created, messages, consumers, folder));
    } catch (error) {
      this.#report({ name: config.name, folder: folder.path, reason: reasonOf(error) });
    } finally {
      this.#claims.delete(config.name);
      this.recovery.done++;
    }
  }

  #begin(stream: Stream, consumers?: ReadonlyMap<string, KeptConsumer>): void {
    this.streams.set(stream.name, stream);
    stream.start(consumers);
  }

  async #delete(stream: Stream): Promise<ApiError | null> {
    const { name, folder } = stream;
    if (this.streams.get(name) !== stream) return apiError("streamNotFound");
    await this.#stop(stream, "deleted");
    this.advisories.streamDeleted(name);
    try {
      await folder?.remove(randomName(this.account.broker.random, UNIQUE_LENGTH));
    } catch (error) {
      this.#report({
        name,
        folder: folder?.path ?? "",
        reason: `it could not be removed: ${reasonOf(error)}`,
      });
      return apiError("streamDelete", { err: reasonOf(error) });
    }
    return null;
  }

  async #stop(stream: Stream, why: "deleted" | "shutdown"): Promise<void> {
    await stream.stop(why);
    this.streams.delete(stream.name);
    this.#release(stream.config);
  }

  /** One thing after the other for each name. */
  #take<Result>(name: string, act: () => Promise<Result>): Promise<Result> {
    const before = this.#busy.get(name) ?? Promise.resolve();
    const result = before.then(act);
    const done: Promise<void> = result.then(
      () => this.#forget(name, done),
      () => this.#forget(name, done),
    );
    this.#busy.set(name, done);
    return result;
  }

  #forget(name: string, done: Promise<void>): void {
    if (this.#busy.get(name) === done) this.#busy.delete(name);
  }

  /** Where a stream of that name lies. */
  folderOf(name: string): StreamFolder {
    const { disk, encryption, settings } = this.jetStream;
    const root = streamsFolderOf(settings.folder, this.account.name);
    return new StreamFolder(disk, join(root, fileNameOf(name)), encryption);
  }

  #reserve({ storage, max_bytes }: StreamConfig): void {
    this.jetStream.usage.reserve(storage, max_bytes);
  }

  #release({ storage, max_bytes }: StreamConfig): void {
    this.jetStream.usage.release(storage, max_bytes);
  }

  #report(damaged: DamagedStream): void {
    this.damaged.set(damaged.name, damaged);
    this.#logStream(damaged.name, `is offline: ${damaged.reason} (${damaged.folder})`);
  }

  #logStream(name: string, what: string): void {
    this.account.broker.log.error(
      `JetStream stream '${this.account.shownName} > ${fromWireString(name)}' ${what}`,
    );
  }
}

function isSameConfig(one: StreamConfig, other: StreamConfig): boolean {
  const told = ({ metadata }: StreamConfig): Map<string, string> =>
    new Map([...metadata].filter(([key]) => !key.startsWith(OWN_METADATA)));
  return same({ ...one, metadata: told(one) }, { ...other, metadata: told(other) });
}
