import type { Instant } from "../base/instant.ts";
import { crc32, viewOf } from "../store/file/checksum.ts";
import { type ConsumerConfig, PLAIN_CONSUMER_CONFIG } from "./core/consumer-config.ts";
import { PLAIN_STREAM_CONFIG, type StreamConfig } from "./core/stream-config.ts";

/**
 * How configurations are kept. A stream has a file of one line:
 *
 *     <CRC-32 of the JSON, 8 hexadecimal digits> <JSON> LF
 *     {"format":1,"created":{"ms":…,"ns":…},"config":{…}}
 *
 * and a consumer the same JSON as its record's text. Configurations stand there as they are in memory (durations in
 * nanoseconds, strings as wire strings), with `metadata` as a list of pairs.
 */
const FORMAT = 1;
const CRC_DIGITS = 8;

export interface StreamMeta {
  readonly created: Instant;
  readonly config: StreamConfig;
}

export interface ConsumerMeta {
  readonly created: Instant;
  readonly config: ConsumerConfig;
}

export function encodeStreamMeta({ created, config }: StreamMeta): Buffer {
  const json = encode(created, config);
  return Buffer.from(`${checksum(json)} ${json}\n`);
}

/** A stream's configuration, or why it can't be read. */
export function decodeStreamMeta(data: Buffer): StreamMeta | { readonly problem: string } {
  const text = data.toString("utf8");
  const json = text.slice(CRC_DIGITS + 1, -1);
  if (text[CRC_DIGITS] !== " " || !text.endsWith("\n") || text.slice(0, CRC_DIGITS) !== checksum(json))
    return { problem: "its configuration is damaged" };
  const meta = decode(json, STREAM_DEFAULTS);
  return meta ?? { problem: "its configuration was written by a newer version" };
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
  let parsed: { format: number; created: Instant; config: { metadata: [string, string][] } };
  try {
    parsed = JSON.parse(json) as typeof parsed;
  } catch {
    return null;
  }
  if (parsed.format !== FORMAT) return null;
  const config = { ...defaults, ...parsed.config, metadata: new Map(parsed.config.metadata) };
  return { created: parsed.created, config };
}

function checksum(json: string): string {
  const bytes = Buffer.from(json);
  return crc32(bytes, viewOf(bytes), 0, bytes.length, 0).toString(16).padStart(CRC_DIGITS, "0");
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
