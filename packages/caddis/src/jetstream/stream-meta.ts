import type { Instant } from "../base/instant.ts";
import { type ConsumerConfig, PLAIN_CONSUMER_CONFIG } from "./core/consumer-config.ts";
import { PLAIN_STREAM_CONFIG, type StreamConfig } from "./core/stream-config.ts";

/**
 * How configurations are kept: a stream's in a small file (`store/small-file.ts`), a consumer's as its record's text.
 *
 *     {"format":1,"created":{"ms":…,"ns":…},"config":{…}}
 *
 * Configurations stand there as they are in memory (durations in nanoseconds, strings as wire strings), with `metadata`
 * as a list of pairs.
 */
const FORMAT = 1;

export interface StreamMeta {
  readonly created: Instant;
  readonly config: StreamConfig;
}

export interface ConsumerMeta {
  readonly created: Instant;
  readonly config: ConsumerConfig;
}

export function encodeStreamMeta({ created, config }: StreamMeta): string {
  return encode(created, config);
}

/** A stream's configuration; null: it was written by a newer version, or is none. */
export function decodeStreamMeta(json: string): StreamMeta | null {
  return decode(json, STREAM_DEFAULTS);
}

export function encodeConsumerMeta({ created, config }: ConsumerMeta): string {
  return encode(created, config);
}

/** Null: can't be read. */
export function decodeConsumerMeta(json: string): ConsumerMeta | null {
  return decode(json, CONSUMER_DEFAULTS);
}

function encode(created: Instant, config: { readonly metadata: ReadonlyMap<string, string> }): string {
  return JSON.stringify({ format: FORMAT, created, config: { ...config, metadata: [...config.metadata] } });
}

/** Fields that a later version has added get what they are by default. */
function decode<Config>(json: string, defaults: Config): { created: Instant; config: Config } | null {
  let parsed: { format: number; created: Instant; config?: { metadata: [string, string][] } };
  try {
    parsed = JSON.parse(json) as typeof parsed;
  } catch {
    return null;
  }
  if (parsed.format !== FORMAT || parsed.config === undefined) return null;
  const config = { ...defaults, ...parsed.config, metadata: new Map(parsed.config.metadata) };
  return { created: parsed.created, config };
}

/** A configuration that says nothing. */
export const STREAM_DEFAULTS: StreamConfig = {
  ...PLAIN_STREAM_CONFIG,
  max_consumers: -1,
  max_msgs: -1,
  max_bytes: -1,
  max_msgs_per_subject: -1,
  max_msg_size: -1,
  num_replicas: 1,
};

/** A configuration that says nothing. */
export const CONSUMER_DEFAULTS: ConsumerConfig = { ...PLAIN_CONSUMER_CONFIG, max_deliver: -1 };
