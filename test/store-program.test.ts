/** `store verify`, `repair` and `dump` of the program, on files that a store has written. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { TimerQueue } from "../packages/caddis/src/base/timer-queue.ts";
import { systemClock } from "../packages/caddis/src/io/node/clock.ts";
import { NodeDisk } from "../packages/caddis/src/io/node/disk.ts";
import { lockFolder } from "../packages/caddis/src/io/node/folder-lock.ts";
import { SeededRandom } from "../packages/caddis/src/io/seeded-random.ts";
import { openConsumerLog } from "../packages/caddis/src/store/consumer-log.ts";
import { BlockCache } from "../packages/caddis/src/store/file/block-cache.ts";
import type { Encryption } from "../packages/caddis/src/store/file/cipher.ts";
import { openFileStore } from "../packages/caddis/src/store/file/file-store.ts";
import { writeSmallFile } from "../packages/caddis/src/store/small-file.ts";
import { Program, testFolder } from "./support/program.ts";
import { OUR_SERVER } from "./support/server-process.ts";

const COUNT = 50;

const KEY = "a key";

function encryption(): Encryption {
  const keys = { cipher: "chacha", key: Buffer.from(KEY), previousKey: null } as const;
  return { keys, random: new SeededRandom(6) };
}

/** Writes a stream below a folder of its own; returns both, and where its messages lie. */
async function write(
  t: TestContext,
  encryption: Encryption | null = null,
): Promise<{ top: string; stream: string; folder: string }> {
  const top = await testFolder(t);
  const stream = join(top, "A", "streams", "S");
  const folder = join(stream, "messages");
  const clock = systemClock();
  const disk = new NodeDisk();
  const timers = new TimerQueue(clock);
  const report = (damage: string): void => assert.fail(damage);
  const sync = { intervalMs: 0 };
  const store = await openFileStore(disk, folder, {
    sync,
    keys: encryption?.keys ?? null,
    cache: new BlockCache(1024 * 1024),
    clock,
    timers,
    random: new SeededRandom(5),
    report,
    firstSeq: 0,
  });
  for (let i = 1; i <= COUNT; i++) {
    const text = `payload ${i}`;
    store.append("a.subject", Buffer.from(text), 0, 0, text.length, 1_778_544_000_000 + i, 0, 0);
  }
  store.remove(7, false);
  await store.close();
  const consumers = join(stream, "consumers");
  const log = await openConsumerLog(disk, consumers, { sync, timers, report, encryption, stream: "S" });
  log.putConfig("worker", '{"config":{"name":"worker"}}');
  log.putState("worker", Buffer.from("its state"));
  await log.close();
  const config = '{"format":1,"config":{"name":"S","subjects":["a.>"]}}';
  await writeSmallFile(disk, join(stream, "stream.json"), config, encryption);
  return { top, stream, folder };
}

async function run(
  t: TestContext,
  folder: string,
  args: readonly string[],
  env: Record<string, string> = {},
) {
  const program = new Program(t, OUR_SERVER, ["store", ...args], folder, env);
  return program.ended;
}

test("a store that is whole is said to be, and its records are shown", async (t) => {
  const { top, folder } = await write(t);
  const verified = await run(t, top, ["verify", top]);
  assert.equal(verified.code, 0, verified.stderr);
  assert.match(verified.stdout, /messages: ok, 1 blocks, \d+ bytes, 50 messages on disk/);
  assert.match(verified.stdout, /consumers: ok, \d+ bytes, 1 consumers/);
  assert.match(verified.stdout, /stream\.json: ok, \d+ bytes/);
  const dumped = await run(t, top, ["dump", folder, "--content"]);
  assert.equal(dumped.code, 0, dumped.stderr);
  const records = dumped.stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { kind: string; seq: number; payload: string; ranges: unknown });
  assert.equal(records.filter(({ kind }) => kind === "message").length, COUNT);
  assert.equal(records.find(({ seq }) => seq === 33)?.payload, "payload 33");
  assert.deepEqual(records.find(({ kind }) => kind === "removed")?.ranges, [[7, 7]]);
  const brief = await run(t, top, ["dump", folder]);
  assert.ok(!brief.stdout.includes("payload 33") && brief.stdout.includes('"payloadBytes":10'));
});

