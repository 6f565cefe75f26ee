import assert from "node:assert/strict";
import { test } from "node:test";
import { type Peer, TestBroker } from "../../../../test/support/test-broker.ts";
import {
  CLOSE_LINGER_MS,
  SHUTDOWN_LINGER_MS,
  FIRST_PING_MS,
  PING_GRAIN_MS,
  RTT_INTERVAL_MS,
  STALL_BYTES_MAX,
  STALL_MS_MAX,
} from "../base/limits.ts";

/** The latest moment of the first PING: a fifth of jitter, then the next multiple of the grain. */
const FIRST_PING_MS_MAX = FIRST_PING_MS * 1.2 + PING_GRAIN_MS;
const MINUTE_MS = 60_000;

function pub(subject: string, payload: string): string {
  return `PUB ${subject} ${payload.length}\r\n${payload}\r\n`;
}

/** Publishes numbered messages of about `size` bytes; returns their payloads. */
function publishMany(peer: Peer, subject: string, count: number, size: number, first = 0): string[] {
  const payloads = Array.from({ length: count }, (_, i) => `${first + i}:`.padEnd(size, "x"));
  peer.say(payloads.map((payload) => pub(subject, payload)).join(""));
  return payloads;
}

// ── beginning ──────────────────────────────────────────────────────────────

test("a connection is greeted before it says anything, and is connected by its CONNECT", async () => {
  const world = new TestBroker();
  const peer = world.accept();
  await world.clock.settled();
  const greeting = peer.pipe.takeOutput();
  const info = JSON.parse(/^INFO (\{.*\}) \r\n$/.exec(greeting)?.[1] ?? "null") as Record<string, unknown>;
  assert.equal(info["client_id"], peer.client.cid);
  assert.equal(info["client_ip"], peer.pipe.remoteHost);
  assert.equal(info["auth_required"], undefined);
  assert.equal(peer.client.state, "connecting");
  peer.say("CONNECT {}\r\n");
  assert.equal(peer.read(), "+OK\r\n");
  assert.equal(peer.client.state, "connected");
  assert.deepEqual(world.events, [{ event: "connect", cid: peer.client.cid }]);
});

test("who says nothing in time where authentication is asked for is sent away", async () => {
  const world = new TestBroker({ authorization: { token: "s3cret", timeout: "2s" } });
  const silent = world.accept();
  const slow = world.accept();
  const right = world.accept();
  right.say('CONNECT {"auth_token":"s3cret","verbose":false}\r\n');
  slow.say('CONNECT {"auth_to');
  await world.clock.advance(1_999);
  assert.equal(silent.client.state, "connecting");
  await world.clock.advance(1);
  for (const late of [silent, slow]) {
    assert.match(late.read(), /^INFO .*\r\n-ERR 'Authentication Timeout'\r\n$/);
    assert.ok(late.pipe.hasEnded);
    assert.equal(late.client.closeReason, "authenticationTimeout");
    late.pipe.hangUp();
    assert.equal(late.client.state, "closed");
    assert.equal(late.client.parser.tailBytes, 0);
  }
  assert.equal(right.client.state, "connected");
  world.checkInvariants();
});

test("a wrong token is refused at once and counted", () => {
  const world = new TestBroker({ authorization: { token: "s3cret" } });
  const peer = world.accept();
  peer.say('CONNECT {"auth_token":"guess"}\r\nPING\r\n');
  assert.match(peer.read(), /^INFO .*\r\n-ERR 'Authorization Violation'\r\n$/);
  assert.ok(peer.pipe.hasEnded);
  assert.deepEqual(world.events, [{ event: "auth error", cid: 1 }]);
});

