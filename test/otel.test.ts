/** The OpenTelemetry plugin: what a collector gets to see of messages and figures. */
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { Context, Span as ApiSpan, SpanContext, SpanOptions, Tracer } from "@opentelemetry/api";
import { trace } from "@opentelemetry/api";
import * as fc from "fast-check";
import { openTelemetry, type TelemetryOptions } from "../packages/caddis/src/otel/index.ts";
import { isAmong, parseTraceParent, traceParentOf } from "../packages/caddis/src/otel/traceparent.ts";
import type { ServerOptions } from "../packages/caddis/src/server/embedded-options.ts";
import { createTestServer, type TestServer } from "../packages/caddis/src/server/testing.ts";
import { attributesOf, OtlpReceiver, type ReceivedSpan } from "./support/otlp-receiver.ts";
import { RawClient } from "./support/raw-client.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT = "00f067aa0ba902b7";
const CONNECT = 'CONNECT {"verbose":false,"headers":true,"name":"n"}\r\n';

function hpub(subject: string, headers: Readonly<Record<string, string>>, payload = "abc"): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const block = `NATS/1.0\r\n${lines.join("")}\r\n`;
  return `HPUB ${subject} ${block.length} ${block.length + payload.length}\r\n${block}${payload}\r\n`;
}

function traced(subject: string, flags = "01", traceId = TRACE): string {
  return hpub(subject, { traceparent: `00-${traceId}-${PARENT}-${flags}` });
}

interface Scene {
  readonly server: TestServer;
  readonly warnings: string[];
  connect(text: string): Promise<RawClient>;
}

async function start(
  t: TestContext,
  telemetry: TelemetryOptions,
  options: ServerOptions = {},
): Promise<Scene> {
  const warnings: string[] = [];
  const ignore = (): void => {};
  const logger = {
    error: ignore,
    warn: (text: string) => void warnings.push(text),
    info: ignore,
    debug: ignore,
  };
  const plugins = [openTelemetry(telemetry)];
  const server = await createTestServer({ server_name: "n1", ...options }, { plugins, logger });
  t.after(() => server.shutdown());
  const connect = async (text: string): Promise<RawClient> => {
    const client = await RawClient.connect(server.port);
    t.after(() => client.drop());
    client.send(CONNECT + text);
    assert.ok(await client.barrier());
    return client;
  };
  return { server, warnings, connect };
}

/** What the collector has once the server is down. */
async function spansOf({ server }: Scene, receiver: OtlpReceiver): Promise<readonly ReceivedSpan[]> {
  await server.shutdown();
  return receiver.spans;
}

test("a message with traceparent becomes a span, and each of its deliveries one below it", async (t) => {
  const receiver = await OtlpReceiver.start(t);
  const scene = await start(t, {
    endpoint: `${receiver.url}/`,
    headers: { authorization: "Bearer x" },
    metrics: false,
  });
  const one = await scene.connect("SUB a.* 1\r\n");
  await scene.connect("SUB a.> q 1\r\n");
  one.lines.length = 0;
  one.send(traced("a.b"));
  assert.ok(await one.barrier());
  assert.ok(one.lines.includes(`traceparent: 00-${TRACE}-${PARENT}-01`), "the message stays as it is");
  const spans = await spansOf(scene, receiver);
  assert.equal(spans.length, 3);
  const [ingress, ...deliveries] = spans;
  assert.equal(ingress.name, "nats ingress");
  assert.deepEqual([ingress.traceId, ingress.parentSpanId], [TRACE, PARENT]);
  assert.match(ingress.spanId, /^[0-9a-f]{16}$/);
  assert.deepEqual(attributesOf(ingress.attributes), {
    "messaging.system": "nats",
    "messaging.operation.type": "receive",
    "messaging.destination.name": "a.b",
    "messaging.message.body.size": "3",
    "nats.client.id": "1",
    "nats.client.name": "n",
    "nats.account": "$G",
    "nats.deliveries": "2",
  });
  for (const delivery of deliveries) {
    assert.equal(delivery.name, "nats delivery");
    assert.deepEqual([delivery.traceId, delivery.parentSpanId], [TRACE, ingress.spanId]);
    assert.ok(BigInt(delivery.endTimeUnixNano) >= BigInt(delivery.startTimeUnixNano));
  }
  assert.equal(new Set(spans.map(({ spanId }) => spanId)).size, 3);
  const receivers = deliveries.map(({ attributes }) => attributesOf(attributes)["nats.client.id"]);
  assert.deepEqual(receivers.sort(), ["1", "2"]);
  const group = attributesOf(deliveries[1].attributes)["messaging.consumer.group.name"];
  assert.equal(group, "q");
  assert.equal(receiver.headers[0].authorization, "Bearer x");
  assert.equal(receiver.resources[0]["service.name"], "n1");
});

