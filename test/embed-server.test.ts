import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer as createTcpServer } from "node:net";
import { test } from "node:test";
import { connect } from "@nats-io/transport-node";
import {
  ConfigError,
  type ConnectionInfo,
  createServer,
  type DisconnectInfo,
  type ServerOptions,
} from "../packages/caddis/src/server/index.ts";
import { connectInProcess } from "../packages/caddis/src/server/in-process.ts";
import { InProcessPeer } from "./support/in-process-peer.ts";

const LIBRARY = new URL("../packages/caddis/src/server/index.ts", import.meta.url).href;
const IN_PROCESS = new URL("../packages/caddis/src/server/in-process.ts", import.meta.url).href;

/** Runs a module's text in a process of its own, which must leave by itself; its output as JSON. */
async function runProgram(text: string): Promise<unknown> {
  const child = spawn(process.execPath, ["--no-warnings", "--input-type=module", "--eval", text], {
    stdio: ["ignore", "pipe", "inherit"],
    // A last resort for a process that hangs, which is what is tested for.
    timeout: 20_000,
  });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const exit: unknown[] = await once(child, "close");
  assert.deepEqual(exit, [0, null], `exit code and signal; it said: ${output}`);
  return JSON.parse(output);
}

test("a server takes clients as soon as it is there, on a port of its own", async () => {
  await using server = await createServer();
  assert.match(server.url, /^nats:\/\/127\.0\.0\.1:\d+$/);
  assert.equal(server.url, `nats://127.0.0.1:${server.port}`);
  assert.equal(server.isRunning, true);
  assert.match(server.id, /^N[A-Z2-7]{55}$/);
  assert.equal(server.name, server.id);
  const nc = await connect({ servers: server.url });
  assert.equal(nc.info?.server_id, server.id);
  await nc.close();
});

test("several servers in one process do not notice each other", async () => {
  await using one = await createServer({ server_name: "one" });
  await using two = await createServer({ server_name: "two" });
  assert.deepEqual([one.name, two.name], ["one", "two"]);
  assert.notEqual(one.port, two.port);
  const [atOne, atTwo] = [await connect({ servers: one.url }), await connect({ servers: two.url })];
  const heard: string[] = [];
  atTwo.subscribe(">", { callback: (_error, msg) => void heard.push(msg.subject) });
  await atTwo.flush();
  atOne.publish("news");
  await atOne.flush();
  await atTwo.flush();
  assert.deepEqual(heard, []);
  await one.shutdown();
  atTwo.publish("still.here");
  await atTwo.flush();
  assert.deepEqual(heard, ["still.here"]);
  await Promise.all([atOne.close(), atTwo.close()]);
});

test("without a port a server is reached from inside alone", async () => {
  await using server = await createServer({ dont_listen: true });
  assert.throws(() => server.url, /opens no port/);
  assert.throws(() => server.port, /opens no port/);
  const nc = await connectInProcess(server);
  await nc.flush();
  await nc.close();
});

test("its port is the one it listens on, whatever clients are told", async () => {
  await using server = await createServer({ client_advertise: "nats.example.com:443" });
  assert.equal(server.url, `nats://127.0.0.1:${server.port}`);
  const nc = await connect({ servers: server.url });
  assert.deepEqual([nc.info?.host, nc.info?.port], ["nats.example.com", 443]);
  await nc.close();
});

test("monitoring, where it is asked for", async () => {
  await using server = await createServer({ http_port: -1 });
  assert.match(server.monitoringUrl, /^http:\/\/127\.0\.0\.1:\d+$/);
  const varz: unknown = await (await fetch(`${server.monitoringUrl}/varz`)).json();
  assert.ok(typeof varz === "object" && varz !== null && "server_id" in varz);
  assert.equal(varz.server_id, server.id);
  await using plain = await createServer();
  assert.throws(() => plain.monitoringUrl, /no monitoring/);
});

test("wrong options: a rejection that names them all", async () => {
  const options: ServerOptions = { port: 70_000, max_payload: "much" };
  await assert.rejects(createServer(options), (error) => {
    assert.ok(error instanceof ConfigError);
    assert.equal(error.problems.length, 2);
    return true;
  });
});

test("an address that can't be had: a rejection that says which", async () => {
  const squatter = createTcpServer();
  squatter.listen(0, "127.0.0.1");
  await once(squatter, "listening");
  const address = squatter.address();
  assert.ok(address !== null && typeof address === "object");
  try {
    await assert.rejects(createServer({ port: address.port }), {
      message: new RegExp(
        `^Error listening on port: 127\\.0\\.0\\.1:${address.port}, .*address already in use`,
      ),
    });
  } finally {
    squatter.close();
  }
});

test("shutdown may be called often; url and port stay readable", async () => {
  const server = await createServer();
  const { url } = server;
  await Promise.all([server.shutdown(), server.shutdown()]);
  await server.shutdown();
  await server.closed;
  assert.equal(server.isRunning, false);
  assert.equal(server.url, url);
  const peer = new InProcessPeer(server);
  const closing = Promise.withResolvers<void>();
  server.openInProcess({ onData: () => closing.reject(new Error("it is down")), onClose: closing.resolve });
  await closing.promise;
  assert.deepEqual([peer.text, peer.isClosed], ["", true]);
});

