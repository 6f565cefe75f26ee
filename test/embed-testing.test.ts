import assert from "node:assert/strict";
import { test } from "node:test";
import { connectInProcess } from "../packages/caddis/src/server/in-process.ts";
import type { DisconnectInfo, SlowConsumerInfo } from "../packages/caddis/src/server/index.ts";
import { createTestServer, SeededRandom, virtualClock } from "../packages/caddis/src/server/testing.ts";
import { InProcessPeer } from "./support/in-process-peer.ts";

const CONNECT = 'CONNECT {"verbose":false,"pedantic":false,"protocol":1}\r\n';
/** The first PING comes after two seconds, up to a fifth later, on the next multiple of 250 ms. */
const FIRST_PING_MS = { min: 2_000, max: 2_500 };

test("settled: what was sent has been done", async () => {
  await using server = await createTestServer();
  const peer = new InProcessPeer(server);
  peer.send(`${CONNECT}SUB greetings 1\r\nPUB greetings 5\r\nhello\r\nPING\r\n`);
  await server.settled();
  assert.match(
    peer.take(),
    /^INFO .*\r\nMSG greetings 1 5\r\nhello\r\nPONG\r\nINFO .*"connect_info":true.*\r\n$/,
  );
});

test("no CONNECT within the time to authenticate ends the connection, to the millisecond", async () => {
  await using server = await createTestServer({
    authorization: { user: "ana", password: "secret", timeout: "3s" },
  });
  const peer = new InProcessPeer(server);
  await server.clock.advance(2_999);
  assert.match(peer.take(), /^INFO [^\r]*"auth_required":true[^\r]*\r\n$/);
  assert.equal(peer.isClosed, false);
  await server.clock.advance(1);
  assert.equal(peer.take(), "-ERR 'Authentication Timeout'\r\n");
  assert.equal(peer.isClosed, true);
});

test("CONNECT in time stops the time to authenticate", async () => {
  await using server = await createTestServer({ authorization: { token: "t" } });
  const peer = new InProcessPeer(server);
  await server.clock.advance(1_999);
  peer.send('CONNECT {"auth_token":"t","verbose":false,"protocol":1}\r\n');
  await server.clock.advance(60_000);
  assert.equal(peer.isClosed, false);
});

test("pings: soon after the start, then by interval; a peer that never answers is stale", async () => {
  const gone: DisconnectInfo[] = [];
  await using server = await createTestServer(
    { ping_interval: "60s", ping_max: 2 },
    { onDisconnect: (info) => gone.push(info) },
  );
  const peer = new InProcessPeer(server);
  peer.send(CONNECT);
  await server.settled();
  peer.take();
  await server.clock.advance(FIRST_PING_MS.min - 1);
  assert.equal(peer.take(), "");
  await server.clock.advance(FIRST_PING_MS.max - FIRST_PING_MS.min + 1);
  assert.equal(peer.take(), "PING\r\n");
  await server.clock.advance(60_000);
  assert.equal(peer.take(), "PING\r\n");
  assert.deepEqual(gone, []);
  await server.clock.advance(60_000);
  assert.equal(peer.take(), "-ERR 'Stale Connection'\r\n");
  assert.equal(peer.isClosed, true);
  assert.deepEqual(
    gone.map(({ reason }) => reason),
    ["Stale Connection"],
  );
});

test("pongs keep a silent peer, for hours", async () => {
  await using server = await createTestServer({ ping_interval: "60s", ping_max: 1 });
  const peer = new InProcessPeer(server);
  peer.send(CONNECT);
  let pings = 0;
  for (let minute = 0; minute < 180; minute++) {
    await server.clock.advance(60_000);
    const asked = peer.take().split("PING\r\n").length - 1;
    pings += asked;
    for (let i = 0; i < asked; i++) peer.send("PONG\r\n");
  }
  assert.equal(peer.isClosed, false);
  // A PONG that comes up to a minute late counts as activity: each second interval goes without a PING.
  assert.equal(pings, 90);
});

test("the official client answers pings in virtual time", async () => {
  await using server = await createTestServer({ ping_interval: "10s", ping_max: 1 });
  const nc = await connectInProcess(server);
  await server.clock.advance(3_600_000);
  assert.equal(nc.isClosed(), false);
  await nc.flush();
  assert.equal(nc.stats().inMsgs, 0);
  await nc.close();
});

test("a peer that takes nothing is closed at the write deadline", async () => {
  const slow: SlowConsumerInfo[] = [];
  const gone: DisconnectInfo[] = [];
  await using server = await createTestServer(
    { write_deadline: "5s" },
    { onSlowConsumer: (info) => slow.push(info), onDisconnect: (info) => gone.push(info) },
  );
  const [subscriber, publisher] = [new InProcessPeer(server), new InProcessPeer(server)];
  subscriber.send('CONNECT {"name":"snail","verbose":false,"protocol":1}\r\nSUB x 1\r\n');
  await server.settled();
  subscriber.connection.pause();
  publisher.send(`${CONNECT}PUB x 2\r\nhi\r\n`);
  await server.clock.advance(4_999);
  assert.equal(slow.length, 0);
  await server.clock.advance(1);
  assert.deepEqual(
    slow.map(({ name, limit, pendingBytes }) => [name, limit, pendingBytes > 0]),
    [["snail", "write deadline", true]],
  );
  assert.deepEqual(
    gone.map(({ name, reason }) => [name, reason]),
    [["snail", "Slow Consumer (Write Deadline)"]],
  );
});

