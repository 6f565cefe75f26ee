import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import { test } from "node:test";
import { type Peer, TestBroker } from "../../../../../test/support/test-broker.ts";
import { parseReceived, type Received } from "../../../../../test/support/received.ts";
import { zlibCompression } from "../../io/node/compression.ts";
import { accountConfigs } from "../../broker/account-configs.ts";
import { resolveOptions } from "../../config/load.ts";
import type { OptionsInput } from "../../config/options.ts";
import { announceLifecycle } from "../events/lifecycle.ts";
import { SystemEvents } from "../events/system-events.ts";
import type { RequestedServer } from "./requested-server.ts";
import { SystemRequests } from "./system-requests.ts";

const OPTIONS: OptionsInput = {
  server_name: "n1",
  server_tags: ["blue", "big"],
  ping_interval: "1h",
  accounts: {
    SYS: { users: [{ user: "sys", password: "s" }], exports: [{ service: "$SYS.DEBUG.SUBSCRIBERS" }] },
    A: {
      users: [{ user: "a", password: "a" }],
      imports: [{ service: { account: "SYS", subject: "$SYS.DEBUG.SUBSCRIBERS" } }],
    },
    B: { users: [{ user: "b", password: "b" }] },
  },
  system_account: "SYS",
};

/** The figures of no real process. */
const RESOURCES: RequestedServer["resources"] = {
  coreCount: 2,
  residentBytes: () => 1_000_000,
  cpuPercent: () => 1.5,
  heap: () => ({ usedBytes: 1, totalBytes: 2, limitBytes: 3 }),
  activity: () => [],
};

/** A server that answers, and a client in the system account. */
class Scene {
  readonly world: TestBroker;
  readonly requests: SystemRequests;
  readonly admin: Peer;
  /** What comes of reading the configuration again. */
  reloadProblem: string | null = null;
  reloads = 0;

  constructor(options: OptionsInput = OPTIONS) {
    this.world = new TestBroker(options);
    const { broker } = this.world;
    const events = new SystemEvents(broker);
    broker.events.add(events);
    this.requests = new SystemRequests(
      {
        broker,
        resources: RESOURCES,
        compression: zlibCompression,
        takesConnections: true,
        startMs: broker.clock.nowMs(),
        configLoadMs: broker.clock.nowMs(),
        configDigest: "",
        ocspCache: null,
        httpRequests: new Map(),
        reloadConfiguration: () => {
          this.reloads++;
          return Promise.resolve(this.reloadProblem);
        },
      },
      events,
    );
    this.requests.start();
    this.admin = this.connect("sys", "s");
    this.admin.say("SUB answers 1\r\n");
  }

  connect(user: string, pass: string): Peer {
    return this.world.connect(
      `{"verbose":false,"protocol":1,"headers":true,"no_responders":true,"user":"${user}","pass":"${pass}"}`,
    );
  }

  /** What `subject` is answered with; `<id>` stands for the server's. */
  async ask(subject: string, body = "", headers = ""): Promise<Received[]> {
    return this.askBy(this.admin, subject, body, headers);
  }

  async askBy(peer: Peer, subject: string, body = "", headers = ""): Promise<Received[]> {
    const to = subject.replace("<id>", this.world.broker.serverId);
    const payload = Buffer.from(body, "utf8").toString("latin1");
    const sizes =
      headers === "" ? `${payload.length}` : `${headers.length} ${headers.length + payload.length}`;
    peer.say(`${headers === "" ? "PUB" : "HPUB"} ${to} answers ${sizes}\r\n${headers}${payload}\r\n`);
    await this.world.clock.settled();
    return parseReceived(peer.read());
  }

  /** As `ask`, for the one answer there is. */
  async json(subject: string, body = ""): Promise<Record<string, unknown>> {
    const answers = await this.ask(subject, body);
    assert.equal(answers.length, 1, subject);
    return JSON.parse(answers[0].payload) as Record<string, unknown>;
  }
}

const ENVELOPED = [
  "VARZ",
  "SUBSZ",
  "CONNZ",
  "ROUTEZ",
  "GATEWAYZ",
  "LEAFZ",
  "ACCOUNTZ",
  "JSZ",
  "HEALTHZ",
].concat(["PROFILEZ", "EXPVARZ", "IPQUEUESZ", "RAFTZ"]);

