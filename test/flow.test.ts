import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { ReadMode } from "../packages/caddis/src/io/node/tcp.ts";
import { SeededRandom } from "../packages/caddis/src/io/seeded-random.ts";
import type { RawClient } from "./support/raw-client.ts";
import { TcpServer } from "./support/tcp-server.ts";

/** How long something that must happen may take before a test fails; never a pace. */
const DEADLINE_MS = 15_000;

/** A test for each way in which sockets are read. */
function flow(what: string, run: (t: TestContext, readMode: ReadMode) => Promise<void>): void {
  for (const readMode of ["shared", "events"] satisfies ReadMode[]) {
    test(`${what} (${readMode} reads)`, (t) => run(t, readMode));
  }
}

/** A payload of `size` bytes without line ends, which shows who sent it and where it was cut. */
function payloadOf(name: string, size: number): string {
  return `${name}:`.padEnd(size, "0123456789abcdef").slice(0, Math.max(size, name.length + 1));
}

function pub(subject: string, payload: string): string {
  return `PUB ${subject} ${payload.length}\r\n${payload}\r\n`;
}

/** Waits for `count` messages and takes their payloads; fails when a line is no MSG with the size of its payload. */
async function takePayloads(client: RawClient, count: number): Promise<string[]> {
  await client.waitUntil(() => {
    // The server measures the round trip a while after the beginning.
    const ping = client.lines.indexOf("PING");
    if (ping >= 0) client.lines.splice(ping, 1);
    return client.lines.length >= 2 * count || client.closed;
  }, DEADLINE_MS);
  assert.ok(client.lines.length >= 2 * count, `${client.lines.length / 2} of ${count} messages`);
  const payloads: string[] = [];
  for (const [i, line] of client.lines.splice(0, 2 * count).entries()) {
    if (i % 2 === 0) {
      assert.match(line, /^MSG \S+ \S+ \d+$/);
      payloads.push(line);
    } else {
      const head = payloads.pop() ?? "";
      assert.equal(Number(head.slice(head.lastIndexOf(" ") + 1)), line.length, "the size is the payload's");
      payloads.push(line);
    }
  }
  return payloads;
}

flow("messages of every size reach every subscriber, complete and in order", async (t, readMode) => {
  const server = await TcpServer.start(t, readMode);
  const random = new SeededRandom(7);
  const subscribers = await Promise.all(Array.from({ length: 8 }, () => server.connect()));
  for (const subscriber of subscribers) {
    subscriber.send("SUB flow.> 1\r\n");
    assert.ok(await subscriber.barrier());
  }
  const publishers = await Promise.all(Array.from({ length: 3 }, () => server.connect()));
  const sizes = [0, 1, 90, 97, 4_000, 4_100, 65_500, 66_000, 300_000];
  const sent = publishers.map((_, p) =>
    Array.from({ length: 60 }, (_, i) =>
      payloadOf(`${p}.${i}`, i < sizes.length ? sizes[i] : random.below(3_000)),
    ),
  );
  for (const [p, publisher] of publishers.entries()) {
    // Cut where it hurts: in reads of any length.
    const text = Buffer.from(sent[p].map((payload) => pub(`flow.${p}`, payload)).join(""), "latin1");
    for (let start = 0; start < text.length;) {
      const end = Math.min(text.length, start + 1 + random.below(100_000));
      publisher.send(text.subarray(start, end));
      start = end;
    }
  }
  for (const subscriber of subscribers) {
    const received = await takePayloads(subscriber, 180);
    for (const [p, payloads] of sent.entries()) {
      assert.deepEqual(
        received.filter((payload) => payload.startsWith(`${p}.`)),
        payloads,
      );
    }
    assert.equal(subscriber.lines.length, 0);
  }
});

flow("a queue group shares the work, each message once", async (t, readMode) => {
  const server = await TcpServer.start(t, readMode);
  const members = await Promise.all(Array.from({ length: 4 }, () => server.connect()));
  for (const member of members) {
    member.send("SUB work q 1\r\n");
    assert.ok(await member.barrier());
  }
  const publisher = await server.connect();
  const count = 2_000;
  publisher.send(Array.from({ length: count }, (_, i) => pub("work", `${i}`)).join(""));
  assert.ok(await publisher.barrier());
  for (const member of members) assert.ok(await member.barrier());
  const received: string[] = [];
  for (const member of members) {
    const share = await takePayloads(member, member.lines.length / 2);
    assert.ok(share.length > count / 8, "a fair share");
    received.push(...share);
  }
  assert.deepEqual(
    received.sort((a, b) => Number(a) - Number(b)),
    Array.from({ length: count }, (_, i) => `${i}`),
  );
});