test("nobody is traced whose sender does not sample, or who has no traceparent", async (t) => {
  const receiver = await OtlpReceiver.start(t);
  const scene = await start(t, { endpoint: receiver.url, metrics: false });
  const client = await scene.connect("SUB a 1\r\n");
  client.send(
    `${traced("a", "00")}PUB a 1\r\nx\r\n${hpub("a", { other: "x" })}${hpub("a", { traceparent: "junk" })}`,
  );
  assert.ok(await client.barrier());
  assert.deepEqual(await spansOf(scene, receiver), []);
});

test("a message that nobody wants is a span, too, each time; and one that changes account or subject", async (t) => {
  const receiver = await OtlpReceiver.start(t);
  const options: ServerOptions = {
    accounts: {
      A: { users: [{ user: "a", password: "p" }], exports: [{ service: "svc" }] },
      B: {
        users: [{ user: "b", password: "p" }],
        imports: [{ service: { account: "A", subject: "svc" } }],
        mappings: { old: "new" },
      },
    },
  };
  const scene = await start(t, { endpoint: receiver.url, metrics: false }, options);
  const login = (user: string): string =>
    `CONNECT ${JSON.stringify({ verbose: false, headers: true, user, pass: "p" })}\r\n`;
  const service = await RawClient.connect(scene.server.port);
  const client = await RawClient.connect(scene.server.port);
  t.after(() => [service, client].forEach((peer) => peer.drop()));
  service.send(`${login("a")}SUB svc 1\r\n`);
  assert.ok(await service.barrier());
  client.send(`${login("b")}SUB new 1\r\n${traced("none")}${traced("none")}${traced("svc")}${traced("old")}`);
  assert.ok(await client.barrier());
  const spans = await spansOf(scene, receiver);
  const told = spans.map(({ name, attributes }) => {
    const fields = attributesOf(attributes);
    return `${name} ${fields["messaging.destination.name"]} ${fields["nats.account"]} ${fields["nats.deliveries"]}`;
  });
  assert.deepEqual(told, [
    "nats ingress none B 0",
    "nats ingress none B 0",
    "nats ingress svc B 1",
    "nats delivery svc A undefined",
    "nats ingress old B 1",
    "nats delivery old B undefined",
  ]);
});

test("each message is on its own: those before and behind it, wanted or not, are none of its business", async (t) => {
  const receiver = await OtlpReceiver.start(t);
  const scene = await start(t, { endpoint: receiver.url, metrics: false });
  const client = await scene.connect("SUB a 1\r\n");
  client.send(
    `${traced("a")}PUB a 1\r\nx\r\n${hpub("a", { other: "x" })}PUB none 0\r\n\r\n${traced("none").repeat(4)}`,
  );
  assert.ok(await client.barrier());
  const spans = await spansOf(scene, receiver);
  const told = spans.map(({ name, attributes }) => `${name} ${attributesOf(attributes)["nats.deliveries"]}`);
  assert.deepEqual(told, [
    "nats ingress 1",
    "nats delivery undefined",
    ...Array.from({ length: 4 }, () => "nats ingress 0"),
  ]);
});

