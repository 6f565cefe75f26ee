import type { Instant } from "../../base/instant.ts";

/**
 * The configuration of a consumer, checked and with its defaults: names and units as on the wire, durations in
 * **nanoseconds**, 0 or empty where a field is off (then the JSON leaves it out), -1 where the reference shows that.
 */
export interface ConsumerConfig {
  readonly durable_name: string;
  readonly name: string;
  readonly description: string;
  readonly deliver_policy: DeliverPolicy;
  readonly opt_start_seq: number;
  readonly opt_start_time: Instant | null;
  readonly ack_policy: AckPolicy;
  readonly ack_wait: number;
  readonly max_deliver: number;
  readonly backoff: readonly number[];
  readonly filter_subject: string;
  readonly filter_subjects: readonly string[];
  readonly replay_policy: ReplayPolicy;
  readonly rate_limit_bps: number;
  readonly sample_freq: string;
  readonly max_waiting: number;
  readonly max_ack_pending: number;
  readonly flow_control: boolean;
  readonly headers_only: boolean;
  readonly max_batch: number;
  readonly max_expires: number;
  readonly max_bytes: number;
  /** Empty: a pull consumer. */
  readonly deliver_subject: string;
  readonly deliver_group: string;
  readonly idle_heartbeat: number;
  readonly inactive_threshold: number;
  readonly num_replicas: number;
  readonly mem_storage: boolean;
  readonly direct: boolean;
  readonly sourcing: boolean;
  readonly metadata: ReadonlyMap<string, string>;
  readonly pause_until: Instant | null;
  readonly priority_groups: readonly string[];
  readonly priority_policy: PriorityPolicy;
  readonly priority_timeout: number;
}

export type DeliverPolicy =
  | "all"
  | "last"
  | "new"
  | "by_start_sequence"
  | "by_start_time"
  | "last_per_subject";
export type AckPolicy = "none" | "all" | "explicit" | "flow_control";
export type ReplayPolicy = "instant" | "original";
/** Empty: none, which the JSON leaves out. */
export type PriorityPolicy = "" | "overflow" | "pinned_client" | "prioritized";

/** Every field as it is where nothing is said. */
export const PLAIN_CONSUMER_CONFIG: ConsumerConfig = {
  durable_name: "",
  name: "",
  description: "",
  deliver_policy: "all",
  opt_start_seq: 0,
  opt_start_time: null,
  ack_policy: "none",
  ack_wait: 0,
  max_deliver: 0,
  backoff: [],
  filter_subject: "",
  filter_subjects: [],
  replay_policy: "instant",
  rate_limit_bps: 0,
  sample_freq: "",
  max_waiting: 0,
  max_ack_pending: 0,
  flow_control: false,
  headers_only: false,
  max_batch: 0,
  max_expires: 0,
  max_bytes: 0,
  deliver_subject: "",
  deliver_group: "",
  idle_heartbeat: 0,
  inactive_threshold: 0,
  num_replicas: 0,
  mem_storage: false,
  direct: false,
  sourcing: false,
  metadata: new Map(),
  pause_until: null,
  priority_groups: [],
  priority_policy: "",
  priority_timeout: 0,
};
