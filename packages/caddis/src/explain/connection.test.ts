import assert from "node:assert/strict";
import { test } from "node:test";
import { QUIET, TestBroker } from "../../../../test/support/test-broker.ts";
import { finish } from "../base/steps.ts";
import { CLOSE_REASONS } from "../broker/close-reason.ts";
import type { OptionsInput } from "../config/options.ts";
import { toWireString } from "../subject/subject.ts";
import { closeAdvice } from "./close-advice.ts";
import { type ConnectionExplanation, explainConnection } from "./connection.ts";
import { factsOf } from "./findings.ts";

function explain({ broker }: TestBroker, cid: number, sid = ""): ConnectionExplanation | null {
  const resources = {
    coreCount: 1,
    residentBytes: () => 1,
    cpuPercent: () => 0,
    heap: () => ({ usedBytes: 1, totalBytes: 1, limitBytes: 100 }),
    activity: () => [],
  };
  const facts = finish(factsOf({ broker, resources, configDigest: "" }, 0));
  return finish(explainConnection(facts, cid, sid));
}

function known(world: TestBroker, cid: number, sid = ""): ConnectionExplanation {
  const explanation = explain(world, cid, sid);
  assert.ok(explanation !== null);
  return explanation;
}

const USERS: OptionsInput = {
  accounts: {
    OUT: { users: [{ user: "o", password: "o" }], exports: [{ stream: "news.>" }, { service: "ask" }] },
    IN: {
      users: [
        {
          user: "u",
          password: "p",
          permissions: {
            publish: { allow: ["a", "b.>"], deny: "b.x" },
            subscribe: "news.>",
            allow_responses: true,
          },
        },
      ],
      imports: [
        { stream: { account: "OUT", subject: "news.>" }, prefix: "far" },
        { service: { account: "OUT", subject: "ask" } },
      ],
    },
  },
};

test("who it is, what it may do, and what its account takes from others", () => {
  const world = new TestBroker(USERS);
  world.connect(`{"user":"u","pass":"p","name":"bill \\"x\\"","lang":"go","version":"1.2",${QUIET.slice(1)}`);
  const { who, rights, imports, summary, state, waiting } = known(world, 1);
  assert.equal(state, "open");
  assert.deepEqual(who, {
    address: "192.0.2.1:4000",
    transport: "tcp",
    name: 'bill "x"',
    library: "go 1.2",
    user: "u",
    account: "IN",
    tls: "",
    credentials_until: undefined,
  });
  assert.deepEqual(rights, {
    publish: { allow: ["a", "b.>"], deny: ["b.x"] },
    subscribe: { allow: ["news.>"], deny: undefined },
    responses: { max: 1, expires: "2m0s" },
    max_subscriptions: -1,
    max_payload: 1_048_576,
  });
  const own = imports?.filter(({ account }) => account === "OUT");
  assert.deepEqual(own, [
    { kind: "stream", account: "OUT", subject: "news.>", here: "far.news.>" },
    { kind: "service", account: "OUT", subject: "ask", here: "ask" },
  ]);
  assert.equal(
    summary[0],
    'Connection 1 (tcp, from 192.0.2.1:4000): calls itself "bill \\"x\\"", uses the library "go 1.2", is user "u", in account "IN", in the clear.',
  );
  assert.ok(summary.includes("It may publish a, b.>, but not b.x, and answer requests it got."));
  assert.ok(summary.includes("It may subscribe to news.>."));
  assert.ok(summary.includes("Nothing waits to be sent to it."));
  assert.equal(waiting.held_back, false);
});

test("a token or password never shows", () => {
  const world = new TestBroker({ authorization: { token: "t0ken" } });
  world.connect(`{"auth_token":"t0ken",${QUIET.slice(1)}`);
  world.accept().say('CONNECT {"auth_token":"t0ken-wrong"}\r\n');
  for (const cid of [1, 2]) assert.ok(!JSON.stringify(known(world, cid)).includes("t0ken"), String(cid));
});