test("connections beyond the limit are refused; those take no place from others", () => {
  const world = new TestBroker({ max_connections: 2 });
  const [first] = [world.connect(), world.connect()];
  // They do not hang up, so that the server has to wait for the end of the linger.
  for (let i = 0; i < 5; i++) {
    const refused = world.accept();
    assert.match(refused.read(), /-ERR 'maximum connections exceeded'\r\n$/);
    assert.ok(refused.pipe.hasEnded);
  }
  first.pipe.hangUp();
  const next = world.accept();
  next.say("CONNECT {}\r\nPING\r\n");
  assert.match(next.read(), /PONG\r\n$/, "a place that became free is free");
  world.checkInvariants();
});

// ── time ───────────────────────────────────────────────────────────────────

test("the first PING comes soon and measures the round trip, the next after the interval", async () => {
  const world = new TestBroker({ ping_interval: "1m" });
  const peer = world.connect();
  await world.clock.advance(FIRST_PING_MS - 1);
  assert.equal(peer.read(), "");
  await world.clock.advance(FIRST_PING_MS_MAX - FIRST_PING_MS + 1);
  assert.equal(peer.read(), "PING\r\n");
  await world.clock.advance(7);
  const sinceFirstTick = world.clock.monotonicMs();
  peer.say("PONG\r\n");
  assert.ok(
    peer.client.pings.rttMs >= 7 && peer.client.pings.rttMs < FIRST_PING_MS_MAX,
    `${peer.client.pings.rttMs}`,
  );
  await world.clock.advance(MINUTE_MS - PING_GRAIN_MS - FIRST_PING_MS_MAX);
  assert.equal(peer.read(), "", `since ${sinceFirstTick}`);
  await world.clock.advance(FIRST_PING_MS_MAX + 2 * PING_GRAIN_MS + MINUTE_MS);
  assert.match(peer.read(), /^PING\r\n/);
});

test("who answers no PING is stale after ping_max of them", async () => {
  const world = new TestBroker({ ping_interval: "10s", ping_max: 2 });
  const peer = world.connect();
  const idle = world.accept();
  await world.clock.advance(15_000);
  assert.equal(peer.read(), "PING\r\nPING\r\n");
  await world.clock.advance(10_000);
  assert.equal(peer.read(), "-ERR 'Stale Connection'\r\n");
  assert.ok(peer.pipe.hasEnded);
  assert.equal(peer.client.closeReason, "staleConnection");
  assert.equal(idle.client.closeReason, "staleConnection", "one that never sent CONNECT too");
  assert.equal(world.broker.counters.staleConnections, 2);
  assert.deepEqual(world.events.at(-1)?.event, "disconnect");
});

test("a connection that talks is not asked, but for the round trip once in a while", async () => {
  const world = new TestBroker({ ping_interval: "10s" });
  const peer = world.connect();
  let pings = 0;
  const talk = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 4_000) {
      await world.clock.advance(4_000);
      peer.say(pub("nobody", ""));
      const asked = peer.read();
      if (asked === "") continue;
      assert.equal(asked, "PING\r\n");
      pings++;
      peer.say("PONG\r\n");
    }
  };
  await talk(10 * MINUTE_MS);
  assert.equal(pings, 1, "the first one");
  await talk(RTT_INTERVAL_MS);
  assert.equal(pings, 2);
});

test("a write that does not go through within the deadline ends the connection", async () => {
  const world = new TestBroker({ write_deadline: "3s" });
  const [slow, publisher] = [world.connect(), world.connect()];
  slow.say("SUB foo 1\r\n");
  slow.pipe.takesAll = false;
  publisher.say(pub("foo", "one"));
  await world.clock.advance(2_000);
  // Progress: the deadline counts for each write.
  slow.pipe.complete();
  publisher.say(pub("foo", "two"));
  await world.clock.advance(2_999);
  assert.equal(slow.client.state, "connected");
  await world.clock.advance(1);
  assert.equal(slow.client.closeReason, "slowConsumerWriteDeadline");
  assert.ok(slow.pipe.isDestroyed);
  assert.equal(world.broker.counters.slowConsumers, 1);
  assert.deepEqual(world.events.slice(2), [
    { event: "slow consumer", cid: slow.client.cid },
    { event: "disconnect", cid: slow.client.cid },
  ]);
  slow.pipe.hangUp();
  world.checkInvariants();
});

