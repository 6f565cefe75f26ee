import assert from "node:assert/strict";
import { test } from "node:test";
import {
  account,
  AccountWorld,
  serviceExport,
  serviceImport,
} from "../../../../test/support/account-world.ts";
import { parseReceived, type Received } from "../../../../test/support/received.ts";
import type { Peer } from "../../../../test/support/test-broker.ts";
import { AWAITED_ANSWERS_MAX, SERVICE_HOPS_MAX } from "../base/limits.ts";
import type { AccountConfig, ServiceExport } from "../config/accounts.ts";
import { makeMessage } from "./message.ts";

function worldOf(exported: Partial<ServiceExport> = {}, share = false): AccountWorld {
  return new AccountWorld([
    account("A", { exports: [serviceExport("q.>", exported)] }),
    account("B", { imports: [serviceImport("A", "q.>", { share })] }),
  ]);
}

/** The messages that came, without the server's pings. */
function messages(peer: Peer): Received[] {
  return parseReceived(peer.read()).filter(({ line }) => line !== "PING");
}

function hpub(subject: string, reply: string, fields: string): string {
  const headers = `NATS/1.0\r\n${fields}\r\n`;
  return `HPUB ${subject} ${reply} ${headers.length} ${headers.length}\r\n${headers}\r\n`;
}

function infoIn(headers: string): Record<string, unknown> {
  const values = [...headers.matchAll(/nats-request-info: ?(.*)\r\n/gi)];
  assert.equal(values.length, 1, headers);
  return JSON.parse(values[0][1]) as Record<string, unknown>;
}

/** How many answers are awaited in all of the world, asked at each place that knows. */
function awaited({ accounts }: AccountWorld): number {
  const arriving = [...accounts].reduce((sum, { replies }) => sum + replies.arrivingCount, 0);
  const expected = [...accounts]
    .flatMap(({ imports }) => imports.services)
    .reduce((sum, { answers }) => sum + answers.count, 0);
  assert.equal(arriving, expected);
  return arriving;
}

test("CVE-2026-33223: a client's own Nats-Request-Info never reaches a service", () => {
  const world = worldOf();
  const service = world.connect("A", "q.>");
  const client = world.connect("B");
  const forgeries = [
    'Nats-Request-Info: {"acc":"A","user":"root"}\r\n',
    'nats-request-info: {"acc":"A"}\r\n',
    'NATS-REQUEST-INFO:{"acc":"A"}\r\nNats-Request-Info: {"acc":"$SYS"}\r\n',
    'X: y\nNats-Request-Info: {"acc":"A"}\r\n',
    'X: y\rNats-Request-Info: {"acc":"A"}\r\n',
  ];
  for (const forgery of forgeries) {
    client.say(hpub("q.1", "in", forgery));
    const [{ headers }] = messages(service);
    assert.deepEqual(infoIn(headers), { acc: "B" }, forgery);
    assert.ok(!headers.includes('"A"') && !headers.includes("root"), headers);
  }
});

test("CVE-2026-33223: neither does one in an answer that goes on as a request", () => {
  const world = new AccountWorld([
    account("A", { exports: [serviceExport("q")] }),
    account("B", { imports: [serviceImport("A", "q"), serviceImport("C", "log", { to: "in" })] }),
    account("C", { exports: [serviceExport("log")] }),
  ]);
  const service = world.connect("A", "q");
  const logger = world.connect("C", "log");
  world.connect("B").say("PUB q in 1\r\na\r\n");
  const [{ reply }] = messages(service);
  service.say(hpub(reply, "", 'Nats-Request-Info: {"acc":"$SYS"}\r\n').replace("  ", " "));
  assert.deepEqual(infoIn(messages(logger)[0].headers), { acc: "A" });
});

test("a service learns who asks as far as the import shares it, also through an account in between", () => {
  const chain = (shareFirst: boolean, shareLast: boolean): Record<string, unknown> => {
    const world = new AccountWorld([
      account("A", { exports: [serviceExport("q")] }),
      account("B", {
        exports: [serviceExport("q2")],
        imports: [serviceImport("A", "q", { to: "q2", share: shareLast })],
      }),
      account("C", { imports: [serviceImport("B", "q2", { to: "q3", share: shareFirst })] }),
    ]);
    const service = world.connect("A", "q");
    world.connect("C").say("PUB q3 1\r\na\r\n");
    return infoIn(messages(service)[0].headers);
  };
  assert.deepEqual(chain(false, false), { acc: "C", svc: "B" });
  assert.deepEqual(Object.keys(chain(false, true)), ["acc", "svc", "server"]);
  assert.deepEqual(Object.keys(chain(true, false)).slice(0, 6), [
    "start",
    "host",
    "id",
    "acc",
    "svc",
    "user",
  ]);
});

