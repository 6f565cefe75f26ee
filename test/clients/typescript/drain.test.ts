import assert from "node:assert/strict";
import { test } from "node:test";
import { assertNobodyAnswers, connect, eachPackageOnOneServer, Inbox } from "./harness.ts";

eachPackageOnOneServer((client, port) => {
  test("draining a subscription delivers what is under way, then nothing", async (t) => {
    const subject = client.createInbox();
    const publisher = await connect(t, client, port());
    const subscriber = await connect(t, client, port());
    const subscription = subscriber.subscribe(subject);
    const inbox = new Inbox(subscription);
    await subscriber.flush();
    const expected = Array.from({ length: 100 }, (_, i) => String(i));
    for (const text of expected) publisher.publish(subject, text);
    await publisher.flush();
    const drained = subscription.drain();
    assert.deepEqual(await inbox.rest(), expected);
    await drained;
    assert.equal(subscription.isClosed(), true);
    assert.equal(subscriber.isClosed(), false);
    await assertNobodyAnswers(client, publisher, subject);
  });

  test("draining a connection delivers what is under way, sends what was published, and closes", async (t) => {
    const subject = client.createInbox();
    const answers = client.createInbox();
    const publisher = await connect(t, client, port());
    const answered = new Inbox(publisher.subscribe(answers));
    const worker = await connect(t, client, port());
    worker.subscribe(subject, {
      queue: "workers",
      callback: (_error, message) => worker.publish(answers, `did ${message.string()}`),
    });
    await worker.flush();
    const expected = Array.from({ length: 100 }, (_, i) => `did ${i}`);
    for (let i = 0; i < 100; i++) publisher.publish(subject, String(i));
    await publisher.flush();
    await worker.drain();
    assert.equal(worker.isClosed(), true);
    assert.equal(await worker.closed(), undefined);
    assert.deepEqual(await answered.texts(100), expected);
  });
});
