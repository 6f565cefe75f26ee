/** What clients rely on besides the API's answers, against the reference server: found by running them. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { Requester } from "./support/jetstream-requester.ts";
import { RawClient } from "./support/raw-client.ts";
import { findReferenceServer, OUR_SERVER, ServerProcess } from "./support/server-process.ts";

const reference = findReferenceServer();
const skip = reference === null ? "no nats-server on PATH" : false;

async function startServer(
  t: TestContext,
  command: string,
  config = "server_name: T",
): Promise<ServerProcess> {
  const folder = await mkdtemp(join(tmpdir(), "caddis-js-"));
  const server = await ServerProcess.start({ command, config, args: ["-js", "-sd", folder] });
  t.after(async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });
  return server;
}

async function withStream(t: TestContext, command: string): Promise<[ServerProcess, Requester]> {
  const server = await startServer(t, command);
  const requester = await Requester.connect(server.port);
  t.after(() => requester.close());
  await requester.request("$JS.API.STREAM.CREATE.S", '{"name":"S","subjects":["s"],"storage":"memory"}');
  return [server, requester];
}

/** What a client that waits for messages hears before its connection ends. */
async function lastHeard(t: TestContext, command: string): Promise<string[]> {
  const [server, requester] = await withStream(t, command);
  const config = '{"stream_name":"S","config":{"durable_name":"C","ack_policy":"explicit"}}';
  await requester.request("$JS.API.CONSUMER.DURABLE.CREATE.S.C", config);
  const client = await RawClient.connect(server.port);
  t.after(() => client.drop());
  client.send('CONNECT {"verbose":false,"headers":true}\r\nSUB inbox 1\r\n');
  const request = '{"batch":5,"max_bytes":1000,"expires":60000000000}';
  client.send(`PUB $JS.API.CONSUMER.MSG.NEXT.S.C inbox ${request.length}\r\n${request}\r\nPING\r\n`);
  assert.ok(await client.waitUntil(() => client.lines.includes("PONG")));
  const seen = client.lines.length;
  server.signal("SIGTERM");
  assert.ok(await client.waitUntil(() => client.closed));
  return client.lines.slice(seen).filter((line) => !line.startsWith("INFO"));
}

test("who waits for messages is told that the server shuts down", { skip }, async (t) => {
  const told = await lastHeard(t, OUR_SERVER);
  assert.deepEqual(told, await lastHeard(t, reference ?? ""));
  assert.ok(told.includes("NATS/1.0 409 Server Shutdown"), told.join("\n"));
});

/** Configurations that clients send; the name of such a consumer is the server's. */
const CONFIGS: readonly string[] = [
  '{"deliver_subject":"d","ack_policy":"none"}',
  '{"deliver_subject":"d","ack_policy":"none","pause_until":"0001-01-01T00:00:00Z"}',
  '{"ack_policy":"explicit","pause_until":"2001-01-01T00:00:00Z"}',
];

/** The configurations of consumers that are made without a name, as the answer and the list show them. */
async function unnamedConfigs(t: TestContext, command: string): Promise<unknown[]> {
  const [, requester] = await withStream(t, command);
  const found: unknown[] = [];
  for (const config of CONFIGS) {
    const body = `{"stream_name":"S","config":${config}}`;
    const made = await requester.request("$JS.API.CONSUMER.CREATE.S", body);
    const answer = JSON.parse(made.body) as { name: string; config: unknown };
    assert.match(answer.name, /^[A-Za-z0-9]{8}$/);
    const info = await requester.request(`$JS.API.CONSUMER.INFO.S.${answer.name}`, "");
    found.push(answer.config, (JSON.parse(info.body) as { config: unknown }).config);
  }
  return found;
}

test("a consumer that is given a name by the server has none in its configuration", { skip }, async (t) => {
  const shown = await unnamedConfigs(t, OUR_SERVER);
  assert.deepEqual(shown, await unnamedConfigs(t, reference ?? ""));
});

/** An account that has a stream, and one that asks for its messages and acknowledges them by imports. */
const TWO_ACCOUNTS = `accounts {
  A {
    jetstream: enabled, users [{ user: a, password: p }]
    exports [{ service: "$JS.API.CONSUMER.MSG.NEXT.S.C", response: stream }, { service: "$JS.ACK.S.C.>" }]
  }
  B {
    users [{ user: b, password: p }]
    imports [
      { service: { account: A, subject: "$JS.API.CONSUMER.MSG.NEXT.S.C" }, to: "next" }
      { service: { account: A, subject: "$JS.ACK.S.C.>" } }
    ]
  }
}`;

/** What an importer's request for five messages brings when there are three, and what acknowledging them does. */
async function pulledByImport(t: TestContext, command: string): Promise<unknown> {
  const server = await startServer(t, command, TWO_ACCOUNTS);
  const owner = await Requester.connect(server.port, { user: "a", pass: "p" });
  t.after(() => owner.close());
  const stream = '{"name":"S","subjects":["s"],"storage":"memory"}';
  await owner.request("$JS.API.STREAM.CREATE.S", stream);
  const consumer = '{"stream_name":"S","config":{"durable_name":"C","ack_policy":"explicit"}}';
  await owner.request("$JS.API.CONSUMER.DURABLE.CREATE.S.C", consumer);
  for (const text of ["one", "two", "three"]) await owner.request("s", text);
  const client = await RawClient.connect(server.port);
  t.after(() => client.drop());
  const options = '{"verbose":false,"headers":true,"no_responders":true,"user":"b","pass":"p"}';
  client.send(`CONNECT ${options}\r\nSUB inbox 1\r\nSUB acked 2\r\n`);
  const request = '{"batch":5,"expires":500000000}';
  client.send(`PUB next inbox ${request.length}\r\n${request}\r\n`);
  assert.ok(await client.waitUntil(() => client.lines.includes("NATS/1.0 408 Request Timeout")));
  const deliveries = client.lines.filter((line) => line.startsWith("MSG s "));
  for (const delivery of deliveries) client.send(`PUB ${delivery.split(" ")[3]} acked 4\r\n+ACK\r\n`);
  const confirmations = (): string[] => client.lines.filter((line) => line.startsWith("MSG acked "));
  assert.ok(await client.waitUntil(() => confirmations().length === deliveries.length));
  const info = await owner.request("$JS.API.CONSUMER.INFO.S.C", "");
  const { num_pending, num_ack_pending } = JSON.parse(info.body) as Record<string, unknown>;
  // The time of each message is in the subject of its acknowledgement.
  const heard = client.lines.filter((line) => !line.startsWith("INFO"));
  return [heard.map((line) => line.replace(/\d{19}/, "<time>")), num_pending, num_ack_pending];
}

test("messages are pulled and acknowledged by imports", { skip }, async (t) => {
  const heard = await pulledByImport(t, OUR_SERVER);
  assert.deepEqual(heard, await pulledByImport(t, reference ?? ""));
  assert.match(JSON.stringify(heard), /MSG s 1 \$JS\.ACK\.S\.C\.1\.3\.3\./);
});
