/** What /metrics says after known activity, read by strict parsers. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import * as fc from "fast-check";
import { resolveOptions } from "../packages/caddis/src/config/load.ts";
import type { OptionsInput } from "../packages/caddis/src/config/options.ts";
import { acceptedFormat } from "../packages/caddis/src/metrics/accept.ts";
import { NAMED_ACCOUNTS_MAX, OTHER_ACCOUNTS } from "../packages/caddis/src/metrics/accounts.ts";
import { expose } from "../packages/caddis/src/metrics/exposition.ts";
import { viewFamilies } from "../packages/caddis/src/metrics/exporter-names.ts";
import type { Labels } from "../packages/caddis/src/metrics/family.ts";
import { createTestServer } from "../packages/caddis/src/server/testing.ts";
import { makeCa, makeCertificate } from "./support/certificates.ts";
import { type Json, MonitoredScene } from "./support/monitored-scene.ts";
import { parseOpenMetrics, parseText, samplesOf, type Scrape, valueOf } from "./support/openmetrics.ts";

const CONNECT = 'CONNECT {"verbose":false}\r\n';
/** What Prometheus sends. */
const PROMETHEUS_ACCEPT =
  "application/openmetrics-text;version=1.0.0;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";

async function start(t: TestContext, options: OptionsInput = {}): Promise<MonitoredScene> {
  const scene = await MonitoredScene.start(options);
  t.after(() => scene.stop());
  return scene;
}

async function scrapeText(scene: MonitoredScene, accept?: string): Promise<{ type: string; text: string }> {
  const request = { path: "/metrics", query: "" };
  const answer = await scene.monitor.answer(accept === undefined ? request : { ...request, accept });
  assert.equal(answer.status, 200);
  return { type: answer.headers["Content-Type"], text: [...answer.body].join("") };
}

/** Scrapes in both formats, and takes them for the same figures. */
async function scrape(scene: MonitoredScene): Promise<Scrape> {
  parseText((await scrapeText(scene)).text);
  return parseOpenMetrics((await scrapeText(scene, PROMETHEUS_ACCEPT)).text);
}

test("figures follow what happened", async (t) => {
  const scene = await start(t);
  const one = await scene.connect(`${CONNECT}SUB a.* 1\r\nSUB b 2\r\nPUB a.x 3\r\nabc\r\n`);
  await scene.connect(`${CONNECT}SUB a.> 1\r\n`);
  await scene.say(one, "PUB a.y 2\r\nhi\r\nPUB nobody 1\r\n.\r\n");
  const found = await scrape(scene);
  const expected = {
    gnatsd_varz_connections: 2,
    gnatsd_varz_total_connections: 2,
    gnatsd_varz_in_msgs: 3,
    gnatsd_varz_in_bytes: 6,
    gnatsd_varz_out_msgs: 3,
    gnatsd_varz_out_bytes: 7,
    gnatsd_varz_mem: 1000,
    gnatsd_varz_cpu: 12.5,
    gnatsd_varz_slow_consumers: 0,
    gnatsd_varz_http_req_stats_metrics: 2,
    gnatsd_varz_start: Date.UTC(2026, 10, 20, 5, 0, 0),
    gnatsd_connz_num_connections: 2,
    gnatsd_connz_total: 2,
    gnatsd_connz_subscriptions: 3,
    gnatsd_connz_in_msgs: 3,
    gnatsd_connz_out_bytes: 7,
    gnatsd_routez_num_routes: 0,
    gnatsd_healthz_status: 0,
  };
  for (const [name, value] of Object.entries(expected)) {
    assert.equal(valueOf(found, name, { server_id: "n1" }), value, name);
  }
  assert.equal(valueOf(found, "gnatsd_healthz_status_value", { value: "ok" }), 1);
  assert.equal(valueOf(found, "gnatsd_varz_server_name", { value: "n1" }), 1);
  assert.equal(valueOf(found, "gnatsd_accstatz_received_bytes", { account: "$G" }), 6);
  assert.equal(valueOf(found, "caddis_memory_bytes", { owner: "heap" }), 2);
  assert.equal(valueOf(found, "caddis_build_info", { compatible: "2.15.1" }), 1);
});

