import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { SnapshotPeer } from "../../../../test/support/snapshot-peer.ts";
import { StreamStage } from "../../../../test/support/stream-stage.ts";
import { packS2, S2Writer, unpackS2 } from "../base/s2-frame.ts";
import { MemoryDisk } from "../io/memory-disk.ts";
import { ARCHIVE_MAGIC, ArchiveWriter, LAST_ENTRY } from "./core/archive.ts";
import type { StreamConfig } from "./core/stream-config.ts";
import type { JetStreamSettings } from "./settings.ts";

const RESTORED = /^{"type":"io.nats.jetstream.api.v1.stream_create_response","config":{"name":"S"/;
const NOTHING_LEFT = ["S"];

/** Where streams lie on a stage's disk. */
const STREAMS = "/data/jetstream/%24G/streams";

interface Scene {
  readonly stage: StreamStage;
  readonly peer: SnapshotPeer;
  readonly disk: MemoryDisk;
}

function scene(settings: Partial<JetStreamSettings> = {}): Scene {
  const disk = new MemoryDisk();
  const stage = new StreamStage(settings, disk);
  return { stage, peer: new SnapshotPeer(stage), disk };
}

/** A stream with a bit of everything, and its archive. */
async function original(config: Partial<StreamConfig> = {}): Promise<{ archive: Buffer; list: unknown[] }> {
  const { stage, peer } = scene();
  const stream = await stage.stream({ subjects: ["s.>"], allow_msg_ttl: true, first_seq: 5, ...config });
  for (let i = 0; i < 20; i++)
    await stage.publish(`s.${i % 3}`, `payload ${i}`, i % 4 === 0 ? [`N: ${i}`] : []);
  await stage.publish("s.ttl", "for an hour", ["Nats-TTL: 1h"]);
  await stage.publish("s.ttl", "last");
  for (const seq of [5, 9, 10, 26]) await stream.removeMessage(seq, false);
  for (const name of ["C", "E"]) {
    await peer.ask(`CONSUMER.CREATE.S.${name}`, {
      stream_name: "S",
      config: {
        name,
        durable_name: name === "C" ? name : undefined,
        ack_policy: "explicit",
        ack_wait: 1e9,
        inactive_threshold: 3600e9,
        mem_storage: name === "E",
      },
    });
    peer.peer.say("SUB next 3\r\n");
    peer.publish(`$JS.API.CONSUMER.MSG.NEXT.S.${name}`, "next", '{"batch":4,"no_wait":true}');
    const [, second] = await peer.take();
    peer.publish(second.reply, "none", "+ACK");
    await stage.world.clock.settled();
    peer.peer.say("UNSUB 3\r\n");
  }
  const list = stage.kept(stream);
  return { archive: (await peer.snapshot("S", { chunk_size: 1024 })).archive, list };
}

/** Folders of streams on the disk. */
async function foldersOf(disk: MemoryDisk): Promise<string[]> {
  return (await disk.list(STREAMS)).map(({ name }) => name);
}

for (const storage of ["memory", "file"] as const) {
  test(`a restored stream is as it was: ${storage}`, async () => {
    const { archive, list } = await original({ storage });
    const { stage, peer, disk } = scene();
    const config = { name: "S", subjects: ["s.>"], storage, allow_msg_ttl: true };
    assert.match(await peer.restore("S", archive, { chunkBytes: 100, config }), RESTORED);
    const stream = stage.owner.streams.get("S");
    assert.ok(stream !== undefined);
    assert.deepEqual(stage.kept(stream), list);
    const { state } = stream.store;
    assert.deepEqual([state.firstSeq, state.lastSeq, state.messages, state.deletedCount], [6, 26, 18, 3]);
    assert.deepEqual(await foldersOf(disk), storage === "file" ? NOTHING_LEFT : []);
    assert.equal(stage.owner.usageOf("").used(storage), state.bytes);
    for (const name of ["C", "E"]) {
      const {
        delivered,
        ack_floor: floor,
        num_ack_pending: pending,
        num_pending: left,
        config: made,
      } = JSON.parse(await peer.ask(`CONSUMER.INFO.S.${name}`)) as Record<
        string,
        { stream_seq: number; consumer_seq: number; durable_name?: string; mem_storage?: boolean }
      >;
      assert.deepEqual([delivered.consumer_seq, delivered.stream_seq], [4, 11]);
      assert.deepEqual([floor.consumer_seq, floor.stream_seq, pending, left], [0, 5, 3, 14]);
      assert.deepEqual(
        [made.durable_name, made.mem_storage],
        name === "C" ? ["C", undefined] : [undefined, true],
      );
    }
    // It goes on where it was.
    assert.match(await stage.publish("s.0", "next"), /"seq":27/);
    // What is pending comes again when its time is over.
    peer.peer.say("SUB next 3\r\n");
    await stage.advance(1_100);
    peer.publish("$JS.API.CONSUMER.MSG.NEXT.S.C", "next", '{"batch":4,"no_wait":true}');
    const again = await peer.take();
    assert.deepEqual(
      again.map(({ reply }) => reply.split(".").slice(4, 6).join(":")),
      ["2:6", "2:8", "2:11", "1:12"],
    );
  });
}

test("a restored stream and its consumers outlive the server", async () => {
  const { archive, list } = await original({ storage: "file" });
  const { stage, peer, disk } = scene();
  const config = { name: "S", subjects: ["s.>"], allow_msg_ttl: true, max_consumers: 5 };
  assert.match(await peer.restore("S", archive, { config }), RESTORED);
  await stage.owner.close();
  const later = new StreamStage({}, disk);
  await later.owner.recover();
  const stream = later.owner.streams.get("S");
  assert.ok(stream !== undefined);
  assert.deepEqual(later.kept(stream), list);
  // The one in memory is gone.
  assert.deepEqual([...stream.consumers.keys()], ["C"]);
  assert.equal(stream.config.max_consumers, 5);
});

test("a stream is restored to where everything is encrypted", async () => {
  const { archive, list } = await original({ storage: "file" });
  const encryption = { cipher: "chacha", key: "secret", previousKey: "" } as const;
  const { stage, peer, disk } = scene({ encryption });
  const config = { name: "S", subjects: ["s.>"], allow_msg_ttl: true };
  assert.match(await peer.restore("S", archive, { config }), RESTORED);
  await stage.owner.close();
  const later = new StreamStage({ encryption }, disk);
  await later.owner.recover();
  const stream = later.owner.streams.get("S");
  assert.ok(stream !== undefined);
  assert.deepEqual(later.kept(stream), list);
});

test("another storage, other limits", async () => {
  const { archive } = await original({ storage: "file" });
  const { stage, peer } = scene();
  const config = { name: "S", subjects: ["s.>"], storage: "memory", max_msgs: 3 };
  assert.match(await peer.restore("S", archive, { config }), RESTORED);
  const stream = stage.owner.streams.get("S");
  assert.equal(stream?.store.state.messages, 3);
  assert.equal(stream?.store.state.lastSeq, 26);
});

test("a message whose time came meanwhile is left out", async () => {
  const { archive } = await original();
  const { stage, peer } = scene();
  await stage.advance(3_700_000);
  const config = { name: "S", subjects: ["s.>"], storage: "memory", allow_msg_ttl: true };
  assert.match(await peer.restore("S", archive, { config }), RESTORED);
  const stream = stage.owner.streams.get("S");
  assert.ok(stream !== undefined);
  assert.ok(!stage.kept(stream).some(({ subject }) => subject === "s.ttl"));
  assert.equal(stream.store.state.lastSeq, 26);
});

test("a stream is restored under its own name, and not over another", async () => {
  const { archive } = await original();
  const { stage, peer, disk } = scene();
  const codeOf = async (stream: string, body: object | string): Promise<number> =>
    (JSON.parse(await peer.ask(`STREAM.RESTORE.${stream}`, body)) as { error: { err_code: number } }).error
      .err_code;
  assert.equal(await codeOf("T", { config: { name: "S" }, state: {} }), 10056);
  assert.equal(await codeOf("S", ""), 10003);
  assert.equal(await codeOf("S", { config: { name: "S" }, colour: 1 }), 10025);
  await stage.stream({ name: "S", storage: "file" });
  assert.equal(await codeOf("S", { config: { name: "S" }, state: {} }), 10130);
  // What only shows once the archive has begun.
  for (const [more, text] of [
    [
      { num_replicas: 3 },
      /"err_code":10062,"description":"restore failed: error adding stream: [^"]* \(10074\)"/,
    ],
    [
      { subjects: ["S"] },
      /"err_code":10062,"description":"restore failed: error adding stream: [^"]* \(10065\)"/,
    ],
  ] as const)
    assert.match(await peer.restore("T", archive, { config: { name: "T", ...more } }), text);
  // One that is made while another is restored.
  const subject = await peer.restore("T", archive, { isLeftOpen: true });
  await stage.stream({ name: "T", storage: "file" });
  peer.publish(subject, "answer.z", "");
  const [end] = await peer.take();
  assert.match(end.payload, /"err_code":10130/);
  assert.deepEqual(await foldersOf(disk), ["S", "T"]);
});

