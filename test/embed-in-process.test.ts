import assert from "node:assert/strict";
import { test } from "node:test";
import { headers, type NatsConnection, NoRespondersError } from "@nats-io/nats-core";
import { connect } from "@nats-io/transport-node";
import { type CaddisServer, createServer } from "../packages/caddis/src/server/index.ts";
import { connectInProcess } from "../packages/caddis/src/server/in-process.ts";

/** A server without a port: nothing here can go over a socket by mistake. */
function newServer(): Promise<CaddisServer> {
  return createServer({ dont_listen: true });
}

/** Attempts to reconnect follow one another at once; they end, so that a failed test leaves nothing behind. */
const IMPATIENT = { reconnectTimeWait: 1, reconnectJitter: 1, maxReconnectAttempts: 1_000 };

/** Resolves when `nc` reports a status of this type. Ask before it can happen. */
async function status(nc: NatsConnection, type: string): Promise<void> {
  for await (const event of nc.status()) if (event.type === type) return;
  throw new Error(`closed before "${type}"`);
}

test("publish, subscribe, wildcards, headers", async () => {
  await using server = await newServer();
  const nc = await connectInProcess(server, { name: "inside" });
  const heard: string[] = [];
  nc.subscribe("news.*.today", {
    callback: (_error, msg) =>
      void heard.push(`${msg.subject} ${msg.string()} ${msg.headers?.get("From") ?? ""}`),
  });
  const from = headers();
  from.set("From", "ána");
  nc.publish("news.sport.today", "goal", { headers: from });
  nc.publish("news.sport.yesterday", "none");
  nc.publish("news.weather.today", "sün");
  await nc.flush();
  assert.deepEqual(heard, ["news.sport.today goal ána", "news.weather.today sün "]);
  await nc.close();
});

test("requests, also to nobody", async () => {
  await using server = await newServer();
  const nc = await connectInProcess(server);
  nc.subscribe("double", { callback: (_error, msg) => void msg.respond(String(2 * Number(msg.string()))) });
  const answers = await Promise.all(
    [1, 2, 3].map(async (n) => (await nc.request("double", String(n))).string()),
  );
  assert.deepEqual(answers, ["2", "4", "6"]);
  await assert.rejects(
    nc.request("nobody"),
    (error) => error instanceof Error && error.cause instanceof NoRespondersError,
  );
  await nc.close();
});

test("a queue group over several connections shares the messages", async () => {
  await using server = await newServer();
  const workers = [
    await connectInProcess(server),
    await connectInProcess(server),
    await connectInProcess(server),
  ];
  const counts = workers.map(() => 0);
  for (const [i, worker] of workers.entries()) {
    worker.subscribe("work", { queue: "workers", callback: () => void counts[i]++ });
    await worker.flush();
  }
  for (let i = 0; i < 300; i++) workers[0].publish("work");
  await workers[0].flush();
  for (const worker of workers) await worker.flush();
  assert.equal(
    counts.reduce((sum, count) => sum + count),
    300,
  );
  assert.ok(
    counts.every((count) => count > 0),
    String(counts),
  );
  await Promise.all(workers.map((worker) => worker.close()));
});

test("large payloads pass whole", async () => {
  await using server = await newServer();
  const nc = await connectInProcess(server);
  const payload = new Uint8Array(1024 * 1024).map((_, i) => i * 31);
  const got = Promise.withResolvers<Uint8Array>();
  nc.subscribe("large", { callback: (_error, msg) => got.resolve(msg.data) });
  nc.publish("large", payload);
  assert.deepEqual(Buffer.compare(await got.promise, payload), 0);
  await nc.close();
});

test("drain delivers what is under way, then closes without an error", async () => {
  await using server = await newServer();
  const [nc, other] = [await connectInProcess(server), await connectInProcess(server)];
  const sub = nc.subscribe("x");
  await nc.flush();
  for (let i = 0; i < 50; i++) other.publish("x", String(i));
  await other.flush();
  const draining = nc.drain();
  const heard: string[] = [];
  for await (const msg of sub) heard.push(msg.string());
  await draining;
  assert.equal(heard.length, 50);
  assert.equal(await nc.closed(), undefined);
  await other.close();
});

test("clients inside and outside talk to each other", async () => {
  await using server = await createServer();
  const [inside, outside] = [await connectInProcess(server), await connect({ servers: server.url })];
  inside.subscribe("where", { callback: (_error, msg) => void msg.respond("inside") });
  await inside.flush();
  assert.equal((await outside.request("where")).string(), "inside");
  await Promise.all([inside.close(), outside.close()]);
});