test("a message to very many has no more than 32 spans below it", async (t) => {
  const receiver = await OtlpReceiver.start(t);
  const scene = await start(t, { endpoint: receiver.url, metrics: false });
  const client = await scene.connect(Array.from({ length: 100 }, (_none, i) => `SUB a ${i}\r\n`).join(""));
  client.send(traced("a"));
  assert.ok(await client.barrier());
  const spans = await spansOf(scene, receiver);
  assert.equal(spans.length, 33);
  assert.equal(attributesOf(spans[0].attributes)["nats.deliveries"], "100");
});

test("spans are sent every five seconds, and lost when nobody takes them, which the log says", async (t) => {
  const receiver = await OtlpReceiver.start(t);
  const scene = await start(t, { endpoint: receiver.url, metrics: false });
  const client = await scene.connect("");
  client.send(traced("a"));
  assert.ok(await client.barrier());
  await scene.server.clock.advance(5_000);
  while (receiver.spans.length === 0) await new Promise(setImmediate);
  receiver.status = 503;
  client.send(traced("a"));
  assert.ok(await client.barrier());
  assert.equal((await spansOf(scene, receiver)).length, 1);
  assert.deepEqual(
    scene.warnings.filter((line) => line.includes("Telemetry")),
    ["Telemetry could not be delivered: status 503"],
  );
});

test("more spans than may wait are lost, which the log says", async (t) => {
  const receiver = await OtlpReceiver.start(t);
  const scene = await start(t, { endpoint: receiver.url, metrics: false });
  const client = await scene.connect(Array.from({ length: 31 }, (_none, i) => `SUB a ${i}\r\n`).join(""));
  client.send(traced("a").repeat(130));
  assert.ok(await client.barrier());
  assert.equal((await spansOf(scene, receiver)).length, 128 * 32);
  assert.deepEqual(
    scene.warnings.filter((line) => line.includes("Telemetry")),
    ["Telemetry could not be delivered: too many spans wait"],
  );
});

test("a collector that is not there holds nothing up", async (t) => {
  const receiver = await OtlpReceiver.start(t);
  const scene = await start(t, { endpoint: "http://127.0.0.1:1", metrics: true });
  const client = await scene.connect("");
  client.send(traced("a"));
  assert.ok(await client.barrier());
  assert.deepEqual(await spansOf(scene, receiver), []);
  assert.match(scene.warnings.join(), /Telemetry could not be delivered: /);
});

test("figures are those of /metrics", async (t) => {
  const receiver = await OtlpReceiver.start(t);
  const scene = await start(t, { endpoint: receiver.url, traces: false });
  const client = await scene.connect("SUB a 1\r\nPUB a 3\r\nabc\r\n");
  client.send(traced("a"));
  assert.ok(await client.barrier());
  await scene.server.clock.advance(60_000);
  while (receiver.metrics.length === 0) await new Promise(setImmediate);
  const metrics = new Map(receiver.metrics[0].map((metric) => [metric.name, metric]));
  const inMessages = metrics.get("gnatsd_varz_in_msgs")?.gauge?.dataPoints[0];
  assert.equal(inMessages?.asDouble, 2);
  assert.deepEqual(attributesOf(inMessages?.attributes ?? []), { server_id: "n1" });
  const closed = metrics.get("caddis_connections_closed")?.sum;
  assert.deepEqual([closed?.isMonotonic, closed?.aggregationTemporality], [true, 2]);
  const loop = metrics.get("caddis_event_loop_delay_seconds")?.histogram?.dataPoints[0];
  assert.equal(loop?.bucketCounts?.length, (loop?.explicitBounds?.length ?? 0) + 1);
  assert.equal(
    Number(loop?.count),
    loop?.bucketCounts?.reduce((sum, count) => sum + Number(count), 0),
  );
  assert.equal(BigInt(loop?.timeUnixNano ?? 0) - BigInt(loop?.startTimeUnixNano ?? 0), 60_000_000_000n);
  assert.deepEqual(await spansOf(scene, receiver), [], "traces are off");
});

