import assert from "node:assert/strict";
import { test } from "node:test";
import { FaultyDisk } from "../../../../../test/support/faulty-disk.ts";
import { TimerQueue } from "../../base/timer-queue.ts";
import { SeededRandom } from "../../io/seeded-random.ts";
import { VirtualClock } from "../../io/virtual-clock.ts";
import { StoredMessage } from "../stored-message.ts";
import { BlockCache } from "./block-cache.ts";
import { type FileStreamStore, openFileStore } from "./file-store.ts";

const FOLDER = "/store/s";
const COUNT = 120;

function openOn(
  disk: FaultyDisk,
  random: SeededRandom,
  clock: VirtualClock,
  reports: string[],
  compresses: boolean,
) {
  return openFileStore(disk, FOLDER, {
    sync: { intervalMs: 0 },
    keys: null,
    cache: new BlockCache(64 * 1024),
    clock,
    timers: new TimerQueue(clock),
    random,
    report: (damage) => reports.push(damage),
    firstSeq: 0,
    compresses,
    bounds: { blockBytesMin: 1500, garbageBytesMin: 2500, checkpointLagMin: 4000 },
  });
}

function textOf(seq: number): string {
  return `message ${seq} `.repeat(1 + (seq % 7));
}

/** Fills a store, some of whose messages are removed; returns which are there. */
async function fill(store: FileStreamStore, random: SeededRandom, clock: VirtualClock): Promise<Set<number>> {
  const live = new Set<number>();
  for (let i = 0; i < COUNT; i++) {
    const text = textOf(i + 1);
    live.add(store.append(`s.${i % 5}`, Buffer.from(text), 0, 0, text.length, 1000 + i, 0, 0));
    const seq = 1 + random.below(i + 1);
    if (random.below(3) === 0 && store.remove(seq, random.below(2) === 0)) live.delete(seq);
    if (random.below(4) === 0) {
      store.commit();
      await clock.settled();
    }
  }
  store.commit();
  await clock.settled();
  return live;
}

/** Null: the file is gone. */
type Harm = (content: Buffer, random: SeededRandom) => Buffer | null;

const HARMS: Readonly<Record<string, Harm>> = {
  "a flipped bit": (content, random) => {
    content[random.below(content.length)] ^= 1 << random.below(8);
    return content;
  },
  "lost bytes at the end": (content, random) => content.subarray(0, random.below(content.length)),
  "a range of zeros": (content, random) => {
    const from = random.below(content.length);
    return content.fill(0, from, Math.min(content.length, from + 1 + random.below(600)));
  },
  "bytes from elsewhere": (content, random) => {
    const from = random.below(content.length);
    content.copy(content, from, random.below(content.length), content.length);
    return content;
  },
  "the loss": () => null,
};

async function doHarm(disk: FaultyDisk, path: string, harm: Harm, random: SeededRandom): Promise<void> {
  const content = harm(disk.content(path), random);
  if (content === null) await disk.remove(path);
  else disk.damage(path, () => content);
}

/** Whether what `store` says is true, and what it can't say was told. */
function check(
  store: FileStreamStore,
  live: ReadonlySet<number>,
  reports: readonly string[],
  what: string,
): void {
  store.checkInvariants();
  const into = new StoredMessage();
  let missing = 0;
  let back = 0;
  const { lastSeq, lostCount } = store.state;
  for (let seq = 1; seq <= COUNT; seq++) {
    const got = store.load(seq, into);
    if (got === "loaded") {
      const text = into.buf.toString("latin1", into.payloadStart, into.payloadEnd);
      assert.equal(text, textOf(seq), `${what}: what is read is what was written`);
      assert.equal(into.subject, `s.${(seq - 1) % 5}`);
      if (!live.has(seq)) back++;
    } else if (live.has(seq)) {
      missing++;
    }
  }
  store.checkInvariants();
  const told = reports.join("; ");
  if (missing > 0 || back > 0)
    assert.ok(reports.length > 0, `${what}: ${missing} missing, ${back} back: silently`);
  const lost = Math.max(lostCount, store.state.lostCount);
  assert.ok(lost >= missing, `${what}: ${missing} missing, ${lost} counted: ${told}`);
  assert.ok(lastSeq >= COUNT, `${what}: no sequence is given out twice: ${lastSeq}: ${told}`);
}

function lastBlock(paths: readonly string[]): string {
  const numberOf = (path: string): number => Number(/(\d+)(?:\.\d+)?\.log$/.exec(path)?.[1] ?? 0);
  return paths.reduce((last, path) => (numberOf(path) > numberOf(last) ? path : last), "");
}

for (const [name, harm] of Object.entries(HARMS)) {
  test(`${name} in or of any file is found, told, and never a wrong answer`, async () => {
    const first = Number(process.env["SEED"] ?? 1);
    const count = process.env["SEED"] === undefined ? Number(process.env["SEEDS"] ?? 25) : 1;
    for (let seed = first; seed < first + count; seed++) {
      const random = new SeededRandom(seed);
      const compresses = seed % 2 === 0;
      const clock = new VirtualClock(setImmediate);
      const disk = new FaultyDisk(seed);
      const store = await openOn(disk, random, clock, [], compresses);
      const live = await fill(store, random, clock);
      const isClosed = random.below(2) === 0;
      if (isClosed) await store.close();
      const damaged = disk.crash();
      const paths = damaged.paths.filter((path) => path.endsWith(".log") || path.endsWith(".db"));
      const path = paths[random.below(paths.length)];
      // Without a clean end what stands last can't be told from what was never written.
      if (!isClosed && path === lastBlock(paths)) continue;
      await doHarm(damaged, path, harm, random);
      const what = `SEED=${seed}, ${path}, ${isClosed ? "closed" : "left"}`;
      const reports: string[] = [];
      const again = await openOn(damaged, random, clock, reports, compresses);
      check(again, live, reports, what);
      await again.close();
      const third = await openOn(damaged, random, clock, reports, compresses);
      const { messages, bytes, firstSeq, lastSeq } = again.state;
      const now = third.state;
      assert.deepEqual(
        [now.messages, now.bytes, now.firstSeq, now.lastSeq],
        [messages, bytes, firstSeq, lastSeq],
        `${what}: the same files are the same store`,
      );
      await third.close();
    }
  });
}

test("damage in the last block of a store that was not closed costs what is damaged, not what follows", async () => {
  const random = new SeededRandom(1);
  const clock = new VirtualClock(setImmediate);
  const disk = new FaultyDisk(1);
  const store = await openOn(disk, random, clock, [], false);
  for (let seq = 1; seq <= 6; seq++) {
    const text = textOf(seq);
    store.append(`s.${seq - 1}`, Buffer.from(text), 0, 0, text.length, 1000, 0, 0);
    store.commit();
    await clock.settled();
  }
  const damaged = disk.crash();
  damaged.damage(`${FOLDER}/1.log`, (content) => {
    content[content.indexOf("message 3")] ^= 1;
    return content;
  });
  const reports: string[] = [];
  const again = await openOn(damaged, random, clock, reports, false);
  assert.equal(again.state.lastSeq, 6);
  assert.equal(again.state.messages, 5);
  assert.equal(again.state.lostCount, 1);
  assert.equal(again.load(3, new StoredMessage()), "absent");
  assert.match(reports.join(), /1\.log, bytes \d+ to \d+ can't be read: 1 messages between 3 and 3 lost/);
  assert.ok(damaged.paths.some((path) => path.startsWith(`${FOLDER}/1.log.damaged-`)));
  await again.close();
});
