import type { Broker } from "../../packages/caddis/src/broker/broker.ts";
import { makeMessage } from "../../packages/caddis/src/broker/message.ts";
import {
  type BatchIngest,
  BatchCounts,
  type BatchStream,
} from "../../packages/caddis/src/jetstream/batch-stream.ts";
import { Batches } from "../../packages/caddis/src/jetstream/batches.ts";
import { DuplicateWindow } from "../../packages/caddis/src/jetstream/core/dedupe.ts";
import { Publish } from "../../packages/caddis/src/jetstream/core/publish.ts";
import type { StreamConfig } from "../../packages/caddis/src/jetstream/core/stream-config.ts";
import { STREAM_DEFAULTS } from "../../packages/caddis/src/jetstream/stream-meta.ts";
import { MemoryStreamStore } from "../../packages/caddis/src/store/memory/memory-store.ts";
import type { StoreFailure } from "../../packages/caddis/src/store/stream-store.ts";
import { StoredMessage } from "../../packages/caddis/src/store/stored-message.ts";
import { TestBroker } from "./test-broker.ts";

const WINDOW_MS = 120_000;

/** What the oldest message of a subject counts: more than any that may take its place. */
const ANY_SIZE = 1_000_000;

/** The configuration of a stream in memory that takes `s.>`, with `given` in place of what it says there. */
function streamConfig(given: Partial<StreamConfig>): StreamConfig {
  const duplicate_window = WINDOW_MS * 1e6;
  return { ...STREAM_DEFAULTS, name: "S", subjects: ["s.>"], storage: "memory", duplicate_window, ...given };
}

/** Fields as a header block; none: no block. */
export function headerBlock(fields: Readonly<Record<string, string>>): string {
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  return lines.length === 0 ? "" : `NATS/1.0\r\n${lines.join("")}\r\n`;
}

/** A stream that only takes batches, over a store in memory; how far it is durable is the test's to say. */
export class StreamOfBatches implements BatchStream {
  readonly world = new TestBroker();
  readonly memory = new MemoryStreamStore({ firstSeq: 0, hashBasis: 1 });
  readonly owner = { jetStream: { domain: "" } };
  readonly counts = new BatchCounts();
  readonly limits: BatchStream["limits"];
  config: StreamConfig;
  /** What was answered, in order: reply subject and text. */
  readonly answers: (readonly [string, string])[] = [];
  /** Batches that came to nothing, with the reason. */
  readonly abandoned: string[] = [];
  /** How many messages each group that was stored together has. */
  readonly groups: number[] = [];
  /** Appends after this many are not durable. */
  durableLimit = Infinity;
  failure: StoreFailure | null = null;
  readonly batches: Batches;
  readonly #duplicates = new DuplicateWindow(WINDOW_MS);
  readonly store: BatchStream["store"];
  readonly acks: BatchStream["acks"];
  readonly ingest: BatchIngest;

  constructor(config: Partial<StreamConfig>, limits: Partial<BatchStream["limits"]> = {}) {
    this.config = streamConfig(config);
    this.limits = { maxInflightPerStream: 0, maxInflightTotal: 0, maxMsgs: 0, timeoutMs: 0, ...limits };
    this.store = this.#makeStore();
    this.acks = this.#makeAcks();
    this.ingest = this.#makeIngest();
    this.batches = new Batches(this);
  }

  get broker(): Broker {
    return this.world.broker;
  }

  /** Batches that are open, and bytes that are staged: nothing is left when it is 0. */
  get held(): number {
    return this.counts.atomic + this.counts.fast + this.counts.stagedBytes;
  }

  settleSoon(): void {}

  tellAbandoned(batch: string, reason: string): void {
    this.abandoned.push(`${batch} ${reason}`);
  }

  /** Publishes and returns what was answered to it; null: the message is of no batch. */
  publish(
    subject: string,
    reply: string,
    fields: Readonly<Record<string, string>> = {},
    payload = "",
  ): readonly string[] | null {
    const message = makeMessage(subject, reply, headerBlock(fields), Buffer.from(payload));
    const publish = new Publish();
    publish.subject = subject;
    publish.buf = message.input.buf;
    publish.headersStart = message.payloadStart;
    publish.payloadStart = message.payloadStart + message.headerBytes;
    publish.payloadEnd = message.payloadEnd;
    publish.timeMs = this.broker.clock.nowMs();
    publish.begin();
    const before = this.answers.length;
    if (!this.batches.take(publish, message)) return null;
    return this.answers.slice(before).map(([, text]) => text);
  }

  /** Subject, payload and headers' fields of what is stored, in order. */
  stored(): string[] {
    const { memory } = this;
    const into = new StoredMessage();
    const all = memory.filter([]);
    const messages: string[] = [];
    for (let seq = memory.next(all, 1); seq > 0; seq = memory.next(all, seq + 1)) {
      memory.load(seq, into);
      const { buf, payloadStart, payloadEnd } = into;
      messages.push(`${into.subject} ${buf.utf8Slice(payloadStart, payloadEnd)}`);
    }
    return messages;
  }

  /** The header block of a stored message. */
  headersOf(seq: number): string {
    const into = new StoredMessage();
    this.memory.load(seq, into);
    return into.buf.latin1Slice(into.headersStart, into.payloadStart);
  }

  #makeStore(): BatchStream["store"] {
    const { memory, groups } = this;
    const limit = (): number => this.durableLimit;
    const failure = (): StoreFailure | null => this.failure;
    return {
      get position() {
        return memory.position;
      },
      get durablePosition() {
        return Math.min(memory.position, limit());
      },
      get failure() {
        return failure();
      },
      together: (count) => void groups.push(count),
    };
  }

  #makeAcks(): BatchStream["acks"] {
    const say = (reply: string, text: string): void => void this.answers.push([reply, text]);
    return {
      pushTo: (_position, seq, tail, reply) => say(reply, `seq ${seq}${tail}`),
      refuse: (reply, error) => say(reply, `${error.err_code} ${error.description}`),
      refuseTooMany: (reply, error) => say(reply, `${error.err_code} ${error.description}`),
      answer: (reply, _headers, payload) => say(reply, Buffer.from(payload).toString("utf8")),
    };
  }

  #makeIngest(): BatchIngest {
    const { memory } = this;
    const duplicates = this.#duplicates;
    const nowMs = (): number => this.broker.clock.nowMs();
    const config = (): StreamConfig => this.config;
    return {
      get config() {
        return config();
      },
      get lastSeq() {
        return memory.state.lastSeq;
      },
      lastMsgId: "",
      get messages() {
        return memory.state.messages;
      },
      get bytes() {
        return memory.state.bytes;
      },
      maxPayload: 1_048_576,
      lastSeqOf: (subject) => memory.lastSeqOf(subject),
      countOf: (subject) => memory.countOf(subject),
      sizeOfFirst: (subject) => (memory.countOf(subject) > 0 ? ANY_SIZE : 0),
      loadLast: (subject, into) => memory.load(memory.lastSeqOf(subject), into) === "loaded",
      seqOfId: (id) => duplicates.seqOf(id, nowMs()),
      hasInterest: () => true,
      isServerFull: () => false,
      refusalOfAccount: () => null,
      refusalByBacklog: () => null,
      skip: () => 0,
      store: ({ subject, buf, headersStart, payloadStart, payloadEnd, msgId, timeMs }) => {
        const seq = memory.append(subject, buf, headersStart, payloadStart, payloadEnd, timeMs, 0, 0);
        if (msgId !== "") duplicates.add(msgId, seq, nowMs());
        return seq;
      },
    };
  }
}
