import { formatInstant, GO_ZERO_TIME, type Instant, instantOf, isGoZeroTime } from "../../base/instant.ts";
import type { Consumer } from "../consumer.ts";
import { apiError } from "../core/api-error.ts";
import { isGroupName } from "../core/consumer-config-check.ts";
import { decodeRequest, isEmptyRequest, isObjectOrArray, objectOf } from "../core/json-fields.ts";
import { consumerApiLevel, storedMetadata } from "../core/versioning.ts";
import type { Stream } from "../stream.ts";
import { kept } from "./consumer-change.ts";
import { consumerFields } from "./consumer-info.ts";
import {
  type ApiAnswer,
  type ApiEndpoint,
  type ApiFailure,
  type ApiFields,
  type ApiRequest,
  clusterEndpoint,
  findStream,
  isFailure,
  readRequest,
  type RequestScreen,
  screenJson,
} from "./endpoint.ts";
import { askedIdentity, identityHeaders, identityOf } from "./stream-identity.ts";

const PAUSE_REQUEST = objectOf("JSApiConsumerPauseRequest", { pause_until: "time" });
const UNPIN_REQUEST = objectOf("JSApiConsumerUnpinRequest", { group: "string" });
const RESET_REQUEST = objectOf("JSApiConsumerResetRequest", { seq: "uint64" });
const NS_PER_MS = 1_000_000;

const SCREEN_EMPTY: RequestScreen = {
  isBeforeLevel: true,
  problem: (payload) => (isEmptyRequest(payload) ? null : apiError("notEmptyRequest")),
};

const SCREEN_UNPIN: RequestScreen = {
  isBeforeLevel: false,
  problem: (payload) => {
    const group = groupOf(payload);
    return typeof group === "string" ? null : group.error;
  },
};

/** What is asked of one consumer that is there, but for its messages. */
export const CONSUMER_ENDPOINTS: readonly ApiEndpoint[] = [
  { subject: "CONSUMER.INFO.*.*", type: "consumer_info", isInfo: true, screen: SCREEN_EMPTY, answer: tell },
  { subject: "CONSUMER.DELETE.*.*", type: "consumer_delete", answer: remove },
  {
    subject: "CONSUMER.PAUSE.*.*",
    type: "consumer_pause",
    fieldsOfErrors: { paused: false, pause_until: GO_ZERO_TIME },
    screen: screenJson(PAUSE_REQUEST, true),
    answer: pause,
  },
  { subject: "CONSUMER.UNPIN.*.*", type: "consumer_unpin", screen: SCREEN_UNPIN, answer: unpin },
  {
    subject: "CONSUMER.RESET.*.*",
    type: "consumer_reset",
    quiet: "all",
    fieldsOfErrors: { reset_seq: 0 },
    answer: reset,
  },
  clusterEndpoint("CONSUMER.LEADER.STEPDOWN.*.*", "consumer_leader_stepdown"),
  clusterEndpoint("CONSUMER.PEER.REMOVE.*.*", "consumer_remove_peer"),
  clusterEndpoint("CONSUMER.PEER.EVACUATE.*.*", "consumer_evacuate_peer"),
];

interface Found {
  readonly stream: Stream;
  readonly consumer: Consumer;
}

/** The consumer that the subject names, or the error to answer with. */
function find(request: ApiRequest): Found | ApiFailure {
  const stream = findStream(request);
  if (isFailure(stream)) return stream;
  const consumer = stream.consumers.get(request.names[1]);
  return consumer === undefined ? { error: apiError("consumerNotFound") } : { stream, consumer };
}

/** Why a consumer is left to a newer server, and its stream with it; null: it is not. */
function reasonOffline({ owner, names: [stream, consumer] }: ApiRequest): string | null {
  return owner.damaged.get(stream)?.newer?.consumers.get(consumer) ?? null;
}

