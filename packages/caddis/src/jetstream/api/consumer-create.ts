import { compareInstants, instantOf } from "../../base/instant.ts";
import { randomName } from "../../broker/random-name.ts";
import { type ApiError, apiError, type ApiErrorName } from "../core/api-error.ts";
import type { ConsumerConfig } from "../core/consumer-config.ts";
import { consumerConfigProblem } from "../core/consumer-config-check.ts";
import {
  type ConsumerAction,
  consumerConfigOf,
  CREATE_CONSUMER_REQUEST,
} from "../core/consumer-config-decode.ts";
import {
  type ConsumerBounds,
  withConsumerDefaults,
  withThreshold,
} from "../core/consumer-config-defaults.ts";
import { sameConsumerConfig } from "../core/consumer-config-encode.ts";
import { changedFiltersProblem, newConsumerProblem } from "../core/consumer-config-place.ts";
import { consumerUpdateProblem } from "../core/consumer-config-update.ts";
import { consumerApiLevel, storedMetadata, withLevelOf } from "../core/versioning.ts";
import type { Consumer } from "../consumer.ts";
import type { AccountTierLimits } from "../settings.ts";
import type { Stream } from "../stream.ts";
import { kept } from "./consumer-change.ts";
import { consumerFields } from "./consumer-info.ts";
import {
  type ApiAnswer,
  type ApiEndpoint,
  type ApiFailure,
  type ApiRequest,
  findStream,
  isFailure,
  readRequest,
  screenJson,
} from "./endpoint.ts";
import { askedIdentity, identityHeaders, identityOf } from "./stream-identity.ts";

const EPHEMERAL_NAME_LENGTH = 8;

/** What the request's subject says: how it was made tells which rules hold. */
interface CreateSubject {
  readonly form: "unnamed" | "named" | "durable";
  readonly stream: string;
  /** Empty in the unnamed form. */
  readonly consumer: string;
  /** The one filter that may stand behind the name; empty: none. */
  readonly filter: string;
}

interface CreateRequest {
  readonly config: ConsumerConfig;
  readonly action: ConsumerAction;
  readonly isPedantic: boolean;
}

const SCREEN = screenJson(CREATE_CONSUMER_REQUEST);

/** `CONSUMER.CREATE` and `CONSUMER.DURABLE.CREATE`, which make consumers and change them. */
export const CONSUMER_CREATE_ENDPOINTS: readonly ApiEndpoint[] = [
  {
    subject: "CONSUMER.CREATE.*",
    type: "consumer_create",
    screen: SCREEN,
    answer: (request) =>
      answerTo(request, { form: "unnamed", stream: request.names[0], consumer: "", filter: "" }),
  },
  {
    subject: "CONSUMER.CREATE.*.>",
    type: "consumer_create",
    screen: SCREEN,
    answer: (request) => answerTo(request, namedSubject(request.names)),
  },
  {
    subject: "CONSUMER.DURABLE.CREATE.*.*",
    type: "consumer_create",
    screen: SCREEN,
    answer: (request) =>
      answerTo(request, {
        form: "durable",
        stream: request.names[0],
        consumer: request.names[1],
        filter: "",
      }),
  },
];

function namedSubject([stream, rest]: readonly string[]): CreateSubject {
  const dot = rest.indexOf(".");
  if (dot < 0) return { form: "named", stream, consumer: rest, filter: "" };
  return { form: "named", stream, consumer: rest.slice(0, dot), filter: rest.slice(dot + 1) };
}

async function answerTo(request: ApiRequest, subject: CreateSubject): Promise<ApiAnswer> {
  const read = readRequest(request, CREATE_CONSUMER_REQUEST);
  if (isFailure(read)) return read;
  const { fields } = read;
  if (subject.stream !== (fields.stream_name ?? "")) return refused("streamMismatch");
  const named = nameConfig(consumerConfigOf(fields.config ?? {}), subject);
  if (isFailure(named)) return named;
  if (named.num_replicas > 1) return refused("streamReplicasNotSupported");
  const stream = findStream(request);
  if (isFailure(stream)) return stream;
  const config = sourcingConfig(named, stream, request);
  // Who copies a stream wants to know whether it still is the one it knows.
  const identity = config.direct || config.sourcing ? identityOf(stream) : "";
  const expected = askedIdentity(request.received.headers) ?? "";
  if (identity !== "" && expected !== "" && expected !== identity)
    return { error: apiError("consumerStreamIdentityMismatch", { msg: identity }) };
  const done = await createOrUpdate(
    stream,
    { config, action: fields.action ?? "", isPedantic: fields.pedantic ?? false },
    request,
  );
  if (isFailure(done)) return done;
  tellIfPaused(done);
  const answer = { ok: consumerFields(stream.config.name, done) };
  return identity === "" ? answer : { ...answer, headers: identityHeaders(identity) };
}

/** Whoever asks for a consumer that is paused already learns it by its advisory as well. */
function tellIfPaused({ stream, name, config: { pause_until } }: Consumer): void {
  const { account, advisories } = stream.owner;
  if (pause_until === null || compareInstants(pause_until, instantOf(account.broker.clock.nowMs())) <= 0)
    return;
  advisories.consumerPaused(stream.name, name, true, pause_until);
}

