import assert from "node:assert/strict";
import { test } from "node:test";
import { type Peer, TestBroker } from "../../../../../test/support/test-broker.ts";
import type { OptionsInput } from "../../config/options.ts";
import { SystemEvents } from "./system-events.ts";

const MINUTE_MS = 60_000;

const ACCOUNTS = {
  SYS: { users: [{ user: "sys", password: "s" }] },
  A: { users: [{ user: "a", password: "a" }] },
};

const OPTIONS: OptionsInput = {
  server_name: "n1",
  ping_interval: "1h",
  accounts: ACCOUNTS,
  system_account: "SYS",
};

/** A broker with its events, and someone in the system account who listens to `subject`. */
class Scene {
  readonly world: TestBroker;
  readonly events: SystemEvents;
  readonly listener: Peer;

  constructor(subject: string, options: OptionsInput = OPTIONS) {
    this.world = new TestBroker(options);
    const { broker } = this.world;
    this.events = new SystemEvents(broker);
    broker.events.add(this.events);
    this.listener = this.world.connect('{"verbose":false,"user":"sys","pass":"s"}');
    this.listener.say(`SUB ${subject} 1\r\n`);
  }

  /** What was heard since the last call: subjects with what they say. */
  async heard(): Promise<{ subject: string; event: Record<string, unknown> }[]> {
    await this.world.clock.settled();
    const heard = [];
    const lines = this.listener.lines().filter((line) => line !== "PING");
    for (let i = 0; i < lines.length; i += 2) {
      const [, subject] = lines[i].split(" ");
      heard.push({ subject, event: JSON.parse(lines[i + 1]) as Record<string, unknown> });
    }
    return heard;
  }

  async subjects(): Promise<string[]> {
    return (await this.heard()).map(({ subject }) => subject);
  }
}

const AS_A = '{"verbose":false,"user":"a","pass":"a"}';

test("nothing is made when nobody listens", async () => {
  const scene = new Scene("other");
  const peer = scene.world.connect(AS_A);
  peer.pipe.hangUp();
  await scene.world.clock.settled();
  assert.equal(scene.world.broker.counters.announcements, 0);
});

test("who comes and goes is told, with numbers that run on", async () => {
  const scene = new Scene("$SYS.ACCOUNT.A.>");
  const peer = scene.world.connect(AS_A);
  peer.say("PUB foo 3\r\nabc\r\n");
  peer.pipe.hangUp();
  const heard = await scene.heard();
  assert.deepEqual(
    heard.map(({ subject, event: { server } }) => [subject, (server as { seq: number }).seq]),
    [
      ["$SYS.ACCOUNT.A.SERVER.CONNS", 1],
      ["$SYS.ACCOUNT.A.CONNECT", 2],
      ["$SYS.ACCOUNT.A.DISCONNECT", 3],
      ["$SYS.ACCOUNT.A.SERVER.CONNS", 4],
    ],
  );
  const { event } = heard[2];
  assert.deepEqual(event["sent"], { msgs: 1, bytes: 3 });
  assert.equal(event["reason"], "Client Closed");
  const ids = heard.map(({ event }) => String(event["id"]));
  assert.equal(new Set(ids).size, 4);
  for (const id of ids) assert.match(id, /^[0-9A-Za-z]{22}$/);
});

test("an account's numbers come now and then, as long as it has connections", async () => {
  const scene = new Scene("$SYS.SERVER.ACCOUNT.A.CONNS");
  const peer = scene.world.connect(AS_A);
  assert.equal((await scene.heard()).length, 1);
  await scene.world.clock.advance(2 * MINUTE_MS - 1);
  assert.equal((await scene.heard()).length, 3);
  peer.pipe.hangUp();
  assert.equal((await scene.heard()).length, 1);
  await scene.world.clock.advance(10 * MINUTE_MS);
  assert.equal((await scene.heard()).length, 0);
});