test("with write_timeout retry a late write is counted and goes on", async () => {
  const world = new TestBroker({ write_deadline: "3s", write_timeout: "retry" });
  const [slow, publisher] = [world.connect(), world.connect()];
  slow.say("SUB foo 1\r\n");
  slow.pipe.takesAll = false;
  publisher.say(pub("foo", "one"));
  await world.clock.advance(9_000);
  assert.equal(slow.client.state, "connected");
  assert.equal(world.broker.counters.slowConsumers, 3);
  slow.pipe.complete();
  assert.deepEqual(
    slow.messages().map(({ payload }) => payload),
    ["one"],
  );
});

// ── slow receivers ─────────────────────────────────────────────────────────

test("a receiver over max_pending is closed and counted; the others get every message", async () => {
  const world = new TestBroker({ max_pending: 100_000, max_payload: 50_000 });
  const [slow, quick, publisher] = [world.connect(), world.connect(), world.connect()];
  slow.say("SUB foo 1\r\nSUB foo 2\r\n");
  quick.say("SUB foo 1\r\nSUB * 2\r\n");
  slow.pipe.takesAll = false;
  const payloads = publishMany(publisher, "foo", 300, 1_000);
  // It is waited for in between, but not for long, and not for ever.
  await world.clock.advance(1_000);
  assert.deepEqual(
    quick.messages().map(({ payload }) => payload),
    payloads.flatMap((payload) => [payload, payload]),
  );
  assert.equal(slow.client.closeReason, "slowConsumerPendingBytes");
  assert.ok(slow.pipe.isDestroyed);
  assert.equal(slow.client.subscriptions.size, 0);
  assert.equal(slow.client.outbound.pendingBytes, 0);
  assert.equal(world.broker.counters.slowConsumers, 1, "once, however many of its subscriptions follow");
  assert.deepEqual(
    world.events.filter(({ event }) => event === "slow consumer"),
    [{ event: "slow consumer", cid: slow.client.cid }],
  );
  assert.ok(world.broker.counters.stalls > 0);
  slow.pipe.hangUp();
  world.checkInvariants();
  publisher.say(pub("foo", "later"));
  assert.deepEqual(
    quick.messages().map(({ payload }) => payload),
    ["later", "later"],
  );
});

test("who floods itself with PINGs and never reads is closed as slow, within its own read", () => {
  const world = new TestBroker({ max_pending: 10_000, max_payload: 1_000 });
  const peer = world.connect();
  peer.pipe.takesAll = false;
  for (let i = 0; i < 100 && peer.client.state === "connected"; i++) peer.say("PING\r\n".repeat(100));
  assert.equal(peer.client.closeReason, "slowConsumerPendingBytes");
  assert.ok(peer.pipe.isDestroyed);
  peer.pipe.hangUp();
  world.checkInvariants();
});

test("a large message behind a small one waits for its turn, in pieces, as long as there is room for it", () => {
  const world = new TestBroker({ max_pending: 5_000, max_payload: 4_900 });
  const [receiver, publisher] = [world.connect(), world.connect()];
  receiver.say("SUB foo 1\r\n");
  receiver.pipe.takesAll = false;
  publisher.say(pub("foo", "small"));
  publisher.say(pub("foo", "x".repeat(4_900)));
  assert.equal(receiver.client.closeReason, null);
  while (receiver.pipe.isWriting) receiver.pipe.complete();
  assert.deepEqual(
    receiver.messages().map(({ payload }) => payload.length),
    [5, 4_900],
  );
});

