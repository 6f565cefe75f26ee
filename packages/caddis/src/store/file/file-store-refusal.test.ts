import assert from "node:assert/strict";
import { test } from "node:test";
import { TimerQueue } from "../../base/timer-queue.ts";
import { DiskError } from "../../io/disk.ts";
import { MemoryDisk } from "../../io/memory-disk.ts";
import { SeededRandom } from "../../io/seeded-random.ts";
import { VirtualClock } from "../../io/virtual-clock.ts";
import { StoredMessage } from "../stored-message.ts";
import { BlockCache } from "./block-cache.ts";
import { type FileStreamStore, openFileStore } from "./file-store.ts";

const FOLDER = "/store/s";
const MESSAGES = 200;

/** A disk that can be told to give nothing, as when the process has no descriptor left. */
class RefusingDisk extends MemoryDisk {
  refuses = false;

  override read(path: string, position: number, target: Buffer, start: number, length: number): number {
    if (this.refuses) throw new DiskError("failed", `open ${path}: too many open files`);
    return super.read(path, position, target, start, length);
  }
}

function open(disk: MemoryDisk): Promise<FileStreamStore> {
  const clock = new VirtualClock(setImmediate);
  return openFileStore(disk, FOLDER, {
    sync: { intervalMs: 0 },
    keys: null,
    cache: new BlockCache(1024),
    clock,
    timers: new TimerQueue(clock),
    random: new SeededRandom(7),
    report: () => {},
    firstSeq: 0,
    bounds: { blockBytesMin: 512, garbageBytesMin: 256, checkpointLagMin: 2048 },
  });
}

function append(store: FileStreamStore, text: string): void {
  const payload = Buffer.from(text);
  store.append("s", payload, 0, 0, payload.length, 1, 0, 0);
}

test("what the disk does not give is not taken for lost, and nothing is written any more", async () => {
  const disk = new RefusingDisk();
  const first = await open(disk);
  for (let i = 0; i < MESSAGES; i++) append(first, `message ${i}`);
  await first.close();

  const store = await open(disk);
  disk.refuses = true;
  const stored = new StoredMessage();
  assert.equal(store.load(3, stored), "damaged");
  assert.equal(store.failure?.kind, "failed");
  assert.match(store.failure?.reason ?? "", /too many open files/);
  assert.deepEqual([store.state.messages, store.state.lostCount], [MESSAGES, 0]);
  disk.refuses = false;
  await store.close();

  const again = await open(disk);
  assert.deepEqual([again.state.messages, again.state.lostCount, again.failure], [MESSAGES, 0, null]);
  assert.equal(again.load(3, stored), "loaded");
  assert.equal(stored.buf.toString("latin1", stored.payloadStart, stored.payloadEnd), "message 2");
  await again.close();
});
