import assert from "node:assert/strict";
import { TimerQueue } from "../../packages/caddis/src/base/timer-queue.ts";
import type { Disk } from "../../packages/caddis/src/io/disk.ts";
import { SeededRandom } from "../../packages/caddis/src/io/seeded-random.ts";
import { VirtualClock } from "../../packages/caddis/src/io/virtual-clock.ts";
import { BlockCache } from "../../packages/caddis/src/store/file/block-cache.ts";
import type { StoreKeys } from "../../packages/caddis/src/store/file/cipher.ts";
import { type FileStreamStore, openFileStore } from "../../packages/caddis/src/store/file/file-store.ts";
import { StoredMessage } from "../../packages/caddis/src/store/stored-message.ts";
import { FaultyDisk } from "./faulty-disk.ts";
import { slowed } from "./slow-disk.ts";

const FOLDER = "/store/s";
const SUBJECTS = ["a", "a.b", "b.c", "b.d", "c"];

interface Stored {
  readonly text: string;
  /** The first and last sequence of its batch; its own where it has none. */
  readonly batchFrom: number;
  readonly batchTo: number;
}

/** What was done to a store, and how far it is certain. */
class Ledger {
  readonly appended = new Map<number, Stored>();
  /** By sequence, the position at which it was removed. */
  readonly removedAt = new Map<number, number>();
  lastSeq = 0;
  /** What the store has said is durable. */
  durableSeq = 0;
  durablePosition = 0;

  note(store: FileStreamStore): void {
    this.durableSeq = store.durableSeq;
    this.durablePosition = store.durablePosition;
  }

  /** Whether `store`, opened after a crash, is what may be left of it. */
  check(store: FileStreamStore, what: string): void {
    const { lastSeq } = store.state;
    assert.ok(
      lastSeq >= this.durableSeq,
      `${what}: sequences up to ${this.durableSeq} are there, not ${lastSeq}`,
    );
    assert.ok(lastSeq <= this.lastSeq, `${what}: no sequences are invented: ${lastSeq} of ${this.lastSeq}`);
    const into = new StoredMessage();
    for (const [seq, { text, batchFrom, batchTo }] of this.appended) {
      const removed = this.removedAt.get(seq) ?? Infinity;
      const got = store.load(seq, into);
      if (seq > lastSeq) {
        assert.equal(got, "absent");
        // Of a batch that was cut off nothing is there.
        assert.ok(batchFrom > lastSeq, `${what}: the batch ${batchFrom}–${batchTo} ends at ${lastSeq}`);
      } else if (removed <= this.durablePosition) {
        assert.equal(got, "absent", `${what}: ${seq} was removed`);
      } else if (removed === Infinity) {
        assert.equal(got, "loaded", `${what}: ${seq} is there`);
      }
      if (got === "loaded") assert.equal(textOf(into), text, `${what}: ${seq} is as it was`);
    }
    for (let seq = store.next(store.filter([]), 0); seq !== 0; seq = store.next(store.filter([]), seq + 1)) {
      assert.ok(this.appended.has(seq), `${what}: ${seq} was appended`);
    }
  }

  /** What is there now is what is certain. */
  restart(store: FileStreamStore): void {
    for (const seq of this.appended.keys()) {
      if (store.load(seq, new StoredMessage()) !== "loaded") this.appended.delete(seq);
    }
    this.removedAt.clear();
    this.lastSeq = store.state.lastSeq;
    this.note(store);
  }
}

function textOf(message: StoredMessage): string {
  return `${message.subject} ${message.buf.toString("latin1", message.headersStart, message.payloadEnd)}`;
}

/** Opens the store, with bounds so small that a few messages have it do everything it does. */
export function openOn(
  disk: Disk,
  random: SeededRandom,
  clock: VirtualClock,
  keys: StoreKeys | null,
  sync: number,
): Promise<FileStreamStore> {
  return openFileStore(disk, FOLDER, {
    sync: { intervalMs: sync },
    keys,
    cache: new BlockCache(64 * 1024),
    clock,
    timers: new TimerQueue(clock),
    random,
    report: (damage) => assert.fail(damage),
    firstSeq: 0,
    compresses: keys !== null,
    bounds: { blockBytesMin: 1500, garbageBytesMin: 1000, checkpointLagMin: 3000 },
  });
}

