import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import type { OptionsInput } from "../packages/caddis/src/config/options.ts";
import type { ReadMode } from "../packages/caddis/src/io/node/tcp.ts";
import type { RawClient } from "./support/raw-client.ts";
import { HELLO, interestOf, TcpServer } from "./support/tcp-server.ts";

/** How long something that must happen may take before a test fails; never a pace. */
const DEADLINE_MS = 10_000;
const MAX_PENDING = 2 * 1024 * 1024;

/** A connection that does harm: bytes go out as told, nothing is read unless it is asked for. */
class Attacker {
  readonly socket: Socket;
  received = "";
  isClosed = false;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on("error", () => undefined);
    socket.on("close", () => (this.isClosed = true));
  }

  static async connect(port: number): Promise<Attacker> {
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    const attacker = new Attacker(socket);
    await once(socket, "connect");
    return attacker;
  }

  send(bytes: string | Buffer): void {
    if (!this.socket.destroyed) this.socket.write(bytes);
  }

  read(): this {
    this.socket.on("data", (chunk: Buffer) => (this.received += chunk.toString("latin1")));
    this.socket.on("end", () => this.socket.destroy());
    return this;
  }
}

/** Two clients that do nothing wrong and expect to notice nothing. */
class InnocentPair {
  readonly #publisher: RawClient;
  readonly #subscriber: RawClient;
  #count = 0;

  private constructor(publisher: RawClient, subscriber: RawClient) {
    this.#publisher = publisher;
    this.#subscriber = subscriber;
  }