test("each question about the server is answered, by itself and to everybody", async () => {
  const scene = new Scene();
  for (const name of ENVELOPED) {
    for (const subject of [`$SYS.REQ.SERVER.<id>.${name}`, `$SYS.REQ.SERVER.PING.${name}`]) {
      const answer = await scene.json(subject);
      assert.deepEqual(Object.keys(answer), ["server", "data"], subject);
      assert.equal((answer["server"] as { id: string }).id, scene.world.broker.serverId);
    }
  }
  for (const subject of [
    "$SYS.REQ.SERVER.<id>.STATSZ",
    "$SYS.REQ.SERVER.PING.STATSZ",
    "$SYS.REQ.SERVER.PING",
  ]) {
    assert.deepEqual(Object.keys(await scene.json(subject)), ["server", "statsz"], subject);
  }
  const { serverId } = scene.world.broker;
  assert.deepEqual(await scene.json("$SYS.REQ.SERVER.PING.IDZ"), {
    name: "n1",
    host: "0.0.0.0",
    id: serverId,
  });
});

test("answers carry numbers that run on", async () => {
  const scene = new Scene();
  const numbers: unknown[] = [];
  for (let i = 0; i < 3; i++) {
    const { server } = await scene.json("$SYS.REQ.SERVER.PING.HEALTHZ");
    numbers.push((server as { seq: number }).seq);
  }
  assert.deepEqual(numbers, [1, 2, 3]);
});

test("nobody else answers, and nobody else may ask", async () => {
  const scene = new Scene();
  const client = scene.connect("a", "a");
  client.say("SUB answers 1\r\n");
  for (const subject of ["$SYS.REQ.SERVER.<id>.VARZ", "$SYS.REQ.SERVER.PING", "$SYS.REQ.SERVER.<id>.KICK"]) {
    const [answer] = await scene.askBy(client, subject, '{"cid":1}');
    assert.match(answer.headers, /^NATS\/1\.0 503/, subject);
  }
  const [unknown] = await scene.ask("$SYS.REQ.SERVER.<id>.NOPE");
  assert.match(unknown.headers, /^NATS\/1\.0 503/);
  assert.equal(scene.admin.client.state, "connected");
});

test("who is not meant stays silent", async () => {
  const scene = new Scene();
  const isAnswered = async (body: string): Promise<boolean> =>
    (await scene.ask("$SYS.REQ.SERVER.PING.HEALTHZ", body)).length === 1;
  for (const body of [
    '{"server_name":"n"}',
    '{"server_name":"n1","exact_match":true}',
    '{"host":"0.0"}',
    '{"tags":["BLUE"," big "]}',
    '{"cluster":"","domain":""}',
  ]) {
    assert.ok(await isAnswered(body), body);
  }
  for (const body of [
    '{"server_name":"m"}',
    '{"server_name":"n","exact_match":true}',
    '{"host":"1.2"}',
    '{"tags":["blue","red"]}',
    '{"cluster":"c"}',
    '{"domain":"hub"}',
    '{"tags":["red"],"exact_match":true}',
  ]) {
    assert.ok(!(await isAnswered(body)), body);
    assert.equal((await scene.ask("$SYS.REQ.SERVER.PING", body)).length, 0, body);
  }
});

test("a request that can't be read is refused with 400, whoever is meant", async () => {
  const scene = new Scene();
  for (const subject of ["CONNZ", "STATSZ", "KICK", "RELOAD"].map((name) => `$SYS.REQ.SERVER.<id>.${name}`)) {
    for (const body of ["{", "[]", '{"server_name":1}', '{"tags":"x","server_name":"other"}']) {
      const answer = await scene.json(subject, body);
      assert.equal((answer["error"] as { code: number }).code, 400, body);
      assert.ok(!Object.hasOwn(answer, "data"));
    }
  }
  const { error } = await scene.json("$SYS.REQ.SERVER.<id>.CONNZ", '{"limit":"1"}');
  assert.deepEqual(error, { code: 400, description: "limit must be an integer" });
  assert.equal(scene.reloads, 0);
});

