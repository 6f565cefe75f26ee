import assert from "node:assert/strict";
import test from "node:test";
import { origin, OriginStage } from "../../../../test/support/origin-stage.ts";
import { MemoryDisk } from "../io/memory-disk.ts";
import { mirrorFields, sourcesFields } from "./api/origin-fields.ts";
import type { StreamConfig } from "./core/stream-config.ts";
import type { Stream } from "./stream.ts";

const HEADER = /^NATS\/1\.0\r\nNats-Stream-Source: O 2 > > o\.b [A-Za-z0-9]{8}\r\n\r\n$/;

/** Sequences at the origin, as the headers of a stream say. */
function sourced(stage: OriginStage, stream: Stream): string {
  return stage
    .kept(stream)
    .map(({ headers }) => / (\d+) /.exec(headers)?.[1] ?? "own")
    .join(" ");
}

/** What a peer gets from a direct get. */
async function directGet(stage: OriginStage, stream: string): Promise<string> {
  return stage.publish(`$JS.API.DIRECT.GET.${stream}`, '{"seq":1}');
}

function streamNamed(stage: OriginStage, name: string): Stream {
  const stream = stage.owner.streams.get(name);
  assert.ok(stream !== undefined, name);
  return stream;
}

test("a mirror has the messages of its origin with their sequences and times", async () => {
  const stage = new OriginStage();
  const from = await stage.stream({ name: "O", subjects: ["o.>"] });
  await stage.publishAll("o.a", "o.b", "o.c");
  from.removals.remove(2);
  const mirror = await stage.mirror("M", origin("O"));
  await stage.connected();
  assert.equal(stage.list(mirror), "1:o.a 3:o.c");
  assert.deepEqual(mirror.store.state.lastTime, from.store.state.lastTime);
  await stage.publishAll("o.d");
  assert.equal(stage.list(mirror), "1:o.a 3:o.c 4:o.d");
});

test("a source says in the header where its messages come from", async () => {
  const stage = new OriginStage();
  await stage.stream({ name: "O", subjects: ["o.>"] });
  await stage.publishAll("o.a", "o.b");
  const stream = await stage.sourcing("S", [origin("O")], { subjects: ["own"] });
  await stage.connected();
  await stage.publishAll("own", "o.c");
  assert.equal(stage.list(stream), "1:o.a 2:o.b 3:own 4:o.c");
  assert.match(stage.kept(stream)[1].headers, HEADER);
});

test("much comes through: flow control goes on, consumers of the mirror see it", async () => {
  const stage = new OriginStage();
  const from = await stage.stream({ name: "O", subjects: ["o"], storage: "file" });
  const payload = "x".repeat(16 * 1024);
  for (let i = 0; i < 1_000; i++) stage.say("o", payload);
  await stage.world.clock.settled();
  const mirror = await stage.mirror("M", origin("O"), { storage: "file" });
  const stream = await stage.sourcing("S", [origin("O")]);
  await stage.connected();
  await stage.advance(1_000);
  for (const copy of [mirror, stream]) {
    assert.equal(copy.store.state.messages, 1_000);
    assert.equal(copy.visibleSeq, from.visibleSeq);
  }
  assert.deepEqual([mirrorFields(mirror)?.["lag"], sourcesFields(stream)?.[0]["seq"]], [0, 1_000]);
});

test("a mirror that becomes a stream of its own takes messages, and nothing more from its origin", async () => {
  const stage = new OriginStage();
  await stage.stream({ name: "O", subjects: ["o.>"] });
  await stage.publishAll("o.a");
  const mirror = await stage.mirror("M", origin("O"));
  await stage.connected();
  assert.equal(await mirror.update({ ...mirror.config, mirror: null, subjects: ["m"] }), null);
  await stage.publishAll("o.b", "m");
  assert.equal(stage.list(mirror), "1:o.a 2:m");
  assert.equal(mirrorFields(mirror), undefined);
});

