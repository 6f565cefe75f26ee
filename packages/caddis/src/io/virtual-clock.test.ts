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

test("one clock serves several queues, and a withdrawn wake-up does not come", async () => {
  const clock = newClock();
  const [one, two] = [new TimerQueue(clock), new TimerQueue(clock)];
  const fired: string[] = [];
  const cancelled = new Timer(() => fired.push("cancelled"));
  one.setIn(new Timer(() => fired.push("one")), 30);
  two.setIn(new Timer(() => fired.push("two")), 20);
  two.setIn(cancelled, 10);
  two.cancel(cancelled);
  await clock.advance(50);
  assert.deepEqual(fired, ["two", "one"]);
});

test("advances that overlap follow one another", async () => {
  const clock = newClock();
  await Promise.all([clock.advance(10), clock.advance(5)]);
  assert.equal(clock.monotonicMs(), 15);
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