function tell(request: ApiRequest): ApiAnswer {
  if (!isEmptyRequest(request.received.payload)) return { error: apiError("notEmptyRequest") };
  const offline = reasonOffline(request);
  if (offline !== null) return { error: apiError("consumerOfflineReason", { err: offline }) };
  const found = find(request);
  return isFailure(found) ? found : { ok: fieldsOf(found) };
}

async function remove(request: ApiRequest): Promise<ApiAnswer> {
  if (!isEmptyRequest(request.received.payload)) return { error: apiError("notEmptyRequest") };
  const found = find(request);
  if (isFailure(found)) return found;
  const failure = await kept(found.stream.deleteConsumer(found.consumer), "streamGeneralError");
  return failure ?? { ok: { success: true } };
}

/** Until a time, or no longer. What is no JSON ends a pause, as in the reference. */
async function pause(request: ApiRequest): Promise<ApiAnswer> {
  let until: Instant | null = null;
  if (isObjectOrArray(request.received.payload)) {
    const read = readRequest(request, PAUSE_REQUEST);
    if (isFailure(read)) return read;
    until = read.fields.pause_until ?? null;
    if (until !== null && isGoZeroTime(until)) until = null;
  }
  const found = find(request);
  if (isFailure(found)) return found;
  const { stream, consumer } = found;
  const paused = { ...consumer.config, pause_until: until };
  const metadata = storedMetadata(paused.metadata, consumerApiLevel(paused));
  const failure = await kept(stream.updateConsumer(consumer, { ...paused, metadata }), "consumerStoreFailed");
  if (failure !== null) return failure;
  const remaining = until === null ? 0 : nanosecondsUntil(until, request);
  return {
    ok: {
      paused: remaining > 0,
      pause_until: until === null ? GO_ZERO_TIME : formatInstant(until),
      pause_remaining: remaining > 0 ? remaining : undefined,
    },
  };
}

function nanosecondsUntil(until: Instant, { owner }: ApiRequest): number {
  const now = instantOf(owner.account.broker.clock.nowMs());
  return (until.ms - now.ms) * NS_PER_MS + until.ns - now.ns;
}

function unpin(request: ApiRequest): ApiAnswer {
  const group = groupOf(request.received.payload);
  if (typeof group !== "string") return group;
  const found = find(request);
  if (isFailure(found)) return found;
  if (!found.consumer.config.priority_groups.includes(group))
    return { error: apiError("consumerInvalidPriorityGroup") };
  found.consumer.unpin(group);
  return { ok: {} };
}

/** The priority group that is named, or what is wrong with the name. */
function groupOf(payload: Uint8Array): string | ApiFailure {
  if (payload.length === 0)
    return { error: apiError("invalidJSON", { err: "unexpected end of JSON input" }) };
  const decoded = decodeRequest(payload, UNPIN_REQUEST, false);
  if ("problem" in decoded) return { error: apiError("invalidJSON", { err: decoded.problem }) };
  const group = decoded.fields.group ?? "";
  if (group === "") return { error: apiError("invalidJSON", { err: "consumer group not specified" }) };
  return isGroupName(group) ? group : { error: apiError("consumerInvalidGroupName") };
}

/** Begins anew behind a sequence, or behind what is acknowledged. Where there is no such consumer nobody answers. */
async function reset(request: ApiRequest): Promise<ApiAnswer> {
  const found = find(request);
  if (isFailure(found) || request.received.reply === "") return null;
  const { payload, headers } = request.received;
  const decoded = decodeRequest(payload, RESET_REQUEST, false);
  if ("problem" in decoded) return { error: apiError("invalidJSON", { err: decoded.problem }) };
  const done = await found.consumer.reset(decoded.fields.seq ?? 0);
  if ("problem" in done) return { error: apiError("consumerInvalidReset", { err: done.problem }) };
  const answer = { ok: { ...fieldsOf(found), reset_seq: done.seq } };
  return askedIdentity(headers) !== null
    ? { ...answer, headers: identityHeaders(identityOf(found.stream)) }
    : answer;
}

function fieldsOf({ stream, consumer }: Found): ApiFields {
  return consumerFields(stream.config.name, consumer);
}