test("a question without an answer is refused with 500", async () => {
  const scene = new Scene();
  for (const [subject, body, description] of [
    ["$SYS.REQ.SERVER.<id>.CONNZ", '{"sort":"foo"}', "invalid sorting option: foo"],
    ["$SYS.REQ.SERVER.<id>.ACCOUNTZ", '{"account":"C"}', "Account C does not exist"],
    ["$SYS.REQ.ACCOUNT.C.INFO", "", "Account C does not exist"],
    ["$SYS.REQ.ACCOUNT.A.JSZ", "", "jetstream not enabled"],
  ] as const) {
    const answer = await scene.json(subject, body);
    assert.equal(answer["data"], null);
    assert.deepEqual(answer["error"], { code: 500, description });
  }
});

test("options choose connections and subscriptions", async () => {
  const scene = new Scene();
  const client = scene.connect("a", "a");
  client.say("SUB foo.* 1\r\n");
  scene.connect("b", "b");
  const connections = async (subject: string, body: string): Promise<Record<string, unknown>[]> => {
    const { data } = await scene.json(subject, body);
    return (data as { connections: Record<string, unknown>[] }).connections;
  };
  const server = "$SYS.REQ.SERVER.PING.CONNZ";
  assert.equal((await connections(server, '{"limit":2,"offset":2}')).length, 1);
  assert.equal((await connections(server, '{"acc":"A","filter_subject":"foo.bar"}')).length, 1);
  assert.equal((await connections(server, '{"acc":"A","filter_subject":"bar"}')).length, 0);
  const [found] = await connections(server, '{"user":"a","auth":true,"subscriptions":true}');
  assert.deepEqual([found["account"], found["subscriptions_list"]], ["A", ["foo.*"]]);
  // What the subject says is stronger than the body.
  assert.equal((await connections("$SYS.REQ.ACCOUNT.A.CONNZ", '{"acc":"B"}'))[0]["cid"], client.client.cid);
  const { data } = await scene.json("$SYS.REQ.ACCOUNT.A.SUBSZ");
  assert.equal((data as { subscriptions_list: unknown[] }).subscriptions_list.length, 1);
});

test("accounts ask about themselves, by names of their own", async () => {
  const scene = new Scene();
  const client = scene.connect("a", "a");
  scene.connect("b", "b");
  client.say("SUB answers 1\r\n");
  for (const subject of ["$SYS.REQ.SERVER.PING.CONNZ", "$SYS.REQ.ACCOUNT.PING.CONNZ"]) {
    const [{ payload }] = await scene.askBy(client, subject, '{"acc":"B","auth":true}');
    const { data } = JSON.parse(payload) as { data: { connections: { account: string }[] } };
    assert.deepEqual(
      data.connections.map(({ account }) => account),
      ["A"],
    );
  }
  const [{ payload }] = await scene.askBy(client, "$SYS.REQ.ACCOUNT.PING.STATZ", '{"accounts":["B"]}');
  const { data } = JSON.parse(payload) as { data: { account_statz: { acc: string }[] } };
  assert.deepEqual(
    data.account_statz.map(({ acc }) => acc),
    ["A"],
  );
});

test("statistics of accounts: of those that are in use, or are asked for", async () => {
  const scene = new Scene();
  scene.connect("a", "a");
  const accounts = async (subject: string, body = ""): Promise<string[] | null> => {
    const [answer, ...more] = await scene.ask(subject, body);
    assert.equal(more.length, 0, "one answer");
    if (answer === undefined) return null;
    const { data } = JSON.parse(answer.payload) as { data: { account_statz: { acc: string }[] } };
    return data.account_statz.map(({ acc }) => acc).sort();
  };
  assert.deepEqual(await accounts("$SYS.REQ.ACCOUNT.PING.STATZ"), ["A", "SYS"]);
  assert.deepEqual(await accounts("$SYS.REQ.ACCOUNT.PING.STATZ", '{"accounts":["B","A","C"]}'), ["A"]);
  assert.deepEqual(await accounts("$SYS.REQ.ACCOUNT.PING.STATZ", '{"include_unused":true}'), [
    "$G",
    "A",
    "B",
    "SYS",
  ]);
  assert.deepEqual(await accounts("$SYS.REQ.ACCOUNT.A.STATZ", '{"accounts":["B"]}'), ["A"]);
  assert.equal(await accounts("$SYS.REQ.ACCOUNT.B.STATZ"), null);
  assert.deepEqual(await accounts("$SYS.REQ.ACCOUNT.B.STATZ", '{"include_unused":true}'), ["B"]);
});

