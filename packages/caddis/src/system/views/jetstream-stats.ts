import type { JetStream } from "../../jetstream/jetstream.ts";
import { toNanoseconds } from "../format.ts";

/** The level of the API, which says nothing more of a server without JetStream. */
const API_LEVEL = 5;

/** What the reference shows as its interval where everything is synced at once: that of its own default. */
const SYNC_INTERVAL_MS = 120_000;

/** How much is used and asked. Bytes. Fields stand in the reference's order, as everywhere here; one that is undefined is left out. */
export interface JetStreamStats {
  readonly memory: number;
  readonly storage: number;
  readonly reserved_memory: number | bigint;
  readonly reserved_storage: number | bigint;
  readonly accounts: number;
  readonly ha_assets: 0;
  readonly api: ApiStats;
}

export interface ApiStats {
  readonly level: number;
  readonly total: number;
  readonly errors: number;
  readonly inflight?: number | undefined;
}

export interface JetStreamConfigView {
  readonly max_memory: number;
  readonly max_storage: number;
  readonly store_dir?: string | undefined;
  /** Nanoseconds. */
  readonly sync_interval?: number;
  /** What is acknowledged is synced. */
  readonly sync_always?: true | undefined;
  readonly domain?: string | undefined;
  readonly compress_ok?: true | undefined;
  readonly strict?: true | undefined;
}

/** Bounds for what clients ask for; 0 is left out. Durations are nanoseconds. */
export interface JetStreamLimitsView {
  readonly max_request_batch: number | undefined;
  readonly max_ack_pending: number | undefined;
  readonly max_ha_assets: number | undefined;
  readonly max_duplicate_window: number | undefined;
  readonly max_batch_inflight_per_stream: number | undefined;
  readonly max_batch_inflight_total: number | undefined;
  readonly max_batch_size: number | undefined;
  readonly max_batch_timeout: number | undefined;
  readonly default_max_consumers: number | undefined;
}

export function jetStreamStats({ usage, accounts, api }: JetStream): JetStreamStats {
  return {
    memory: usage.memory,
    storage: usage.store,
    reserved_memory: usage.reservedMemory,
    reserved_storage: usage.reservedStore,
    accounts: accounts.size,
    ha_assets: 0,
    api: {
      level: API_LEVEL,
      total: api.total,
      errors: api.errors,
      inflight: api.inflight || undefined,
    },
  };
}

/** `withFolder`: events leave it out. */
export function jetStreamConfig({ settings, broker }: JetStream, withFolder = true): JetStreamConfigView {
  const { max_memory_store, max_file_store } = broker.options.jetstream;
  const isSynced = settings.syncIntervalMs === 0;
  return {
    max_memory: settings.maxMemory,
    max_storage: settings.maxStore,
    store_dir: withFolder ? settings.folder : undefined,
    sync_interval: toNanoseconds(isSynced ? SYNC_INTERVAL_MS : settings.syncIntervalMs),
    sync_always: isSynced || undefined,
    domain: settings.domain || undefined,
    // The reference forgets it where it works out a limit by itself.
    compress_ok: (max_memory_store > 0 && max_file_store > 0) || undefined,
    strict: settings.strict || undefined,
  };
}

export function jetStreamLimits({ settings }: JetStream): JetStreamLimitsView {
  const { limits } = settings;
  const { batch } = limits;
  return {
    max_request_batch: limits.maxRequestBatch || undefined,
    max_ack_pending: limits.maxAckPending || undefined,
    max_ha_assets: limits.maxHaAssets || undefined,
    max_duplicate_window: toNanoseconds(limits.duplicateWindowMs) || undefined,
    max_batch_inflight_per_stream: batch.maxInflightPerStream || undefined,
    max_batch_inflight_total: batch.maxInflightTotal || undefined,
    max_batch_size: batch.maxMsgs || undefined,
    max_batch_timeout: toNanoseconds(batch.timeoutMs) || undefined,
    default_max_consumers: limits.defaultMaxConsumers || undefined,
  };
}