/** A receiver that takes nothing, a publisher that has been held back because of it, and a quick receiver. */
function stalledWorld(options: ConstructorParameters<typeof TestBroker>[0] = {}): {
  world: TestBroker;
  slow: Peer;
  quick: Peer;
  publisher: Peer;
  payloads: string[];
} {
  const world = new TestBroker(options);
  const [slow, quick, publisher] = [world.connect(), world.connect(), world.connect()];
  slow.say("SUB foo 1\r\n");
  quick.say("SUB foo 1\r\n");
  slow.pipe.takesAll = false;
  const payloads: string[] = [];
  while (!publisher.pipe.isPaused) {
    payloads.push(...publishMany(publisher, "foo", 100, 10_000, payloads.length));
    assert.ok(payloads.length < 2_000, "a publisher that outruns its receiver is held back");
  }
  assert.ok(slow.client.outbound.pendingBytes > STALL_BYTES_MAX);
  assert.equal(publisher.client.stallCount, 1);
  assert.equal(world.broker.counters.stalls, 1);
  return { world, slow, quick, publisher, payloads };
}

test("a publisher that is held back goes on as soon as its receiver has caught up", () => {
  const { world, slow, quick, publisher, payloads } = stalledWorld();
  const received = quick.messages().length;
  assert.ok(received < payloads.length, "a part of the last read waits");
  // A pipe may hand over one more read after it was paused.
  payloads.push(...publishMany(publisher, "foo", 5, 100, payloads.length));
  assert.equal(quick.messages().length, 0);
  slow.pipe.takesAll = true;
  while (slow.pipe.isWriting) slow.pipe.complete();
  assert.ok(!publisher.pipe.isPaused);
  assert.equal(received + quick.messages().length, payloads.length);
  assert.deepEqual(
    slow.messages().map(({ payload }) => payload),
    payloads,
  );
  world.checkInvariants();
});

test("a publisher is held back for a bounded time, whatever its receiver does", async () => {
  const { world, slow, quick, publisher, payloads } = stalledWorld();
  const received = quick.messages();
  await world.clock.advance(STALL_MS_MAX - 1);
  assert.ok(publisher.pipe.isPaused);
  // Each slab more that the receiver does not take holds the publisher back again; it still gets on.
  let waits = 0;
  while (publisher.pipe.isPaused || received.length < payloads.length) {
    await world.clock.advance(STALL_MS_MAX);
    received.push(...quick.messages());
    assert.ok(++waits < 200, "it gets on");
  }
  assert.deepEqual(
    received.map(({ payload }) => payload),
    payloads,
  );
  assert.equal(slow.client.state, "connected");
  world.checkInvariants();
});

test("no_fast_producer_stall holds nobody back", () => {
  const world = new TestBroker({ no_fast_producer_stall: true });
  const [slow, publisher] = [world.connect(), world.connect()];
  slow.say("SUB foo 1\r\n");
  slow.pipe.takesAll = false;
  for (let i = 0; i < 10; i++) publishMany(publisher, "foo", 100, 10_000);
  assert.ok(slow.client.outbound.pendingBytes > 2 * STALL_BYTES_MAX);
  assert.ok(!publisher.pipe.isPaused);
});

test("no_fast_producer_stall holds for who is connected when it comes, and no longer when it goes", () => {
  const world = new TestBroker();
  const { broker } = world;
  const [slow, publisher] = [world.connect(), world.connect()];
  slow.say("SUB foo 1\r\n");
  slow.pipe.takesAll = false;
  const follow = (no_fast_producer_stall: boolean): void => {
    const previous = broker.options;
    broker.options = { ...previous, no_fast_producer_stall };
    for (const client of broker.clients.values()) client.onOptionsChanged(previous);
  };
  follow(true);
  // More than may be waiting: what is too much is dropped, or the receiver would be closed.
  for (let i = 0; i < 80; i++) publishMany(publisher, "foo", 100, 10_000);
  assert.ok(!publisher.pipe.isPaused);
  assert.equal(slow.client.state, "connected");
  follow(false);
  publishMany(publisher, "foo", 100, 10_000);
  assert.ok(publisher.pipe.isPaused);
});

