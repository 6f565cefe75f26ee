/** Backups of streams go from one server to the other and back, and both say the same about them. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type Backup, BackupClient } from "./support/backup-client.ts";
import { findReferenceServer, OUR_SERVER, ServerProcess } from "./support/server-process.ts";

const reference = findReferenceServer();
const skip = reference === null ? "no nats-server on PATH" : false;
const LEGACY = join(import.meta.dirname, "legacy-backups.json");
const LARGE_MESSAGES = 600;
const LARGE_BYTES = 30_000;

/** A server with JetStream, and a client of it. */
class Side {
  readonly client: BackupClient;
  readonly #server: ServerProcess;
  readonly #folder: string;

  private constructor(client: BackupClient, server: ServerProcess, folder: string) {
    this.client = client;
    this.#server = server;
    this.#folder = folder;
  }

  static async open(command: string): Promise<Side> {
    const folder = await mkdtemp(join(tmpdir(), "caddis-backup-"));
    const config = `server_name: T, jetstream { store_dir: ${JSON.stringify(folder)}, max_mem: 256MB, max_file: 256MB }`;
    const server = await ServerProcess.start({ command, config });
    return new Side(await BackupClient.connect(server.port), server, folder);
  }

  async close(): Promise<void> {
    await this.client.close();
    await this.#server.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** Streams of all kinds, with what happens to them. */
const STREAMS: ReadonlyMap<string, (client: BackupClient) => Promise<void>> = new Map([
  [
    "LIMITS",
    async (client) => {
      const config = {
        subjects: ["l.>"],
        max_msgs: 30,
        allow_msg_ttl: true,
        first_seq: 100,
        metadata: { a: "b" },
      };
      await client.ask("STREAM.CREATE.LIMITS", { name: "LIMITS", ...config });
      for (let i = 0; i < 40; i++)
        await client.publish(`l.${i % 5}`, `message ${i}`, i % 3 === 0 ? { N: `${i}` } : {});
      await client.publish("l.ttl", "for an hour", { "Nats-TTL": "1h" });
      await client.publish("l.é", "ünïcödé", { "X-E": "ü" });
      for (const seq of [115, 116, 120, 141]) await client.ask("STREAM.MSG.DELETE.LIMITS", { seq });
      await consume(client, "LIMITS", "explicit", { ack_policy: "explicit", ack_wait: 3600e9 }, 6, [1, 2, 4]);
      await consume(
        client,
        "LIMITS",
        "filtered",
        { ack_policy: "all", filter_subjects: ["l.1", "l.2"] },
        4,
        [2],
      );
      await consume(client, "LIMITS", "plain", { ack_policy: "none", deliver_policy: "new" }, 1, []);
      await consume(client, "LIMITS", "push", { deliver_subject: "somewhere", idle_heartbeat: 5e9 }, 0, []);
    },
  ],
  [
    "KEYS",
    async (client) => {
      const config = {
        subjects: ["$KV.k.>"],
        max_msgs_per_subject: 1,
        allow_rollup_hdrs: true,
        deny_delete: true,
      };
      await client.ask("STREAM.CREATE.KEYS", { name: "KEYS", discard: "new", allow_direct: true, ...config });
      for (let i = 0; i < 25; i++) await client.publish(`$KV.k.${(i * i) % 7}`, `value ${i}`);
      await client.publish("$KV.k.4", "", { "KV-Operation": "PURGE", "Nats-Rollup": "sub" });
    },
  ],
  [
    "QUEUE",
    async (client) => {
      await client.ask("STREAM.CREATE.QUEUE", { name: "QUEUE", subjects: ["q"], retention: "workqueue" });
      for (let i = 0; i < 10; i++) await client.publish("q", `job ${i}`);
      await consume(client, "QUEUE", "workers", { ack_policy: "explicit", ack_wait: 3600e9 }, 5, [1, 3]);
    },
  ],
  [
    "MEMORY",
    async (client) => {
      await client.ask("STREAM.CREATE.MEMORY", { name: "MEMORY", subjects: ["m"], storage: "memory" });
      for (let i = 0; i < 10; i++) await client.publish("m", `message ${i}`, { i: `${i}` });
      await consume(client, "MEMORY", "C", { ack_policy: "explicit", ack_wait: 3600e9 }, 3, [1]);
    },
  ],
  [
    "EMPTIED",
    async (client) => {
      await client.ask("STREAM.CREATE.EMPTIED", { name: "EMPTIED", subjects: ["e"] });
      for (let i = 0; i < 3; i++) await client.publish("e", "x");
      await client.ask("STREAM.PURGE.EMPTIED");
    },
  ],
]);

/** Makes a consumer, has it deliver some messages, and acknowledges those with these numbers. */
async function consume(
  client: BackupClient,
  stream: string,
  name: string,
  config: object,
  count: number,
  acknowledged: readonly number[],
): Promise<void> {
  const full = { name, durable_name: name, ...config };
  await client.ask(`CONSUMER.CREATE.${stream}.${name}`, { stream_name: stream, config: full });
  for (let number = 1; number <= count; number++) {
    const message = await client.next(stream, name);
    if (acknowledged.includes(number)) await client.connection.request(message.reply ?? "", "+ACK");
  }
}

/** What differs from one time to the next, and what only one of the two says. */
function steady(lines: readonly string[]): string[] {
  return lines.map((line) =>
    line
      .replaceAll(/"(_nats.ver)":"[^"]*"/g, '"$1":"V"')
      // The time of what was removed last is not part of an archive.
      .replaceAll(/"last_ts":"[^"]*"/g, '"last_ts":"T"'),
  );
}

describe("backups", { skip, timeout: 300_000 }, () => {
  let ours: Side;
  let theirs: Side;
  const originals = new Map<Side, Map<string, { readonly dump: string[]; readonly backup: Backup }>>();
  before(async () => {
    ours = await Side.open(OUR_SERVER);
    theirs = await Side.open(reference ?? "");
    for (const side of [ours, theirs]) {
      const taken = new Map<string, { dump: string[]; backup: Backup }>();
      for (const [name, fill] of STREAMS) {
        await fill(side.client);
        taken.set(name, { dump: await side.client.dump(name), backup: await side.client.backup(name) });
      }
      originals.set(side, taken);
    }
  });
  after(async () => {
    await ours?.close();
    await theirs?.close();
  });

  for (const name of STREAMS.keys()) {
    for (const way of ["ours to ours", "ours to theirs", "theirs to ours", "theirs to theirs"]) {
      test(`${name}, ${way}`, async () => {
        const from = way.startsWith("ours") ? ours : theirs;
        const { client } = way.endsWith("ours") ? ours : theirs;
        const original = originals.get(from)?.get(name);
        assert.ok(original !== undefined);
        await client.ask(`STREAM.DELETE.${name}`);
        const answer = await client.restore(name, original.backup.config, original.backup.archive, 1_000);
        assert.match(answer, /^{"type":"io.nats.jetstream.api.v1.stream_create_response","config":{/);
        assert.deepEqual(steady(await client.dump(name)), steady(original.dump));
      });
    }
  }

  test("what is said of a stream on its way is the same", () => {
    for (const name of STREAMS.keys()) {
      const [one, other] = [ours, theirs].map((side) => originals.get(side)?.get(name)?.backup);
      const told = (backup: Backup | undefined): string =>
        JSON.stringify([backup?.config, backup?.state, backup?.status, backup?.chunks]).replaceAll(
          /"(first_ts|last_ts)":"(?!0001)[^"]*"/g,
          '"$1":"T"',
        );
      assert.equal(told(one), told(other));
    }
  });

  for (const legacy of JSON.parse(readFileSync(LEGACY, "utf8")) as {
    server: string;
    config: { name: string };
    archive: string;
  }[]) {
    const { server, config, archive } = legacy;
    test(`${config.name} of ${server} is the same in both`, async () => {
      const dumps: string[][] = [];
      for (const { client } of [ours, theirs]) {
        await client.askText(`STREAM.DELETE.${config.name}`);
        const answer = await client.restore(config.name, config, Buffer.from(archive, "base64"));
        assert.doesNotMatch(answer, /"error"/);
        dumps.push(steady(await client.dump(config.name)));
        await client.ask(`STREAM.DELETE.${config.name}`);
      }
      assert.deepEqual(dumps[0], dumps[1]);
    });
  }

  test("a large stream, both ways", async () => {
    const config = { name: "LARGE", subjects: ["large.*"] };
    for (const [from, to] of [
      [ours, theirs],
      [theirs, ours],
    ]) {
      await from.client.ask("STREAM.CREATE.LARGE", config);
      let seed = 1;
      for (let i = 0; i < LARGE_MESSAGES; i++) {
        const payload = Buffer.alloc(LARGE_BYTES);
        for (let at = 0; at < LARGE_BYTES; at++)
          payload[at] = (seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0) >>> 24;
        from.client.connection.publish(`large.${i % 3}`, payload);
      }
      await from.client.connection.flush();
      let total = 0;
      while (total < LARGE_MESSAGES) {
        const { state } = await from.client.ask("STREAM.INFO.LARGE");
        total = (state as { messages: number }).messages;
      }
      const sum = await checksum(from.client);
      // Messages that come meanwhile are not in it.
      const backup = await from.client.backup("LARGE", { window_size: 1024 * 1024 }, async () => {
        await from.client.publish("large.late", "later");
      });
      assert.equal(backup.status, 204);
      assert.ok(backup.chunks > 100);
      const answer = await to.client.restore("LARGE", config, backup.archive, 500_000);
      assert.match(answer, new RegExp(`"messages":${LARGE_MESSAGES},`));
      assert.equal(await checksum(to.client), sum);
      for (const { client } of [from, to]) await client.ask("STREAM.DELETE.LARGE");
    }
  });

  test("requests that can't be met are refused with the same words", async () => {
    const cases: readonly (readonly [string, object | string])[] = [
      ["STREAM.SNAPSHOT.MEMORY", ""],
      ["STREAM.SNAPSHOT.MEMORY", "{}"],
      ["STREAM.SNAPSHOT.MEMORY", { deliver_subject: "", chunk_size: 5 }],
      ["STREAM.SNAPSHOT.MEMORY", { deliver_subject: "a.>" }],
      ["STREAM.SNAPSHOT.MEMORY", { deliver_subject: "a b" }],
      ["STREAM.SNAPSHOT.MEMORY", { deliver_subject: "a", colour: "red" }],
      ["STREAM.SNAPSHOT.MEMORY", { deliver_subject: 5 }],
      ["STREAM.SNAPSHOT.MEMORY", "{"],
      ["STREAM.SNAPSHOT.NONE", { deliver_subject: "a" }],
      ["STREAM.SNAPSHOT.NONE", "{"],
      ["STREAM.RESTORE.MEMORY", ""],
      ["STREAM.RESTORE.MEMORY", "{}"],
      ["STREAM.RESTORE.MEMORY", "{"],
      ["STREAM.RESTORE.MEMORY", { config: { name: "MEMORY" }, state: {} }],
      ["STREAM.RESTORE.MEMORY", { config: { name: "OTHER" }, state: {} }],
      ["STREAM.RESTORE.OTHER", { config: { name: "MEMORY" }, state: {} }],
      ["STREAM.RESTORE.A\\B", { config: {}, state: {} }],
      ["STREAM.RESTORE.NEW", { config: { max_age: 5 }, state: {} }],
      ["STREAM.RESTORE.NEW", { config: { storage: "paper" }, state: {} }],
      ["STREAM.RESTORE.NEW", { config: { subjects: ["a", "a"] }, state: {} }],
      ["STREAM.RESTORE.NEW", { config: { max_bytes: 10e9 }, state: {} }],
      ["STREAM.RESTORE.NEW", { config: {}, state: { colour: 1 } }],
    ];
    for (const [subject, body] of cases) {
      const [one, other] = [
        await ours.client.askText(subject, body),
        await theirs.client.askText(subject, body),
      ];
      assert.equal(one, other, `${subject} ${JSON.stringify(body)}`);
      assert.match(one, /"error"/);
    }
  });

  test("what can't become a stream is refused with the same words", async () => {
    const [old] = JSON.parse(readFileSync(LEGACY, "utf8")) as { config: { name: string }; archive: string }[];
    const { archive } = originals.get(theirs)?.get("EMPTIED")?.backup ?? { archive: Buffer.alloc(0) };
    const backups = [
      { name: "NEW", archive },
      { name: old.config.name, archive: Buffer.from(old.archive, "base64") },
    ];
    for (const { client } of [ours, theirs])
      await client.ask("STREAM.CREATE.TAKEN", { name: "TAKEN", subjects: ["taken.*"] });
    for (const backup of backups) {
      for (const config of [
        { subjects: ["new"], num_replicas: 3 },
        { subjects: ["taken.by"] },
        { subjects: ["taken.by"], num_replicas: 3 },
      ]) {
        const { name } = backup;
        const [one, other] = await Promise.all(
          [ours, theirs].map(({ client }) => client.restore(name, { name, ...config }, backup.archive)),
        );
        assert.match(other, /^{"type":"io.nats.jetstream.api.v1.stream_create_response","error":/);
        assert.equal(one, other, JSON.stringify([name, config]));
      }
    }
    for (const { client } of [ours, theirs]) await client.ask("STREAM.DELETE.TAKEN");
  });

  test("archives that are none are refused with the same code, and no stream is left", async () => {
    const { archive } = originals.get(theirs)?.get("LIMITS")?.backup ?? { archive: Buffer.alloc(0) };
    const flipped = Buffer.from(archive);
    flipped[archive.length >> 1] ^= 0xff;
    for (const bad of [Buffer.from("nonsense"), flipped, archive.subarray(0, archive.length - 10)]) {
      for (const { client } of [ours, theirs]) {
        const answer = await client.restore("NEW", { name: "NEW", subjects: ["new"] }, bad);
        assert.match(
          answer,
          /^{"type":"io.nats.jetstream.api.v1.stream_create_response","error":{"code":500,"err_code":10062,/,
        );
      }
      assert.match(await ours.client.askText("STREAM.INFO.NEW"), /"err_code":10059/);
      await theirs.client.askText("STREAM.DELETE.NEW");
    }
  });

  test("both tell of it in the same words", async () => {
    const told: string[][] = [];
    for (const { client } of [ours, theirs]) {
      const advisories: string[] = [];
      client.connection.subscribe("$JS.EVENT.ADVISORY.STREAM.>", {
        callback: (_, message) => void advisories.push(`${message.subject} ${message.string()}`),
      });
      await client.ask("STREAM.CREATE.TOLD", { name: "TOLD", subjects: ["told"] });
      await client.publish("told", "x");
      const { archive, config } = await client.backup("TOLD");
      await client.ask("STREAM.DELETE.TOLD");
      await client.restore("TOLD", config, archive);
      await client.ask("STREAM.DELETE.TOLD");
      await client.connection.flush();
      const deadline = AbortSignal.timeout(10_000);
      while (advisories.length < 8 && !deadline.aborted) await client.connection.flush();
      told.push(
        advisories
          .map((text) =>
            text
              .replaceAll(/"(id|timestamp|start|end|first_ts|last_ts|host|ver|rtt)":("[^"]*"|\d+)/g, '"$1":V')
              .replaceAll(/"id":\d+|"bytes":\d+/g, "N"),
          )
          // Those of the snapshot come in their own time.
          .toSorted(),
      );
    }
    assert.deepEqual(told[0], told[1]);
  });
});

/** Of all payloads of the stream LARGE. */
async function checksum(client: BackupClient): Promise<string> {
  const hash = createHash("sha256");
  for (let seq = 1; seq <= LARGE_MESSAGES; seq++) {
    const { message } = await client.ask("STREAM.MSG.GET.LARGE", { seq });
    const { subject, data, time } = message as Record<string, string>;
    hash.update(`${seq} ${subject} ${data} ${time}`);
  }
  return hash.digest("hex");
}
