import assert from "node:assert/strict";
import { test } from "node:test";
import { FaultyDisk } from "../../../../../test/support/faulty-disk.ts";
import { TimerQueue } from "../../base/timer-queue.ts";
import type { Disk } from "../../io/disk.ts";
import { SeededRandom } from "../../io/seeded-random.ts";
import { VirtualClock } from "../../io/virtual-clock.ts";
import { BlockCache } from "./block-cache.ts";
import { type FileStreamStore, openFileStore } from "./file-store.ts";

const FOLDER = "/store/s";

function openOn(disk: Disk, clock: VirtualClock): Promise<FileStreamStore> {
  return openFileStore(disk, FOLDER, {
    sync: { intervalMs: 0 },
    keys: null,
    cache: new BlockCache(64 * 1024),
    clock,
    timers: new TimerQueue(clock),
    random: new SeededRandom(3),
    report: (damage) => assert.fail(damage),
    firstSeq: 0,
    bounds: { blockBytesMin: 500, garbageBytesMin: 100_000, checkpointLagMin: 100_000 },
  });
}

function append(store: FileStreamStore, count: number): void {
  const text = Buffer.from("twenty bytes of text");
  for (let i = 0; i < count; i++) {
    const { lastSeq } = store.state;
    store.append(`s.${lastSeq % 5}`, text, 0, 0, text.length, 1000 + lastSeq, 7, 0);
  }
}

async function settle(store: FileStreamStore, clock: VirtualClock): Promise<void> {
  store.commit();
  await clock.settled();
}

/** A disk that tells which files were read and which folders were listed. */
function watched(disk: FaultyDisk, seen: string[]): Disk {
  return {
    makeFolder: (path) => disk.makeFolder(path),
    list: (path) => (seen.push(path), disk.list(path)),
    size: (path) => disk.size(path),
    read: (path, ...rest) => (seen.push(path), disk.read(path, ...rest)),
    readLater: (path, ...rest) => (seen.push(path), disk.readLater(path, ...rest)),
    openToWrite: (path) => disk.openToWrite(path),
    replace: (path, data) => disk.replace(path, data),
    rename: (from, to) => disk.rename(from, to),
    remove: (path) => disk.remove(path),
    removeFolder: (path) => disk.removeFolder(path),
    space: () => disk.space(),
  };
}

test("a store that was closed in good order comes back from its checkpoint alone, and nothing is written where nothing happened", async () => {
  const clock = new VirtualClock(setImmediate);
  const disk = new FaultyDisk(1);
  const store = await openOn(disk, clock);
  append(store, 60);
  await settle(store, clock);
  const { messages, bytes, firstTime, lastTime, subjectCount } = store.state;
  const expected = { messages, bytes, firstTime, lastTime, subjectCount };
  await store.close();
  const seen: string[] = [];
  const steps = disk.steps.length;
  const again = await openOn(watched(disk, seen), clock);
  const state = again.state;
  assert.deepEqual(
    {
      messages: state.messages,
      bytes: state.bytes,
      firstTime: state.firstTime,
      lastTime: state.lastTime,
      subjectCount: state.subjectCount,
    },
    expected,
  );
  await again.close();
  assert.deepEqual(seen, [`${FOLDER}/index.db`]);
  assert.deepEqual(disk.steps.slice(steps), []);
  // What comes then is put behind, and looked for at the next start, whether the end was a good one or not.
  const third = await openOn(disk, clock);
  assert.equal(third.lastSeqOf("s.4"), 60);
  third.checkInvariants();
  append(third, 60);
  await settle(third, clock);
  const after = await openOn(disk.crash(), clock);
  assert.equal(after.state.messages, 120);
  after.checkInvariants();
  await third.close();
});

test("a block that is begun behind a checkpoint is found, and so is one that has grown", async () => {
  for (const count of [1, 30]) {
    const clock = new VirtualClock(setImmediate);
    const disk = new FaultyDisk(1);
    const store = await openOn(disk, clock);
    append(store, count);
    await settle(store, clock);
    await store.close();
    const again = await openOn(disk, clock);
    append(again, 1);
    await settle(again, clock);
    const crashed = disk.crash();
    const after = await openOn(crashed, clock);
    assert.equal(after.state.lastSeq, count + 1);
    after.checkInvariants();
    await again.close();
    await after.close();
    // It was closed in good order now.
    const seen: string[] = [];
    const last = await openOn(watched(crashed, seen), clock);
    assert.equal(last.state.lastSeq, count + 1);
    assert.deepEqual(seen, [`${FOLDER}/index.db`]);
    await last.close();
  }
});

test("a sequence that was skipped where a batch was cut off is not given out again", async () => {
  const clock = new VirtualClock(setImmediate);
  const disk = new FaultyDisk(1);
  const store = await openOn(disk, clock);
  append(store, 3);
  // Two of three get to the disk.
  store.together(3);
  append(store, 2);
  await settle(store, clock);
  const cut = disk.crash();
  const again = await openOn(cut, clock);
  assert.equal(again.state.lastSeq, 3);
  again.skipTo(6);
  await settle(again, clock);
  assert.equal(again.durableSeq, 5);
  const after = await openOn(cut.crash(), clock);
  assert.equal(after.state.lastSeq, 5);
  assert.equal(after.state.messages, 3);
  append(after, 1);
  assert.equal(after.state.lastSeq, 6);
  for (const each of [store, again, after]) await each.close();
});
