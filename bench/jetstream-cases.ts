import type { BenchmarkCase } from "./cases.ts";
import { consuming, keyValue, manyConsumers, publishing } from "./scenario/jetstream.ts";

/** `jetstream` in a folder that goes with the server. */
function config(syncInterval: string): string {
  const sync = syncInterval === "" ? "" : `, sync_interval: ${syncInterval}`;
  return `jetstream { store_dir: "{folder}/js"${sync} }`;
}

/** Each server as it is without further settings: ours syncs before it acknowledges, the reference every two minutes. */
const DEFAULTS = config("");
/** Both sync before they acknowledge. */
const SYNCED = config("always");
/** Neither does. */
const UNSYNCED = config('"2m"');

/** The cases of JetStream, in the order of the report. */
export const JETSTREAM_CASES: readonly BenchmarkCase[] = [
  {
    name: "js-publish-128",
    description: "async publish, file, 128 B; ours synced, the reference not",
    rateRatioAtLeast: 2.0,
    config: DEFAULTS,
    scenario: publishing({ storage: "file", payloadBytes: 128, window: 4096, perSecond: 300_000 }),
  },
  {
    name: "js-publish-synced-128",
    description: "async publish, file, 128 B, both synced",
    rateRatioAtLeast: 100,
    config: SYNCED,
    scenario: publishing({ storage: "file", payloadBytes: 128, window: 4096, perSecond: 8_000 }),
  },
  ...([16, 128, 1024] as const).map((payloadBytes) => ({
    name: `js-publish-unsynced-${payloadBytes}`,
    description: `async publish, file, ${payloadBytes} B, neither synced`,
    rateRatioAtLeast: payloadBytes === 1024 ? 1.5 : 2.0,
    config: UNSYNCED,
    scenario: publishing({ storage: "file", payloadBytes, window: 4096, perSecond: 300_000 }),
  })),
  {
    name: "js-publish-memory-128",
    description: "async publish, memory, 128 B",
    rateRatioAtLeast: 1.5,
    config: DEFAULTS,
    scenario: publishing({ storage: "memory", payloadBytes: 128, window: 4096, perSecond: 400_000 }),
  },
  {
    name: "js-publish-one",
    description: "publish one at a time, 128 B, both synced",
    rateRatioAtLeast: 1.0,
    config: SYNCED,
    scenario: publishing({ storage: "file", payloadBytes: 128, window: 1, perSecond: 3_500 }),
  },
  {
    name: "js-consume-128",
    description: "pull consumer reads back, 128 B, no acknowledgements",
    rateRatioAtLeast: 1.2,
    config: DEFAULTS,
    scenario: consuming({ acknowledge: false, payloadBytes: 128, batch: 500, perSecond: 400_000 }),
  },
  {
    name: "js-consume-ack-128",
    description: "pull consumer reads back, 128 B, each acknowledged",
    rateRatioAtLeast: 1.2,
    config: DEFAULTS,
    scenario: consuming({ acknowledge: true, payloadBytes: 128, batch: 250, perSecond: 150_000 }),
  },
  {
    name: "js-kv-put",
    description: "key-value puts, 1,000,000 keys",
    rateRatioAtLeast: 1.2,
    config: DEFAULTS,
    scenario: keyValue({ what: "put", keys: 1_000_000, perSecond: 100_000 }),
  },
  {
    name: "js-kv-get",
    description: "key-value gets, 1,000,000 keys",
    rateRatioAtLeast: 1.2,
    config: DEFAULTS,
    scenario: keyValue({ what: "get", keys: 1_000_000, perSecond: 100_000 }),
  },
  {
    name: "js-kv-watch",
    description: "watch of 1,000,000 keys",
    rateRatioAtLeast: 1.2,
    config: DEFAULTS,
    scenario: keyValue({ what: "watch", keys: 1_000_000, perSecond: 400_000 }),
  },
  {
    name: "js-10k-consumers",
    description: "async publish with 10,000 consumers, each with its own filter",
    rateRatioAtLeast: 1.0,
    config: DEFAULTS,
    scenario: manyConsumers({ consumers: 10_000, perSecond: 100_000 }),
  },
];
