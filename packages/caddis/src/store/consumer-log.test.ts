import assert from "node:assert/strict";
import { test } from "node:test";
import { FaultyDisk } from "../../../../test/support/faulty-disk.ts";
import { TimerQueue } from "../base/timer-queue.ts";
import { MemoryDisk } from "../io/memory-disk.ts";
import type { Disk } from "../io/disk.ts";
import { SeededRandom } from "../io/seeded-random.ts";
import { VirtualClock } from "../io/virtual-clock.ts";
import { openConsumerLog } from "./consumer-log.ts";
import type { ConsumerStore, KeptConsumer } from "./consumer-store.ts";
import { type Encryption, KeyError } from "./file/cipher.ts";

const FOLDER = "/js/consumers";
/** Small, so that logs are written anew now and then. */
const COMPACT_BYTES = 2_000;

interface Surroundings {
  readonly clock: VirtualClock;
  readonly damage: string[];
  readonly open: (disk: Disk) => Promise<ConsumerStore>;
}

/** With `key`, and the key of before. */
function encryption(key: string, former: string | null = null): Encryption {
  const previousKey = former === null ? null : Buffer.from(former);
  return { keys: { cipher: "chacha", key: Buffer.from(key), previousKey }, random: new SeededRandom(7) };
}

const ENCRYPTED = encryption("k");

function surroundings(intervalMs = 0, encryption: Encryption | null = null, stream = "S"): Surroundings {
  const clock = new VirtualClock((run) => queueMicrotask(run));
  const timers = new TimerQueue(clock);
  const damage: string[] = [];
  const open = (disk: Disk): Promise<ConsumerStore> =>
    openConsumerLog(disk, FOLDER, {
      sync: { intervalMs },
      timers,
      report: (text) => damage.push(text),
      compactBytesMin: COMPACT_BYTES,
      encryption,
      stream,
    });
  return { clock, damage, open };
}

/** Lets what waits for promises go on. */
async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await Promise.resolve();
}

/** The files in the folder. */
function logsOn(disk: FaultyDisk): readonly string[] {
  return disk.paths.filter((path) => path.startsWith(`${FOLDER}/`));
}

/** Enough for whatever a memory disk does. */
const SETTLED = 200;

type Kept = ReadonlyMap<string, KeptConsumer>;

function plain(kept: Kept): object {
  return Object.fromEntries(
    [...kept]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, { config, state }]) => [
        name,
        [config, state === null ? null : Buffer.from(state).toString("hex")],
      ]),
  );
}

/** What was kept after each position. */
type History = Kept[];

/** Does something at random, and writes down what is to be kept. */
function putAtRandom(log: ConsumerStore, history: History, random: SeededRandom): void {
  const kept = new Map(history.at(-1));
  const name = `consumer-${random.below(5)}`;
  const known = kept.get(name);
  const choice = random.below(10);
  if (choice < 2 || known === undefined) {
    const config = JSON.stringify({ name, description: "ü".repeat(random.below(20)), at: history.length });
    kept.set(name, { config, state: known?.state ?? null });
    log.putConfig(name, config);
  } else if (choice === 2) {
    kept.delete(name);
    log.remove(name);
  } else {
    const state = random.bytes(random.below(8) === 0 ? random.below(1500) : random.below(40));
    kept.set(name, { config: known.config, state });
    log.putState(name, state);
  }
  history.push(kept);
  assert.equal(log.position, history.length - 1);
}

/** Uses a log, which has `before`, until the end, or until the power goes; returns what may be found afterwards. */
async function use(
  disk: FaultyDisk,
  seed: number,
  intervalMs: number,
  encryption: Encryption | null = null,
  before: Kept = new Map(),
): Promise<{ history: History; durable: number }> {
  const random = new SeededRandom(seed);
  const { clock, damage, open } = surroundings(intervalMs, encryption);
  const history: History = [before];
  let durable = 0;
  try {
    const log = await open(disk);
    log.onDurable = () => {
      durable = log.durablePosition;
    };
    for (let i = 0; i < 40 && !disk.isKilled; i++) {
      putAtRandom(log, history, random);
      if (random.below(3) === 0) log.commit();
      await turns(random.below(12));
      if (random.below(10) === 0) await clock.advance(intervalMs);
    }
    if (random.below(2) === 0) await log.close();
    else await turns(SETTLED);
  } catch (error) {
    if (!disk.isKilled) throw error;
  }
  assert.deepEqual(damage, []);
  return { history, durable };
}

