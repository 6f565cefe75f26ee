import assert from "node:assert/strict";
import { test } from "node:test";
import { FaultyDisk } from "../../../../../test/support/faulty-disk.ts";
import { TimerQueue } from "../../base/timer-queue.ts";
import { SeededRandom } from "../../io/seeded-random.ts";
import { VirtualClock } from "../../io/virtual-clock.ts";
import { StoredMessage } from "../stored-message.ts";
import { BlockCache } from "./block-cache.ts";
import { KeyError, type StoreKeys } from "./cipher.ts";
import { type FileStreamStore, openFileStore } from "./file-store.ts";
import { dumpStore, verifyStore } from "./verify.ts";

const FOLDER = "/store/s";

/** A disk, a clock, and stores on them. */
class Bench {
  readonly disk = new FaultyDisk(1);
  readonly clock = new VirtualClock(setImmediate);
  readonly reports: string[] = [];

  open(
    keys: StoreKeys | null = null,
    intervalMs = 0,
    disk: FaultyDisk = this.disk,
  ): Promise<FileStreamStore> {
    return openFileStore(disk, FOLDER, {
      sync: { intervalMs },
      keys,
      cache: new BlockCache(64 * 1024),
      clock: this.clock,
      timers: new TimerQueue(this.clock),
      random: new SeededRandom(3),
      report: (damage) => this.reports.push(damage),
      firstSeq: 0,
      bounds: { blockBytesMin: 2000, garbageBytesMin: 2000, checkpointLagMin: 4000 },
    });
  }

  async append(store: FileStreamStore, text: string, subject = "s"): Promise<void> {
    store.append(subject, Buffer.from(text), 0, 0, text.length, 1000, 0, 0);
    store.commit();
    await this.clock.settled();
  }
}

function textAt(store: FileStreamStore, seq: number): string {
  const into = new StoredMessage();
  assert.equal(store.load(seq, into), "loaded");
  return into.buf.toString("latin1", into.payloadStart, into.payloadEnd);
}

test("a full disk acknowledges nothing, loses nothing, and goes on when there is room", async () => {
  const bench = new Bench();
  const store = await bench.open();
  await bench.append(store, "first");
  bench.disk.fill(40);
  const seen: (string | null)[] = [];
  store.onDurable = () => seen.push(store.failure?.kind ?? null);
  await bench.append(store, "second, which has no room on the disk");
  assert.equal(store.failure?.kind, "full");
  assert.equal(store.durableSeq, 1);
  assert.equal(textAt(store, 2), "second, which has no room on the disk");
  await bench.clock.advance(5_000);
  assert.equal(store.durableSeq, 1, "there is still no room");
  bench.disk.fill(1_000_000);
  await bench.clock.advance(2_000);
  assert.equal(store.failure, null);
  assert.equal(store.durableSeq, 2);
  assert.equal(seen.at(-1), null);
  await bench.append(store, "third");
  assert.equal(store.durableSeq, 3);
  const after = await bench.open(null, 0, bench.disk.crash());
  assert.equal(textAt(after, 2), "second, which has no room on the disk");
  assert.equal(textAt(after, 3), "third");
  assert.deepEqual(bench.reports, []);
});

/** Appends messages that fill several blocks and erases one; says which steps of the disk opened a file meanwhile. */
async function fillBlocks(bench: Bench, store: FileStreamStore): Promise<number[]> {
  const from = bench.disk.steps.length;
  for (let i = 1; i <= 12; i++) await bench.append(store, `message ${i} `.repeat(50));
  store.remove(1, true);
  store.commit();
  await bench.clock.settled();
  // A file that is opened is made, or its folder synced.
  const opens = (step: string): boolean => step.startsWith("create ") || step === `sync ${FOLDER}`;
  return bench.disk.steps.flatMap((step, index) => (index >= from && opens(step) ? [index] : []));
}

for (const intervalMs of [0, 1000]) {
  test(`where no file can be opened it is tried again (sync interval ${intervalMs})`, async () => {
    const dry = new Bench();
    const opening = await fillBlocks(dry, await dry.open(null, intervalMs));
    assert.ok(opening.length > 4, `${opening.length} files are opened`);
    let seen = 0;
    for (const step of opening) {
      const bench = new Bench();
      const store = await bench.open(null, intervalMs);
      bench.disk.failAt(step, "busy");
      const failures = new Set<string>();
      store.onDurable = () => {
        if (store.failure === null) return;
        failures.add(store.failure.kind);
        assert.match(store.failure.reason, /made to fail/);
        assert.ok(store.durablePosition < store.position, `step ${step}`);
      };
      await fillBlocks(bench, store);
      await bench.clock.advance(2_000);
      // What tidies up opens files too, and tries again by itself.
      if (failures.size > 0) seen++;
      assert.ok(!failures.has("failed") && !failures.has("full"), `step ${step}`);
      assert.equal(store.failure, null, `step ${step}`);
      assert.equal(store.durablePosition, store.position, `step ${step}`);
      await store.close();
      const after = await bench.open(null, 0, bench.disk.crash());
      assert.deepEqual([after.state.messages, after.state.lastSeq], [11, 12], `step ${step}`);
      for (let i = 2; i <= 12; i++) assert.equal(textAt(after, i), `message ${i} `.repeat(50));
      assert.ok(!bench.disk.paths.some((path) => bench.disk.content(path).includes("message 1 ")));
      assert.deepEqual(bench.reports, []);
    }
    assert.ok(seen > 2, `${seen} of ${opening.length} were told`);
  });
}