test("await using shuts down when the block is left", async () => {
  let closed: Promise<void>;
  {
    await using server = await createServer();
    closed = server.closed;
  }
  await closed;
});

test("connect and disconnect events carry plain data", async () => {
  const connected: ConnectionInfo[] = [];
  const gone = Promise.withResolvers<DisconnectInfo>();
  await using server = await createServer(
    { authorization: { user: "ana", password: "secret" } },
    { onConnect: (info) => connected.push(info), onDisconnect: gone.resolve },
  );
  const nc = await connect({ servers: server.url, name: "tester", user: "ana", pass: "secret" });
  assert.equal(connected.length, 1);
  const [info] = connected;
  assert.deepEqual(structuredClone(info), info);
  assert.deepEqual(
    { ...info, port: typeof info.port, version: typeof info.version },
    {
      cid: info.cid,
      transport: "tcp",
      host: "127.0.0.1",
      port: "number",
      name: "tester",
      lang: "nats.js",
      version: "string",
      user: "ana",
      account: "$G",
    },
  );
  await nc.close();
  assert.deepEqual(await gone.promise, { ...info, reason: "Client Closed" });
});

test("who is refused neither connects nor disconnects", async () => {
  let events = 0;
  await using server = await createServer(
    { authorization: { token: "t" } },
    { onConnect: () => events++, onDisconnect: () => events++ },
  );
  await assert.rejects(connect({ servers: server.url, token: "wrong", reconnect: false }), /Authorization/);
  await server.shutdown();
  assert.equal(events, 0);
});

test("a handler may call the server", async () => {
  const ended = Promise.withResolvers<void>();
  const server = await createServer(
    {},
    { onConnect: () => void server.shutdown().then(ended.resolve, ended.reject) },
  );
  const nc = await connectInProcess(server).catch(() => null);
  await ended.promise;
  await nc?.closed();
  assert.equal(server.isRunning, false);
});

test("what a handler throws is an uncaught exception, and the server goes on", async () => {
  const result = await runProgram(`
    import { createServer } from ${JSON.stringify(LIBRARY)};
    import { connectInProcess } from ${JSON.stringify(IN_PROCESS)};
    const uncaught = [];
    process.on("uncaughtException", (error) => uncaught.push(error.message));
    await using server = await createServer({}, { onConnect: () => { throw new Error("oops"); } });
    const nc = await connectInProcess(server);
    await nc.flush();
    await nc.close();
    console.log(JSON.stringify(uncaught));
  `);
  assert.deepEqual(result, ["oops"]);
});

test("the logger gets what the server says, on the level it says it", async () => {
  const lines: string[] = [];
  const note =
    (level: string) =>
    (line: string): void =>
      void lines.push(`${level}: ${line}`);
  const logger = { info: note("info"), warn: note("warn"), error: note("error"), debug: note("debug") };
  const server = await createServer({ debug: true, authorization: { user: "a", password: "b" } }, { logger });
  const nc = await connect({ servers: server.url, user: "a", pass: "b" });
  await nc.close();
  await server.shutdown();
  const text = lines.join("\n");
  assert.match(text, /^warn: Plaintext passwords detected, use nkeys or bcrypt$/m);
  assert.match(
    text,
    new RegExp(`^info: Listening for client connections on 127\\.0\\.0\\.1:${server.port}$`, "m"),
  );
  assert.match(text, /^info: Server is ready$/m);
  assert.match(text, /^debug: 127\.0\.0\.1:\d+ - cid:\d+ - Client connection created$/m);
});

test("shutdown leaves nothing running: the process ends by itself", async () => {
  const result = await runProgram(`
    import { createServer } from ${JSON.stringify(LIBRARY)};
    import { connectInProcess } from ${JSON.stringify(IN_PROCESS)};
    import { connect } from "@nats-io/transport-node";
    // Their pipes count once they have been used, which Node does on its own.
    for (const stream of [process.stdout, process.stderr]) stream.write("");
    const before = process.getActiveResourcesInfo();
    const servers = [await createServer(), await createServer({ dont_listen: true })];
    const clients = [
      await connect({ servers: servers[0].url, reconnect: false }),
      await connectInProcess(servers[0]),
      await connectInProcess(servers[1]),
    ];
    for (const nc of clients) { nc.subscribe("x"); nc.publish("x", "data"); await nc.flush(); }
    await Promise.all(servers.map((server) => server.shutdown()));
    await Promise.all(clients.map((nc) => nc.closed()));
    await new Promise(setImmediate);
    console.log(JSON.stringify([before, process.getActiveResourcesInfo()]));
  `);
  assert.ok(Array.isArray(result));
  assert.deepEqual(result[1], result[0]);
});

test("a server without a port does not keep the process alive", async () => {
  const result = await runProgram(`
    import { createServer } from ${JSON.stringify(LIBRARY)};
    const server = await createServer({ dont_listen: true });
    console.log(JSON.stringify(server.isRunning));
  `);
  assert.equal(result, true);
});