test("what is broken off leaves nothing behind", async () => {
  const { archive } = await original();
  const { stage, peer, disk } = scene();
  const isClean = async (): Promise<void> => {
    assert.deepEqual(await foldersOf(disk), []);
    assert.equal(stage.owner.usageOf("").store, 0);
    assert.equal(stage.owner.streams.size, 0);
  };
  // Nothing more comes.
  await peer.restore("S", archive.subarray(0, 800), { chunkBytes: 100, isLeftOpen: true });
  assert.equal((await foldersOf(disk)).length, 1);
  await stage.advance(4_900);
  assert.equal((await foldersOf(disk)).length, 1);
  await stage.advance(200);
  await isClean();
  // It ends too early.
  assert.match(await peer.restore("S", archive.subarray(0, archive.length - 3)), /backup was truncated/);
  await isClean();
  // Nobody waits for answers.
  const subject = await peer.restore("S", archive.subarray(0, 800), { isLeftOpen: true });
  peer.peer.say(`PUB ${subject} 3\r\nabc\r\n`);
  await peer.take();
  await isClean();
  // The server stops.
  await peer.restore("S", archive.subarray(0, 800), { isLeftOpen: true });
  await stage.owner.close();
  await isClean();
});

test("a server that ends in the middle removes what there is at its next start", async () => {
  const { archive } = await original();
  const { peer, disk } = scene();
  await peer.restore("S", archive.subarray(0, 800), { isLeftOpen: true });
  assert.equal((await foldersOf(disk)).length, 1);
  const later = new StreamStage({}, disk);
  await later.owner.recover();
  assert.equal(later.owner.damaged.size, 0);
  assert.deepEqual(await foldersOf(disk), []);
});

