/** Streams and consumers by the official client: the same against both servers. */
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { headers, nanos, type NatsConnection } from "@nats-io/transport-node";
import {
  AckPolicy,
  DeliverPolicy,
  DiscardPolicy,
  jetstream,
  type JetStreamClient,
  type JetStreamManager,
  jetstreamManager,
  ReplayPolicy,
  RetentionPolicy,
  StorageType,
} from "@nats-io/jetstream";
import { all, eachJetStreamServer, first, refused } from "./jetstream-harness.ts";

const WRONG_LAST_SEQUENCE = 10071;
const STREAM_NOT_FOUND = 10059;
const CONSUMER_NOT_FOUND = 10014;
const MAXIMUM_MESSAGES = 10077;
const SUBJECTS_OVERLAP = 10065;

interface World {
  readonly nc: NatsConnection;
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
  /** A name nobody else has. */
  readonly name: string;
}

eachJetStreamServer((open) => {
  let count = 0;
  const world = async (t: TestContext): Promise<World> => {
    const nc = await open(t);
    return { nc, js: jetstream(nc), jsm: await jetstreamManager(nc), name: `S${count++}` };
  };

  for (const storage of [StorageType.File, StorageType.Memory]) {
    test(`${storage}: what is published is there, in order`, async (t) => {
      const { js, jsm, name } = await world(t);
      await jsm.streams.add({ name, subjects: [`${name}.*`], storage });
      for (let i = 1; i <= 50; i++) {
        const ack = await js.publish(`${name}.${i % 3}`, String(i));
        assert.deepEqual([ack.stream, ack.seq, ack.duplicate], [name, i, false]);
      }
      const { state } = await jsm.streams.info(name, { subjects_filter: ">" });
      assert.equal(state.messages, 50);
      assert.deepEqual([state.first_seq, state.last_seq, state.num_subjects], [1, 50, 3]);
      assert.deepEqual(state.subjects, { [`${name}.0`]: 16, [`${name}.1`]: 17, [`${name}.2`]: 17 });
      const message = await jsm.streams.getMessage(name, { seq: 7 });
      assert.equal(message?.string(), "7");
      const last = await jsm.streams.getMessage(name, { last_by_subj: `${name}.0` });
      assert.equal(last?.string(), "48");
    });

    test(`${storage}: a pull consumer gets everything, once acknowledged never again`, async (t) => {
      const { js, jsm, name } = await world(t);
      await jsm.streams.add({ name, subjects: [`${name}.>`], storage });
      for (let i = 0; i < 200; i++) await js.publish(`${name}.a`, String(i));
      await jsm.consumers.add(name, { durable_name: "d", ack_policy: AckPolicy.Explicit });
      const consumer = await js.consumers.get(name, "d");
      const seen: string[] = [];
      for (let round = 0; round < 4; round++) {
        for await (const message of await consumer.fetch({ max_messages: 50 })) {
          seen.push(message.string());
          await message.ackAck();
        }
      }
      assert.deepEqual(
        seen,
        Array.from({ length: 200 }, (_, i) => String(i)),
      );
      const info = await consumer.info();
      assert.deepEqual([info.num_pending, info.num_ack_pending, info.ack_floor.stream_seq], [0, 0, 200]);
      assert.deepEqual(await all(await consumer.fetch({ max_messages: 1, expires: 1000 })), []);
    });

    test(`${storage}: discard new refuses, discard old lets go`, async (t) => {
      const { js, jsm, name } = await world(t);
      await jsm.streams.add({ name, subjects: [name], storage, max_msgs: 3, discard: DiscardPolicy.New });
      for (let i = 0; i < 3; i++) await js.publish(name, String(i));
      await refused(MAXIMUM_MESSAGES, js.publish(name, "3"));
      await jsm.streams.update(name, { discard: DiscardPolicy.Old });
      await js.publish(name, "4");
      const { state } = await jsm.streams.info(name);
      assert.deepEqual([state.messages, state.first_seq, state.last_seq], [3, 2, 4]);
    });

    test(`${storage}: purging and deleting`, async (t) => {
      const { js, jsm, name } = await world(t);
      await jsm.streams.add({ name, subjects: [`${name}.*`], storage });
      for (let i = 0; i < 12; i++) await js.publish(`${name}.${i % 2 === 0 ? "even" : "odd"}`, String(i));
      assert.equal(await jsm.streams.deleteMessage(name, 3), true);
      assert.equal((await jsm.streams.purge(name, { filter: `${name}.odd`, keep: 2 })).purged, 4);
      const { state } = await jsm.streams.info(name, { deleted_details: true });
      assert.deepEqual([state.messages, state.num_deleted], [7, 5]);
      assert.deepEqual(state.deleted, [2, 3, 4, 6, 8]);
      assert.equal((await jsm.streams.purge(name, { seq: 10 })).purged, 4);
      assert.equal((await jsm.streams.purge(name)).purged, 3);
      const empty = (await jsm.streams.info(name)).state;
      assert.deepEqual([empty.messages, empty.first_seq, empty.last_seq], [0, 13, 12]);
    });
  }

  test("a message id is taken once", async (t) => {
    const { js, jsm, name } = await world(t);
    await jsm.streams.add({ name, subjects: [name] });
    assert.equal((await js.publish(name, "a", { msgID: "one" })).duplicate, false);
    const again = await js.publish(name, "a", { msgID: "one" });
    assert.deepEqual([again.duplicate, again.seq], [true, 1]);
  });

  test("expectations are kept", async (t) => {
    const { js, jsm, name } = await world(t);
    await jsm.streams.add({ name, subjects: [`${name}.*`] });
    await js.publish(`${name}.a`, "1", { msgID: "first" });
    await refused(WRONG_LAST_SEQUENCE, js.publish(`${name}.a`, "x", { expect: { lastSequence: 9 } }));
    await js.publish(`${name}.a`, "2", { expect: { lastSequence: 1, lastMsgID: "first", streamName: name } });
    await refused(WRONG_LAST_SEQUENCE, js.publish(`${name}.b`, "x", { expect: { lastSubjectSequence: 1 } }));
    await js.publish(`${name}.b`, "3", { expect: { lastSubjectSequence: 0 } });
    await refused(10060, js.publish(`${name}.a`, "x", { expect: { streamName: "other" } }));
    await refused(10070, js.publish(`${name}.a`, "x", { expect: { lastMsgID: "other" } }));
  });

  test("headers come back with the message", async (t) => {
    const { js, jsm, name } = await world(t);
    await jsm.streams.add({ name, subjects: [name] });
    const h = headers();
    h.append("a", "1");
    h.append("a", "2");
    await js.publish(name, "body", { headers: h });
    const message = await (await js.consumers.get(name)).next();
    assert.deepEqual(message?.headers?.values("a"), ["1", "2"]);
    assert.equal(message?.string(), "body");
  });

  test("a consumer redelivers what is not acknowledged, or refused, and ends what is termed", async (t) => {
    const { js, jsm, name } = await world(t);
    await jsm.streams.add({ name, subjects: [name] });
    await js.publish(name, "a");
    await jsm.consumers.add(name, {
      durable_name: "d",
      ack_policy: AckPolicy.Explicit,
      ack_wait: nanos(300),
      max_deliver: 4,
    });
    const consumer = await js.consumers.get(name, "d");
    const deliveries: number[] = [];
    for (let i = 0; i < 3; i++) {
      const message = await consumer.next();
      assert.ok(message);
      deliveries.push(message.info.deliveryCount);
      if (i === 1) message.nak();
      if (i === 2) message.term("enough");
    }
    assert.deepEqual(deliveries, [1, 2, 3]);
    assert.equal(await consumer.next({ expires: 1000 }), null);
    assert.equal((await consumer.info()).num_ack_pending, 0);
  });

  test("filters, one and several", async (t) => {
    const { js, jsm, name } = await world(t);
    await jsm.streams.add({ name, subjects: [`${name}.>`] });
    for (const token of ["a", "b.1", "c", "b.2", "a"]) await js.publish(`${name}.${token}`, token);
    const texts = async (filter_subjects: string[]): Promise<string[]> => {
      const consumer = await js.consumers.get(name, { filter_subjects });
      const { num_pending } = await consumer.info();
      return (await first(await consumer.consume(), num_pending)).map((message) => message.string());
    };
    assert.deepEqual(await texts([`${name}.b.*`]), ["b.1", "b.2"]);
    assert.deepEqual(await texts([`${name}.a`, `${name}.b.>`]), ["a", "b.1", "b.2", "a"]);
  });

  test("where a consumer starts", async (t) => {
    const { js, jsm, name } = await world(t);
    await jsm.streams.add({ name, subjects: [`${name}.*`] });
    for (let i = 1; i <= 6; i++) await js.publish(`${name}.${i % 2}`, String(i));
    const middle = await jsm.streams.getMessage(name, { seq: 4 });
    const start = async (config: object): Promise<string | undefined> => {
      const { name: consumer } = await jsm.consumers.add(name, { ack_policy: AckPolicy.None, ...config });
      return (await (await js.consumers.get(name, consumer)).next())?.string();
    };
    assert.equal(await start({ deliver_policy: DeliverPolicy.All }), "1");
    assert.equal(await start({ deliver_policy: DeliverPolicy.Last }), "6");
    assert.equal(
      await start({ deliver_policy: DeliverPolicy.LastPerSubject, filter_subject: `${name}.*` }),
      "5",
    );
    assert.equal(await start({ deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: 3 }), "3");
    const opt_start_time = middle?.timestamp;
    assert.equal(await start({ deliver_policy: DeliverPolicy.StartTime, opt_start_time }), "4");
  });

  test("a work queue forgets what is acknowledged", async (t) => {
    const { js, jsm, name } = await world(t);
    await jsm.streams.add({ name, subjects: [name], retention: RetentionPolicy.Workqueue });
    for (let i = 0; i < 10; i++) await js.publish(name, String(i));
    await jsm.consumers.add(name, { durable_name: "w", ack_policy: AckPolicy.Explicit });
    const consumer = await js.consumers.get(name, "w");
    for await (const message of await consumer.fetch({ max_messages: 6 })) await message.ackAck();
    assert.equal((await jsm.streams.info(name)).state.messages, 4);
    await refused(10099, jsm.consumers.add(name, { durable_name: "x", ack_policy: AckPolicy.Explicit }));
  });

  test("interest keeps a message until every consumer is done", async (t) => {
    const { js, jsm, name } = await world(t);
    await jsm.streams.add({ name, subjects: [name], retention: RetentionPolicy.Interest });
    await js.publish(name, "nobody");
    assert.equal((await jsm.streams.info(name)).state.messages, 0);
    for (const durable_name of ["a", "b"]) {
      await jsm.consumers.add(name, { durable_name, ack_policy: AckPolicy.Explicit });
    }
    await js.publish(name, "both");
    await (await (await js.consumers.get(name, "a")).next())?.ackAck();
    assert.equal((await jsm.streams.info(name)).state.messages, 1);
    await (await (await js.consumers.get(name, "b")).next())?.ackAck();
    assert.equal((await jsm.streams.info(name)).state.messages, 0);
  });

  test("an ordered consumer reads everything in order", async (t) => {
    const { js, jsm, name } = await world(t);
    await jsm.streams.add({ name, subjects: [name] });
    for (let i = 0; i < 500; i++) await js.publish(name, String(i));
    const consumer = await js.consumers.get(name);
    const messages = await first(await consumer.consume({ max_messages: 100 }), 500);
    assert.deepEqual(
      messages.map(({ seq }) => seq),
      Array.from({ length: 500 }, (_, i) => i + 1),
    );
  });

  test("a push consumer delivers, with flow control and heartbeats", async (t) => {
    const { js, jsm, nc, name } = await world(t);
    await jsm.streams.add({ name, subjects: [name] });
    const deliver_subject = `deliver.${name}`;
    await jsm.consumers.add(name, {
      durable_name: "p",
      deliver_subject,
      ack_policy: AckPolicy.Explicit,
      replay_policy: ReplayPolicy.Instant,
      flow_control: true,
      idle_heartbeat: nanos(5000),
    });
    const consumer = await js.consumers.getPushConsumer(name, "p");
    const messages = await consumer.consume();
    for (let i = 0; i < 100; i++) await js.publish(name, String(i));
    const texts: string[] = [];
    for await (const message of messages) {
      texts.push(message.string());
      message.ack();
      if (texts.length === 100) break;
    }
    assert.deepEqual(
      texts,
      Array.from({ length: 100 }, (_, i) => String(i)),
    );
    await nc.flush();
  });

  test("lists, names, updates and deletes", async (t) => {
    const { jsm, name } = await world(t);
    await jsm.streams.add({ name, subjects: [`${name}.a`], description: "before" });
    const updated = await jsm.streams.update(name, {
      subjects: [`${name}.a`, `${name}.b`],
      description: "after",
    });
    assert.equal(updated.config.description, "after");
    assert.equal(await jsm.streams.find(`${name}.b`), name);
    for (const durable_name of ["x", "y"]) await jsm.consumers.add(name, { durable_name });
    const consumers = await all(jsm.consumers.list(name));
    assert.deepEqual(consumers.map((consumer) => consumer.name).sort(), ["x", "y"]);
    const streams = await all(jsm.streams.list(`${name}.b`));
    assert.deepEqual(
      streams.map(({ config }) => config.name),
      [name],
    );
    await refused(SUBJECTS_OVERLAP, jsm.streams.add({ name: `${name}other`, subjects: [`${name}.*`] }));
    assert.equal(await jsm.consumers.delete(name, "x"), true);
    await refused(CONSUMER_NOT_FOUND, jsm.consumers.info(name, "x"));
    assert.equal(await jsm.streams.delete(name), true);
    await refused(STREAM_NOT_FOUND, jsm.streams.info(name));
  });

  test("direct gets, single and in batches", async (t) => {
    const { js, jsm, name } = await world(t);
    await jsm.streams.add({ name, subjects: [`${name}.*`], allow_direct: true });
    for (let i = 1; i <= 9; i++) await js.publish(`${name}.${i % 3}`, String(i));
    assert.equal((await jsm.direct.getMessage(name, { seq: 4 }))?.string(), "4");
    assert.equal((await jsm.direct.getMessage(name, { last_by_subj: `${name}.1` }))?.string(), "7");
    assert.equal((await jsm.direct.getMessage(name, { next_by_subj: `${name}.2`, seq: 3 }))?.string(), "5");
    assert.equal(await jsm.direct.getMessage(name, { seq: 99 }), null);
    const batch = await all(await jsm.direct.getBatch(name, { seq: 2, batch: 4 }));
    assert.deepEqual(
      batch.map((message) => message.string()),
      ["2", "3", "4", "5"],
    );
    const lasts = await all(await jsm.direct.getLastMessagesFor(name, { multi_last: [`${name}.*`] }));
    assert.deepEqual(
      lasts.map((message) => message.string()),
      ["7", "8", "9"],
    );
  });

  test("a mirror and a stream of sources follow their origins", async (t) => {
    const { js, jsm, name } = await world(t);
    const [a, b] = [`${name}a`, `${name}b`];
    for (const origin of [a, b]) {
      await jsm.streams.add({ name: origin, subjects: [`${origin}.*`] });
      for (let i = 0; i < 5; i++) await js.publish(`${origin}.${i}`, `${origin}${i}`);
    }
    await jsm.streams.add({ name: `${name}m`, mirror: { name: a } });
    await jsm.streams.add({
      name: `${name}s`,
      sources: [{ name: a }, { name: b, filter_subject: `${b}.3` }],
    });
    const texts = async (stream: string, size: number): Promise<string[]> => {
      const messages = await first(await (await js.consumers.get(stream)).consume(), size);
      return messages.map((message) => message.string()).sort();
    };
    assert.deepEqual(
      await texts(`${name}m`, 5),
      [0, 1, 2, 3, 4].map((i) => `${a}${i}`),
    );
    assert.deepEqual(await texts(`${name}s`, 6), [...[0, 1, 2, 3, 4].map((i) => `${a}${i}`), `${b}3`].sort());
    await js.publish(`${a}.9`, `${a}9`);
    assert.equal((await texts(`${name}m`, 6)).at(-1), `${a}9`);
  });

  test("account information counts", async (t) => {
    const { jsm, name } = await world(t);
    const before = await jsm.getAccountInfo();
    await jsm.streams.add({ name, subjects: [name] });
    const after = await jsm.getAccountInfo();
    assert.equal(after.streams, before.streams + 1);
    assert.ok(after.api.total > before.api.total);
    assert.equal(await jsm.streams.getMessage(name, { seq: 1 }), null);
  });
});
