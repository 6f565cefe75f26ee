import assert from "node:assert/strict";
import { test } from "node:test";
import { ConsumerWorld, MS, PULL, PUSH } from "../../../../../test/support/consumer-world.ts";

test("what is not acknowledged in time comes again, in order of sequence", () => {
  const world = new ConsumerWorld({ ack_wait: 100 * MS });
  world.publish("a", "b", "c");
  world.pull("in", { batch: 10 });
  world.advance(60);
  world.progress(1);
  world.ack(2);
  world.advance(60);
  assert.deepEqual(world.seqs, [1, 2, 3, 3], "one in progress waits anew");
  world.advance(60);
  assert.deepEqual(world.seqs, [1, 2, 3, 3, 1]);
  assert.equal(world.latest(1).deliveries, 2);
});

test("backoff tells how long to wait after each delivery, the last of it for all that follow", () => {
  const world = new ConsumerWorld({ backoff: [10 * MS, 50 * MS] });
  world.publish("a");
  world.pull("in", { batch: 10 });
  const times: number[] = [];
  for (let at = 0; at < 170; at++) {
    const before = world.sent.length;
    world.advance(1);
    if (world.sent.length > before) times.push(world.nowMs);
  }
  assert.deepEqual(times, [10, 60, 110, 160]);
});

test("a negative acknowledgement brings it back at once, or when it says", () => {
  const world = new ConsumerWorld();
  world.publish("a", "b");
  world.pull("in", { batch: 10 });
  world.nak(2);
  assert.deepEqual(world.seqs, [1, 2, 2]);
  world.nak(1, 30);
  world.advance(29);
  assert.equal(world.sent.length, 3);
  world.advance(1);
  assert.deepEqual(world.seqs, [1, 2, 2, 1]);
  assert.deepEqual(
    world.advices.map(({ kind }) => kind),
    ["naked", "naked"],
  );
});

test("what was delivered as often as may be is given up, and told once", () => {
  const world = new ConsumerWorld({ ack_wait: 10 * MS, max_deliver: 2 });
  world.publish("a");
  world.pull("in", { batch: 10 });
  world.advance(100);
  assert.deepEqual(world.seqs, [1, 1]);
  assert.deepEqual(world.advices, [{ kind: "maxDeliveries", streamSeq: 1, deliveries: 2 }]);
  const { state } = world.machine;
  assert.equal(state.pending.size, 0);
  assert.deepEqual([...state.redelivered], [[1, 1]], "nobody is done with it");
  assert.ok(world.ack(1));
  assert.deepEqual(world.doneSeqs, [1]);
  assert.equal(state.redelivered.size, 0);
});

test("it is given up whether or not somebody waits for more", () => {
  const world = new ConsumerWorld({ ack_wait: 10 * MS, max_deliver: 1 });
  world.publish("a", "b");
  world.pull("in", { batch: 2 });
  world.nak(2);
  assert.equal(world.machine.state.pending.size, 1);
  world.advance(10);
  assert.deepEqual(world.advices.slice(1), [
    { kind: "maxDeliveries", streamSeq: 2, deliveries: 1 },
    { kind: "maxDeliveries", streamSeq: 1, deliveries: 1 },
  ]);
  assert.equal(world.machine.state.floorStream, 2);
});

test("what comes before the sequence it begins with is not counted", () => {
  const world = new ConsumerWorld({ deliver_policy: "by_start_sequence", opt_start_seq: 3 });
  world.publish("a", "b", "c");
  assert.equal(world.machine.source.numPending, 1);
  world.pull("in", { batch: 3 });
  assert.deepEqual(world.seqs, [3]);
});

test("with the most unacknowledged only what was delivered before comes again", () => {
  const world = new ConsumerWorld({ max_ack_pending: 2, ack_wait: 50 * MS });
  world.publish("a", "b", "c");
  world.pull("in", { batch: 10 });
  assert.deepEqual(world.seqs, [1, 2]);
  assert.equal(world.machine.obstacle, "maxAckPending");
  world.nak(1);
  assert.deepEqual(world.seqs, [1, 2, 1]);
  world.ack(2);
  assert.deepEqual(world.seqs, [1, 2, 1, 3]);
});