/** Opens what a crash left, and checks that it is one of the states from `durable` on, also after more use. */
async function checkAfterCrash(
  disk: FaultyDisk,
  history: History,
  durable: number,
  what: string,
  encryption: Encryption | null = null,
): Promise<void> {
  const { damage, open } = surroundings(0, encryption);
  const log = await open(disk);
  assert.deepEqual(damage, [], `no damage ${what}`);
  // Before the first write there is no file.
  assert.ok(logsOn(disk).length <= 1, `nothing is left lying about ${what}`);
  const found = plain(log.recovered);
  assert.deepEqual(plain((await open(disk.crash())).recovered), found, `what was found stays ${what}`);
  const allowed = history.slice(durable).map(plain);
  assert.ok(
    allowed.some((state) => JSON.stringify(state) === JSON.stringify(found)),
    `${what}: found ${JSON.stringify(found)}, not one of ${JSON.stringify(allowed)}`,
  );
  const after: History = [log.recovered];
  const random = new SeededRandom(1);
  for (let i = 0; i < 5; i++) putAtRandom(log, after, random);
  log.commit();
  await turns(SETTLED);
  assert.equal(log.durablePosition, log.position);
  const again = await open(disk.crash());
  assert.deepEqual(plain(again.recovered), plain(after[5]), `after more use ${what}`);
  assert.deepEqual(damage, []);
}

test("what was put is found again, the latest of it", async () => {
  const disk = new MemoryDisk();
  const { damage, open } = surroundings();
  const log = await open(disk);
  assert.equal(log.recovered.size, 0);
  const state = new Uint8Array([1, 2, 3]);
  log.putConfig("a", '{"name":"ä"}');
  log.putState("a", state);
  state.fill(9);
  log.putConfig("b", "{}");
  log.putConfig("c", "{}");
  log.putState("none", state);
  log.remove("c");
  log.remove("none");
  log.putState("b", state);
  log.putConfig("b", '{"more":1}');
  assert.ok(log.durablePosition < log.position);
  log.commit();
  await turns(SETTLED);
  assert.equal(log.durablePosition, log.position);
  assert.ok(log.usedBytes() > 100);
  await log.close();
  const again = await open(disk);
  assert.deepEqual(plain(again.recovered), { a: ['{"name":"ä"}', "010203"], b: ['{"more":1}', "090909"] });
  assert.deepEqual(damage, []);
  await again.destroy();
  assert.deepEqual(await disk.list(FOLDER), []);
  assert.deepEqual(await disk.list("/js"), []);
});

test("what was not committed is written when it is closed", async () => {
  for (const intervalMs of [0, 1000]) {
    const disk = new FaultyDisk(1);
    const { open } = surroundings(intervalMs);
    const log = await open(disk);
    log.putConfig("a", "1");
    await log.close();
    const again = await open(disk.crash());
    assert.deepEqual(plain(again.recovered), { a: ["1", null] });
  }
});

test("what comes in one turn, and while a write is out, shares a write", async () => {
  const disk = new FaultyDisk(1);
  const { open } = surroundings();
  const log = await open(disk);
  // The first write makes the file.
  log.putConfig("first", "{}");
  log.commit();
  await turns(SETTLED);
  const before = disk.steps.length;
  for (let i = 0; i < 100; i++) {
    log.putConfig(`consumer-${i % 10}`, `${i}`);
    log.commit();
  }
  await turns(SETTLED);
  assert.deepEqual(disk.steps.slice(before), [`write ${FOLDER}/1.log`, `sync ${FOLDER}/1.log`]);
  assert.equal(log.durablePosition, 101);
});