test("limits hold while a stream is restored", async () => {
  const { archive } = await original();
  const { stage, peer } = scene({ maxMemory: 500 });
  const config = { name: "S", subjects: ["s.>"], storage: "memory" };
  assert.match(await peer.restore("S", archive, { config }), /"err_code":10028/);
  assert.equal(stage.owner.usageOf("").memory, 0);
  assert.match(
    await scene().peer.restore("S", archive, { config: { ...config, max_msg_size: 10 } }),
    /restore failed: message sequence \d+ exceeds maximum message size/,
  );
});

/** An archive of these parts: name, sequence, content. */
function archiveOf(parts: readonly (readonly [string, number, string])[], end = true): Buffer {
  const pieces: Buffer[] = [];
  const writer = new S2Writer((bytes) => pieces.push(bytes));
  const entries = new ArchiveWriter();
  writer.write(ARCHIVE_MAGIC);
  for (const [name, seq, text] of parts) {
    const content = Buffer.from(text, "latin1");
    const time = { ms: 1_700_000_000_000, ns: 5 };
    writer.write(entries.entry({ name, time, seq, headerBytes: 0, payloadBytes: content.length }));
    writer.write(content);
  }
  if (end) writer.write(entries.entry(LAST_ENTRY));
  writer.end();
  return Buffer.concat(pieces);
}

function stateOf(
  first: number,
  last: number,
  messages: number,
  consumers = 0,
): readonly [string, number, string] {
  const state = { messages, bytes: 0, first_seq: first, last_seq: last, consumer_count: consumers };
  return ["state.json", 0, JSON.stringify(state)];
}

