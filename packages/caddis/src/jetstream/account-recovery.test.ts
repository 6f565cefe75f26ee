import assert from "node:assert/strict";
import { test } from "node:test";
import { inParallel } from "./account-recovery.ts";

test("what is done without waiting lets others have their turn now and then", async () => {
  let nowMs = 0;
  const clock = { monotonicMs: () => nowMs, nextTurn: (run: () => void) => void setImmediate(run) };
  const done: number[] = [];
  let doneBefore = -1;
  clock.nextTurn(() => (doneBefore = done.length));
  const items = Array.from({ length: 100 }, (_, i) => i);
  await inParallel(clock, items, async (item) => {
    done.push(item);
    nowMs++;
  });
  assert.equal(done.length, 100);
  assert.ok(doneBefore > 0 && doneBefore < 50, `after ${doneBefore} of them`);
});
