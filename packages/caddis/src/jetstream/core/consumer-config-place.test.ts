import assert from "node:assert/strict";
import { test } from "node:test";
import type { ConsumerConfig } from "./consumer-config.ts";
import { consumerConfigOf, CREATE_CONSUMER_REQUEST } from "./consumer-config-decode.ts";
import { encodeConsumerConfig, sameConsumerConfig } from "./consumer-config-encode.ts";
import { changedFiltersProblem, newConsumerProblem, type PlacedConsumer } from "./consumer-config-place.ts";
import { consumerUpdateProblem } from "./consumer-config-update.ts";
import { decodeRequest } from "./json-fields.ts";
import { streamConfigOf } from "./stream-config-decode.ts";

const ANY = { accountMaxConsumers: -1, defaultMaxConsumers: -1 };
const EXPLICIT = { ack_policy: "explicit" } as const;

function made(config: Partial<ConsumerConfig> = {}): ConsumerConfig {
  return { ...consumerConfigOf({}), ...config };
}

function placed(name: string, config: Partial<ConsumerConfig> = {}): PlacedConsumer {
  return { name, config: made(config) };
}

test("the number of consumers is bounded by the stream, its account, or the server", () => {
  const others = [placed("a"), placed("b"), placed("c", { direct: true }), placed("d", { sourcing: true })];
  const refusal = (
    max_consumers: number,
    accountMaxConsumers: number,
    defaultMaxConsumers: number,
  ): number | undefined =>
    newConsumerProblem(
      made(),
      streamConfigOf({ max_consumers }),
      { accountMaxConsumers, defaultMaxConsumers },
      others,
    )?.err_code;
  assert.equal(refusal(-1, -1, -1), undefined);
  assert.equal(refusal(2, -1, -1), 10026);
  assert.equal(refusal(3, -1, 1), undefined);
  assert.equal(refusal(3, 2, -1), 10026);
  assert.equal(refusal(2, 3, -1), 10026);
  assert.equal(refusal(0, 2, -1), 10026);
  assert.equal(refusal(-1, -1, 2), 10026);
  assert.equal(refusal(-1, 3, 2), undefined);
  const internal = newConsumerProblem(
    made({ direct: true }),
    streamConfigOf({ max_consumers: 1 }),
    ANY,
    others,
  );
  assert.equal(internal, null);
});

test("a name has a length that files can have", () => {
  const named = (length: number): number | undefined =>
    newConsumerProblem(made({ durable_name: "n".repeat(length) }), streamConfigOf({}), ANY, [])?.err_code;
  assert.equal(named(255), undefined);
  assert.equal(named(256), 10102);
});

test("each message of a work queue is for one consumer", () => {
  const queue = streamConfigOf({ retention: "workqueue" });
  const others = [placed("a", { filter_subject: "w.a" }), placed("x", { direct: true })];
  const refusal = (config: Partial<ConsumerConfig>, beside = others): number | undefined =>
    newConsumerProblem(made(config), queue, ANY, beside)?.err_code;
  assert.equal(refusal({ ack_policy: "all" }), 10098);
  assert.equal(refusal({ ...EXPLICIT, deliver_policy: "new" }), 10101);
  assert.equal(refusal({ ...EXPLICIT }), 10099);
  assert.equal(refusal({ ...EXPLICIT }, []), undefined);
  assert.equal(refusal({ ...EXPLICIT, filter_subject: "w.*" }), 10100);
  assert.equal(refusal({ ...EXPLICIT, filter_subjects: ["w.b", "*.a"] }), 10100);
  assert.equal(refusal({ ...EXPLICIT, filter_subjects: ["w.b", "w.c"] }), undefined);
  assert.equal(refusal({ ...EXPLICIT, filter_subject: "w.b" }, [placed("all")]), 10100);
  assert.equal(refusal({ ack_policy: "none", direct: true }), undefined);
  assert.equal(changedFiltersProblem("a", made({ filter_subject: "w.*" }), queue, others), null);
  const all = [...others, placed("b", { filter_subject: "w.b" })];
  assert.equal(changedFiltersProblem("b", made({ filter_subject: "w.*" }), queue, all)?.err_code, 10100);
  assert.equal(changedFiltersProblem("b", made(), queue, all)?.err_code, 10100);
  assert.equal(changedFiltersProblem("b", made(), streamConfigOf({}), all), null);
});