test("a store on a full disk can be closed, and what was acknowledged is there afterwards", async () => {
  const bench = new Bench();
  const store = await bench.open();
  await bench.append(store, "first");
  bench.disk.fill(0);
  await bench.append(store, "second");
  await store.close();
  bench.disk.fill(1_000_000);
  const again = await bench.open();
  assert.equal(textAt(again, 1), "first");
  assert.equal(again.state.lastSeq, 1);
  assert.deepEqual(bench.reports, []);
});

for (const intervalMs of [0, 1000]) {
  test(`a write or sync that fails stops everything for good (sync interval ${intervalMs})`, async () => {
    for (let step = 0; step < 12; step++) {
      const bench = new Bench();
      const store = await bench.open(null, intervalMs);
      await bench.append(store, "first");
      bench.disk.failAt(bench.disk.steps.length + step, "failed");
      for (let i = 0; i < 12 && store.failure === null; i++) {
        await bench.append(store, "x".repeat(300));
        await bench.clock.advance(1000);
      }
      assert.equal(store.failure?.kind, "failed", `step ${step}`);
      const { durableSeq, durablePosition } = store;
      assert.ok(durableSeq < store.state.lastSeq || intervalMs > 0);
      const steps = bench.disk.steps.length;
      await bench.append(store, "later");
      await bench.clock.advance(10_000);
      assert.equal(store.durablePosition, durablePosition, "nothing becomes durable any more");
      assert.equal(bench.disk.steps.length, steps, "nothing is tried again");
      await store.close();
      const after = await bench.open(null, 0, bench.disk.crash());
      if (intervalMs === 0) assert.ok(after.state.lastSeq >= durableSeq);
      await after.close();
    }
  });
}

test("what is encrypted is read with its key or with the key before, and with no other", async () => {
  for (const cipher of ["aes", "chacha"] as const) {
    const bench = new Bench();
    const key = Buffer.from("the first key");
    const store = await bench.open({ cipher, key, previousKey: null });
    for (let i = 1; i <= 30; i++) await bench.append(store, `secret message ${i}`, "secret.subject");
    await store.close();
    for (const path of bench.disk.paths) {
      assert.ok(!bench.disk.content(path).includes("secret"), `${path} has nothing in plain text`);
    }
    const files = bench.disk.paths.map((path) => bench.disk.content(path).toString("hex"));
    for (const keys of [null, { cipher, key: Buffer.from("another"), previousKey: null }]) {
      await assert.rejects(bench.open(keys), KeyError);
      assert.deepEqual(
        bench.disk.paths.map((path) => bench.disk.content(path).toString("hex")),
        files,
        "nothing is touched",
      );
    }
    const next = await bench.open({ cipher, key: Buffer.from("the second key"), previousKey: key });
    assert.equal(textAt(next, 30), "secret message 30");
    await bench.append(next, "with the second key");
    await next.close();
    const last = await bench.open({ cipher, key: Buffer.from("the second key"), previousKey: key });
    for (let i = 1; i <= 30; i++) assert.equal(textAt(last, i), `secret message ${i}`);
    assert.equal(textAt(last, 31), "with the second key");
    assert.deepEqual(bench.reports, []);
  }
});

test("an erased message is on the disk no more", async () => {
  const bench = new Bench();
  const store = await bench.open();
  for (let i = 1; i <= 40; i++) await bench.append(store, `payload-${i}-`.repeat(10), `subject-${i}-`);
  // Subjects stand in the checkpoint until the next one.
  const blocks = (): string[] => bench.disk.paths.filter((path) => path.endsWith(".log"));
  const contents = (): string =>
    blocks()
      .map((path) => bench.disk.content(path).toString("latin1"))
      .join();
  for (const seq of [1, 17, 40]) {
    assert.ok(contents().includes(`payload-${seq}-`));
    assert.ok(store.remove(seq, true));
    store.commit();
    await bench.clock.settled();
    assert.ok(!contents().includes(`payload-${seq}-`), `${seq}`);
    assert.ok(!contents().includes(`subject-${seq}-`), `${seq}`);
  }
  const after = await bench.open(null, 0, bench.disk.crash());
  assert.equal(after.state.messages, 37);
  assert.deepEqual(bench.reports, []);
});

