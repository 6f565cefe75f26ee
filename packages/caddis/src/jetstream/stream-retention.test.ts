import assert from "node:assert/strict";
import test from "node:test";
import { StreamStage } from "../../../../test/support/stream-stage.ts";
import { Consumer } from "./consumer.ts";
import type { ConsumerConfig } from "./core/consumer-config.ts";
import { CONSUMER_DEFAULTS } from "./stream-meta.ts";
import type { Stream } from "./stream.ts";

async function consumer(
  stream: Stream,
  name: string,
  config: Partial<ConsumerConfig> = {},
): Promise<Consumer> {
  const made = await stream.createConsumer({
    ...CONSUMER_DEFAULTS,
    ack_policy: "explicit",
    ack_wait: 30e9,
    max_ack_pending: 1000,
    max_waiting: 512,
    ...config,
    name,
    durable_name: name,
  });
  assert.ok(made instanceof Consumer);
  return made;
}

test("what is done in a work queue goes, whoever else is there", async () => {
  const stage = new StreamStage();
  const stream = await stage.stream({ subjects: ["s.*"], retention: "workqueue" });
  await stage.publish("s.a");
  const one = await consumer(stream, "A", { filter_subject: "s.a" });
  await consumer(stream, "B", { filter_subject: "s.b" });
  for (const subject of ["s.b", "s.a"]) await stage.publish(subject);
  assert.equal(stage.list(stream), "1:s.a 2:s.b 3:s.a", "nothing goes for want of a consumer");
  stream.onDone(one, 3);
  assert.equal(stage.list(stream), "1:s.a 2:s.b");
});

test("with retention by interest a message goes when the last one that needs it is done", async () => {
  const stage = new StreamStage();
  const stream = await stage.stream({ subjects: ["s.*"], retention: "interest" });
  const all = await consumer(stream, "ALL");
  const some = await consumer(stream, "A", { filter_subject: "s.a" });
  for (const subject of ["s.a", "s.b"]) await stage.publish(subject);
  stream.onDone(all, 1);
  assert.equal(stage.list(stream), "1:s.a 2:s.b", "one of them needs it still");
  stream.onDone(all, 2);
  assert.equal(stage.list(stream), "1:s.a", "nobody else takes it");
  stream.onDone(some, 1);
  assert.equal(stage.list(stream), "1:s.a", "the other one needs it");
});

test("with its consumers go the messages that only they needed", async () => {
  const stage = new StreamStage();
  const stream = await stage.stream({ subjects: ["s.*"], retention: "interest" });
  const some = await consumer(stream, "A", { filter_subject: "s.a" });
  const others = await consumer(stream, "B", { filter_subject: "s.b" });
  for (const subject of ["s.a", "s.b", "s.c", "s.a"]) await stage.publish(subject);
  assert.equal(stage.list(stream), "1:s.a 2:s.b 4:s.a", "nobody takes the third");
  assert.equal(stream.store.state.lastSeq, 4);
  await stream.deleteConsumer(some);
  await stage.world.clock.settled();
  assert.equal(stage.list(stream), "2:s.b");
  await stream.deleteConsumer(others);
  assert.equal(stage.list(stream), "");
});

test("limits keep what consumers are done with", async () => {
  const stage = new StreamStage();
  const stream = await stage.stream();
  const one = await consumer(stream, "A");
  await stage.publish("S");
  stream.onDone(one, 1);
  assert.equal(stage.list(stream), "1:S");
});

test("a stream has so many consumers as its configuration, its account and the server allow", async () => {
  const stage = new StreamStage();
  const stream = await stage.stream({ max_consumers: 1 });
  await consumer(stream, "A");
  const refused = await stream.createConsumer({ ...CONSUMER_DEFAULTS, name: "B", durable_name: "B" });
  assert.equal("err_code" in refused ? refused.err_code : 0, 10026);
  const direct = await stream.createConsumer({ ...CONSUMER_DEFAULTS, name: "D", direct: true });
  assert.ok(direct instanceof Consumer, "those of the server itself do not count");
  const again = await stream.createConsumer({ ...CONSUMER_DEFAULTS, name: "A", durable_name: "A" });
  assert.equal("err_code" in again ? again.err_code : 0, 10013);
});
