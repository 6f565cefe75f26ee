/**
 * A flood of connections that show no right to be there: each is sent away when its time is up, whatever it does, what
 * it held is free again, and those who were let in do not notice. `bench/flood.ts` measures what it costs.
 */
import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { test } from "node:test";
import { FLOOD_ATTACKS, type FloodServerKind, type FloodTarget } from "../bench/flood-attacks.ts";
import { INSIDER, makeFloodServers } from "../bench/flood-servers.ts";
import { AttackedServer, received } from "./support/attacked-server.ts";

/** Seconds that the server waits for a right to be shown. */
const TIMEOUT_S = 0.5;
/** Connections of each attack: enough to get in each other's way, few enough for a test. */
const EACH = 30;
/** Comparing bcrypt hashes takes real time. */
const EACH_BCRYPT = 3;
const MESSAGES = 2_000;

const KINDS = [...new Set(FLOOD_ATTACKS.map(({ server }) => server))];
/** Where a user with a password is inside. */
const WITH_INSIDERS: readonly FloodServerKind[] = ["password", "bcrypt", "callout", "tls"];

for (const kind of KINDS) {
  test(`flood, ${kind}: everybody is sent away, nothing is kept`, { timeout: 30_000 }, async (t) => {
    const servers = await makeFloodServers();
    t.after(() => servers.remove());
    const server = await AttackedServer.start(t, servers.config(kind, TIMEOUT_S));
    const { broker } = server.server;
    if (kind === "callout") (await server.enter(INSIDER)).send("SUB $SYS.REQ.USER.AUTH 1\r\n");
    const flood = new Flood(kind, { ...servers.target, port: server.port });
    if (WITH_INSIDERS.includes(kind)) await work(server, flood);
    await flood.over;
    const left = [...broker.clients.values()].filter(({ state }) => state !== "closing");
    assert.ok(
      left.every(({ wasConnected }) => wasConnected),
      "whoever is still there was let in",
    );
    assert.equal(broker.backlogs.bytes, 0);
    assert.equal(
      left.reduce((sum, { parser }) => sum + parser.tailBytes, 0),
      0,
    );
  });
}

/** All attacks on servers of one kind at once. */
class Flood {
  /** All of its connections have ended. */
  readonly over: Promise<void>;
  isOver = false;

  constructor(kind: FloodServerKind, target: FloodTarget) {
    const attacks = FLOOD_ATTACKS.filter(({ server }) => server === kind);
    const sockets: Socket[] = [];
    const ends = attacks.flatMap((attack) =>
      Array.from({ length: kind === "bcrypt" ? EACH_BCRYPT : EACH }, async () => {
        const { promise, resolve } = Promise.withResolvers<void>();
        sockets.push(attack.begin(target, resolve));
        await promise;
      }),
    );
    this.over = Promise.all(ends).then(() => {
      this.isOver = true;
      for (const socket of sockets) socket.destroy();
    });
  }
}

/** As long as the flood lasts one insider sends to another, and all of it comes. */
async function work(server: AttackedServer, flood: Flood): Promise<void> {
  const [publisher, subscriber] = [await server.enter(INSIDER), await server.enter(INSIDER)];
  subscriber.send("SUB work 1\r\n");
  await subscriber.barrier();
  let [sent, came] = [0, 0];
  do {
    publisher.send("PUB work 0\r\n\r\n".repeat(MESSAGES));
    sent += MESSAGES;
    assert.ok(await publisher.barrier());
    came += (await received(subscriber)).length;
    subscriber.lines.length = 0;
  } while (!flood.isOver);
  assert.equal(came, sent);
}