test("a log that is mostly old is written anew, and stays small", async () => {
  const disk = new FaultyDisk(1);
  const { open } = surroundings();
  const log = await open(disk);
  log.putConfig("a", "{}");
  for (let i = 0; i < 1000; i++) {
    log.putState("a", Buffer.from(`state ${i}`));
    log.commit();
    await turns(20);
    assert.ok(log.usedBytes() < COMPACT_BYTES + 200);
  }
  await turns(SETTLED);
  assert.equal(disk.paths.length, 1);
  await log.close();
  const again = await open(disk.crash());
  assert.deepEqual(plain(again.recovered), { a: ["{}", Buffer.from("state 999").toString("hex")] });
});

test("with an interval it is synced at that interval", async () => {
  const disk = new FaultyDisk(1);
  const { clock, open } = surroundings(100);
  const log = await open(disk);
  // The first write makes the file.
  log.putConfig("first", "{}");
  log.commit();
  await turns(SETTLED);
  log.putConfig("a", "{}");
  log.commit();
  await turns(SETTLED);
  assert.equal(log.durablePosition, 2, "handed to the system");
  assert.equal(disk.steps.at(-1), `write ${FOLDER}/1.log`);
  await clock.advance(99);
  await turns(SETTLED);
  assert.equal(disk.steps.at(-1), `write ${FOLDER}/1.log`);
  await clock.advance(1);
  await turns(SETTLED);
  assert.equal(disk.steps.at(-1), `sync ${FOLDER}/1.log`);
  const steps = disk.steps.length;
  await clock.advance(1000);
  await turns(SETTLED);
  assert.equal(disk.steps.length, steps, "nothing to sync");
});

test("a full disk stops it, and it goes on when there is room", async () => {
  const disk = new FaultyDisk(1);
  const { clock, open } = surroundings();
  const log = await open(disk);
  log.putConfig("a", "1");
  log.putConfig("b", "1");
  log.commit();
  await turns(SETTLED);
  let calls = 0;
  log.onDurable = () => calls++;
  disk.fill(8);
  log.putState("a", Buffer.from("2"));
  log.commit();
  await turns(SETTLED);
  assert.match(log.failure ?? "", /no space left/);
  assert.equal(calls, 1);
  assert.equal(log.durablePosition, 2);
  log.remove("b");
  log.putState("a", Buffer.from("3"));
  log.commit();
  await clock.advance(1000);
  await turns(SETTLED);
  assert.match(log.failure ?? "", /no space left/);
  disk.fill(Infinity);
  await clock.advance(1000);
  await turns(SETTLED);
  assert.equal(log.failure, null);
  assert.equal(log.durablePosition, log.position);
  assert.deepEqual(plain((await open(disk.crash())).recovered), {
    a: ["1", Buffer.from("3").toString("hex")],
  });
});

test("what is put while a write fails is written with it later", async () => {
  for (let wait = 0; wait < 12; wait++) {
    const fault = wait % 2 === 0 ? "full" : "busy";
    const disk = new FaultyDisk(1);
    const { clock, open } = surroundings();
    const log = await open(disk);
    for (const name of ["a", "b", "c"]) log.putConfig(name, "1");
    log.commit();
    await turns(SETTLED);
    disk.failAt(disk.steps.length, fault);
    log.putState("a", Buffer.from("2"));
    log.remove("b");
    log.putState("c", Buffer.from("2"));
    log.commit();
    await turns(wait >> 1);
    log.putConfig("a", "3");
    log.putConfig("b", "3");
    log.remove("c");
    await turns(SETTLED);
    await clock.advance(1000);
    await turns(SETTLED);
    assert.equal(log.durablePosition, log.position);
    const { recovered } = await open(disk.crash());
    assert.deepEqual(
      plain(recovered),
      { a: ["3", Buffer.from("2").toString("hex")], b: ["3", null] },
      `${wait}`,
    );
  }
});

