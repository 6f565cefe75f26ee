/** Probes, what the runtime tells, faults, and answers that take more than one turn. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createTestServer } from "../packages/caddis/src/server/testing.ts";
import { connz, type ConnzQuery } from "../packages/caddis/src/system/views/connz.ts";
import { answerNow } from "./support/answer-now.ts";
import { type Fields, type Json, MINUTE_MS, MonitoredScene } from "./support/monitored-scene.ts";

const CONNECT = 'CONNECT {"verbose":false,"protocol":1}\r\n';
const PROBES = ["/livez", "/readyz", "/startupz"];

function statuses(scene: MonitoredScene): number[] {
  return PROBES.map((probe) => scene.askText(probe).status);
}

test("probes: alive always, ready while clients may come, started for good", async () => {
  const scene = MonitoredScene.make();
  assert.deepEqual(statuses(scene), [200, 503, 503]);
  assert.equal(scene.askText("/readyz").text, '{"status":"unavailable","error":"still starting"}');
  await scene.server.start();
  assert.deepEqual(statuses(scene), [200, 200, 200]);
  assert.equal(scene.askText("/readyz").text, '{"status":"ok"}');
  await scene.connect(CONNECT);
  const down = scene.server.lameDuck();
  await scene.clock.settled();
  assert.deepEqual(statuses(scene), [200, 503, 200]);
  assert.equal(scene.askText("/readyz").text, '{"status":"unavailable","error":"sends its clients away"}');
  await scene.clock.advance(2 * MINUTE_MS);
  await down;
  assert.deepEqual(statuses(scene), [200, 503, 200]);
});

test("probes over HTTP, under the base path", async () => {
  await using server = await createTestServer({ http: "127.0.0.1:-1", http_base_path: "/m" });
  for (const probe of PROBES) {
    const response = await fetch(`${server.monitoringUrl}/m${probe}`);
    assert.deepEqual([response.status, await response.text()], [200, '{"status":"ok"}'], probe);
    assert.equal(response.headers.get("content-type"), "application/json");
  }
});

test("what the runtime tells", async () => {
  const scene = await MonitoredScene.start();
  const variables = JSON.parse(scene.askText("/debug/vars").text) as { cmdline: string[]; memstats: Fields };
  assert.deepEqual(variables.cmdline, ["caddis"], "no argument, which could be a password");
  const { Alloc, HeapSys, HeapIdle, Sys, OtherSys, NextGC } = variables.memstats;
  assert.deepEqual([Alloc, HeapSys, HeapIdle, Sys, OtherSys, NextGC], [2, 5, 3, 1000, 995, 9]);
  assert.equal(scene.askText("/stacksz").text, "thread 1 [running]:\n1 TCPSocketWrap\n2 Timeout\n");
  await scene.stop();
});

test("requests are counted as the reference counts them", async () => {
  const scene = await MonitoredScene.start();
  const targets =
    "/connz /connz?limit=x /connz?sort=nonsense /routez?subs=x /routez /subsz?limit=x /subscriptionsz /jsz?limit=x " +
    "/leafz /gatewayz?accs=x /healthz?details=x /raftz /ipqueuesz /stacksz /debug/vars /nothing /livez /";
  for (const target of targets.split(" ")) scene.askText(target);
  assert.deepEqual(scene.ask("/varz")["http_req_stats"], {
    "/": 1,
    "/connz": 2,
    "/gatewayz": 1,
    "/healthz": 1,
    "/jsz": 1,
    "/leafz": 1,
    "/livez": 1,
    "/routez": 1,
    "/subsz": 2,
    "/varz": 1,
  });
  await scene.stop();
});

test("a fault of ours costs one answer and a line in the log", async () => {
  const scene = await MonitoredScene.start(
    {},
    {
      heap() {
        throw new Error("no heap");
      },
    },
  );
  assert.deepEqual(scene.askText("/debug/vars"), { status: 500, text: "500 Internal Server Error\n" });
  assert.match(scene.errors[0], /^monitoring: Error: no heap\n/);
  await scene.connect(CONNECT);
  const [client] = scene.server.broker.clients.values();
  Object.defineProperty(client.outbound, "pendingBytes", {
    configurable: true,
    get() {
      throw new Error("no such figure");
    },
  });
  // The head of the answer is gone by then: the rest is missing.
  const { status, body } = answerNow(scene.monitor, { path: "/connz", query: "" });
  assert.equal(status, 200);
  assert.throws(() => JSON.parse([...body].join("")), SyntaxError);
  assert.match(scene.errors[1], /^monitoring: Error: no such figure\n/);
  assert.equal(scene.askText("/connz?sort=pending").status, 500);
  assert.equal(scene.errors.length, 3);
  Object.defineProperty(client.outbound, "pendingBytes", { value: 0 });
  await scene.stop();
});

const ANY: ConnzQuery = {
  auth: false,
  subscriptions: "none",
  offset: 0,
  limit: 0,
  cid: 0,
  state: "open",
  sort: "",
  user: "",
  account: "",
  mqttClient: "",
  filterSubject: "",
};

test("connections by the subjects they have interest in", async () => {
  const scene = await MonitoredScene.start();
  await scene.connect(`${CONNECT}SUB foo.* 1\r\nSUB bar 2\r\n`);
  await scene.connect(`${CONNECT}SUB caf\xc3\xa9.x 1\r\n`);
  const gone = await scene.connect(CONNECT);
  gone.end();
  await scene.clock.settled();
  const cids = (query: Partial<ConnzQuery>): unknown => {
    const view = connz(scene.server.broker, { ...ANY, ...query });
    return "problem" in view ? view.problem : Array.from(view.connections ?? [], ({ cid }) => cid);
  };
  const account = "$G";
  assert.deepEqual(cids({ account, filterSubject: "foo.bar" }), [1]);
  assert.deepEqual(cids({ account, filterSubject: "*.x" }), [1, 2]);
  assert.deepEqual(cids({ account, filterSubject: "café.>" }), [2]);
  assert.deepEqual(cids({ account, filterSubject: ">" }), [1, 2]);
  assert.deepEqual(cids({ account, filterSubject: "nope" }), []);
  assert.deepEqual(cids({ account, filterSubject: "foo.bar", cid: 2 }), []);
  assert.deepEqual(cids({ account, filterSubject: "bar", state: "all" }), [1, 3]);
  assert.equal(cids({ filterSubject: "foo" }), "filter by subject only valid with account filtering");
  assert.deepEqual(cids({ filterSubject: ">" }), [1, 2]);
  await scene.stop();
});

test("thousands of connections are put in order in many turns, while others come and go", async () => {
  const scene = await MonitoredScene.start();
  const pipes = [];
  for (let i = 0; i < 5000; i++) {
    const pipe = scene.server.connectInProcess();
    pipe.attach({ onData() {}, onWritten() {}, onClosed() {} });
    pipes.push(pipe);
    if (i % 100 !== 0) continue;
    const bytes = Buffer.from(
      `SUB a 1\r\n`.repeat(1 + ((i * 7) % 13)).replaceAll(/ 1\r/g, () => ` ${Math.random()}\r`),
    );
    pipe.write(bytes, bytes.length);
  }
  await scene.clock.settled();
  let turns = 0;
  const { broker } = scene.server;
  const nextTurn = broker.clock.nextTurn.bind(broker.clock);
  broker.clock.nextTurn = (run) => {
    turns++;
    nextTurn(run);
  };
  const answer = scene.monitor.answer({ path: "/connz", query: "sort=subs&limit=100" });
  assert.ok(answer instanceof Promise);
  pipes[0].end();
  await scene.clock.settled();
  const { body } = await answer;
  assert.ok(turns >= 15, `${turns}`);
  const { connections, total } = JSON.parse([...body].join("")) as Json;
  assert.equal(total, 5000);
  const counts = connections.map(({ subscriptions }) => Number(subscriptions));
  assert.equal(counts.length, 100);
  assert.equal(counts[0], 13);
  assert.deepEqual(
    counts,
    counts.toSorted((a, b) => b - a),
  );
  assert.deepEqual(
    connections.slice(50).map(({ cid }) => cid),
    connections
      .slice(50)
      .map(({ cid }) => cid)
      .toSorted((a, b) => Number(a) - Number(b)),
    "those without any by number",
  );
  await scene.stop();
});