test("connections do not mix between servers", async () => {
  await using one = await newServer();
  await using two = await newServer();
  const [atOne, atTwo] = [await connectInProcess(one), await connectInProcess(two)];
  assert.notEqual(atOne.info?.server_id, atTwo.info?.server_id);
  atTwo.subscribe(">", { callback: () => assert.fail("it was said elsewhere") });
  await atTwo.flush();
  atOne.publish("x");
  await atOne.flush();
  await atTwo.flush();
  await Promise.all([atOne.close(), atTwo.close()]);
});

test("wrong credentials: as over a socket", async () => {
  await using server = await createServer({ dont_listen: true, authorization: { user: "a", password: "b" } });
  await assert.rejects(
    connectInProcess(server, { user: "a", pass: "wrong", reconnect: false }),
    /Authorization Violation/,
  );
  const nc = await connectInProcess(server, { user: "a", pass: "b" });
  await nc.close();
});

test("a server that is full says so", async () => {
  await using server = await createServer({ dont_listen: true, max_connections: 1 });
  const nc = await connectInProcess(server);
  await assert.rejects(connectInProcess(server), /maximum connections exceeded/);
  await nc.close();
});

test("a server that is down: no connection, at once", async () => {
  const server = await newServer();
  await server.shutdown();
  await assert.rejects(connectInProcess(server), /the server is not running/);
});

test("when its server shuts down a connection closes: there is nothing to come back to", async () => {
  const server = await newServer();
  const nc = await connectInProcess(server, IMPATIENT);
  const heard: string[] = [];
  const listening = (async () => {
    for await (const { type } of nc.status()) heard.push(type);
  })();
  await server.shutdown();
  await Promise.all([nc.closed(), listening]);
  assert.deepEqual(
    heard.filter((type) => type !== "close"),
    ["disconnect"],
  );
});

test("given a function, a connection reconnects to the server it returns by then", async () => {
  let server = await newServer();
  const nc = await connectInProcess(() => server, IMPATIENT);
  const heard: string[] = [];
  nc.subscribe("x", { callback: (_error, msg) => void heard.push(msg.string()) });
  nc.publish("x", "before");
  await nc.flush();
  const [disconnected, reconnected] = [status(nc, "disconnect"), status(nc, "reconnect")];
  await server.shutdown();
  await disconnected;
  nc.publish("x", "lost");
  server = await newServer();
  await reconnected;
  nc.publish("x", "after");
  await nc.flush();
  assert.equal(nc.info?.server_id, server.id);
  assert.deepEqual(
    heard.filter((text) => text !== "lost"),
    ["before", "after"],
  );
  await nc.close();
  await server.shutdown();
});

test("a forced reconnect comes back to the same server", async () => {
  await using server = await newServer();
  const nc = await connectInProcess(server, IMPATIENT);
  const before = nc.info?.client_id;
  nc.subscribe("x", { callback: (_error, msg) => void msg.respond() });
  const reconnected = status(nc, "reconnect");
  await nc.reconnect();
  await reconnected;
  await nc.request("x");
  assert.notEqual(nc.info?.client_id, before);
  await nc.close();
});

test("connections of other kinds keep their transport, also when they reconnect", async () => {
  await using first = await createServer();
  const second = await createServer();
  const outside = await connect({ servers: [first.url, second.url], noRandomize: true, ...IMPATIENT });
  const inside = await connectInProcess(second, IMPATIENT);
  const reconnected = [status(outside, "reconnect"), status(inside, "reconnect")];
  await first.shutdown();
  await inside.reconnect();
  await Promise.all(reconnected);
  assert.equal(outside.info?.server_id, second.id);
  assert.notEqual(outside.info?.client_ip, undefined);
  assert.equal(inside.info?.server_id, second.id);
  assert.equal(inside.info?.client_ip, undefined);
  await Promise.all([outside.close(), inside.close()]);
  await second.shutdown();
});

test("a connection that is closed while it looks for a server gives up", async () => {
  const server = await newServer();
  const nc = await connectInProcess(() => server, { ...IMPATIENT, reconnectTimeWait: 60_000 });
  const disconnected = status(nc, "disconnect");
  await server.shutdown();
  await disconnected;
  await nc.close();
  assert.equal(nc.isClosed(), true);
});

test("two sides that keep each other busy leave the event loop its turns", async () => {
  await using server = await newServer();
  const nc = await connectInProcess(server);
  let isOn = true;
  let count = 0;
  nc.subscribe("ping", {
    callback: () => {
      // So many only go round when nothing else gets a turn.
      if (++count === 100_000) isOn = false;
      if (isOn) nc.publish("ping");
    },
  });
  nc.publish("ping");
  await new Promise((resolve) => setTimeout(resolve, 1));
  assert.equal(isOn, true, `a timer of one millisecond came after ${count} messages`);
  isOn = false;
  await nc.close();
});
