import assert from "node:assert/strict";
import { test } from "node:test";
import { COMPATIBLE_VERSION } from "../../../packages/caddis/src/base/version.ts";
import { Latch } from "../support/latch.ts";
import { assertNobodyAnswers, connect, eachPackageOnOneServer, Inbox } from "./harness.ts";

/** Enough that a fair choice among three members stays above a sixth for each: more than six sigma away. */
const QUEUE_MESSAGES = 300;
/** More than any small table or batch in server or client. */
const MANY_SUBSCRIPTIONS = 5000;

eachPackageOnOneServer((client, port) => {
  test("server information as clients read it", async (t) => {
    const { info } = await connect(t, client, port());
    assert.ok(info);
    assert.match(info.server_id, /^N[A-Z2-7]{55}$/);
    assert.equal(info.server_name, info.server_id);
    assert.equal(info.version, COMPATIBLE_VERSION);
    assert.equal(info.proto, 1);
    assert.equal(info.host, "127.0.0.1");
    assert.equal(info.port, port());
    assert.equal(info.headers, true);
    assert.equal(info.max_payload, 1024 * 1024);
    assert.equal(info.client_ip, "127.0.0.1");
    assert.ok(info.client_id > 0);
    assert.equal(info.auth_required, undefined);
    assert.equal(info.tls_required, undefined);
    assert.equal(info.jetstream, undefined);
    assert.equal(info.api_lvl, 5);
  });

  test("two connections have different client ids", async (t) => {
    const first = await connect(t, client, port());
    const second = await connect(t, client, port());
    assert.notEqual(first.info?.client_id, second.info?.client_id);
  });

  test("publish and subscribe, in order, subject and reply kept", async (t) => {
    const subject = client.createInbox();
    const publisher = await connect(t, client, port());
    const subscriber = await connect(t, client, port());
    const inbox = new Inbox(subscriber.subscribe(subject));
    await subscriber.flush();
    for (let i = 0; i < 1000; i++) publisher.publish(subject, String(i));
    publisher.publish(subject, "last", { reply: "answer.here" });
    assert.deepEqual(
      await inbox.texts(1000),
      Array.from({ length: 1000 }, (_, i) => String(i)),
    );
    const last = await inbox.next();
    assert.equal(last.subject, subject);
    assert.equal(last.reply, "answer.here");
    assert.equal(last.string(), "last");
  });

  test("subjects and payloads that are not ASCII", async (t) => {
    const connection = await connect(t, client, port());
    const subject = `${client.createInbox()}.grüße.東京.🦫`;
    const payload = Uint8Array.from({ length: 256 }, (_, i) => i);
    const inbox = new Inbox(connection.subscribe(subject));
    connection.publish(subject, payload);
    const message = await inbox.next();
    assert.equal(message.subject, subject);
    assert.deepEqual(Uint8Array.from(message.data), payload);
  });

  test("an empty payload and one of max_payload", async (t) => {
    const connection = await connect(t, client, port());
    const subject = client.createInbox();
    const inbox = new Inbox(connection.subscribe(subject));
    connection.publish(subject);
    assert.equal((await inbox.next()).data.length, 0);
    const largest = new Uint8Array(connection.info?.max_payload ?? 0);
    for (let i = 0; i < largest.length; i++) largest[i] = (i * 7919) >> 3;
    for (let i = 0; i < 3; i++) connection.publish(subject, largest);
    for (let i = 0; i < 3; i++) assert.ok(Buffer.from(largest).equals((await inbox.next()).data));
  });

  test("wildcards match what they should and nothing else", async (t) => {
    const connection = await connect(t, client, port());
    const root = client.createInbox();
    const seen: Record<string, string[]> = {};
    for (const pattern of ["*", ">", "*.x", "a.*", "a.>", "a.x", "*.*", "b.*.c"]) {
      const subjects: string[] = (seen[pattern] = []);
      connection.subscribe(`${root}.${pattern}`, {
        callback: (_error, message) => {
          subjects.push(message.subject.slice(root.length + 1));
        },
      });
    }
    const subjects = ["a", "a.x", "a.x.y", "b.x", "b.x.c", "B.x"];
    for (const subject of subjects) connection.publish(`${root}.${subject}`);
    await connection.flush();
    assert.deepEqual(seen, {
      "*": ["a"],
      ">": subjects,
      "*.x": ["a.x", "b.x", "B.x"],
      "a.*": ["a.x"],
      "a.>": ["a.x", "a.x.y"],
      "a.x": ["a.x"],
      "*.*": ["a.x", "b.x", "B.x"],
      "b.*.c": ["b.x.c"],
    });
  });

  test("a queue group shares the messages, others get all of them", async (t) => {
    const subject = client.createInbox();
    const publisher = await connect(t, client, port());
    const shared = new Latch();
    const members = [];
    for (const pattern of [subject, subject, `${subject.slice(0, subject.lastIndexOf("."))}.*`]) {
      const member = await connect(t, client, port());
      const subscription = member.subscribe(pattern, { queue: "workers", callback: () => shared.add() });
      await member.flush();
      members.push({ member, subscription });
    }
    const all = publisher.subscribe(subject, { callback: () => {} });
    const otherGroup = publisher.subscribe(subject, { queue: "others", callback: () => {} });
    for (let i = 0; i < QUEUE_MESSAGES; i++) publisher.publish(subject, String(i));
    await publisher.flush();
    for (const { member } of members) await member.flush();
    assert.equal(shared.count, QUEUE_MESSAGES);
    assert.equal(all.getReceived(), QUEUE_MESSAGES);
    assert.equal(otherGroup.getReceived(), QUEUE_MESSAGES);
    for (const { subscription } of members) {
      assert.ok(
        subscription.getReceived() > QUEUE_MESSAGES / 6,
        `a member got ${subscription.getReceived()}`,
      );
    }
  });

  test("headers arrive with all their values", async (t) => {
    const connection = await connect(t, client, port());
    const subject = client.createInbox();
    const inbox = new Inbox(connection.subscribe(subject));
    const headers = client.headers();
    headers.append("Fruit", "apple");
    headers.append("Fruit", "pear");
    headers.append("empty", "");
    headers.append("Size", "zwölf: 12");
    connection.publish(subject, "body", { headers });
    connection.publish(subject, "", { headers });
    connection.publish(subject, "plain");
    for (const body of ["body", ""]) {
      const message = await inbox.next();
      assert.equal(message.string(), body);
      assert.deepEqual(message.headers?.keys().sort(), ["Fruit", "Size", "empty"]);
      assert.deepEqual(message.headers?.values("Fruit"), ["apple", "pear"]);
      assert.equal(message.headers?.get("empty"), "");
      assert.equal(message.headers?.get("Size"), "zwölf: 12");
    }
    assert.equal((await inbox.next()).headers, undefined);
  });

  // These packages count too, and send UNSUB at their maximum; that the server ends such a subscription by itself
  // shows with the clients of other languages, which don't.
  for (const when of ["at once", "later"]) {
    test(`a subscription ends by itself after a maximum set ${when}`, async (t) => {
      const connection = await connect(t, client, port());
      const subject = client.createInbox();
      const subscription = connection.subscribe(subject, when === "at once" ? { max: 3 } : {});
      const inbox = new Inbox(subscription);
      connection.publish(subject, "1");
      connection.publish(subject, "2");
      await connection.flush();
      if (when === "later") subscription.unsubscribe(3);
      connection.publish(subject, "3");
      assert.deepEqual(await inbox.rest(), ["1", "2", "3"]);
      await assertNobodyAnswers(client, connection, subject);
    });
  }

  test("unsubscribing ends delivery", async (t) => {
    const connection = await connect(t, client, port());
    const subject = client.createInbox();
    const subscription = connection.subscribe(subject, { callback: () => {} });
    connection.publish(subject);
    await connection.flush();
    subscription.unsubscribe();
    connection.publish(subject);
    await connection.flush();
    assert.equal(subscription.getReceived(), 1);
    // The client would drop by itself what still came: only this shows that the server knows.
    await assertNobodyAnswers(client, connection, subject);
  });

  test("noEcho keeps a connection's own messages from it", async (t) => {
    const subject = client.createInbox();
    const quiet = await connect(t, client, port(), { noEcho: true });
    const other = await connect(t, client, port());
    const own = quiet.subscribe(subject, { callback: () => {} });
    const others = other.subscribe(subject, { callback: () => {} });
    await other.flush();
    quiet.publish(subject);
    await quiet.flush();
    await other.flush();
    assert.deepEqual([own.getReceived(), others.getReceived()], [0, 1]);
  });

  test("verbose and pedantic connections work", async (t) => {
    const connection = await connect(t, client, port(), { verbose: true, pedantic: true });
    const subject = client.createInbox();
    const inbox = new Inbox(connection.subscribe(subject));
    connection.publish(subject, "said");
    assert.deepEqual(await inbox.texts(1), ["said"]);
    await connection.flush();
  });

  test("flush and round trip time", async (t) => {
    const connection = await connect(t, client, port());
    await Promise.all([connection.flush(), connection.flush(), connection.flush()]);
    assert.ok((await connection.rtt()) >= 0);
  });

  test("thousands of subscriptions on a connection", async (t) => {
    const connection = await connect(t, client, port());
    const root = client.createInbox();
    const received = new Latch();
    const subscriptions = Array.from({ length: MANY_SUBSCRIPTIONS }, (_, i) =>
      connection.subscribe(`${root}.${i}`, { callback: () => received.add() }),
    );
    for (let i = 0; i < MANY_SUBSCRIPTIONS; i++) connection.publish(`${root}.${i}`);
    await received.reached(MANY_SUBSCRIPTIONS);
    for (const subscription of subscriptions) assert.equal(subscription.getReceived(), 1);
    for (const subscription of subscriptions) subscription.unsubscribe();
    connection.publish(`${root}.0`);
    await connection.flush();
    assert.equal(received.count, MANY_SUBSCRIPTIONS);
  });
});