test("a request that does not wait ends with what there is, but not for want of acknowledgements", () => {
  const world = new ConsumerWorld({ max_ack_pending: 1 });
  world.publish("a", "b");
  world.pull("in", { batch: 3, noWait: true });
  assert.deepEqual(world.statuses, []);
  world.ack(1);
  world.ack(2);
  assert.deepEqual(world.statuses, ["in: 404 No Messages"]);
});

test("what cannot be seen yet is not delivered", () => {
  const world = new ConsumerWorld();
  world.visibleSeq = 1;
  world.publish("a", "b");
  world.machine.source.recount();
  world.pull("in", { batch: 5 });
  assert.deepEqual(world.seqs, [1]);
  assert.equal(world.machine.state.nextSeq, 2);
  world.visibleSeq = null;
  world.machine.onVisible(2);
  assert.equal(world.machine.source.numPending, 1);
  world.run();
  assert.deepEqual(world.seqs, [1, 2]);
});

test("what is removed before it can be seen is never counted", () => {
  const world = new ConsumerWorld();
  world.visibleSeq = 0;
  world.store.append("a", Buffer.from("x"), 0, 0, 1, 1, 0, 0);
  world.remove(1);
  world.visibleSeq = null;
  world.machine.onVisible(1);
  assert.equal(world.machine.source.numPending, 0);
});

test("where nobody waits any more the next request is served, and nothing counts as delivered", () => {
  const world = new ConsumerWorld();
  world.pull("gone", { batch: 5 });
  world.pull("in", { batch: 5 });
  world.deserted.add("gone");
  world.publish("a");
  assert.deepEqual(
    world.sent.map(({ inbox, consumerSeq, deliveries }) => [inbox, consumerSeq, deliveries]),
    [["in", 1, 1]],
  );
  assert.equal(world.machine.pulls?.queue.size, 1);
});

test("requests whose receivers have much waiting are left alone for a while", () => {
  const world = new ConsumerWorld();
  world.sendResult = "refused";
  world.pull("slow", { batch: 5 });
  world.publish("a");
  assert.equal(world.machine.obstacle, "held");
  world.sendResult = "sent";
  world.pull("quick", { batch: 1 });
  assert.deepEqual(
    world.sent.map(({ inbox, seq }) => [inbox, seq]),
    [["quick", 1]],
  );
  world.publish("b");
  assert.equal(world.sent.length, 1);
  world.advance(5);
  assert.equal(world.sent.at(-1)?.inbox, "slow");
});

test("what could not be handed over is tried again, and counts once", () => {
  const world = new ConsumerWorld();
  world.sendResult = "refused";
  world.pull("in", { batch: 2 });
  world.publish("a");
  assert.deepEqual([world.seqs, world.machine.source.numPending], [[], 1]);
  world.sendResult = "sent";
  world.advance(5);
  assert.deepEqual(
    world.sent.map(({ seq, deliveries }) => [seq, deliveries]),
    [[1, 1]],
  );
});

test("a rate limit lets one large message through at once, and then so much a second", () => {
  // 1 byte a millisecond, with 1,000 saved up; each message has 8.
  const world = new ConsumerWorld({ rate_limit_bps: 8_000 });
  world.publish(...Array.from({ length: 200 }, () => "a"));
  world.pull("in", { batch: 200 });
  assert.equal(world.sent.length, 126, "until more is owed than was saved");
  assert.equal(world.machine.obstacle, "rate");
  world.advance(80);
  assert.equal(world.sent.length, 136);
});

test("a replay keeps the pace at which messages came, up to where it began", () => {
  const filled = new ConsumerWorld();
  for (const ms of [0, 100, 20]) {
    filled.advance(ms);
    filled.publish("a");
  }
  const world = new ConsumerWorld({ replay_policy: "original" }, filled.store);
  world.pull("in", { batch: 10 });
  assert.deepEqual(world.seqs, [1]);
  world.advance(99);
  assert.deepEqual(world.seqs, [1]);
  world.advance(1);
  assert.deepEqual(world.seqs, [1, 2]);
  world.advance(20);
  assert.deepEqual(world.seqs, [1, 2, 3]);
  world.nowMs += 1_000;
  world.publish("a", "a");
  assert.deepEqual(world.seqs, [1, 2, 3, 4, 5]);
});

