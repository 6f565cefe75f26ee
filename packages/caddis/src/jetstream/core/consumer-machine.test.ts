import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { ConsumerWorld, MS } from "../../../../../test/support/consumer-world.ts";

const SUBJECTS = ["a", "b.x", "b.y"] as const;

type Step =
  | { readonly kind: "publish"; readonly subject: number; readonly times: number }
  | { readonly kind: "pull"; readonly batch: number; readonly noWait: boolean; readonly expiresMs: number }
  | { readonly kind: "ack" | "nak" | "term" | "progress" | "remove"; readonly which: number }
  | { readonly kind: "nakLater"; readonly which: number; readonly delayMs: number }
  | { readonly kind: "pass"; readonly ms: number }
  | { readonly kind: "purge"; readonly which: number }
  | { readonly kind: "restart" };

const which = fc.nat(40);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("publish" as const),
      subject: fc.nat(2),
      times: fc.integer({ min: 1, max: 6 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("pull" as const),
      batch: fc.integer({ min: 1, max: 9 }),
      noWait: fc.boolean(),
      expiresMs: fc.constantFrom(0, 50, 5_000),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        "ack" as const,
        "ack" as const,
        "nak" as const,
        "term" as const,
        "progress" as const,
        "remove" as const,
      ),
      which,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("nakLater" as const), which, delayMs: fc.nat(3_000) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("pass" as const), ms: fc.constantFrom(1, 60, 400, 1_500) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("purge" as const), which }) },
  { weight: 1, arbitrary: fc.constant({ kind: "restart" as const }) },
);

const setup = fc.record({
  ackPolicy: fc.constantFrom("explicit" as const, "explicit" as const, "all" as const, "none" as const),
  filters: fc.constantFrom([], ["b.*"], ["a", "b.x"]),
  maxAckPending: fc.constantFrom(-1, 1, 5),
  maxDeliver: fc.constantFrom(-1, 1, 3),
  backoff: fc.constantFrom([], [100 * MS, 700 * MS]),
  policy: fc.constantFrom("all" as const, "new" as const, "last_per_subject" as const, "last" as const),
  before: fc.array(fc.nat(2), { maxLength: 8 }),
});

function doStep(world: ConsumerWorld, each: Step): void {
  const seq = (n: number): number => 1 + (n % Math.max(1, world.store.state.lastSeq));
  switch (each.kind) {
    case "publish":
      world.publish(...Array.from({ length: each.times }, () => SUBJECTS[each.subject]));
      break;
    case "pull":
      world.pull("in", { batch: each.batch, noWait: each.noWait, expires: each.expiresMs * MS });
      break;
    case "ack":
    case "nak":
    case "term":
    case "progress":
    case "remove":
      world[each.kind](seq(each.which));
      break;
    case "nakLater":
      world.nak(seq(each.which), each.delayMs);
      break;
    case "pass":
      world.advance(each.ms);
      break;
    case "purge":
      world.store.purge(world.store.filter(["b.x"]), seq(each.which), 0);
      world.machine.onPurged(world.nowMs);
      world.run();
      break;
    case "restart":
      world.restart();
  }
}

function checkInvariants(world: ConsumerWorld): void {
  const { machine, store } = world;
  const { state, source, pulls, acks } = machine;
  state.pending.checkInvariants();
  pulls?.queue.checkInvariants();
  assert.ok(state.pending.size <= acks.terms.maxAckPending, "no more is pending than may be");
  for (const { seq, consumerSeq } of state.pending) {
    assert.ok(seq > state.floorStream && seq <= state.deliveredStream, "pending lies above the floor");
    assert.ok(consumerSeq > state.floorConsumer && consumerSeq <= state.deliveredConsumer);
  }
  assert.ok(state.floorConsumer <= state.deliveredConsumer && state.floorStream <= state.deliveredStream);
  assert.ok(state.deliveredStream < state.nextSeq);
  if (state.lastPerSubjectUntil === 0)
    assert.equal(source.numPending, store.count(source.filter, state.nextSeq, false), "the count is right");
}

test("whatever comes, nothing is lost, and nothing delivered more often than it may be", () => {
  fc.assert(
    fc.property(setup, fc.array(step, { maxLength: 60, size: "max" }), (made, steps) => {
      const filled = new ConsumerWorld();
      filled.publish(...made.before.map((index) => SUBJECTS[index]));
      const world = new ConsumerWorld(
        {
          ack_policy: made.ackPolicy,
          filter_subjects: made.filters,
          max_ack_pending: made.maxAckPending,
          max_deliver: made.maxDeliver,
          backoff: made.backoff,
          ack_wait: 500 * MS,
          deliver_policy: made.policy,
        },
        filled.store,
      );
      const firstNext = world.machine.state.nextSeq;
      const lastBefore = world.store.state.lastSeq;
      let floor = 0;
      for (const each of steps) {
        doStep(world, each);
        checkInvariants(world);
        assert.ok(world.machine.state.floorConsumer >= floor, "the floor only rises");
        floor = world.machine.state.floorConsumer;
      }
      drain(world);
      const counts = new Map<number, number>();
      let consumerSeq = 0;
      for (const delivery of world.sent) {
        const count = (counts.get(delivery.seq) ?? 0) + 1;
        counts.set(delivery.seq, count);
        assert.equal(delivery.deliveries, count, `sequence ${delivery.seq} is counted`);
        assert.equal(delivery.consumerSeq, ++consumerSeq, "each delivery has the next number");
        if (made.maxDeliver > 0) assert.ok(count <= made.maxDeliver, "no more often than it may be");
      }
      const { store, machine } = world;
      const { filter } = machine.source;
      for (let seq = store.next(filter, firstNext); seq > 0; seq = store.next(filter, seq + 1)) {
        if (made.policy === "last_per_subject" && seq <= lastBefore) continue;
        assert.ok(counts.has(seq), `sequence ${seq} was delivered`);
      }
      assert.equal(machine.state.pending.size, 0);
      assert.equal(machine.source.numPending, 0);
      assert.equal(machine.state.floorStream, machine.state.deliveredStream);
      assert.equal(machine.state.floorConsumer, machine.state.deliveredConsumer);
    }),
    { numRuns: 500 },
  );
});

test("what a purge takes from what is pending counts as acknowledged, at that time", () => {
  const world = new ConsumerWorld();
  const purge = (subject: string): void => {
    world.store.purge(world.store.filter([subject]), world.store.state.lastSeq + 1, 0);
    world.machine.onPurged(world.nowMs);
    world.run();
  };
  world.publish("a", "b.x", "a");
  world.pull("in", { batch: 2, noWait: true });
  world.advance(10);
  purge("b.y");
  assert.equal(world.machine.ackedMs, -Infinity, "nothing of it was pending");
  purge("a");
  const { state, ackedMs } = world.machine;
  assert.deepEqual([ackedMs, state.floorConsumer, state.pending.size], [10, 1, 1]);
});

/** Somebody takes and acknowledges all there is. */
function drain(world: ConsumerWorld): void {
  world.machine.pulls?.endAll("deleted");
  let seen = 0;
  for (let rounds = 0; rounds < 200; rounds++) {
    world.pull("drain", { batch: 50, noWait: true });
    const fresh = world.sent.slice(seen);
    seen = world.sent.length;
    for (const { seq } of fresh) world.ack(seq);
    checkInvariants(world);
    if (fresh.length > 0) continue;
    if (world.machine.state.pending.size === 0) return;
    world.advance(5_000);
  }
  assert.fail("it never is done");
}
