import { formatInstant } from "../../base/instant.ts";
import { fromWireString } from "../../subject/subject.ts";
import type { StreamConfig, StreamSource, SubjectTransformConfig } from "./stream-config.ts";
import { shownMetadata } from "./versioning.ts";

/** JSON's members in their order; undefined ones are left out. */
type JsonObject = Readonly<Record<string, unknown>>;

/**
 * A stream's configuration as the reference's JSON has it: its order of fields, and what it leaves out. `isStored`:
 * for a file, without what only answers say.
 */
export function encodeStreamConfig(config: StreamConfig, isStored = false): JsonObject {
  const { placement, mirror, sources, subject_transform, republish, consumer_limits } = config;
  return {
    name: fromWireString(config.name),
    description: config.description || undefined,
    subjects: config.subjects.length > 0 ? config.subjects.map(fromWireString) : undefined,
    retention: config.retention,
    max_consumers: config.max_consumers,
    max_msgs: config.max_msgs,
    max_bytes: config.max_bytes,
    max_age: config.max_age,
    max_msgs_per_subject: config.max_msgs_per_subject,
    max_msg_size: config.max_msg_size || undefined,
    discard: config.discard,
    storage: config.storage,
    num_replicas: config.num_replicas,
    no_ack: config.no_ack || undefined,
    duplicate_window: config.duplicate_window || undefined,
    placement: placement === null ? undefined : encodePlacement(placement),
    mirror: mirror === null ? undefined : encodeSource(mirror),
    sources: sources.length > 0 ? sources.map(encodeSource) : undefined,
    compression: config.compression,
    first_seq: config.first_seq || undefined,
    subject_transform: subject_transform === null ? undefined : encodeTransform(subject_transform),
    republish: republish === null ? undefined : encodeRepublish(republish),
    allow_direct: config.allow_direct,
    mirror_direct: config.mirror_direct,
    discard_new_per_subject: config.discard_new_per_subject || undefined,
    sealed: config.sealed,
    deny_delete: config.deny_delete,
    deny_purge: config.deny_purge,
    allow_rollup_hdrs: config.allow_rollup_hdrs,
    consumer_limits: {
      inactive_threshold: consumer_limits.inactive_threshold || undefined,
      max_ack_pending: consumer_limits.max_ack_pending || undefined,
    },
    allow_msg_ttl: config.allow_msg_ttl,
    subject_delete_marker_ttl: config.subject_delete_marker_ttl || undefined,
    allow_msg_counter: config.allow_msg_counter || undefined,
    allow_atomic: config.allow_atomic || undefined,
    allow_msg_schedules: config.allow_msg_schedules || undefined,
    persist_mode: config.persist_mode || undefined,
    allow_batched: config.allow_batched || undefined,
    metadata: encodeMetadata(isStored ? config.metadata : shownMetadata(config.metadata)),
  };
}

/** Names in their order, as the reference writes them; undefined when there are none. */
function encodeMetadata(metadata: ReadonlyMap<string, string>): JsonObject | undefined {
  return metadata.size === 0 ? undefined : orderedObject(metadata);
}

/**
 * An object with these members ordered by name, bytewise. Integer-like names come first in an object of JavaScript, and
 * `__proto__` is like any other.
 */
export function orderedObject(members: Iterable<readonly [string, unknown]>): JsonObject {
  const object = Object.create(null) as Record<string, unknown>;
  const sorted = [...members].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  for (const [name, value] of sorted) object[name] = value;
  return object;
}

function encodePlacement({ cluster, tags, preferred }: NonNullable<StreamConfig["placement"]>): JsonObject {
  return {
    cluster: cluster || undefined,
    tags: tags.length > 0 ? tags : undefined,
    preferred: preferred || undefined,
  };
}

function encodeSource(source: StreamSource): JsonObject {
  const { opt_start_time, external, consumer, subject_transforms } = source;
  return {
    name: fromWireString(source.name),
    opt_start_seq: source.opt_start_seq || undefined,
    opt_start_time: opt_start_time === null ? undefined : formatInstant(opt_start_time),
    filter_subject: fromWireString(source.filter_subject) || undefined,
    subject_transforms: subject_transforms.length > 0 ? subject_transforms.map(encodeTransform) : undefined,
    external: external === null ? undefined : encodeExternal(external),
    consumer:
      consumer === null
        ? undefined
        : {
            name: fromWireString(consumer.name) || undefined,
            deliver_subject: fromWireString(consumer.deliver_subject) || undefined,
          },
  };
}

/** Also what stream info says of an origin in another account. */
export function encodeExternal({ api, deliver }: NonNullable<StreamSource["external"]>): JsonObject {
  return { api: fromWireString(api), deliver: fromWireString(deliver) };
}

export function encodeTransform({ src, dest }: SubjectTransformConfig): JsonObject {
  return { src: fromWireString(src), dest: fromWireString(dest) };
}

function encodeRepublish({ src, dest, headers_only }: NonNullable<StreamConfig["republish"]>): JsonObject {
  return {
    src: fromWireString(src) || undefined,
    dest: fromWireString(dest),
    headers_only: headers_only || undefined,
  };
}
