import assert from "node:assert/strict";
import test from "node:test";
import { StreamStage, streamConfig } from "../../../../test/support/stream-stage.ts";
import { FaultyDisk } from "../../../../test/support/faulty-disk.ts";
import { NO_TIER_LIMITS } from "../config/read-jetstream-account.ts";
import { writeSmallFile } from "../store/small-file.ts";
import { CONSUMER_DEFAULTS, encodeStreamMeta } from "./stream-meta.ts";
import { Consumer } from "./consumer.ts";
import type { StreamConfig } from "./core/stream-config.ts";
import { Stream } from "./stream.ts";

const STREAMS = "/data/jetstream/%24G/streams";

/** What making a stream says: "made", or the error's number. */
async function make(stage: StreamStage, config: Partial<StreamConfig>): Promise<string> {
  const made = await stage.owner.createStream(streamConfig(config));
  return made instanceof Stream ? "made" : String(made.err_code);
}

/** The same account after a restart on the same disk. */
async function restarted(stage: StreamStage, disk: FaultyDisk): Promise<StreamStage> {
  await stage.owner.close();
  const next = new StreamStage({}, disk);
  await next.owner.recover();
  return next;
}

test("a name is taken once, an equal stream is there already", async () => {
  const stage = new StreamStage();
  const first = await stage.stream({ subjects: ["a"] });
  assert.equal(await stage.owner.createStream({ ...first.config }), first);
  assert.equal(await make(stage, { subjects: ["a"], max_msgs: 5 }), "10058");
});

test("subjects are taken once, by those that are being made as well", async () => {
  const stage = new StreamStage();
  const answers = await Promise.all([
    make(stage, { name: "A", subjects: ["x.*"] }),
    make(stage, { name: "B", subjects: ["x.>"] }),
    make(stage, { name: "C", subjects: ["y"] }),
  ]);
  assert.deepEqual(answers, ["made", "10065", "made"]);
  const [, stream] = stage.owner.streams.values();
  const error = await stream.update({ ...stream.config, subjects: ["x.1"] });
  assert.equal(error?.err_code, 10065);
});

test("an account has so many streams, bytes and consumers as its limits say", async () => {
  const stage = new StreamStage();
  const limits = { ...NO_TIER_LIMITS, maxStreams: 2, maxMemory: 1000, maxConsumers: 3 };
  stage.owner.limits = new Map([["", limits]]);
  assert.equal(await make(stage, { name: "A", max_consumers: 4 }), "10026");
  assert.equal(await make(stage, { name: "A", max_bytes: 1001 }), "10028");
  assert.equal(await make(stage, { name: "A", max_bytes: 600 }), "made");
  assert.equal(await make(stage, { name: "B", max_bytes: 401 }), "10028");
  assert.equal(await make(stage, { name: "B", max_bytes: 400 }), "made");
  assert.equal(await make(stage, { name: "C" }), "10027");
  const [stream] = stage.owner.streams.values();
  const error = await stream.update({ ...stream.config, max_bytes: 601 });
  assert.equal(error?.err_code, 10028);
  assert.equal(await stream.update({ ...stream.config, max_bytes: 100 }), null);
});

test("limits by tier hold for streams with so many replicas", async () => {
  const stage = new StreamStage();
  stage.owner.limits = new Map([["R1", { ...NO_TIER_LIMITS, maxStreams: 1 }]]);
  assert.equal(await make(stage, { name: "A" }), "made");
  assert.equal(await make(stage, { name: "B" }), "10027");
  assert.equal(await make(stage, { name: "C", num_replicas: 3 }), "10120");
});

test("the server promises no more than it has, and takes back what it has promised", async () => {
  const stage = new StreamStage({ maxMemory: 1000 });
  const stream = await stage.stream({ name: "A", max_bytes: 700 });
  assert.equal(await make(stage, { name: "B", max_bytes: 301 }), "10028");
  assert.equal(await stream.update({ ...stream.config, max_bytes: 699 }), null);
  assert.equal(await make(stage, { name: "B", max_bytes: 301 }), "made");
  assert.equal(stage.jetStream.usage.reservedMemory, 1000);
  assert.equal(await stage.owner.deleteStream(stream), null);
  assert.equal(stage.jetStream.usage.reservedMemory, 301);
  await stage.owner.close();
  assert.equal(stage.jetStream.usage.reservedMemory, 0);
});

