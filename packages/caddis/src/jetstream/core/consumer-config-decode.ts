import { fromWireString } from "../../subject/subject.ts";
import { PLAIN_CONSUMER_CONFIG } from "./consumer-config.ts";
import type {
  AckPolicy,
  ConsumerConfig,
  DeliverPolicy,
  PriorityPolicy,
  ReplayPolicy,
} from "./consumer-config.ts";
import { type DecodedFields, listOf, objectOf, STRINGS, TEXTS, WIRES, wordsOf } from "./json-fields.ts";

const DELIVER_POLICIES: Readonly<Record<string, DeliverPolicy>> = {
  all: "all",
  undefined: "all",
  last: "last",
  new: "new",
  by_start_sequence: "by_start_sequence",
  by_start_time: "by_start_time",
  last_per_subject: "last_per_subject",
};
const ACK_POLICIES: Readonly<Record<string, AckPolicy>> = {
  none: "none",
  all: "all",
  explicit: "explicit",
  flow_control: "flow_control",
};
const REPLAY_POLICIES: Readonly<Record<string, ReplayPolicy>> = { instant: "instant", original: "original" };
const PRIORITY_POLICIES: Readonly<Record<string, PriorityPolicy>> = {
  none: "",
  overflow: "overflow",
  pinned_client: "pinned_client",
  prioritized: "prioritized",
};

/** What a request may say about a consumer that may be there already. Empty: make it, or change it. */
export type ConsumerAction = "" | "create" | "update";
const ACTIONS: Readonly<Record<string, ConsumerAction>> = { "": "", create: "create", update: "update" };

/** The fields of a consumer's configuration, as requests hold them. */
export const CONSUMER_CONFIG_FIELDS = {
  durable_name: "wire",
  name: "wire",
  description: "string",
  deliver_policy: wordsOf(DELIVER_POLICIES),
  opt_start_seq: "uint64",
  opt_start_time: "time",
  ack_policy: wordsOf(ACK_POLICIES),
  ack_wait: "duration",
  max_deliver: "int",
  backoff: listOf("duration", "[]time.Duration"),
  filter_subject: "wire",
  filter_subjects: WIRES,
  replay_policy: wordsOf(REPLAY_POLICIES),
  rate_limit_bps: "uint64",
  sample_freq: "string",
  max_waiting: "int",
  max_ack_pending: "int",
  flow_control: "bool",
  headers_only: "bool",
  max_batch: "int",
  max_expires: "duration",
  max_bytes: "int",
  deliver_subject: "wire",
  deliver_group: "wire",
  idle_heartbeat: "duration",
  inactive_threshold: "duration",
  num_replicas: "int",
  mem_storage: "bool",
  direct: "bool",
  sourcing: "bool",
  metadata: TEXTS,
  pause_until: "time",
  priority_groups: STRINGS,
  priority_policy: wordsOf(
    PRIORITY_POLICIES,
    (source) => `unknown priority policy: ${fromWireString(source)}`,
  ),
  priority_timeout: "duration",
} as const;

/** What a request to create or update a consumer holds. */
export const CREATE_CONSUMER_REQUEST = objectOf("CreateConsumerRequest", {
  stream_name: "wire",
  config: objectOf("server.ConsumerConfig", CONSUMER_CONFIG_FIELDS),
  action: wordsOf(ACTIONS, (source) => `unknown consumer action: ${fromWireString(source)}`),
  pedantic: "bool",
});

/** The configuration that decoded fields say: neither checked nor with its defaults. */
export function consumerConfigOf(fields: DecodedFields<typeof CONSUMER_CONFIG_FIELDS>): ConsumerConfig {
  return { ...PLAIN_CONSUMER_CONFIG, ...fields };
}
