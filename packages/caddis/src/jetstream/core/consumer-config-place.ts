import { type ApiError, apiError } from "./api-error.ts";
import { ASSET_NAME_BYTES_MAX } from "./asset-name.ts";
import type { ConsumerConfig } from "./consumer-config.ts";
import { filtersOf } from "./consumer-config-check.ts";
import { PatternSet } from "./pattern-set.ts";
import type { StreamConfig } from "./stream-config.ts";

/** A consumer that a stream has. */
export interface PlacedConsumer {
  readonly name: string;
  readonly config: ConsumerConfig;
}

/** How many consumers account and server let a stream have; 0 or less: nothing said. */
interface ConsumerCounts {
  readonly accountMaxConsumers: number;
  readonly defaultMaxConsumers: number;
}

/** Why a consumer that `others` are there beside can't be made with a checked configuration; null: it can. */
export function newConsumerProblem(
  config: ConsumerConfig,
  stream: StreamConfig,
  counts: ConsumerCounts,
  others: Iterable<PlacedConsumer>,
): ApiError | null {
  const isInternal = config.direct || config.sourcing;
  const visible = [...others].filter(({ config: other }) => !other.direct && !other.sourcing);
  if (!isInternal) {
    const most = mostConsumers(stream, counts);
    if (most > 0 && visible.length >= most) return apiError("maximumConsumersLimit");
    const problem = stream.retention === "workqueue" ? queueProblem(config, visible) : null;
    if (problem !== null) return problem;
  }
  if (config.durable_name.length > ASSET_NAME_BYTES_MAX)
    return apiError("consumerNameTooLong", { max: ASSET_NAME_BYTES_MAX });
  return null;
}

/** Why a consumer called `name` can't take over these filters; null: it can. Each message of a work queue is for one consumer. */
export function changedFiltersProblem(
  name: string,
  config: ConsumerConfig,
  stream: StreamConfig,
  all: Iterable<PlacedConsumer>,
): ApiError | null {
  if (stream.retention !== "workqueue") return null;
  const others = [...all].filter(
    (other) => other.name !== name && !other.config.direct && !other.config.sourcing,
  );
  if (others.length === 0 || isPartition(config, others)) return null;
  return apiError("consumerWQConsumerNotUnique");
}

/** The tighter of what the stream and the account say; the server's default where neither does. */
function mostConsumers(stream: StreamConfig, counts: ConsumerCounts): number {
  const { accountMaxConsumers, defaultMaxConsumers } = counts;
  const own = stream.max_consumers;
  const isAccountTighter = accountMaxConsumers > 0 && accountMaxConsumers < own;
  const most = own <= 0 || isAccountTighter ? accountMaxConsumers : own;
  return most <= 0 ? defaultMaxConsumers : most;
}

function queueProblem(config: ConsumerConfig, others: readonly PlacedConsumer[]): ApiError | null {
  if (config.ack_policy !== "explicit" && config.ack_policy !== "flow_control")
    return apiError("consumerWQRequiresExplicitAck");
  if (config.deliver_policy !== "all") return apiError("consumerWQConsumerNotDeliverAll");
  if (others.length === 0) return null;
  if (filtersOf(config).length === 0) return apiError("consumerWQMultipleUnfiltered");
  return isPartition(config, others) ? null : apiError("consumerWQConsumerNotUnique");
}

/**
 * Whether no other consumer takes a subject that this one takes. One that loses its filters takes all; the reference
 * lets that pass, and messages go to two consumers then.
 */
function isPartition(config: ConsumerConfig, others: readonly PlacedConsumer[]): boolean {
  const filters = filtersOf(config);
  if (filters.length === 0) return false;
  const set = new PatternSet();
  for (const filter of filters) set.add(filter);
  return others.every(({ config: other }) => {
    const theirs = filtersOf(other);
    return theirs.length > 0 && !theirs.some((filter) => set.collidesWith(filter));
  });
}
