import type { Instant } from "../base/instant.ts";
import type { ConsumerConfig } from "./core/consumer-config.ts";
import type { Stream } from "./stream.ts";

/** A consumer at work: brings the messages of its stream to those who ask, and hears their acknowledgements. */
export class Consumer {
  readonly stream: Stream;
  readonly name: string;
  readonly created: Instant;
  #config: ConsumerConfig;

  constructor(stream: Stream, name: string, config: ConsumerConfig, created: Instant) {
    this.stream = stream;
    this.name = name;
    this.#config = config;
    this.created = created;
  }

  get config(): ConsumerConfig {
    return this.#config;
  }
}
