import type { Consumer } from "../jetstream/consumer.ts";
import type { JetStream } from "../jetstream/jetstream.ts";
import type { Stream } from "../jetstream/stream.ts";
import { fromWireString } from "../subject/subject.ts";
import { nearLimit } from "./facts.ts";
import type { ServerFindingKind } from "./finding.ts";
import { listed } from "./listed.ts";

/** Streams that are looked at in one step. */
const STREAMS_PER_STEP = 1_024;

/** Consumers that are looked at in one step: each may have to look for its next message. */
const CONSUMERS_PER_STEP = 32;

/** What may be said about JetStream. */
export const JETSTREAM_FINDINGS: readonly ServerFindingKind[] = [
  {
    number: 601,
    severity: "error",
    title: "A stream stores nothing any more",
    remedy:
      "Writing or syncing failed: look at the disk and the system's log, then restart the server. Nothing is acknowledged that may be lost.",
    find: ofStreams((stream) => failureOf(stream, true)),
  },
  {
    number: 602,
    severity: "error",
    title: "A stream can't write to its disk for now",
    remedy:
      "Disk full: make room, or purge streams, and set max_file_store below what the disk has. Too many open files: raise the limit (ulimit -n). Publishing goes on by itself.",
    find: ofStreams((stream) => failureOf(stream, false)),
  },
  {
    number: 603,
    severity: "error",
    title: "A stream could not be brought back",
    remedy:
      "Its files are untouched. Look at them with caddis store verify. Then stop the server, mend them with caddis store repair, or move them away, and start it again; what was moved away is restored from a backup.",
    find: ({ jetStream = null }) => {
      const owners = jetStream === null ? [] : [...jetStream.accounts.values()];
      return listed(
        owners.flatMap(({ account, damaged }) =>
          [...damaged.values()].map(
            ({ name, reason }) => `${account.logName} > ${fromWireString(name)}: ${reason}`,
          ),
        ),
      );
    },
  },
  {
    number: 604,
    severity: "error",
    title: "A stream has lost messages to damage on the disk",
    remedy:
      "Their sequences count as deleted, all others are intact. Look at the disk, and publish what was lost again where you can.",
    find: ofStreams(({ store }) => {
      const { lostCount } = store.state;
      return lostCount === 0 ? null : `${lostCount} messages`;
    }),
  },
  {
    number: 605,
    severity: "warning",
    title: "A stream that refuses what does not fit is nearly full",
    remedy: "Consume, purge or delete messages, or raise its limits: soon publishers get errors.",
    find: ofStreams(({ config, store }) => {
      if (config.discard !== "new") return null;
      const messages = nearLimit(store.state.messages, config.max_msgs);
      if (messages !== null) return `${messages} messages`;
      const bytes = nearLimit(store.state.bytes, config.max_bytes);
      return bytes === null ? null : `${bytes} bytes`;
    }),
  },
  {
    number: 606,
    severity: "warning",
    title: "JetStream has nearly all the room it may have",
    remedy: "Raise max_file_store or max_memory_store, give streams limits, or delete what nobody needs.",
    find: ({ jetStream = null }) => {
      if (jetStream === null) return null;
      const { settings, usage } = jetStream;
      const store = nearLimit(usage.store, settings.maxStore);
      if (store !== null) return `${store} bytes in files`;
      const memory = nearLimit(usage.memory, settings.maxMemory);
      return memory === null ? null : `${memory} bytes in memory`;
    },
  },
  {
    number: 607,
    severity: "warning",
    title: "A consumer waits for acknowledgements",
    remedy:
      "It has max_ack_pending deliveries out and more to deliver: acknowledge what is done, add workers, or raise max_ack_pending. caddis explain consumer tells more.",
    find: ofConsumers((consumer) => {
      const { reason, numAckPending, numPending } = consumer.explain();
      return reason === "maxAckPending" && numPending > 0
        ? `${numAckPending} not acknowledged, ${numPending} waiting`
        : null;
    }),
  },
  {
    number: 608,
    severity: "info",
    title: "A consumer's filter matches nothing in its stream",
    remedy: "Compare its filter with the subjects of the stream: a wildcard or a level is easily missed.",
    find: ofConsumers((consumer) =>
      consumer.explain().reason === "filterMatchesNothing" && consumer.stream.store.state.messages > 0
        ? "no message has such a subject"
        : null,
    ),
  },
  {
    number: 609,
    severity: "info",
    title: "Messages are acknowledged before they are safe",
    remedy: "A power failure may take them. Leave sync_interval out, unless that is what you want.",
    find: ({ jetStream = null }) => {
      const ms = jetStream?.settings.syncIntervalMs ?? 0;
      return ms === 0 ? null : `up to ${ms / 1_000} seconds of them`;
    },
  },
];

/** Why a stream's store takes nothing; `isFinal`: until the server is started again. Null: that is not so. */
function failureOf({ store, consumerStore }: Stream, isFinal: boolean): string | null {
  if (store.failure !== null)
    return (store.failure.kind === "failed") === isFinal ? store.failure.reason : null;
  return isFinal ? consumerStore.failure : null;
}

function ofStreams(find: (stream: Stream) => string | null): ServerFindingKind["find"] {
  return function* ({ jetStream = null }) {
    const found: string[] = [];
    let looked = 0;
    for (const stream of streamsOf(jetStream)) {
      const detail = find(stream);
      if (detail !== null) found.push(`${nameOf(stream)}: ${detail}`);
      if (++looked % STREAMS_PER_STEP === 0) yield;
    }
    return listed(found);
  };
}

function ofConsumers(find: (consumer: Consumer) => string | null): ServerFindingKind["find"] {
  return function* ({ jetStream = null }) {
    const found: string[] = [];
    let looked = 0;
    for (const stream of streamsOf(jetStream)) {
      for (const consumer of stream.consumers.values()) {
        const detail = find(consumer);
        if (detail !== null) found.push(`${nameOf(stream)} > ${fromWireString(consumer.name)}: ${detail}`);
        if (++looked % CONSUMERS_PER_STEP === 0) yield;
      }
      // Streams without consumers are looked at as well.
      if (++looked % CONSUMERS_PER_STEP === 0) yield;
    }
    return listed(found);
  };
}

function* streamsOf(jetStream: JetStream | null): Generator<Stream> {
  if (jetStream !== null) for (const { streams } of jetStream.accounts.values()) yield* streams.values();
}

function nameOf({ owner, config }: Stream): string {
  return `${owner.account.logName} > ${fromWireString(config.name)}`;
}
