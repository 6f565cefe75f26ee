import { hasWildcard, isValidConfiguredSubject } from "../../subject/subject.ts";
import { isSubset } from "../../subject/overlap.ts";
import { type ApiError, apiError } from "./api-error.ts";
import { DESCRIPTION_BYTES_MAX, isAssetName, METADATA_BYTES_MAX, metadataBytes } from "./asset-name.ts";
import type { ConsumerConfig } from "./consumer-config.ts";
import { type ConsumerBounds, FLOW_CONTROL_HEARTBEAT_NS } from "./consumer-config-defaults.ts";
import { startProblem } from "./consumer-config-start.ts";
import { goDuration } from "./go-duration.ts";
import { PatternSet } from "./pattern-set.ts";
import { samplingProblem } from "./sample-frequency.ts";
import type { StreamConfig } from "./stream-config.ts";

const MILLISECOND_NS = 1_000_000;
const HEARTBEAT_MIN_NS = 100 * MILLISECOND_NS;
const EXPIRES_MIN_NS = MILLISECOND_NS;
const GROUP_NAME = /^[a-zA-Z0-9/_=-]{1,16}$/;

/** Whether a name can be that of a priority group. */
export function isGroupName(name: string): boolean {
  return GROUP_NAME.test(name);
}

/** The filters of a consumer, whichever field they came in; empty: it takes every subject. */
export function filtersOf(config: ConsumerConfig): readonly string[] {
  return config.filter_subject === ""
    ? config.filter_subjects
    : [...config.filter_subjects, config.filter_subject];
}

/**
 * What is wrong with the configuration of a consumer that has its defaults; null: nothing. The order of the checks
 * and their texts are the reference's. What depends on the stream's other consumers is not looked at here.
 */
export function consumerConfigProblem(
  config: ConsumerConfig,
  stream: StreamConfig,
  bounds: ConsumerBounds,
): ApiError | null {
  return (
    nameProblem(config) ??
    replicasProblem(config, stream) ??
    ackProblem(config) ??
    (config.deliver_subject === "" ? pullProblem(config, stream, bounds) : pushProblem(config, stream)) ??
    limitProblem(config, stream, bounds) ??
    directProblem(config) ??
    filterProblem(config) ??
    startProblem(config) ??
    samplingProblem(config.sample_freq) ??
    restProblem(config) ??
    groupProblem(config) ??
    (stream.placement === null || stream.placement.preferred === ""
      ? null
      : apiError("streamInvalidConfig", { err: "preferred server not permitted in placement" }))
  );
}

function nameProblem({ name, durable_name }: ConsumerConfig): ApiError | null {
  const text = "name can not contain '.', '*', '>', '\\', '/'";
  if (name !== "" && !isAssetName(name)) return apiError("streamInvalidConfig", { err: `consumer ${text}` });
  if (durable_name !== "" && !isAssetName(durable_name))
    return apiError("streamInvalidConfig", { err: `consumer durable ${text}` });
  return null;
}

function replicasProblem({ num_replicas }: ConsumerConfig, stream: StreamConfig): ApiError | null {
  if (num_replicas > stream.num_replicas) return apiError("consumerReplicasExceedsStream");
  if (num_replicas < 0) return apiError("replicasCountCannotBeNegative");
  if (stream.retention !== "limits" && num_replicas !== 0 && num_replicas !== stream.num_replicas)
    return apiError("consumerReplicasShouldMatchStream");
  return null;
}

function ackProblem(config: ConsumerConfig): ApiError | null {
  if (config.backoff.some((wait) => wait < 0)) return apiError("consumerBackOffNegative");
  if (config.ack_wait < 0) return apiError("consumerAckWaitNegative");
  if (config.ack_policy === "flow_control") {
    const problem = flowControlProblem(config);
    if (problem !== null) return problem;
  }
  if (config.max_deliver !== -1 && config.backoff.length > config.max_deliver)
    return apiError("consumerMaxDeliverBackoff");
  if (Buffer.byteLength(config.description) > DESCRIPTION_BYTES_MAX)
    return apiError("consumerDescriptionTooLong", { max: DESCRIPTION_BYTES_MAX });
  return null;
}

function flowControlProblem(config: ConsumerConfig): ApiError | null {
  if (config.deliver_subject === "") return apiError("consumerAckFCRequiresPush");
  if (!config.flow_control) return apiError("consumerAckFCRequiresFC");
  if (config.idle_heartbeat !== FLOW_CONTROL_HEARTBEAT_NS)
    return apiError("streamInvalidConfig", { err: "flow control ack policy heartbeat needs to be 1s" });
  if (config.max_ack_pending <= 0) return apiError("consumerAckFCRequiresMaxAckPending");
  if (config.ack_wait !== 0 || config.backoff.length > 0) return apiError("consumerAckFCRequiresNoAckWait");
  if (config.max_deliver > 0) return apiError("consumerAckFCRequiresNoMaxDeliver");
  return null;
}

