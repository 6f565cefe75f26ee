import assert from "node:assert/strict";
import { test } from "node:test";
import { SnapshotPeer } from "../../../../test/support/snapshot-peer.ts";
import { StreamStage } from "../../../../test/support/stream-stage.ts";
import { S2Writer, unpackS2 } from "../base/s2-frame.ts";
import { type ArchiveEntry, ArchiveReader, isLastEntry } from "./core/archive.ts";
import type { StreamConfig } from "./core/stream-config.ts";
import { Snapshot } from "./snapshot.ts";
import type { Stream } from "./stream.ts";

const MIB = 1024 * 1024;
/** Of messages that are too large for a snapshot to be read at once. */
const LARGE = 16 * 1024;
/** Chunks of such. */
const CHUNKS = { chunk_size: 16 * 1024, window_size: 16 * 1024 };

interface Entry extends ArchiveEntry {
  readonly text: string;
}

/** What an archive holds; fails when it is not whole. */
function entriesOf(archive: Buffer): Entry[] {
  const unpacked = unpackS2(archive, 64 * MIB);
  assert.ok(unpacked !== null);
  const reader = new ArchiveReader();
  reader.append(Buffer.from(unpacked));
  const entries: Entry[] = [];
  for (;;) {
    const entry = reader.next();
    assert.ok(entry !== null && entry !== "damaged", "an archive ends with its last entry");
    if (isLastEntry(entry)) break;
    const bytes = reader.take(entry.headerBytes + entry.payloadBytes);
    assert.ok(bytes !== null);
    entries.push({ ...entry, text: bytes.toString("latin1") });
  }
  assert.equal(reader.waitingBytes, 0);
  return entries;
}

function messagesOf(archive: Buffer): string {
  return entriesOf(archive)
    .filter(({ seq }) => seq > 0)
    .map(({ seq, name, text, headerBytes }) => `${seq}:${name}=${text.slice(headerBytes)}`)
    .join(" ");
}

async function scene(
  config: Partial<StreamConfig> = {},
): Promise<{ stage: StreamStage; stream: Stream; peer: SnapshotPeer }> {
  const stage = new StreamStage();
  const stream = await stage.stream({ subjects: ["s.>"], ...config });
  return { stage, stream, peer: new SnapshotPeer(stage) };
}

