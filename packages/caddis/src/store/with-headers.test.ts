import assert from "node:assert/strict";
import { test } from "node:test";
import { TimerQueue } from "../base/timer-queue.ts";
import { MemoryDisk } from "../io/memory-disk.ts";
import { SeededRandom } from "../io/seeded-random.ts";
import { VirtualClock } from "../io/virtual-clock.ts";
import { BlockCache } from "./file/block-cache.ts";
import { openFileStore } from "./file/file-store.ts";
import { MemoryStreamStore } from "./memory/memory-store.ts";
import type { StreamStore } from "./stream-store.ts";

function openFile(disk: MemoryDisk, clock = new VirtualClock(setImmediate)): Promise<StreamStore> {
  return openFileStore(disk, "/s", {
    sync: { intervalMs: 0 },
    keys: null,
    cache: new BlockCache(64 * 1024),
    clock,
    timers: new TimerQueue(clock),
    random: new SeededRandom(7),
    report: (damage) => assert.fail(damage),
    firstSeq: 0,
    bounds: { blockBytesMin: 1000, garbageBytesMin: 1500, checkpointLagMin: 100_000 },
  });
}

/** Message `seq` has the time `seq`; each third has headers. */
function fill(store: StreamStore): void {
  const content = Buffer.from("NATS/1.0\r\n\r\npayload");
  for (let seq = 1; seq <= 100; seq++) {
    store.append("s", content, seq % 3 === 0 ? 0 : 12, 12, content.length, seq, 0, 0);
  }
  store.remove(48, false);
}

/** `removed`: sequences below it but for the tens. */
function check(store: StreamStore, removed = 0): void {
  const all = Array.from({ length: 33 }, (_, i) => 3 * (i + 1));
  const there = all.filter((seq) => seq !== 48 && (seq >= removed || seq % 10 === 0));
  for (const ms of [0, 30, 47, 48, 49, 91, 98, 99, 100, 1000]) {
    const since = [...store.withHeaders({ ms, ns: 0 })];
    assert.deepEqual(
      since,
      there.filter((seq) => seq >= ms),
    );
    const after = [...store.withHeaders({ ms, ns: 1 })];
    assert.deepEqual(
      after,
      there.filter((seq) => seq > ms),
    );
  }
}

test("memory store: messages with headers are found by their time", () => {
  const store = new MemoryStreamStore({ firstSeq: 0, hashBasis: 1 });
  assert.deepEqual([...store.withHeaders({ ms: 0, ns: 0 })], []);
  fill(store);
  check(store);
});

test("file store: messages with headers are found by their time, also after a start with or without a checkpoint", async () => {
  const disk = new MemoryDisk();
  const store = await openFile(disk);
  assert.deepEqual([...store.withHeaders({ ms: 0, ns: 0 })], []);
  fill(store);
  check(store);
  await store.close();
  const known = await openFile(disk);
  check(known);
  await known.close();
  await disk.remove("/s/index.db");
  const read = await openFile(disk);
  check(read);
  await read.close();
});

test("file store: also in a block that was copied", async () => {
  const clock = new VirtualClock(setImmediate);
  const disk = new MemoryDisk();
  const store = await openFile(disk, clock);
  fill(store);
  for (let seq = 1; seq < 80; seq++) if (seq % 10 !== 0) store.remove(seq, false);
  store.commit();
  await clock.settled();
  const names = (await disk.list("/s")).map(({ name }) => name);
  assert.ok(
    names.some((name) => name.endsWith(".1.log")),
    `copied: ${names.join(" ")}`,
  );
  check(store, 80);
  await store.close();
});
