/** The monitoring views of a server whose time stands still: every field is known. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { UnattachedPipe } from "../packages/caddis/src/io/pipe.ts";
import { Monitor } from "../packages/caddis/src/monitor/monitor.ts";
import { healthz } from "../packages/caddis/src/system/views/healthz.ts";
import { answerNow } from "./support/answer-now.ts";
import { type Fields, type Json, MINUTE_MS, MonitoredScene as Scene } from "./support/monitored-scene.ts";

const CONNECT = 'CONNECT {"verbose":false,"protocol":1}\r\n';

test("a connection's every field", async () => {
  const scene = await Scene.start();
  const alice = await scene.connect(
    'CONNECT {"verbose":false,"name":"al<ce","lang":"ts","version":"1.2","user":"u"}\r\n' +
      "SUB foo.* 1\r\nSUB b\xc3\xa9 q 2\r\nUNSUB 2 5\r\nSUB \xff 3\r\n",
  );
  await scene.clock.advance(61_000);
  await scene.say(alice, "PUB foo.bar 3\r\nabc\r\n");
  await scene.clock.advance(1_500);
  const { connections, ...head } = scene.ask("/connz?subs=detail&auth=1");
  assert.deepEqual(head, {
    server_id: scene.server.broker.serverId,
    now: "2026-11-20T05:01:02.5Z",
    num_connections: 1,
    total: 1,
    offset: 0,
    limit: 1024,
  });
  const connection = {
    cid: 1,
    kind: "Client",
    type: "nats",
    ip: "",
    port: 0,
    start: "2026-11-20T05:00:00Z",
    last_activity: "2026-11-20T05:01:01Z",
    rtt: "0s",
    uptime: "1m2s",
    idle: "1s",
    pending_bytes: 0,
    in_msgs: 1,
    out_msgs: 1,
    in_bytes: 3,
    out_bytes: 3,
    subscriptions: 3,
    name: "al<ce",
    lang: "ts",
    version: "1.2",
    authorized_user: "u",
    subscriptions_list_detail: [
      { subject: "foo.*", sid: "1", msgs: 1, cid: 1 },
      { subject: "bé", qgroup: "q", sid: "2", msgs: 0, max: 5, cid: 1 },
      { subject: "\ufffd", sid: "3", msgs: 0, cid: 1 },
    ],
    name_tag: "$G",
  };
  assert.deepEqual(connections, [connection]);
  assert.deepEqual(scene.ask("/connz?subs=1").connections[0]["subscriptions_list"], [
    "foo.*",
    "bé",
    "\ufffd",
  ]);
  const plain = scene.ask("/connz").connections[0];
  for (const key of ["subscriptions_list", "subscriptions_list_detail", "authorized_user", "name_tag"]) {
    assert.ok(!(key in plain), key);
  }

  alice.end();
  await scene.clock.settled();
  await scene.clock.advance(MINUTE_MS);
  assert.deepEqual(scene.cids("/connz"), []);
  const [closed] = scene.ask("/connz?state=closed&subs=detail&auth=1").connections;
  const { name_tag: _, ...rest } = connection;
  assert.deepEqual(closed, {
    ...rest,
    stop: "2026-11-20T05:01:02.5Z",
    reason: "Client Closed",
    subscriptions_list_detail: connection.subscriptions_list_detail.map((detail) => ({
      account: "$G",
      account_tag: "$G",
      ...detail,
    })),
  });
  await scene.stop();
});

test("connections in every order", async () => {
  const scene = await Scene.start();
  const pipes: UnattachedPipe[] = [];
  for (let i = 0; i < 4; i++) {
    pipes.push(await scene.connect(CONNECT));
    await scene.clock.advance(1000);
  }
  for (const i of [2, 0, 3, 1]) {
    const subs = Array.from({ length: (i * 3 + 1) % 4 }, (_, k) => `SUB s.${i} ${k}\r\n`);
    await scene.say(pipes[i], `${subs.join("")}PUB nobody ${i + 1}\r\n${"x".repeat(i + 1)}\r\n`);
    await scene.clock.advance(1000);
  }
  await scene.say(pipes[1], "PUB s.2 4\r\nxxxx\r\nPUB s.3 1\r\nx\r\n");
  const orders = {
    "": [1, 2, 3, 4],
    cid: [1, 2, 3, 4],
    start: [1, 2, 3, 4],
    subs: [3, 4, 1, 2],
    pending: [1, 2, 3, 4],
    msgs_from: [2, 1, 3, 4],
    bytes_from: [2, 4, 3, 1],
    msgs_to: [3, 4, 1, 2],
    bytes_to: [3, 4, 1, 2],
    // What is delivered counts as activity too: connections 3 and 4 have just been written to.
    last: [2, 3, 4, 1],
    idle: [1, 2, 3, 4],
    uptime: [4, 3, 2, 1],
    rtt: [1, 2, 3, 4],
  };
  for (const [sort, cids] of Object.entries(orders))
    assert.deepEqual(scene.cids(`/connz?sort=${sort}`), cids, sort);
  assert.deepEqual(scene.cids("/connz?sort=last&offset=1&limit=2"), [3, 4]);

  for (const i of [0, 2]) {
    pipes[i].end();
    await scene.clock.settled();
    await scene.clock.advance(1000);
  }
  await scene.say(pipes[1], "NONSENSE\r\n");
  await scene.clock.advance(MINUTE_MS);
  assert.deepEqual(scene.cids("/connz?state=closed&sort=stop"), [2, 3, 1]);
  assert.deepEqual(scene.cids("/connz?state=closed&sort=reason"), [1, 3, 2]);
  assert.deepEqual(scene.cids("/connz?state=closed&sort=uptime"), [3, 1, 2]);
  assert.deepEqual(scene.cids("/connz?state=closed"), [1, 2, 3]);
  assert.deepEqual(scene.cids("/connz?state=all&sort=subs"), [3, 4, 1, 2]);
  assert.deepEqual(scene.cids("/connz?state=any&cid=3"), [3]);
  assert.deepEqual(scene.cids("/connz"), [4]);
  await scene.stop();
});

test("filters leave total alone, except those by state and account", async () => {
  const scene = await Scene.start();
  await scene.connect('CONNECT {"verbose":false,"user":"bob"}\r\nSUB foo.bar 1\r\n');
  await scene.connect('CONNECT {"verbose":false,"auth_token":"secret"}\r\nSUB foo.> 1\r\n');
  await scene.connect(`${CONNECT}SUB other.* 1\r\n`);
  const counted = (target: string): unknown[] => {
    const { num_connections, total, connections } = scene.ask(target);
    assert.equal(connections.length, num_connections);
    return [total, ...connections.map(({ cid }) => cid)];
  };
  assert.deepEqual(counted("/connz?user=bob"), [3, 1]);
  assert.deepEqual(counted("/connz?user=nobody"), [3]);
  assert.deepEqual(counted("/connz?cid=2"), [3, 2]);
  assert.deepEqual(counted("/connz?cid=2&user=bob"), [3]);
  assert.deepEqual(counted("/connz?mqtt_client=m"), [3]);
  assert.deepEqual(counted("/connz?acc=$G"), [3, 1, 2, 3]);
  assert.deepEqual(counted("/connz?acc=$SYS"), [0]);
  assert.deepEqual(counted("/connz?state=closed"), [0]);
  // Over HTTP the reference reads no such filter.
  assert.deepEqual(counted("/connz?acc=$G&filter_subject=foo.bar"), [3, 1, 2, 3]);
  assert.deepEqual(counted("/connz?filter_subject=foo"), [3, 1, 2, 3]);
  assert.equal(scene.ask("/connz?cid=2")["limit"], 1);
  assert.equal(scene.ask("/connz?cid=2&auth=1").connections[0]["authorized_user"], "[REDACTED]");
  const { connections, total, server_id } = scene.ask("/connz?acc=nobody");
  assert.deepEqual({ connections, total, server_id }, { connections: null, total: 0, server_id: "" });
  await scene.stop();
});

test("a connection on its way out counts as closed, once", async () => {
  const scene = await Scene.start();
  const pipe = await scene.connect(CONNECT);
  pipe.pause();
  await scene.say(pipe, "PING\r\nNONSENSE\r\n");
  assert.equal(scene.server.broker.clients.size, 1);
  assert.deepEqual(scene.cids("/connz?state=all"), [1]);
  assert.equal(scene.ask("/connz")["total"], 0);
  assert.equal(scene.ask("/connz?state=closed").connections[0]["reason"], "Protocol Violation");
  assert.equal(scene.ask("/varz")["connections"], 0);
  await scene.stop();
});

test("a list that is being written survives its connection", async () => {
  const scene = await Scene.start();
  const subs = Array.from({ length: 5000 }, (_, i) => `SUB some.long.subject.${i} ${i}\r\n`).join("");
  const pipe = await scene.connect(CONNECT + subs);
  const { body } = answerNow(new Monitor(scene.server), { path: "/connz", query: "subs=detail" });
  const pieces = body[Symbol.iterator]();
  const first = pieces.next();
  pipe.end();
  await scene.clock.settled();
  let text = first.value as string;
  for (let next = pieces.next(); next.done !== true; next = pieces.next()) text += next.value;
  const [connection] = (JSON.parse(text) as Json).connections;
  assert.equal(connection["subscriptions"], 5000);
  const list = connection["subscriptions_list_detail"] as unknown[];
  assert.equal(list.length, 5000, "as it was when the answer was begun");
  await scene.stop();
});

test("subscriptions, their counts and who would get a message", async () => {
  // Accounts have subscriptions of their own towards a system account.
  const scene = await Scene.start({ no_system_account: true });
  const pipe = await scene.connect(
    `${CONNECT}SUB foo.* 1\r\nSUB foo.bar q 2\r\nSUB > 3\r\nUNSUB 3\r\nSUB x 4\r\n`,
  );
  for (let i = 0; i < 16; i++) await scene.say(pipe, `PUB foo.${i % 2} 0\r\n\r\n`);
  const all = scene.ask("/subsz?subs=1");
  const subjects = (json: Json): unknown[] => json.subscriptions_list.map(({ subject }) => subject);
  const sorted = (json: Json): string[] =>
    subjects(json)
      .map(String)
      .sort((a, b) => (a < b ? -1 : 1));
  assert.deepEqual(sorted(all), ["foo.*", "foo.bar", "x"]);
  assert.deepEqual(
    all.subscriptions_list.find(({ sid }) => sid === "2"),
    { account: "$G", account_tag: "$G", subject: "foo.bar", qgroup: "q", sid: "2", msgs: 0, cid: 1 },
  );
  assert.equal(all["num_subscriptions"], 3);
  assert.equal(all["num_inserts"], 4);
  assert.equal(all["num_removes"], 1);
  assert.equal(all["num_matches"], 16);
  assert.equal(all["total"], 3);
  assert.ok(Number(all["cache_hit_rate"]) >= 0 && Number(all["cache_hit_rate"]) < 1);
  assert.deepEqual(sorted(scene.ask("/subsz?subs=1&test=foo.bar")), ["foo.*", "foo.bar"]);
  assert.deepEqual(subjects(scene.ask("/subscriptionsz?subs=1&test=x&acc=$G")), ["x"]);
  assert.ok(!("subscriptions_list" in scene.ask("/subsz?subs=1&test=x&acc=other")));
  const page = scene.ask("/subsz?subs=1&offset=1&limit=1");
  assert.deepEqual(subjects(page), [subjects(scene.ask("/subsz?subs=1"))[1]]);
  assert.deepEqual([page["total"], page["offset"], page["limit"]], [3, 1, 1]);
  const plain = scene.ask("/subsz?offset=-1&limit=-1&test=foo.bar");
  assert.deepEqual(
    [plain["total"], plain["offset"], plain["limit"], "subscriptions_list" in plain],
    [0, 0, 1024, false],
  );
  assert.equal(scene.ask("/subsz?acc=nobody")["num_subscriptions"], 0);
  await scene.stop();
});

test("the server in figures", async () => {
  const scene = await Scene.start({
    max_subscriptions: 9,
    ping_interval: "1500ms",
    write_timeout: "retry",
    server_tags: ["b", "A"],
    server_metadata: { z: "1", a: "x" },
    authorization: { user: "u", password: "p", timeout: "1500ms" },
  });
  scene.server.configDigest = "sha256:00";
  scene.server.configLoadMs += 2000;
  await scene.connect('CONNECT {"verbose":false,"user":"u","pass":"p"}\r\nSUB a 1\r\nPUB a 2\r\nhi\r\n');
  await scene.connect('CONNECT {"verbose":false,"user":"u","pass":"wrong"}\r\n');
  await scene.clock.advance(3_661_000);
  scene.ask("/healthz");
  scene.ask("/healthz");
  scene.ask("/subscriptionsz");
  scene.askText("/nothing");
  const varz = scene.ask("/varz");
  const expected = {
    server_name: "n1",
    version: "2.15.1",
    go: "node test",
    auth_required: true,
    max_subscriptions: 9,
    ping_interval: 1_500_000_000,
    auth_timeout: 1.5,
    write_deadline: 10_000_000_000,
    write_timeout: "retry",
    start: "2026-11-20T05:00:00Z",
    now: "2026-11-20T06:01:01Z",
    uptime: "1h1m1s",
    mem: 1000,
    cores: 3,
    gomaxprocs: 3,
    cpu: 12.5,
    total_connections: 2,
    in_msgs: 1,
    in_client_bytes: 2,
    out_client_msgs: 1,
    out_bytes: 2,
    http_req_stats: { "/healthz": 2, "/subsz": 1, "/varz": 1 },
    config_load_time: "2026-11-20T05:00:02Z",
    config_digest: "sha256:00",
    tags: ["b", "a"],
    metadata: { a: "x", z: "1" },
  };
  for (const [key, value] of Object.entries(expected)) assert.deepEqual(varz[key], value, key);
  assert.deepEqual(Object.keys(varz["metadata"] as object), ["a", "z"]);
  assert.deepEqual((varz["slow_consumer_stats"] as Fields)["clients"], 0);
  await scene.stop();
});

test("without a system account none is named, and none is there", async () => {
  const scene = await Scene.start({ no_system_account: true });
  assert.ok(!("system_account" in scene.ask("/varz")));
  assert.equal(scene.ask("/connz?acc=$SYS")["server_id"], "");
  await scene.stop();
});

test("a server is healthy while it takes connections", async () => {
  const scene = await Scene.start({ lame_duck_duration: "60s" });
  const nothing = { account: "", stream: "", consumer: "", details: false };
  assert.deepEqual(healthz(true, nothing), { httpStatus: 200, body: { status: "ok" } });
  const error = "failed to be ready for connections after 1ms: server";
  assert.deepEqual(healthz(false, nothing), { httpStatus: 500, body: { status: "error", error } });
  assert.deepEqual(healthz(false, { ...nothing, details: true }), {
    httpStatus: 500,
    body: { status: "error", errors: [{ type: "CONNECTION", error }] },
  });
  assert.equal(healthz(false, { ...nothing, stream: "S" }).httpStatus, 400);

  await scene.connect(CONNECT);
  assert.deepEqual(scene.askText("/healthz"), { status: 200, text: '{"status":"ok"}' });
  assert.deepEqual(scene.warnings, []);
  const down = scene.server.lameDuck();
  await scene.clock.settled();
  assert.deepEqual(scene.askText("/healthz"), {
    status: 500,
    text: JSON.stringify({ status: "error", error }),
  });
  assert.equal(scene.warnings.at(-1), `Healthcheck failed: "${error}"`);
  scene.askText("/healthz?details=1");
  assert.equal(scene.warnings.at(-1), "Healthcheck failed: 1 errors");
  scene.askText("/healthz?stream=S");
  const quoted = '"\\"account\\" must not be empty when checking stream health"';
  assert.equal(scene.warnings.at(-1), `Healthcheck failed: ${quoted}`);
  await scene.clock.advance(2 * MINUTE_MS);
  await down;
});

test("paths: base path, parts that are not there, spellings", async () => {
  const scene = await Scene.start({ http_base_path: "nats/" });
  assert.equal(scene.askText("/nats/healthz").status, 200);
  const index = scene.askText("/nats").text;
  for (const path of ["varz", "connz", "subsz", "healthz"])
    assert.ok(index.includes(`href="./nats/${path}"`), path);
  for (const path of ["/healthz", "/nats/", "/", "/natsvarz", "/nats/varz/", "/nats/nope"]) {
    assert.deepEqual(scene.askText(path), { status: 404, text: "404 page not found\n" }, path);
  }
  const moved = answerNow(new Monitor(scene.server), { path: "//nats/./varz x", query: "a=é日b%20" });
  assert.equal(moved.status, 301);
  assert.equal(moved.headers["Location"], "/nats/varz%20x?a=%C3%A9%E6%97%A5b%20");
  await scene.stop();
});
