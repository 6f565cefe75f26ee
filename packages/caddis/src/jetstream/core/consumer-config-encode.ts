import { formatInstant } from "../../base/instant.ts";
import { fromWireString } from "../../subject/subject.ts";
import type { ConsumerConfig } from "./consumer-config.ts";

/**
 * The JSON object of a configuration: fields in the reference's order, those that are off left out. Two
 * configurations are equal when their JSON is.
 */
export function encodeConsumerConfig(config: ConsumerConfig): Record<string, unknown> {
  const { opt_start_time, pause_until } = config;
  const fields: Record<string, unknown> = {
    durable_name: fromWireString(config.durable_name),
    name: fromWireString(config.name),
    description: config.description,
    deliver_policy: config.deliver_policy,
    opt_start_seq: config.opt_start_seq,
    opt_start_time: opt_start_time === null ? null : formatInstant(opt_start_time),
    ack_policy: config.ack_policy,
    ack_wait: config.ack_wait,
    max_deliver: config.max_deliver,
    backoff: config.backoff,
    filter_subject: fromWireString(config.filter_subject),
    filter_subjects: config.filter_subjects.map(fromWireString),
    replay_policy: config.replay_policy,
    rate_limit_bps: config.rate_limit_bps,
    sample_freq: config.sample_freq,
    max_waiting: config.max_waiting,
    max_ack_pending: config.max_ack_pending,
    flow_control: config.flow_control,
    headers_only: config.headers_only,
    max_batch: config.max_batch,
    max_expires: config.max_expires,
    max_bytes: config.max_bytes,
    deliver_subject: fromWireString(config.deliver_subject),
    deliver_group: fromWireString(config.deliver_group),
    idle_heartbeat: config.idle_heartbeat,
    inactive_threshold: config.inactive_threshold,
    num_replicas: config.num_replicas,
    mem_storage: config.mem_storage,
    direct: config.direct,
    sourcing: config.sourcing,
    metadata: sortedMetadata(config.metadata),
    pause_until: pause_until === null ? null : formatInstant(pause_until),
    priority_groups: config.priority_groups,
    priority_policy: config.priority_policy,
    priority_timeout: config.priority_timeout,
  };
  for (const field of Object.keys(fields))
    if (field !== "num_replicas" && isOff(fields[field])) delete fields[field];
  return fields;
}

/** Whether two configurations say the same. */
export function sameConsumerConfig(a: ConsumerConfig, b: ConsumerConfig): boolean {
  return JSON.stringify(encodeConsumerConfig(a)) === JSON.stringify(encodeConsumerConfig(b));
}

function isOff(value: unknown): boolean {
  return !value || (Array.isArray(value) && value.length === 0);
}

/** By key, as the reference writes maps; null: empty. A map has no prototype that `__proto__` could name. */
function sortedMetadata(metadata: ReadonlyMap<string, string>): Record<string, string> | null {
  if (metadata.size === 0) return null;
  const keys = [...metadata.keys()].toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const fields: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const key of keys) fields[key] = metadata.get(key) ?? "";
  return fields;
}