test("one whose next generation may be there already is not added to any more", async () => {
  const disk = new FaultyDisk(1);
  const { clock, open } = surroundings();
  const log = await open(disk);
  log.putConfig("a", "1");
  while (log.usedBytes() <= COMPACT_BYTES) {
    log.putState("a", Buffer.alloc(50));
    log.commit();
    await turns(SETTLED);
  }
  // Of the file that was just put in place: it can't be opened.
  disk.failAt(disk.steps.length + 5, "full");
  log.putState("a", Buffer.from("2"));
  log.commit();
  await turns(SETTLED);
  assert.deepEqual(disk.paths, [`${FOLDER}/1.log`, `${FOLDER}/2.log`]);
  assert.match(log.failure ?? "", /made to fail/);
  // So much is kept now that the file would not count as mostly old.
  log.putState("a", Buffer.alloc(4000, "3"));
  await clock.advance(1000);
  await turns(SETTLED);
  assert.equal(log.failure, null);
  const { recovered } = await open(disk.crash());
  assert.deepEqual(Buffer.from(recovered.get("a")?.state ?? []), Buffer.alloc(4000, "3"));
});

test("a sync that failed ends it: nothing is confirmed any more, whatever the system says later", async () => {
  for (const intervalMs of [0, 100]) {
    const disk = new FaultyDisk(1);
    const { clock, damage, open } = surroundings(intervalMs);
    const log = await open(disk);
    log.putConfig("a", "1");
    log.commit();
    await turns(SETTLED);
    await clock.advance(100);
    await turns(SETTLED);
    // Of the next write and sync.
    disk.failAt(disk.steps.length + 1, "full");
    log.putConfig("a", "2");
    log.commit();
    await turns(SETTLED);
    await clock.advance(100);
    await turns(SETTLED);
    assert.match(log.failure ?? "", /made to fail/);
    const { durablePosition } = log;
    log.putConfig("a", "3");
    log.commit();
    await clock.advance(10_000);
    await turns(SETTLED);
    await log.close();
    if (intervalMs > 0) assert.match(log.failure ?? "", /made to fail/);
    if (log.failure !== null) assert.equal(log.durablePosition, durablePosition);
    const { recovered } = await open(disk.crash());
    if (log.failure === null) assert.equal(recovered.get("a")?.config, "3");
    assert.deepEqual(damage, []);
  }
});

test("whenever the power goes, what was confirmed is there, and nothing that never was", async () => {
  for (const intervalMs of [0, 50]) {
    for (let seed = 0; seed < 30; seed++) {
      const whole = new FaultyDisk(seed);
      await use(whole, seed, intervalMs);
      for (let step = 0; step < whole.steps.length; step++) {
        const disk = new FaultyDisk(seed);
        disk.killAt(step);
        const { history, durable } = await use(disk, seed, intervalMs);
        assert.ok(disk.isKilled);
        const what = `seed ${seed}, interval ${intervalMs}, at step ${step} (${whole.steps[step]})`;
        await checkAfterCrash(disk.crash(), history, intervalMs === 0 ? durable : 0, what);
        await checkAfterCrash(disk.restart(), history, durable, `${what}, without loss of power`);
      }
    }
  }
});

test("the same with a key, also one that takes the place of another, or of none", async () => {
  const befores: (Encryption | null)[] = [ENCRYPTED, encryption("former"), null];
  const after = encryption("k", "former");
  for (let seed = 0; seed < 12; seed++) {
    const before = befores[seed % befores.length];
    const whole = new FaultyDisk(seed);
    await use(whole, seed, 0, before);
    for (let step = 0; step < whole.steps.length; step += 2) {
      const disk = new FaultyDisk(seed);
      disk.killAt(step + (seed % 2));
      const { history, durable } = await use(disk, seed, 0, before);
      const what = `seed ${seed}, encrypted, at step ${step}`;
      const found = disk.crash();
      // The power goes once more, at the start that writes it anew.
      found.killAt(step % 7);
      await surroundings(0, after)
        .open(found)
        .catch(() => undefined);
      await checkAfterCrash(found.crash(), history, durable, what, after);
    }
  }
});