test("of the global account's numbers nobody is told", async () => {
  const scene = new Scene("$SYS.>", {
    ...OPTIONS,
    authorization: { users: [{ user: "g", password: "g" }] },
  });
  scene.world.connect('{"verbose":false,"user":"g","pass":"g"}');
  await scene.world.clock.advance(MINUTE_MS);
  const subjects = await scene.subjects();
  assert.ok(subjects.includes("$SYS.ACCOUNT.$G.CONNECT"));
  assert.deepEqual(
    subjects.filter((subject) => subject.includes("$G") && subject.endsWith("CONNS")),
    [],
  );
});

test("whoever is turned away is told of, in the server's words", async () => {
  const scene = new Scene("$SYS.SERVER.*.CLIENT.AUTH.ERR");
  const peer = scene.world.accept();
  peer.say('CONNECT {"user":"a","pass":"no"}\r\n');
  const [heard, ...more] = await scene.heard();
  assert.equal(more.length, 0);
  assert.equal(heard.subject, `$SYS.SERVER.${scene.world.broker.serverId}.CLIENT.AUTH.ERR`);
  assert.equal(heard.event["reason"], "Authentication Failure");
  assert.equal((heard.event["client"] as { user: string }).user, "a");
});

test("a listener that is too slow does not make the server deliver within a delivery", async () => {
  const scene = new Scene("other", { ...OPTIONS, max_payload: 1_000, max_pending: 4_096 });
  const [early, slow, late] = [1, 2, 3].map(() =>
    scene.world.connect('{"verbose":false,"user":"sys","pass":"s"}'),
  );
  for (const peer of [early, slow, late]) peer.say("SUB $SYS.ACCOUNT.> 1\r\n");
  slow.pipe.takesAll = false;
  const numbers = new Map<Peer, number[]>([early, late].map((peer) => [peer, []]));
  for (let i = 0; i < 20; i++) {
    scene.world.connect(AS_A);
    await scene.world.clock.settled();
    for (const [peer, seen] of numbers) {
      for (const [, number] of peer.read().matchAll(/"seq":(\d+)/g)) seen.push(Number(number));
    }
  }
  assert.equal(slow.client.closeReason, "slowConsumerPendingBytes");
  // The event about the slow one's end comes after the one that was too much for it.
  for (const seen of numbers.values()) {
    assert.deepEqual(
      seen,
      seen.toSorted((a, b) => a - b),
    );
  }
});

test("without a system account nothing is told, and nothing fails", async () => {
  const world = new TestBroker({ no_system_account: true });
  world.broker.events.add(new SystemEvents(world.broker));
  const peer = world.connect();
  peer.pipe.hangUp();
  await world.clock.settled();
  assert.equal(world.broker.counters.announcements, 0);
});

test("what is found about certificates is told with the certificates", async () => {
  const scene = new Scene("$SYS.SERVER.*.OCSP.>");
  const peer = { subject: "CN=p", issuer: "CN=i", fingerprint: "Zg==", raw: Buffer.from("raw") };
  scene.events.onReject("Client", peer, "client not OCSP valid");
  scene.events.onInvalidLink(peer, { ...peer, subject: "CN=l" }, "revoked");
  const heard = await scene.heard();
  assert.deepEqual(
    heard.map(({ event }) => [event["type"], Object.keys(event), event["reason"]]),
    [
      [
        "io.nats.server.advisory.v1.ocsp_peer_reject",
        ["type", "id", "timestamp", "kind", "peer", "server", "reason"],
        "client not OCSP valid",
      ],
      [
        "io.nats.server.advisory.v1.ocsp_peer_link_invalid",
        ["type", "id", "timestamp", "link", "peer", "server", "reason"],
        "revoked",
      ],
    ],
  );
  assert.deepEqual(heard[0].event["peer"], { ...peer, raw: Buffer.from("raw").toString("base64") });
});

test("an account whose name can't be part of a subject is left alone", async () => {
  const scene = new Scene("$SYS.>", {
    ...OPTIONS,
    accounts: { ...ACCOUNTS, "a b": { users: [{ user: "odd", password: "o" }] } },
  });
  scene.world.connect('{"verbose":false,"user":"odd","pass":"o"}');
  assert.deepEqual(
    (await scene.subjects()).filter((subject) => subject.includes(".a")),
    [],
  );
});
