import type { Instant } from "../base/instant.ts";
import { same } from "../base/same.ts";
import type { Broker } from "../broker/broker.ts";
import type { ConsumerStore, KeptConsumer } from "../store/consumer-store.ts";
import type { StreamStore } from "../store/stream-store.ts";
import type { JetStreamAccount } from "./account.ts";
import type { Consumer } from "./consumer.ts";
import { type ApiError, apiError } from "./core/api-error.ts";
import type { ConsumerConfig } from "./core/consumer-config.ts";
import { DuplicateWindow } from "./core/dedupe.ts";
import { enforceAllLimits } from "./core/limits.ts";
import type { AbandonReason } from "./core/atomic-batch.ts";
import type { StreamConfig } from "./core/stream-config.ts";
import type { BatchCounts, BatchStream } from "./batch-stream.ts";
import { Batches } from "./batches.ts";
import { PubAcks } from "./pub-acks.ts";
import { rememberIds } from "./recent-ids.ts";
import { Republisher } from "./republish.ts";
import { Schedules } from "./schedules.ts";
import type { JetStreamServerLimits } from "./settings.ts";
import { Snapshots } from "./snapshots.ts";
import { StreamConsumers } from "./stream-consumers.ts";
import { StreamExpiry } from "./stream-expiry.ts";
import { StoreFaultLog } from "./store-fault-log.ts";
import type { StreamFolder } from "./stream-folder.ts";
import { StreamIngest } from "./stream-ingest.ts";
import type { StreamInterest } from "./stream-interest.ts";
import { StreamOrigins } from "./stream-origins.ts";
import { StreamRemovals } from "./stream-removals.ts";
import { StreamRetention } from "./stream-retention.ts";
import { StreamSettling } from "./stream-settling.ts";
import { StreamSubjects } from "./stream-subjects.ts";

const NS_PER_MS = 1e6;

const NO_CONSUMERS: ReadonlyMap<string, KeptConsumer> = new Map();

/** Why a stream goes away. */
export type StreamEnd = "deleted" | "shutdown";

/** A stream at work: takes messages, keeps to its limits, tells its consumers. */
export class Stream implements BatchStream {
  readonly owner: JetStreamAccount;
  readonly created: Instant;
  readonly store: StreamStore;
  readonly consumerStore: ConsumerStore;
  /** Where its configuration is kept; null: in memory only. */
  readonly folder: StreamFolder | null;
  readonly acks: PubAcks;
  readonly ingest: StreamIngest;
  readonly subjects: StreamSubjects;
  readonly removals: StreamRemovals;
  readonly expiry: StreamExpiry;
  readonly retention: StreamRetention;
  readonly snapshots = new Snapshots();
  readonly duplicates: DuplicateWindow;
  readonly batches: Batches;
  /** What it mirrors and sources. */
  readonly origins: StreamOrigins;
  /** Null: it has none. */
  schedules: Schedules | null = null;
  republisher: Republisher | null = null;
  #config: StreamConfig;
  readonly #consumers: StreamConsumers;
  readonly #settling: StreamSettling;
  /** The change at hand: changes happen one after the other. */
  #changing: Promise<unknown> = Promise.resolve();
  #isStopped = false;
  #reportedBytes = 0;

  constructor(
    owner: JetStreamAccount,
    config: StreamConfig,
    created: Instant,
    store: StreamStore,
    consumerStore: ConsumerStore,
    folder: StreamFolder | null,
  ) {
    const { account, jetStream } = owner;
    this.owner = owner;
    this.#config = config;
    this.created = created;
    this.store = store;
    this.consumerStore = consumerStore;
    this.folder = folder;
    this.acks = new PubAcks(account, config.name, jetStream.domain);
    this.ingest = new StreamIngest(this);
    this.subjects = new StreamSubjects(account, this.ingest);
    this.removals = new StreamRemovals(this);
    this.expiry = new StreamExpiry(this);
    this.retention = new StreamRetention(this);
    this.duplicates = new DuplicateWindow(config.duplicate_window / NS_PER_MS);
    this.#consumers = new StreamConsumers(this);
    this.batches = new Batches(this);
    this.origins = new StreamOrigins(this);
    const { acks, batches, origins, interest } = this;
    const { log, clock } = account.broker;
    const faults = new StoreFaultLog(log, clock, `JetStream stream '${account.name} > ${config.name}'`);
    this.#settling = new StreamSettling({ store, acks, batches, origins, interest, faults, jetStream });
  }

