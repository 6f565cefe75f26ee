import assert from "node:assert/strict";
import { test } from "node:test";
import { TestBroker } from "../../../../test/support/test-broker.ts";
import { makeMessage } from "./message.ts";

test("the server is told what a stored message was sent to, not what it is called", async () => {
  const { globalAccount } = new TestBroker().broker;
  const heard: string[] = [];
  globalAccount.listen("asked.*", "", ({ subject }) => heard.push(subject));
  const message = makeMessage("asked.of.another", "", "", Buffer.alloc(0));
  message.inbox = "asked.me";
  globalAccount.publish(message);
  globalAccount.publish(makeMessage("asked.too", "", "", Buffer.alloc(0)));
  await Promise.resolve();
  assert.deepEqual(heard, ["asked.me", "asked.too"]);
});