  static async connect(server: TcpServer): Promise<InnocentPair> {
    const pair = new InnocentPair(await server.connect(), await server.connect());
    pair.#subscriber.send("SUB innocent 1\r\n");
    assert.ok(await pair.#subscriber.barrier());
    return pair;
  }

  /** Sends some messages from one to the other; all of them arrive, in order and unharmed. */
  async exchange(): Promise<void> {
    const wanted: string[] = [];
    let text = "";
    for (let i = 0; i < 20; i++) {
      const payload = `message ${this.#count++} ${"x".repeat((i * 37) % 300)}`;
      text += `PUB innocent ${payload.length}\r\n${payload}\r\n`;
      wanted.push(`MSG innocent 1 ${payload.length}`, payload);
    }
    this.#publisher.send(text);
    assert.ok(
      await this.#subscriber.waitUntil(() => this.#subscriber.lines.length >= wanted.length, DEADLINE_MS),
      "messages arrive",
    );
    assert.deepEqual(this.#subscriber.lines.splice(0), wanted);
    assert.ok(await this.#publisher.barrier(), "the publisher is served");
  }
}

/** Resolves when `condition` holds, looking again all the time, but leaving the processor to the others. */
async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  while (!condition()) {
    if (performance.now() > deadline) assert.fail(`${what} did not happen`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** Runs `attack` against a server of each read mode while an innocent pair looks for harm before, during and after. */
function attacked(
  what: string,
  options: OptionsInput,
  attack: (server: TcpServer, exchange: () => Promise<void>) => Promise<void>,
): void {
  for (const readMode of ["shared", "events"] satisfies ReadMode[]) {
    test(`${what} (${readMode} reads)`, async (t) => {
      const server = await TcpServer.start(t, readMode, { max_pending: MAX_PENDING, ...options });
      const innocent = await InnocentPair.connect(server);
      await innocent.exchange();
      await attack(server, () => innocent.exchange());
      await innocent.exchange();
      const { pending } = server.heldBytes();
      assert.ok(pending <= MAX_PENDING, `${pending} bytes pending`);
    });
  }
}

/** Opens `count` attackers that end with the test. */
async function attackers(server: TcpServer, count: number): Promise<Attacker[]> {
  const all = await Promise.all(Array.from({ length: count }, () => Attacker.connect(server.port)));
  server.beforeEnd.push(() => {
    for (const { socket } of all) socket.destroy();
  });
  return all;
}

const NONSENSE: readonly (readonly [string, string | Buffer])[] = [
  ["HTTP", "GET / HTTP/1.1\r\nHost: x\r\n\r\n"],
  ["TLS", Buffer.from("16030100c8010000c40303", "hex")],
  ["zeros", Buffer.alloc(10_000)],
  ["blanks", " ".repeat(10_000)],
  ["line ends", "\r\n".repeat(5_000)],
  ["an unknown verb", "MSG foo 1 2\r\nhi\r\n"],
  ["a cut verb", "PU\r\n"],
  ["no size", `${HELLO}PUB foo\r\n`],
  ["a size that is no number", `${HELLO}PUB innocent 3x\r\nabc\r\n`],
  ["a negative size", `${HELLO}PUB foo -1\r\n`],
  ["a size over the limit", `${HELLO}PUB foo 999999999\r\n`],
  ["a size over every limit", `${HELLO}PUB foo 99999999999999999999\r\n`],
  ["a payload that is longer than it said", `${HELLO}PUB foo 3\r\nabcdef\r\n`],
  ["headers longer than the message", `${HELLO}HPUB foo 20 10\r\n0123456789\r\n`],
  ["no JSON", "CONNECT {nonsense\r\n"],
  ["deep JSON", `CONNECT {"import":${"[".repeat(2_000)}${"]".repeat(2_000)}}\r\n`],
  ["an array", "CONNECT []\r\n"],
  ["a wrong type", 'CONNECT {"verbose":"yes"}\r\n'],
  ["an unknown protocol", 'CONNECT {"protocol":99}\r\n'],
  ["too many arguments", `${HELLO}SUB a b c d e f g\r\n`],
  ["a long line", `${HELLO}SUB ${"x".repeat(5_000)} 1\r\n`],
  ["an error of its own", "-ERR 'go away'\r\n"],
];

attacked("malformed input ends its own connection only", {}, async (server, exchange) => {
  const all = await attackers(server, NONSENSE.length);
  for (const [i, attacker] of all.entries()) attacker.read().send(NONSENSE[i][1]);
  await exchange();
  for (const [i, attacker] of all.entries())
    await until(() => attacker.isClosed, `the end of ${NONSENSE[i][0]}`);
  await until(() => server.broker.clients.size === 2, "forgetting them");
  assert.deepEqual(server.heldBytes(), { pending: 0, tails: 0 });
  assert.ok(all.every(({ received }) => received.startsWith("INFO ")));
});

attacked("input byte by byte, from many at once, is read as it was meant", {}, async (server, exchange) => {
  const subscriber = await server.connect();
  subscriber.send("SUB slow 1\r\n");
  assert.ok(await subscriber.barrier());
  const all = await attackers(server, 20);
  const text = Buffer.from(`${HELLO}PUB slow reply 5\r\nhello\r\nPING\r\n`);
  for (const attacker of all) attacker.read();
  for (let i = 0; i < text.length; i++) {
    for (const attacker of all) attacker.send(text.subarray(i, i + 1));
    // A turn, so that the bytes travel alone.
    await new Promise((resolve) => setImmediate(resolve));
  }
  await exchange();
  for (const attacker of all) await until(() => attacker.received.includes("PONG\r\n"), "an answer");
  await subscriber.waitUntil(() => subscriber.lines.length === 2 * all.length, DEADLINE_MS);
  assert.deepEqual(
    subscriber.lines,
    all.flatMap(() => ["MSG slow 1 reply 5", "hello"]),
  );
  assert.equal(server.heldBytes().tails, 0);
});

attacked(
  "a thousand connections that say nothing or nonsense cost next to nothing",
  {},
  async (server, exchange) => {
    const silent = await attackers(server, 700);
    const noisy = await attackers(server, 300);
    for (const attacker of noisy) attacker.read().send("PUB innocent 10\r\nnonsense without end");
    await exchange();
    await until(() => noisy.every(({ isClosed }) => isClosed), "the end of the noisy");
    await until(() => server.broker.clients.size === silent.length + 2, "forgetting them");
    const { pending, tails } = server.heldBytes();
    assert.equal(pending + tails, 0, "no buffer for who said nothing");
    assert.ok(server.broker.slabs.freeBytes < 1024 * 1024);
    for (const { socket } of silent) socket.resetAndDestroy();
    await exchange();
    await until(() => server.broker.clients.size === 2, "forgetting them");
    // Those of the pair, upkeep, and the statistics of the system account.
    assert.equal(server.broker.timers.size, 4, "no timer is left of them");
  },
);

attacked(
  "who does not authenticate is gone in time, whatever it sends or does not read",
  { authorization: { token: "t", timeout: "100ms" } },
  async (server) => {
    const all = await attackers(server, 50);
    for (const [i, attacker] of all.entries()) {
      if (i % 2 === 0) attacker.read();
      if (i % 3 === 0) attacker.send(`CONNECT {"auth_token":"${"x".repeat(i * 50)}`);
      if (i % 3 === 1) attacker.send(Buffer.alloc(200_000, "PING\r\n"));
    }
    await until(() => server.broker.clients.size === 2, "the end of all of them");
    assert.deepEqual(server.heldBytes(), { pending: 0, tails: 0 });
  },
);

attacked("payloads that are announced and not sent cost what was sent", {}, async (server, exchange) => {
  const all = await attackers(server, 200);
  for (const attacker of all) attacker.send(`${HELLO}PUB innocent 1048576\r\n${"x".repeat(1_000)}`);
  await until(() => server.heldBytes().tails > all.length * 1_000, "the arrival of their beginnings");
  await exchange();
  const { tails } = server.heldBytes();
  assert.ok(tails < all.length * 4_096, `${tails} bytes for ${all.length} times 1,000`);
});

attacked("a control line without end is refused after what a line may have", {}, async (server, exchange) => {
  const all = await attackers(server, 20);
  let most = 0;
  for (const attacker of all) {
    attacker.read().send(HELLO);
    for (let i = 0; i < 64; i++) attacker.send(i === 0 ? `SUB ${"x".repeat(16_384)}` : "x".repeat(16_384));
  }
  await until(() => {
    most = Math.max(most, server.heldBytes().tails);
    return all.every(({ isClosed }) => isClosed);
  }, "the end of all of them");
  await exchange();
  assert.ok(most <= all.length * 8 * 4_096, `${most} bytes of lines`);
  assert.ok(
    all.every(
      ({ received }) =>
        received.includes("-ERR 'maximum control line exceeded'") || received.startsWith("INFO"),
    ),
  );
});

attacked(
  "a subscriber that never reads is closed at max_pending, and its publisher goes on",
  {},
  async (server, exchange) => {
    const [deaf] = await attackers(server, 1);
    deaf.socket.pause();
    deaf.send(`${HELLO}SUB flood 1\r\n`);
    await until(() => interestOf(server.broker) === 2, "its subscription");
    const publisher = await server.connect();
    const chunk = `PUB flood 8000\r\n${"x".repeat(8_000)}\r\n`.repeat(32);
    let most = 0;
    for (let i = 0; i < 400 && server.broker.counters.slowConsumers === 0; i++) {
      publisher.send(chunk);
      assert.ok(await publisher.barrier(), "the publisher is served");
      most = Math.max(most, server.heldBytes().pending);
      if (i % 20 === 0) await exchange();
    }
    assert.equal(server.broker.counters.slowConsumers, 1);
    assert.ok(most <= MAX_PENDING, `${most} bytes pending`);
    await until(() => server.broker.clients.size === 3, "forgetting it");
    publisher.send("PUB flood 2\r\nok\r\n");
    assert.ok(await publisher.barrier());
  },
);

attacked("who asks without end and reads nothing is closed at max_pending", {}, async (server, exchange) => {
  const all = await attackers(server, 3);
  for (const attacker of all) attacker.socket.pause();
  // Before any CONNECT, each SUB, PUB and PING is answered: six bytes in, five or six out.
  const ask = ["PING\r\n", "SUB a 1\r\n", "PUB a 0\r\n\r\n"].map((text) =>
    Buffer.from(text.repeat(200_000 / text.length)),
  );
  await until(() => {
    for (const [i, attacker] of all.entries())
      if (attacker.socket.writableLength === 0) attacker.send(ask[i]);
    assert.ok(server.heldBytes().pending <= all.length * MAX_PENDING);
    return server.broker.counters.slowConsumers === all.length;
  }, "the end of all of them");
  await exchange();
  await until(() => server.broker.clients.size === 2, "forgetting them");
});

attacked("who never takes its last words is dropped", {}, async (server, exchange) => {
  const all = await attackers(server, 10);
  for (const attacker of all) {
    attacker.socket.pause();
    attacker.send("nonsense\r\n");
  }
  await exchange();
  await until(() => server.broker.clients.size === 2, "dropping them");
});

attacked(
  "connections that break off in the middle of anything leave nothing behind",
  {},
  async (server, exchange) => {
    const all = await attackers(server, 60);
    for (const [i, attacker] of all.entries()) {
      attacker.send(`${HELLO}SUB innocent 1\r\nSUB other.* q 2\r\nPUB other.x 1000\r\n${"x".repeat(i * 10)}`);
    }
    await until(() => interestOf(server.broker) === 2 * all.length + 1, "their subscriptions");
    for (const [i, { socket }] of all.entries()) {
      if (i % 3 === 0) socket.resetAndDestroy();
      else if (i % 3 === 1) socket.destroy();
      else socket.end("PU");
    }
    await exchange();
    await until(() => server.broker.clients.size === 2, "forgetting them");
    assert.equal(interestOf(server.broker), 1);
    server.broker.globalAccount.sublist.checkInvariants();
    assert.deepEqual(server.heldBytes(), { pending: 0, tails: 0 });
  },
);

attacked("a half-closed connection gets its answers before the end", {}, async (server, exchange) => {
  const [attacker] = await attackers(server, 1);
  attacker.read();
  attacker.socket.end(`${HELLO}SUB own 1\r\nPUB own 5\r\nhello\r\nPING\r\n`);
  await until(() => attacker.isClosed, "the end");
  assert.match(attacker.received, /^INFO .*\r\nMSG own 1 5\r\nhello\r\nPONG\r\n$/);
  await exchange();
});

attacked(
  "a flood of connections beyond the limit is turned away",
  { max_connections: 10 },
  async (server, exchange) => {
    const all = await attackers(server, 200);
    for (const attacker of all) attacker.read();
    await until(() => all.filter(({ isClosed }) => isClosed).length === 192, "turning them away");
    await exchange();
    assert.equal(server.broker.clients.size, 10);
    assert.equal(
      all.filter(({ received }) => received.includes("-ERR 'maximum connections exceeded'")).length,
      192,
    );
  },
);

attacked(
  "subscriptions without number cost what they say, and go with their connection",
  {},
  async (server, exchange) => {
    const [attacker] = await attackers(server, 1);
    attacker.read().send(HELLO);
    const count = 50_000;
    let text = "";
    for (let i = 0; i < count; i++)
      text += `SUB flood.${i % 100}.*.${"x".repeat(i % 50)}x q${i % 7} s${i}\r\n`;
    attacker.send(`${text}PING\r\n`);
    await until(() => attacker.received.includes("PONG"), "taking them in");
    await exchange();
    assert.equal(interestOf(server.broker), count + 1);
    attacker.socket.resetAndDestroy();
    await until(() => interestOf(server.broker) === 1, "forgetting them");
    server.broker.globalAccount.sublist.checkInvariants();
  },
);