test("nothing is delivered while it is paused", () => {
  const world = new ConsumerWorld();
  world.machine.pausedUntilMs = 50;
  world.publish("a");
  world.pull("in", { batch: 1 });
  world.advance(49);
  assert.deepEqual([world.seqs, world.machine.obstacle], [[], "paused"]);
  world.advance(1);
  assert.deepEqual(world.seqs, [1]);
});

test("a push consumer delivers while somebody listens", () => {
  const world = new ConsumerWorld({ ...PUSH, ack_wait: 10_000 * MS });
  world.publish("a");
  assert.deepEqual(world.seqs, [1]);
  world.deserted.add("to");
  world.publish("b");
  assert.deepEqual([world.seqs, world.machine.obstacle], [[1], "noInterest"]);
  world.deserted.clear();
  world.advance(250);
  assert.deepEqual(world.seqs, [1, 2]);
});

test("another deliver subject gets all that is not acknowledged", () => {
  const world = new ConsumerWorld(PUSH);
  world.publish("a", "b");
  world.ack(1);
  world.machine.update({ ...world.machine.config, deliver_subject: "there" }, world.nowMs);
  world.run();
  assert.deepEqual(
    world.sent.map(({ inbox, seq, deliveries }) => [inbox, seq, deliveries]),
    [
      ["to", 1, 1],
      ["to", 2, 1],
      ["there", 2, 2],
    ],
  );
});

test("idle heartbeats come while nothing else does", () => {
  const world = new ConsumerWorld({ ...PUSH, idle_heartbeat: 100 * MS });
  world.advance(60);
  world.publish("a");
  world.advance(60);
  assert.deepEqual(world.statuses, []);
  world.advance(40);
  assert.deepEqual(world.statuses, ["to: 100 Idle Heartbeat"]);
  assert.match(world.blocks[0], /Nats-Last-Consumer: 1\r\nNats-Last-Stream: 1\r\n\r\n$/);
});

test("flow control stops at the window, and an answer opens a larger one", () => {
  const world = new ConsumerWorld({
    ...PUSH,
    flow_control: true,
    idle_heartbeat: 1_000 * MS,
    ack_policy: "none",
  });
  const flow = world.machine.push?.flow;
  assert.ok(flow !== null && flow !== undefined);
  // 2 MiB at first: 8 bytes each would take long.
  world.prepare = ({ seq, subject }, deliveries, consumerSeq, numPending, pinId) => {
    world.sendAs({ seq, subject, deliveries, consumerSeq, numPending, pinId });
    return 512 * 1024;
  };
  world.publish("a", "a", "a", "a", "a", "a", "a");
  assert.equal(world.sent.length, 5);
  assert.deepEqual(world.statuses, ["to: 100 FlowControl Request"]);
  assert.equal(world.machine.obstacle, "flowControl");
  world.machine.onFlowAnswer("another", 0, 0, world.nowMs);
  world.run();
  assert.equal(world.sent.length, 5);
  world.machine.onFlowAnswer(world.replies[0], 0, 0, world.nowMs);
  world.run();
  assert.equal(world.sent.length, 7);
});

test("acknowledgements by flow control cover all before", () => {
  const world = new ConsumerWorld({
    ...PUSH,
    flow_control: true,
    idle_heartbeat: 100 * MS,
    ack_policy: "flow_control",
    ack_wait: 0,
    max_ack_pending: 2,
  });
  world.publish("a", "b", "c");
  assert.deepEqual(world.seqs, [1, 2]);
  world.machine.onFlowAnswer(world.replies[0], 2, 2, world.nowMs);
  world.run();
  assert.deepEqual(world.seqs, [1, 2, 3]);
  assert.equal(world.machine.state.floorStream, 2);
});