test("a publisher goes on when the receiver it waits for is closed, hangs up or fails", async () => {
  for (const how of ["close", "hang up", "fail", "deadline"]) {
    const { world, slow, quick, publisher, payloads } = stalledWorld({ write_deadline: "5ms" });
    const received = quick.messages();
    if (how === "close") slow.client.closeNow("serverShutdown");
    else if (how === "hang up") slow.pipe.hangUp();
    else if (how === "fail") slow.pipe.hangUp(new Error("reset"));
    await world.clock.advance(how === "deadline" ? 5 : 0);
    assert.ok(!publisher.pipe.isPaused, how);
    received.push(...quick.messages());
    assert.deepEqual(
      received.map(({ payload }) => payload),
      payloads,
      how,
    );
    assert.notEqual(slow.client.state, "connected");
    if (slow.client.state !== "closed") slow.pipe.hangUp();
    world.checkInvariants();
  }
});

test("a publisher that ends while it is held back leaves nothing behind", async () => {
  for (const how of ["close", "hang up", "closeNow"]) {
    const { world, slow, publisher } = stalledWorld();
    if (how === "close") publisher.client.close("serverShutdown");
    else if (how === "closeNow") publisher.client.closeNow("serverShutdown");
    else publisher.pipe.hangUp();
    if (how === "close")
      assert.ok(!publisher.pipe.isPaused, "what it still sends is read, so that our last words arrive");
    if (publisher.client.state !== "closed") publisher.pipe.hangUp();
    slow.pipe.takesAll = true;
    while (slow.pipe.isWriting) slow.pipe.complete();
    await world.clock.advance(STALL_MS_MAX);
    assert.equal(publisher.client.state, "closed");
    world.checkInvariants();
    slow.pipe.hangUp();
    assert.equal(world.broker.clients.size, 1);
  }
});

// ── inside a delivery ──────────────────────────────────────────────────────

test("a slow consumer that is closed in the middle of a delivery costs nobody else a message", () => {
  const world = new TestBroker({ max_pending: 5_000, max_payload: 1_900 });
  const publisher = world.connect();
  const receivers = Array.from({ length: 9 }, () => world.connect());
  for (const peer of receivers) peer.say("SUB foo 1\r\nSUB * 2\r\nSUB > 3\r\nSUB foo q 4\r\n");
  for (const slow of receivers.filter((_, i) => i % 3 === 1)) slow.pipe.takesAll = false;
  // The publisher gets its own messages too, and is slow itself.
  publisher.say("SUB foo 1\r\n");
  const got = receivers.map(() => 0);
  let grouped = 0;
  for (let i = 0; i < 20; i++) {
    publisher.say(pub("foo", "x".repeat(500)));
    for (const [r, peer] of receivers.entries()) {
      if (r % 3 === 1) continue;
      for (const { sid } of peer.messages()) {
        if (sid === "4") grouped++;
        else got[r]++;
      }
    }
    world.checkInvariants();
  }
  for (const [r, count] of got.entries()) assert.equal(count, r % 3 === 1 ? 0 : 60);
  assert.equal(world.broker.counters.slowConsumers, 3);
  assert.ok(grouped > 10 && grouped <= 20, `${grouped} of 20 went to a quick member of the group`);
});

test("a publisher that is its own slow consumer ends within its own publish", () => {
  const world = new TestBroker({ max_pending: 2_000, max_payload: 1_900 });
  const peer = world.connect();
  const other = world.connect();
  other.say("SUB foo 1\r\n");
  peer.say("SUB foo 1\r\nSUB foo 2\r\n");
  peer.pipe.takesAll = false;
  peer.say(pub("foo", "x".repeat(900)).repeat(3));
  assert.equal(peer.client.closeReason, "slowConsumerPendingBytes");
  const count = other.messages().length;
  assert.ok(count >= 1 && count <= 3);
  // Half a publish in the tail when the end comes.
  const second = world.connect();
  second.say("SUB foo 1\r\nSUB foo 2\r\nSUB foo 3\r\n");
  second.pipe.takesAll = false;
  const text = pub("foo", "x".repeat(900));
  second.say(text.slice(0, 50));
  second.say(text.slice(50) + text.slice(0, 20));
  assert.equal(second.client.closeReason, "slowConsumerPendingBytes");
  assert.equal(second.client.parser.tailBytes, 0);
  peer.pipe.hangUp();
  second.pipe.hangUp();
  world.checkInvariants();
});

