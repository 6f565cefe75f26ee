import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { ConsumerWorld } from "../../../../../test/support/consumer-world.ts";
import { recoverState } from "./consumer-start.ts";
import { ConsumerState, decodeConsumerState, encodeConsumerState } from "./consumer-state.ts";

const OFFSET_MS = 1_800_000_000_000;
const seqStep = fc.oneof(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 2 ** 45 }));

const states = fc
  .record({
    floor: fc.nat(1_000_000),
    steps: fc.array(
      fc.tuple(seqStep, fc.integer({ min: 1, max: 300 }), fc.nat(90_000), fc.nat(90_000), fc.boolean()),
      {
        maxLength: 40,
      },
    ),
    redelivered: fc.array(fc.tuple(fc.integer({ min: 1, max: 2 ** 40 }), fc.integer({ min: 1, max: 50 })), {
      maxLength: 9,
    }),
    until: fc.nat(99),
  })
  .map(({ floor, steps, redelivered, until }) => {
    const state = new ConsumerState();
    state.startAt(floor + 1);
    state.floorConsumer = floor;
    state.lastPerSubjectUntil = until;
    let seq = floor;
    let consumerSeq = floor;
    for (const [step, consumerStep, startMs, waitMs, isQueued] of steps) {
      seq += step;
      consumerSeq += consumerStep;
      state.pending.add(seq, consumerSeq, startMs, startMs + waitMs);
      const message = state.pending.get(seq);
      if (isQueued && message !== undefined) state.pending.enqueue(message);
    }
    state.deliveredStream = seq;
    state.deliveredConsumer = consumerSeq;
    state.nextSeq = seq + 1;
    for (const [each, count] of redelivered) state.redelivered.set(each, count);
    return state;
  });

/** What is kept of a state, as data. */
function kept(state: ConsumerState): unknown {
  const { deliveredConsumer, deliveredStream, floorConsumer, floorStream, nextSeq, lastPerSubjectUntil } =
    state;
  return {
    numbers: [deliveredConsumer, deliveredStream, floorConsumer, floorStream, nextSeq, lastPerSubjectUntil],
    pending: [...state.pending].map(({ seq, consumerSeq, startMs, isQueued, dueMs }) => [
      seq,
      consumerSeq,
      startMs,
      isQueued || dueMs === -Infinity ? "at once" : dueMs,
    ]),
    redelivered: [...state.redelivered].sort(([a], [b]) => a - b),
  };
}

test("a state comes back as it was", () => {
  fc.assert(
    fc.property(states, (state) => {
      const back = decodeConsumerState(encodeConsumerState(state, OFFSET_MS), OFFSET_MS);
      assert.ok(back !== null);
      assert.deepEqual(kept(back), kept(state));
      back.pending.checkInvariants();
    }),
  );
});

test("what is cut short or changed gives a sound state or none", () => {
  fc.assert(
    fc.property(states, fc.nat(), fc.nat(255), (state, at, byte) => {
      const data = encodeConsumerState(state, OFFSET_MS);
      const cut = data.subarray(0, at % data.length);
      assert.equal(decodeConsumerState(cut, OFFSET_MS), null);
      const changed = Uint8Array.from(data);
      changed[at % data.length] = byte;
      const back = decodeConsumerState(changed, OFFSET_MS);
      if (back !== null) back.pending.checkInvariants();
    }),
  );
});

test("times follow the wall clock over a restart", () => {
  const state = new ConsumerState();
  state.startAt(1);
  state.deliveredStream = 1;
  state.deliveredConsumer = 1;
  state.pending.add(1, 1, 1_000, 31_000);
  const data = encodeConsumerState(state, OFFSET_MS);
  // Ten seconds later, on a monotonic clock that began at zero.
  const back = decodeConsumerState(data, OFFSET_MS + 11_000);
  assert.equal(back?.pending.get(1)?.dueMs, 20_000);
});

test("a stream that has lost messages gets new ones under their sequences", () => {
  const world = new ConsumerWorld();
  world.publish("a", "b", "c", "d");
  world.pull("in", { batch: 4 });
  world.ack(1);
  const data = encodeConsumerState(world.machine.state, OFFSET_MS);
  const shorter = new ConsumerWorld();
  shorter.publish("a", "b");
  const { config, source } = shorter.machine;
  const { state, problem } = recoverState(data, OFFSET_MS, config, shorter.store, source.filter, {
    ms: OFFSET_MS,
    ns: 0,
  });
  assert.match(problem, /delivered sequence 4 past last stream sequence of 2/);
  assert.deepEqual([state.nextSeq, state.floorStream, [...state.pending].map(({ seq }) => seq)], [3, 1, [2]]);
});

test("a consumer that begins with what is still to come waits for that, also after a restart", () => {
  const world = new ConsumerWorld({ deliver_policy: "by_start_sequence", opt_start_seq: 100 });
  world.publish("a");
  const data = encodeConsumerState(world.machine.state, OFFSET_MS);
  const { config, source } = world.machine;
  const created = { ms: OFFSET_MS, ns: 0 };
  const { state, problem } = recoverState(data, OFFSET_MS, config, world.store, source.filter, created);
  assert.deepEqual([state.nextSeq, problem], [100, ""]);
});

test("an unreadable state leaves out nothing that came since the consumer was made", () => {
  const world = new ConsumerWorld({ deliver_policy: "new" });
  world.publish("a");
  world.advance(10);
  world.publish("b", "c");
  const { config, source } = world.machine;
  const created = { ms: OFFSET_MS + 5, ns: 0 };
  const bad = Buffer.from("what is this");
  const { state, problem } = recoverState(bad, OFFSET_MS, config, world.store, source.filter, created);
  assert.equal(state.nextSeq, 2);
  assert.match(problem, /lost its state/);
});

test("what is not delivered again by itself stays so", () => {
  const state = new ConsumerState();
  state.pending.add(3, 1, 10, Infinity);
  state.deliveredStream = 3;
  state.deliveredConsumer = 1;
  const again = decodeConsumerState(encodeConsumerState(state, OFFSET_MS), OFFSET_MS);
  assert.equal(again?.pending.get(3)?.dueMs, Infinity);
});
