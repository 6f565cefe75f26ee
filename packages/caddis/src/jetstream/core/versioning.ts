import { isGoZeroTime } from "../../base/instant.ts";
import { COMPATIBLE_VERSION } from "../../base/version.ts";
import type { ConsumerConfig } from "./consumer-config.ts";
import type { StreamConfig } from "./stream-config.ts";

/** The level of the API that is spoken here: what clients may ask for with `Nats-Required-Api-Level`. */
export const API_LEVEL = 5;

/** In the metadata of a stream or consumer: the level of the API that a server needs to run it. Stored. */
export const REQUIRED_LEVEL = "_nats.req.level";
/** The server that answers and its level. Only in answers. */
const SERVER_VERSION = "_nats.ver";
const SERVER_LEVEL = "_nats.level";

type Metadata = ReadonlyMap<string, string>;

/** The level of the API that a stream's features came with. */
export function streamApiLevel(config: StreamConfig): number {
  if (config.allow_batched) return 4;
  if (config.allow_msg_counter || config.allow_atomic || config.allow_msg_schedules) return 2;
  if (config.persist_mode === "async") return 2;
  return config.allow_msg_ttl || config.subject_delete_marker_ttl > 0 ? 1 : 0;
}

/** The level of the API that a consumer's features came with. */
export function consumerApiLevel(config: ConsumerConfig): number {
  if (config.ack_policy === "flow_control") return 4;
  const hasPriority =
    config.priority_policy !== "" || config.priority_timeout !== 0 || config.priority_groups.length > 0;
  const hasPause = config.pause_until !== null && !isGoZeroTime(config.pause_until);
  return hasPriority || hasPause ? 1 : 0;
}

/** Metadata to keep: the client's, with the level that is required and without what only answers say. */
export function storedMetadata(metadata: Metadata, requiredLevel: number): Metadata {
  const stored = clientMetadata(metadata);
  stored.set(REQUIRED_LEVEL, String(requiredLevel));
  return stored;
}

/** `metadata` with the level that `other` says: what two configurations are compared with, levels left aside. */
export function withLevelOf(metadata: Metadata, other: Metadata): Metadata {
  const kept = clientMetadata(metadata);
  const level = other.get(REQUIRED_LEVEL);
  if (level === undefined) kept.delete(REQUIRED_LEVEL);
  else kept.set(REQUIRED_LEVEL, level);
  return kept;
}

/** Metadata as answers show it: with the server's version and level. */
export function shownMetadata(metadata: Metadata): Metadata {
  return new Map(metadata).set(SERVER_VERSION, COMPATIBLE_VERSION).set(SERVER_LEVEL, String(API_LEVEL));
}

/** Whether a stored stream or consumer can be run here: it asks for nothing newer than what is built. */
export function isLevelSupported(metadata: Metadata): boolean {
  const level = metadata.get(REQUIRED_LEVEL) ?? "";
  return level === "" || isLevelReached(level);
}

/** Whether a request's `Nats-Required-Api-Level` can be met; empty: it has none. */
export function isLevelReached(required: string): boolean {
  return required === "" || (/^[+-]?\d{1,18}$/.test(required) && Number(required) <= API_LEVEL);
}

function clientMetadata(metadata: Metadata): Map<string, string> {
  const kept = new Map(metadata);
  kept.delete(SERVER_VERSION);
  kept.delete(SERVER_LEVEL);
  return kept;
}
