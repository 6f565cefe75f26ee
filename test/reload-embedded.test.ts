/** Reloads by the library. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect } from "@nats-io/transport-node";
import { ConfigError, createServer, type ServerOptions } from "../packages/caddis/src/server/index.ts";
import { InProcessPeer } from "./support/in-process-peer.ts";
import { createTestServer } from "../packages/caddis/src/server/testing.ts";

const users = (...names: readonly string[]): ServerOptions => ({
  authorization: { users: names.map((user) => ({ user, password: "pw" })) },
});

test("an official client stays through a reload, and is told when its user is gone", async () => {
  await using server = await createServer(users("ann", "bob"));
  const { port } = server;
  const nc = await connect({ servers: server.url, user: "ann", pass: "pw", reconnect: false });
  await server.reload(users("ann"));
  assert.equal(server.port, port);
  await nc.flush();
  const closed = nc.closed();
  await server.reload(users("bob"));
  const reason = await closed;
  assert.match(String(reason), /Authorization Violation/);
  const other = await connect({ servers: server.url, user: "bob", pass: "pw" });
  await other.close();
});

test("what is wrong, and what can't change, is listed, and nothing has changed", async () => {
  await using server = await createServer(users("ann"));
  await assert.rejects(server.reload({ max_payload: -5, ping_max: -1 }), ConfigError);
  await assert.rejects(server.reload({ ...users(), server_name: "x", max_pending: 2_000_000 }), (error) => {
    assert.ok(error instanceof ConfigError);
    assert.deepEqual(error.problems, [
      "config reload not supported for ServerName: old=, new=x",
      "config reload not supported for MaxPending: old=67108864, new=2000000",
    ]);
    return true;
  });
  await assert.rejects(server.reload({ log_file: "x" } as ServerOptions), /caddis program/);
  const nc = await connect({ servers: server.url, user: "ann", pass: "pw" });
  await nc.close();
});

test("levels of the log change; without a logger there are none to change", async () => {
  const lines: string[] = [];
  const note = (text: string): void => void lines.push(text);
  const logger = { info: note, warn: note, error: note, debug: note, trace: note };
  await using server = await createTestServer({}, { logger });
  const peer = new InProcessPeer(server);
  const say = async (): Promise<number> => {
    lines.length = 0;
    peer.send("PING\r\n");
    await server.settled();
    return lines.filter((line) => line.includes("<<- [PING]")).length;
  };
  assert.equal(await say(), 0);
  await server.reload({ trace: true });
  assert.equal(await say(), 1);
  await server.reload({});
  assert.equal(await say(), 0);
  await using silent = await createServer();
  await assert.rejects(silent.reload({ debug: true }), /need a logger/);
});

test("a server that is down takes no options", async () => {
  const server = await createServer();
  await server.shutdown();
  await assert.rejects(server.reload({}), ConfigError);
});
