import assert from "node:assert/strict";
import { test } from "node:test";
import { FaultyDisk } from "../../../../../test/support/faulty-disk.ts";
import { TimerQueue } from "../../base/timer-queue.ts";
import { SeededRandom } from "../../io/seeded-random.ts";
import { VirtualClock } from "../../io/virtual-clock.ts";
import { StoredMessage } from "../stored-message.ts";
import { BlockCache } from "./block-cache.ts";
import { CHUNK_BYTES } from "./format.ts";
import { openFileStore } from "./file-store.ts";

const MESSAGES = 6_000;
const DAMAGED = 1_500;

test("what left the memory is checked when it comes back, and is what was written", async () => {
  const disk = new FaultyDisk(1);
  const clock = new VirtualClock(setImmediate);
  const reports: string[] = [];
  const store = await openFileStore(disk, "/s", {
    sync: { intervalMs: 0 },
    keys: null,
    // A third of what is stored.
    cache: new BlockCache(2 * CHUNK_BYTES),
    clock,
    timers: new TimerQueue(clock),
    random: new SeededRandom(3),
    report: (damage) => reports.push(damage),
    firstSeq: 0,
    // All in one block.
    bounds: { blockBytesMin: 2 ** 23, garbageBytesMin: 2 ** 23, checkpointLagMin: 2 ** 23 },
  });
  const textOf = (seq: number): string => `${seq} `.repeat(200).slice(0, 200);
  for (let seq = 1; seq <= MESSAGES; seq++)
    store.append("s", Buffer.from(textOf(seq)), 0, 0, 200, 1000, 0, 0);
  store.commit();
  await clock.settled();
  assert.equal(store.durableSeq, MESSAGES);

  const into = new StoredMessage();
  const readAll = async (): Promise<number[]> => {
    const missing: number[] = [];
    for (let seq = 1; seq <= MESSAGES; seq++) {
      // What is read ahead comes between turns.
      if (seq % 500 === 0) await clock.settled();
      if (store.load(seq, into) !== "loaded") missing.push(seq);
      else assert.equal(into.buf.latin1Slice(into.payloadStart, into.payloadEnd), textOf(seq));
    }
    return missing;
  };
  // Twice: the second time pieces are known as they came back.
  assert.deepEqual(await readAll(), []);
  assert.deepEqual(await readAll(), []);
  disk.damage("/s/1.log", (content) => {
    content[content.indexOf(textOf(DAMAGED)) + 100] ^= 4;
    return content;
  });
  assert.deepEqual(await readAll(), [DAMAGED]);
  assert.match(reports.join(), new RegExp(`message ${DAMAGED} is lost`));
  await store.close();
});
