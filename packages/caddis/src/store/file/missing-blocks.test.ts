import assert from "node:assert/strict";
import { test } from "node:test";
import { FaultyDisk } from "../../../../../test/support/faulty-disk.ts";
import { TimerQueue } from "../../base/timer-queue.ts";
import { SeededRandom } from "../../io/seeded-random.ts";
import { VirtualClock } from "../../io/virtual-clock.ts";
import { BlockCache } from "./block-cache.ts";
import { CHECKPOINT_NAME } from "./checkpoint.ts";
import { type FileStreamStore, openFileStore } from "./file-store.ts";

const FOLDER = "/store/s";
const COUNT = 30;
const TEXT = Buffer.from("twenty bytes of text");
const clock = new VirtualClock(setImmediate);

function openOn(disk: FaultyDisk, reports: string[] = []): Promise<FileStreamStore> {
  return openFileStore(disk, FOLDER, {
    sync: { intervalMs: 0 },
    keys: null,
    cache: new BlockCache(64 * 1024),
    clock,
    timers: new TimerQueue(clock),
    random: new SeededRandom(3),
    report: (damage) => reports.push(damage),
    firstSeq: 0,
    compresses: false,
    bounds: { blockBytesMin: 500, garbageBytesMin: 100_000, checkpointLagMin: 100_000 },
  });
}

async function append(store: FileStreamStore, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    store.append("s", TEXT, 0, 0, TEXT.length, 1000, 0, 0);
    store.commit();
    await clock.settled();
  }
}

/** What is left of a closed store of thirty messages in blocks of four, without those that `removed` names. */
async function closed(removed: readonly number[] = []): Promise<FaultyDisk> {
  const disk = new FaultyDisk(1);
  const store = await openOn(disk);
  await append(store, COUNT);
  for (const seq of removed) store.remove(seq, false);
  store.commit();
  await clock.settled();
  await store.close();
  return disk.crash();
}

function figuresOf(store: FileStreamStore): string {
  const { messages, firstSeq, lastSeq, lostCount } = store.state;
  return `${messages} messages, ${firstSeq} to ${lastSeq}, ${lostCount} lost: ${[...store.lost()].join()}`;
}

/** Whether the checkpoint is there to tell what was in the blocks. */
type With = "with" | "without";

const CASES: readonly [what: string, With, blocks: readonly number[], removed: readonly number[], string][] =
  [
    ["the first one", "with", [1], [], "26 messages, 5 to 30, 4 lost: 1,2,3,4"],
    ["the first one", "without", [1], [], "26 messages, 5 to 30, 4 lost: 1,2,3,4"],
    ["the first one, part of which was removed", "with", [1], [2, 3, 4], "26 messages, 5 to 30, 1 lost: 1"],
    ["one in the middle", "with", [2], [], "26 messages, 1 to 30, 4 lost: 5,6,7,8"],
    ["one in the middle", "without", [2], [], "26 messages, 1 to 30, 4 lost: 5,6,7,8"],
    ["two in the middle, part was removed", "with", [2, 3], [7, 12], "22 messages, 1 to 30, 6 lost: "],
    ["one of which all was removed", "with", [2], [5, 6, 7, 8], "26 messages, 1 to 30, 0 lost: "],
    ["the last one", "with", [8], [], "28 messages, 1 to 30, 2 lost: 29,30"],
    ["all", "with", [1, 2, 3, 4, 5, 6, 7, 8], [2, 20], "0 messages, 31 to 30, 28 lost: "],
  ];

for (const [what, with_, blocks, removed, expected] of CASES) {
  test(`what a missing block held counts as lost, once: ${what}, ${with_} a checkpoint`, async () => {
    const disk = await closed(removed);
    for (const number of blocks) await disk.remove(`${FOLDER}/${number}.log`);
    if (with_ === "without") await disk.remove(`${FOLDER}/${CHECKPOINT_NAME}`);
    const reports: string[] = [];
    const store = await openOn(disk, reports);
    store.checkInvariants();
    assert.equal(figuresOf(store), expected);
    assert.ok(reports.length > 0, "it is told");
    await store.close();
    const again = await openOn(disk);
    assert.equal(figuresOf(again), expected, "the next start");
    await again.close();
  });
}

test("one more block that goes missing costs what that one held", async () => {
  const disk = await closed();
  await disk.remove(`${FOLDER}/2.log`);
  await (await openOn(disk)).close();
  await disk.remove(`${FOLDER}/3.log`);
  const store = await openOn(disk);
  assert.equal(figuresOf(store), "22 messages, 1 to 30, 8 lost: 5,6,7,8,9,10,11,12");
  await store.close();
});

test("what a block got after the checkpoint counts as well", async () => {
  const disk = await closed([29]);
  const store = await openOn(disk);
  await append(store, 10);
  const left = disk.crash();
  await left.remove(`${FOLDER}/8.log`);
  const again = await openOn(left);
  assert.equal(figuresOf(again), "36 messages, 1 to 40, 3 lost: 30,31,32");
  await again.close();
});

test("what was lost before the first message is forgotten once messages are removed there", async () => {
  const disk = await closed();
  await disk.remove(`${FOLDER}/1.log`);
  const store = await openOn(disk);
  store.remove(9, false);
  assert.equal(store.state.lostCount, 4);
  store.remove(5, false);
  assert.equal(figuresOf(store), "24 messages, 6 to 30, 0 lost: ");
  await store.close();
});