test("without the plugin nobody looks at headers", async (t) => {
  const receiver = await OtlpReceiver.start(t);
  const server = await createTestServer();
  t.after(() => server.shutdown());
  const client = await RawClient.connect(server.port);
  t.after(() => client.drop());
  client.send(`${CONNECT}SUB a 1\r\n${traced("a")}`);
  assert.ok(await client.barrier());
  await server.shutdown();
  assert.equal(receiver.headers.length, 0);
});

test("an application's own tracer gets the spans", async (t) => {
  const started: { name: string; parent: SpanContext | undefined; end: unknown }[] = [];
  const tracer = {
    startSpan(name: string, _options: SpanOptions, context: Context): ApiSpan {
      const record = { name, parent: trace.getSpanContext(context), end: undefined as unknown };
      started.push(record);
      const own = { traceId: TRACE, spanId: String(started.length).padStart(16, "0"), traceFlags: 1 };
      const span = trace.wrapSpanContext(own);
      span.end = (time) => void (record.end = time);
      return span;
    },
  };
  const scene = await start(t, { tracer: tracer as unknown as Tracer, metrics: false });
  const client = await scene.connect("SUB a 1\r\n");
  client.send(traced("a"));
  assert.ok(await client.barrier());
  assert.deepEqual(
    started.map(({ name, parent }) => [name, parent?.traceId, parent?.spanId]),
    [
      ["nats ingress", TRACE, PARENT],
      ["nats delivery", TRACE, "0000000000000001"],
    ],
  );
  assert.ok(started.every(({ end }) => typeof end === "number"));
});

test("options that mean nothing are refused", () => {
  for (const options of [
    { endpoint: "localhost:4318" },
    { endpoint: "ftp://h" },
    { ratio: 1.5 },
    { ratio: Number.NaN },
    { metricsInterval: 0 },
  ]) {
    assert.throws(() => openTelemetry(options), TypeError);
  }
});

test("traceparent", () => {
  const good = `00-${TRACE}-${PARENT}-01`;
  assert.deepEqual(parseTraceParent(good), { traceId: TRACE, spanId: PARENT, isSampled: true });
  assert.equal(parseTraceParent(`00-${TRACE}-${PARENT}-02`)?.isSampled, false);
  assert.equal(parseTraceParent(`cc-${TRACE}-${PARENT}-03-what-comes`)?.isSampled, true);
  const bad = [
    "",
    `ff-${TRACE}-${PARENT}-01`,
    `00-${TRACE}-${PARENT}-01-x`,
    `00-${TRACE}-${PARENT}-1`,
    `00-${TRACE.toUpperCase()}-${PARENT}-01`,
    `00-${"0".repeat(32)}-${PARENT}-01`,
    `00-${TRACE}-${"0".repeat(16)}-01`,
    `cc-${TRACE}-${PARENT}-01x`,
  ];
  for (const text of bad) assert.equal(parseTraceParent(text), null, text);
  assert.equal(traceParentOf(`NATS/1.0\r\nTRACEPARENT:  ${good} \r\nx: y\r\n\r\n`)?.traceId, TRACE);
  assert.equal(traceParentOf(`NATS/1.0\r\nx-traceparent: ${good}\r\n\r\n`), null);
  assert.equal(traceParentOf(`NATS/1.0\r\nx: ${"y".repeat(10_000)}\r\ntraceparent: ${good}\r\n\r\n`), null);
});

test("whatever a peer sends, looking for a trace neither throws nor takes long", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 2_000 }), (text) => {
      traceParentOf(`NATS/1.0\r\ntraceparent:${text}\r\n\r\n`);
      traceParentOf(text);
    }),
  );
});

test("the share of traces is that of their number, and the same everywhere", () => {
  const ids = Array.from(
    { length: 4096 },
    (_none, i) => `${"1".repeat(20)}${i.toString(16).padStart(3, "0")}${"8".repeat(9)}`,
  );
  for (const ratio of [0, 0.25, 0.5, 1]) {
    assert.equal(ids.filter((id) => isAmong(id, ratio)).length, 4096 * ratio);
  }
});