test("archives that are none are refused with the reason, and nothing is left of them", async () => {
  const consumer = (name: string, value: unknown): readonly [string, number, string] => [
    `consumers/${name}`,
    0,
    JSON.stringify(value),
  ];
  const progress = {
    delivered: { consumer_seq: 0, stream_seq: 0 },
    ack_floor: { consumer_seq: 0, stream_seq: 0 },
  };
  const cases: readonly (readonly [Buffer, RegExp])[] = [
    [Buffer.from("not at all an archive"), /s2: corrupt input/],
    [Buffer.from(packS2(Buffer.from("NATSARC1"))), /backup was truncated/],
    [
      Buffer.from(
        packS2(Buffer.from("NATSARC1\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff".padEnd(90), "latin1")),
      ),
      /invalid archive stream/,
    ],
    [archiveOf([["s.a", 1, "x"]]), /expected state.json first/],
    [archiveOf([["state.json", 0, "x"]]), /error in state.json/],
    [archiveOf([stateOf(0, 5, 0)]), /invalid stream state: inconsistent message count/],
    [archiveOf([stateOf(7, 5, 0)]), /invalid stream state: inconsistent message count/],
    [archiveOf([stateOf(1, 5, 6)]), /invalid stream state: message count exceeds/],
    [archiveOf([stateOf(1, 5, 2, -1)]), /negative consumer count/],
    [archiveOf([stateOf(1, Number.MAX_SAFE_INTEGER, 2)]), /sequences beyond/],
    [archiveOf([stateOf(1, 5, 2, 1), ["s.a", 1, "x"]]), /expected consumer, found \\"s.a\\"/],
    [archiveOf([stateOf(1, 5, 2, 1), consumer("C", {})]), /consumer \\"C\\" is missing config/],
    [archiveOf([stateOf(1, 5, 2, 1), consumer("C", { config: {} })]), /consumer \\"C\\" is missing state/],
    [
      archiveOf([stateOf(1, 5, 2, 1), consumer("C", { config: {}, state: { delivered: 5 } })]),
      /failed to decode consumer/,
    ],
    [
      archiveOf([stateOf(1, 5, 2, 1), consumer("C", { config: { durable_name: "D" }, state: progress })]),
      /names differ/,
    ],
    [
      archiveOf([stateOf(1, 5, 2, 1), consumer("C", { config: { ack_policy: "x" }, state: progress })]),
      /failed to decode/,
    ],
    [
      archiveOf([stateOf(1, 5, 2, 1), consumer("C.D", { config: {}, state: progress })]),
      /failed to add consumer/,
    ],
    [archiveOf([stateOf(1, 5, 2), ["s.a", 2, "x"], ["s.a", 2, "x"]]), /message sequence 2 out of order/],
    [archiveOf([stateOf(3, 5, 2), ["s.a", 2, "x"]]), /message sequence 2 out of order/],
    [archiveOf([stateOf(1, 5, 2), ["s.*", 2, "x"]]), /message sequence 2 has an invalid subject/],
    [archiveOf([stateOf(1, 5, 2), ["s.a\r\nPING", 2, "x"]]), /message sequence 2 has an invalid subject/],
    [archiveOf([stateOf(1, 5, 2), ["s.a", 0, "x"]]), /expected message sequence/],
    [archiveOf([stateOf(1, 5, 2), ["s.a", 2, "x".repeat(1024 * 1024 + 1)]]), /exceeds maximum payload size/],
    [archiveOf([stateOf(1, 5, 2), ["s.a", 2, "x"]], false), /backup was truncated/],
  ];
  const { stage, peer, disk } = scene();
  for (const [archive, reason] of cases) {
    const answer = await peer.restore("S", archive);
    assert.match(answer, /"err_code":10062/);
    assert.match(answer, reason);
    assert.deepEqual(await foldersOf(disk), []);
  }
  assert.equal(stage.owner.usageOf("").store, 0);
  // They fail at what is wrong with them, not at anything else.
  const good = archiveOf([stateOf(3, 9, 2), ["s.a", 4, "x"], ["s.b", 6, "y"]]);
  assert.match(await peer.restore("S", good), /"first_seq":4,.*"last_seq":9,/);
});

test("damaged archives never make another stream than the one that was archived", async () => {
  const { archive, list } = await original();
  const { stage, peer, disk } = scene();
  await fc.assert(
    fc.asyncProperty(
      fc.nat(archive.length - 1),
      fc.integer({ min: 1, max: 255 }),
      fc.constantFrom("flip", "cut", "double"),
      async (at, mask, how) => {
        let damaged = Buffer.from(archive);
        if (how === "flip") damaged[at] ^= mask;
        else if (how === "cut")
          damaged = Buffer.concat([damaged.subarray(0, at), damaged.subarray(at + mask)]);
        else damaged = Buffer.concat([damaged.subarray(0, at), damaged.subarray(Math.max(0, at - mask))]);
        const answer = await peer.restore("S", damaged, { config: { name: "S", storage: "memory" } });
        // What stands between the chunks may change without changing what they hold.
        const stream = stage.owner.streams.get("S");
        if (stream === undefined) assert.match(answer, /"err_code":10062/);
        else {
          assert.deepEqual(stage.kept(stream), list);
          await stage.owner.deleteStream(stream);
        }
        assert.equal(stage.owner.usageOf("").memory, 0);
      },
    ),
    { numRuns: 150 },
  );
  assert.deepEqual(await foldersOf(disk), []);
});

test("any contents of an archive end in a stream or in a reason", async () => {
  const { archive } = await original();
  const plain = unpackedOf(archive);
  const { stage, peer } = scene();
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(plain.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }),
      async (changes) => {
        const changed = Buffer.from(plain);
        for (const [at, value] of changes) changed[at] = value;
        const answer = await peer.restore("S", Buffer.from(packS2(changed)), {
          config: { name: "S", storage: "memory" },
        });
        assert.match(answer, /stream_create_response/);
        const stream = stage.owner.streams.get("S");
        assert.equal(stream === undefined, answer.includes('"error"'));
        if (stream !== undefined) await stage.owner.deleteStream(stream);
        assert.equal(stage.owner.usageOf("").memory, 0);
      },
    ),
    { numRuns: 150 },
  );
});

function unpackedOf(archive: Buffer): Buffer {
  const unpacked = unpackS2(archive, 1024 * 1024);
  assert.ok(unpacked !== null);
  return Buffer.from(unpacked);
}
