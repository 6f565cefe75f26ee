import assert from "node:assert/strict";
import { test } from "node:test";
import { TestBroker } from "../../../../test/support/test-broker.ts";
import { AWAITED_REPLY_BYTES_MAX } from "../base/limits.ts";

/** Answers that nobody gives: what they cost is bounded, whatever requesters do. */

function silentService(): TestBroker {
  return new TestBroker({
    accounts: {
      A: { users: [{ user: "a", password: "pw" }], exports: [{ service: "svc" }] },
      B: {
        users: [{ user: "b", password: "pw" }],
        imports: [{ service: { account: "A", subject: "svc" } }],
      },
    },
  });
}

const hello = (user: string): string => `{"verbose":false,"user":"${user}","pass":"pw"}`;

test("long reply subjects count by their length", () => {
  const world = silentService();
  world.connect(hello("a")).say("SUB svc 1\r\n");
  const peer = world.connect(hello("b"));
  const reply = `r.${"x".repeat(4_000)}`;
  const fit = Math.floor(AWAITED_REPLY_BYTES_MAX / (reply.length + 5));
  for (let i = 0; i < fit + 500; i++) peer.say(`PUB svc ${reply}${10_000 + i} 0\r\n\r\n`);
  const waiting = world.broker.accounts.get("A")?.replies.arrivingCount ?? 0;
  assert.ok(waiting <= fit && waiting > fit - 10, `${waiting} of ${fit}`);
});

test("the loss of wide interest is looked into by and by, and to the end", async () => {
  const world = silentService();
  world.connect(hello("a")).say("SUB svc 1\r\n");
  const peer = world.connect(hello("b"));
  const count = 3_000;
  peer.say("SUB r.> 9\r\n");
  for (let i = 0; i < count; i++) peer.say(`PUB svc r.${i} 0\r\n\r\n`);
  const replies = world.broker.accounts.get("A")?.replies;
  assert.equal(replies?.arrivingCount, count);
  peer.say("UNSUB 9\r\n");
  await world.clock.advance(300);
  const left = replies?.arrivingCount ?? 0;
  assert.ok(left < count, "the search has begun");
  await world.clock.advance(2_000);
  assert.equal(replies?.arrivingCount, 0);
});
