import assert from "node:assert/strict";
import { test } from "node:test";
import { TestBroker } from "../../../../test/support/test-broker.ts";
import { WriteDeadline } from "./write-deadline.ts";

const DEADLINE_MS = 2_000;

function setUp() {
  const world = new TestBroker({ write_deadline: `${DEADLINE_MS}ms` });
  const durations: number[] = [];
  world.broker.timing = {
    isDue: () => false,
    onRead: () => {},
    onSlowWrite: (durationMs) => void durations.push(durationMs),
  };
  const missed: boolean[] = [];
  const deadline = new WriteDeadline(world.broker, (isRepeated) => void missed.push(isRepeated));
  return { world, durations, missed, deadline };
}

test("a write that did not go through at once is measured, once", async () => {
  const { world, durations, deadline } = setUp();
  deadline.begin();
  await world.clock.advance(300);
  deadline.end();
  deadline.end();
  assert.deepEqual(durations, [300]);
});

test("what was no write is not measured: a connection that leaves with nothing on its way", async () => {
  const { world, durations, deadline } = setUp();
  deadline.end();
  const peer = world.connect();
  await world.clock.advance(5_000);
  peer.pipe.hangUp();
  assert.deepEqual(durations, []);
});

test("a deadline that passes is told, each time it is set again, until the write is through", async () => {
  const { world, missed, deadline } = setUp();
  deadline.begin();
  deadline.arm();
  await world.clock.advance(DEADLINE_MS - 1);
  assert.deepEqual(missed, []);
  assert.equal(deadline.isStuck, true);
  await world.clock.advance(1);
  deadline.arm();
  await world.clock.advance(DEADLINE_MS);
  assert.deepEqual(missed, [false, true]);
  deadline.arm();
  deadline.end();
  await world.clock.advance(DEADLINE_MS);
  assert.deepEqual(missed, [false, true]);
  deadline.begin();
  assert.equal(deadline.isStuck, false);
  deadline.arm();
  await world.clock.advance(DEADLINE_MS);
  assert.deepEqual(missed, [false, true, false]);
});
