import type { Instant } from "../base/instant.ts";
import type { ConsumerStore } from "../store/consumer-store.ts";
import type { StreamStore } from "../store/stream-store.ts";
import type { JetStreamAccount } from "./account.ts";
import type { Consumer } from "./consumer.ts";
import type { ApiError } from "./core/api-error.ts";
import type { ConsumerConfig } from "./core/consumer-config.ts";
import type { StreamConfig } from "./core/stream-config.ts";

/** A stream at work: takes messages, keeps to its limits, tells its consumers. */
export class Stream {
  readonly owner: JetStreamAccount;
  readonly created: Instant;
  readonly store: StreamStore;
  readonly consumerStore: ConsumerStore;
  readonly consumers = new Map<string, Consumer>();
  #config: StreamConfig;

  constructor(
    owner: JetStreamAccount,
    config: StreamConfig,
    created: Instant,
    store: StreamStore,
    consumerStore: ConsumerStore,
  ) {
    this.owner = owner;
    this.#config = config;
    this.created = created;
    this.store = store;
    this.consumerStore = consumerStore;
  }

  get config(): StreamConfig {
    return this.#config;
  }

  /** Goes on with a configuration that `core/stream-update.ts` allows; resolves once it is durable. */
  update(_config: StreamConfig): Promise<ApiError | null> {
    throw new Error("unbuilt");
  }

  /** Removes a message on request; resolves once that is durable. False: there was none. */
  removeMessage(_seq: number, _erase: boolean): Promise<boolean> {
    throw new Error("unbuilt");
  }

  /** As STREAM.PURGE asks; wire names. Resolves with how many, once that is durable. */
  purge(_request: { seq: number; filter: string; keep: number }): Promise<number> {
    throw new Error("unbuilt");
  }

  /** Makes a consumer of a configuration that has been checked and has its defaults; resolves once it is durable. */
  createConsumer(_config: ConsumerConfig): Promise<Consumer | ApiError> {
    throw new Error("unbuilt");
  }

  deleteConsumer(_consumer: Consumer): Promise<void> {
    throw new Error("unbuilt");
  }
}
