import assert from "node:assert/strict";
import { test } from "node:test";
import { QUIET, TestBroker } from "../../../../test/support/test-broker.ts";
import { sidKey } from "./sid-key.ts";

test("sids that are spelled differently are different", () => {
  assert.equal(sidKey("1"), 1);
  assert.equal(sidKey("0"), 0);
  assert.equal(sidKey("999999999"), 999_999_999);
  for (const text of ["", "01", "00", "-1", "+1", "1.0", "1e3", "1 ", "9999999999", "x", "NaN"]) {
    assert.equal(sidKey(text), text);
  }
  const world = new TestBroker();
  const peer = world.connect(QUIET);
  peer.say("SUB foo 1\r\nSUB foo 01\r\nUNSUB 1\r\n");
  assert.deepEqual([...peer.client.subscriptions.keys()], ["01"]);
});
