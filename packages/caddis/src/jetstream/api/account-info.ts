import type { JetStreamAccount } from "../account.ts";
import type { Storage, StreamConfig } from "../core/stream-config.ts";
import { API_LEVEL } from "../core/versioning.ts";
import type { AccountTierLimits } from "../settings.ts";
import type { ApiAnswer, ApiEndpoint, ApiFields, ApiRequest } from "./endpoint.ts";

export const ACCOUNT_INFO: ApiEndpoint = {
  subject: "INFO",
  type: "account_info",
  isInfo: true,
  answer: ({ owner, counts }: ApiRequest): ApiAnswer => ({
    ok: accountInfoFields(owner, counts),
  }),
};

/** A stream, as far as it counts. */
interface Counted {
  /** Null: it can't be read. */
  readonly config: StreamConfig | null;
  readonly bytes: number;
  readonly consumers: number;
}

/** What an account uses and may use, in the reference's order of fields. */
function accountInfoFields(
  owner: JetStreamAccount,
  { total, errors }: { readonly total: number; readonly errors: number },
): ApiFields {
  const streams = [...counted(owner)];
  const limits = owner.limits.get("");
  return {
    ...tierFields(streams, limits),
    domain: owner.jetStream.domain || undefined,
    api: { level: API_LEVEL, total, errors },
    tiers: limits === undefined ? tiersField(owner, streams) : undefined,
  };
}

/** Streams that are offline are there, too: what they take up is not known. */
function* counted({ streams, damaged }: JetStreamAccount): Generator<Counted> {
  for (const { config, store, consumers } of streams.values())
    yield { config, bytes: store.state.bytes, consumers: consumers.size };
  for (const { newer } of damaged.values())
    yield { config: newer?.config ?? null, bytes: 0, consumers: newer?.consumers.size ?? 0 };
}

/** By name; what there are streams of but no limits for is shown as well. */
function tiersField({ limits }: JetStreamAccount, streams: readonly Counted[]): ApiFields | undefined {
  const names = new Set([...limits.keys(), ...streams.map(tierOf).filter((name) => name !== null)]);
  if (names.size === 0) return undefined;
  const tiers = [...names].sort().map((name) => {
    const members = streams.filter((stream) => tierOf(stream) === name);
    return [name, tierFields(members, limits.get(name))] as const;
  });
  return Object.fromEntries(tiers);
}

function tierOf({ config }: Counted): string | null {
  return config === null ? null : `R${config.num_replicas}`;
}

function tierFields(streams: readonly Counted[], limits: AccountTierLimits | undefined): ApiFields {
  return {
    memory: usedBytes(streams, "memory"),
    storage: usedBytes(streams, "file"),
    reserved_memory: reservedBytes(streams, "memory"),
    reserved_storage: reservedBytes(streams, "file"),
    streams: streams.length,
    consumers: streams.reduce((count, { consumers }) => count + consumers, 0),
    limits: limitsFields(limits),
  };
}

function usedBytes(streams: readonly Counted[], storage: Storage): number {
  return streams
    .filter(({ config }) => config?.storage === storage)
    .reduce((sum, { bytes }) => sum + bytes, 0);
}

/** What streams may take up by their `max_bytes`. */
function reservedBytes(streams: readonly Counted[], storage: Storage): number {
  return streams
    .filter(({ config }) => config?.storage === storage)
    .reduce((sum, { config }) => sum + Math.max(config?.max_bytes ?? 0, 0), 0);
}

/** Undefined: none are said, which the reference shows as zeros. */
function limitsFields(limits: AccountTierLimits | undefined): ApiFields {
  return {
    max_memory: limits?.maxMemory ?? 0,
    max_storage: limits?.maxStore ?? 0,
    max_streams: limits?.maxStreams ?? 0,
    max_consumers: limits?.maxConsumers ?? 0,
    max_ack_pending: limits?.maxAckPending ?? 0,
    memory_max_stream_bytes: limits?.memoryMaxStreamBytes ?? 0,
    storage_max_stream_bytes: limits?.storeMaxStreamBytes ?? 0,
    max_bytes_required: limits?.maxBytesRequired ?? false,
  };
}