test("damage is found without a server, and a repair sets it aside", async (t) => {
  const { top, folder } = await write(t);
  const block = join(folder, "1.log");
  const content = readFileSync(block);
  content[content.indexOf("payload 20")] ^= 1;
  writeFileSync(block, content);
  const verified = await run(t, top, ["verify", folder, "--json"]);
  assert.equal(verified.code, 1);
  const verdict = JSON.parse(verified.stdout) as { records: number; problems: string[] };
  assert.equal(verdict.records, COUNT - 1);
  assert.match(verdict.problems.join(), /1\.log: bytes \d+ to \d+ can't be read/);
  const repaired = await run(t, top, ["repair", folder]);
  assert.equal(repaired.code, 1);
  assert.match(repaired.stdout, /48 messages \(\d+ bytes\), sequences 1 to 50, 1 lost/);
  assert.ok(readdirSync(folder).some((name) => name.startsWith("1.log.damaged-")));
  assert.deepEqual(readFileSync(block), content, "the damaged file is left as it is");
});

test("what can't be done is said, with exit code 2", async (t) => {
  const top = await testFolder(t);
  for (const args of [[], ["verify"], ["burn", top], ["verify", top], ["verify", top, "--cipher", "rot13"]]) {
    const { code, stderr } = await run(t, top, args);
    assert.equal(code, 2, stderr);
    assert.notEqual(stderr, "");
  }
  const { code, stdout } = await run(t, top, ["--help"]);
  assert.equal(code, 0);
  assert.match(stdout, /Usage: \S+ store verify/);
});

/** Lines of JSON. */
function linesOf(text: string): Record<string, unknown>[] {
  return text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

test("an encrypted store is shown to who has the key, and to others only where it is", async (t) => {
  const { top } = await write(t, encryption());
  const env = { CADDIS_STORE_KEY: KEY };
  for (const given of [{}, env]) {
    const { code, stdout, stderr } = await run(t, top, ["verify", top], given);
    assert.equal(code, 0, stderr);
    assert.match(
      stdout,
      given === env ? /consumers: ok, \d+ bytes, 1 consumers/ : /consumers: ok, .*encrypted/,
    );
  }
  const locked = await run(t, top, ["dump", top, "--content"]);
  assert.equal(locked.code, 0, locked.stderr);
  assert.ok(!/payload 33|a\.subject|worker|a\.>/.test(locked.stdout));
  assert.equal(linesOf(locked.stdout).filter(({ kind }) => kind === "message").length, COUNT);
  const shown = await run(t, top, ["dump", top, "--content"], env);
  assert.equal(shown.code, 0, shown.stderr);
  const lines = linesOf(shown.stdout);
  assert.equal(lines.find(({ seq }) => seq === 33)?.["payload"], "payload 33");
  assert.deepEqual(lines.find(({ kind }) => kind === "config")?.["content"], { config: { name: "worker" } });
  const state = lines.find(({ kind }) => kind === "state")?.["state"];
  assert.equal(state, Buffer.from("its state").toString("base64"));
  assert.match(JSON.stringify(lines.find(({ kind }) => kind === "file")), /"subjects":\["a\.>"\]/);
});

test("with a wrong key nothing is done, with the right one everything is", async (t) => {
  const { top, stream, folder } = await write(t, encryption());
  // As it was when only messages were encrypted.
  await writeSmallFile(new NodeDisk(), join(stream, "stream.json"), "{}", null);
  const before = contents(top);
  for (const action of ["verify", "repair", "dump"]) {
    const { code, stderr } = await run(t, top, [action, top, "--key", "wrong"]);
    assert.equal(code, 2, `${action}: ${stderr}`);
    assert.match(stderr, /was encrypted with another key/);
  }
  const keyless = await run(t, top, ["repair", top]);
  assert.equal(keyless.code, 2);
  assert.match(keyless.stderr, /is encrypted, and there is no key/);
  assert.deepEqual(contents(top), before, "nothing was changed");
  const renewed = await run(t, top, ["repair", top, "--key", "new", "--prev-key", KEY]);
  assert.equal(renewed.code, 0, renewed.stderr + renewed.stdout);
  assert.match(renewed.stdout, /49 messages .*\n.*1 consumers/);
  for (const path of [join(stream, "stream.json"), join(folder, "index.db")]) {
    assert.notDeepEqual(readFileSync(path), before[path], path);
  }
  const verified = await run(t, top, ["verify", join(stream, "consumers"), "--key", "new"]);
  assert.equal(verified.code, 0, verified.stderr);
});

test("damage to what is not a message is found too", async (t) => {
  for (const encrypted of [null, encryption()]) {
    const { top, stream } = await write(t, encrypted);
    for (const name of ["stream.json", "consumers/1.log"]) {
      const path = join(stream, name);
      const content = readFileSync(path);
      content[content.length >> 1] ^= 1;
      writeFileSync(path, content);
    }
    const verified = await run(t, top, ["verify", top]);
    assert.equal(verified.code, 1);
    assert.match(verified.stdout, /stream\.json: damaged.*\n.*can't be read; without it there is no stream/);
    assert.match(verified.stdout, /consumers: damaged/);
    const repaired = await run(t, top, ["repair", top, ...(encrypted === null ? [] : ["--key", KEY])]);
    assert.equal(repaired.code, 1);
    assert.ok(readdirSync(join(stream, "consumers")).includes("1.log.damaged"));
  }
});

/** All files below a folder. */
function contents(folder: string): Record<string, Buffer> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return Object.fromEntries(
    files.map(({ parentPath, name }) => [join(parentPath, name), readFileSync(join(parentPath, name))]),
  );
}

test("what a server has open is looked at with a warning, and not repaired", async (t) => {
  const { top, stream, folder } = await write(t);
  const lock = await lockFolder(top);
  const before = readdirSync(folder);
  const repaired = await run(t, top, ["repair", stream]);
  assert.equal(repaired.code, 2);
  assert.match(repaired.stderr, new RegExp(`in use by another server \\(process ${process.pid}\\)`));
  assert.equal(repaired.stdout, "");
  for (const action of ["verify", "dump"]) {
    const { code, stdout, stderr } = await run(t, top, [action, top]);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /in use by a server \(process \d+\): what it writes meanwhile may look damaged/);
    assert.notEqual(stdout, "");
  }
  assert.deepEqual(readdirSync(folder), before);
  await lock.release();
  const again = await run(t, top, ["repair", stream]);
  assert.equal(again.code, 0, again.stderr);
  assert.ok(!readdirSync(top).includes(".lock"), "it leaves the folder to others");
});

test("blocks that are gone or cut short are found", async (t) => {
  const { top, folder } = await write(t);
  const block = join(folder, "1.log");
  const verify = (): ReturnType<typeof run> => run(t, top, ["verify", top]);
  const missed = /messages: damaged.*\n.*the checkpoint speaks of other blocks than there are/;
  truncateSync(block, statSync(block).size - 100);
  const cut = await verify();
  assert.equal(cut.code, 1);
  assert.match(cut.stdout, missed);
  const repaired = await run(t, top, ["repair", top]);
  assert.match(repaired.stdout, /messages from \d+ to 50 are lost or were removed/);
  const whole = await verify();
  assert.equal(whole.code, 0, whole.stdout);
  rmSync(block);
  assert.match((await verify()).stdout, missed);
});

test("a log of consumers that is gone or cut short is found", async (t) => {
  for (const encrypted of [null, encryption()]) {
    const { top, stream } = await write(t, encrypted);
    const env: Record<string, string> = encrypted === null ? {} : { CADDIS_STORE_KEY: KEY };
    const folder = join(stream, "consumers");
    const log = join(folder, "1.log");
    truncateSync(log, statSync(log).size - 8);
    for (const from of [top, folder]) {
      const cut = await run(t, top, ["verify", from], env);
      assert.equal(cut.code, 1, cut.stdout);
      assert.match(
        cut.stdout,
        /consumers\.json: ok.*\n.*consumers: damaged.*\n.*1\.log: damaged \(\d+ bytes at/,
      );
    }
    rmSync(folder, { recursive: true });
    for (const action of ["verify", "dump"]) {
      const missing = await run(t, top, [action, top], env);
      assert.equal(missing.code, 1, missing.stdout);
      assert.match(missing.stdout + missing.stderr, /1\.log is missing/);
    }
    const repaired = await run(t, top, ["repair", top], env);
    assert.match(repaired.stdout, /consumers: 0 consumers\n.*1\.log: missing: what was last stored/);
    const whole = await run(t, top, ["verify", top], env);
    assert.equal(whole.code, 0, whole.stdout);
    assert.match(whole.stdout, /consumers: ok, \d+ bytes, 0 consumers/);
  }
});
