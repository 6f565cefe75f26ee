import type { Instant } from "../base/instant.ts";
import type { Steps } from "../base/steps.ts";
import type { JetStreamAccount } from "../jetstream/account.ts";
import type { Consumer } from "../jetstream/consumer.ts";
import type { JetStream } from "../jetstream/jetstream.ts";
import type { Stream } from "../jetstream/stream.ts";
import { fromWireString } from "../subject/subject.ts";
import { gauge, type Labels, type NumberFamily, type Sample } from "./family.ts";

/** Streams with figures of their own: those with the most bytes. Eight series each. */
const NAMED_STREAMS_MAX = 200;
/** Consumers with figures of their own: those with the most left to do. Ten series each. */
const NAMED_CONSUMERS_MAX = 200;

/** Accounts with figures of their own: those with the most bytes. */
const NAMED_ACCOUNTS_MAX = 50;

/** Streams and consumers that are looked at in one step. */
const LOOKED_PER_STEP = 256;

/** The exporter's name for everything unless it is told another one, which is then ours, too. */
const EXPORTER_PREFIX = "gnatsd";
const EXPORTER_JETSTREAM_PREFIX = "jetstream";

/** Null: there is nothing to tell of this one. */
type Of<Subject> = readonly (readonly [
  name: string,
  help: string,
  of: (subject: Subject) => number | null,
])[];

const STREAM_FIGURES: Of<Stream> = [
  ["total_messages", "Messages in the stream", ({ store }) => store.state.messages],
  ["total_bytes", "Bytes in the stream", ({ store }) => store.state.bytes],
  ["first_seq", "First sequence of the stream", ({ store }) => store.state.firstSeq],
  ["last_seq", "Last sequence of the stream", ({ store }) => store.state.lastSeq],
  ["consumer_count", "Consumers of the stream", ({ consumers }) => consumers.size],
  ["subject_count", "Subjects in the stream", ({ store }) => store.state.subjectCount],
  ["limit_bytes", "Bytes the stream may have; -1: any", ({ config }) => config.max_bytes],
  ["limit_messages", "Messages the stream may have; -1: any", ({ config }) => config.max_msgs],
];

type ConsumerInfo = ReturnType<Consumer["info"]>;

const CONSUMER_FIGURES: Of<ConsumerInfo> = [
  [
    "last_delivery_seconds",
    "Since the last delivery",
    ({ at, delivered }) => secondsSince(at, delivered.lastActive),
  ],
  [
    "last_ack_seconds",
    "Since the last acknowledgement",
    ({ at, ackFloor }) => secondsSince(at, ackFloor.lastActive),
  ],
  ["delivered_consumer_seq", "Deliveries so far", ({ delivered }) => delivered.consumerSeq],
  ["delivered_stream_seq", "Last sequence delivered", ({ delivered }) => delivered.streamSeq],
  ["num_ack_pending", "Deliveries not acknowledged yet", ({ numAckPending }) => numAckPending],
  ["num_redelivered", "Messages delivered more than once", ({ numRedelivered }) => numRedelivered],
  ["num_waiting", "Pull requests that wait", ({ numWaiting }) => numWaiting],
  ["num_pending", "Messages still to be delivered", ({ numPending }) => numPending],
  ["ack_floor_stream_seq", "Everything up to this sequence is done", ({ ackFloor }) => ackFloor.streamSeq],
  [
    "ack_floor_consumer_seq",
    "All deliveries up to this one are done",
    ({ ackFloor }) => ackFloor.consumerSeq,
  ],
];

function secondsSince(now: Instant, then: Instant | null): number | null {
  return then === null ? null : (now.ms - then.ms) / 1_000 + (now.ns - then.ns) / 1e9;
}

/** The exporter's figures about JetStream, by its names. Null: there is none, and that is all it says. */
export function* jetStreamFamilies(
  jetStream: JetStream | null,
  metricsPrefix: string,
  server: Labels,
): Steps<NumberFamily[]> {
  const prefix = metricsPrefix === EXPORTER_PREFIX ? EXPORTER_JETSTREAM_PREFIX : metricsPrefix;
  const labels = {
    ...server,
    server_name: server["server_id"] ?? "",
    cluster: "",
    domain: jetStream?.domain ?? "",
    meta_leader: "",
    is_meta_leader: "true",
  };
  const off = gauge(
    `${prefix}_server_jetstream_disabled`,
    "1 without JetStream",
    labels,
    jetStream === null ? 1 : 0,
  );
  if (jetStream === null) return [off];
  const census = yield* Census.of(jetStream);
  return [
    off,
    ...serverFamilies(`${prefix}_server`, labels, jetStream, census),
    ...accountFamilies(`${prefix}_account`, labels, jetStream),
    ...streamFamilies(`${prefix}_stream`, labels, census),
    ...consumerFamilies(`${prefix}_consumer`, labels, census),
  ];
}

/** All streams and consumers, counted; and the largest of them. */
class Census {
  readonly streams: Stream[] = [];
  readonly consumers: {
    readonly stream: Stream;
    readonly consumer: Consumer;
    readonly info: ConsumerInfo;
  }[] = [];
  messages = 0;
  bytes = 0;

