/** `store verify`, `repair` and `dump` of the program, on files that a store has written. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { TimerQueue } from "../packages/caddis/src/base/timer-queue.ts";
import { systemClock } from "../packages/caddis/src/io/node/clock.ts";
import { NodeDisk } from "../packages/caddis/src/io/node/disk.ts";
import { SeededRandom } from "../packages/caddis/src/io/seeded-random.ts";
import { BlockCache } from "../packages/caddis/src/store/file/block-cache.ts";
import { openFileStore } from "../packages/caddis/src/store/file/file-store.ts";
import { Program, testFolder } from "./support/program.ts";
import { OUR_SERVER } from "./support/server-process.ts";

const COUNT = 50;

/** Writes a store below a folder of its own; returns both. */
async function write(t: TestContext): Promise<{ top: string; folder: string }> {
  const top = await testFolder(t);
  const folder = join(top, "A", "streams", "S", "messages");
  const clock = systemClock();
  const store = await openFileStore(new NodeDisk(), folder, {
    sync: { intervalMs: 0 },
    keys: null,
    cache: new BlockCache(1024 * 1024),
    clock,
    timers: new TimerQueue(clock),
    random: new SeededRandom(5),
    report: (damage) => assert.fail(damage),
    firstSeq: 0,
  });
  for (let i = 1; i <= COUNT; i++) {
    const text = `payload ${i}`;
    store.append("a.subject", Buffer.from(text), 0, 0, text.length, 1_778_544_000_000 + i, 0, 0);
  }
  store.remove(7, false);
  await store.close();
  return { top, folder };
}

async function run(t: TestContext, folder: string, args: readonly string[]) {
  const program = new Program(t, OUR_SERVER, ["store", ...args], folder);
  return program.ended;
}

test("a store that is whole is said to be, and its records are shown", async (t) => {
  const { top, folder } = await write(t);
  const verified = await run(t, top, ["verify", top]);
  assert.equal(verified.code, 0, verified.stderr);
  assert.match(verified.stdout, /messages: ok, 1 blocks, \d+ bytes, 50 messages on disk/);
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
