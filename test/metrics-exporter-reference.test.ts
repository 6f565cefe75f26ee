/** prometheus-nats-exporter reads our monitoring, and /metrics says the same by the same names. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { AckPolicy, jetstream as makeClient, jetstreamManager, StorageType } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { createTestServer } from "../packages/caddis/src/server/testing.ts";
import { type ParsedSample, parseText } from "./support/openmetrics.ts";
import { RawClient } from "./support/raw-client.ts";

const MODULE = "github.com/nats-io/prometheus-nats-exporter@v0.20.1";
const ENDPOINTS = ["-varz", "-connz", "-subz", "-routez", "-healthz", "-accstatz", "-leafz", "-gatewayz"];

/** Figures that are others a moment later, and the exporter's own. */
const PASSING = /^(?:gnatsd_varz_(?:mem|cpu|http_req_stats_\w+)|go_\w+|process_\w+|promhttp_\w+)$/;

/** The exporter, built from the module that Go has; null without. */
function buildExporter(folder: string): string | null {
  const cache = spawnSync("go", ["env", "GOMODCACHE"], { encoding: "utf8" });
  if (cache.error !== undefined) return null;
  const source = join(cache.stdout.trim(), MODULE);
  if (!existsSync(source)) return null;
  const program = join(folder, "exporter");
  const built = spawnSync("go", ["build", "-C", source, "-o", program, "."], { encoding: "utf8" });
  return built.status === 0 ? program : null;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  assert.ok(typeof address === "object" && address !== null);
  return address.port;
}

/** Starts the exporter for `url`; gives the URL of its figures. */
async function startExporter(
  t: TestContext,
  program: string,
  url: string,
  endpoints: readonly string[] = ENDPOINTS,
): Promise<string> {
  const port = await freePort();
  const flags = ["-addr", "127.0.0.1", "-port", String(port), "-use_internal_server_name", ...endpoints];
  const child = spawn(program, [...flags, url], { stdio: ["ignore", "ignore", "pipe"] });
  t.after(async () => {
    child.kill();
    if (child.exitCode === null) await once(child, "exit");
  });
  for await (const chunk of child.stderr) if (String(chunk).includes("listening")) break;
  return `http://127.0.0.1:${port}/metrics`;
}

/** Name and labels, in one order. */
function keyOf({ name, labels }: ParsedSample): string {
  return `${name} ${JSON.stringify([...labels].sort(([a], [b]) => (a < b ? -1 : 1)))}`;
}

async function figures(url: string): Promise<Map<string, number>> {
  const scrape = parseText(await (await fetch(url)).text());
  const samples = [...scrape.values()].flatMap((family) => family.samples);
  return new Map(
    samples.filter(({ name }) => !PASSING.test(name)).map((sample) => [keyOf(sample), sample.value]),
  );
}

test("what the exporter makes of our monitoring stands in /metrics", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "caddis-exporter-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const program = buildExporter(folder);
  if (program === null) {
    t.skip(`no Go with ${MODULE}`);
    return;
  }
  const server = await createTestServer({ http_port: -1, server_name: "n1" });
  t.after(() => server.shutdown());
  const client = await RawClient.connect(server.port);
  t.after(() => client.drop());
  client.send('CONNECT {"verbose":false}\r\nSUB a.* 1\r\nPUB a.b 3\r\nabc\r\n');
  assert.ok(await client.barrier());
  const theirs = await figures(await startExporter(t, program, server.monitoringUrl));
  const ours = await figures(`${server.monitoringUrl}/metrics`);
  assert.ok(theirs.size > 80);
  for (const [key, value] of theirs) assert.equal(ours.get(key), value, key);
  const more = [...ours.keys()].filter((key) => key.startsWith("gnatsd_") && !theirs.has(key));
  assert.deepEqual(more, []);
});

test("what it makes of JetStream, too", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "caddis-exporter-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const program = buildExporter(folder);
  if (program === null) {
    t.skip(`no Go with ${MODULE}`);
    return;
  }
  const jetstream = { domain: "hub", max_memory_store: "1G" };
  const server = await createTestServer({ http_port: -1, server_name: "n1", jetstream });
  t.after(() => server.shutdown());
  await fill(server.url);
  const theirs = await figures(await startExporter(t, program, server.monitoringUrl, ["-jsz=all"]));
  const ours = await figures(`${server.monitoringUrl}/metrics`);
  assert.ok(theirs.size > 40);
  for (const [key, value] of theirs) assert.equal(ours.get(key), value, key);
  const more = [...ours.keys()].filter((key) => key.startsWith("jetstream_") && !theirs.has(key));
  assert.deepEqual(more, []);
});

/** Two streams, and consumers that have done something and nothing. */
async function fill(url: string): Promise<void> {
  const nc = await connect({ servers: url });
  const manager = await jetstreamManager(nc);
  const storage = StorageType.Memory;
  await manager.streams.add({ name: "A", subjects: ["a.>"], max_bytes: 10_000, storage });
  await manager.streams.add({ name: "B", subjects: ["b"], max_msgs: 7, storage });
  await manager.consumers.add("A", {
    durable_name: "busy",
    ack_policy: AckPolicy.Explicit,
    description: "d",
  });
  await manager.consumers.add("A", { durable_name: "idle", ack_policy: AckPolicy.None });
  const client = makeClient(nc);
  for (const text of ["one", "two", "three"]) await client.publish("a.x", text);
  const consumer = await client.consumers.get("A", "busy");
  const message = await consumer.next();
  await message?.ackAck();
  await consumer.next();
  await nc.close();
}
