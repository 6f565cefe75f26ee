import { type Instant, instantOf } from "../base/instant.ts";
import { randomName } from "../broker/random-name.ts";
import type { KeptConsumer } from "../store/consumer-store.ts";
import type { Filter } from "../store/stream-store.ts";
import { isValidLiteralSubject } from "../subject/subject.ts";
import type { JetStreamAccount } from "./account.ts";
import { refusalByOverlap } from "./account-limits.ts";
import { type ApiError, apiError } from "./core/api-error.ts";
import { encodeConsumerState } from "./core/consumer-state.ts";
import { stateOfProgress } from "./core/consumer-state-file.ts";
import { parseMessageTtl } from "./core/message-ttl.ts";
import { PublishHeaders } from "./core/publish-headers.ts";
import { storedSize } from "./core/stored-size.ts";
import type { StreamConfig } from "./core/stream-config.ts";
import type { RestoredConsumer } from "./restore-consumers.ts";
import { isKept } from "./stream-consumers.ts";
import { DurabilityWaits } from "./stream-durability.ts";
import type { StreamFolder } from "./stream-folder.ts";
import { encodeConsumerMeta } from "./stream-meta.ts";
import { openStores, type StreamStores } from "./stream-stores.ts";
import { Stream } from "./stream.ts";

const MS_PER_SECOND = 1_000;
/** What no subject of a message can have: it would end the subject in the protocol. */
const SEPARATORS = /[ \t\r\n]/;
/** Letters that tell folders apart in which streams are restored. */
const UNIQUE_LENGTH = 12;
/** What an archive may say of all its consumers, in bytes: it is held in memory until the stream is there. */
const CONSUMERS_BYTES_MAX = 256 * 1024 * 1024;
/** Bytes that wait for the disk before no more is taken. */
const FRESH_BYTES_MAX = 8 * 1024 * 1024;

/** A message as an archive has it. */
export interface RestoredMessage {
  readonly seq: number;
  /** Wire string. */
  readonly subject: string;
  readonly timeMs: number;
  readonly timeNs: number;
  /** Headers, then the payload. */
  readonly content: Buffer;
  readonly headerBytes: number;
}

/** Why a restore fails, in words. */
export function refuseRestore(reason: string): ApiError {
  return apiError("streamRestore", { err: reason });
}

/** Where a stream is put together: it is there for nobody until all of it is. */
export class RestoreTarget {
  readonly owner: JetStreamAccount;
  readonly config: StreamConfig;
  /** When the stream was made, where the archive says so. */
  created: Instant | null = null;
  readonly #folder: StreamFolder | null;
  readonly #stores: StreamStores;
  readonly #waits: DurabilityWaits;
  readonly #all: Filter;
  readonly #headers = new PublishHeaders();
  readonly #consumers: RestoredConsumer[] = [];
  /** What the archive has said of consumers so far. */
  #consumerBytes = 0;
  /** Bytes that the account was told of. */
  #notedBytes = 0;
  /** Bytes that were not waited for. */
  #freshBytes = 0;

  private constructor(
    owner: JetStreamAccount,
    config: StreamConfig,
    folder: StreamFolder | null,
    stores: StreamStores,
  ) {
    this.owner = owner;
    this.config = config;
    this.#folder = folder;
    this.#stores = stores;
    const { messages } = stores;
    this.#all = messages.filter([]);
    // A full disk is not waited for.
    this.#waits = new DurabilityWaits(messages, () => messages.failure?.reason ?? null);
    messages.onDurable = () => this.#waits.settle();
  }

  /** Rejects when there is no place for it. */
  static async open(owner: JetStreamAccount, config: StreamConfig): Promise<RestoreTarget> {
    const unique = randomName(owner.account.broker.random, UNIQUE_LENGTH);
    const folder = config.storage === "memory" ? null : owner.folderOf(config.name).forRestore(unique);
    await folder?.make();
    // Its first sequence is the archive's.
    const stores = await openStores(owner, { ...config, first_seq: 0 }, folder);
    return new RestoreTarget(owner, config, folder, stores);
  }

  get lastSeq(): number {
    return this.#stores.messages.state.lastSeq;
  }

  get consumers(): readonly RestoredConsumer[] {
    return this.#consumers;
  }

  addConsumer(consumer: RestoredConsumer): void {
    this.#consumers.push(consumer);
  }

  /** Why such a stream can't be among the account's; null: it can. Its limits were looked at before. */
  refusalAsStream(): ApiError | null {
    const { config, owner } = this;
    return config.num_replicas > 1 ? apiError("streamReplicasNotSupported") : refusalByOverlap(owner, config);
  }

  /** `bytes` more are said of consumers; returns why that is too much. */
  noteConsumerBytes(bytes: number): ApiError | null {
    this.#consumerBytes += bytes;
    return this.#consumerBytes > CONSUMERS_BYTES_MAX ? refuseRestore("its consumers are too large") : null;
  }

  /** Why so many bytes more can't be stored; null: they can. */
  refusalOf(bytes: number): ApiError | null {
    const { config, owner } = this;
    const more = Math.max(0, bytes);
    const isExceeded = owner.refusalOf(config, more) !== null || owner.jetStream.isFull(config.storage, more);
    if (!isExceeded) return null;
    return apiError(config.storage === "memory" ? "memoryResourcesExceeded" : "storageResourcesExceeded");
  }

