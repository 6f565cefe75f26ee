import { type ApiError, apiError } from "./api-error.ts";
import type { ConsumerConfig } from "./consumer-config.ts";
import type { StreamConfig } from "./stream-config.ts";

const SECOND_NS = 1_000_000_000;
const MAX_WAITING_DEFAULT = 512;
const ACK_WAIT_DEFAULT = 30 * SECOND_NS;
const MAX_ACK_PENDING_DEFAULT = 1_000;
const PRIORITY_TIMEOUT_DEFAULT = 120 * SECOND_NS;
/** The heartbeat of consumers with ack policy `flow_control`: mirrors and sources notice a stall by it. */
export const FLOW_CONTROL_HEARTBEAT_NS = SECOND_NS;
/** How long a consumer without a durable name stays when nobody asks for it and it does not say so itself. */
const EPHEMERAL_THRESHOLD_NS = 5 * SECOND_NS;

/** What server and account allow consumers; 0 or less: no limit. */
export interface ConsumerBounds {
  readonly serverMaxAckPending: number;
  readonly serverMaxRequestBatch: number;
  readonly accountMaxAckPending: number;
}

/** A configuration, or why there is none. */
type ConfigAnswer = { readonly config: ConsumerConfig } | { readonly error: ApiError };

/** Fields of which a negative value (for the first two: one below -1) means "off". */
const NORMALISED = [
  { field: "max_deliver", least: -1, off: -1 },
  { field: "max_waiting", least: 0, off: 0 },
  { field: "max_ack_pending", least: -1, off: -1 },
  { field: "max_batch", least: 0, off: 0 },
  { field: "max_expires", least: 0, off: 0 },
  { field: "max_bytes", least: 0, off: 0 },
  { field: "idle_heartbeat", least: 0, off: 0 },
  { field: "inactive_threshold", least: 0, off: 0 },
  { field: "priority_timeout", least: 0, off: 0 },
] as const;

/**
 * Fills in what a request left open, as stream, server and account have it. With `isPedantic` what would be changed
 * is refused instead. Order and texts are the reference's.
 */
export function withConsumerDefaults(
  asked: ConsumerConfig,
  stream: StreamConfig,
  bounds: ConsumerBounds,
  isPedantic: boolean,
): ConfigAnswer {
  const config: { -readonly [Field in keyof ConsumerConfig]: ConsumerConfig[Field] } = { ...asked };
  for (const { field, least, off } of NORMALISED) {
    if (config[field] >= least) continue;
    if (isPedantic) return pedantic(`${field} must ${off === -1 ? "be set to -1" : "not be negative"}`);
    config[field] = off;
  }
  if (config.max_deliver === 0) config.max_deliver = -1;
  const isPull = config.deliver_subject === "";
  if (isPull && config.max_waiting === 0) config.max_waiting = MAX_WAITING_DEFAULT;
  const expectsAcks = config.ack_policy === "explicit" || config.ack_policy === "all";
  if (config.ack_wait === 0 && expectsAcks) config.ack_wait = ACK_WAIT_DEFAULT;
  if (config.backoff.length > 0) {
    if (isPedantic && config.ack_wait !== config.backoff[0])
      return pedantic("first backoff value has to equal batch AckWait");
    config.ack_wait = config.backoff[0];
  }
  for (const field of ["max_ack_pending", "inactive_threshold"] as const) {
    if (config[field] !== 0) continue;
    const limit = stream.consumer_limits[field];
    if (isPedantic && limit > 0) return pedantic(`${field} must be set if it's configured in stream limits`);
    config[field] = limit;
  }
  if (config.max_ack_pending === 0 && config.ack_policy !== "none")
    config.max_ack_pending = defaultMaxAckPending(bounds);
  if (isPull && config.max_batch === 0 && bounds.serverMaxRequestBatch > 0) {
    if (isPedantic) return pedantic("max_request_batch must be set if it's JetStream limits are set");
    config.max_batch = bounds.serverMaxRequestBatch;
  }
  if (config.priority_policy === "pinned_client" && config.priority_timeout === 0)
    config.priority_timeout = PRIORITY_TIMEOUT_DEFAULT;
  if (config.ack_policy === "flow_control" && !isPedantic) {
    config.flow_control = true;
    config.idle_heartbeat = FLOW_CONTROL_HEARTBEAT_NS;
  }
  return { config };
}

/** What a consumer is made with in the end: one without a durable name goes after a while. */
export function withThreshold(config: ConsumerConfig): ConsumerConfig {
  if (config.durable_name !== "" || config.inactive_threshold > 0) return config;
  return { ...config, inactive_threshold: EPHEMERAL_THRESHOLD_NS };
}

function defaultMaxAckPending({ serverMaxAckPending, accountMaxAckPending }: ConsumerBounds): number {
  const limits = [serverMaxAckPending, accountMaxAckPending].filter((limit) => limit > 0);
  return Math.min(MAX_ACK_PENDING_DEFAULT, ...limits);
}

function pedantic(err: string): { readonly error: ApiError } {
  return { error: apiError("pedantic", { err }) };
}
