import assert from "node:assert/strict";
import { test } from "node:test";
import { Timer, TimerQueue } from "../base/timer-queue.ts";
import { VirtualClock } from "./virtual-clock.ts";

function newClock(startMs?: number): VirtualClock {
  return new VirtualClock((run) => void setImmediate(run), startMs);
}

test("time stands still until it is moved", async () => {
  const clock = newClock(1_000_000);
  assert.equal(clock.nowMs(), 1_000_000);
  assert.equal(clock.monotonicMs(), 0);
  await clock.advance(1_500);
  assert.equal(clock.nowMs(), 1_001_500);
  assert.equal(clock.monotonicMs(), 1_500);
});

test("what falls due happens at its own moment, in order, also what is set on the way", async () => {
  const clock = newClock();
  const queue = new TimerQueue(clock);
  const fired: string[] = [];
  const later = new Timer(() => fired.push(`later@${clock.monotonicMs()}`));
  queue.setIn(new Timer(() => fired.push(`b@${clock.monotonicMs()}`)), 20);
  queue.setIn(
    new Timer(() => {
      fired.push(`a@${clock.monotonicMs()}`);
      queue.setIn(later, 5);
    }),
    10,
  );
  queue.setIn(new Timer(() => fired.push("not yet")), 101);
  await clock.advance(100);
  assert.deepEqual(fired, ["a@10", "later@15", "b@20"]);
  await clock.advance(1);
  assert.deepEqual(fired.slice(3), ["not yet"]);
});

test("time goes on only after what a moment began has come to rest", async () => {
  const clock = newClock();
  const queue = new TimerQueue(clock);
  const seen: string[] = [];
  queue.setIn(
    new Timer(() => {
      clock.nextTurn(() => {
        void Promise.resolve().then(() => clock.nextTurn(() => seen.push(`answer@${clock.monotonicMs()}`)));
      });
    }),
    10,
  );
  queue.setIn(new Timer(() => seen.push(`timer@${clock.monotonicMs()}`)), 11);
  await clock.advance(20);
  assert.deepEqual(seen, ["answer@10", "timer@11"]);
});

test("one clock serves several queues, each wake-up in its place", async () => {
  const clock = newClock();
  const fired: string[] = [];
  for (const [name, dueMs] of Object.entries({ b: 20, d: 40, a: 10, c: 30 })) {
    new TimerQueue(clock).setIn(new Timer(() => fired.push(`${name}@${clock.monotonicMs()}`)), dueMs);
  }
  await clock.advance(50);
  assert.deepEqual(fired, ["a@10", "b@20", "c@30", "d@40"]);
});

test("a later request replaces the earlier one, and a withdrawn one does not come", async () => {
  const clock = newClock();
  const fired: string[] = [];
  const moved = (): void => void fired.push(`moved@${clock.monotonicMs()}`);
  const withdrawn = (): void => void fired.push("withdrawn");
  clock.wakeAt(10, moved);
  clock.wakeAt(10, withdrawn);
  clock.wakeAt(20, moved);
  clock.wakeAt(Infinity, withdrawn);
  await clock.advance(50);
  assert.deepEqual(fired, ["moved@20"]);
});

test("advances that overlap follow one another", async () => {
  const clock = newClock();
  clock.wakeAt(7, () => {});
  const ends: number[] = [];
  await Promise.all([10, 5].map(async (ms) => clock.advance(ms).then(() => ends.push(clock.monotonicMs()))));
  assert.deepEqual(ends, [10, 15]);
});

test("settled rejects when there is no end to it", async () => {
  const clock = newClock();
  let isOn = true;
  const busy = (): void => {
    if (isOn) clock.nextTurn(busy);
  };
  busy();
  await assert.rejects(clock.settled(), /still busy after 100000 turns/);
  isOn = false;
  await clock.advance(1);
  assert.equal(clock.monotonicMs(), 1);
});

test("time passes forwards, and by an amount", async () => {
  const clock = newClock();
  for (const ms of [-1, NaN, Infinity]) await assert.rejects(clock.advance(ms), RangeError);
});