test("every figure of /varz and /subsz is there, under the exporter's name", async (t) => {
  const scene = await start(t, { server_tags: ["x"], server_metadata: { zone: "a", name: "b" } });
  await scene.connect(`${CONNECT}SUB a 1\r\n`);
  const varz = scene.ask("/varz");
  const found = await scrape(scene);
  const numbers = numbersIn(varz, "gnatsd_varz");
  assert.ok(numbers.size > 40);
  for (const [name, value] of [...numbers, ...numbersIn(scene.ask("/subsz"), "gnatsd_subsz")]) {
    if (!name.includes("http_req")) assert.equal(valueOf(found, name), value, name);
  }
});

/** All numbers in `json`, by the path to them. */
function numbersIn(json: object, prefix: string): Map<string, number> {
  const entries = Object.entries(json).flatMap(([key, value]: [string, unknown]): [string, number][] => {
    const name = `${prefix}_${key.replace("/", "")}`;
    if (typeof value === "number") return [[name, value]];
    const isMap = typeof value === "object" && value !== null && !Array.isArray(value) && key !== "leaf";
    return isMap ? [...numbersIn(value, name)] : [];
  });
  return new Map(entries);
}

test("the prefix is chosen, also by a reload", async (t) => {
  const scene = await start(t, { metrics_prefix: "nats" });
  const found = await scrape(scene);
  assert.equal(valueOf(found, "nats_varz_connections"), 0);
  assert.ok(![...found.keys()].some((name) => name.startsWith("gnatsd")));
  const other = resolveOptions({ dont_listen: true, server_name: "n1", metrics_prefix: "other" });
  await scene.server.reload(other);
  assert.equal(valueOf(await scrape(scene), "other_varz_connections"), 0);
  await assert.rejects(MonitoredScene.start({ metrics_prefix: "a-b" }), /metrics_prefix/);
});

test("connections that end and clients that are refused are counted by reason", async (t) => {
  const scene = await start(t, { authorization: { token: "secret" } });
  const before = await scrape(scene);
  assert.equal(valueOf(before, "caddis_auth_failures_total", { reason: "authentication_violation" }), 0);
  await scene.connect('CONNECT {"auth_token":"wrong"}\r\n');
  await scene.connect('CONNECT {"auth_token":"wrong too"}\r\n');
  await scene.connect("");
  const good = await scene.connect('CONNECT {"auth_token":"secret"}\r\n');
  await scene.clock.advance(10_000);
  good.destroy();
  await scene.clock.advance(1_000);
  const after = await scrape(scene);
  assert.equal(valueOf(after, "caddis_auth_failures_total", { reason: "authentication_violation" }), 2);
  assert.equal(valueOf(after, "caddis_auth_failures_total", { reason: "authentication_timeout" }), 1);
  assert.equal(valueOf(after, "caddis_connections_closed_total", { reason: "client_closed" }), 1);
  assert.equal(valueOf(after, "gnatsd_varz_connections"), 0);
});

test("slow consumers are counted by limit", async (t) => {
  const scene = await start(t, { max_pending: 4096, max_payload: 2048 });
  const slow = scene.server.connectInProcess();
  slow.attach({ onData: () => slow.pause(), onWritten() {}, onClosed() {} });
  await scene.say(slow, `${CONNECT}SUB a 1\r\n`);
  await scene.connect(`${CONNECT}${`PUB a 2000\r\n${"x".repeat(2000)}\r\n`.repeat(50)}`);
  const found = await scrape(scene);
  assert.equal(valueOf(found, "caddis_slow_consumers_total", { limit: "pending" }), 1);
  assert.equal(valueOf(found, "caddis_slow_consumers_total", { limit: "write_deadline" }), 0);
  assert.equal(valueOf(found, "gnatsd_accstatz_slow_consumers", { account: "$G" }), 1);
  assert.equal(valueOf(found, "gnatsd_varz_slow_consumers"), 1);
});

