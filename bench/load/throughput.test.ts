import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { test, type TestContext } from "node:test";
import type { ThroughputPlan } from "./operations.ts";
import { ThroughputLoad } from "./throughput.ts";
import { deliveredBlock } from "./traffic.ts";

const MESSAGES = 3;

/**
 * A server that answers PING, and PUBs, whatever they say, with `delivery`.
 * Returns its port.
 */
async function startFake(t: TestContext, delivery: Buffer): Promise<number> {
  const sockets: Socket[] = [];
  let subscriber: Socket | undefined;
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => socket.destroy());
    socket.write("INFO {} \r\n");
    socket.on("data", (bytes) => {
      const text = bytes.toString("latin1");
      if (text.includes("SUB ")) subscriber = socket;
      if (text.includes("PUB ")) subscriber?.write(delivery);
      if (text.includes("PING\r\n")) socket.write("PONG\r\n");
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  assert.ok(address !== null && typeof address !== "string");
  return address.port;
}

/** Publishes through a fake that delivers that, comparing all bytes or only the first message. */
async function publishThrough(t: TestContext, delivery: Buffer, verifyAll: boolean): Promise<void> {
  const plan: ThroughputPlan = {
    port: await startFake(t, delivery),
    publishers: 1,
    subscribers: 1,
    queueGroup: false,
    interest: "wildcard",
    subjects: 1,
    payloadBytes: 16,
    verifyAll,
  };
  const load = await ThroughputLoad.open(plan);
  await load.publish(MESSAGES);
}

function messages(count: number): Buffer {
  return Buffer.concat(Array<Buffer>(count).fill(deliveredBlock(1, 16, "wildcard").bytes));
}

test("the right messages are accepted, and PINGs between them", async (t) => {
  await publishThrough(t, messages(MESSAGES), true);
  const ping = Buffer.from("PING\r\n", "latin1");
  await publishThrough(t, Buffer.concat([messages(1), ping, messages(MESSAGES - 1)]), true);
  await publishThrough(t, Buffer.concat([messages(1), ping, messages(MESSAGES - 1)]), false);
});

test("a message too many fails the run", async (t) => {
  await assert.rejects(publishThrough(t, messages(MESSAGES + 1), false), /45 bytes more than expected/);
});

test("a first message that is not as expected fails the run", async (t) => {
  const delivery = messages(MESSAGES);
  delivery.write("X", deliveredBlock(1, 16, "wildcard").operationBytes - 4, "latin1");
  await assert.rejects(publishThrough(t, delivery, false), /message 0 is .*, not /);
});

test("a later message that is not as expected fails a run that compares all", async (t) => {
  const delivery = messages(MESSAGES);
  delivery.write("X", delivery.length - 4, "latin1");
  await publishThrough(t, delivery, false);
  await assert.rejects(publishThrough(t, delivery, true), /message 2 is .*, not /);
});

test("an error of the server fails the run", async (t) => {
  const delivery = Buffer.from("-ERR 'Slow Consumer'\r\n", "latin1");
  await assert.rejects(publishThrough(t, delivery, false), /expected a message, got "-ERR/);
});
