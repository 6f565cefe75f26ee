import { type DecodedFields, listOf, objectOf, STRINGS, TEXTS, WIRES, wordsOf } from "./json-fields.ts";
import { PLAIN_STREAM_CONFIG } from "./stream-config.ts";
import type {
  ExternalStream,
  PersistMode,
  Placement,
  Republish,
  StreamConfig,
  StreamSource,
  SubjectTransformConfig,
} from "./stream-config.ts";

const TRANSFORM = objectOf("server.SubjectTransformConfig", { src: "wire", dest: "wire" });

const SOURCE = objectOf("server.StreamSource", {
  name: "wire",
  opt_start_seq: "uint64",
  opt_start_time: "time",
  filter_subject: "wire",
  subject_transforms: listOf(TRANSFORM, "[]server.SubjectTransformConfig"),
  external: objectOf("server.ExternalStream", { api: "wire", deliver: "wire" }),
  consumer: objectOf("server.StreamConsumerSource", { name: "wire", deliver_subject: "wire" }),
});

const PERSIST_MODES: Readonly<Record<string, PersistMode>> = { "": "", default: "", async: "async" };

/** The fields of a stream's configuration, as requests and files of the reference hold them. */
export const STREAM_CONFIG_FIELDS = {
  name: "wire",
  description: "string",
  subjects: WIRES,
  retention: wordsOf({ limits: "limits", interest: "interest", workqueue: "workqueue" }),
  max_consumers: "int",
  max_msgs: "int64",
  max_bytes: "int64",
  max_age: "duration",
  max_msgs_per_subject: "int64",
  max_msg_size: "int32",
  discard: wordsOf({ old: "old", new: "new" }, undefined, true),
  storage: wordsOf({ file: "file", memory: "memory" }),
  num_replicas: "int",
  no_ack: "bool",
  duplicate_window: "duration",
  placement: objectOf("server.Placement", { cluster: "string", tags: STRINGS, preferred: "string" }),
  mirror: SOURCE,
  sources: listOf(SOURCE, "[]*server.StreamSource"),
  compression: wordsOf({ none: "none", s2: "s2" }, () => "unknown compression algorithm"),
  first_seq: "uint64",
  subject_transform: TRANSFORM,
  republish: objectOf("server.RePublish", { src: "wire", dest: "wire", headers_only: "bool" }),
  allow_direct: "bool",
  mirror_direct: "bool",
  discard_new_per_subject: "bool",
  sealed: "bool",
  deny_delete: "bool",
  deny_purge: "bool",
  allow_rollup_hdrs: "bool",
  consumer_limits: objectOf("server.StreamConsumerLimits", {
    inactive_threshold: "duration",
    max_ack_pending: "int",
  }),
  allow_msg_ttl: "bool",
  subject_delete_marker_ttl: "duration",
  allow_msg_counter: "bool",
  allow_atomic: "bool",
  allow_msg_schedules: "bool",
  persist_mode: wordsOf(PERSIST_MODES),
  allow_batched: "bool",
  metadata: TEXTS,
} as const;

/** What a request to create or update a stream holds. */
export const STREAM_CONFIG_REQUEST = objectOf("StreamConfigRequest", {
  ...STREAM_CONFIG_FIELDS,
  pedantic: "bool",
});

type DecodedConfig = DecodedFields<typeof STREAM_CONFIG_FIELDS>;
type DecodedSource = NonNullable<DecodedConfig["mirror"]>;

/**
 * The configuration that the decoded fields say, with zeros for what they leave out: neither checked nor with its
 * defaults. The storage of one that names none is `file`.
 */
export function streamConfigOf(fields: DecodedConfig): StreamConfig {
  return {
    ...PLAIN_STREAM_CONFIG,
    ...fields,
    placement: placementOf(fields.placement),
    mirror: fields.mirror === undefined ? null : sourceOf(fields.mirror),
    sources: (fields.sources ?? []).map(sourceOf),
    subject_transform: fields.subject_transform === undefined ? null : transformOf(fields.subject_transform),
    republish: republishOf(fields.republish),
    consumer_limits: { ...PLAIN_STREAM_CONFIG.consumer_limits, ...fields.consumer_limits },
  };
}

function sourceOf(fields: DecodedSource): StreamSource {
  const { external, consumer } = fields;
  return {
    name: fields.name ?? "",
    opt_start_seq: fields.opt_start_seq ?? 0,
    opt_start_time: fields.opt_start_time ?? null,
    filter_subject: fields.filter_subject ?? "",
    subject_transforms: (fields.subject_transforms ?? []).map(transformOf),
    external: external === undefined ? null : externalOf(external),
    consumer:
      consumer === undefined
        ? null
        : { name: consumer.name ?? "", deliver_subject: consumer.deliver_subject ?? "" },
  };
}

function externalOf({ api = "", deliver = "" }: NonNullable<DecodedSource["external"]>): ExternalStream {
  return { api, deliver };
}

function transformOf({
  src = "",
  dest = "",
}: DecodedFields<typeof TRANSFORM.fields>): SubjectTransformConfig {
  return { src, dest };
}

function republishOf(fields: DecodedConfig["republish"]): Republish | null {
  if (fields === undefined) return null;
  return { src: fields.src ?? "", dest: fields.dest ?? "", headers_only: fields.headers_only ?? false };
}

function placementOf(fields: DecodedConfig["placement"]): Placement | null {
  if (fields === undefined) return null;
  return { cluster: fields.cluster ?? "", tags: fields.tags ?? [], preferred: fields.preferred ?? "" };
}