test("durations are measured from the first question on", async (t) => {
  const scene = await start(t);
  const client = await scene.connect(`${CONNECT}SUB a 1\r\n`);
  const publish = async (times: number): Promise<void> => {
    for (let i = 0; i < times; i++) await scene.say(client, "PUB a 1\r\nx\r\n");
  };
  await publish(64);
  assert.equal(scene.server.broker.timing, null, "nobody asked");
  assert.equal(valueOf(await scrape(scene), "caddis_publish_to_deliver_seconds_count"), 0);
  await publish(31);
  assert.equal(valueOf(await scrape(scene), "caddis_publish_to_deliver_seconds_count"), 0);
  await publish(33);
  const found = await scrape(scene);
  assert.equal(valueOf(found, "caddis_publish_to_deliver_seconds_count"), 2, "one read in 32");
  assert.equal(valueOf(found, "caddis_write_seconds_bucket", { le: "1e-05" }), 2, "no time passes");
  await scene.clock.advance(1_000);
  const later = await scrape(scene);
  assert.equal(valueOf(later, "caddis_event_loop_delay_seconds_count"), 50);
  assert.equal(valueOf(later, "caddis_event_loop_delay_seconds_sum"), 0);
});

test("a write that is not taken at once is timed", async (t) => {
  const scene = await start(t);
  await scrape(scene);
  const slow = scene.server.connectInProcess();
  slow.attach({ onData() {}, onWritten() {}, onClosed() {} });
  await scene.say(slow, `${CONNECT}SUB a 1\r\n`);
  const before = valueOf(await scrape(scene), "caddis_slow_write_seconds_count");
  slow.pause();
  await scene.connect(`${CONNECT}${`PUB a 2000\r\n${"x".repeat(2000)}\r\n`.repeat(40)}`);
  await scene.clock.advance(3_000);
  slow.resume();
  await scene.clock.settled();
  const found = await scrape(scene);
  assert.ok(valueOf(found, "caddis_slow_write_seconds_count") > before);
  assert.ok(valueOf(found, "caddis_slow_write_seconds_sum") >= 3);
});

function accountsOptions(names: readonly string[]): OptionsInput {
  const accounts = names.map((name) => [name, { users: [{ user: name, password: "p" }] }] as const);
  return { accounts: Object.fromEntries(accounts) };
}

test("accounts: those with most traffic have a name, and the rest's figures never go down", async (t) => {
  const names = Array.from({ length: NAMED_ACCOUNTS_MAX + 10 }, (_none, i) => `A${i}`);
  const scene = await start(t, accountsOptions([...names, OTHER_ACCOUNTS]));
  const login = (name: string): string =>
    `CONNECT ${JSON.stringify({ verbose: false, user: name, pass: "p" })}\r\n`;
  const publish = (bytes: number): string => `PUB s ${bytes}\r\n${"x".repeat(bytes)}\r\n`;
  // Busy ones first; the account that is called like the rest is busiest.
  for (const [i, name] of names.entries()) await scene.connect(login(name) + publish(1000 - i));
  await scene.connect(login(OTHER_ACCOUNTS) + publish(5000));
  const received = (found: Scrape, account: string): number =>
    valueOf(found, "gnatsd_accstatz_received_bytes", { account });
  const first = await scrape(scene);
  assert.equal(samplesOf(first, "gnatsd_accstatz_received_bytes").length, NAMED_ACCOUNTS_MAX + 1);
  assert.equal(received(first, "A0"), 1000);
  const rest = Array.from({ length: 10 }, (_none, i) => 1000 - NAMED_ACCOUNTS_MAX - i).reduce(
    (a, b) => a + b,
    5000,
  );
  assert.equal(received(first, OTHER_ACCOUNTS), rest);
  assert.equal(valueOf(first, "gnatsd_accstatz_current_connections", { account: OTHER_ACCOUNTS }), 11);
  const total = samplesOf(first, "gnatsd_accstatz_received_bytes").reduce((sum, { value }) => sum + value, 0);
  assert.equal(total, valueOf(first, "gnatsd_varz_in_bytes"));
  // One of the rest becomes the busiest, and takes the place of the least of those with a name.
  await scene.connect(login(names.at(-1) ?? "") + publish(9000));
  const second = await scrape(scene);
  assert.equal(samplesOf(second, "gnatsd_accstatz_received_bytes").length, NAMED_ACCOUNTS_MAX + 1);
  assert.equal(received(second, names.at(-1) ?? ""), 9000 + 1000 - (names.length - 1));
  assert.equal(received(second, OTHER_ACCOUNTS), rest, "what it had done stays with the rest");
});