test("nothing is stored beyond what account and server may use", async () => {
  const stage = new StreamStage();
  await stage.stream();
  stage.owner.limits = new Map([["", { ...NO_TIER_LIMITS, maxMemory: 40 }]]);
  assert.equal(await stage.publish("S", "x".repeat(20)), '{"stream":"S","seq":1}');
  assert.match(
    await stage.publish("S"),
    /"err_code":10002,"description":"resource limits exceeded for account"/,
  );
  const small = new StreamStage({ maxMemory: 40 });
  await small.stream();
  assert.equal(await small.publish("S", "x".repeat(40)), '{"stream":"S","seq":1}');
  assert.match(
    await small.publish("S"),
    /"code":503,"err_code":10023,"description":"insufficient resources"/,
  );
});

test("what is refused for want of room is told in the log, at most every ten seconds", async () => {
  const full = "JetStream memory resource limits exceeded for server";
  const said = ({ world }: StreamStage): string[] =>
    world.logLines.filter((line) => line.includes("exceeded"));
  const small = new StreamStage({ maxMemory: 40 });
  await small.stream();
  await small.publish("S", "x".repeat(40));
  for (let i = 0; i < 3; i++) await small.publish("S");
  assert.deepEqual(said(small), [full]);
  await small.world.clock.advance(10_000);
  await small.publish("S");
  assert.deepEqual(said(small), [full, full]);
  const stage = new StreamStage();
  stage.owner.limits = new Map([["", { ...NO_TIER_LIMITS, maxMemory: 40 }]]);
  await stage.stream();
  for (let i = 0; i < 4; i++) await stage.publish("S", "x".repeat(20));
  assert.deepEqual(said(stage), ['JetStream memory resource limits exceeded for account: "$G"']);
});

test("streams come back as they were, those in memory do not", async () => {
  const disk = new FaultyDisk(1);
  const stage = new StreamStage({}, disk);
  const config = {
    storage: "file",
    subjects: ["a.*"],
    metadata: new Map([["k", "v"]]),
    duplicate_window: 60e9,
    description: "\u00c3\u00bc",
  } as const;
  const stream = await stage.stream(config);
  await stage.stream({ name: "M" });
  await stage.publish("a.1", "one", ["Nats-Msg-Id: id"]);
  await stage.publish("a.2", "two");
  await stream.removeMessage(2, false);
  const { created } = stream;
  const next = await restarted(stage, disk);
  assert.deepEqual([...next.owner.streams.keys()], ["S"]);
  assert.deepEqual(next.owner.recovery, { done: 1, total: 1 });
  const back = next.owner.streams.get("S");
  assert.ok(back !== undefined);
  assert.deepEqual(back.config, streamConfig(config));
  assert.deepEqual(back.created, created);
  assert.equal(next.list(back), "1:a.1");
  assert.equal(
    await next.publish("a.1", "again", ["Nats-Msg-Id: id"]),
    '{"stream":"S","seq":1,"duplicate": true}',
    "ids are known again",
  );
});

test("a stream whose configuration is none stays as it is, and the others come back", async () => {
  const disk = new FaultyDisk(1);
  const stage = new StreamStage({}, disk);
  await stage.stream({ storage: "file" });
  const { created, config } = await stage.stream({ name: "X", storage: "file" });
  const file = `${STREAMS}/X/stream.json`;
  const harmed = encodeStreamMeta({ created, config }).replace('"subjects":["X"]', '"subjects":[5]');
  await writeSmallFile(disk, file, harmed, null);
  const next = await restarted(stage, disk);
  assert.deepEqual([...next.owner.streams.keys()], ["S"]);
  assert.equal(next.owner.damaged.get("X")?.reason, "its configuration is damaged");
  assert.equal(await make(next, { name: "Y", subjects: ["X"], storage: "file" }), "made");
  await next.owner.close();
  assert.ok(disk.size(file) > 0);
});

test("a changed configuration is kept", async () => {
  const disk = new FaultyDisk(1);
  const stage = new StreamStage({}, disk);
  const stream = await stage.stream({ storage: "file" });
  assert.equal(await stream.update({ ...stream.config, max_msgs: 7 }), null);
  const next = await restarted(stage, disk);
  assert.equal(next.owner.streams.get("S")?.config.max_msgs, 7);
});

test("a stream that was deleted is gone, and its name is free", async () => {
  const disk = new FaultyDisk(1);
  const stage = new StreamStage({}, disk);
  const stream = await stage.stream({ storage: "file" });
  await stage.publish("S", "old");
  const [deleted, made] = await Promise.all([
    stage.owner.deleteStream(stream),
    make(stage, { storage: "file" }),
  ]);
  assert.deepEqual([deleted, made], [null, "made"]);
  assert.equal((await stage.owner.deleteStream(stream))?.err_code, 10059);
  assert.equal(await stage.publish("S", "new"), '{"stream":"S","seq":1}');
  const next = await restarted(stage, disk);
  const back = next.owner.streams.get("S");
  assert.ok(back !== undefined);
  assert.equal(next.list(back), "1:S");
  assert.equal(await next.owner.deleteStream(back), null);
  assert.deepEqual(
    disk.paths.filter((path) => path.startsWith(STREAMS)),
    [],
  );
});

