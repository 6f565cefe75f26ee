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
import { makeMessage, type Message } from "./message.ts";

const EXPORTER = account("A", { exports: [streamExport(">")] });

function worldOf(...imports: ReturnType<typeof streamImport>[]): AccountWorld {
  return new AccountWorld([EXPORTER, account("B", { imports })]);
}

/** Messages in the exporting account reach nobody's shadow any more. */
function assertNoShadows({ accounts }: AccountWorld): void {
  for (const { imports } of accounts)
    for (const { shadowCount } of imports.streams) assert.equal(shadowCount, 0);
  const exporter = accounts.get("A");
  exporter?.sublist.forEach(({ receiver, subject }) => {
    assert.ok(receiver === null || subject.startsWith("$SYS."), `a shadow stays: ${subject}`);
  });
}

test("a shadow leaves with its subscription, whichever way that goes", () => {
  const world = worldOf(streamImport("A", "s.>", { prefix: "p" }));
  const publisher = world.connect("A");
  const peer = world.connect("B", "p.s.1", "p.>", "other");
  publisher.say("PUB s.1 1\r\na\r\n");
  assert.deepEqual(
    peer.messages().map(({ subject, sid }) => `${subject} ${sid}`),
    ["p.s.1 1", "p.s.1 2"],
  );
  peer.say("UNSUB 1\r\n");
  peer.say("UNSUB 2 1\r\n");
  publisher.say("PUB s.1 1\r\nb\r\n");
  assert.deepEqual(peer.messages(), [], "the second had its one message before");
  assertNoShadows(world);
  peer.say("SUB p.s.* 4\r\nUNSUB 4 2\r\n");
  for (let i = 0; i < 3; i++) publisher.say("PUB s.1 1\r\nc\r\n");
  assert.equal(peer.messages().length, 2);
  assertNoShadows(world);
  peer.say("SUB p.> 5\r\n");
  peer.pipe.hangUp();
  assertNoShadows(world);
  assert.equal(world.accounts.get("A")?.sublist.matchString("s.1").isEmpty, true);
});

test("a connection with very many subscriptions takes their shadows along, over several turns", async () => {
  const world = worldOf(streamImport("A", "s.>"));
  const peer = world.connect("B");
  for (let i = 0; i < 250; i++) {
    peer.say(Array.from({ length: 100 }, (_, k) => `SUB s.${i}.${k} ${i * 100 + k}\r\n`).join(""));
  }
  assert.equal(world.accounts.get("B")?.imports.streams[0].shadowCount, 25_000);
  peer.pipe.hangUp();
  await world.world.clock.advance(10);
  assertNoShadows(world);
});

test("a large message keeps its bytes under another name", () => {
  const world = worldOf(streamImport("A", "s", { to: "renamed.to.something.long" }));
  const publisher = world.connect("A");
  const peer = world.connect("B", "renamed.>");
  for (const size of [0, 1, 100, 70_000, 1_048_000, 10]) {
    const payload = "0123456789".repeat(Math.ceil(size / 10)).slice(0, size);
    publisher.say(`PUB s reply.to ${size}\r\n${payload}\r\n`);
    const [message, ...rest] = parseReceived(peer.read());
    assert.equal(rest.length, 0);
    assert.equal(message.subject, "renamed.to.something.long");
    assert.equal(message.reply, "reply.to");
    assert.ok(message.payload === payload, `payload of ${size} bytes`);
  }
});

test("what a wildcard brings twice goes only to whom it fits", () => {
  const world = worldOf(streamImport("A", "s.*", { to: "twice.$1.$1" }));
  const publisher = world.connect("A");
  const peer = world.connect("B", "twice.1.2", "twice.1.1", "twice.1.*");
  publisher.say("PUB s.1 1\r\na\r\n");
  assert.deepEqual(
    peer
      .messages()
      .map(({ subject, sid }) => `${subject} ${sid}`)
      .toSorted(),
    ["twice.1.1 2", "twice.1.1 3"],
  );
});

/** `subject` on its way to `inbox`, as a consumer sends what is stored. */
function stored(subject: string, inbox: string): Message {
  const message = makeMessage(subject, "$JS.ACK.S.C.1.1.1.1.0", "", Buffer.from("stored"));
  message.inbox = inbox;
  return message;
}

test("what is stored keeps its subject, and goes where its inbox is renamed to", () => {
  const world = worldOf(
    streamImport("A", "pair.*.*", { to: "p.$2.$1" }),
    streamImport("A", "s.*", { to: "twice.$1.$1" }),
    streamImport("A", "out.>", { prefix: "pre" }),
  );
  const peer = world.connect("B", "p.>", "twice.1.2", "twice.1.*", "pre.>");
  const exporter = world.accounts.get("A");
  for (const inbox of ["pair.1.2", "s.1", "out.1"]) exporter?.publish(stored("x", inbox));
  world.world.broker.flusher.flush();
  assert.deepEqual(
    peer.messages().map(({ subject, sid }) => `${subject} ${sid}`),
    ["x 1", "x 3", "x 4"],
  );
});

test("who wants no echo gets none by way of a stream", () => {
  const world = new AccountWorld([
    account("A", { exports: [streamExport("s")], imports: [streamImport("A", "s", { to: "mine" })] }),
  ]);
  const peer = world.connect("A", "mine");
  const other = world.connect("A", "mine");
  peer.say('CONNECT {"verbose":false,"echo":false,"user":"A"}\r\nSUB mine 1\r\n');
  peer.read();
  peer.say("PUB s 1\r\na\r\n");
  assert.deepEqual(peer.messages(), []);
  assert.equal(other.messages().length, 1);
});

test("the server's own subscriptions are followed, imports' subscriptions are not", async () => {
  const world = new AccountWorld([
    EXPORTER,
    account("B", {
      imports: [streamImport("A", ">", { prefix: "a" }), serviceImport("C", "q", { to: "a.q" })],
    }),
    account("C", { exports: [serviceExport("q")] }),
  ]);
  const heard: string[] = [];
  world.accounts.get("B")?.listen("a.>", "", ({ subject }) => heard.push(subject));
  const service = world.connect("C", "q");
  world.connect("A").say("PUB q 1\r\na\r\n");
  await Promise.resolve();
  assert.deepEqual(heard, ["a.q"]);
  assert.deepEqual(service.messages(), [], "a stream does not become a request");
});

test("a delivery within a delivery leaves the one around it alone", () => {
  const world = new AccountWorld(
    [
      account("A", {
        exports: [serviceExport("x")],
        imports: [serviceImport("B", "b", { to: "q" })],
      }),
      account("B", { exports: [serviceExport("b")], imports: [serviceImport("C", "c", { to: "b" })] }),
      account("C", { exports: [serviceExport("c")], imports: [serviceImport("A", "x", { to: "c" })] }),
    ],
    { disable_sublist_cache: true },
  );
  const first = world.connect("A", "q", "x");
  const peers = Array.from({ length: 5 }, () => world.connect("A", "q", "*"));
  world.connect("A").say("PUB q 1\r\na\r\n");
  for (const peer of [first, ...peers]) {
    const subjects = parseReceived(peer.read()).map(({ subject, sid }) => `${subject} ${sid}`);
    assert.deepEqual(subjects.toSorted(), peer === first ? ["q 1", "x 2"] : ["q 1", "q 2", "x 2"]);
  }
});