function pushProblem(config: ConsumerConfig, stream: StreamConfig): ApiError | null {
  const { deliver_subject, idle_heartbeat } = config;
  if (hasWildcard(deliver_subject)) return apiError("consumerDeliverToWildcards");
  if (!isValidConfiguredSubject(deliver_subject)) return apiError("consumerInvalidDeliverSubject");
  if (stream.subjects.some((subject) => isSubset(deliver_subject, subject)))
    return apiError("consumerDeliverCycle");
  if (config.max_waiting !== 0) return apiError("consumerPushMaxWaiting");
  if (config.max_ack_pending > 0 && config.ack_policy === "none")
    return apiError("consumerMaxPendingAckPolicyRequired");
  if (idle_heartbeat > 0 && idle_heartbeat < HEARTBEAT_MIN_NS) return apiError("consumerSmallHeartbeat");
  return null;
}

function pullProblem(config: ConsumerConfig, stream: StreamConfig, bounds: ConsumerBounds): ApiError | null {
  if (config.ack_policy === "none" && stream.retention === "workqueue")
    return apiError("consumerPullRequiresAck");
  if (config.rate_limit_bps > 0) return apiError("consumerPullWithRateLimit");
  if (config.idle_heartbeat > 0) return apiError("consumerHBRequiresPush");
  if (config.flow_control) return apiError("consumerFCRequiresPush");
  if (config.max_expires !== 0 && config.max_expires < EXPIRES_MIN_NS)
    return apiError("consumerMaxRequestExpiresTooSmall");
  const limit = bounds.serverMaxRequestBatch;
  if (limit > 0 && config.max_batch > limit) return apiError("consumerMaxRequestBatchExceeded", { limit });
  return null;
}

function limitProblem(config: ConsumerConfig, stream: StreamConfig, bounds: ConsumerBounds): ApiError | null {
  const { max_ack_pending, inactive_threshold } = stream.consumer_limits;
  for (const limit of [bounds.serverMaxAckPending, bounds.accountMaxAckPending, max_ack_pending]) {
    if (limit > 0 && config.max_ack_pending > limit)
      return apiError("consumerMaxPendingAckExcess", { limit });
  }
  if (inactive_threshold > 0 && config.inactive_threshold > inactive_threshold)
    return apiError("consumerInactiveThresholdExcess", { limit: goDuration(inactive_threshold) });
  return null;
}

function directProblem(config: ConsumerConfig): ApiError | null {
  if (!config.direct) return null;
  if (config.deliver_subject === "") return apiError("consumerDirectRequiresPush");
  return config.durable_name === "" ? null : apiError("consumerDirectRequiresEphemeral");
}

function filterProblem(config: ConsumerConfig): ApiError | null {
  const { filter_subject, filter_subjects } = config;
  const malformed = (): ApiError => apiError("streamInvalidConfig", { err: "invalid subject" });
  if (filter_subject !== "" && filter_subjects.length > 0) return apiError("consumerDuplicateFilterSubjects");
  if (filter_subject !== "" && !isValidConfiguredSubject(filter_subject)) return malformed();
  if (filter_subjects.includes("")) return apiError("consumerEmptyFilter");
  return filtersProblem(filtersOf(config), malformed);
}

/** The first filter in the list that is malformed or under another decides, as in the reference. */
function filtersProblem(filters: readonly string[], malformed: () => ApiError): ApiError | null {
  const set = new PatternSet();
  const twice = new Set<string>();
  for (const filter of filters) if (!set.add(filter)) twice.add(filter);
  for (const filter of filters) {
    if (!isValidConfiguredSubject(filter)) return malformed();
    if (twice.has(filter) || set.coversByAnother(filter))
      return apiError("consumerOverlappingSubjectFilters");
  }
  return null;
}

function restProblem(config: ConsumerConfig): ApiError | null {
  if (config.flow_control && config.idle_heartbeat === 0)
    return apiError("consumerWithFlowControlNeedsHeartbeats");
  if (config.durable_name !== "" && config.name !== "" && config.name !== config.durable_name)
    return apiError("consumerCreateDurableAndNameMismatch");
  if (metadataBytes(config.metadata) > METADATA_BYTES_MAX)
    return apiError("consumerMetadataLength", { limit: `${METADATA_BYTES_MAX / 1024}KB` });
  return null;
}

function groupProblem(config: ConsumerConfig): ApiError | null {
  const { priority_policy, priority_groups } = config;
  if (priority_policy === "") {
    if (priority_groups.length > 0) return apiError("consumerPriorityGroupWithPolicyNone");
    return config.priority_timeout > 0 ? apiError("consumerPinnedTTLWithoutPriorityPolicyNone") : null;
  }
  if (config.deliver_subject !== "") return apiError("consumerPushWithPriorityGroup");
  if (priority_groups.length === 0) return apiError("consumerPriorityPolicyWithoutGroup");
  for (const group of priority_groups) {
    if (group === "") return apiError("consumerEmptyGroupName");
    if (!isGroupName(group)) return apiError("consumerInvalidGroupName");
  }
  return null;
}