flow("requests find their answers", async (t, readMode) => {
  const server = await TcpServer.start(t, readMode);
  const [requester, responder] = [await server.connect(), await server.connect()];
  responder.send("SUB ask 1\r\n");
  assert.ok(await responder.barrier());
  requester.send("SUB inbox.* 2\r\n");
  for (let i = 0; i < 50; i++) {
    requester.send(`PUB ask inbox.${i} 2\r\nhi\r\n`);
    const line = await responder.nextLine();
    assert.equal(line, `MSG ask 1 inbox.${i} 2`);
    assert.equal(await responder.nextLine(), "hi");
    responder.send(pub(`inbox.${i}`, `answer ${i}`));
    assert.equal(await requester.nextLine(), `MSG inbox.${i} 2 ${`answer ${i}`.length}`);
    assert.equal(await requester.nextLine(), `answer ${i}`);
  }
  requester.send("PUB nobody inbox.x 0\r\n\r\n");
  assert.match((await requester.nextLine()) ?? "", /^HMSG inbox\.x 2 \d+ \d+$/);
});

flow(
  "a subscriber that reads in fits and starts gets everything; its publisher is held back, others are not",
  async (t, readMode) => {
    const server = await TcpServer.start(t, readMode);
    const [slow, quick, publisher] = [await server.connect(), await server.connect(), await server.connect()];
    for (const subscriber of [slow, quick]) {
      subscriber.send("SUB flow 1\r\n");
      assert.ok(await subscriber.barrier());
    }
    slow.pause();
    const count = 320;
    const payloads = Array.from({ length: count }, (_, i) => payloadOf(`${i}`, 50_000));
    for (const payload of payloads) publisher.send(pub("flow", payload));
    assert.deepEqual(await takePayloads(quick, count), payloads, "the quick one is not held up");
    assert.ok(
      server.broker.counters.stalls > 0,
      "16 MB are more than the kernel takes for who does not read",
    );
    assert.ok(await publisher.barrier());
    slow.resume();
    assert.deepEqual(await takePayloads(slow, count), payloads);
    assert.equal(server.broker.counters.slowConsumers, 0);
    assert.equal(server.heldBytes().pending, 0);
    for (const client of server.broker.clients.values()) client.checkInvariants();
  },
);

flow("a shutdown sends what is queued before it hangs up", async (t, readMode) => {
  const server = await TcpServer.start(t, readMode);
  const [subscriber, publisher] = [await server.connect(), await server.connect()];
  subscriber.send("SUB flow 1\r\n");
  assert.ok(await subscriber.barrier());
  const payloads = Array.from({ length: 100 }, (_, i) => payloadOf(`${i}`, 2_000));
  publisher.send(payloads.map((payload) => pub("flow", payload)).join(""));
  assert.ok(await publisher.barrier());
  await server.server.shutdown();
  assert.deepEqual(await takePayloads(subscriber, 100), payloads);
  assert.ok(await subscriber.waitClosed());
  assert.equal(server.broker.clients.size, 0);
  assert.equal(server.broker.timers.size, 0);
});

flow("two servers in one process share nothing", async (t, readMode) => {
  const servers = [await TcpServer.start(t, readMode), await TcpServer.start(t, readMode)];
  const subscribers: RawClient[] = [];
  for (const server of servers) {
    const subscriber = await server.connect();
    subscriber.send("SUB flow 1\r\n");
    assert.ok(await subscriber.barrier());
    subscribers.push(subscriber);
  }
  const publishers = [await servers[0].connect(), await servers[1].connect()];
  for (let i = 0; i < 50; i++)
    for (const [s, publisher] of publishers.entries())
      publisher.send(pub("flow", payloadOf(`${s}.${i}`, 500)));
  for (const [s, subscriber] of subscribers.entries()) {
    const received = await takePayloads(subscriber, 50);
    assert.ok(received.every((payload) => payload.startsWith(`${s}.`)));
  }
});

flow("a receiver that reads is never called slow, however small max_pending is", async (t, readMode) => {
  const server = await TcpServer.start(t, readMode, { max_pending: 128 * 1024, max_payload: 1024 });
  const [subscriber, publisher] = [await server.connect(), await server.connect()];
  subscriber.send("SUB small 1\r\n");
  assert.ok(await subscriber.barrier());
  const sent = Array.from({ length: 8_000 }, (_, i) => payloadOf(`${i}`, 1_000));
  publisher.send(sent.map((payload) => pub("small", payload)).join(""));
  assert.deepEqual(await takePayloads(subscriber, sent.length), sent);
  assert.equal(server.broker.counters.slowConsumers, 0);
});
