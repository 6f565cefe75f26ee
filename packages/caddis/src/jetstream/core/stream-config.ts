import type { Instant } from "../../base/instant.ts";

/**
 * The configuration of a stream, checked and with its defaults: names and units as on the wire, durations in
 * **nanoseconds**. Limits that are off are -1, as the reference shows them, or 0 where it does so. Absent optional
 * fields are left out of the JSON. Subjects and names are wire strings.
 */
export interface StreamConfig {
  readonly name: string;
  readonly description: string;
  readonly subjects: readonly string[];
  readonly retention: Retention;
  /** -1: any number. */
  readonly max_consumers: number;
  readonly max_msgs: number;
  readonly max_bytes: number;
  /** 0: for ever. */
  readonly max_age: number;
  readonly max_msgs_per_subject: number;
  readonly max_msg_size: number;
  readonly discard: Discard;
  readonly storage: Storage;
  readonly num_replicas: number;
  readonly no_ack: boolean;
  readonly duplicate_window: number;
  readonly placement: Placement | null;
  readonly mirror: StreamSource | null;
  readonly sources: readonly StreamSource[];
  readonly compression: Compression;
  /** 0: not set. */
  readonly first_seq: number;
  readonly subject_transform: SubjectTransformConfig | null;
  readonly republish: Republish | null;
  readonly allow_direct: boolean;
  readonly mirror_direct: boolean;
  readonly discard_new_per_subject: boolean;
  readonly sealed: boolean;
  readonly deny_delete: boolean;
  readonly deny_purge: boolean;
  readonly allow_rollup_hdrs: boolean;
  readonly consumer_limits: ConsumerLimits;
  readonly allow_msg_ttl: boolean;
  /** 0: no markers. */
  readonly subject_delete_marker_ttl: number;
  readonly allow_msg_counter: boolean;
  readonly allow_atomic: boolean;
  readonly allow_msg_schedules: boolean;
  readonly persist_mode: PersistMode;
  readonly allow_batched: boolean;
  readonly metadata: ReadonlyMap<string, string>;
}

export type Retention = "limits" | "interest" | "workqueue";
export type Discard = "old" | "new";
export type Storage = "file" | "memory";
export type Compression = "none" | "s2";
/** Empty: the default, which the JSON leaves out. */
export type PersistMode = "" | "default" | "async";

export interface Placement {
  readonly cluster: string;
  readonly tags: readonly string[];
  readonly preferred: string;
}

/** What a mirror mirrors, or one of what a stream sources. */
export interface StreamSource {
  readonly name: string;
  /** 0: from the start. */
  readonly opt_start_seq: number;
  readonly opt_start_time: Instant | null;
  readonly filter_subject: string;
  readonly subject_transforms: readonly SubjectTransformConfig[];
  readonly external: ExternalStream | null;
  /** A durable consumer to be used instead of one made for the purpose (ADR-60); null: none. */
  readonly consumer: SourceConsumer | null;
}

export interface ExternalStream {
  readonly api: string;
  readonly deliver: string;
}

export interface SourceConsumer {
  readonly name: string;
  readonly deliver_subject: string;
}

export interface SubjectTransformConfig {
  readonly src: string;
  readonly dest: string;
}

export interface Republish {
  readonly src: string;
  readonly dest: string;
  readonly headers_only: boolean;
}

/** 0: no limit. */
export interface ConsumerLimits {
  readonly inactive_threshold: number;
  readonly max_ack_pending: number;
}

/** Every field as the reference has it where nothing is said. */
export const PLAIN_STREAM_CONFIG: StreamConfig = {
  name: "",
  description: "",
  subjects: [],
  retention: "limits",
  max_consumers: 0,
  max_msgs: 0,
  max_bytes: 0,
  max_age: 0,
  max_msgs_per_subject: 0,
  max_msg_size: 0,
  discard: "old",
  storage: "file",
  num_replicas: 0,
  no_ack: false,
  duplicate_window: 0,
  placement: null,
  mirror: null,
  sources: [],
  compression: "none",
  first_seq: 0,
  subject_transform: null,
  republish: null,
  allow_direct: false,
  mirror_direct: false,
  discard_new_per_subject: false,
  sealed: false,
  deny_delete: false,
  deny_purge: false,
  allow_rollup_hdrs: false,
  consumer_limits: { inactive_threshold: 0, max_ack_pending: 0 },
  allow_msg_ttl: false,
  subject_delete_marker_ttl: 0,
  allow_msg_counter: false,
  allow_atomic: false,
  allow_msg_schedules: false,
  persist_mode: "",
  allow_batched: false,
  metadata: new Map(),
};