  get broker(): Broker {
    return this.owner.account.broker;
  }

  get name(): string {
    return this.#config.name;
  }

  get config(): StreamConfig {
    return this.#config;
  }

  get consumers(): ReadonlyMap<string, Consumer> {
    return this.#consumers.all;
  }

  get interest(): StreamInterest {
    return this.#consumers.interest;
  }

  /** What of `store.state.bytes` the account knows about. */
  get reportedBytes(): number {
    return this.#reportedBytes;
  }

  /** Of the server, for batches. */
  get limits(): JetStreamServerLimits["batch"] {
    return this.owner.jetStream.settings.limits.batch;
  }

  get counts(): BatchCounts {
    return this.owner.jetStream.batchCounts;
  }

  /** The last sequence that consumers may see. */
  get visibleSeq(): number {
    return this.#settling.visibleSeq;
  }

  /**
   * Takes messages from now on, after what is kept has been looked at once: consumers, ids, what is too old. `others`:
   * consumers that are to be there and were not kept.
   */
  start(others: ReadonlyMap<string, KeptConsumer> = NO_CONSUMERS): void {
    const nowMs = this.broker.clock.nowMs();
    this.ingest.lastMsgId = rememberIds(this.store, this.duplicates, nowMs);
    this.noteUsage();
    this.#consumers.recover(others);
    enforceAllLimits(this.#config, this.store, this.removals);
    this.retention.sweep();
    this.expiry.onConfigChanged();
    this.#open();
    this.store.commit();
    this.origins.start();
  }

  /** Takes no more messages. Resolves once all that was acknowledged is put away; never rejects. */
  async stop(why: StreamEnd): Promise<void> {
    this.#isStopped = true;
    this.#settling.stop();
    this.ingest.isOpen = false;
    this.subjects.end();
    this.origins.stop(why);
    this.expiry.stop();
    this.retention.stop();
    this.snapshots.stop();
    this.batches.stop();
    this.schedules?.stop();
    this.#consumers.stop(why);
    await this.#changing;
    for (const store of [this.store, this.consumerStore]) {
      try {
        await store.close();
      } catch (error) {
        this.#log("could not be closed", error);
      }
    }
    this.#settling.finish();
    if (why === "shutdown") await this.origins.keep();
    this.owner.noteUsage(this.#config, -this.#reportedBytes);
    this.#reportedBytes = 0;
  }

  /** Goes on with a configuration that `core/stream-update.ts` allows; resolves once it is durable. */
  update(config: StreamConfig): Promise<ApiError | null> {
    return this.#change(async () => {
      const before = this.#config;
      if (same(before, config)) return null;
      const refused =
        this.#consumers.refusalOfLimits(before, config) ?? this.owner.refusalOfUpdate(this, config);
      if (refused !== null) return refused;
      try {
        await this.folder?.writeMeta({ created: this.created, config });
      } catch (error) {
        return apiError("streamUpdate", { err: reasonOf(error) });
      }
      if (!this.#isStopped) this.#adopt(before, config);
      return null;
    });
  }

  /** Removes a message on request; resolves once that is durable. False: there was none. */
  async removeMessage(seq: number, erase: boolean): Promise<boolean> {
    const isRemoved = this.removals.remove(seq, erase);
    // That it is gone already may not be durable yet.
    await this.#settling.whenDurable();
    return isRemoved;
  }

  /**
   * As STREAM.PURGE asks: what `filter` takes (empty: all), below `seq` (0: all), but for the last `keep`; wire names.
   * Resolves with how many, once that is durable.
   */
  async purge({ seq, filter, keep }: { seq: number; filter: string; keep: number }): Promise<number> {
    const { store, removals } = this;
    const { lastSeq } = store.state;
    // Nothing lies below the first sequence.
    if (seq === 1) return 0;
    const isAll = filter === "" || filter === ">";
    const count =
      isAll && (keep === 0 || seq > 1)
        ? removals.purgeBefore(seq === 0 ? lastSeq + 1 : seq)
        : removals.purge(isAll ? ">" : filter, seq === 0 ? lastSeq + 1 : seq, keep);
    this.#settling.onPurged();
    await this.#settling.whenDurable();
    return count;
  }

  /**
   * Makes a consumer of a configuration that has been checked and has its defaults; resolves once it is durable. `name`:
   * what it is called where its configuration does not say.
   */
  createConsumer(
    config: ConsumerConfig,
    name: string = config.durable_name || config.name,
  ): Promise<Consumer | ApiError> {
    return this.#change(() => this.#consumers.create(config, name));
  }

  /** Goes on with another configuration of a consumer; resolves once it is durable. */
  updateConsumer(consumer: Consumer, config: ConsumerConfig): Promise<void> {
    return this.#change(() => this.#consumers.update(consumer, config));
  }

  /** Resolves once that is durable. */
  deleteConsumer(consumer: Consumer): Promise<void> {
    return this.#change(() => this.#consumers.delete(consumer));
  }

  /** A consumer has no more use for a message: acknowledged, given up, or passed without acknowledgement. */
  onDone(consumer: Consumer, seq: number): void {
    this.retention.onDone(consumer, seq);
  }

  /** Resolves once all that consumers have put so far is durable. */
  whenConsumersDurable(): Promise<void> {
    return this.#consumers.whenDurable();
  }

  // For the parts of the stream.

  /** A message was appended; `bytes` of headers and payload. */
  onStored(seq: number, subject: string, bytes: number): void {
    this.#settling.onStored(seq, subject, bytes);
  }

  /** Has acknowledgements sent and messages shown at the end of the turn: for what is durable already. */
  settleSoon(): void {
    this.#settling.settleSoon();
  }

  /** Tells the account what the stream takes up by now. */
  noteUsage(): void {
    const { bytes } = this.store.state;
    if (bytes === this.#reportedBytes) return;
    this.owner.noteUsage(this.#config, bytes - this.#reportedBytes);
    this.#reportedBytes = bytes;
  }

  /** Whether so much waits for the disk that no more is to be taken. */
  isBackedUp(): boolean {
    return this.#settling.isBackedUp();
  }

  /** An atomic batch came to nothing; `batch` is a wire string. */
  tellAbandoned(batch: string, reason: AbandonReason): void {
    this.owner.advisories.batchAbandoned(this.name, batch, reason);
  }

  #open(): void {
    const { account } = this.owner;
    this.republisher = Republisher.of(account, this.name, this.#config.republish);
    this.#followSchedules();
    this.ingest.isOpen = true;
    this.subjects.follow(this.#config);
  }

  #followSchedules(): void {
    if (this.schedules !== null || !this.#config.allow_msg_schedules) return;
    const { broker, store, ingest } = this;
    const publish = (subject: string, headers: string, payload: Uint8Array): boolean =>
      typeof ingest.publish(subject, headers, payload, true) !== "object";
    this.schedules = new Schedules({ broker, store, publish });
    this.schedules.recover();
  }

  #adopt(before: StreamConfig, config: StreamConfig): void {
    this.#config = config;
    this.owner.onUpdated(before, config);
    this.duplicates.windowMs = config.duplicate_window / NS_PER_MS;
    this.batches.onConfigChanged(config);
    this.#open();
    enforceAllLimits(config, this.store, this.removals);
    if (before.retention !== config.retention) this.retention.sweep();
    this.expiry.onConfigChanged();
    this.store.commit();
    this.origins.follow(before);
  }

  #change<Result>(change: () => Promise<Result>): Promise<Result> {
    const result = this.#changing.then(change);
    this.#changing = result.catch(() => {});
    return result;
  }

  #log(what: string, error: unknown): void {
    const { account } = this.owner;
    account.broker.log.error(`JetStream stream '${account.name} > ${this.name}' ${what}: ${reasonOf(error)}`);
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
