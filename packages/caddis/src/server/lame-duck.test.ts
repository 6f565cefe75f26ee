import assert from "node:assert/strict";
import { test } from "node:test";
import { TestBroker } from "../../../../test/support/test-broker.ts";
import { LameDuck } from "./lame-duck.ts";

const GRACE_MS = 10_000;
const DURATION_MS = 60_000;
const OPTIONS = { lame_duck_grace_period: "10s", lame_duck_duration: "60s", ping_interval: "1h" } as const;

test("clients are told, left alone for the grace period, then closed one by one within the duration", async () => {
  const world = new TestBroker(OPTIONS);
  const count = 100;
  const peers = Array.from({ length: count }, () => world.connect());
  for (const peer of peers) peer.say("PING\r\n");
  // One that has not had its first PONG expects no INFO.
  const early = world.connect();
  const old = world.connect('{"verbose":false,"protocol":0}');
  old.say("PING\r\n");
  for (const peer of [...peers, early, old]) peer.read();
  let isDone = false;
  const done = new LameDuck(world.broker).run().then(() => (isDone = true));
  for (const peer of peers) assert.match(peer.read(), /^INFO \{.*"ldm":true.*\} \r\n$/);
  for (const peer of [early, old]) assert.equal(peer.read(), "");

  await world.clock.advance(GRACE_MS - 1);
  peers[0].say("SUB foo 1\r\nPUB foo 2\r\nhi\r\n");
  assert.match(peers[0].read(), /MSG foo 1 2\r\nhi\r\n$/, "traffic goes on");
  assert.ok([...world.broker.clients.values()].every(({ state }) => state === "connected"));
  await world.clock.advance(1);
  const closing = (): number => world.peers.filter(({ client }) => client.state !== "connected").length;
  assert.equal(closing(), 1, "one begins");
  await world.clock.advance(1_000);
  assert.ok(closing() >= 2 && closing() < 10, `${closing()} closed a second later`);
  await world.clock.advance(DURATION_MS - GRACE_MS);
  assert.equal(closing(), count + 2);
  assert.ok(world.peers.every(({ client }) => client.closeReason === "serverShutdown"));
  await done;
  assert.ok(isDone);
});

test("it goes through the clients once, and says when it begins", async (t) => {
  const world = new TestBroker(OPTIONS);
  for (let i = 0; i < 50; i++) world.connect();
  // Some leave by themselves: before their turn, and as the next in turn.
  world.peers[3].pipe.hangUp();
  const looks = t.mock.method(world.broker.clients, "values");
  const done = new LameDuck(world.broker).run();
  const announcement = "Closing existing clients";
  assert.ok(!world.logLines.includes(announcement));
  await world.clock.advance(GRACE_MS);
  assert.ok(world.logLines.includes(announcement));
  world.peers[1].pipe.hangUp();
  world.peers[10].pipe.hangUp();
  await world.clock.advance(DURATION_MS - GRACE_MS);
  await done;
  assert.ok(world.peers.every(({ client }) => client.closeReason !== null));
  assert.equal(looks.mock.callCount(), 2, "once to tell them, once to close them");
});

test("few clients do not wait for the whole duration", async () => {
  const world = new TestBroker(OPTIONS);
  const peers = [world.connect(), world.connect(), world.connect()];
  const done = new LameDuck(world.broker).run();
  await world.clock.advance(GRACE_MS + 2_000);
  assert.ok(peers.every(({ client }) => client.state !== "connected"));
  await done;
});

test("it is over when all have left by themselves, and at once when nobody is there", async () => {
  const empty = new TestBroker(OPTIONS);
  await new LameDuck(empty.broker).run();
  const world = new TestBroker(OPTIONS);
  const peer = world.connect();
  const done = new LameDuck(world.broker).run();
  peer.pipe.hangUp();
  await world.clock.advance(GRACE_MS);
  await done;
});

test("a shutdown in between cancels it", async () => {
  const world = new TestBroker(OPTIONS);
  const peer = world.connect();
  const lameDuck = new LameDuck(world.broker);
  const done = lameDuck.run();
  lameDuck.cancel();
  await done;
  await world.clock.advance(2 * GRACE_MS);
  assert.equal(peer.client.state, "connected");
});
