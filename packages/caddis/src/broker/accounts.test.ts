import assert from "node:assert/strict";
import { test } from "node:test";
import {
  account,
  AccountWorld,
  serviceExport,
  serviceImport,
  streamExport,
  streamImport,
} from "../../../../test/support/account-world.ts";
import { parseReceived } from "../../../../test/support/received.ts";
import type { Peer } from "../../../../test/support/test-broker.ts";
import { NO_ACCOUNT_LIMITS } from "../config/accounts.ts";
import { accountProblems } from "./accounts.ts";

function subjects(peer: Peer): string[] {
  return parseReceived(peer.read()).map(({ line, subject }) => subject || line);
}

const S = account("A", { exports: [streamExport("s")] });

test("the global and the system account are there without being configured", () => {
  const world = new AccountWorld([]);
  assert.deepEqual(
    [...world.accounts].map(({ name }) => name),
    ["$G", "$SYS"],
  );
  assert.equal(world.accounts.global, world.accounts.get("$G"));
  assert.equal(world.accounts.system, world.accounts.get("$SYS"));
  assert.equal(new AccountWorld([], { no_system_account: true }).accounts.system, null);
  const named = new AccountWorld([account("S")], { system_account: "S", accounts: ["S"] });
  assert.equal(named.accounts.system?.name, "S");
  assert.equal(named.accounts.get("$SYS"), undefined);
});

test("a configuration with a problem changes nothing", () => {
  const world = new AccountWorld([S, account("B", { imports: [streamImport("A", "s")] })]);
  const before = [...world.accounts];
  const peer = world.connect("B", "s");
  const bad = [account("A"), account("B", { imports: [streamImport("A", "s")] }), account("C")];
  assert.deepEqual(world.accounts.apply(bad), [
    'Error adding stream import "s": stream import not authorized',
  ]);
  assert.deepEqual(world.accounts.check(bad), world.accounts.apply(bad));
  assert.deepEqual([...world.accounts], before);
  world.connect("A").say("PUB s 1\r\na\r\n");
  assert.deepEqual(subjects(peer), ["s"]);
  const broken = account("A", { mappings: [{ source: "a.>", destinations: "b" }] });
  assert.equal(world.accounts.apply([broken]).length, 1);
  assert.equal(
    world.accounts.apply([
      account("A", { exports: [serviceExport("q", { latency: { subject: "l", sampling: 1 } })] }),
    ]).length,
    0,
  );
});

test("another configuration reaches live subscriptions at once, which stay", () => {
  const world = new AccountWorld([S, account("B")]);
  const publisher = world.connect("A");
  const peer = world.connect("B", "s", "p.s", "in");
  const heard = (): string[] => {
    publisher.say("PUB s 1\r\na\r\n");
    return subjects(peer);
  };
  const kept = world.accounts.get("B");
  assert.deepEqual(heard(), []);
  world.accounts.apply([S, account("B", { imports: [streamImport("A", "s")] })]);
  assert.deepEqual(heard(), ["s"]);
  const shadows = world.accounts.get("B")?.imports.streams[0];
  world.accounts.apply([S, account("B", { imports: [streamImport("A", "s")] }), account("C")]);
  assert.equal(world.accounts.get("B")?.imports.streams[0], shadows, "an import that stays is left alone");
  assert.deepEqual(heard(), ["s"]);
  world.accounts.apply([S, account("B", { imports: [streamImport("A", "s", { prefix: "p" })] })]);
  assert.deepEqual(heard(), ["p.s"]);
  world.accounts.apply([S, account("B")]);
  assert.deepEqual(heard(), []);
  assert.equal(world.accounts.get("B"), kept, "accounts that stay are the same");
  peer.say("PUB in 1\r\na\r\n");
  assert.deepEqual(subjects(peer), ["in"], "and so are their subscriptions");
});

test("an account that goes takes its exports along", () => {
  const world = new AccountWorld([S, account("B", { imports: [streamImport("A", "s")] })]);
  const publisher = world.connect("A");
  const peer = world.connect("B", "s");
  const gone = world.accounts.get("A");
  world.accounts.apply([account("B")]);
  assert.equal(world.accounts.get("A"), undefined);
  publisher.say("PUB s 1\r\na\r\n");
  assert.deepEqual(subjects(peer), []);
  assert.equal(gone?.sublist.count, 0, "nothing of others stays in it");
});

test("answers to requests through an import that is gone lead nowhere", () => {
  const exporter = account("A", { exports: [serviceExport("q")] });
  const world = new AccountWorld([exporter, account("B", { imports: [serviceImport("A", "q")] })]);
  const service = world.connect("A", "q");
  const client = world.connect("B", "in");
  client.say("PUB q in 1\r\na\r\n");
  const [{ reply }] = parseReceived(service.read());
  world.accounts.apply([exporter, account("B")]);
  service.say(`PUB ${reply} 1\r\nb\r\n`);
  assert.deepEqual(subjects(client), []);
  client.say("PUB q in 1\r\na\r\n");
  assert.deepEqual(subjects(service), []);
});

