import assert from "node:assert/strict";
import { test } from "node:test";
import { TestBroker } from "../../../../test/support/test-broker.ts";
import { CLOSED_SUBSCRIPTIONS_MAX } from "../base/limits.ts";
import { summarize } from "./client-summary.ts";
import { ClosedClients } from "./closed-clients.ts";

test("the latest are remembered, oldest first, and all are counted", () => {
  const world = new TestBroker();
  const summary = summarize(world.connect().client, true, 0);
  for (const capacity of [0, 1, 3, 100]) {
    const closed = new ClosedClients(capacity);
    for (let cid = 1; cid <= 10; cid++) {
      closed.add({ ...summary, cid });
      const kept = Math.min(cid, capacity);
      assert.deepEqual(
        closed.all().map((each) => each.cid),
        Array.from({ length: kept }, (_, i) => cid - kept + 1 + i),
      );
    }
    assert.equal(closed.total, 10);
  }
});

test("a closed connection is remembered with what it was, and a bounded number of subscriptions", () => {
  const world = new TestBroker({ max_closed_clients: 2 });
  for (const count of [0, 3, CLOSED_SUBSCRIPTIONS_MAX + 1]) {
    const peer = world.connect('{"name":"n","lang":"l","version":"v"}');
    for (let i = 0; i < count; i++) peer.say(`SUB foo.${i} q ${i}\r\n`);
    peer.say("PUB foo.0 5\r\nhello\r\n");
    peer.pipe.hangUp();
    const last = world.broker.closedClients.all().at(-1);
    assert.ok(last !== undefined);
    assert.equal(last.cid, peer.client.cid);
    assert.equal(last.reason, "Client Closed");
    assert.equal(last.stopMs, world.clock.nowMs());
    assert.deepEqual([last.name, last.lang, last.version], ["n", "l", "v"]);
    assert.equal(last.subscriptionCount, count);
    assert.equal(last.subscriptions.length, count > CLOSED_SUBSCRIPTIONS_MAX ? 0 : count);
    assert.equal(last.inMessages, 1);
    assert.equal(last.outMessages, count === 0 ? 0 : 1);
  }
  assert.equal(world.broker.closedClients.all().length, 2);
  assert.equal(world.broker.closedClients.total, 3);
});
