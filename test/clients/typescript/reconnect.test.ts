import assert from "node:assert/strict";
import { test } from "node:test";
import { FixedPortServer } from "../support/fixed-port-server.ts";
import { WireTap } from "../support/wire-tap.ts";
import { connect, eachPackage, Events, Inbox, startServer } from "./harness.ts";

/** The server asks for signs of life this often, and hangs up after one without an answer. */
const IMPATIENT = 'ping_interval: "100ms"\nping_max: 1\n';
/** More than the sockets' buffers of a line hold, so that some of it stays in the server. */
const FLOOD_MESSAGES = 64;
const FLOOD_PAYLOAD = new Uint8Array(1024 * 1024);

eachPackage((client, target) => {
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    test(`a restart on the same port after ${signal}: clients come back with their subscriptions`, async (t) => {
      const server = await FixedPortServer.start(target);
      t.after(() => server.stop("SIGKILL"));
      const subject = client.createInbox();
      const subscriber = await connect(t, client, server.port);
      const publisher = await connect(t, client, server.port);
      const plain = new Inbox(subscriber.subscribe(subject));
      const shared = new Inbox(subscriber.subscribe(`${subject}.>`, { queue: "q" }));
      const limited = new Inbox(subscriber.subscribe(subject, { max: 3 }));
      await subscriber.flush();
      const events = [new Events(subscriber), new Events(publisher)];
      for (const round of ["first", "second"]) {
        publisher.publish(subject, round);
        publisher.publish(`${subject}.x`, round);
        assert.deepEqual(await plain.texts(1), [round]);
        assert.deepEqual(await shared.texts(1), [round]);
        assert.deepEqual(await limited.texts(1), [round]);
        await server.stop(signal);
        for (const event of events) await event.until("disconnect");
        await server.startAgain();
        for (const event of events) await event.until("reconnect");
        await subscriber.flush();
      }
      publisher.publish(subject, "third");
      publisher.publish(subject, "fourth");
      assert.deepEqual(await plain.texts(2), ["third", "fourth"]);
      assert.deepEqual(await limited.rest(), ["third"]);
      assert.equal(subscriber.info?.port, server.port);
    });
  }

  test("lame duck mode is announced, refuses newcomers and keeps serving", async (t) => {
    const server = await startServer(t, target, {
      config: "lame_duck_duration: 60s\nlame_duck_grace_period: 30s\n",
    });
    const subject = client.createInbox();
    const connection = await connect(t, client, server.port);
    const events = new Events(connection);
    const inbox = new Inbox(connection.subscribe(subject));
    server.signal("SIGUSR2");
    await events.until("ldm");
    connection.publish(subject, "still here");
    assert.deepEqual(await inbox.texts(1), ["still here"]);
    await assert.rejects(client.connect({ servers: `127.0.0.1:${server.port}`, reconnect: false }));
  });

  test("a client that no longer answers is hung up on, and comes back", async (t) => {
    const server = await startServer(t, target, { config: IMPATIENT, args: ["-D"] });
    const tap = await WireTap.open(server.port);
    t.after(() => tap.close());
    const subject = client.createInbox();
    const connection = await connect(t, client, tap.port);
    const inbox = new Inbox(connection.subscribe(subject));
    await connection.flush();
    const events = new Events(connection);
    tap.muteClients();
    await events.until("error");
    await events.until("disconnect");
    await events.until("reconnect");
    connection.publish(subject, "back");
    assert.deepEqual(await inbox.texts(1), ["back"]);
    assert.match(server.log, /Stale Client Connection/);
  });

  test("a client that answers pings stays, and gets answers to its own", async (t) => {
    const server = await startServer(t, target, { config: IMPATIENT });
    const connection = await connect(t, client, server.port, { pingInterval: 50, maxPingOut: 2 });
    const clientId = connection.info?.client_id;
    const events = new Events(connection);
    // Each comes after a ping interval of the client; the third unanswered one would have ended the connection.
    for (let i = 0; i < 10; i++) await events.until(client.pingEvent);
    await connection.flush();
    assert.equal(connection.info?.client_id, clientId);
  });

  test("a client that does not read is cut off as a slow consumer; the others get everything", async (t) => {
    const server = await startServer(t, target, { config: "max_pending: 4MB\nwrite_deadline: 60s\n" });
    const tap = await WireTap.open(server.port);
    t.after(() => tap.close());
    const subject = client.createInbox();
    const slow = await connect(t, client, tap.port);
    slow.subscribe(subject, { callback: () => {} });
    await slow.flush();
    const events = new Events(slow);
    const quick = await connect(t, client, server.port);
    const subscription = quick.subscribe(subject, { callback: () => {} });
    await quick.flush();
    const publisher = await connect(t, client, server.port);
    tap.stopReading();
    for (let i = 0; i < FLOOD_MESSAGES; i++) {
      publisher.publish(subject, FLOOD_PAYLOAD);
      await publisher.flush();
    }
    await quick.flush();
    assert.equal(subscription.getReceived(), FLOOD_MESSAGES);
    tap.readAgain();
    await events.until("disconnect");
    await events.until("reconnect");
    await slow.flush();
    assert.match(server.log, /Slow Consumer Detected: MaxPending/);
  });
});