  /** Adds a message behind all others; returns why it can't be there. */
  put({ seq, subject, timeMs, timeNs, content, headerBytes }: RestoredMessage): ApiError | null {
    const store = this.#stores.messages;
    const { config, owner } = this;
    const { max_payload } = owner.account.broker.options;
    if (content.length > max_payload)
      return refuseRestore(`message sequence ${seq} exceeds maximum payload size`);
    if (config.max_msg_size >= 0 && content.length > config.max_msg_size)
      return refuseRestore(`message sequence ${seq} exceeds maximum message size`);
    if (!isValidLiteralSubject(subject) || SEPARATORS.test(subject))
      return refuseRestore(`message sequence ${seq} has an invalid subject`);
    if (seq <= store.state.lastSeq) return refuseRestore(`message sequence ${seq} out of order`);
    const size = storedSize(config.storage, subject.length, headerBytes, content.length - headerBytes);
    const refused = this.refusalOf(size);
    if (refused !== null) return refused;
    if (store.failure !== null) return refuseRestore(store.failure.reason);
    if (seq > store.state.lastSeq + 1) store.skipTo(seq);
    const expiresMs = this.#expiresMs(content, headerBytes, timeMs);
    if (expiresMs > 0 && expiresMs <= owner.account.broker.clock.nowMs()) {
      store.skipTo(seq + 1);
      return null;
    }
    store.append(subject, content, 0, headerBytes, content.length, timeMs, timeNs, expiresMs);
    this.#freshBytes += size;
    this.#noteUsage();
    return null;
  }

  /** All up to `seq` that are not there never will be. */
  skipTo(seq: number): void {
    if (seq > this.lastSeq) this.#stores.messages.skipTo(seq + 1);
  }

  /** The first message from `seq` on; 0: none. */
  next(seq: number): number {
    return this.#stores.messages.next(this.#all, seq);
  }

  /** A message is not part of the stream after all. */
  remove(seq: number): void {
    if (this.#stores.messages.remove(seq, false)) this.#noteUsage();
  }

  /** The stream begins with `seq`. */
  removeBefore(seq: number): void {
    const store = this.#stores.messages;
    if (seq > 1 && seq > store.state.firstSeq) store.removeBefore(seq);
    this.#noteUsage();
  }

  /** Whether so much waits for the disk that no more is to be put. */
  get isBehind(): boolean {
    return this.#freshBytes >= FRESH_BYTES_MAX;
  }

  /** Resolves once all so far is on the disk, with why it never will be. */
  async settled(): Promise<ApiError | null> {
    this.#freshBytes = 0;
    try {
      await this.#waits.wait();
      return null;
    } catch (error) {
      return refuseRestore(reasonOf(error));
    }
  }

  /** Puts the stream to work; resolves once it is durable, with it or with why it can't be. Not to be used after that. */
  async finish(): Promise<Stream | ApiError> {
    const { owner, config } = this;
    const created = this.created ?? instantOf(owner.account.broker.clock.nowMs());
    const refused = this.refusalAsStream();
    if (refused !== null) return refused;
    try {
      const extra = this.#putConsumers(created);
      if (this.#folder !== null) await this.#close(this.#folder, created);
      return await owner.restoreStream(config, () => this.#open(created), extra);
    } catch (error) {
      return refuseRestore(reasonOf(error));
    } finally {
      this.#releaseUsage();
    }
  }

  /** Removes what there is; also after `finish` has failed. */
  async abandon(): Promise<void> {
    this.#releaseUsage();
    this.#stores.messages.onDurable = () => {};
    const { messages, consumers } = this.#stores;
    await Promise.allSettled([messages.close(), consumers.close()]);
    await this.#folder?.discard();
  }

  /** Keeps those consumers that are kept; returns the others. */
  #putConsumers(streamCreated: Instant): Map<string, KeptConsumer> {
    const store = this.#stores.consumers;
    const extra = new Map<string, KeptConsumer>();
    for (const { name, config, created, progress } of this.#consumers) {
      const json = encodeConsumerMeta({ created: created ?? streamCreated, config });
      const state = encodeConsumerState(stateOfProgress(progress, config, this.lastSeq), 0);
      if (this.#folder === null || !isKept(config)) extra.set(name, { config: json, state });
      else {
        store.putConfig(name, json);
        store.putState(name, state);
      }
    }
    return extra;
  }

  /** Has all of it durable, and makes it a stream of its own. */
  async #close(folder: StreamFolder, created: Instant): Promise<void> {
    const { messages, consumers } = this.#stores;
    const waits = new DurabilityWaits(consumers, () => consumers.failure);
    consumers.onDurable = () => waits.settle();
    await Promise.all([this.#waits.wait(), waits.wait()]);
    await Promise.all([messages.close(), consumers.close()]);
    await folder.writeMeta({ created, config: this.config });
  }

  async #open(created: Instant): Promise<Stream> {
    const { owner, config } = this;
    if (this.#folder === null) {
      this.#releaseUsage();
      const { messages, consumers } = this.#stores;
      return new Stream(owner, config, created, messages, consumers, null);
    }
    const folder = owner.folderOf(config.name);
    await this.#folder.moveTo(folder);
    const { messages, consumers } = await openStores(owner, config, folder);
    // The stream tells the account by itself.
    this.#releaseUsage();
    return new Stream(owner, config, created, messages, consumers, folder);
  }

  /** 0: never on its own account. */
  #expiresMs(content: Buffer, headerBytes: number, timeMs: number): number {
    if (!this.config.allow_msg_ttl || headerBytes === 0) return 0;
    this.#headers.clear();
    this.#headers.read(content, 0, headerBytes);
    const seconds = parseMessageTtl(this.#headers.get("Nats-TTL")) ?? 0;
    return seconds > 0 ? timeMs + seconds * MS_PER_SECOND : 0;
  }

  #noteUsage(): void {
    const { bytes } = this.#stores.messages.state;
    this.owner.noteUsage(this.config, bytes - this.#notedBytes);
    this.#notedBytes = bytes;
  }

  #releaseUsage(): void {
    this.owner.noteUsage(this.config, -this.#notedBytes);
    this.#notedBytes = 0;
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
