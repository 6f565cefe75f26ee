import assert from "node:assert/strict";
import { test } from "node:test";
import { type Peer, QUIET, TestBroker } from "../../../../test/support/test-broker.ts";
import type { OptionsInput } from "../config/options.ts";
import { orderDetails } from "./audit-requests.ts";
import { Audit } from "./audit.ts";

const PASSWORD = "s3cret-pa55";

const OPTIONS: OptionsInput = {
  accounts: {
    SYS: { users: [{ user: "sys", password: PASSWORD }] },
    A: { users: [{ user: "a", password: PASSWORD }] },
  },
  system_account: "SYS",
};

/** A broker with an audit log, and what that has got. */
class Scene {
  readonly world: TestBroker;
  readonly audit: Audit;
  readonly lines: string[] = [];
  isClosed = false;

  constructor(options: OptionsInput = OPTIONS) {
    this.world = new TestBroker(options);
    this.audit = new Audit(this.world.broker, {
      write: (line) => void this.lines.push(line),
      close: () => void (this.isClosed = true),
    });
    this.world.broker.events.add(this.audit);
    this.audit.follow();
  }

  /** What was written since the last call, without time and server. */
  take(): Record<string, unknown>[] {
    return this.lines.splice(0).map((line) => {
      const { time, server, ...rest } = JSON.parse(line) as Record<string, unknown>;
      assert.match(String(time), /^\d{4}-\d\d-\d\dT/);
      assert.equal(server, this.world.broker.serverId);
      return rest;
    });
  }

  connect(user: string): Peer {
    return this.world.connect(`{"user":"${user}","pass":"${PASSWORD}","name":"n",${QUIET.slice(1)}`);
  }
}

const PEER = { transport: "tcp", host: "192.0.2.1", port: 4000, name: "n" };

test("who was let in", () => {
  const scene = new Scene();
  scene.connect("a").client.close("clientClosed");
  assert.deepEqual(scene.take(), [{ event: "auth.accepted", cid: 1, ...PEER, user: "a", account: "A" }]);
});

test("who was turned away, with the reason, once", async () => {
  const scene = new Scene();
  scene.world.accept().say(`CONNECT {"user":"a","pass":"${PASSWORD}x","name":"n"}\r\n`);
  const peer = { event: "auth.refused", ...PEER, account: "$G" };
  assert.deepEqual(scene.take(), [{ ...peer, cid: 1, user: "a", reason: "Authentication Failure" }]);
  const { name: _name, ...nameless } = peer;
  scene.world.accept();
  await scene.world.clock.advance(3_000);
  assert.deepEqual(scene.take(), [{ ...nameless, cid: 2, reason: "Authentication Timeout" }]);
});

test("who was sent away later", () => {
  const scene = new Scene();
  const { client } = scene.connect("a");
  scene.take();
  client.close("revocation");
  assert.deepEqual(scene.take(), [
    { event: "auth.ended", reason: "Credentials Revoked", cid: 1, ...PEER, user: "a", account: "A" },
  ]);
});

test("requests that change something, and who asks; others are none of its business", async () => {
  const scene = new Scene();
  const { serverId } = scene.world.broker;
  const boss = scene.connect("sys");
  scene.take();
  boss.say(`PUB $SYS.REQ.SERVER.${serverId}.KICK r 11\r\n{"cid": 12}\r\n`);
  boss.say(`PUB $SYS.REQ.SERVER.${serverId}.RELOAD r 0\r\n\r\n`);
  boss.say(`PUB $SYS.REQ.SERVER.${serverId}.VARZ r 0\r\n\r\n`);
  await scene.world.clock.settled();
  const by = { via: "request", cid: 1, ...PEER, user: "sys", account: "SYS" };
  assert.deepEqual(scene.take(), [
    { event: "admin.request", request: `$SYS.REQ.SERVER.${serverId}.KICK`, target: 12, ...by },
    { event: "admin.request", request: `$SYS.REQ.SERVER.${serverId}.RELOAD`, ...by },
  ]);
});

test("another account's messages on the same subject are not noted", async () => {
  const scene = new Scene();
  const peer = scene.connect("a");
  scene.take();
  peer.say(`PUB $SYS.REQ.SERVER.${scene.world.broker.serverId}.KICK 0\r\n\r\n`);
  await scene.world.clock.settled();
  assert.deepEqual(scene.take(), []);
});

test("configuration and signals", () => {
  const scene = new Scene();
  scene.audit.noteConfigChanged(new Set(["max_payload", "authorization.password"]));
  scene.audit.noteConfigRefused();
  scene.audit.noteSignal("reload");
  assert.deepEqual(scene.take(), [
    { event: "config.changed", options: ["authorization.password", "max_payload"] },
    { event: "config.refused" },
    { event: "admin.request", request: "reload", via: "signal" },
  ]);
});

test("no password, token or JWT in any line", () => {
  const scene = new Scene({ authorization: { token: PASSWORD } });
  scene.world.connect(`{"auth_token":"${PASSWORD}"}`);
  scene.world
    .accept()
    .say(`CONNECT {"auth_token":"${PASSWORD}2","jwt":"a.${PASSWORD}.b","pass":"${PASSWORD}"}\r\n`);
  assert.equal(scene.lines.length, 2);
  assert.ok(!scene.lines.join("").includes(PASSWORD));
});

test("what a client calls itself stays in its line", () => {
  const scene = new Scene({});
  scene.world.connect(`{"name":"x\\n{\\"event\\":\\"forged\\"}",${QUIET.slice(1)}`);
  assert.equal(scene.lines.length, 1);
  assert.ok(!scene.lines[0].includes("\n"));
});

test("of a request only the target is kept", () => {
  const claims = Buffer.from(JSON.stringify({ sub: `A${"B".repeat(55)}`, nats: "x" })).toString("base64url");
  const cases: [string, object][] = [
    ['{"cid":3,"x":"secret"}', { target: 3 }],
    ['{"cid":"secret"}', {}],
    [`h.${claims}.s`, { target: `A${"B".repeat(55)}` }],
    [`h.${Buffer.from('{"sub":"secret"}').toString("base64url")}.s`, {}],
    ["secret", {}],
    ["", {}],
    [`{"cid":3,"x":"${"y".repeat(70_000)}"}`, {}],
  ];
  for (const [body, details] of cases)
    assert.deepEqual(orderDetails(Buffer.from(body)), details, body.slice(0, 50));
});

test("once closed it listens no more", async () => {
  const scene = new Scene();
  const boss = scene.connect("sys");
  scene.audit.close();
  scene.take();
  assert.ok(scene.isClosed);
  boss.say(`PUB $SYS.REQ.SERVER.${scene.world.broker.serverId}.KICK r 11\r\n{"cid": 12}\r\n`);
  await scene.world.clock.settled();
  assert.deepEqual(scene.take(), []);
});