test("the number of an account's connections is told to who asks, where there are any", async () => {
  const scene = new Scene();
  scene.connect("a", "a");
  const answer = await scene.json("$SYS.REQ.ACCOUNT.A.CONNS");
  assert.deepEqual(
    [answer["type"], answer["acc"], answer["conns"]],
    ["io.nats.server.advisory.v1.account_connections", "A", 1],
  );
  assert.equal((await scene.ask("$SYS.REQ.ACCOUNT.A.CONNS", '{"acc":"A"}')).length, 1);
  for (const [subject, body] of [
    ["$SYS.REQ.ACCOUNT.A.CONNS", '{"acc":"B"}'],
    ["$SYS.REQ.ACCOUNT.A.CONNS", "["],
    ["$SYS.REQ.ACCOUNT.B.CONNS", ""],
    ["$SYS.REQ.ACCOUNT.C.CONNS", ""],
  ]) {
    assert.equal((await scene.ask(subject, body)).length, 0, body);
  }
});

test("subscribers are counted in the account of who asks", async () => {
  const scene = new Scene();
  const client = scene.connect("a", "a");
  client.say("SUB foo.* 1\r\nSUB foo.bar q 2\r\nSUB foo.bar q 3\r\nSUB answers 4\r\n");
  const count = async (peer: Peer, body: string): Promise<string> =>
    (await scene.askBy(peer, "$SYS.DEBUG.SUBSCRIBERS", body))[0].payload;
  assert.equal(await count(client, "foo.bar"), "3");
  assert.equal(await count(client, " foo.bar q \n"), "2");
  assert.equal(await count(client, "foo.bar r"), "0");
  assert.equal(await count(client, "foo.*"), "3");
  assert.equal(await count(client, "foo.> q"), "2");
  assert.equal(await count(client, ""), "0");
  assert.equal(await count(client, "a..b"), "0");
  assert.equal(await count(scene.admin, "foo.bar"), "0");
  assert.equal(await count(scene.admin, ">"), "1");
  const nsubs = async (body: string): Promise<string | undefined> =>
    (await scene.ask("$SYS.REQ.ACCOUNT.NSUBS", body))[0]?.payload;
  assert.equal(await nsubs('{"acc":"A","subject":"foo.bar"}'), "3");
  assert.equal(await nsubs('{"acc":"A","subject":"foo.bar","queue":"cQ=="}'), "2");
  for (const body of ["", "x", '{"acc":"B","subject":"foo"}', '{"acc":"A","subject":1}']) {
    assert.equal(await nsubs(body), undefined, body);
  }
});

test("a connection is kicked by its number", async () => {
  const scene = new Scene();
  const client = scene.connect("a", "a");
  const { cid } = client.client;
  const [refused] = await scene.ask("$SYS.REQ.SERVER.<id>.KICK", '{"cid":99}');
  assert.match(refused.payload, /"error":\{"code":500,"description":"no such client or leafnode id"\}/);
  // Nor by those who are not meant, or without anybody to tell.
  await scene.ask("$SYS.REQ.SERVER.<id>.KICK", `{"cid":${cid},"server_name":"other"}`);
  const id = scene.world.broker.serverId;
  scene.admin.say(`PUB $SYS.REQ.SERVER.${id}.KICK 9\r\n{"cid":${cid}}\r\n`);
  await scene.world.clock.settled();
  assert.equal(client.client.state, "connected");
  assert.deepEqual(Object.keys(await scene.json("$SYS.REQ.SERVER.<id>.KICK", `{"cid":${cid}}`)), ["server"]);
  assert.equal(client.client.closeReason, "kicked");
  const again = await scene.json("$SYS.REQ.SERVER.<id>.KICK", `{"cid":${cid}}`);
  assert.equal((again["error"] as { code: number }).code, 500);
});

