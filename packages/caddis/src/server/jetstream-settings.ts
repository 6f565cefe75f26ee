import type { Options } from "../config/options.ts";
import type { OpenStorage } from "../io/storage.ts";
import type { JetStreamServerLimits, JetStreamSettings } from "../jetstream/settings.ts";

/** Of what the machine has, where nothing is said; as in the reference. */
const SHARE = 0.75;

/** Blocks read from disk, of all streams together: at most this share of what memory streams may have. */
const CACHE_SHARE = 0.125;
const CACHE_BYTES_MAX = 64 * 1024 * 1024;

/** What options come to on this machine. */
export async function jetStreamSettings(
  options: Options,
  memoryBytes: number,
  { disk, folder }: OpenStorage,
): Promise<JetStreamSettings> {
  const { jetstream } = options;
  const memory = Math.floor(memoryBytes * SHARE);
  const { freeBytes } = await disk.space(folder);
  return {
    ...reloadableSettings(options),
    folder,
    maxMemory: jetstream.max_memory_store < 0 ? memory : jetstream.max_memory_store,
    maxStore: jetstream.max_file_store < 0 ? Math.floor(freeBytes * SHARE) : jetstream.max_file_store,
    domain: jetstream.domain,
    syncIntervalMs: jetstream.sync_interval,
    strict: jetstream.strict,
    encryption:
      jetstream.encryption_key === ""
        ? null
        : {
            cipher: jetstream.cipher,
            key: jetstream.encryption_key,
            previousKey: jetstream.prev_encryption_key,
          },
    cacheBytes: Math.min(Math.floor(memory * CACHE_SHARE), CACHE_BYTES_MAX),
    maxBufferedBytes: jetstream.max_buffered_size,
    maxBufferedMsgs: jetstream.max_buffered_msgs,
    requestQueueLimit: jetstream.request_queue_limit,
    infoQueueLimit: jetstream.info_queue_limit || jetstream.request_queue_limit,
    acksNameAccount: options.feature_flags["js_ack_fc_v2"] ?? false,
  };
}

/** Those that a reload changes whatever the machine has. */
export function reloadableSettings({ jetstream }: Options): { readonly limits: JetStreamServerLimits } {
  const { limits } = jetstream;
  const { batch } = limits;
  return {
    limits: {
      maxAckPending: limits.max_ack_pending,
      maxHaAssets: limits.max_ha_assets,
      maxRequestBatch: limits.max_request_batch,
      defaultMaxConsumers: limits.default_max_consumers,
      duplicateWindowMs: limits.duplicate_window,
      batch: {
        maxInflightPerStream: batch.max_inflight_per_stream,
        maxInflightTotal: batch.max_inflight_total,
        maxMsgs: batch.max_msgs,
        timeoutMs: batch.timeout,
      },
    },
  };
}
