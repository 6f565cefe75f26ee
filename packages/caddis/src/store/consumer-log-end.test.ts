/** What is missing at the end of a consumers' log, which nothing in the log itself can tell. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { FaultyDisk } from "../../../../test/support/faulty-disk.ts";
import { TimerQueue } from "../base/timer-queue.ts";
import { SeededRandom } from "../io/seeded-random.ts";
import { VirtualClock } from "../io/virtual-clock.ts";
import { openConsumerLog } from "./consumer-log.ts";
import { verifyConsumers } from "./consumer-log-verify.ts";
import type { ConsumerStore } from "./consumer-store.ts";
import type { Encryption } from "./file/cipher.ts";
import { writeSmallFile } from "./small-file.ts";

const FOLDER = "/js/consumers";
const END = "/js/consumers.json";
const LOG = `${FOLDER}/1.log`;
const KEYS = { cipher: "chacha", key: Buffer.from("k"), previousKey: null } as const;
const ENCRYPTED: Encryption = { keys: KEYS, random: new SeededRandom(7) };

/** Lets what waits for promises go on. */
async function settle(): Promise<void> {
  for (let i = 0; i < 200; i++) await Promise.resolve();
}

async function open(
  disk: FaultyDisk,
  encryption: Encryption | null,
  stream = "S",
): Promise<{ log: ConsumerStore; told: string[] }> {
  const told: string[] = [];
  const timers = new TimerQueue(new VirtualClock((run) => queueMicrotask(run)));
  const report = (text: string): void => void told.push(text);
  const options = { sync: { intervalMs: 0 }, timers, report, encryption, stream };
  return { log: await openConsumerLog(disk, FOLDER, options), told };
}

/** A log that was closed: what made its file is in it, and two appends. */
async function closed(encryption: Encryption | null): Promise<FaultyDisk> {
  const disk = new FaultyDisk(1);
  const { log } = await open(disk, encryption);
  for (const name of ["a", "b", "c"]) {
    log.putConfig(name, `{"name":"${name}"}`);
    log.commit();
    await settle();
  }
  await log.close();
  assert.deepEqual(disk.paths, [END, LOG]);
  assert.equal(disk.content(END).includes("generation"), encryption === null);
  return disk.crash();
}

/** Starts on what is left, says what was told, and that a further start is as if nothing had been. */
async function toldAt(disk: FaultyDisk, encryption: Encryption | null): Promise<readonly string[]> {
  const { problems } = await verifyConsumers(disk, FOLDER, encryption, "S");
  const { log, told } = await open(disk, encryption);
  assert.equal(problems.length > 0, told.length > 0, `as a look had found: ${problems.join()}`);
  log.putConfig("later", "{}");
  await log.close();
  const again = await open(disk.crash(), encryption);
  assert.deepEqual(again.told, [], "told once");
  assert.ok(again.log.recovered.has("later"), "and it goes on");
  return told;
}