test("a single client is told to go elsewhere", async () => {
  const scene = new Scene();
  const client = scene.connect("a", "a");
  const { cid } = client.client;
  const order = (): Promise<Record<string, unknown>> =>
    scene.json("$SYS.REQ.SERVER.<id>.LDM", `{"cid":${cid}}`);
  assert.match(JSON.stringify(await order()), /not ready to receive the notification/);
  client.say("PING\r\n");
  client.say("PONG\r\n");
  client.read();
  if (client.client.connectInfoSent) {
    assert.deepEqual(Object.keys(await order()), ["server"]);
    assert.match(client.read(), /^INFO \{.*"ldm":true/);
  } else assert.fail("the client is ready");
  assert.equal(client.client.state, "connected");
  assert.equal(scene.world.broker.isLameDuck, false);
  const unknown = await scene.json("$SYS.REQ.SERVER.<id>.LDM", '{"cid":99}');
  assert.deepEqual(unknown["error"], { code: 500, description: "no such client id" });
});

test("the configuration is read again, and what is in the way is told", async () => {
  const scene = new Scene();
  assert.deepEqual(Object.keys(await scene.json("$SYS.REQ.SERVER.<id>.RELOAD")), ["server"]);
  scene.reloadProblem = "no good";
  const answer = await scene.json("$SYS.REQ.SERVER.<id>.RELOAD");
  assert.deepEqual(answer["error"], { code: 500, description: "no good" });
  assert.equal(scene.reloads, 2);
  assert.equal((await scene.ask("$SYS.REQ.SERVER.PING.RELOAD"))[0].payload, "");
});

test("answers are packed as is asked", async () => {
  const scene = new Scene();
  const plain = await scene.json("$SYS.REQ.SERVER.<id>.RAFTZ");
  assert.deepEqual(plain["data"], {});
  scene.admin.say("PUB x 0\r\n\r\n");
  const headers = "NATS/1.0\r\nAccept-Encoding: gzip\r\n\r\n";
  let [answer] = await scene.ask("$SYS.REQ.SERVER.<id>.RAFTZ", "", headers);
  // Packing is done by a thread of its own.
  while (answer === undefined) {
    await new Promise((resolve) => setImmediate(resolve));
    [answer] = parseReceived(scene.admin.read());
  }
  assert.equal(answer.headers, "NATS/1.0\r\nContent-Encoding: gzip\r\n\r\n");
  const unpacked = gunzipSync(Buffer.from(answer.payload, "latin1")).toString("utf8");
  assert.deepEqual(Object.keys(JSON.parse(unpacked) as object), ["server", "data"]);
  const snappy = await scene.ask("$SYS.REQ.SERVER.<id>.RAFTZ", "", headers.replace("gzip", "s2"));
  assert.equal(snappy[0].headers, "NATS/1.0\r\nContent-Encoding: snappy\r\n\r\n");
  assert.ok(snappy[0].payload.startsWith("\xff\x06\0\0sNaPpY\x01"));
  // What says no more than that something is wrong is not.
  const refused = await scene.ask("$SYS.REQ.SERVER.<id>.ACCOUNTZ", '{"account":"C"}', headers);
  assert.equal(refused[0].headers, "");
});

test("a long answer is whole", async () => {
  const scene = new Scene();
  const client = scene.connect("a", "a");
  for (let i = 0; i < 5_000; i++) client.say(`SUB some.rather.long.subject.${i} ${i}\r\n`);
  const { data } = await scene.json("$SYS.REQ.ACCOUNT.A.SUBSZ", '{"limit":10000}');
  assert.equal((data as { subscriptions_list: unknown[] }).subscriptions_list.length, 5_000);
});

test("questions have their turns", async () => {
  const scene = new Scene();
  const client = scene.connect("a", "a");
  for (let i = 0; i < 2_000; i++) client.say(`SUB some.rather.long.subject.${i} ${i}\r\n`);
  scene.admin.say('PUB $SYS.REQ.ACCOUNT.A.SUBSZ answers 14\r\n{"limit":2000}\r\n'.repeat(2));
  scene.admin.say("PUB $SYS.REQ.ACCOUNT.A.LEAFZ answers 0\r\n\r\n");
  await scene.world.clock.settled();
  const answers = parseReceived(scene.admin.read()).map(({ payload }) => payload);
  assert.deepEqual(
    answers.map((payload) => payload.includes('"leafs"')),
    [false, false, true],
  );
});

test("only so many questions wait", async () => {
  const scene = new Scene();
  scene.admin.say("PUB $SYS.REQ.ACCOUNT.A.LEAFZ answers 0\r\n\r\n".repeat(1_030));
  await scene.world.clock.settled();
  const answers = parseReceived(scene.admin.read()).map(({ payload }) => payload);
  assert.equal(answers.length, 1_030);
  assert.equal(answers.filter((payload) => payload.includes("too many requests are waiting")).length, 6);
  assert.equal((await scene.ask("$SYS.REQ.ACCOUNT.A.LEAFZ")).length, 1);
});

test("statistics come by the clock, farther and farther apart", async () => {
  const scene = new Scene();
  const { clock, broker } = scene.world;
  const startMs = clock.monotonicMs();
  const subject = `$SYS.SERVER.${broker.serverId}.STATSZ`;
  scene.admin.say(`SUB ${subject} 2\r\n`);
  const times: number[] = [];
  while (times.length < 7) {
    await clock.advance(50);
    if (scene.admin.read().includes(subject)) times.push(clock.monotonicMs() - startMs);
  }
  assert.deepEqual(times, [250, 1_250, 3_250, 7_250, 15_250, 25_250, 35_250]);
  // Who names no subject for the answer gets them there and then, and the next ones not at once again.
  await clock.advance(9_500);
  scene.admin.say("PUB $SYS.REQ.SERVER.PING 0\r\n\r\n");
  await clock.settled();
  assert.ok(scene.admin.read().includes(subject));
  await clock.advance(999);
  assert.equal(scene.admin.read(), "");
  await clock.advance(1);
  assert.ok(scene.admin.read().includes(subject));
});

test("statistics that nobody wants are not made", async () => {
  const scene = new Scene();
  await scene.world.clock.advance(60_000);
  assert.equal(scene.world.broker.counters.announcements, 0);
});

test("the end is told before connections are closed", async () => {
  const scene = new Scene();
  const { broker } = scene.world;
  scene.admin.say("SUB $SYS.SERVER.> 2\r\n");
  announceLifecycle(broker, "LAMEDUCK");
  announceLifecycle(broker, "SHUTDOWN");
  scene.admin.client.close("serverShutdown");
  const told = parseReceived(scene.admin.read());
  assert.deepEqual(
    told.map(({ subject }) => subject.split(".").at(-1)),
    ["LAMEDUCK", "SHUTDOWN"],
  );
  assert.equal((JSON.parse(told[0].payload) as { id: string }).id, broker.serverId);
});

test("it goes where the system account is", async () => {
  const scene = new Scene();
  const { broker } = scene.world;
  const other = scene.connect("b", "b");
  other.say("SUB answers 1\r\n");
  const inserted = broker.systemAccount?.sublist.stats().insertCount;
  scene.requests.follow();
  assert.equal(broker.systemAccount?.sublist.stats().insertCount, inserted, "it stays where it is");
  broker.options = resolveOptions({ ...OPTIONS, system_account: "B" });
  assert.deepEqual(broker.accounts.apply(accountConfigs(broker.options)), []);
  scene.requests.follow();
  const question = "$SYS.REQ.SERVER.PING.IDZ";
  assert.equal((await scene.askBy(other, question)).length, 1);
  assert.match((await scene.ask(question))[0].headers, /^NATS\/1\.0 503/);
});

test("without a system account nobody answers, and nothing fails", async () => {
  const scene = new Scene({ server_name: "n1", no_system_account: true });
  await scene.world.clock.advance(60_000);
  scene.admin.read();
  assert.match((await scene.ask("$SYS.REQ.SERVER.PING.IDZ"))[0].headers, /^NATS\/1\.0 503/);
  announceLifecycle(scene.world.broker, "SHUTDOWN");
});