test("whoever is pinned loses it after a while without asking", () => {
  const world = new ConsumerWorld({
    priority_policy: "pinned_client",
    priority_groups: ["g"],
    priority_timeout: 100 * MS,
  });
  world.pull("a", { batch: 5, priority: { group: "g" } });
  world.pull("b", { batch: 5, priority: { group: "g" } });
  world.publish("1", "2");
  assert.deepEqual(
    world.sent.map(({ inbox, pinId }) => [inbox, pinId]),
    [
      ["a", "id1"],
      ["a", "id1"],
    ],
  );
  world.advance(99);
  world.pull("a2", { batch: 1, priority: { group: "g", id: "id1" } });
  world.advance(99);
  assert.equal(world.machine.pulls?.pinned.id, "id1", "asking again keeps it");
  world.advance(1);
  world.publish("3", "4");
  assert.deepEqual(
    world.sent.slice(2).map(({ inbox, pinId }) => [inbox, pinId]),
    [
      ["b", "id2"],
      ["b", "id2"],
    ],
  );
  assert.deepEqual(world.statuses, ["a: 423 Nats-Wrong-Pin-Id", "a2: 423 Nats-Wrong-Pin-Id"]);
  assert.deepEqual(
    world.advices.map(({ kind }) => kind),
    ["pinned", "unpinned", "pinned"],
  );
});

test("requests that wait are ordered by a policy that comes later", () => {
  const world = new ConsumerWorld();
  const groups = { priority_groups: ["g"] };
  world.pull("late", { priority: { group: "g", priority: 5 } });
  world.pull("first", { priority: { group: "g", priority: 1 } });
  world.machine.update({ ...PULL, ...groups, priority_policy: "prioritized" }, world.nowMs);
  world.pull("plain");
  world.machine.pulls?.queue.checkInvariants();
  world.publish("1", "2", "3");
  const order = world.sent.map(({ inbox }) => inbox);
  assert.deepEqual(order.slice(0, 2), ["first", "late"]);
  world.machine.update(PULL, world.nowMs);
  world.pull("one", { priority: { priority: 5 } });
  world.pull("two", { priority: { priority: 1 } });
  world.publish("4", "5");
  assert.deepEqual(world.sent.map(({ inbox }) => inbox).slice(-2), ["one", "two"]);
});

test("an acknowledgement of what was not delivered changes nothing and is not confirmed", () => {
  const world = new ConsumerWorld();
  world.publish("a");
  assert.equal(world.ack(1), false);
  assert.equal(world.machine.onAck({ seq: Infinity, consumerSeq: 1, deliveries: 1 }, 0), false);
  world.pull("in");
  assert.deepEqual(world.seqs, [1]);
});

test("begun anew, it delivers as if for the first time", () => {
  const world = new ConsumerWorld();
  world.publish("a", "b");
  world.pull("in", { batch: 5 });
  world.machine.reset(2);
  world.run();
  assert.deepEqual(
    world.sent.map(({ seq, consumerSeq, deliveries }) => [seq, consumerSeq, deliveries]),
    [
      [1, 1, 1],
      [2, 2, 1],
      [2, 1, 1],
    ],
  );
});

test("other subjects are asked for from where it is", () => {
  const world = new ConsumerWorld({ filter_subjects: ["a"] });
  world.publish("a", "b", "c");
  world.pull("in", { batch: 5 });
  world.machine.update({ ...world.machine.config, filter_subjects: ["c", "d"] }, world.nowMs);
  assert.equal(world.machine.source.numPending, 0, "what was passed is passed");
  world.publish("a", "d");
  assert.deepEqual(world.seqs, [1, 5]);
});

test("half of the last messages of all subjects are left after a restart", () => {
  const filled = new ConsumerWorld();
  filled.publish("a", "b", "a", "c");
  const world = new ConsumerWorld({ deliver_policy: "last_per_subject" }, filled.store);
  assert.equal(world.machine.source.numPending, 3);
  world.pull("in", { batch: 1 });
  world.publish("b");
  world.restart();
  assert.equal(world.machine.source.numPending, 3, "of those that were left one has a successor");
  world.pull("in", { batch: 9 });
  assert.deepEqual(world.seqs, [2, 3, 4, 5]);
});
