import type { ConsumerRequest, StreamRequest, User } from "./user.ts";
import { PUSHED } from "./user.ts";
import type { StreamTerms } from "./stream-ledger.ts";

/** A stream that the proofs use. Its subjects lie below its name in small letters. */
export interface UsedStream {
  readonly config: StreamRequest;
  readonly terms: Partial<StreamTerms>;
  readonly consumers: readonly ConsumerRequest[];
}

const SECOND_NS = 1e9;
const MAX_AGE_MS = 20_000;

const READER: ConsumerRequest = { durable_name: "reader", ack_policy: "explicit" };

/** One stream of every kind. */
export const STREAMS: readonly UsedStream[] = [
  {
    config: { name: "LOG", subjects: ["log.*"], allow_atomic: true, allow_direct: true },
    terms: {},
    consumers: [
      READER,
      { durable_name: "some", ack_policy: "explicit", filter_subject: "log.a" },
      { durable_name: "push", ack_policy: "none", deliver_subject: PUSHED },
    ],
  },
  {
    config: { name: "ZIP", subjects: ["zip.*"], compression: "s2" },
    terms: {},
    consumers: [READER],
  },
  {
    config: { name: "RING", subjects: ["ring.*"], max_msgs: 15 },
    terms: { maxMsgs: 15 },
    consumers: [READER],
  },
  {
    config: {
      name: "KEYS",
      subjects: ["keys.*"],
      max_msgs_per_subject: 2,
      allow_rollup_hdrs: true,
      allow_msg_ttl: true,
      subject_delete_marker_ttl: 5 * SECOND_NS,
    },
    terms: { maxMsgsPerSubject: 2 },
    consumers: [],
  },
  {
    config: { name: "AGE", subjects: ["age.*"], max_age: (MAX_AGE_MS / 1000) * SECOND_NS },
    terms: { maxAgeMs: MAX_AGE_MS },
    consumers: [READER],
  },
  {
    config: { name: "WORK", subjects: ["work.*"], retention: "workqueue" },
    terms: { isWorkQueue: true },
    consumers: [READER],
  },
  {
    config: { name: "SUMS", subjects: ["sums.*"], allow_msg_counter: true },
    terms: { isCounter: true },
    consumers: [],
  },
  {
    config: { name: "MIRROR", mirror: { name: "LOG" } },
    terms: { copies: "LOG" },
    consumers: [],
  },
  {
    config: { name: "SOURCED", sources: [{ name: "ZIP" }] },
    terms: { copies: "ZIP" },
    consumers: [],
  },
];

/** Makes one, and its consumers. */
export async function makeStream(user: User, { config, terms, consumers }: UsedStream): Promise<void> {
  await user.createStream(config, terms);
  for (const consumer of consumers) await user.createConsumer(config.name, consumer);
}