test("a request without answer is given up after the threshold, and measured", async () => {
  const world = worldOf({ response_threshold: 1_000, latency: { subject: "latency", sampling: 100 } });
  const service = world.connect("A", "q.>");
  const observer = world.connect("A", "latency");
  const client = world.connect("B", "in");
  client.say("PUB q.1 in 1\r\na\r\n");
  const [{ reply }] = messages(service);
  await world.world.clock.advance(999);
  assert.equal(awaited(world), 1);
  await world.world.clock.advance(1);
  assert.equal(awaited(world), 0);
  const metric = JSON.parse(messages(observer)[0].payload) as Record<string, unknown>;
  assert.equal(metric["status"], 504);
  assert.equal(metric["description"], "Service Timeout");
  service.say(`PUB ${reply} 1\r\nb\r\n`);
  assert.deepEqual(messages(client), [], "too late");
});

test("each part of a stream of answers extends the wait, in its order", async () => {
  const world = worldOf({ response_type: "stream", response_threshold: 1_000 });
  const service = world.connect("A", "q.>");
  const client = world.connect("B", "in");
  client.say("PUB q.1 in 1\r\na\r\nPUB q.2 in 1\r\nb\r\n");
  const [first, second] = messages(service);
  for (let i = 0; i < 3; i++) {
    await world.world.clock.advance(600);
    service.say(`PUB ${first.reply} 1\r\n${i}\r\n`);
  }
  assert.equal(awaited(world), 1, "the second is given up");
  service.say(`PUB ${second.reply} 1\r\nx\r\n`);
  assert.deepEqual(
    messages(client).map(({ payload }) => payload),
    ["0", "1", "2"],
  );
  service.say(`PUB ${first.reply} 0\r\n\r\n`);
  assert.equal(awaited(world), 0, "an empty message ends it");
  assert.equal(messages(client).length, 1);
});

test("answers that nobody waits for any more are given up", async () => {
  const world = worldOf({ latency: { subject: "latency", sampling: 100 } });
  const service = world.connect("A", "q.>");
  const observer = world.connect("A", "latency");
  const client = world.connect("B", "in.*", "one");
  client.say("PUB q.1 in.1 1\r\na\r\nPUB q.1 one 1\r\na\r\n");
  assert.equal(messages(service).length, 2);
  client.say("UNSUB 2\r\n");
  assert.equal(awaited(world), 1);
  client.pipe.hangUp();
  await world.world.clock.advance(1_000);
  assert.equal(awaited(world), 0);
  const statuses = messages(observer).map(
    ({ payload }) => (JSON.parse(payload) as { status: number }).status,
  );
  assert.deepEqual(statuses, [408, 408]);
});

test("a request that nobody serves is told at once, and leaves nothing", () => {
  const world = worldOf({ latency: { subject: "latency", sampling: 100 } });
  const observer = world.connect("A", "latency");
  const client = world.connect("B", "in");
  client.say("PUB q.1 in 1\r\na\r\n");
  assert.match(messages(client)[0].headers, /^NATS\/1\.0 503\r\nNats-Subject: q\.1\r\n/);
  assert.equal(awaited(world), 0);
  assert.equal((JSON.parse(messages(observer)[0].payload) as { status: number }).status, 503);
});

test("where services answer can't be guessed from what was there before", () => {
  const world = worldOf();
  const service = world.connect("A", "q.>");
  const client = world.connect("B");
  for (let i = 0; i < 100; i++) client.say("PUB q.1 in 1\r\na\r\n");
  const replies = messages(service).map(({ reply }) => reply);
  assert.equal(new Set(replies).size, 100);
  for (const reply of replies) assert.match(reply, /^_R_\.[0-9A-Za-z]{6}\.[0-9A-Za-z]{6}$/);
  assert.equal(new Set(replies.map((reply) => reply.split(".")[1])).size, 1);
  assert.equal(new Set(replies.map((reply) => reply.split(".")[2][0])).size > 10, true);
});

test("one account's unanswered requests have a bound, and cost only that account", () => {
  const world = new AccountWorld([
    account("A", { exports: [serviceExport("q")] }),
    account("B", { imports: [serviceImport("A", "q")] }),
    account("C", { imports: [serviceImport("A", "q")] }),
  ]);
  world.connect("A", "q").pipe.takesAll = true;
  world.connect("C").say("PUB q in 0\r\n\r\n");
  const [responder, requester] = ["A", "B"].map((name) => world.accounts.get(name));
  const own = requester?.imports.services.find(({ link }) => link.door === "A q")?.answers;
  assert.ok(own !== undefined && responder !== undefined && requester !== undefined);
  const first = own.expect(responder, requester, "first", null);
  for (let i = 1; i <= AWAITED_ANSWERS_MAX; i++) own.expect(responder, requester, `in.${i}`, null);
  assert.equal(own.count, AWAITED_ANSWERS_MAX);
  assert.equal(responder.replies.has(first), false);
  assert.equal(awaited(world), AWAITED_ANSWERS_MAX + 1);
  own.end();
  assert.equal(awaited(world), 1);
});