test("no byte is cut off or zeroed at the end without that being told", async () => {
  for (const encryption of [null, ENCRYPTED]) {
    const whole = await closed(encryption);
    const { length } = whole.content(LOG);
    for (let at = 0; at < length; at += 7) {
      for (const harm of ["cut", "zeroed"]) {
        const disk = whole.crash();
        disk.damage(LOG, (content) => (harm === "cut" ? content.subarray(0, at) : content.fill(0, at)));
        const left = disk.content(LOG);
        const told = await toldAt(disk, encryption);
        assert.equal(told.length, 1, `${harm} at ${at}`);
        assert.match(told[0], /1\.log: damaged \(\d+ bytes at \d+.*left as .*1\.log\.damaged/);
        assert.deepEqual(disk.content(`${LOG}.damaged`), left);
      }
    }
  }
});

test("a log that is missing is told, also with its folder, and where the one before it came back", async () => {
  for (const encryption of [null, ENCRYPTED]) {
    const whole = await closed(encryption);
    const fileless = whole.crash();
    await fileless.remove(LOG);
    const folderless = whole.crash();
    await folderless.removeFolder(FOLDER);
    for (const disk of [fileless, folderless]) {
      assert.match((await toldAt(disk, encryption)).join(), /1\.log: missing: what was last stored/);
      assert.ok(disk.paths.includes(`${FOLDER}/2.log`), "one of that generation is not there again");
    }
    const former = whole.content(LOG);
    const disk = whole.crash();
    disk.damage(LOG, (content) => content.subarray(0, 8));
    await (await open(disk, encryption)).log.close();
    await disk.remove(`${FOLDER}/2.log`);
    await disk.replace(LOG, former);
    assert.match((await toldAt(disk, encryption)).join(), /2\.log: missing/);
    assert.ok(disk.paths.includes(`${FOLDER}/3.log`));
  }
});

test("where nothing has changed a stop writes nothing, and the start after it has nothing to sync", async () => {
  for (const encryption of [null, ENCRYPTED]) {
    const disk = await closed(encryption);
    const { log } = await open(disk, encryption);
    await log.close();
    assert.deepEqual(disk.steps, [`sync ${FOLDER}`]);
    const other = new FaultyDisk(1);
    await (await open(other, encryption)).log.close();
    assert.deepEqual(other.steps, [], "nor where there is nothing");
  }
});

test("what can't be read of how far it went costs nothing, and is told and kept aside", async () => {
  for (const encryption of [null, ENCRYPTED]) {
    const whole = await closed(encryption);
    const { length } = whole.content(END);
    for (let at = 0; at < length; at++) {
      const disk = whole.crash();
      disk.damage(END, (content) => {
        content[at] ^= 1 << (at % 8);
        return content;
      });
      const bad = disk.content(END);
      const { log, told } = await open(disk, encryption);
      assert.equal(log.recovered.size, 3);
      assert.match(told.join(), /consumers\.json: damaged: .* left as .*consumers\.json\.damaged/);
      assert.deepEqual(disk.content(`${END}.damaged`), bad);
      await log.close();
      disk.damage(LOG, (content) => content.subarray(0, -8));
      assert.match((await toldAt(disk, encryption)).join(), /1\.log: damaged/, "it was put down anew");
    }
  }
});

test("what is whole and makes no sense, or is another stream's, is no reason not to start", async () => {
  const good = { format: 1, stream: "S", generation: 1, bytes: 8 };
  const odd: readonly unknown[] = [
    null,
    5,
    [],
    { ...good, format: 2 },
    { ...good, stream: "T" },
    { ...good, generation: "1" },
    { ...good, generation: 0 },
    { ...good, bytes: -1 },
    { ...good, bytes: 1.5 },
    { format: 1, stream: "S" },
  ];
  const whole = await closed(null);
  for (const json of ["", "{", ...odd.map((value) => JSON.stringify(value))]) {
    const disk = whole.crash();
    await writeSmallFile(disk, END, json, null);
    const { log, told } = await open(disk, null);
    assert.equal(log.recovered.size, 3);
    assert.match(told.join(), /consumers\.json: damaged/, json);
  }
  const disk = whole.crash();
  await writeSmallFile(disk, END, JSON.stringify({ ...good, bytes: Number.MAX_SAFE_INTEGER }), null);
  assert.equal((await open(disk, null)).log.recovered.size, 3, "what is there is taken");
});

test("a disk that is full at the stop leaves what was put down before, which holds", async () => {
  const disk = await closed(null);
  const { log } = await open(disk, null);
  log.putConfig("d", "{}");
  log.commit();
  await settle();
  const before = disk.content(END);
  disk.fill(0);
  await log.close();
  assert.deepEqual(disk.content(END), before);
  disk.fill(Infinity);
  const again = await open(disk.crash(), null);
  assert.deepEqual(again.told, []);
  assert.equal(again.log.recovered.size, 4);
});

test("a log that was removed is not missed, wherever the power goes meanwhile", async () => {
  const destroy = async (disk: FaultyDisk): Promise<void> => (await open(disk, null)).log.destroy();
  const whole = await closed(null);
  await destroy(whole);
  assert.deepEqual(whole.paths, []);
  for (let step = 0; step < whole.steps.length; step++) {
    const disk = await closed(null);
    disk.killAt(step);
    await assert.rejects(destroy(disk));
    for (const left of [disk.restart(), disk.crash()])
      assert.deepEqual((await open(left, null)).told, [], `step ${step}, ${whole.steps[step]}`);
  }
});
