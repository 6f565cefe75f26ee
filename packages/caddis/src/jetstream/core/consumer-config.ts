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
