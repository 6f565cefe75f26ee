import assert from "node:assert/strict";
import { test } from "node:test";
import { TestBroker } from "../../../../test/support/test-broker.ts";
import { AcceptErrors } from "./accept-errors.ts";

test("the first lost connection is told at once, others by their number once a second", async () => {
  const { broker, clock, logLines } = new TestBroker();
  const errors = new AcceptErrors(broker.log, broker.timers);
  const line = (reason: string, count: number): string =>
    `Client Accept Error(${reason}), connections refused: ${count}`;
  errors.add(new Error("one"));
  assert.deepEqual(logLines, [line("one", 1)]);
  for (let i = 0; i < 500; i++) errors.add(new Error("two"));
  await clock.advance(999);
  assert.deepEqual(logLines.slice(1), []);
  await clock.advance(1);
  assert.deepEqual(logLines.slice(1), [line("two", 500)]);
  errors.add(new Error("three"));
  await clock.advance(1_000);
  assert.deepEqual(logLines.slice(2), [line("three", 1)]);
  await clock.advance(60_000);
  assert.equal(logLines.length, 3);
  errors.add(new Error("four"));
  assert.deepEqual(logLines.slice(3), [line("four", 1)]);
});
