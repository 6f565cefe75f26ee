import type { JetStreamAccount } from "./account.ts";
import { type ApiError, apiError } from "./core/api-error.ts";
import { PatternSet } from "./core/pattern-set.ts";
import type { StreamConfig } from "./core/stream-config.ts";
import type { AccountTierLimits } from "./settings.ts";

/** The tier that a stream counts in: "" where an account has but one set of limits. */
export function tierNameOf(limits: ReadonlyMap<string, AccountTierLimits>, replicas: number): string {
  return limits.has("") ? "" : `R${Math.max(replicas, 1)}`;
}

/** Why an account may not have a stream like this one besides those it has; null: it may. In the reference's order. */
export function refusalOfStream(owner: JetStreamAccount, config: StreamConfig): ApiError | null {
  const limits = owner.tierOf(config);
  if (limits === null) return apiError("noLimits");
  const others = inSameTier(owner, config);
  if (limits.maxStreams > 0 && others.length >= limits.maxStreams) return apiError("maximumStreamsLimit");
  return (
    refusalOfBounds(limits, others, config) ?? owner.jetStream.mayReserve(config.storage, config.max_bytes)
  );
}

/** Why a stream may not become like this; null: it may. */
export function refusalOfChange(
  owner: JetStreamAccount,
  before: StreamConfig,
  after: StreamConfig,
): ApiError | null {
  const limits = owner.tierOf(after);
  if (limits === null) return apiError("noLimits");
  // Whoever asks for no more than before has it already.
  const grows =
    Math.max(after.max_bytes, 0) > Math.max(before.max_bytes, 0) ||
    (after.max_consumers > 0 && after.max_consumers !== before.max_consumers);
  const refused = grows
    ? (refusalOfBounds(limits, inSameTier(owner, after), after) ??
      owner.jetStream.mayReserve(after.storage, after.max_bytes, before.max_bytes))
    : null;
  return refused ?? refusalByOverlap(owner, after);
}

/** Whether another stream of the account takes some of the same subjects. */
export function refusalByOverlap(owner: JetStreamAccount, config: StreamConfig): ApiError | null {
  const subjects = new PatternSet();
  for (const subject of config.subjects) subjects.add(subject);
  for (const other of owner.configs()) {
    if (other.name === config.name) continue;
    if (other.subjects.some((taken) => subjects.collidesWith(taken))) return apiError("streamSubjectOverlap");
  }
  return null;
}

function refusalOfBounds(
  limits: AccountTierLimits,
  others: readonly StreamConfig[],
  config: StreamConfig,
): ApiError | null {
  if (limits.maxConsumers > 0 && config.max_consumers > limits.maxConsumers)
    return apiError("maximumConsumersLimit");
  const isMemory = config.storage === "memory";
  const most = isMemory ? limits.maxMemory : limits.maxStore;
  if (most < 0) return null;
  let reserved = 0;
  for (const { storage, max_bytes } of others)
    if (storage === config.storage) reserved += Math.max(max_bytes, 0);
  // A stream without a bound asks for room at all.
  const wanted = config.max_bytes < 0 ? 1 : config.max_bytes;
  if (reserved + wanted <= most) return null;
  return apiError(isMemory ? "memoryResourcesExceeded" : "storageResourcesExceeded");
}

function inSameTier(owner: JetStreamAccount, config: StreamConfig): StreamConfig[] {
  const tier = tierNameOf(owner.limits, config.num_replicas);
  const others: StreamConfig[] = [];
  for (const other of owner.configs())
    if (other.name !== config.name && tierNameOf(owner.limits, other.num_replicas) === tier)
      others.push(other);
  return others;
}
