/** What a store with a key has on the disk, and what comes of other keys, of none, and of damage. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { FaultyDisk } from "../../../../test/support/faulty-disk.ts";
import { origin, OriginStage } from "../../../../test/support/origin-stage.ts";
import type { StreamConfig } from "./core/stream-config.ts";
import { Consumer } from "./consumer.ts";
import type { EncryptionSettings } from "./settings.ts";
import type { Stream } from "./stream.ts";
import { CONSUMER_DEFAULTS } from "./stream-meta.ts";

const STREAMS = "/data/jetstream/%24G/streams";
/** In everything that is to be hidden. */
const SECRET = "hushhush";
/** A message large enough that a few of them make a block that is compressed. */
const BODY_BYTES = 16 * 1024;

function settings(key: string, previousKey = "", cipher: "chacha" | "aes" = "chacha"): EncryptionSettings {
  return { key, previousKey, cipher };
}

/** A server on a disk, with all that it has stored. */
async function start(disk: FaultyDisk, encryption: EncryptionSettings | null): Promise<OriginStage> {
  const stage = new OriginStage({ encryption }, disk);
  await stage.owner.recover();
  return stage;
}

async function stop(stage: OriginStage): Promise<void> {
  await stage.owner.close();
  stage.closeApi();
}

function named(stage: OriginStage, name: string): Stream {
  return stage.owner.streams.get(name) ?? assert.fail(`there is no stream ${name}`);
}

async function addConsumer(stream: Stream, name: string): Promise<void> {
  const made = await stream.createConsumer({
    ...CONSUMER_DEFAULTS,
    name,
    durable_name: name,
    ack_policy: "explicit",
    ack_wait: 30e9,
    description: SECRET,
    filter_subjects: [`${SECRET}.*`],
    metadata: new Map([[SECRET, SECRET]]),
  });
  assert.ok(made instanceof Consumer);
}

const CONFIG: Partial<StreamConfig> = {
  name: "S",
  storage: "file",
  subjects: [`${SECRET}.>`],
  description: SECRET,
  metadata: new Map([[SECRET, SECRET]]),
};

/** Uses all that writes files: messages, removals, blocks made anew, consumers, sources, a stream that is changed. */
async function use(stage: OriginStage): Promise<void> {
  const stream = await stage.stream({ ...CONFIG, compression: "s2" });
  await stage.sourcing("T", [origin("S", { filter_subject: `${SECRET}.*` })], { storage: "file" });
  await stage.connected();
  await addConsumer(stream, `worker-${SECRET}`);
  await addConsumer(stream, `gone-${SECRET}`);
  const body = `${SECRET} `.repeat(BODY_BYTES / (SECRET.length + 1));
  for (let i = 0; i < 40; i++) await stage.publish(`${SECRET}.${i % 4}`, `${i} ${body}`, [`${SECRET}: x`]);
  const gone = stream.consumers.get(`gone-${SECRET}`) ?? assert.fail("it was made");
  await stream.deleteConsumer(gone);
  await stream.purge({ seq: 5, filter: "", keep: 0 });
  await stream.update({ ...stream.config, description: `${SECRET} again` });
  await stage.advance(60_000);
}

/** What a restart finds. */
function seen(stage: OriginStage): object {
  return Object.fromEntries(
    [...stage.owner.streams].map(([name, stream]) => [
      name,
      {
        config: stream.config,
        // Those by which streams source each other come and go.
        consumers: [...stream.consumers.values()]
          .map(({ config }) => config)
          .filter(({ durable_name }) => durable_name !== ""),
        kept: stage.kept(stream).map(({ seq, subject, payload }) => [seq, subject, payload.length]),
      },
    ]),
  );
}

function assertHidden(disk: FaultyDisk, what: string): void {
  for (const path of disk.paths) {
    const content = disk.content(path);
    const readable = content.includes(SECRET) || content.includes(`"config"`) || content.includes("filter");
    assert.ok(!readable, `${what}: ${path} can be read`);
  }
}

test("nothing that users said can be read in any file, before and after a stop", async () => {
  for (const cipher of ["chacha", "aes"] as const) {
    const disk = new FaultyDisk(1);
    const stage = await start(disk, settings("k", "", cipher));
    await use(stage);
    assertHidden(disk, "at work");
    const names = disk.paths.map((path) => path.slice(STREAMS.length + 1));
    for (const name of ["S/stream.json", "T/sources.json", "S/consumers/1.log"])
      assert.ok(names.includes(name), `${name} of ${names.join(" ")}`);
    assert.ok(
      names.some((name) => /S\/messages\/\d+-\d+\.\d+\.log/.test(name)),
      "a block was made anew",
    );
    const before = seen(stage);
    await stop(stage);
    assert.ok(disk.paths.some((path) => path.endsWith("index.db")));
    assertHidden(disk, "stopped");
    const next = await start(disk, settings("k", "", cipher));
    assert.deepEqual(seen(next), before);
    await stop(next);
  }
});

test("what lies beside a block since it can't be read can't be read by others either", async () => {
  const disk = new FaultyDisk(1);
  const stage = await start(disk, settings("k"));
  await use(stage);
  await stop(stage);
  const blocks = disk.paths.filter((path) => /S\/messages\/.*\.log$/.test(path));
  for (const path of blocks) {
    disk.damage(path, (content) => {
      content[content.length >> 1] ^= 1;
      return content;
    });
  }
  // All blocks are read.
  await disk.remove(`${STREAMS}/S/messages/index.db`);
  const next = await start(disk, settings("k"));
  await stop(next);
  assert.ok(disk.paths.some((path) => path.includes(".damaged-")));
  assertHidden(disk, "damaged");
});

