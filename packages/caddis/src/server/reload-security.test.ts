import assert from "node:assert/strict";
import { test } from "node:test";
import { createUser } from "@nats-io/nkeys";
import { newKeyPair, readRequest, writeAnswer } from "../../../../test/support/callout-service.ts";
import { FakePipe } from "../../../../test/support/fake-pipe.ts";
import { IN, type Peer, users, VIOLATION, World } from "../../../../test/support/reload-world.ts";
import type { OptionsInput } from "../config/options.ts";

const TLS: OptionsInput = { tls: { cert_file: "/c.pem", key_file: "/k.pem" } };

test("what TLS has opened is closed when it is replaced, given up or not taken", async () => {
  const world = await World.started({});
  const counts: number[] = [];
  for (const options of [TLS, TLS, { ...TLS, max_payload: 5 }, {}]) {
    await world.reload(options);
    counts.push(world.tls.openCount);
  }
  world.second.problem = "no log";
  await assert.rejects(world.reload(TLS), /no log/);
  assert.deepEqual([...counts, world.tls.openCount], [1, 1, 1, 0, 0]);
  world.second.problem = null;
  await world.reload(TLS);
  await world.server.shutdown();
  assert.equal(world.tls.openCount, 0);
});

test("with other rules for TLS a handshake under way, and who has not said in the clear who it is, come anew", async () => {
  const world = await World.started(users(["a", "pw"]));
  const { broker } = world.server;
  const open = (hello: string): FakePipe => {
    const pipe = new FakePipe();
    pipe.attach(broker.accept(pipe, "tcp"));
    broker.flusher.flush();
    pipe.takeOutput();
    if (hello !== "") pipe.say(hello);
    return pipe;
  };
  const silent = open("");
  const present = open('CONNECT {"verbose":false,"user":"a","pass":"pw"}\r\n');
  await world.reload({ ...users(["a", "pw"]), ...TLS });
  assert.deepEqual([silent.hasEnded, present.hasEnded], [true, false]);
  const shaking = open("");
  await world.reload({ ...users(["a", "pw"]), ...TLS, max_payload: 9 });
  assert.equal(shaking.isDestroyed, false);
  await world.reload({ ...users(["a", "pw"]), tls: { cert_file: "/c.pem", key_file: "/k.pem", timeout: 1 } });
  assert.equal(shaking.isDestroyed, true);
  for (const pipe of [silent, present, shaking]) pipe.hangUp();
  await world.server.shutdown();
});

test("who came by a proxy that is not trusted any more has to leave, though no proxy is", async () => {
  const proxies = [createUser(), createUser()];
  const trusting = (...some: typeof proxies): OptionsInput => ({
    proxies: { trusted: some.map((keys) => ({ key: keys.getPublicKey() })) },
  });
  const world = await World.started(trusting(...proxies));
  const peers: Peer[] = [];
  for (const keys of proxies) {
    const peer = world.open();
    await world.clock.settled();
    const { nonce } = JSON.parse(peer.take().slice("INFO ".length)) as { nonce: string };
    const proxy_sig = Buffer.from(keys.sign(Buffer.from(nonce))).toString("base64url");
    peer.say(`CONNECT ${JSON.stringify({ verbose: false, proxy_sig })}\r\n`);
    assert.equal(await world.see(peer), IN);
    peers.push(peer);
  }
  await world.reload(trusting(proxies[0]));
  assert.deepEqual([await world.see(peers[0]), await world.see(peers[1])], [IN, VIOLATION]);
  await world.reload({});
  assert.equal(await world.see(peers[0]), VIOLATION);
  const reasons = world.server.broker.closedClients.all().map(({ reason }) => reason);
  assert.deepEqual(reasons, ["Proxy Not Trusted", "Proxy Not Trusted"]);
  await world.server.shutdown();
});

test("who is in by a service's word is not asked about again, and leaves with its account", async () => {
  const issuer = newKeyPair("account");
  const options = (...names: readonly string[]): OptionsInput => ({
    accounts: {
      AUTH: { users: [{ user: "service", password: "pw" }] },
      ...Object.fromEntries(names.map((name) => [name, {}])),
    },
    authorization: { auth_callout: { issuer: issuer.publicKey, account: "AUTH", auth_users: ["service"] } },
  });
  const world = await World.started(options("APP"));
  const service = await world.connect({ user: "service", pass: "pw" }, "SUB $SYS.REQ.USER.AUTH 1\r\n");
  service.take();
  const peer = await world.connect({ user: "dave" });
  const [, reply, payload] = /MSG \S+ 1 (\S+) \d+\r\n(.*)\r\n/.exec(service.take()) ?? [];
  const answer = writeAnswer(readRequest(Buffer.from(payload)), issuer, {}, world.clock.nowMs());
  service.say(`PUB ${reply} ${answer.length}\r\n${answer.toString("latin1")}\r\n`);
  await world.clock.settled();
  assert.equal(await world.see(peer), IN);
  await world.reload(options("APP", "MORE"));
  assert.deepEqual([await world.see(peer), await world.see(service)], [IN, IN]);
  await world.reload(options("MORE"));
  assert.deepEqual([await world.see(peer), await world.see(service)], [VIOLATION, IN]);
  await world.server.shutdown();
});