test("sources come and go; those that stay are not interrupted", async () => {
  const stage = new OriginStage();
  for (const name of ["O", "P", "Q"]) await stage.stream({ name, subjects: [name] });
  const stream = await stage.sourcing("S", [origin("O"), origin("P")]);
  await stage.connected();
  const origins = (...names: string[]): Promise<unknown> =>
    stream.update({ ...stream.config, sources: names.map((name) => origin(name)) });
  await stage.publishAll("O", "P", "Q");
  await origins("P", "Q");
  await stage.publishAll("P");
  assert.equal(stage.list(stream), "1:O 2:P 3:P");
  await stage.connected();
  assert.equal(stage.list(stream), "1:O 2:P 3:P 4:Q");
  await stage.publishAll("O", "Q");
  await origins("O", "Q");
  await stage.connected();
  assert.equal(stage.list(stream), "1:O 2:P 3:P 4:Q 5:Q 6:O", "one that comes back goes on where it was");
});

test("a work queue is emptied into another stream, by a durable consumer that goes with it", async () => {
  for (const end of ["removed", "deleted", "promoted"]) {
    const stage = new OriginStage();
    const from = await stage.stream({ name: "O", subjects: ["o.>"], retention: "workqueue" });
    await stage.publishAll("o.a", "o.b");
    const stream = await (end === "promoted"
      ? stage.mirror("M", origin("O"))
      : stage.sourcing("S", [origin("O")]));
    await stage.connected();
    await stage.advance(2_000);
    assert.equal(stage.list(stream), "1:o.a 2:o.b");
    assert.equal(stage.list(from), "");
    const [name] = from.consumers.keys();
    assert.match(name, /^JS_(?:SRC|MIRROR)_\w{8}$/);
    if (end === "deleted") await stage.owner.deleteStream(stream);
    else await stream.update({ ...stream.config, sources: [], mirror: null });
    await stage.world.clock.settled();
    assert.deepEqual([...from.consumers.keys()], [], end);
  }
});

test("a mirror answers direct gets in place of an origin that does not", async () => {
  const stage = new OriginStage();
  const from = await stage.stream({ name: "O", subjects: ["o"], allow_direct: false });
  await stage.publishAll("o");
  const mirror = await stage.mirror("M", origin("O"), { mirror_direct: true });
  assert.match(await directGet(stage, "O"), /503/, "not before it has caught up");
  await stage.connected();
  assert.match(await directGet(stage, "O"), /Nats-Stream: M\r\nNats-Subject: o\r\n/);
  await from.update({ ...from.config, allow_direct: true });
  assert.match(await directGet(stage, "O"), /Nats-Stream: O\r\n/);
  await stage.owner.deleteStream(from);
  assert.match(await directGet(stage, "O"), /Nats-Stream: M\r\n/);
  await mirror.update({ ...mirror.config, mirror_direct: false });
  assert.match(await directGet(stage, "O"), /503/);
  await mirror.update({ ...mirror.config, mirror_direct: true });
  assert.match(await directGet(stage, "O"), /Nats-Stream: M\r\n/);
  await stage.owner.deleteStream(mirror);
  assert.match(await directGet(stage, "O"), /503/);
});

test("a mirror of nothing has caught up at once", async () => {
  const stage = new OriginStage();
  await stage.stream({ name: "O", subjects: ["o"], allow_direct: false });
  await stage.mirror("M", origin("O"), { mirror_direct: true });
  await stage.connected();
  assert.match(await directGet(stage, "O"), /404 Message Not Found/);
});

test("messages with a time of their own stay where they do not go by themselves", async () => {
  const stage = new OriginStage();
  await stage.stream({ name: "O", subjects: ["o"], allow_msg_ttl: true });
  stage.say("o", "", ["Nats-TTL: 5s"]);
  const stays = await stage.mirror("M", origin("O"));
  const goes = await stage.mirror("N", origin("O"), { allow_msg_ttl: true });
  await stage.connected();
  assert.deepEqual([stage.list(stays), stage.list(goes)], ["1:o", "1:o"]);
  await stage.advance(6_000);
  assert.deepEqual([stage.list(stays), stage.list(goes)], ["1:o", ""]);
});