test("subscriptions that are used up inside a delivery get their number of messages and no more", () => {
  const world = new TestBroker();
  const [receiver, publisher] = [world.connect(), world.connect()];
  receiver.say("SUB foo 1\r\nSUB foo 2\r\nSUB * 3\r\nSUB foo q 4\r\nSUB foo q 5\r\nSUB foo 6\r\n");
  receiver.say("UNSUB 1 1\r\nUNSUB 2 2\r\nUNSUB 3 1\r\nUNSUB 4 1\r\nUNSUB 5 1\r\n");
  publisher.say(pub("foo", "a") + pub("foo", "b") + pub("foo", "c"));
  const counts = new Map<string, number>();
  for (const { sid } of receiver.messages()) counts.set(sid, (counts.get(sid) ?? 0) + 1);
  assert.deepEqual(
    counts,
    new Map([
      ["1", 1],
      ["2", 2],
      ["3", 1],
      ["4", 1],
      ["5", 1],
      ["6", 3],
    ]),
  );
  assert.deepEqual([...receiver.client.subscriptions.keys()], [6]);
  world.checkInvariants();
  // The sid is free again, and counts from the beginning.
  receiver.say("SUB foo 1\r\n");
  publisher.say(pub("foo", "d") + pub("foo", "e"));
  assert.equal(receiver.messages().filter(({ sid }) => sid === "1").length, 2);
});

test("a queue group passes over members who take nothing", () => {
  const world = new TestBroker({ max_pending: 1_000, max_payload: 900 });
  const publisher = world.connect();
  const members = Array.from({ length: 5 }, () => world.connect());
  for (const member of members) member.say("SUB foo q 1\r\n");
  members[0].pipe.takesAll = false;
  members[3].pipe.takesAll = false;
  let received = 0;
  for (let i = 0; i < 200; i++) {
    publisher.say(pub("foo", "x".repeat(300)));
    for (const member of members) received += member.pipe.takesAll ? member.messages().length : 0;
  }
  assert.equal(members[0].client.closeReason, "slowConsumerPendingBytes");
  assert.equal(members[3].client.closeReason, "slowConsumerPendingBytes");
  // Two messages each wait for the slow ones before they are found out.
  assert.ok(received >= 194, `${received} of 200`);
  world.checkInvariants();
});

// ── the end ────────────────────────────────────────────────────────────────

test("the last words are sent before the end, behind an outstanding write too", async () => {
  const world = new TestBroker();
  const peer = world.connect();
  peer.pipe.takesAll = false;
  peer.say("PING\r\n");
  peer.say("nonsense\r\n");
  assert.equal(peer.client.state, "closing");
  assert.ok(!peer.pipe.hasEnded);
  peer.say("PING\r\nSUB foo 1\r\n");
  peer.pipe.takesAll = true;
  peer.pipe.complete();
  assert.equal(
    peer.pipe.takeOutput().replace(/INFO .*\r\n/, ""),
    "PONG\r\n-ERR 'Unknown Protocol Operation'\r\n",
  );
  assert.ok(peer.pipe.hasEnded && !peer.pipe.isDestroyed);
  assert.equal(peer.client.subscriptions.size, 0, "nothing was done after the fault");
  peer.pipe.hangUp();
  assert.equal(peer.client.state, "closed");
  await world.clock.advance(2 * CLOSE_LINGER_MS);
  world.checkInvariants();
});

