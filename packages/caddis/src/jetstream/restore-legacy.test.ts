import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { SnapshotPeer } from "../../../../test/support/snapshot-peer.ts";
import { StreamStage } from "../../../../test/support/stream-stage.ts";
import { formatInstant } from "../base/instant.ts";
import { packS2, unpackS2 } from "../base/s2-frame.ts";

/** A stream of an older nats-server: what it said about it, and its archive. */
interface LegacyBackup {
  readonly server: string;
  readonly config: { readonly name: string; readonly storage: string };
  readonly created: string;
  readonly state: {
    readonly messages: number;
    readonly bytes: number;
    readonly first_seq: number;
    readonly first_ts: string;
    readonly last_seq: number;
    readonly num_subjects: number;
    readonly deleted: readonly number[];
  };
  readonly consumers: readonly {
    readonly name: string;
    readonly created: string;
    readonly delivered: readonly number[];
    readonly ack_floor: readonly number[];
    readonly num_ack_pending: number;
    readonly num_redelivered: number;
    readonly num_pending: number;
  }[];
  readonly archive: string;
}

const FILE = join(import.meta.dirname, "../../../../test/legacy-backups.json");
const BACKUPS = JSON.parse(readFileSync(FILE, "utf8")) as LegacyBackup[];
const MIB = 1024 * 1024;

function backup(name: string): { archive: Buffer; plain: Buffer; config: object } {
  const found = BACKUPS.find(({ config }) => config.name === name);
  assert.ok(found !== undefined);
  const archive = Buffer.from(found.archive, "base64");
  const plain = unpackS2(archive, 64 * MIB);
  assert.ok(plain !== null);
  return { archive, plain: Buffer.from(plain), config: found.config };
}

/** Restores an archive that is not packed; gives the answer. */
function restorePlain(peer: SnapshotPeer, plain: Buffer, config: object): Promise<string> {
  return peer.restore("LIMITS", Buffer.from(packS2(plain)), { config });
}

for (const { server, config, created, state, consumers, archive } of BACKUPS) {
  const { name } = config;
  test(`${name}, archived by nats-server ${server}, is restored as it was there`, async () => {
    const stage = new StreamStage();
    const peer = new SnapshotPeer(stage);
    const answer = await peer.restore(name, Buffer.from(archive, "base64"), { config, chunkBytes: 1_000 });
    assert.doesNotMatch(answer, /"error"/);
    const stream = stage.owner.streams.get(name);
    assert.ok(stream !== undefined);
    assert.equal(formatInstant(stream.created), created);
    const now = stream.store.state;
    assert.deepEqual(
      {
        messages: now.messages,
        bytes: now.bytes,
        first_seq: now.firstSeq,
        first_ts: now.firstTime === null ? "0001-01-01T00:00:00Z" : formatInstant(now.firstTime),
        last_seq: now.lastSeq,
        num_subjects: now.subjectCount,
        deleted: [...stream.store.deleted()],
      },
      state,
    );
    for (const { created: toldCreated, ...expected } of consumers) {
      const consumer = stream.consumers.get(expected.name);
      assert.ok(consumer !== undefined, expected.name);
      const { delivered, ackFloor, numAckPending, numRedelivered, numPending } = consumer.info();
      assert.deepEqual(
        {
          name: consumer.name,
          delivered: [delivered.consumerSeq, delivered.streamSeq],
          ack_floor: [ackFloor.consumerSeq, ackFloor.streamSeq],
          num_ack_pending: numAckPending,
          num_redelivered: numRedelivered,
          num_pending: numPending,
        },
        expected,
      );
      // Older servers stored another moment than they told.
      assert.ok(Math.abs(consumer.created.ms - Date.parse(toldCreated)) <= 1);
    }
    await stage.owner.close();
  });
}