test("a server without the key, or with another one, says so and changes nothing", async () => {
  const disk = new FaultyDisk(1);
  const stage = await start(disk, settings("k"));
  await use(stage);
  await stop(stage);
  const before = disk.paths.map((path) => [path, disk.content(path)]);
  for (const [encryption, reason] of [
    [null, "is encrypted, and there is no key"],
    [settings("other", "another"), "was encrypted with another key"],
  ] as const) {
    const next = await start(disk, encryption);
    assert.equal(next.owner.streams.size, 0);
    for (const name of ["S", "T"]) {
      const path = `${STREAMS}/${name}/stream.json`;
      assert.equal(next.owner.damaged.get(name)?.reason, `${path} ${reason}`);
      assert.ok(next.world.logLines.some((line) => line.includes(`${path} ${reason}`)));
    }
    await stop(next);
  }
  const after = disk.paths.map((path) => [path, disk.content(path)]);
  assert.deepEqual(after, before);
});

test("a key that the messages do not have is found out before anything is written with it", async () => {
  const disk = new FaultyDisk(1);
  const stage = await start(disk, settings("k"));
  await use(stage);
  await stop(stage);
  // As it would be had only messages been encrypted until now.
  const plainDisk = new FaultyDisk(2);
  const plain = await start(plainDisk, null);
  await use(plain);
  await stop(plain);
  const path = `${STREAMS}/S/stream.json`;
  const content = plainDisk.content(path);
  disk.damage(path, () => content);
  const next = await start(disk, settings("other"));
  assert.match(next.owner.damaged.get("S")?.reason ?? "", /messages\/.* was encrypted with another key/);
  await stop(next);
  assert.deepEqual(disk.content(path), content);
  const right = await start(disk, settings("k"));
  assert.equal(right.owner.streams.size, 2);
  await stop(right);
  assert.ok(!disk.content(path).includes(SECRET), "with the right one it is");
});

test("a plain store takes a key, and an encrypted one another; the former one is not needed again but for messages", async () => {
  const disk = new FaultyDisk(1);
  const plain = await start(disk, null);
  await use(plain);
  const before = seen(plain);
  await stop(plain);
  for (const encryption of [settings("k"), settings("l", "k"), settings("l", "k", "aes")]) {
    const stage = await start(disk, encryption);
    assert.deepEqual(seen(stage), before);
    await stop(stage);
    for (const path of disk.paths.filter((path) => !/messages\/.*\.log$/.test(path))) {
      const content = disk.content(path);
      assert.ok(!content.includes(SECRET), `${path} is still plain`);
    }
  }
});

test("messages get the present key too, also those of streams that nobody uses", async () => {
  const disk = new FaultyDisk(1);
  const plain = await start(disk, null);
  await use(plain);
  const before = seen(plain);
  await stop(plain);
  // Each time the former key is gone from the configuration with the next start.
  for (const encryption of [settings("k"), settings("l", "k"), settings("l", "", "aes")]) {
    const stage = await start(disk, encryption);
    for (const { name, store } of stage.owner.streams.values()) {
      assert.ok(store.outdatedFiles > 0, `${name} has files of before`);
      await store.renew();
      assert.equal(store.outdatedFiles, 0, name);
    }
    assert.deepEqual(seen(stage), before);
    assertHidden(disk, "renewed");
    await stop(stage);
    const again = await start(disk, settings(encryption.key, "", encryption.cipher));
    assert.deepEqual(seen(again), before);
    await stop(again);
  }
});

test("no byte of a configuration, or of how far sources are, is changed unnoticed", async () => {
  const disk = new FaultyDisk(1);
  const stage = await start(disk, settings("k"));
  const stream = await stage.stream(CONFIG);
  await stage.sourcing("T", [origin("S")], { storage: "file" });
  await stage.connected();
  await stage.publish(`${SECRET}.1`, "x");
  await stage.advance(60_000);
  await stop(stage);
  const { folder } = stream;
  assert.ok(folder !== null);
  const path = `${STREAMS}/S/stream.json`;
  const good = disk.content(path);
  for (let at = 0; at < good.length; at++) {
    disk.damage(path, (content) => {
      content[at] ^= 1 << (at % 8);
      return content;
    });
    assert.deepEqual(await folder.readMeta(), { problem: "its configuration is damaged" }, `byte ${at}`);
    disk.damage(path, () => Buffer.from(good));
  }
  assert.deepEqual(await folder.readMeta(), { created: stream.created, config: stream.config });
});

test("files that are those of another stream are not taken", async () => {
  for (const encryption of [null, settings("k")]) {
    const disk = new FaultyDisk(1);
    const stage = await start(disk, encryption);
    await use(stage);
    await stop(stage);
    const foreign = disk.content(`${STREAMS}/S/stream.json`);
    const sources = disk.content(`${STREAMS}/T/sources.json`);
    disk.damage(`${STREAMS}/T/stream.json`, () => foreign);
    const next = await start(disk, encryption);
    assert.equal(next.owner.damaged.get("T")?.reason, "its configuration is that of 'S'");
    await disk.replace(`${STREAMS}/S/sources.json`, sources);
    await assert.rejects(named(next, "S").folder?.readSources() ?? assert.fail(), /sources\.json is damaged/);
    await stop(next);
  }
});