/** The configuration with its name settled between subject and body, or why that can't be. */
function nameConfig(config: ConsumerConfig, subject: CreateSubject): ConsumerConfig | ApiFailure {
  const { form, consumer, filter } = subject;
  const { durable_name } = config;
  if (/[\\/]/.test(form === "unnamed" ? config.name : consumer))
    return refused("consumerNameContainsPathSeparators");
  if (form === "durable" && durable_name === "") return refused("consumerDurableNameNotSet");
  if (form !== "unnamed" && durable_name !== "" && consumer !== durable_name)
    return refused("consumerDurableNameNotMatchSubject");
  if (form === "unnamed" && durable_name !== "") return refused("consumerEphemeralWithDurableName");
  if (filter !== "" && config.filter_subjects.length > 0) return refused("consumerMultipleFiltersNotAllowed");
  if (filter !== "" && config.filter_subject !== filter)
    return refused("consumerCreateFilterSubjectMismatch");
  return form === "unnamed" ? config : { ...config, name: consumer };
}

/**
 * A consumer by which another stream copies this one. Where messages stay until they are acknowledged it becomes a
 * durable one that does so; elsewhere it gets a name of its own each time, since the copying stream asks with one name.
 */
function sourcingConfig(config: ConsumerConfig, stream: Stream, { owner }: ApiRequest): ConsumerConfig {
  if (!config.direct || !config.sourcing || config.name === "") return config;
  if (stream.config.retention === "limits")
    return {
      ...config,
      name: `${config.name}-${randomName(owner.account.broker.random, EPHEMERAL_NAME_LENGTH)}`,
    };
  return {
    ...config,
    direct: false,
    durable_name: config.name,
    ack_policy: "flow_control",
    ack_wait: 0,
    max_deliver: 0,
    inactive_threshold: 0,
  };
}

async function createOrUpdate(
  stream: Stream,
  { config: asked, action, isPedantic }: CreateRequest,
  request: ApiRequest,
): Promise<Consumer | ApiFailure> {
  const tier = request.owner.limits.get("") ?? request.owner.limits.get("R1");
  if (tier === undefined) return refused("noLimits");
  const existing = stream.consumers.get(asked.durable_name || asked.name);
  const bounds = boundsOf(request, tier);
  const settled = withConsumerDefaults(
    asLeveled(asPresent(asked, existing)),
    stream.config,
    bounds,
    isPedantic,
  );
  if (isFailure(settled)) return settled;
  const { config } = settled;
  const problem = consumerConfigProblem(config, stream.config, bounds);
  if (problem !== null) return { error: problem };
  if (existing !== undefined) return updateExisting(stream, existing, config, action);
  if (action === "update") return refused("consumerDoesNotExist");
  const counts = {
    accountMaxConsumers: tier.maxConsumers,
    defaultMaxConsumers: request.owner.jetStream.settings.limits.defaultMaxConsumers,
  };
  const conflict = newConsumerProblem(config, stream.config, counts, stream.consumers.values());
  if (conflict !== null) return { error: conflict };
  const created = await stream.createConsumer(withThreshold(config), nameOf(config, stream, request));
  return "err_code" in created ? { error: created } : created;
}

/** An update can't pause, and does not move a durable consumer that copies a stream. */
function asPresent(config: ConsumerConfig, existing: Consumer | undefined): ConsumerConfig {
  if (existing === undefined) return config;
  const { pause_until, deliver_policy, opt_start_seq, opt_start_time } = existing.config;
  if (!config.sourcing || config.durable_name === "") return { ...config, pause_until };
  return { ...config, pause_until, deliver_policy, opt_start_seq, opt_start_time };
}

function asLeveled(config: ConsumerConfig): ConsumerConfig {
  return { ...config, metadata: storedMetadata(config.metadata, consumerApiLevel(config)) };
}

async function updateExisting(
  stream: Stream,
  existing: Consumer,
  config: ConsumerConfig,
  action: ConsumerAction,
): Promise<Consumer | ApiFailure> {
  const now = existing.config;
  // The level is the server's: a consumer made by an older one is still the same.
  const leveled = { ...config, metadata: withLevelOf(config.metadata, now.metadata) };
  if (action === "create" && !sameConsumerConfig(leveled, now)) return refused("consumerAlreadyExists");
  const next = action === "create" ? leveled : config;
  const problem: ApiError | null =
    changedFiltersProblem(existing.name, next, stream.config, stream.consumers.values()) ??
    consumerUpdateProblem(now, next, isListenedTo(stream, now.deliver_subject));
  if (problem !== null) return { error: problem };
  const settled = withThreshold(next);
  // Clients create what they need each time they start; but one that copies a stream begins anew then.
  if (!settled.sourcing && sameConsumerConfig(settled, now)) return existing;
  const failure = await kept(stream.updateConsumer(existing, settled), "consumerStoreFailed");
  return failure ?? existing;
}

function isListenedTo({ owner }: Stream, subject: string): boolean {
  return subject !== "" && !owner.account.sublist.matchApart(subject).isEmpty;
}

/** Its own, or one by chance, which its configuration does not show. */
function nameOf({ durable_name, name }: ConsumerConfig, stream: Stream, { owner }: ApiRequest): string {
  if (durable_name !== "" || name !== "") return durable_name || name;
  for (;;) {
    const free = randomName(owner.account.broker.random, EPHEMERAL_NAME_LENGTH);
    if (!stream.consumers.has(free)) return free;
  }
}

function boundsOf({ owner }: ApiRequest, tier: AccountTierLimits): ConsumerBounds {
  const { limits } = owner.jetStream.settings;
  return {
    serverMaxAckPending: limits.maxAckPending,
    serverMaxRequestBatch: limits.maxRequestBatch,
    accountMaxAckPending: tier.maxAckPending,
  };
}

function refused(name: ApiErrorName): ApiFailure {
  return { error: apiError(name) };
}