test("accounts that come one by one find each other in any order", () => {
  const world = new AccountWorld([]);
  const exporter = account("A", { exports: [streamExport("s"), serviceExport("q")] });
  const importer = account("B", { imports: [streamImport("A", "s"), serviceImport("A", "q")] });
  assert.deepEqual(world.accounts.update(importer), []);
  const peer = world.connect("B", "s");
  assert.deepEqual(world.accounts.update(exporter), []);
  const publisher = world.connect("A", "q");
  publisher.say("PUB s 1\r\na\r\n");
  peer.say("PUB q 1\r\na\r\n");
  assert.deepEqual([subjects(peer), subjects(publisher)], [["s"], ["q"]]);
  world.accounts.update(
    account("A", { exports: [streamExport("s", { approval: { kind: "accounts", accounts: ["C"] } })] }),
  );
  publisher.say("PUB s 1\r\na\r\n");
  peer.say("PUB q 1\r\na\r\n");
  assert.deepEqual(
    [subjects(peer), subjects(publisher)],
    [[], []],
    "what is no longer allowed is gone at once",
  );
  world.accounts.update(exporter);
  publisher.say("PUB s 1\r\na\r\n");
  assert.deepEqual(subjects(peer), ["s"], "and comes back");
  world.accounts.remove("A");
  assert.equal(world.accounts.get("A"), undefined);
  assert.deepEqual(world.accounts.get("B")?.imports.streams, []);
});

test("a bad import of an account that comes by itself is said, and the others work", () => {
  const world = new AccountWorld([]);
  world.accounts.update(S);
  const problems = world.accounts.update(
    account("B", { imports: [streamImport("A", "t"), streamImport("A", "s")] }),
  );
  assert.deepEqual(problems, ['Error adding stream import "t": stream import not authorized']);
  const peer = world.connect("B", "s");
  world.connect("A").say("PUB s 1\r\na\r\n");
  assert.deepEqual(subjects(peer), ["s"]);
});

test("an export that asks for a token believes only the check that was handed in", () => {
  const world = new AccountWorld([]);
  const revocations = new Map<string, number>();
  world.accounts.update(
    account("A", { exports: [streamExport("s", { approval: { kind: "token", revocations } })] }),
  );
  const importer = account("B", { imports: [streamImport("A", "s", { token: "good" })] });
  assert.equal(world.accounts.update(importer).length, 1, "nothing is believed without a check");
  let expired = false;
  world.accounts.checkActivation = (wanted, exported, name, exporter) => {
    assert.deepEqual([exported.subject, name, exporter], ["s", "B", "A"]);
    return wanted.token === "good" && !expired ? null : "no";
  };
  assert.deepEqual(world.accounts.update(importer), []);
  const peer = world.connect("B", "s");
  const publisher = world.connect("A");
  publisher.say("PUB s 1\r\na\r\n");
  assert.deepEqual(subjects(peer), ["s"]);
  expired = true;
  assert.equal(world.accounts.recheck("B").length, 1);
  publisher.say("PUB s 1\r\na\r\n");
  assert.deepEqual(subjects(peer), []);
  const without = account("B", { imports: [streamImport("A", "s")] });
  world.accounts.checkActivation = () => null;
  assert.equal(world.accounts.update(without).length, 1, "no token, no check");
});

test("limits of an account hold for its connections", () => {
  const limits = { ...NO_ACCOUNT_LIMITS, max_connections: 1 };
  const world = new AccountWorld([account("A", { limits })]);
  assert.equal(world.accounts.get("A")?.hasRoom, true);
  world.connect("A");
  assert.equal(world.accounts.get("A")?.hasRoom, false);
});

test("a latency metric needs a system account", () => {
  const exports = [serviceExport("q", { latency: { subject: "l", sampling: 100 } })];
  assert.deepEqual(accountProblems([account("A", { exports })], false), [
    'Error adding service latency sampling for "q": system account not setup',
  ]);
});

test("clients learn who they are, and of nobody else", async () => {
  const world = new AccountWorld([account("A"), account("B")]);
  const peer = world.connect("A", "in");
  peer.say("PUB $SYS.REQ.USER.INFO in 0\r\n\r\n");
  await Promise.resolve();
  const [{ payload }] = parseReceived(peer.read());
  const answer = JSON.parse(payload) as { server: { id: string }; data: unknown };
  assert.equal(answer.server.id, world.world.broker.serverId);
  assert.deepEqual(answer.data, { user: "A", account: "A", account_name: "A" });
  for (const subject of ["$SYS.REQ.USER.B.INFO", "$SYS.REQ.ACCOUNT.PING.CONNZ", "$SYS.REQ.ACCOUNT.B.CONNZ"]) {
    peer.say(`PUB ${subject} in 0\r\n\r\n`);
    assert.match(parseReceived(peer.read())[0].headers, /^NATS\/1\.0 503\r\n/);
  }
});

test("the system account's requests can be served by whoever is in it", () => {
  const world = new AccountWorld([account("A")]);
  const system = world.connect("$SYS", "$SYS.REQ.ACCOUNT.*.CONNZ");
  const peer = world.connect("A", "in");
  peer.say("PUB $SYS.REQ.ACCOUNT.PING.CONNZ in 0\r\n\r\n");
  const [request] = parseReceived(system.read());
  assert.equal(request.subject, "$SYS.REQ.ACCOUNT.A.CONNZ");
  system.say(`PUB ${request.reply} 1\r\na\r\n`);
  system.say(`PUB ${request.reply} 1\r\nb\r\n`);
  assert.deepEqual(subjects(peer), ["in", "in"]);
});