test("one whose key is not there, or another one, is left alone, and says so by name", async () => {
  const disk = new FaultyDisk(1);
  const log = await surroundings(0, ENCRYPTED).open(disk);
  log.putConfig("a", "1");
  await log.close();
  const before = disk.content(`${FOLDER}/1.log`);
  for (const path of [`${FOLDER}.json`, `${FOLDER}/1.log`]) {
    const steps = disk.steps.length;
    const keyless = surroundings();
    await assert.rejects(keyless.open(disk), new KeyError(`${path} is encrypted, and there is no key`));
    const other = surroundings(0, encryption("other", "another"));
    await assert.rejects(other.open(disk), new KeyError(`${path} was encrypted with another key`));
    assert.equal(disk.steps.length, steps, "nothing was done");
    // The other one says so by itself.
    await disk.remove(`${FOLDER}.json`);
  }
  assert.deepEqual(disk.content(`${FOLDER}/1.log`), before);
});

test("what is plain, or has the key of before, is written anew with the key", async () => {
  for (const before of [null, encryption("former")]) {
    const disk = new FaultyDisk(1);
    const log = await surroundings(0, before).open(disk);
    log.putConfig("a", '{"description":"secret"}');
    log.putState("a", Buffer.from("secret"));
    await log.close();
    const { damage, open } = surroundings(0, encryption("k", "former"));
    const next = await open(disk);
    assert.deepEqual(disk.paths, [`${FOLDER}.json`, `${FOLDER}/2.log`]);
    assert.ok(!disk.content(`${FOLDER}/2.log`).includes("secret"));
    await surroundings(0, ENCRYPTED).open(disk.crash());
    await next.close();
    const last = await surroundings(0, ENCRYPTED).open(disk.crash());
    assert.deepEqual(plain(last.recovered), {
      a: ['{"description":"secret"}', Buffer.from("secret").toString("hex")],
    });
    await (await open(disk)).close();
    assert.deepEqual(logsOn(disk), [`${FOLDER}/2.log`], "once is enough");
    assert.deepEqual(damage, []);
  }
});

test("the log of another stream is not taken", async () => {
  for (const encryption of [null, ENCRYPTED]) {
    const disk = new FaultyDisk(1);
    const log = await surroundings(0, encryption).open(disk);
    log.putConfig("a", "1");
    await log.close();
    const { damage, open } = surroundings(0, encryption, "T");
    assert.equal((await open(disk)).recovered.size, 0);
    assert.match(damage.join(), /1\.log: damaged \(it is that of stream 'S'\)/);
    assert.deepEqual(logsOn(disk), [`${FOLDER}/1.log.damaged`, `${FOLDER}/2.log`]);
  }
});

test("of an encrypted log no byte is changed without that being found out", async () => {
  const disk = new FaultyDisk(1);
  const log = await surroundings(0, ENCRYPTED).open(disk);
  for (const name of ["a", "b"]) {
    log.putConfig(name, `{"name":"${name}"}`);
    log.putState(name, Buffer.from(name));
    log.commit();
    await turns(SETTLED);
  }
  await log.close();
  const path = `${FOLDER}/1.log`;
  const good = disk.content(path);
  const end = disk.content(`${FOLDER}.json`);
  for (let at = 0; at < good.length; at++) {
    const bad = new FaultyDisk(1);
    await bad.makeFolder(FOLDER);
    await bad.replace(path, good);
    await bad.replace(`${FOLDER}.json`, end);
    bad.damage(path, (content) => {
      content[at] ^= 1 << (at % 8);
      return content;
    });
    const { damage, open } = surroundings(0, ENCRYPTED);
    const { recovered } = await open(bad);
    for (const [name, { config, state }] of recovered) {
      assert.equal(config, `{"name":"${name}"}`, `byte ${at}`);
      if (state !== null) assert.equal(Buffer.from(state).toString(), name, `byte ${at}`);
    }
    const isAll = [...recovered.values()].filter(({ state }) => state !== null).length === 2;
    assert.ok(isAll || damage.length === 1, `byte ${at}: nothing is lost in silence`);
  }
});

