import type { Instant } from "../base/instant.ts";
import { CONSUMER_CONFIG_FIELDS } from "./core/consumer-config-decode.ts";
import { type ConsumerConfig, PLAIN_CONSUMER_CONFIG } from "./core/consumer-config.ts";
import type { FieldTable } from "./core/json-fields.ts";
import { holdsFields, isRecord } from "./core/kept-fields.ts";
import { STREAM_CONFIG_FIELDS } from "./core/stream-config-decode.ts";
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

/** A stream's configuration, or why it is none: a newer version has written it, or something else. */
export function decodeStreamMeta(json: string): StreamMeta | "newer" | "damaged" {
  return decode(json, STREAM_DEFAULTS, STREAM_CONFIG_FIELDS);
}

export function encodeConsumerMeta({ created, config }: ConsumerMeta): string {
  return encode(created, config);
}

/** Null: can't be read. */
export function decodeConsumerMeta(json: string): ConsumerMeta | null {
  const meta = decode(json, CONSUMER_DEFAULTS, CONSUMER_CONFIG_FIELDS);
  return typeof meta === "string" ? null : meta;
}

function encode(created: Instant, config: { readonly metadata: ReadonlyMap<string, string> }): string {
  return JSON.stringify({ format: FORMAT, created, config: { ...config, metadata: [...config.metadata] } });
}

/** Fields that a later version has added get what they are by default. */
function decode<Config extends StreamConfig | ConsumerConfig>(
  json: string,
  defaults: Config,
  fields: FieldTable,
): { readonly created: Instant; readonly config: Config } | "newer" | "damaged" {
  const parsed = parse(json);
  if (!isRecord(parsed) || typeof parsed["format"] !== "number") return "damaged";
  if (parsed["format"] !== FORMAT) return "newer";
  if (!holdsFields(parsed, { created: "time" }, never) || !isRecord(parsed["config"])) return "damaged";
  const kept: Record<string, unknown> = { ...defaults, metadata: [], ...parsed["config"] };
  const unset = new Map<string, unknown>(Object.entries(defaults));
  if (!holdsFields(kept, fields, (name) => unset.get(name) === null)) return "damaged";
  const metadata = new Map(kept["metadata"] as [string, string][]);
  return { created: parsed["created"] as Instant, config: { ...kept, metadata } as unknown as Config };
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}

function never(): boolean {
  return false;
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