test("with write_timeout retry the write deadline only counts", async () => {
  let slow = 0;
  await using server = await createTestServer(
    { write_deadline: "5s", write_timeout: "retry" },
    { onSlowConsumer: () => slow++ },
  );
  const peer = new InProcessPeer(server);
  peer.send(`${CONNECT}SUB x 1\r\n`);
  await server.settled();
  peer.take();
  peer.connection.pause();
  peer.send("PUB x 2\r\nhi\r\n");
  await server.clock.advance(12_000);
  assert.equal(slow, 2);
  peer.connection.resume();
  await server.settled();
  assert.match(peer.take(), /^MSG x 1 2\r\nhi\r\n/);
  assert.equal(peer.isClosed, false);
});

test("more than max_pending waiting: a slow consumer, after its publisher was held back for a while", async () => {
  const slow: SlowConsumerInfo[] = [];
  await using server = await createTestServer(
    { max_pending: 10_000, max_payload: 1_000 },
    { onSlowConsumer: (info) => slow.push(info) },
  );
  const [subscriber, publisher] = [new InProcessPeer(server), new InProcessPeer(server)];
  subscriber.send(`${CONNECT}SUB x 1\r\n`);
  await server.settled();
  subscriber.connection.pause();
  publisher.send(CONNECT);
  for (let i = 0; i < 12; i++) publisher.send(`PUB x 1000\r\n${"x".repeat(1000)}\r\n`);
  await server.settled();
  assert.equal(slow.length, 0);
  await server.clock.advance(100);
  assert.deepEqual(
    slow.map(({ limit }) => limit),
    ["pending"],
  );
  publisher.send("PING\r\n");
  await server.settled();
  assert.match(publisher.take(), /PONG\r\n/);
});

test("lame duck mode tells, waits, closes one by one, and ends", async () => {
  await using server = await createTestServer({ lame_duck_duration: "30s", lame_duck_grace_period: "10s" });
  const peers = Array.from({ length: 5 }, () => new InProcessPeer(server));
  for (const peer of peers) peer.send(`${CONNECT}PING\r\n`);
  await server.settled();
  for (const peer of peers) peer.take();
  let isDown = false;
  const down = server.lameDuck().then(() => (isDown = true));
  await server.settled();
  assert.equal(server.isRunning, false);
  for (const peer of peers) assert.match(peer.take(), /^INFO [^\r]*"ldm":true[^\r]*\r\n$/);
  const late = new InProcessPeer(server);
  await server.settled();
  assert.deepEqual([late.text, late.isClosed], ["", true]);

  const open = (): number => peers.filter((peer) => !peer.isClosed).length;
  await server.clock.advance(9_999);
  assert.equal(open(), 5);
  await server.clock.advance(1);
  assert.equal(open(), 4);
  await server.clock.advance(1_000);
  assert.ok(open() < 4);
  await server.clock.advance(20_000);
  assert.equal(open(), 0);
  await down;
  assert.equal(isDown, true);
});

test("the official client hears of lame duck mode", async () => {
  await using server = await createTestServer();
  const nc = await connectInProcess(server, { reconnect: false });
  const heard: string[] = [];
  const listening = (async () => {
    for await (const status of nc.status()) heard.push(status.type);
  })();
  const down = server.lameDuck();
  await server.clock.advance(120_000);
  await Promise.all([down, nc.closed(), listening]);
  assert.deepEqual(heard.slice(0, 2), ["ldm", "disconnect"]);
});

test("shutdown does not wait for a peer that takes nothing", async () => {
  const server = await createTestServer();
  const peer = new InProcessPeer(server);
  peer.send(`${CONNECT}SUB x 1\r\n`);
  await server.settled();
  peer.connection.pause();
  peer.send("PUB x 2\r\nhi\r\n");
  await server.settled();
  await server.shutdown();
  await server.closed;
});

test("a seed repeats what is left to chance: id, ping times, queue members", async () => {
  const life = async (seed?: number): Promise<unknown> => {
    await using server = await createTestServer({}, seed === undefined ? {} : { seed });
    const peer = new InProcessPeer(server);
    peer.send(`${CONNECT}SUB q g 1\r\nSUB q g 2\r\nSUB q g 3\r\n`);
    for (let i = 0; i < 20; i++) peer.send("PUB q 0\r\n\r\n");
    await server.settled();
    const members = peer.take().match(/MSG q \d/g);
    let pingMs = 0;
    while (!peer.take().includes("PING")) {
      await server.clock.advance(50);
      pingMs += 50;
    }
    return { id: server.id, members, pingMs };
  };
  const [one, again, other] = [await life(42), await life(42), await life(43)];
  assert.deepEqual(one, again);
  assert.notDeepEqual(one, other);
  assert.deepEqual(await life(), await life(1));
  assert.equal(new SeededRandom(42).fraction(), new SeededRandom(42).fraction());
});

test("servers may share one clock", async () => {
  const clock = virtualClock(1_000_000);
  await using one = await createTestServer({}, { clock });
  await using two = await createTestServer({}, { clock, seed: 2 });
  const peers = [new InProcessPeer(one), new InProcessPeer(two)];
  for (const peer of peers) peer.send(CONNECT);
  await clock.advance(FIRST_PING_MS.max);
  for (const peer of peers) assert.match(peer.take(), /PING\r\n$/);
  assert.equal(clock.nowMs(), 1_000_000 + FIRST_PING_MS.max);
});