test("an archive has the state, the consumers and the messages, and ends", async () => {
  const { stage, peer } = await scene();
  await stage.publish("s.a", "one", ["X: y"]);
  await stage.publish("s.b", "two");
  await peer.ask("CONSUMER.CREATE.S.C", {
    stream_name: "S",
    config: { name: "C", durable_name: "C", ack_policy: "explicit", filter_subject: "s.a" },
  });
  const { answer, archive, chunks, status } = await peer.snapshot("S");
  assert.match(answer, /^{"type":"io.nats.jetstream.api.v1.stream_snapshot_response","config":{"name":"S"/);
  assert.match(answer, /"state":{"messages":2,.*"consumer_count":1}}$/);
  // One that fits a chunk ends without a status.
  assert.deepEqual([chunks, status], [1, ""]);
  const [state, consumer, ...messages] = entriesOf(archive);
  assert.equal(state.name, "state.json");
  assert.match(state.text, /^{"messages":2,"bytes":.*"first_seq":1,.*"last_seq":2,.*"consumer_count":1}$/);
  assert.equal(consumer.name, "consumers/C");
  const { config, state: progress } = JSON.parse(consumer.text) as { config: object; state: object };
  assert.deepEqual(progress, {
    delivered: { consumer_seq: 0, stream_seq: 0 },
    ack_floor: { consumer_seq: 0, stream_seq: 0 },
  });
  assert.equal((config as { filter_subject: string }).filter_subject, "s.a");
  assert.deepEqual(
    messages.map(({ name, seq, headerBytes, text }) => [name, seq, headerBytes, text]),
    [
      ["s.a", 1, 18, "NATS/1.0\r\nX: y\r\n\r\none"],
      ["s.b", 2, 0, "two"],
    ],
  );
  const without = await peer.snapshot("S", { no_consumers: true });
  assert.deepEqual(entriesOf(without.archive)[0].text.match(/"consumer_count":\d+/g), ['"consumer_count":0']);
  assert.equal(entriesOf(without.archive).length, 3);
});

test("an empty stream, and one that was emptied", async () => {
  const { stage, peer } = await scene();
  assert.equal(messagesOf((await peer.snapshot("S")).archive), "");
  await stage.publish("s.a", "one");
  await peer.ask("STREAM.PURGE.S");
  const { archive } = await peer.snapshot("S");
  assert.match(entriesOf(archive)[0].text, /"first_seq":2,.*"last_seq":1,/);
});

test("chunks keep to their size and to the window, and are numbered", async () => {
  const { stage, peer } = await scene();
  // Nothing that can be packed.
  for (let i = 0; i < 64; i++) await stage.publish("s.a", randomText(stage, 256));
  peer.peer.say("SUB chunks.here 2\r\n");
  const request = { deliver_subject: "chunks.here", chunk_size: 1, window_size: 3_500 };
  peer.publish("$JS.API.STREAM.SNAPSHOT.S", "answer.x", JSON.stringify(request));
  const came = (await peer.take()).filter(({ subject }) => subject === "chunks.here");
  assert.deepEqual(
    came.map(({ reply, payload }) => [reply.replace(/\.\w{22}\./, ".id."), payload.length]),
    [1, 2, 3].map((n) => [`$JS.SNAPSHOT.ACK.S.id.1024.${n}`, 1024]),
  );
  peer.publish(came[0].reply, "none", "");
  assert.equal((await peer.take()).length, 1);
  // Without acknowledgements it ends.
  await stage.advance(4_900);
  assert.deepEqual(await peer.take(), []);
  await stage.advance(200);
  const [end, ...more] = await peer.take();
  assert.deepEqual([end.headers, end.payload, more], ["NATS/1.0 408 No Flow Response\r\n\r\n", "", []]);
});

test("whole chunks end with a status", async () => {
  const { stage, peer } = await scene();
  for (let i = 0; i < 16; i++) await stage.publish("s.a", randomText(stage, 256));
  const { status, chunks } = await peer.snapshot("S", { chunk_size: 1024 });
  assert.ok(chunks > 3);
  assert.equal(status, "204");
});

test("it waits for somebody to listen, and breaks off when nobody does any more", async () => {
  const { stage, stream, peer } = await scene();
  for (let i = 0; i < 64; i++) await stage.publish("s.a", randomText(stage, LARGE));
  const request = { deliver_subject: "chunks.here", chunk_size: 1024, window_size: 1024 };
  // One that covers it is not the one that is meant.
  peer.peer.say("SUB chunks.* 3\r\n");
  peer.publish("$JS.API.STREAM.SNAPSHOT.S", "answer.x", JSON.stringify(request));
  const [answer, ...early] = await peer.take();
  assert.match(answer.payload, /stream_snapshot_response/);
  await stage.advance(1_000);
  assert.deepEqual([early, await peer.take()], [[], []]);
  peer.peer.say("SUB chunks.here 2\r\n");
  await stage.advance(10);
  const [chunk] = await peer.take();
  assert.equal(chunk.payload.length, 1024);
  assert.ok(stream.snapshots.isAny);
  peer.peer.say("UNSUB 2\r\n");
  peer.publish(chunk.reply, "none", "");
  const [end] = await peer.take();
  assert.equal(end.headers, "NATS/1.0 408 No Interest\r\n\r\n");
  assert.ok(!stream.snapshots.isAny);
});

test("what comes later is not in it, and what makes way for it is", async () => {
  const { stage, stream, peer } = await scene({ max_msgs_per_subject: 1, allow_rollup_hdrs: true });
  const values = new Map<string, string>();
  for (let i = 0; i < 60; i++) values.set(`s.${i}`, `${i}-${randomText(stage, LARGE)}`);
  for (const [subject, value] of values) await stage.publish(subject, value);
  const expected = [...values].map(([subject, value], i) => `${i + 1}:${subject}=${value}`).join(" ");
  const { archive } = await peer.snapshot("S", CHUNKS, (chunks) => {
    // Everything is replaced again and again, in some order, and then by one message.
    for (let i = 0; i < 60; i++) stage.say(`s.${(i * 7 + chunks) % 60}`, `newer ${chunks}`);
    if (chunks === 3) stage.say("s.all", "one for all", ["Nats-Rollup: all"]);
  });
  assert.equal(messagesOf(archive), expected);
  assert.equal(
    stage.kept(stream).some(({ payload }) => payload.includes("-")),
    false,
  );
});

test("what a roll-up of the whole stream removes is in it", async () => {
  const { stage, stream, peer } = await scene({ allow_rollup_hdrs: true });
  for (let i = 0; i < 60; i++) await stage.publish(`s.${i}`, randomText(stage, LARGE));
  const { archive } = await peer.snapshot("S", CHUNKS, (chunks) => {
    if (chunks === 1) stage.say("s.all", "one for all", ["Nats-Rollup: all"]);
  });
  assert.equal(entriesOf(archive).filter(({ seq }) => seq > 0).length, 60);
  assert.equal(stage.list(stream), "61:s.all");
});

test("more than it can keep ends it", async () => {
  const { stage, stream } = await scene({ max_msgs_per_subject: 1 });
  for (let i = 0; i < 10; i++) await stage.publish(`s.${i}`, randomText(stage, 1_000));
  const snapshot = new Snapshot(stream, true, 5_000);
  let told = 0;
  snapshot.onFailed = () => told++;
  for (let i = 0; i < 4; i++) await stage.publish(`s.${i}`, "newer");
  assert.equal(snapshot.failure, "");
  await stage.publish("s.5", "newer");
  assert.equal(snapshot.failure, "the stream changes faster than its snapshot is taken");
  assert.ok(!stream.snapshots.isAny);
  assert.equal(told, 1);
  const emitted: Buffer[] = [];
  snapshot.writeSome(new S2Writer((bytes) => emitted.push(bytes)), MIB);
  assert.ok(!snapshot.isDone);
});

test("what is deleted, purged or too much meanwhile may be missing, and nothing else", async () => {
  const { stage, stream, peer } = await scene({ max_msgs: 60 });
  for (let i = 1; i <= 60; i++) await stage.publish(`s.${i}`, randomText(stage, LARGE));
  const { archive } = await peer.snapshot("S", CHUNKS, (chunks) => {
    if (chunks === 1) void stream.removeMessage(59, true);
    if (chunks === 2) for (let i = 0; i < 30; i++) stage.say("s.new", "later");
  });
  const seqs = entriesOf(archive).flatMap(({ seq }) => (seq > 0 ? [seq] : []));
  assert.ok(!seqs.includes(59));
  assert.deepEqual(seqs.slice(-2), [58, 60]);
  assert.ok(seqs.every((seq) => seq <= 60));
});

test("a stream that goes away ends its snapshots with the reason", async () => {
  const { stage, stream, peer } = await scene();
  for (let i = 0; i < 64; i++) await stage.publish("s.a", randomText(stage, LARGE));
  const { status } = await peer.snapshot("S", CHUNKS, (chunks) => {
    if (chunks === 2) void stage.owner.deleteStream(stream);
  });
  assert.equal(status, "500 the stream is closed");
});

test("requests that can't be met", async () => {
  const { peer } = await scene();
  const errorOf = async (body: object | string, stream = "S"): Promise<number> =>
    (JSON.parse(await peer.ask(`STREAM.SNAPSHOT.${stream}`, body)) as { error: { err_code: number } }).error
      .err_code;
  assert.equal(await errorOf(""), 10003);
  assert.equal(await errorOf({ deliver_subject: "x" }, "NOBODY"), 10059);
  assert.equal(await errorOf({ deliver_subject: "x.*" }), 10015);
  assert.equal(await errorOf({ chunk_size: 5 }), 10015);
  assert.equal(await errorOf({ deliver_subject: "x", color: 1 }), 10025);
});

/** Letters by chance. */
function randomText({ world }: StreamStage, length: number): string {
  let text = "";
  while (text.length < length) text += Buffer.from(world.broker.random.bytes(240)).toString("base64");
  return text.slice(0, length);
}
