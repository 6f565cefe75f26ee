import type { ConsumerStore } from "../store/consumer-store.ts";
import { openConsumerLog } from "../store/consumer-log.ts";
import { openFileStore } from "../store/file/file-store.ts";
import { MemoryConsumerStore } from "../store/memory/consumer-store.ts";
import { MemoryStreamStore } from "../store/memory/memory-store.ts";
import type { StreamStore, SyncPolicy } from "../store/stream-store.ts";
import type { JetStreamAccount } from "./account.ts";
import type { StreamConfig } from "./core/stream-config.ts";
import type { JetStreamSettings } from "./settings.ts";
import type { StreamFolder } from "./stream-folder.ts";

/** How much of what a stream with `persist_mode: async` has acknowledged may be lost, unless the server allows more. */
const ASYNC_SYNC_MS = 1_000;

/** Bytes of the secret that keeps publishers from choosing subjects which collide. */
const HASH_BASIS_BYTES = 4;

/** What a stream keeps its messages and its consumers in. */
export interface StreamStores {
  readonly messages: StreamStore;
  readonly consumers: ConsumerStore;
}

/** Opens the stores of a stream, and makes them where there are none; `folder` null: in memory. Rejects when they can't be read. */
export function openStores(
  owner: JetStreamAccount,
  config: StreamConfig,
  folder: StreamFolder | null,
): Promise<StreamStores> {
  return folder === null ? Promise.resolve(memoryStores(owner, config)) : openFiles(owner, config, folder);
}

function memoryStores({ account }: JetStreamAccount, { first_seq }: StreamConfig): StreamStores {
  const hashBasis = Buffer.from(account.broker.random.bytes(HASH_BASIS_BYTES)).readInt32LE();
  return {
    messages: new MemoryStreamStore({ firstSeq: first_seq, hashBasis }),
    consumers: new MemoryConsumerStore(),
  };
}

async function openFiles(
  owner: JetStreamAccount,
  config: StreamConfig,
  folder: StreamFolder,
): Promise<StreamStores> {
  const { account, jetStream } = owner;
  const { clock, timers, random, log } = account.broker;
  const { disk, encryption, settings } = jetStream;
  const sync = syncPolicy(settings, config);
  const report = (damage: string): void =>
    log.error(`JetStream stream '${account.name} > ${config.name}': ${damage}`);
  const messages = await openFileStore(disk, folder.messages, {
    sync,
    keys: encryption?.keys ?? null,
    cache: jetStream.blockCache,
    clock,
    timers,
    random,
    report,
    firstSeq: config.first_seq,
    compresses: config.compression === "s2",
  });
  try {
    await folder.renew();
    const { name: stream } = folder;
    const options = { sync, timers, report, encryption, stream };
    return { messages, consumers: await openConsumerLog(disk, folder.consumers, options) };
  } catch (error) {
    await messages.close();
    throw error;
  }
}

function syncPolicy({ syncIntervalMs }: JetStreamSettings, { persist_mode }: StreamConfig): SyncPolicy {
  return { intervalMs: persist_mode === "async" ? Math.max(syncIntervalMs, ASYNC_SYNC_MS) : syncIntervalMs };
}