/** Streams on a disk that a server leaves behind, and another one finds. */
class Restarts {
  readonly #disk = new MemoryDisk();
  stage = new OriginStage({}, this.#disk);

  /** Nothing of what is in memory is left. */
  async restart(): Promise<void> {
    await this.stage.owner.close();
    this.stage = new OriginStage({}, this.#disk);
    await this.stage.owner.recover();
  }

  async make(config: Partial<StreamConfig>): Promise<Stream> {
    return this.stage.stream({ subjects: [], ...config, storage: "file" });
  }

  named(name: string): Stream {
    return streamNamed(this.stage, name);
  }
}

test("after a restart mirrors and sources go on where they were", async () => {
  const world = new Restarts();
  await world.make({ name: "O", subjects: ["o"] });
  await world.make({ name: "M", mirror: origin("O") });
  await world.make({ name: "S", subjects: ["own"], sources: [origin("O")] });
  await world.stage.publishAll("o", "o");
  await world.stage.connected();
  await world.stage.publishAll("own");
  await world.restart();
  await world.stage.publishAll("o", "own");
  await world.stage.connected();
  const { stage } = world;
  assert.equal(stage.list(world.named("M")), "1:o 2:o 3:o");
  assert.equal(sourced(stage, world.named("S")), "1 2 own own 3");
  assert.equal(sourcesFields(world.named("S"))?.[0]["seq"], 3);
});

test("also when none of the messages is left that would tell", async () => {
  const world = new Restarts();
  await world.make({ name: "O", subjects: ["o"] });
  const stream = await world.make({ name: "S", subjects: ["own"], sources: [origin("O")] });
  await world.stage.publishAll("o", "o");
  await world.stage.connected();
  // The stream's own messages are later than what it has yet to source.
  for (const { link } of stream.origins.sources) link.stop();
  await world.stage.publishAll("o");
  await world.stage.advance(5_000);
  await world.stage.publishAll("own");
  await stream.purge({ seq: 0, filter: "", keep: 0 });
  await world.restart();
  await world.stage.connected();
  assert.equal(sourced(world.stage, world.named("S")), "3");
});

test("what is kept of sources is not ahead of what is durable", async () => {
  const world = new Restarts();
  await world.make({ name: "O", subjects: ["o"] });
  const stream = await world.make({ name: "S", sources: [origin("O")] });
  await world.stage.publishAll("o");
  await world.stage.connected();
  const { store } = stream;
  Object.defineProperty(store, "durablePosition", { configurable: true, get: () => 0 });
  await world.stage.advance(60_000);
  assert.equal(await stream.folder?.readSources(), null);
  Object.defineProperty(store, "durablePosition", { get: () => store.position });
  await world.stage.advance(20_000);
  const kept = await stream.folder?.readSources();
  assert.equal(kept?.upTo, 1);
  assert.deepEqual(
    Array.from(kept.cursors.values(), ({ seq, storedSeq }) => [seq, storedSeq]),
    [[1, 1]],
  );
  // What came since is found among the messages.
  await world.stage.publishAll("o");
  stream.origins.keep = () => Promise.resolve();
  await world.restart();
  await world.stage.publishAll("o");
  await world.stage.connected();
  assert.equal(sourced(world.stage, world.named("S")), "1 2 3");
});

test("where nothing tells how far it was, the messages are looked through from the last to the first", async () => {
  const world = new Restarts();
  await world.make({ name: "O", subjects: ["o"] });
  await world.make({ name: "P", subjects: ["p"] });
  const stream = await world.make({ name: "S", subjects: ["own"], sources: [origin("O"), origin("P")] });
  await world.stage.connected();
  await world.stage.publishAll("o", "p", "o", "p");
  // More than are looked at in one turn.
  await world.stage.publishAll(...Array.from({ length: 5_000 }, () => "own"));
  await stream.folder?.writeSources({ upTo: 0, cursors: new Map() });
  stream.origins.keep = () => Promise.resolve();
  await world.restart();
  await world.stage.connected();
  await world.stage.publishAll("o", "p");
  const after = sourced(world.stage, world.named("S")).split(" ");
  assert.deepEqual(after.filter((seq) => seq !== "own").toSorted(), ["1", "1", "2", "2", "3", "3"]);
});