describe("an archive of the older form", () => {
  test("holds the messages that it held", async () => {
    const stage = new StreamStage();
    const { archive, config } = backup("LIMITS");
    await new SnapshotPeer(stage).restore("LIMITS", archive, { config });
    const stream = stage.owner.streams.get("LIMITS");
    assert.ok(stream !== undefined);
    const expected = [];
    for (let seq = 11; seq <= 30; seq++) {
      if ([14, 17, 20, 30].includes(seq)) continue;
      const headers = `NATS/1.0\r\nN: ${seq}\r\n\r\n`;
      expected.push({ seq, subject: `l.${seq % 4}`, headers, payload: `message ${seq} of some length` });
    }
    assert.deepEqual(stage.kept(stream), expected);
  });

  test("may lack the state: then limits remove what they can", async () => {
    const stage = new StreamStage();
    const { plain, config } = backup("LIMITS");
    const renamed = Buffer.from(plain);
    renameInTar(renamed, "msgs/index.db", "msgs/other.db");
    assert.doesNotMatch(await restorePlain(new SnapshotPeer(stage), renamed, config), /"error"/);
    const stream = stage.owner.streams.get("LIMITS");
    // There is room for twenty: four more come back.
    assert.deepEqual([stream?.store.state.firstSeq, stream?.store.state.messages], [7, 20]);
  });

  test("is refused where it can't be right, with the reason", async () => {
    const stage = new StreamStage();
    const peer = new SnapshotPeer(stage);
    const { plain, config } = backup("LIMITS");
    const changed = (from: string, to: string): Buffer => {
      const tar = Buffer.from(plain);
      renameInTar(tar, from, to);
      return tar;
    };
    const cases: readonly (readonly [Buffer, RegExp])[] = [
      [changed("meta.inf", "meta.key"), /the archive is encrypted \(meta.key\)/],
      [changed("msgs/1.blk", "msgs/1.key"), /the archive is encrypted \(msgs\/1.key\)/],
      [changed("msgs/1.blk", "msgs/1.idx"), /older than 2.10/],
      [changed("meta.sum", "/etc/abc"), /unexpected content/],
      [changed("meta.sum", "../a.b.c"), /unexpected content/],
      // The name is part of what is hashed.
      [changed("msgs/1.blk", "msgs/2.blk"), /message block 2: damaged at byte 0/],
      [changed("meta.inf", "meta.in0"), /expected meta.inf first/],
      [plain.subarray(0, 5 * 512), /backup was truncated/],
      [plain.subarray(0, plain.length - 1024), /backup was truncated/],
      [Buffer.concat([Buffer.alloc(100, 1), plain]), /the archive is damaged/],
    ];
    for (const [archive, reason] of cases) {
      const answer = await restorePlain(peer, archive, config);
      assert.match(answer, /"err_code":10062/);
      assert.match(answer, reason);
      assert.equal(stage.owner.streams.size, 0);
    }
    const { archive } = backup("KEYS");
    assert.match(await peer.restore("LIMITS", archive, { config }), /stream names do not match/);
  });

  test("that is damaged makes no stream with other messages", async () => {
    const stage = new StreamStage();
    const peer = new SnapshotPeer(stage);
    const { plain, config } = backup("LIMITS");
    const memory = { ...config, storage: "memory" };
    await restorePlain(peer, plain, memory);
    const original = stage.owner.streams.get("LIMITS");
    assert.ok(original !== undefined);
    const texts = new Map(stage.kept(original).map((message) => [message.seq, JSON.stringify(message)]));
    await stage.owner.deleteStream(original);
    await fc.assert(
      fc.asyncProperty(fc.nat(plain.length - 1), fc.integer({ min: 1, max: 255 }), async (at, mask) => {
        const damaged = Buffer.from(plain);
        damaged[at] ^= mask;
        const answer = await restorePlain(peer, damaged, memory);
        const stream = stage.owner.streams.get("LIMITS");
        assert.equal(stream === undefined, answer.includes('"error"'));
        if (stream === undefined) return;
        // Which messages there are may depend on the state, which is of no use when it is damaged; not what they say.
        for (const message of stage.kept(stream)) {
          const expected = texts.get(message.seq);
          if (expected !== undefined) assert.equal(JSON.stringify(message), expected);
        }
        await stage.owner.deleteStream(stream);
        assert.equal(stage.owner.usageOf("").memory, 0);
      }),
      { numRuns: 300 },
    );
  });
});

/** Gives a file another name of the same length, and its header the right checksum. */
function renameInTar(tar: Buffer, from: string, to: string): void {
  for (let at = 0; at < tar.length; at += 512) {
    const type = String.fromCharCode(tar[at + 156]);
    if (type !== "0" || tar.toString("latin1", at, at + from.length) !== from || tar[at + from.length] !== 0)
      continue;
    tar.write(to.padEnd(from.length, "\0"), at, "latin1");
    tar.fill(0x20, at + 148, at + 156);
    let sum = 0;
    for (let i = 0; i < 512; i++) sum += tar[at + i];
    tar.write(`${sum.toString(8).padStart(6, "0")}\0 `, at + 148, "latin1");
    return;
  }
  assert.fail(`no file ${from}`);
}