test("an account that is called like the rest is one of them, be there ever so few", async (t) => {
  const scene = await start(t, accountsOptions(["A", OTHER_ACCOUNTS]));
  const labels = { account: OTHER_ACCOUNTS };
  assert.equal(valueOf(await scrape(scene), "gnatsd_accstatz_current_connections", labels), 0);
  await scene.connect(`CONNECT ${JSON.stringify({ user: OTHER_ACCOUNTS, pass: "p" })}\r\n`);
  assert.equal(valueOf(await scrape(scene), "gnatsd_accstatz_current_connections", labels), 1);
});

test("clients can't add series", async (t) => {
  const scene = await start(t);
  const lines = async (): Promise<number> => (await scrapeText(scene)).text.split("\n").length;
  await lines();
  const before = await lines();
  for (let i = 0; i < 100; i++) {
    const connect = JSON.stringify({
      verbose: false,
      name: `n${i}`,
      lang: `l${i}`,
      version: `${i}`,
      user: `u${i}`,
    });
    await scene.connect(`CONNECT ${connect}\r\nSUB s${i}.> q${i} 1\r\nPUB s${i}.${i} 1\r\nx\r\n`);
  }
  for (let i = 0; i < 10; i++) await scene.monitor.answer({ path: `/none${i}`, query: `a${i}` });
  assert.equal(await lines(), before);
});