test("consumers come back with their stream", async () => {
  const disk = new FaultyDisk(1);
  const stage = new StreamStage({}, disk);
  const stream = await stage.stream({ storage: "file" });
  const config = {
    ...CONSUMER_DEFAULTS,
    name: "C",
    durable_name: "C",
    ack_policy: "explicit",
    ack_wait: 30e9,
  } as const;
  const consumer = await stream.createConsumer(config);
  assert.ok(consumer instanceof Consumer);
  await stream.updateConsumer(consumer, { ...config, description: "new" });
  const other = await stream.createConsumer({ ...config, name: "D", durable_name: "D" });
  assert.ok(other instanceof Consumer);
  await stream.deleteConsumer(other);
  const next = await restarted(stage, disk);
  const back = next.owner.streams.get("S");
  assert.deepEqual([...(back?.consumers.keys() ?? [])], ["C"]);
  assert.deepEqual(back?.consumers.get("C")?.config, { ...config, description: "new" });
});

test("what can't be read stays as it is and is told; the others come back", async () => {
  const disk = new FaultyDisk(1);
  const stage = new StreamStage({}, disk);
  for (const name of ["A", "B", "C"]) await stage.stream({ name, storage: "file" });
  for (const name of ["B", "C"]) await stage.publish(name, "kept");
  await stage.owner.close();
  disk.damage(`${STREAMS}/A/stream.json`, (content) => {
    content[content.length - 10] ^= 1;
    return content;
  });
  await disk.remove(`${STREAMS}/B/stream.json`);
  const before = [...disk.paths];
  const next = new StreamStage({}, disk);
  await next.owner.recover();
  assert.deepEqual([...next.owner.streams.keys()], ["C"]);
  assert.deepEqual(
    [...next.owner.damaged.values()].map(({ name, reason }) => `${name}: ${reason}`).toSorted(),
    ["A: its configuration is damaged", "B: its configuration is missing"],
  );
  assert.equal(next.world.logLines.filter((line) => line.includes("is offline")).length, 2);
  assert.equal(await make(next, { name: "A", storage: "file" }), "10194");
  const missing = before.filter((path) => !disk.paths.includes(path));
  assert.deepEqual(missing, [], "nothing was removed");
});

test("what a newer server made is offline, and left to it", async () => {
  const disk = new FaultyDisk(1);
  const stage = new StreamStage({}, disk);
  const metadata = new Map([["_nats.req.level", "6"]]);
  await stage.stream({ name: "A", storage: "file", metadata });
  const consumed = await stage.stream({ name: "B", storage: "file" });
  const config = { ...CONSUMER_DEFAULTS, ack_policy: "explicit", ack_wait: 30e9 } as const;
  for (const level of ["5", "6"]) {
    const name = `C${level}`;
    const made = await consumed.createConsumer({
      ...config,
      name,
      durable_name: name,
      metadata: new Map([["_nats.req.level", level]]),
    });
    assert.ok(made instanceof Consumer);
  }
  const fine = await stage.stream({ name: "D", storage: "file" });
  await fine.createConsumer({ ...config, name: "C", durable_name: "C", metadata: new Map([["a", "b"]]) });
  await stage.publish("B", "kept");
  const next = await restarted(stage, disk);
  assert.deepEqual([...next.owner.streams.keys()], ["D"]);
  assert.deepEqual(
    [...next.owner.damaged.values()].map(({ name, reason }) => `${name}: ${reason}`).toSorted(),
    [
      "A: unsupported - required API level: 6, current API level: 5",
      'B: stopped - unsupported consumer "C6"',
    ],
  );
  assert.deepEqual([...(next.owner.streams.get("D")?.consumers.keys() ?? [])], ["C"]);
});

test("names become folders of their own, whatever they are", async () => {
  const disk = new FaultyDisk(1);
  const stage = new StreamStage({}, disk);
  const names = ["a", "A", "a%41", "\u00c3\u00bc", "x".repeat(250), `${"x".repeat(249)}y`, "-", "con"];
  for (const [i, name] of names.entries()) await stage.stream({ name, subjects: [`s${i}`], storage: "file" });
  const next = await restarted(stage, disk);
  assert.deepEqual([...next.owner.streams.keys()].toSorted(), names.toSorted());
});
