import assert from "node:assert/strict";
import { test } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import { parseReceived, type Received } from "../../../../../test/support/received.ts";
import { TestBroker } from "../../../../../test/support/test-broker.ts";
import { TraceEvents } from "./trace-events.ts";

function hpub(...fields: readonly string[]): string {
  const block = `NATS/1.0\r\n${["Nats-Trace-Dest: t", ...fields].map((field) => `${field}\r\n`).join("")}\r\n`;
  return `HPUB a ${block.length} ${block.length}\r\n${block}\r\n`;
}

/** What comes of messages with these fields. */
async function tracesOf(world: TestBroker, ...messages: readonly (readonly string[])[]): Promise<Received[]> {
  const gzip = (bytes: Uint8Array): Promise<Uint8Array> => Promise.resolve(gzipSync(bytes));
  world.broker.traces = new TraceEvents(world.broker, { gzip });
  const peer = world.connect();
  peer.say("SUB t 1\r\n");
  for (const fields of messages) peer.say(hpub(...fields));
  for (let turn = 0; turn < 3; turn++) await Promise.resolve();
  return parseReceived(peer.read());
}

test("a trace is JSON in the reference's order, with texts as they were", async () => {
  const [trace] = await tracesOf(new TestBroker({ server_name: "n" }), ["b: <\xc3\xa9>", "__proto__: x"]);
  const event = JSON.parse(Buffer.from(trace.payload, "latin1").toString("utf8")) as {
    request: { header: Record<string, string[]> };
  };
  assert.deepEqual(Object.keys(event), ["server", "request", "events"]);
  assert.deepEqual(Object.entries(event.request.header), [
    ["Nats-Trace-Dest", ["t"]],
    ["__proto__", ["x"]],
    ["b", ["<é>"]],
  ]);
  assert.match(trace.payload, /\\u003c/, "as Go writes it");
  assert.equal(trace.headers, "");
});

test("a trace is packed as its message asks", async () => {
  const [gzip, snappy, other] = await tracesOf(
    new TestBroker(),
    ["Accept-Encoding: snappy, gzip"],
    ["Accept-Encoding: zstd"],
    ["Accept-Encoding: gzip"],
  ).then(([s2, unknown, zipped]) => [zipped, s2, unknown]);
  const begins = '{"server":{';
  assert.equal(gzip.headers, "NATS/1.0\r\nContent-Encoding: gzip\r\n\r\n");
  assert.ok(gunzipSync(Buffer.from(gzip.payload, "latin1")).toString().startsWith(begins));
  assert.equal(snappy.headers, "NATS/1.0\r\nContent-Encoding: snappy\r\n\r\n");
  assert.ok(snappy.payload.startsWith("\xff\x06\x00\x00sNaPpY"));
  assert.equal(other.headers, "NATS/1.0\r\nContent-Encoding: identity\r\n\r\n");
  assert.ok(other.payload.startsWith(begins));
});

test("traces beyond what is being packed go as they are", async () => {
  const traces = await tracesOf(
    new TestBroker(),
    ...Array.from({ length: 70 }, () => ["Accept-Encoding: gzip"]),
  );
  const count = (encoding: string): number =>
    traces.filter(({ headers }) => headers.includes(`Content-Encoding: ${encoding}\r\n`)).length;
  assert.deepEqual([count("gzip"), count("identity")], [64, 6]);
});

test("a server without a system account tells nothing", async () => {
  assert.deepEqual(await tracesOf(new TestBroker({ no_system_account: true }), []), []);
});
