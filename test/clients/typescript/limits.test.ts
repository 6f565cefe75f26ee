import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { NodeConnectionOptions } from "@nats-io/transport-node";
import { connect, eachPackage, Events, Inbox, startServer } from "./harness.ts";
import { errorText } from "./package.ts";

const GOOD_USER = { user: "ann", pass: "top secret" };
const GOOD_TOKEN = { token: "s3cr3t" };

/** The same secrets in every way a server takes them. */
const LOCKS: { lock: string; config?: string; args?: string[]; good: NodeConnectionOptions }[] = [
  {
    lock: "user and password",
    config: 'authorization { user: ann, password: "top secret" }',
    good: GOOD_USER,
  },
  { lock: "--user and --pass", args: ["--user", "ann", "--pass", "top secret"], good: GOOD_USER },
  { lock: "token", config: 'authorization { token: "s3cr3t" }', good: GOOD_TOKEN },
  { lock: "--auth", args: ["--auth", "s3cr3t"], good: GOOD_TOKEN },
];

eachPackage((client, target) => {
  for (const { lock, good, ...options } of LOCKS) {
    describe(lock, () => {
      test("opens with the right secret only", async (t) => {
        const server = await startServer(t, target, options);
        const subject = client.createInbox();
        const connection = await connect(t, client, server.port, good);
        assert.equal(connection.info?.auth_required, true);
        const inbox = new Inbox(connection.subscribe(subject));
        connection.publish(subject, "in");
        assert.deepEqual(await inbox.texts(1), ["in"]);
        const bad: NodeConnectionOptions[] = [
          {},
          { user: "ann", pass: "wrong" },
          { user: "bob", pass: "top secret" },
          { user: "ann" },
          { token: "wrong" },
        ];
        for (const wrong of bad) {
          await assert.rejects(
            client.connect({ servers: `127.0.0.1:${server.port}`, maxReconnectAttempts: 0, ...wrong }),
            (error) => {
              assert.match(errorText(error), client.authorization);
              return true;
            },
          );
        }
        await connection.flush();
      });
    });
  }

  test("max_payload: the client refuses more, and a client that lies is cut off", async (t) => {
    const server = await startServer(t, target, { config: "max_payload: 1000" });
    const subject = client.createInbox();
    const connection = await connect(t, client, server.port);
    const inbox = new Inbox(connection.subscribe(subject));
    assert.ok(connection.info);
    assert.equal(connection.info.max_payload, 1000);
    connection.publish(subject, new Uint8Array(1000));
    assert.equal((await inbox.next()).data.length, 1000);
    assert.throws(() => connection.publish(subject, new Uint8Array(1001)), /max_?payload/i);
    const events = new Events(connection);
    connection.info.max_payload = 2000;
    connection.publish(subject, new Uint8Array(1001));
    await events.until("error");
    await events.until("disconnect");
    await events.until("reconnect");
    connection.publish(subject, "fine");
    assert.deepEqual(await inbox.texts(1), ["fine"]);
  });

  test("max_connections: one more is refused until another leaves", async (t) => {
    const server = await startServer(t, target, { config: "max_connections: 1" });
    const servers = `127.0.0.1:${server.port}`;
    const connection = await connect(t, client, server.port);
    // These clients pass over the reason and wait for their PONG until they give up.
    await assert.rejects(client.connect({ servers, maxReconnectAttempts: 0, timeout: 200 }), (error) => {
      assert.match(errorText(error), client.timeout);
      return true;
    });
    await connection.flush();
    await connection.close();
    const next = await connect(t, client, server.port, { waitOnFirstConnect: true, timeout: 200 });
    await next.flush();
  });

  test("max_subscriptions: one more is refused, the others work", async (t) => {
    const server = await startServer(t, target, { config: "max_subscriptions: 1" });
    const subject = client.createInbox();
    const connection = await connect(t, client, server.port);
    const events = new Events(connection);
    const inbox = new Inbox(connection.subscribe(subject));
    const refused = connection.subscribe(subject, { callback: () => {} });
    await events.until("error");
    connection.publish(subject, "one");
    assert.deepEqual(await inbox.texts(1), ["one"]);
    await connection.flush();
    assert.equal(refused.getReceived(), 0);
  });
});
