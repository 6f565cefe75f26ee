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

test("clients that take turns are each looked up a few times only", () => {
  const { globalAccount } = new TestBroker().broker;
  const inboxes = ["_INBOX.abc7", "_INBOX.abc8", "_INBOX.xyzq"];
  const subscriptions = inboxes.map((inbox) => new Subscription(null, TAKES, `${inbox}.*`, "", ""));
  for (const subscription of subscriptions) globalAccount.subscribe(subscription);
  const routes = new ReplyRoutes(globalAccount);
  const found = new Set<unknown>();
  for (let i = 0; i < 1_000; i++) {
    for (const [place, inbox] of inboxes.entries()) {
      const subject = `${inbox}.${i}`;
      const receivers = routes.find(Buffer.from(subject), subject.length);
      assert.deepEqual(receivers.plain, [subscriptions[place]]);
      found.add(receivers);
    }
  }
  assert.ok(found.size < 150, `${found.size} answers served them`);
});

test("families that share a place are not taken for each other", () => {
  const { globalAccount } = new TestBroker().broker;
  const mine = new Subscription(null, TAKES, "_INBOX.one.same.*", "", "");
  globalAccount.subscribe(mine);
  const routes = new ReplyRoutes(globalAccount);
  for (let i = 0; i < 200; i++) {
    const [subject, other] = [`_INBOX.one.same.${i}`, `_INBOX.two.same.${i}`];
    assert.deepEqual(routes.find(Buffer.from(subject), subject.length).plain, [mine]);
    if (i % 50 === 49) assert.ok(routes.find(Buffer.from(other), other.length).isEmpty);
  }
});

test("an answer stands while others are looked for: replies are sent while a request is delivered", () => {
  const { globalAccount } = new TestBroker().broker;
  const { sublist } = globalAccount;
  const request = new Subscription(null, TAKES, "ask.>", "", "");
  for (const subscription of [request, new Subscription(null, TAKES, "_INBOX.me.*", "", "")])
    globalAccount.subscribe(subscription);
  const routes = new ReplyRoutes(globalAccount);
  for (let i = 0; i < 100; i++) {
    // Not kept, so that the next look-up of the sublist would write over it.
    const outer = sublist.matchString(`ask.${i}`);
    const subject = `_INBOX.me.${i}`;
    routes.find(Buffer.from(subject), subject.length);
    assert.deepEqual(outer.plain, [request]);
  }
});