/** One thing done by chance. */
function doSomething(store: FileStreamStore, ledger: Ledger, random: SeededRandom, time: number): void {
  const { state } = store;
  const dice = random.below(20);
  const someSeq = (): number => state.firstSeq + random.below(state.lastSeq - state.firstSeq + 2);
  if (dice < 12) append(store, ledger, random, time);
  else if (dice < 15) noteRemoval(store, ledger, () => store.remove(someSeq(), random.below(3) === 0));
  else if (dice === 15) {
    noteRemoval(store, ledger, () =>
      store.removeBefore(Math.min(someSeq(), state.firstSeq + random.below(9))),
    );
  } else if (dice === 16) {
    const filter = store.filter([SUBJECTS[random.below(SUBJECTS.length)]]);
    noteRemoval(store, ledger, () => store.purge(filter, someSeq(), random.below(3)));
  } else if (dice === 17 && random.below(5) === 0) {
    store.skipTo(state.lastSeq + 1 + random.below(random.below(4) === 0 ? 6000 : 4));
    ledger.lastSeq = state.lastSeq;
  } else if (dice === 18 && random.below(20) === 0) {
    noteRemoval(store, ledger, () => store.removeBefore(state.lastSeq + 1));
  }
}

function append(store: FileStreamStore, ledger: Ledger, random: SeededRandom, time: number): void {
  const count = random.below(4) === 0 ? 1 + random.below(5) : 1;
  if (count > 1) store.together(count);
  const from = store.state.lastSeq + 1;
  for (let i = 0; i < count; i++) {
    const subject = SUBJECTS[random.below(SUBJECTS.length)];
    const text = String.fromCharCode(97 + random.below(26)).repeat(
      random.below(random.below(8) === 0 ? 900 : 60),
    );
    const seq = store.append(subject, Buffer.from(text, "latin1"), 0, 0, text.length, time, 0, 0);
    ledger.appended.set(seq, { text: `${subject} ${text}`, batchFrom: from, batchTo: from + count - 1 });
  }
  ledger.lastSeq = store.state.lastSeq;
}

function noteRemoval(store: FileStreamStore, ledger: Ledger, remove: () => unknown): void {
  const there = [...ledger.appended.keys()].filter((seq) => !ledger.removedAt.has(seq));
  remove();
  const all = store.filter([]);
  for (const seq of there) {
    if (store.next(all, seq) !== seq) ledger.removedAt.set(seq, store.position);
  }
  ledger.lastSeq = store.state.lastSeq;
}

/** How a store is used: whether it is encrypted (and compressed then), and milliseconds between syncs. */
export interface StoreUse {
  readonly name: string;
  readonly keys: StoreKeys | null;
  readonly sync: number;
}

export const STORE_USES: readonly StoreUse[] = [
  { name: "a store", keys: null, sync: 0 },
  {
    name: "an encrypted and compressed store",
    keys: { cipher: "aes", key: Buffer.from("secret"), previousKey: null },
    sync: 0,
  },
  { name: "a store between two syncs", keys: null, sync: 1000 },
];

/**
 * Some lives of one stream's store, each of which ends with a crash or a close. Throws unless what was durable is there
 * in the next one, and nothing else is.
 */
export async function storeLives(seed: number, { keys, sync }: StoreUse): Promise<void> {
  const random = new SeededRandom(seed);
  const clock = new VirtualClock(setImmediate);
  const ledger = new Ledger();
  let disk = new FaultyDisk(seed);
  let time = 1_778_544_000_000;
  for (let life = 0; life < 5; life++) {
    const what = `seed ${seed}, life ${life}`;
    const slow = seed % 2 === 0 ? disk : slowed(disk, random, clock);
    const store = await openOn(slow, random, clock, keys, sync);
    ledger.check(store, what);
    store.checkInvariants();
    ledger.restart(store);
    store.onDurable = () => ledger.note(store);
    if (random.below(4) > 0) disk.killAt(disk.steps.length + random.below(120));
    for (let step = 0; step < 80 && store.failure === null; step++) {
      doSomething(store, ledger, random, time++);
      if (random.below(3) === 0) store.commit();
      const settles = random.below(3) === 0;
      for (let turns = random.below(4); turns > 0; turns--) await new Promise((go) => setImmediate(go));
      if (settles) await clock.settled();
      if (step % 20 === 0) store.checkInvariants();
    }
    if (random.below(3) === 0) {
      await store.close();
      if (!disk.isKilled) ledger.durableSeq = ledger.lastSeq;
      if (!disk.isKilled) ledger.durablePosition = store.position;
    }
    // With an interval between syncs the system has what was acknowledged, and may lose it with the power.
    // Its last write may come to pass in part, or not; then it must not touch the files any more.
    disk.killAt(disk.steps.length);
    await store.close();
    disk = sync > 0 ? disk.restart() : disk.crash();
  }
}
