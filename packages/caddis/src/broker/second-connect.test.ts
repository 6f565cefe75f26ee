import assert from "node:assert/strict";
import { test } from "node:test";
import { TestBroker } from "../../../../test/support/test-broker.ts";

/** A client may CONNECT again, as somebody else: nothing of the first may be left. */

const ANSWERS_ONLY = { subscribe: ["inbox", "req"], allow_responses: { max: 5, expires: "1m" } } as const;

function twoTenants(): TestBroker {
  return new TestBroker({
    accounts: {
      A: {
        users: [
          { user: "a", password: "pw", permissions: { publish: ["req"], ...ANSWERS_ONLY } },
          { user: "a2", password: "pw", permissions: { publish: ["req"], ...ANSWERS_ONLY } },
        ],
      },
      B: {
        users: [
          { user: "b", password: "pw", permissions: ANSWERS_ONLY },
          { user: "victim", password: "pw" },
        ],
      },
    },
  });
}

const hello = (user: string): string => `{"verbose":false,"user":"${user}","pass":"pw"}`;

for (const other of ["b", "a2"]) {
  test(`permission to answer does not outlive the one it was given to (then ${other})`, () => {
    const world = twoTenants();
    const victim = world.connect(hello("victim"));
    victim.say("SUB secret.cmd 1\r\n");
    const peer = world.connect(hello("a"));
    peer.say("SUB req 1\r\nPUB req secret.cmd 1\r\nx\r\n");
    assert.match(peer.read(), /MSG req 1 secret\.cmd 1\r\nx/);
    peer.say(`CONNECT ${hello(other)}\r\nPUB secret.cmd 6\r\nPWNED!\r\n`);
    assert.match(peer.read(), /-ERR 'Permissions Violation for Publish to "secret\.cmd"'/);
    assert.equal(victim.read(), "");
  });
}

test("without a second CONNECT the request may be answered", () => {
  const world = twoTenants();
  const peer = world.connect(hello("a"));
  peer.say("SUB req 1\r\nPUB req secret.cmd 1\r\nx\r\n");
  peer.read();
  peer.say("PUB secret.cmd 6\r\nanswer\r\n");
  assert.equal(peer.read(), "");
});

test("subscriptions of the first get nothing any more, however many they are", async () => {
  const world = twoTenants();
  const victim = world.connect(hello("victim"));
  const peer = world.connect(hello("victim"));
  const count = 25_000;
  peer.say(Array.from({ length: count }, (_, i) => `SUB s.${i} ${i}\r\n`).join(""));
  peer.say(`CONNECT ${hello("a")}\r\n`);
  peer.read();
  // Those that are still on their way out, and those that are gone.
  victim.say(`PUB s.${count - 1} 1\r\nx\r\nPUB s.0 1\r\nx\r\n`);
  assert.equal(peer.read(), "");
  await world.clock.advance(1_000);
  const left = world.broker.accounts.get("B")?.sublist;
  let ofClients = 0;
  left?.forEach(({ client }) => (ofClients += client === null ? 0 : 1));
  assert.equal(ofClients, 0);
});
