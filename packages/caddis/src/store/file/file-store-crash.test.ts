import assert from "node:assert/strict";
import { test } from "node:test";
import { FaultyDisk } from "../../../../../test/support/faulty-disk.ts";
import { openOn, STORE_USES, storeLives } from "../../../../../test/support/store-lives.ts";
import { SeededRandom } from "../../io/seeded-random.ts";
import { VirtualClock } from "../../io/virtual-clock.ts";
import { StoredMessage } from "../stored-message.ts";
import type { FileStreamStore } from "./file-store.ts";

for (const use of STORE_USES) {
  test(`what was durable is there after a crash of ${use.name}, and nothing else is`, async () => {
    const first = Number(process.env["SEED"] ?? 1);
    const count = process.env["SEED"] === undefined ? Number(process.env["SEEDS"] ?? 25) : 1;
    for (let seed = first; seed < first + count; seed++) {
      try {
        await storeLives(seed, use);
      } catch (error) {
        throw new Error(`failed with SEED=${seed}`, { cause: error });
      }
    }
  });
}

const clock = new VirtualClock(setImmediate);
const open = (disk: FaultyDisk): Promise<FileStreamStore> =>
  openOn(disk, new SeededRandom(1), clock, null, 0);

/** Appends a message and lets it become durable, as far as the disk lets it. */
async function append(store: FileStreamStore, text: string): Promise<void> {
  store.append("a", Buffer.from(text), 0, 0, text.length, 1000, 0, 0);
  store.commit();
  await clock.settled();
}

test("nothing is put behind a header that was cut off, however often the store is closed in good order", async () => {
  for (let seed = 1; seed <= 40; seed++) {
    const disk = new FaultyDisk(seed);
    const store = await open(disk);
    const step = disk.steps.length;
    disk.killAt(step + 2);
    await append(store, "never acknowledged");
    assert.match(disk.steps[step + 2], /^write /);
    await store.close();
    const after = disk.restart();
    await (await open(after)).close();
    const third = await open(after);
    await append(third, "kept");
    await third.close();
    const last = await open(after.crash());
    assert.equal(last.load(last.state.lastSeq, new StoredMessage()), "loaded", `seed ${seed}`);
    await last.close();
  }
});

test("what a process left unsynced is synced before it counts", async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const disk = new FaultyDisk(seed);
    const store = await open(disk);
    await append(store, "first");
    // The sync of the second one never comes to pass.
    disk.killAt(disk.steps.length + 1);
    await append(store, "second");
    await store.close();
    const after = disk.restart();
    const again = await open(after);
    assert.equal(again.state.lastSeq, 2);
    await append(again, "third");
    await again.close();
    const last = await open(after.crash());
    assert.deepEqual([last.state.messages, last.state.lostCount], [3, 0], `seed ${seed}`);
    await last.close();
  }
});
