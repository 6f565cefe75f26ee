import type { Consumer } from "../jetstream/consumer.ts";
import type { JetStream } from "../jetstream/jetstream.ts";
import type { Stream } from "../jetstream/stream.ts";
import { fromWireString } from "../subject/subject.ts";
import { type Facts, nearLimit } from "./facts.ts";
import type { ServerFindingKind } from "./finding.ts";
import { listed } from "./listed.ts";

/** What may be said about JetStream. */
export const JETSTREAM_FINDINGS: readonly ServerFindingKind[] = [
  {
    number: 601,
    severity: "error",
    title: "A stream stores nothing any more",
    remedy:
      "Writing or syncing failed: look at the disk and the system's log, then restart the server. Nothing is acknowledged that may be lost.",
    find: ofStreams((stream) => failureOf(stream, "failed")),
  },
  {
    number: 602,
    severity: "error",
    title: "The disk of a stream is full",
    remedy:
      "Make room on the disk, or purge streams; publishing goes on by itself. Set max_file_store below what the disk has.",
    find: ofStreams((stream) => failureOf(stream, "full")),
  },
  {
    number: 603,
    severity: "error",
    title: "A stream could not be brought back",
    remedy:
      "Its files are untouched. Look at them with caddis store verify, mend them with caddis store repair, or restore a backup; then restart.",
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

function failureOf({ store, consumerStore }: Stream, kind: "full" | "failed"): string | null {
  if (store.failure !== null) return store.failure.kind === kind ? store.failure.reason : null;
  return kind === "failed" ? consumerStore.failure : null;
}

function ofStreams(find: (stream: Stream) => string | null): (facts: Facts) => string | null {
  return ({ jetStream = null }) => {
    const found: string[] = [];
    for (const stream of streamsOf(jetStream)) {
      const detail = find(stream);
      if (detail !== null) found.push(`${nameOf(stream)}: ${detail}`);
    }
    return listed(found);
  };
}

function ofConsumers(find: (consumer: Consumer) => string | null): (facts: Facts) => string | null {
  return ({ jetStream = null }) => {
    const found: string[] = [];
    for (const stream of streamsOf(jetStream)) {
      for (const consumer of stream.consumers.values()) {
        const detail = find(consumer);
        if (detail !== null) found.push(`${nameOf(stream)} > ${fromWireString(consumer.name)}: ${detail}`);
      }
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
