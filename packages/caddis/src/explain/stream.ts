import type { Consumer } from "../jetstream/consumer.ts";
import type { JetStream } from "../jetstream/jetstream.ts";
import type { Stream } from "../jetstream/stream.ts";
import { fromWireString, toWireString } from "../subject/subject.ts";
import { counted, nearLimit } from "./facts.ts";
import type { Finding } from "./finding.ts";

/** What is asked about JetStream. */
export interface StreamQuery {
  readonly account: string;
  readonly stream: string;
  /** Empty: the stream itself. */
  readonly consumer: string;
}

/** What there is to say about a stream or a consumer. */
export interface StreamExplanation {
  readonly summary: readonly string[];
  /** None: what is wrong is in the summary. */
  readonly findings: readonly Finding[];
}

/** Explains a stream, or one of its consumers; null: there is none of that name. */
export function explainStream(jetStream: JetStream | null, query: StreamQuery): StreamExplanation | null {
  const owner = jetStream?.accounts.get(query.account);
  const name = toWireString(query.stream);
  const damaged = owner?.damaged.get(name);
  if (damaged !== undefined) {
    const text = `Stream ${query.stream} is offline: ${damaged.reason}. Its files are in ${damaged.folder}.`;
    return { summary: [text], findings: [] };
  }
  const stream = owner?.streams.get(name);
  if (stream === undefined) return null;
  if (query.consumer === "") return { summary: streamSentences(stream), findings: [] };
  const consumer = stream.consumers.get(toWireString(query.consumer));
  return consumer === undefined ? null : { summary: consumerSentences(consumer), findings: [] };
}

function streamSentences(stream: Stream): string[] {
  const { config, store, consumerStore, consumers, owner } = stream;
  const { state } = store;
  const sentences = [
    `Stream ${fromWireString(config.name)} of account ${owner.account.logName}: ${counted(state.messages, "message")}, ${state.bytes} bytes, ${counted(consumers.size, "consumer")}, subjects ${config.subjects.map(fromWireString).join(", ") || "none of its own"}.`,
  ];
  const failure = store.failure?.reason ?? consumerStore.failure;
  if (failure !== null) sentences.push(`It stores nothing now: ${failure}.`);
  else if (config.sealed) sentences.push("It takes no messages: it is sealed.");
  else sentences.push(takesSentence(stream));
  if (state.lostCount > 0) sentences.push(`${counted(state.lostCount, "message")} of it can't be read.`);
  sentences.push(durabilitySentence(stream));
  return sentences;
}

/** Whether the next message finds room. */
function takesSentence({ config, store, owner }: Stream): string {
  const { messages, bytes } = store.state;
  const limits = [
    ["messages", nearLimit(messages, config.max_msgs)] as const,
    ["bytes", nearLimit(bytes, config.max_bytes)] as const,
  ].flatMap(([unit, near]) => (near === null ? [] : [`${near} ${unit}`]));
  if (owner.jetStream.isExceeded(config.storage, 1))
    return "It refuses messages: the server's storage is used up.";
  if (limits.length === 0) return "It takes messages.";
  const what = config.discard === "new" ? "refuses new messages" : "drops the oldest messages";
  return `It takes messages, and at its limit ${what}: ${limits.join(", ")}.`;
}

function durabilitySentence({ config, owner }: Stream): string {
  if (config.storage === "memory") return "It is in memory: it is gone with the server.";
  const { syncIntervalMs } = owner.jetStream.settings;
  if (config.persist_mode === "async" || syncIntervalMs > 0) {
    return "Messages are acknowledged before they are synced to the disk.";
  }
  return "Messages are acknowledged once they are synced to the disk.";
}

function consumerSentences(consumer: Consumer): string[] {
  const told = consumer.explain();
  const limit = told.maxAckPending < 0 ? "any number of" : `${told.maxAckPending}`;
  const sentences = [
    `Consumer ${fromWireString(consumer.name)} of stream ${fromWireString(consumer.stream.config.name)}: ${counted(told.numPending, "message")} to deliver, ${told.numAckPending} delivered and not acknowledged (it may have ${limit}), ${counted(told.numWaiting, "pull request")} waiting.`,
    REASONS[told.reason],
  ];
  if (told.pausedMs !== null) sentences.push(`The pause ends in ${seconds(told.pausedMs)}.`);
  if (told.redeliveryMs !== null && told.numAckPending > 0) {
    sentences.push(`The next delivery again is due in ${seconds(told.redeliveryMs)}.`);
  }
  return sentences;
}

/** Why nothing is delivered just now. */
const REASONS: Readonly<Record<ReturnType<Consumer["explain"]>["reason"], string>> = {
  none: "Nothing is in its way.",
  paused: "It is paused, and so delivers nothing.",
  noInterest: "Nobody subscribes to its deliver subject: it waits for somebody who does.",
  noPull: "No pull request is waiting: it delivers when somebody asks.",
  flowControl: "It waits for the answer to a flow control message: its receiver is behind.",
  held: "Its receiver has more waiting than it takes: the consumer holds back.",
  rate: "Its rate limit is used up for the moment.",
  maxAckPending:
    "It has as many deliveries out as max_ack_pending lets it: it goes on when some are acknowledged.",
  end: "Everything there is has been delivered.",
  replay: "It delivers at the pace at which messages came, and the next one is not due yet.",
  priority: "No pull request that waits may have the next message, by the rules of its priority group.",
  backoff: "Everything has been delivered; some of it waits to be acknowledged, or to be delivered again.",
  filterMatchesNothing: "Its filter matches no message of the stream.",
};

function seconds(ms: number): string {
  return `${Math.ceil(ms) / 1_000} seconds`;
}