test("one that has not said who it is may do nothing yet", () => {
  const world = new TestBroker({ authorization: { token: "t" } });
  world.accept();
  const { rights, summary } = known(world, 1);
  assert.equal(rights, undefined);
  assert.match(summary[1], /^It has not been let in since 0s; after 2s it is closed\.$/);
  assert.ok(summary.includes("It may do nothing yet."));
});

test("a publisher that is held back, and for whom", () => {
  const world = new TestBroker({ max_pending: 100_000, max_payload: 50_000 });
  const reader = world.connect();
  reader.say("SUB x 1\r\n");
  reader.pipe.takesAll = false;
  const publisher = world.connect();
  world.connect();
  const message = `PUB x 30000\r\n${"x".repeat(30_000)}\r\n`;
  publisher.say(message);
  world.broker.flusher.flush();
  publisher.say(message);
  publisher.say(message);
  const { waiting, summary } = known(world, 2);
  assert.equal(waiting.held_back, true);
  assert.deepEqual(waiting.slow_receivers, [1]);
  assert.ok(
    summary.includes(
      "It is held back as a publisher, since a receiver of its messages is behind: most likely connection 1.",
    ),
  );
  assert.match(known(world, 1).summary.join("\n"), /\d+ bytes wait to be sent to it, of 100000 that may/);
  reader.pipe.takesAll = true;
  reader.pipe.complete();
  assert.equal(known(world, 2).waiting.held_back, false);
  assert.ok(
    known(world, 2).summary.includes(
      "It was held back 1 time for receivers that were behind; now it is not.",
    ),
  );
});

test("why it was closed, and what that means", async () => {
  const world = new TestBroker();
  world.connect();
  await world.clock.advance(5_000);
  world.broker.clients.get(1)?.close("staleConnection");
  const { state, closed, summary, rights } = known(world, 1);
  assert.equal(state, "closed");
  assert.equal(closed?.reason, "Stale Connection");
  assert.match(summary[1], /after 5s: Stale Connection\. That is: it answered no PING/);
  assert.equal(rights, undefined);
});

test("each reason has a meaning of its own", () => {
  const meanings = Object.values(CLOSE_REASONS).map(closeAdvice);
  assert.equal(new Set(meanings).size, meanings.length);
  for (const words of Object.values(CLOSE_REASONS)) assert.notEqual(closeAdvice(words), words);
  assert.equal(closeAdvice("Something Else"), "Something Else");
});

test("a connection that nobody knows", () => {
  assert.equal(explain(new TestBroker(), 7), null);
});

test("a subscription", () => {
  const world = new TestBroker(USERS);
  const peer = world.connect(`{"user":"u","pass":"p",${QUIET.slice(1)}`);
  peer.say(toWireString("SUB news.é g s1\r\nUNSUB s1 9\r\nSUB news.a 2\r\n"));
  const { subscription, summary } = known(world, 1, "s1");
  assert.equal(subscription?.exists, true);
  assert.equal(subscription.subject, "news.é");
  assert.equal(subscription.queue, "g");
  assert.equal(subscription.max, 9);
  assert.equal(subscription.allowed_by, "news.>");
  assert.ok(summary.some((sentence) => sentence.startsWith("Subscription s1: subject")));
  assert.equal(known(world, 1, "2").subscription?.queue, undefined);
  assert.equal(known(world, 1, "3").subscription?.exists, false);
});

test("whoever may answer may publish nothing else, unless a list says so", () => {
  const world = new TestBroker();
  const { client } = world.connect();
  const everything = { allow: null, deny: [] };
  const responses = { max: 5, expiresMs: 60_000 };
  client.takeIdentity({
    ...client.identity,
    permissions: { publish: everything, subscribe: everything, responses },
  });
  const { rights, summary } = known(world, 1);
  assert.deepEqual(rights?.publish, { allow: [], deny: undefined });
  assert.deepEqual(rights.responses, { max: 5, expires: "1m0s" });
  assert.ok(summary.includes("It may publish nothing, and answer requests it got."));
});