test("space that nothing live takes up is given back", async () => {
  const bench = new Bench();
  const store = await bench.open();
  for (let i = 1; i <= 200; i++) await bench.append(store, "x".repeat(100));
  const full = store.usedBytes();
  const onDisk = (): number =>
    bench.disk.paths.reduce((sum, path) => sum + bench.disk.content(path).length, 0);
  assert.ok(Math.abs(onDisk() - full) < full / 10, `${full} used, ${onDisk()} on the disk`);
  for (let seq = 1; seq <= 200; seq++) if (seq % 20 !== 0) store.remove(seq, false);
  store.commit();
  await bench.clock.settled();
  await bench.append(store, "y");
  await bench.clock.settled();
  assert.ok(store.usedBytes() < full / 3, `${store.usedBytes()} of ${full} are used`);
  assert.ok(onDisk() < full / 3, `${onDisk()} of ${full} are on the disk`);
  for (let seq = 20; seq <= 200; seq += 20) assert.equal(textAt(store, seq), "x".repeat(100));
  store.removeBefore(store.state.lastSeq + 1);
  store.commit();
  await bench.clock.settled();
  assert.ok(onDisk() < 6000, `${onDisk()} are on the disk of an empty store`);
  store.checkInvariants();
  await store.destroy();
  assert.deepEqual(bench.disk.paths, []);
});

test("more is added while a write is under way, beyond the end of a piece of the log", async () => {
  const bench = new Bench();
  const clock = new VirtualClock(setImmediate);
  const open = bench.disk.openToWrite.bind(bench.disk);
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  // A disk that takes its time.
  bench.disk.openToWrite = async (path) => {
    const file = await open(path);
    const write = file.writeDurably.bind(file);
    file.writeDurably = async (position, chunks) => {
      await turn();
      await write(position, chunks);
      await turn();
    };
    return file;
  };
  const store = await openFileStore(bench.disk, FOLDER, {
    sync: { intervalMs: 0 },
    keys: null,
    cache: new BlockCache(1024 * 1024),
    clock,
    timers: new TimerQueue(clock),
    random: new SeededRandom(3),
    report: (damage) => bench.reports.push(damage),
    firstSeq: 0,
  });
  const payload = Buffer.alloc(3000, "p");
  let seen = 0;
  for (let i = 0; i < 900; i++) {
    payload.writeUInt32LE(i);
    store.append("s", payload, 0, 0, payload.length, 1000, 0, 0);
    store.commit();
    if (i % 7 === 0) await turn();
    assert.ok(store.durableSeq >= seen && store.durableSeq <= i + 1);
    seen = store.durableSeq;
  }
  assert.ok(seen > 0 && seen < 900, `writes go on beside appends: ${seen}`);
  const into = new StoredMessage();
  for (let seq = 1; seq <= 900; seq++) {
    assert.equal(store.load(seq, into), "loaded");
    assert.equal(into.buf.readUInt32LE(into.payloadStart), seq - 1);
  }
  await store.close();
  const again = await bench.open(null, 0, bench.disk.crash());
  assert.equal(again.state.messages, 900);
  again.checkInvariants();
  assert.deepEqual(bench.reports, []);
});

test("what is complete is compressed, read as before, and erased as before", async () => {
  for (const keys of [null, { cipher: "aes", key: Buffer.from("key"), previousKey: null } as const]) {
    const bench = new Bench();
    const store = await bench.open(keys);
    store.compresses = true;
    const textOf = (seq: number): string => `{"number":${seq},"text":"the same for all of them"}`.repeat(5);
    for (let seq = 1; seq <= 100; seq++) await bench.append(store, textOf(seq));
    await bench.clock.settled();
    const { bytes } = store.state;
    assert.ok(store.usedBytes() < bytes / 2, `${store.usedBytes()} of ${bytes}`);
    for (let seq = 1; seq <= 100; seq++) assert.equal(textAt(store, seq), textOf(seq));
    assert.ok(store.remove(40, true));
    store.commit();
    await bench.clock.settled();
    const messages = new Set<number>();
    await dumpStore(bench.disk, FOLDER, ({ kind, seq = 0 }) => kind === "message" && messages.add(seq));
    if (keys === null) assert.ok(messages.has(39) && !messages.has(40) && messages.has(41));
    store.checkInvariants();
    await store.close();
    const again = await bench.open(keys);
    for (const seq of [1, 39, 41, 100]) assert.equal(textAt(again, seq), textOf(seq));
    assert.equal(again.state.messages, 99);
    again.checkInvariants();
    assert.deepEqual(bench.reports, []);
    const verdict = await verifyStore(bench.disk, FOLDER);
    assert.deepEqual(verdict.problems, []);
    const compressed = bench.disk.paths.find((path) => /-\d+\.\d+\.log$/.test(path)) ?? "";
    bench.disk.damage(compressed, (content) => {
      content[content.length - 3] ^= 1;
      return content;
    });
    assert.match((await verifyStore(bench.disk, FOLDER)).problems.join(), /compressed piece 0 can't be read/);
  }
});