test("the end of the certificate is told", async (t) => {
  const plain = await start(t);
  assert.equal(samplesOf(await scrape(plain), "caddis_certificate_not_after_seconds").length, 0);
  const folder = mkdtempSync(join(tmpdir(), "caddis-metrics-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const { pem, keyPem } = makeCertificate({ ca: makeCa(), dns: ["h.example"] });
  const [cert_file, key_file] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  writeFileSync(cert_file, pem);
  writeFileSync(key_file, keyPem);
  const scene = await start(t, { tls: { cert_file, key_file } });
  const notAfter = Date.parse(new X509Certificate(pem).validTo) / 1000;
  const found = valueOf(await scrape(scene), "caddis_certificate_not_after_seconds", { listener: "client" });
  assert.equal(found, notAfter);
});

test("formats: OpenMetrics for who asks for it, the older text for everybody else", async (t) => {
  const scene = await start(t);
  const { type, text } = await scrapeText(scene);
  assert.equal(type, "text/plain; version=0.0.4; charset=utf-8");
  const open = await scrapeText(scene, PROMETHEUS_ACCEPT);
  assert.equal(open.type, "application/openmetrics-text; version=1.0.0; charset=utf-8");
  // The format that was asked for before does not show in the next answer.
  const again = parseText((await scrapeText(scene)).text);
  assert.deepEqual([...again.keys()], [...parseText(text).keys()]);
  const namesOf = (found: Scrape): string[] =>
    [...found.values()].flatMap(({ samples }) => samples.map(({ name }) => name));
  assert.deepEqual(new Set(namesOf(parseOpenMetrics(open.text))), new Set(namesOf(again)));
});

test("Accept headers", () => {
  const rows: readonly (readonly [string, "text" | "openmetrics"])[] = [
    ["", "text"],
    ["*/*", "text"],
    ["text/html,application/xhtml+xml,*/*;q=0.8", "text"],
    ["application/openmetrics-text", "openmetrics"],
    ["Application/OpenMetrics-Text; Version=1.0.0; charset=utf-8", "openmetrics"],
    ["application/openmetrics-text;version=2.0.0", "text"],
    ["application/openmetrics-text;q=0", "text"],
    ["application/openmetrics-text;q=0.4,text/plain;q=0.5", "text"],
    ["application/openmetrics-text;q=0.5,text/plain;q=0.5", "openmetrics"],
    ["application/openmetrics-text;q=nonsense", "text"],
    ["application/openmetrics-text,text/plain;q=2", "openmetrics"],
    [",;,=;q", "text"],
    [PROMETHEUS_ACCEPT, "openmetrics"],
  ];
  for (const [accept, format] of rows) assert.equal(acceptedFormat(accept), format, accept);
});

test("whatever names and texts there are, what is written can be read, and is what was meant", async () => {
  const words = fc.string({ unit: "binary", maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(fc.dictionary(words, fc.oneof(fc.integer(), words)), words, async (view, server) => {
      const labels: Labels = { server_id: server };
      const families = viewFamilies("gnatsd", "varz", labels, { ...view, server_name: server, n: 1.5 });
      const histogram = { type: "histogram", name: "h_seconds", help: "h", labels } as const;
      const distribution = { bounds: [0.000_01, 0.1, 1, 10], counts: [1, 0, 2, 0, 3], sum: 12.5 };
      const all = [...families, { ...histogram, distribution }];
      for (const found of [
        parseOpenMetrics((await expose(all, "openmetrics")).body),
        parseText((await expose(all, "text")).body),
      ]) {
        assert.equal(found.size, all.length);
        assert.equal(valueOf(found, "gnatsd_varz_n", labels), 1.5);
        assert.equal(valueOf(found, "gnatsd_varz_server_name", { ...labels, value: server }), 1);
        assert.equal(valueOf(found, "h_seconds_bucket", { ...labels, le: "1.0" }), 3);
        assert.equal(valueOf(found, "h_seconds_count", labels), 6);
      }
    }),
  );
});

test("the strict readers refuse what the formats forbid", () => {
  const good = '# TYPE a gauge\n# HELP a x\na{l="v"} 1\n# TYPE c counter\nc_total 2\n';
  assert.equal(parseOpenMetrics(`${good}# EOF\n`).size, 2);
  const bad = [
    good,
    `${good}\n# EOF\n`,
    "a 1\n# EOF\n",
    "# TYPE a gauge\na_total 1\n# EOF\n",
    "# TYPE a counter\na 1\n# EOF\n",
    "# TYPE a counter\na_total -1\n# EOF\n",
    "# TYPE a gauge\na 1\na 1\n# EOF\n",
    "# TYPE a gauge\na 1\n# TYPE b gauge\nb 1\n# TYPE a gauge\n# EOF\n",
    "# TYPE a gauge\na 1\n# HELP a x\n# EOF\n",
    "# TYPE a gauge\n# TYPE a gauge\n# EOF\n",
    '# TYPE a gauge\na{l="1",l="2"} 1\n# EOF\n',
    '# TYPE a gauge\na{l="1",} 1\n# EOF\n',
    '# TYPE a gauge\na{l="\\x"} 1\n# EOF\n',
    "# TYPE a gauge\na Nan\n# EOF\n",
    "# TYPE a thing\na 1\n# EOF\n",
    '# HELP a "x"\n# TYPE a gauge\na 1\n# EOF\n',
    "# TYPE a counter\na_total 1\n# TYPE a_total gauge\na_total 2\n# EOF\n",
    '# TYPE h histogram\nh_bucket{le="1"} 1\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\n# EOF\n',
    '# TYPE h histogram\nh_bucket{le="1.0"} 1\nh_sum 1\nh_count 1\n# EOF\n',
    '# TYPE h histogram\nh_bucket{le="1.0"} 2\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\n# EOF\n',
    '# TYPE h histogram\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 2\n# EOF\n',
  ];
  for (const text of bad) assert.throws(() => parseOpenMetrics(text), Error, text);
});

test("promtool finds nothing wrong but the exporter's names", async (t) => {
  if (spawnSync("promtool", ["--version"]).error !== undefined) {
    t.skip("no promtool on PATH");
    return;
  }
  const scene = await start(t);
  const { text } = await scrapeText(scene);
  const { stdout, stderr } = spawnSync("promtool", ["check", "metrics"], { input: text, encoding: "utf8" });
  const complaints = `${stdout}${stderr}`
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("gnatsd_"));
  assert.deepEqual(complaints, []);
});

test("over HTTP the header counts", async (t) => {
  const server = await createTestServer({ http_port: -1 });
  t.after(() => server.shutdown());
  const url = `${server.monitoringUrl}/metrics`;
  parseText(await (await fetch(url)).text());
  const answer = await fetch(url, { headers: { accept: PROMETHEUS_ACCEPT } });
  const varz = (await (await fetch(`${server.monitoringUrl}/varz`)).json()) as Json;
  const found = parseOpenMetrics(await answer.text());
  assert.equal(valueOf(found, "gnatsd_varz_server_id", { value: String(varz["server_id"]) }), 1);
});