test("whenever the power goes after a stop, less is not taken for damage than was there at the stop", async () => {
  for (let seed = 0; seed < 12; seed++) {
    const key = seed % 3 === 0 ? ENCRYPTED : null;
    const stopped = new FaultyDisk(seed);
    const log = await surroundings(0, key).open(stopped);
    const random = new SeededRandom(seed);
    const before: History = [new Map()];
    for (let i = 0; i < 20; i++) putAtRandom(log, before, random);
    await log.close();
    assert.ok(stopped.paths.includes(`${FOLDER}.json`));
    const whole = stopped.crash();
    await use(whole, seed, 0, key, before.at(-1));
    for (let step = 0; step < whole.steps.length; step += 2) {
      const disk = stopped.crash();
      disk.killAt(step + (seed % 2));
      const { history, durable } = await use(disk, seed, 0, key, before.at(-1));
      const what = `seed ${seed}, at step ${step + (seed % 2)} after a stop`;
      await checkAfterCrash(disk.crash(), history, durable, what, key);
      await checkAfterCrash(disk.restart(), history, durable, `${what}, without loss of power`, key);
    }
  }
});

test("when the power goes while it starts after a crash, nothing is lost either", async () => {
  for (let seed = 0; seed < 60; seed++) {
    const disk = new FaultyDisk(seed);
    disk.killAt(10 + (seed % 50));
    const { history, durable } = await use(disk, seed, 0);
    for (let step = 0; step < 12; step++) {
      const found = disk.crash();
      found.killAt(step);
      const { open } = surroundings();
      await open(found).catch(() => undefined);
      await checkAfterCrash(found.crash(), history, durable, `seed ${seed}, step ${step} of the start`);
    }
  }
});

test("damage is found, told and kept aside, and the rest is recovered", async () => {
  for (let seed = 0; seed < 300; seed++) {
    const random = new SeededRandom(seed);
    const disk = new FaultyDisk(seed);
    const { damage, open } = surroundings(0, seed % 2 === 0 ? null : ENCRYPTED);
    const log = await open(disk);
    const history: History = [new Map()];
    const puts = 3 + random.below(12);
    for (let i = 0; i < puts; i++) {
      putAtRandom(log, history, random);
      log.commit();
      await turns(SETTLED);
    }
    await log.close();
    const [path] = logsOn(disk);
    const good = disk.content(path);
    const at = random.below(good.length);
    const cut = seed % 5 === 0;
    disk.damage(path, (content) => {
      if (cut) return content.subarray(0, at);
      content[at] ^= 1 << random.below(8);
      return content;
    });
    const bad = disk.content(path);
    const { recovered } = await open(disk);
    const what = `seed ${seed}: byte ${at} of ${good.length}`;
    for (const [name, { config, state }] of recovered) {
      const once = history.filter((kept) => kept.has(name)).map((kept) => kept.get(name));
      assert.ok(
        once.some((kept) => kept?.config === config),
        `${what}: a configuration it had once`,
      );
      assert.ok(
        once.some((kept) => plainState(kept?.state) === plainState(state)),
        `${what}: a state it had once`,
      );
    }
    const isSame = JSON.stringify(plain(recovered)) === JSON.stringify(plain(history[puts]));
    if (!isSame || cut) assert.equal(damage.length, 1, `${what}: told`);
    if (at < 16 && !cut) assert.equal(damage.length, 1, `${what}: a header that is not its own is told`);
    if (damage.length > 0) {
      assert.match(damage[0], /damaged \(\d+ bytes at \d+/);
      assert.deepEqual(disk.content(`${path}.damaged`), bad, `${what}: kept aside`);
    }
    damage.length = 0;
    assert.deepEqual(plain((await open(disk)).recovered), plain(recovered), `${what}: the same again`);
    assert.deepEqual(damage, [], `${what}: told once`);
  }
});

function plainState(state: Uint8Array | null | undefined): string {
  return state === null || state === undefined ? "" : Buffer.from(state).toString("hex");
}
