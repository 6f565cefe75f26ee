import assert from "node:assert/strict";
import { test } from "node:test";
import { TestBroker } from "../../../../test/support/test-broker.ts";

const OPTIONS = {
  accounts: {
    A: { users: [{ user: "a", password: "a" }] },
    B: { users: [{ user: "b", password: "b" }] },
  },
};

function connect(user: string): string {
  return JSON.stringify({ verbose: false, user, pass: user });
}

test("what goes over connections counts for their account, also once they are gone", () => {
  const world = new TestBroker(OPTIONS);
  const { broker } = world;
  const a = broker.accounts.get("A") ?? assert.fail();
  const b = broker.accounts.get("B") ?? assert.fail();
  const first = world.connect(connect("a"));
  first.say("SUB x 1\r\nPUB x 3\r\nabc\r\nPUB y 2\r\nab\r\n");
  const expected = { inMessages: 2, inBytes: 5, outMessages: 1, outBytes: 3 };
  assert.deepEqual(a.traffic.total(0), expected);
  assert.equal(a.connectionCount, 1);
  // It goes over to another account, which gets what it does from then on.
  first.say(`CONNECT ${connect("b")}\r\nPUB z 1\r\na\r\n`);
  assert.deepEqual(a.traffic.total(0), expected);
  assert.deepEqual(b.traffic.total(0), { inMessages: 1, inBytes: 1, outMessages: 0, outBytes: 0 });
  first.pipe.hangUp();
  assert.deepEqual(a.traffic.total(0), expected);
  assert.deepEqual(b.traffic.total(0), { inMessages: 1, inBytes: 1, outMessages: 0, outBytes: 0 });
  assert.deepEqual([a.connectionCount, b.connectionCount], [0, 0]);
});

test("of very many connections the sum may be a second old", () => {
  const world = new TestBroker(OPTIONS);
  const a = world.broker.accounts.get("A") ?? assert.fail();
  const peers = Array.from({ length: 1_001 }, () => world.connect(connect("a")));
  assert.equal(a.traffic.total(5_000).inMessages, 0);
  peers[0].say("PUB x 0\r\n\r\n");
  assert.equal(a.traffic.total(5_999).inMessages, 0);
  assert.equal(a.traffic.total(6_000).inMessages, 1);
  peers[1].pipe.hangUp();
  peers[0].say("PUB x 0\r\n\r\n");
  assert.equal(a.traffic.total(6_001).inMessages, 2);
});
