import { formatInstant, GO_ZERO_TIME, type Instant } from "../../base/instant.ts";
import { fromWireString } from "../../subject/subject.ts";
import type { ConsumerConfig } from "../core/consumer-config.ts";
import { encodeConsumerConfig } from "../core/consumer-config-encode.ts";
import { shownMetadata } from "../core/versioning.ts";
import type { ApiFields } from "./endpoint.ts";

/** How far a consumer is with deliveries, or acknowledgements. */
interface ConsumerProgress {
  readonly consumerSeq: number;
  readonly streamSeq: number;
  /** Null: nothing happened yet. */
  readonly lastActive: Instant | null;
}

/** How it stands with a consumer. */
export interface ConsumerInfo {
  readonly delivered: ConsumerProgress;
  readonly ackFloor: ConsumerProgress;
  readonly numAckPending: number;
  readonly numRedelivered: number;
  /** Pull requests. */
  readonly numWaiting: number;
  readonly numPending: number;
  /** Somebody listens to its deliver subject. */
  readonly isPushBound: boolean;
  /** How much longer it is paused, in nanoseconds; 0: it is not. */
  readonly pauseRemaining: number;
  /** When this was gathered. */
  readonly at: Instant;
  readonly priorityGroups: readonly PriorityGroupInfo[];
}

interface PriorityGroupInfo {
  readonly group: string;
  /** Empty: nobody is pinned. */
  readonly pinnedId: string;
  /** Null: nobody ever was. */
  readonly pinnedAt: Instant | null;
}

/** A consumer, as answers tell about it. Names are wire strings. */
export interface ShownConsumer {
  readonly name: string;
  readonly config: ConsumerConfig;
  readonly created: Instant;
  info(): ConsumerInfo;
}

/**
 * The fields of an answer about a consumer, in the reference's order. `isListed`: in a list, where the metadata does
 * not say which server answers.
 */
export function consumerFields(stream: string, consumer: ShownConsumer, isListed = false): ApiFields {
  const { config } = consumer;
  const info = consumer.info();
  const shown = isListed ? config : { ...config, metadata: shownMetadata(config.metadata) };
  return {
    stream_name: fromWireString(stream),
    name: fromWireString(consumer.name),
    created: formatInstant(consumer.created),
    config: encodeConsumerConfig(shown),
    delivered: progressFields(info.delivered),
    ack_floor: progressFields(info.ackFloor),
    num_ack_pending: info.numAckPending,
    // With one delivery per message there are none, whatever was given up.
    num_redelivered: config.max_deliver === 1 ? 0 : info.numRedelivered,
    num_waiting: info.numWaiting,
    num_pending: info.numPending,
    push_bound: info.isPushBound || undefined,
    paused: info.pauseRemaining > 0 || undefined,
    pause_remaining: info.pauseRemaining > 0 ? info.pauseRemaining : undefined,
    ts: formatInstant(info.at),
    priority_groups: info.priorityGroups.length > 0 ? info.priorityGroups.map(groupFields) : undefined,
  };
}

function progressFields({ consumerSeq, streamSeq, lastActive }: ConsumerProgress): ApiFields {
  return {
    consumer_seq: consumerSeq,
    stream_seq: streamSeq,
    last_active: lastActive === null ? undefined : formatInstant(lastActive),
  };
}

function groupFields({ group, pinnedId, pinnedAt }: PriorityGroupInfo): ApiFields {
  return {
    group,
    pinned_client_id: pinnedId || undefined,
    pinned_ts: pinnedAt === null ? GO_ZERO_TIME : formatInstant(pinnedAt),
  };
}