  static *of({ accounts }: JetStream): Steps<Census> {
    const census = new Census();
    let looked = 0;
    for (const owner of accounts.values()) {
      for (const stream of owner.streams.values()) {
        census.#add(stream);
        for (const consumer of stream.consumers.values()) {
          census.consumers.push({ stream, consumer, info: consumer.info() });
          if (++looked % LOOKED_PER_STEP === 0) yield;
        }
        if (++looked % LOOKED_PER_STEP === 0) yield;
      }
    }
    return census;
  }

  /** Those that get figures of their own. */
  largestStreams(): readonly Stream[] {
    return this.streams
      .toSorted((a, b) => b.store.state.bytes - a.store.state.bytes)
      .slice(0, NAMED_STREAMS_MAX);
  }

  busiestConsumers(): Census["consumers"] {
    const work = ({ numPending, numAckPending }: ConsumerInfo): number => numPending + numAckPending;
    return this.consumers.toSorted((a, b) => work(b.info) - work(a.info)).slice(0, NAMED_CONSUMERS_MAX);
  }

  #add(stream: Stream): void {
    this.streams.push(stream);
    this.messages += stream.store.state.messages;
    this.bytes += stream.store.state.bytes;
  }
}

function serverFamilies(
  prefix: string,
  labels: Labels,
  { settings }: JetStream,
  census: Census,
): NumberFamily[] {
  return [
    gauge(`${prefix}_max_memory`, "Bytes that streams in memory may take", labels, settings.maxMemory),
    gauge(`${prefix}_max_storage`, "Bytes that streams in files may take", labels, settings.maxStore),
    gauge(`${prefix}_total_streams`, "Streams", labels, census.streams.length),
    gauge(`${prefix}_total_consumers`, "Consumers", labels, census.consumers.length),
    gauge(`${prefix}_total_messages`, "Messages in all streams", labels, census.messages),
    gauge(`${prefix}_total_message_bytes`, "Bytes in all streams", labels, census.bytes),
  ];
}

/** No limit is what the exporter reads then: the largest number without a sign. */
const NO_LIMIT = 2 ** 64;

function accountFamilies(prefix: string, labels: Labels, { accounts }: JetStream): NumberFamily[] {
  const owners = [...accounts.values()].map((owner) => ({ owner, used: usedBy(owner) }));
  const named = owners
    .sort((a, b) => b.used.memory + b.used.file - (a.used.memory + a.used.file))
    .slice(0, NAMED_ACCOUNTS_MAX);
  const limitOf = (owner: JetStreamAccount, name: "maxMemory" | "maxStore"): number => {
    const limit = owner.limits.get("")?.[name] ?? 0;
    return limit < 0 ? NO_LIMIT : limit;
  };
  const figures: Of<(typeof named)[number]> = [
    ["max_storage", "Bytes in files the account may use", ({ owner }) => limitOf(owner, "maxStore")],
    ["max_memory", "Bytes in memory the account may use", ({ owner }) => limitOf(owner, "maxMemory")],
    ["storage_used", "Bytes in files the account uses", ({ used }) => used.file],
    ["memory_used", "Bytes in memory the account uses", ({ used }) => used.memory],
  ];
  return figures.map(([name, help, of]) =>
    family(
      `${prefix}_${name}`,
      help,
      named.map((one) => ({ labels: { ...labels, ...accountLabels(one.owner) }, value: of(one) })),
    ),
  );
}

function usedBy({ streams }: JetStreamAccount): { memory: number; file: number } {
  const used = { memory: 0, file: 0 };
  for (const { config, store } of streams.values()) used[config.storage] += store.state.bytes;
  return used;
}

function streamFamilies(prefix: string, labels: Labels, census: Census): NumberFamily[] {
  const rows = census
    .largestStreams()
    .map((stream) => ({ stream, labels: { ...labels, ...streamLabels(stream) } }));
  return STREAM_FIGURES.map(([name, help, of]) =>
    family(
      `${prefix}_${name}`,
      help,
      rows.map((row) => ({ labels: row.labels, value: of(row.stream) })),
    ),
  );
}

function consumerFamilies(prefix: string, labels: Labels, census: Census): NumberFamily[] {
  const rows = census.busiestConsumers().map(({ stream, consumer, info }) => ({
    info,
    labels: {
      ...labels,
      ...streamLabels(stream),
      consumer_name: fromWireString(consumer.name),
      consumer_leader: "",
      is_consumer_leader: "true",
      consumer_desc: consumer.config.description,
    },
  }));
  return CONSUMER_FIGURES.map(([name, help, of]) =>
    family(
      `${prefix}_${name}`,
      help,
      rows.map((row) => ({ labels: row.labels, value: of(row.info) })),
    ),
  );
}

function family(
  name: string,
  help: string,
  values: readonly { readonly labels: Labels; readonly value: number | null }[],
): NumberFamily {
  const samples = values.flatMap(({ labels, value }): Sample[] =>
    value === null ? [] : [{ labels, value }],
  );
  return { type: "gauge", name, help, samples };
}

function accountLabels({ account }: JetStreamAccount): Labels {
  return { account: account.shownName, account_name: account.shownName, account_id: account.name };
}

function streamLabels(stream: Stream): Labels {
  return {
    ...accountLabels(stream.owner),
    stream_name: fromWireString(stream.config.name),
    stream_leader: stream.owner.account.broker.serverName,
    is_stream_leader: "true",
    stream_raft_group: "",
  };
}
