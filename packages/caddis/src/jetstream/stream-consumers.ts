import { instantOf } from "../base/instant.ts";
import { Consumer } from "./consumer.ts";
import { ConsumerInterest } from "./consumer-interest.ts";
import { type ApiError, apiError } from "./core/api-error.ts";
import type { ConsumerConfig } from "./core/consumer-config.ts";
import type { StreamConfig } from "./core/stream-config.ts";
import { DurabilityWaits } from "./stream-durability.ts";
import type { KeptConsumer } from "../store/consumer-store.ts";
import type { StreamInterest } from "./stream-interest.ts";
import { decodeConsumerMeta, encodeConsumerMeta } from "./stream-meta.ts";
import type { Stream, StreamEnd } from "./stream.ts";

/** The consumers of a stream, and how they are kept. */
export class StreamConsumers {
  readonly all = new Map<string, Consumer>();
  readonly interest: StreamInterest = new ConsumerInterest();
  readonly #stream: Stream;
  readonly #waits: DurabilityWaits;

  constructor(stream: Stream) {
    const { consumerStore } = stream;
    this.#stream = stream;
    this.#waits = new DurabilityWaits(consumerStore, () => consumerStore.failure);
    consumerStore.onDurable = () => this.#waits.settle();
  }

  /** Resolves once all that was put so far is durable; rejects when it never will be. */
  whenDurable(): Promise<void> {
    return this.#waits.wait();
  }

  /** Brings back what was kept, and `others`. What can't be read is logged, and stays kept. */
  recover(others: ReadonlyMap<string, KeptConsumer>): void {
    const { consumerStore } = this.#stream;
    for (const [name, { config: text, state }] of [...consumerStore.recovered, ...others]) {
      const meta = decodeConsumerMeta(text);
      if (meta === null) this.#logUnreadable(name);
      else this.#add(new Consumer(this.#stream, name, meta.config, meta.created, state ?? NEVER_KEPT));
    }
  }

  async create(config: ConsumerConfig, name: string): Promise<Consumer | ApiError> {
    const stream = this.#stream;
    if (this.all.has(name)) return apiError("consumerNameExist");
    if (!config.direct && this.#isFull()) return apiError("maximumConsumersLimit");
    const created = instantOf(stream.owner.account.broker.clock.nowMs());
    if (isKept(config)) {
      try {
        stream.consumerStore.putConfig(name, encodeConsumerMeta({ created, config }));
        await this.#waits.wait();
      } catch (error) {
        // Nothing of it is to come true later.
        stream.consumerStore.remove(name);
        return apiError("consumerCreate", { err: error instanceof Error ? error.message : String(error) });
      }
    }
    const consumer = new Consumer(stream, name, config, created, null);
    this.#add(consumer);
    stream.owner.advisories.consumerCreated(stream.name, name);
    return consumer;
  }

  async update(consumer: Consumer, config: ConsumerConfig): Promise<void> {
    const { consumerStore } = this.#stream;
    if (isKept(config)) {
      consumerStore.putConfig(consumer.name, encodeConsumerMeta({ created: consumer.created, config }));
      await this.#waits.wait();
    }
    this.#unlist(consumer);
    consumer.update(config);
    this.#list(consumer);
  }

  async delete(consumer: Consumer): Promise<void> {
    const { consumerStore, retention, owner } = this.#stream;
    if (this.all.get(consumer.name) !== consumer) return;
    this.all.delete(consumer.name);
    this.#unlist(consumer);
    consumer.stop("deleted");
    consumerStore.remove(consumer.name);
    retention.sweep();
    owner.advisories.consumerDeleted(this.#stream.name, consumer.name);
    await this.#waits.wait();
  }

  stop(why: StreamEnd): void {
    const { owner, name } = this.#stream;
    for (const consumer of this.all.values()) {
      owner.pushInterest.remove(consumer);
      consumer.stop(why);
      if (why === "deleted") owner.advisories.consumerDeleted(name, consumer.name);
    }
  }

  /** Why the stream may not change its limits for consumers so: some of them are beyond them. Null: it may. */
  refusalOfLimits(before: StreamConfig, after: StreamConfig): ApiError | null {
    const { inactive_threshold: threshold, max_ack_pending: pending } = after.consumer_limits;
    const { inactive_threshold: oldThreshold, max_ack_pending: oldPending } = before.consumer_limits;
    const isChanged =
      (threshold > 0 && threshold !== oldThreshold) || (pending > 0 && pending !== oldPending);
    if (!isChanged) return null;
    const beyond = [...this.all.values()].filter(
      ({ config }) =>
        (threshold > 0 && config.inactive_threshold > threshold) ||
        (pending > 0 && config.max_ack_pending > pending),
    );
    if (beyond.length === 0) return null;
    const names = beyond.map(({ name }) => name).join(", ");
    return apiError("streamUpdate", { err: `change to limits violates consumers: ${names}` });
  }

  #add(consumer: Consumer): void {
    this.all.set(consumer.name, consumer);
    this.#list(consumer);
    consumer.start();
  }

  #list(consumer: Consumer): void {
    this.interest.add(consumer);
    this.#stream.owner.pushInterest.add(consumer);
  }

  #unlist(consumer: Consumer): void {
    this.interest.remove(consumer);
    this.#stream.owner.pushInterest.remove(consumer);
  }

  /** Whether there are as many as the stream, its account or the server allows. */
  #isFull(): boolean {
    const { config, owner } = this.#stream;
    const ofAccount = owner.tierOf(config)?.maxConsumers ?? -1;
    let most = config.max_consumers;
    if (most <= 0 || (ofAccount > 0 && ofAccount < most)) most = ofAccount;
    if (most <= 0) most = owner.jetStream.settings.limits.defaultMaxConsumers;
    if (most <= 0) return false;
    let count = 0;
    for (const consumer of this.all.values()) if (!consumer.config.direct) count++;
    return count >= most;
  }

  #logUnreadable(name: string): void {
    const { owner, name: stream } = this.#stream;
    const { account } = owner;
    account.broker.log.error(
      `JetStream consumer '${account.name} > ${stream} > ${name}' can't be brought back: its configuration is unreadable`,
    );
  }
}

/** The state of a consumer that was made and went down before it had one: it begins where it was to begin then. */
const NEVER_KEPT = new Uint8Array(0);

/** Whether a consumer outlives the server. */
export function isKept({ mem_storage, direct }: ConsumerConfig): boolean {
  return !mem_storage && !direct;
}
