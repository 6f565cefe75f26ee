import type { JetStream } from "../jetstream/jetstream.ts";
import { countersBy, type Family, gauge, type Labels } from "./family.ts";
import { Histogram } from "./histogram.ts";

/** Seconds: from what a fast disk takes to what nobody should wait. */
const SYNC_BOUNDS_S = [
  0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5,
];

/** What the exporter has no figure of: durability, and what is wrong. */
export class JetStreamOwnFigures {
  #measured: JetStream | null = null;
  #syncs = new Histogram(SYNC_BOUNDS_S);

  /** From the first time on syncs are measured. */
  families(jetStream: JetStream | null, labels: Labels): Family[] {
    if (jetStream === null) return [];
    this.#measure(jetStream);
    return [
      ...durabilityFamilies(jetStream, labels),
      {
        type: "histogram",
        name: "caddis_jetstream_sync_seconds",
        help: "How long it takes until something is durable on the disk",
        labels,
        distribution: this.#syncs.snapshot(),
      },
      faultFamily(jetStream, labels),
      apiFamily(jetStream, labels),
    ];
  }

  #measure(jetStream: JetStream): void {
    if (this.#measured === jetStream) return;
    this.#measured = jetStream;
    const syncs = (this.#syncs = new Histogram(SYNC_BOUNDS_S));
    jetStream.onSynced = (ms) => syncs.observe(ms / 1_000);
  }
}

function durabilityFamilies({ settings, usage, accounts }: JetStream, labels: Labels): Family[] {
  const { syncIntervalMs } = settings;
  let onDisk = 0;
  for (const { streams } of accounts.values()) {
    for (const { config, store, consumerStore } of streams.values()) {
      if (config.storage === "file") onDisk += store.usedBytes() + consumerStore.usedBytes();
    }
  }
  return [
    gauge(
      "caddis_jetstream_synced_acknowledgements",
      "1 when nothing is acknowledged before it is synced, 0 with a sync_interval",
      labels,
      syncIntervalMs === 0 ? 1 : 0,
    ),
    gauge(
      "caddis_jetstream_sync_interval_seconds",
      "The sync_interval; 0: always",
      labels,
      syncIntervalMs / 1_000,
    ),
    gauge("caddis_jetstream_disk_bytes", "Bytes that files of streams take up", labels, onDisk),
    gauge(
      "caddis_jetstream_reserved_memory_bytes",
      "Promised to streams in memory",
      labels,
      usage.reservedMemory,
    ),
    gauge(
      "caddis_jetstream_reserved_storage_bytes",
      "Promised to streams in files",
      labels,
      usage.reservedStore,
    ),
  ];
}

/** Streams that don't work as they should. */
function faultFamily({ accounts }: JetStream, labels: Labels): Family {
  const counts = { busy: 0, damaged: 0, failed: 0, full: 0, lost: 0 };
  for (const { damaged, streams } of accounts.values()) {
    counts.damaged += damaged.size;
    for (const { store, consumerStore } of streams.values()) {
      if (store.failure !== null) counts[store.failure.kind]++;
      else if (consumerStore.failure !== null) counts.failed++;
      if (store.state.lostCount > 0) counts.lost++;
    }
  }
  const samples = Object.entries(counts).map(([fault, value]) => ({ labels: { ...labels, fault }, value }));
  return {
    type: "gauge",
    name: "caddis_jetstream_faulty_streams",
    help: "Streams that could not be brought back, whose store failed, whose disk is full or opens no file for now, or that lost messages",
    samples,
  };
}

function apiFamily({ api }: JetStream, labels: Labels): Family {
  const counts = new Map([
    ["error", api.errors],
    ["ok", api.total - api.errors],
  ]);
  return countersBy("caddis_jetstream_api_requests", "Requests to the API", labels, "answer", counts);
}
