import assert from "node:assert/strict";
import { test } from "node:test";
import type { SeededRandom } from "../../packages/caddis/src/io/seeded-random.ts";
import { type Peer, TestBroker } from "../support/test-broker.ts";
import { damage, garbage, randomOperation, randomStream } from "./client-stream.ts";
import { forEachSeed, pick } from "./seeds.ts";

/** What a server may say: one alternative per operation; the last digits are what follows the line. */
const SERVER_LINE =
  /(?:INFO (?<json>\{[^\n]*\}) |\+OK|PING|PONG|-ERR '[^\n]*'|MSG [^ \t\n]+ [^ \t\r\n]+ (?:[^ \t\n]+ )?(?<size>\d{1,9})|HMSG [^ \t\n]+ [^ \t\r\n]+ (?:[^ \t\n]+ )?(?<headers>\d{1,9}) (?<total>\d{1,9}))\r\n/y;

/** Fails unless `output` (a wire string) is the beginning of what a server may say. */
function checkOutput(output: string): void {
  for (let at = 0; at < output.length;) {
    SERVER_LINE.lastIndex = at;
    const match = SERVER_LINE.exec(output);
    const rest = JSON.stringify(output.slice(at, at + 200));
    assert.ok(match?.groups !== undefined, `a server says no ${rest}`);
    const { json, size, headers, total } = match.groups;
    if (json !== undefined) JSON.parse(json);
    if (headers !== undefined) assert.ok(Number(headers) > 0 && Number(headers) <= Number(total), rest);
    at = SERVER_LINE.lastIndex;
    const payload = total ?? size;
    if (payload === undefined) continue;
    at += Number(payload);
    if (at + 2 <= output.length) assert.equal(output.slice(at, at + 2), "\r\n", `the end of ${rest}`);
    at += 2;
  }
}

/** Connections of one fuzzed server with what each has been told and still has to say. */
class FuzzedPeer {
  readonly peer: Peer;
  output = "";
  unsaid = "";

  constructor(peer: Peer) {
    this.peer = peer;
  }

  /** Lets the next `length` bytes go. */
  say(length: number): void {
    const text = this.unsaid.slice(0, length);
    this.unsaid = this.unsaid.slice(length);
    if (text !== "") this.peer.say(text);
  }
}

async function play(random: SeededRandom): Promise<void> {
  const world = new TestBroker(
    {
      max_payload: 1_800,
      max_pending: pick(random, [4_000, 20_000, 1_000_000]),
      max_control_line: pick(random, [100, 4_096]),
      max_connections: pick(random, [4, 100]),
      max_subscriptions: pick(random, [0, 3]),
      ping_interval: "5s",
      write_deadline: "2s",
      write_timeout: pick(random, ["close", "retry"]),
      disable_sublist_cache: random.below(2) === 0,
      ...(random.below(4) === 0 ? { authorization: { token: "t" } } : {}),
    },
    random,
  );
  const peers: FuzzedPeer[] = [];
  for (let step = 0; step < 150; step++) {
    const open = peers.filter(({ peer }) => peer.pipe.events !== null);
    if (open.length === 0 || (open.length < 6 && random.below(10) === 0)) {
      peers.push(new FuzzedPeer(world.accept()));
      continue;
    }
    const fuzzed = pick(random, open);
    const { pipe } = fuzzed.peer;
    switch (random.below(12)) {
      case 0:
        if (random.below(4) === 0) pipe.hangUp(random.below(2) === 0 ? new Error("reset") : null);
        break;
      case 1:
        pipe.takesAll = !pipe.takesAll;
        break;
      case 2:
      case 3:
        if (pipe.isWriting && !pipe.isDestroyed) pipe.complete();
        break;
      case 4:
        await world.clock.advance(pick(random, [0, 5, 500, 3_000]));
        break;
      case 5:
        if (pipe.hasEnded) pipe.hangUp();
        break;
      case 6:
        fuzzed.unsaid +=
          random.below(6) === 0 ? garbage(random, 50) : damage(random, randomStream(random, 3));
        break;
      case 7:
        fuzzed.say(random.below(30));
        break;
      default:
        if (fuzzed.unsaid === "")
          fuzzed.unsaid = fuzzed.peer.client.state === "connecting" ? randomStream(random, 5) : "";
        for (let i = 0; i < 5; i++) fuzzed.unsaid += randomOperation(random);
        fuzzed.say(random.below(fuzzed.unsaid.length + 1));
    }
    world.checkInvariants();
    for (const each of peers) each.output += each.peer.pipe.takeOutput();
  }
  const down = world.broker.shutdown();
  for (const { peer } of peers) {
    peer.pipe.takesAll = true;
    if (peer.pipe.isWriting && !peer.pipe.isDestroyed) peer.pipe.complete();
  }
  await world.clock.advance(2_000);
  for (const each of peers) {
    each.output += each.peer.pipe.takeOutput();
    assert.ok(each.peer.pipe.hasEnded || each.peer.pipe.events === null, "a shutdown ends every connection");
    each.peer.pipe.hangUp();
    checkOutput(each.output);
  }
  await down;
  world.checkInvariants();
  assert.equal(world.broker.clients.size, 0);
  assert.equal(world.broker.globalAccount.sublist.count, world.ownInterest);
  assert.equal(world.broker.timers.size, 0);
}

test("whatever clients send, take and break off: invariants hold and every peer gets sound protocol", async (t) => {
  await forEachSeed(t, async (random) => {
    for (let i = 0; i < 6; i++) await play(random);
  });
});
