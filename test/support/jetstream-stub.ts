import type { ConsumerExplanation } from "../../packages/caddis/src/jetstream/consumer-explain.ts";
import type { JetStream } from "../../packages/caddis/src/jetstream/jetstream.ts";

/** One stream with one consumer, as far as findings and explanations look; all is well unless said otherwise. */
export interface StubbedStream {
  readonly messages?: number;
  readonly maxMessages?: number;
  readonly discard?: "old" | "new";
  readonly failure?: "full" | "failed";
  /** Of the consumers' store. */
  readonly consumersFail?: boolean;
  readonly lost?: number;
  readonly damaged?: boolean;
  readonly syncIntervalMs?: number;
  /** Of 1,000 bytes in files that the server has. */
  readonly usedBytes?: number;
  readonly explanation?: Partial<ConsumerExplanation>;
  /** How many consumers there are; one by default. */
  readonly consumerCount?: number;
  /** Called each time a consumer is asked. */
  readonly onExplain?: () => void;
}

/** JetStream that consists of what monitoring looks at, and of nothing else. */
export function stubJetStream(stub: StubbedStream = {}): JetStream {
  const { messages = 10, maxMessages = -1, discard = "old", lost = 0, damaged = false } = stub;
  const failure = stub.failure === undefined ? null : { kind: stub.failure, reason: "no luck" };
  const consumers = new Map<string, object>();
  const account = { name: "$G", logName: "$G", broker: { serverName: "n1" } };
  const settings = { syncIntervalMs: stub.syncIntervalMs ?? 0, maxStore: 1_000, maxMemory: 1_000 };
  const owner: object = { account, jetStream: { settings, isExceeded: () => false } };
  const stream = {
    owner,
    config: {
      name: "S",
      subjects: ["s.>"],
      storage: "file",
      discard,
      max_msgs: maxMessages,
      max_bytes: -1,
      sealed: false,
      persist_mode: "",
    },
    store: { state: { messages, bytes: 100, lostCount: lost }, failure },
    consumerStore: { failure: stub.consumersFail === true ? "no luck" : null },
    consumers,
  };
  const explain = (): ConsumerExplanation => {
    stub.onExplain?.();
    return {
      reason: "none",
      numPending: 0,
      numAckPending: 0,
      maxAckPending: 5,
      numWaiting: 0,
      redeliveries: 0,
      pausedMs: null,
      redeliveryMs: null,
      ...stub.explanation,
    };
  };
  for (let i = 0; i < (stub.consumerCount ?? 1); i++) {
    const name = i === 0 ? "c" : `c${i}`;
    consumers.set(name, { name, stream, explain });
  }
  const lies = { name: "D", reason: "its first block is missing", folder: "/store/D" };
  const accounts = new Map([
    [
      "$G",
      {
        ...owner,
        streams: new Map([["S", stream]]),
        damaged: new Map(damaged ? [["D", lies]] : []),
      },
    ],
  ]);
  // One that has nothing.
  const other = { account: { ...account, name: "A", logName: "A" }, streams: new Map(), damaged: new Map() };
  const all = new Map<string, object>([...accounts, ["A", other]]);
  const jetStream: unknown = { settings, usage: { store: stub.usedBytes ?? 0, memory: 0 }, accounts: all };
  // A double of a few members for what reads only these.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return jetStream as JetStream;
}
