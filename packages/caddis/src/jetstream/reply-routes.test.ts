import assert from "node:assert/strict";
import test from "node:test";
import * as fc from "fast-check";
import { TestBroker } from "../../../../test/support/test-broker.ts";
import { Subscription } from "../broker/subscription.ts";
import { ReplyRoutes } from "./reply-routes.ts";

const TAKES = { receive: () => true };

test("the same answers as interest gives, while it changes", () => {
  const pattern = fc.constantFrom(
    "_I.a.*",
    "_I.a.>",
    "_I.*.7",
    "_I.a.7",
    "_I.b.*",
    ">",
    "*.a.*",
    "_I.a",
    "_I.*",
    "x",
  );
  const change = fc.record({ pattern, queue: fc.constantFrom("", "", "q"), isAdded: fc.boolean() });
  const replies = fc.record({
    prefix: fc.constantFrom("_I.a.", "_I.b.", "_I.", ""),
    count: fc.nat({ max: 120 }),
  });
  fc.assert(
    fc.property(fc.array(fc.oneof(change, replies), { maxLength: 12 }), (steps) => {
      const { globalAccount } = new TestBroker().broker;
      const routes = new ReplyRoutes(globalAccount);
      const subscriptions: Subscription[] = [];
      for (const step of steps) {
        if ("pattern" in step) {
          const last = subscriptions.pop();
          if (step.isAdded || last === undefined) {
            const added = new Subscription(null, TAKES, step.pattern, step.queue, "");
            subscriptions.push(...(last === undefined ? [] : [last]), added);
            globalAccount.subscribe(added);
          } else globalAccount.unsubscribe(last);
          continue;
        }
        for (let i = 0; i < step.count; i++) {
          const subject: string = `${step.prefix}${i % 10}`;
          const buf = Buffer.from(`${subject} and more`);
          const found = routes.find(buf, subject.length);
          const wanted = globalAccount.sublist.matchApart(subject);
          assert.deepEqual(new Set(found.plain), new Set(wanted.plain), subject);
          assert.deepEqual(found.queues.flat().length, wanted.queues.flat().length, subject);
        }
      }
    }),
    { numRuns: 60 },
  );
});

test("a family of replies is looked up a few times only", () => {
  const { globalAccount } = new TestBroker().broker;
  globalAccount.subscribe(new Subscription(null, TAKES, "_INBOX.me.*", "", ""));
  const routes = new ReplyRoutes(globalAccount);
  const before = globalAccount.sublist.stats().missCount;
  const found = new Set<unknown>();
  for (let i = 0; i < 1_000; i++) {
    const subject = `_INBOX.me.${i}`;
    found.add(routes.find(Buffer.from(subject), subject.length));
  }
  assert.ok(found.size < 100, "one answer serves them");
  assert.ok(globalAccount.sublist.stats().missCount - before < 100);
});
