import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { Timer, TimerQueue } from "./timer-queue.ts";

/** A clock that a test sets; it remembers the wake-up that was asked for last. */
class HandClock {
  nowMs = 0;
  wakeMs = Infinity;
  wakeRequests = 0;
  #wake: () => void = () => {};

  monotonicMs(): number {
    return this.nowMs;
  }

  wakeAt(dueMs: number, wake: () => void): void {
    this.wakeRequests++;
    this.wakeMs = dueMs;
    this.#wake = wake;
  }

  /** Moves on, and wakes the queue if that is due. */
  moveTo(nowMs: number): void {
    this.nowMs = nowMs;
    if (this.wakeMs > nowMs) return;
    this.wakeMs = Infinity;
    this.#wake();
  }
}

test("timers fall due in order, each at its moment, those of one moment all at once", () => {
  const clock = new HandClock();
  const queue = new TimerQueue(clock);
  const fired: string[] = [];
  const timer = (name: string): Timer => new Timer(() => fired.push(`${name}@${clock.nowMs}`));
  queue.setIn(timer("c"), 30);
  queue.setIn(timer("a"), 10);
  queue.setIn(timer("b"), 20);
  queue.setIn(timer("a2"), 10);
  assert.equal(clock.wakeMs, 10);
  clock.moveTo(9);
  assert.deepEqual(fired, []);
  clock.moveTo(10);
  assert.deepEqual(new Set(fired), new Set(["a@10", "a2@10"]));
  assert.equal(clock.wakeMs, 20);
  clock.moveTo(100);
  assert.deepEqual(fired.slice(2), ["b@100", "c@100"]);
  assert.equal(clock.wakeMs, Infinity);
  assert.equal(queue.size, 0);
});

test("a timer that is set again is moved, one that is cancelled does not fire", () => {
  const clock = new HandClock();
  const queue = new TimerQueue(clock);
  let fired = 0;
  const timer = new Timer(() => fired++);
  queue.setIn(timer, 10);
  queue.setIn(timer, 50);
  assert.equal(queue.size, 1);
  clock.moveTo(49);
  assert.equal(fired, 0);
  assert.equal(timer.isSet, true);
  queue.cancel(timer);
  queue.cancel(timer);
  assert.equal(timer.isSet, false);
  clock.moveTo(100);
  assert.equal(fired, 0);
});

test("a timer may set itself again and cancel others while it fires", () => {
  const clock = new HandClock();
  const queue = new TimerQueue(clock);
  const fired: string[] = [];
  const victim = new Timer(() => fired.push("victim"));
  const repeating = new Timer(() => {
    fired.push("repeating");
    queue.cancel(victim);
    queue.setIn(repeating, 10);
  });
  queue.setAt(repeating, 10);
  queue.setAt(victim, 11);
  clock.moveTo(15);
  assert.deepEqual(fired, ["repeating"]);
  assert.equal(clock.wakeMs, 25);
});

test("an unchanged earliest timer asks the clock for nothing", () => {
  const clock = new HandClock();
  const queue = new TimerQueue(clock);
  queue.setIn(new Timer(() => {}), 10);
  const before = clock.wakeRequests;
  for (let i = 0; i < 100; i++) queue.setIn(new Timer(() => {}), 20 + i);
  assert.equal(clock.wakeRequests, before);
});

test("clear drops every timer and the wake-up", () => {
  const clock = new HandClock();
  const queue = new TimerQueue(clock);
  const timers = [30, 10, 20].map((ms) => {
    const timer = new Timer(() => assert.fail("it was dropped"));
    queue.setIn(timer, ms);
    return timer;
  });
  queue.clear();
  assert.equal(queue.size, 0);
  assert.equal(clock.wakeMs, Infinity);
  assert.ok(timers.every((timer) => !timer.isSet));
  clock.moveTo(100);
});

/** One step of a random life: what happens to which timer, or how much time passes. */
type Step =
  | { readonly kind: "set"; readonly timer: number; readonly delayMs: number }
  | { readonly kind: "cancel"; readonly timer: number }
  | { readonly kind: "pass"; readonly ms: number };

const TIMERS = 12;

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant("set" as const),
    timer: fc.nat(TIMERS - 1),
    delayMs: fc.nat(50),
  }),
  fc.record({ kind: fc.constant("cancel" as const), timer: fc.nat(TIMERS - 1) }),
  fc.record({ kind: fc.constant("pass" as const), ms: fc.nat(30) }),
);

test("whatever is set, moved and cancelled, the queue fires what a plain list would", () => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 200 }), (steps) => {
      const clock = new HandClock();
      const queue = new TimerQueue(clock);
      const fired: number[] = [];
      const timers = Array.from({ length: TIMERS }, (_, i) => new Timer(() => fired.push(i)));
      /** The plain list: due time by timer. */
      const due = new Map<number, number>();
      for (const step of steps) {
        fired.length = 0;
        if (step.kind === "set") {
          queue.setIn(timers[step.timer], step.delayMs);
          due.set(step.timer, clock.nowMs + step.delayMs);
        } else if (step.kind === "cancel") {
          queue.cancel(timers[step.timer]);
          due.delete(step.timer);
        } else {
          clock.moveTo(clock.nowMs + step.ms);
          const expected = [...due].filter(([, dueMs]) => dueMs <= clock.nowMs);
          const dueInOrder = fired.map((i) => due.get(i) ?? -1);
          assert.equal(fired.length, expected.length);
          assert.deepEqual(new Set(fired), new Set(expected.map(([i]) => i)));
          assert.deepEqual(
            dueInOrder,
            dueInOrder.toSorted((a, b) => a - b),
          );
          for (const [i] of expected) due.delete(i);
        }
        queue.checkInvariants();
        assert.equal(queue.size, due.size);
        assert.equal(clock.wakeMs, Math.min(Infinity, ...due.values()));
        for (let i = 0; i < TIMERS; i++) assert.equal(timers[i].isSet, due.has(i));
      }
    }),
  );
});