test("a peer that does not take its last words, or does not hang up, is dropped after a while", async () => {
  for (const takesAll of [true, false]) {
    const world = new TestBroker();
    const peer = world.connect();
    peer.pipe.takesAll = takesAll;
    peer.say("nonsense\r\n");
    // Who does not read has the time of any write, who does not hang up has less.
    await world.clock.advance((takesAll ? CLOSE_LINGER_MS : world.broker.options.write_deadline) - 1);
    assert.ok(!peer.pipe.isDestroyed);
    await world.clock.advance(1);
    assert.ok(peer.pipe.isDestroyed);
    assert.equal(peer.client.outbound.pendingBytes, 0, "and what it did not take with it");
    peer.pipe.hangUp();
    assert.equal(world.broker.clients.size, 0);
    world.checkInvariants();
  }
});

test("a connection that ends gives everything back, whatever state it is in", async () => {
  const world = new TestBroker({ authorization: { token: "t" } });
  const ends: ((peer: Peer) => void)[] = [
    (peer) => peer.pipe.hangUp(),
    (peer) => peer.pipe.hangUp(new Error("reset")),
    (peer) => {
      peer.say("SUB foo 1\r\nPUB foo 100\r\nhalf");
      peer.pipe.hangUp();
    },
    (peer) => {
      peer.pipe.takesAll = false;
      peer.say('CONNECT {"auth_token":"t"}\r\nSUB foo 1\r\nSUB > 2\r\nPUB foo 3\r\nabc\r\nPIN');
      peer.pipe.hangUp(new Error("reset"));
    },
    (peer) => {
      peer.client.close("serverShutdown");
      peer.client.close("staleConnection");
      peer.client.closeNow("staleConnection");
      peer.pipe.hangUp();
    },
  ];
  for (const [number, end] of ends.entries()) {
    const peer = world.accept();
    end(peer);
    assert.equal(peer.client.state, "closed");
    assert.equal(world.broker.clients.size, 0);
    assert.equal(world.broker.closedClients.total, number + 1);
    world.checkInvariants();
  }
  assert.equal(world.broker.timers.size, 1, "the server's own upkeep");
  await world.broker.shutdown();
  assert.equal(world.broker.timers.size, 0);
});

test("a shutdown sends what is queued and waits for the ends of all", async () => {
  const world = new TestBroker();
  const [slow, quick] = [world.connect(), world.connect()];
  slow.pipe.takesAll = false;
  slow.say("PING\r\n");
  quick.say("SUB foo 1\r\n");
  let isDown = false;
  const down = world.broker.shutdown().then(() => (isDown = true));
  assert.ok(quick.pipe.hasEnded);
  assert.ok(!slow.pipe.hasEnded);
  quick.pipe.hangUp();
  await world.clock.advance(world.broker.options.write_deadline);
  assert.ok(slow.pipe.isDestroyed);
  assert.ok(!isDown);
  slow.pipe.hangUp();
  await down;
  assert.equal(world.broker.timers.size, 0);
});

test("totals count open and closed connections", () => {
  const world = new TestBroker();
  const [receiver, publisher] = [world.connect(), world.connect()];
  receiver.say("SUB foo 1\r\nSUB foo 2\r\n");
  publisher.say(pub("foo", "12345") + pub("nobody", "123"));
  const total = { inMessages: 2, inBytes: 8, outMessages: 2, outBytes: 10 };
  assert.deepEqual(world.broker.traffic(), total);
  receiver.pipe.hangUp();
  publisher.pipe.hangUp();
  assert.deepEqual(world.broker.traffic(), total);
});

test("at a shutdown a connection whose last bytes are sent is soon gone on both sides", async () => {
  const world = new TestBroker();
  const peer = world.connect();
  const down = world.broker.shutdown();
  assert.ok(peer.pipe.hasEnded && !peer.pipe.isDestroyed);
  await world.clock.advance(SHUTDOWN_LINGER_MS);
  assert.ok(peer.pipe.isDestroyed);
  peer.pipe.hangUp();
  await down;
});
