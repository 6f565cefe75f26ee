import assert from "node:assert/strict";
import { streamStoreContract, type StoreUnderTest } from "../../../../../test/contract/stream-store.ts";
import { TimerQueue } from "../../base/timer-queue.ts";
import { MemoryDisk } from "../../io/memory-disk.ts";
import { SeededRandom } from "../../io/seeded-random.ts";
import { VirtualClock } from "../../io/virtual-clock.ts";
import { BlockCache } from "./block-cache.ts";
import { FileStreamStore, openFileStore, type FileStoreOptions } from "./file-store.ts";

const FOLDER = "/store/s";

function optionsOf(firstSeq: number, more: Partial<FileStoreOptions> = {}): FileStoreOptions {
  const clock = new VirtualClock(setImmediate);
  return {
    sync: { intervalMs: 0 },
    keys: null,
    cache: new BlockCache(1024 * 1024),
    clock,
    timers: new TimerQueue(clock),
    random: new SeededRandom(7),
    report: (damage) => assert.fail(damage),
    firstSeq,
    ...more,
  };
}

async function open(firstSeq: number, more: Partial<FileStoreOptions> = {}): Promise<StoreUnderTest> {
  const disk = new MemoryDisk();
  const options = optionsOf(firstSeq, more);
  let store = await openFileStore(disk, FOLDER, options);
  return {
    store,
    reopen: async () => {
      await store.close();
      store = await openFileStore(disk, FOLDER, options);
      return store;
    },
    bytesOf: (subject, headers, payload) => 30 + (headers > 0 ? 4 : 0) + subject + headers + payload,
    checkInvariants: (checked) => {
      assert.ok(checked instanceof FileStreamStore);
      checked.checkInvariants();
    },
    [Symbol.asyncDispose]: () => store.close(),
  };
}

const SMALL = { blockBytesMin: 512, garbageBytesMin: 256, checkpointLagMin: 2048 };

streamStoreContract("file store", open);
streamStoreContract("file store in small blocks", (firstSeq) => open(firstSeq, { bounds: SMALL }));
streamStoreContract("compressed and encrypted file store", (firstSeq) =>
  open(firstSeq, {
    bounds: SMALL,
    compresses: true,
    keys: { cipher: "chacha", key: Buffer.from("a key"), previousKey: null },
  }),
);