test("a loop that configuration does not see ends by itself", () => {
  const world = new AccountWorld([
    account("A", { exports: [serviceExport("a")], imports: [serviceImport("B", "b", { to: "a" })] }),
    account("B", { exports: [serviceExport("b")], imports: [serviceImport("C", "c", { to: "b" })] }),
    account("C", { exports: [serviceExport("c")], imports: [serviceImport("A", "a", { to: "c" })] }),
  ]);
  const peers = ["A", "B", "C"].map((name) => world.connect(name, ">"));
  world.connect("A").say("PUB a in 1\r\nx\r\n");
  assert.deepEqual(
    peers.map((peer) => messages(peer).map(({ subject }) => subject)),
    [["a", "a"], ["b"], ["c"]],
  );
});

test("imports that fork at each account do not multiply a message without end", () => {
  const depth = 14;
  const accounts: AccountConfig[] = [];
  for (let level = 0; level < depth; level++) {
    for (const side of ["L", "R"]) {
      const onward =
        level + 1 < depth
          ? ["L", "R"].map((next) =>
              serviceImport(`${next}${level + 1}`, `q${level + 1}`, { to: `q${level}` }),
            )
          : [];
      accounts.push(account(`${side}${level}`, { exports: [serviceExport(`q${level}`)], imports: onward }));
    }
  }
  const world = new AccountWorld(accounts);
  const ends = ["L", "R"].map((side) => world.connect(`${side}${depth - 1}`, ">"));
  world.connect("L0").say("PUB q0 1\r\nx\r\n");
  const count = ends.reduce((sum, peer) => sum + messages(peer).length, 0);
  assert.ok(count > 0 && count <= SERVICE_HOPS_MAX, `${count} messages of ${2 ** (depth - 1)}`);
});

test("a connection that wants no echo still gets its answers", () => {
  const world = new AccountWorld([
    account("A", { exports: [serviceExport("q")], imports: [serviceImport("A", "q", { to: "ask" })] }),
  ]);
  const service = world.connect("A", "q");
  const client = world.connect("A");
  client.say(
    'CONNECT {"verbose":false,"echo":false,"headers":true,"no_responders":true,"user":"A"}\r\nSUB in 1\r\n',
  );
  client.read();
  client.say("PUB ask in 1\r\na\r\n");
  service.say(`PUB ${messages(service)[0].reply} 1\r\nb\r\n`);
  assert.equal(messages(client)[0].payload, "b");
});

/** What `service` gets of a message of B, stored under `subject`, that a consumer sends to `inbox`. */
function heardOfStored(world: AccountWorld, service: Peer, subject: string, inbox: string): string[] {
  const message = makeMessage(subject, "$JS.ACK.S.C.1.1.1.1.0", "", Buffer.from("stored"));
  message.inbox = inbox;
  world.accounts.get("B")?.publish(message);
  world.world.broker.flusher.flush();
  return messages(service).map((heard) => `${heard.subject} ${heard.sid} ${heard.reply}`);
}

test("what is stored goes to the service it is sent to, whatever its subject is", () => {
  const world = new AccountWorld([
    account("A", { exports: [serviceExport("q.>"), serviceExport("w.*.*")] }),
    account("B", { imports: [serviceImport("A", "q.>"), serviceImport("A", "w.*.*", { to: "here.$2.$1" })] }),
  ]);
  const service = world.connect("A", "q.>", "w.2.1", "secret.>", "x");
  const ack = "$JS.ACK.S.C.1.1.1.1.0";
  assert.deepEqual(heardOfStored(world, service, "secret.1", "q.1"), [`secret.1 1 ${ack}`]);
  assert.deepEqual(heardOfStored(world, service, "x", "here.1.2"), [`x 2 ${ack}`]);
});

test("a service that learns from subjects who asks is not told by what is stored", () => {
  const exported = serviceExport("q.*.do", { account_token_position: 2 });
  const world = new AccountWorld([
    account("A", { exports: [exported] }),
    account("B", { imports: [serviceImport("A", "q.B.do", { to: "do" })] }),
  ]);
  const service = world.connect("A", "q.>");
  const ack = "$JS.ACK.S.C.1.1.1.1.0";
  assert.deepEqual(heardOfStored(world, service, "q.C.do", "do"), [`q.B.do 1 ${ack}`]);
});