test("some of a consumer lasts", () => {
  const now = made({ opt_start_time: { ms: 5, ns: 0 }, deliver_policy: "by_start_time", description: "d" });
  const refusal = (change: Partial<ConsumerConfig>, from = now, isBound = false): string | null =>
    consumerUpdateProblem(from, { ...from, ...change }, isBound)?.description ?? null;
  const lasting: readonly (readonly [Partial<ConsumerConfig>, string])[] = [
    [{ deliver_policy: "new" }, "deliver policy"],
    [{ mem_storage: true }, "storage type"],
    [{ direct: true }, "direct"],
    [{ sourcing: true }, "sourcing"],
    [{ opt_start_seq: 3 }, "start sequence"],
    [{ opt_start_time: { ms: 6, ns: 0 } }, "start time"],
    [{ opt_start_time: null }, "start time"],
    [{ ack_policy: "all" }, "ack policy"],
    [{ replay_policy: "original" }, "replay policy"],
    [{ idle_heartbeat: 1 }, "heart beats"],
    [{ flow_control: true }, "flow control"],
    [{ max_waiting: 7 }, "max waiting"],
  ];
  for (const [change, text] of lasting) assert.equal(refusal(change), `${text} can not be updated`);
  assert.equal(refusal({ deliver_subject: "to" }), "can not update pull consumer to push based");
  const push = made({ deliver_subject: "to" });
  assert.equal(refusal({ deliver_subject: "" }, push), "can not update push consumer to pull based");
  assert.equal(refusal({ deliver_subject: "there" }, push, true), "consumer name already in use");
  assert.equal(refusal({ deliver_subject: "there" }, push), null);
  const free: readonly Partial<ConsumerConfig>[] = [
    { description: "other" },
    { ack_wait: 1 },
    { max_deliver: 3 },
    { filter_subject: "x" },
    { max_ack_pending: 3 },
    { headers_only: true },
    { metadata: new Map([["a", "b"]]) },
    { opt_start_time: { ms: 5, ns: 0 } },
  ];
  for (const change of free) assert.equal(refusal(change), null);
});

test("what JSON says of a configuration is all of it", () => {
  const whole = made({
    durable_name: "d\xc3\xa9",
    description: "é<",
    deliver_policy: "by_start_time",
    opt_start_time: { ms: 1_700_000_000_123, ns: 456_789 },
    opt_start_seq: 7,
    ack_policy: "explicit",
    ack_wait: 5,
    max_deliver: -1,
    backoff: [1, 2],
    filter_subjects: ["a.\xc3\xa9", "b"],
    replay_policy: "original",
    sample_freq: "5%",
    max_ack_pending: -1,
    headers_only: true,
    num_replicas: 1,
    metadata: new Map([
      ["b", "1"],
      ["a", "2"],
      ["__proto__", "3"],
    ]),
    pause_until: { ms: -5, ns: 1 },
    priority_groups: ["g"],
    priority_policy: "pinned_client",
    priority_timeout: 9,
  });
  const request = Buffer.from(JSON.stringify({ config: encodeConsumerConfig(whole) }));
  const decoded = decodeRequest(request, CREATE_CONSUMER_REQUEST, true);
  assert.ok("fields" in decoded);
  const again = consumerConfigOf(decoded.fields.config ?? {});
  assert.deepEqual({ ...again, metadata: [] }, { ...whole, metadata: [] });
  assert.deepEqual(new Map(again.metadata), new Map(whole.metadata));
  assert.ok(sameConsumerConfig(again, whole));
  assert.ok(!sameConsumerConfig(again, { ...whole, headers_only: false }));
});

test("JSON has the fields in the reference's order, without those that are off", () => {
  assert.equal(
    JSON.stringify(encodeConsumerConfig(made())),
    '{"deliver_policy":"all","ack_policy":"none","replay_policy":"instant","num_replicas":0}',
  );
  const named = made({
    name: "x",
    durable_name: "x",
    metadata: new Map([
      ["b", ""],
      ["a", ""],
    ]),
    max_deliver: -1,
  });
  assert.equal(
    JSON.stringify(encodeConsumerConfig(named)),
    '{"durable_name":"x","name":"x","deliver_policy":"all","ack_policy":"none","max_deliver":-1,' +
      '"replay_policy":"instant","num_replicas":0,"metadata":{"a":"","b":""}}',
  );
});
