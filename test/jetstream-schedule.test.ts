/** Schedules of a whole server in virtual time, and over its restarts. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryDisk } from "../packages/caddis/src/io/memory-disk.ts";
import { createTestServer, type TestServer, virtualClock } from "../packages/caddis/src/server/testing.ts";
import { InProcessPeer } from "./support/in-process-peer.ts";

const HOUR_MS = 3_600_000;
const HELLO = 'CONNECT {"verbose":false,"headers":true,"protocol":1}\r\nSUB r.> 1\r\n';

/** The client here answers no pings, while hours pass. */
const OPTIONS = { jetstream: true, ping_interval: "8760h" };

const STREAM = JSON.stringify({
  name: "S",
  subjects: ["s.>"],
  storage: "file",
  allow_msg_schedules: true,
  allow_rollup_hdrs: true,
  republish: { src: "s.t.>", dest: "r.>" },
});

function publish(subject: string, reply: string, headers: string, body: string): string {
  const block = headers === "" ? "" : `NATS/1.0\r\n${headers}\r\n\r\n`;
  const sizes = block === "" ? `${body.length}` : `${block.length} ${block.length + body.length}`;
  return `${block === "" ? "PUB" : "HPUB"} ${subject} ${reply} ${sizes}\r\n${block}${body}\r\n`;
}

function schedule(name: string, pattern: string): string {
  const headers = `Nats-Schedule: ${pattern}\r\nNats-Schedule-Target: s.t.${name}`;
  return publish(`s.q.${name}`, `r.ack.${name}`, headers, name);
}

/** Subjects of the messages that came, in order, each with how often in a row. */
function subjects(text: string): string[] {
  return [...text.matchAll(/^H?MSG (\S+) 1 /gm)].map(([, subject]) => subject);
}

async function attend(server: TestServer, say: string): Promise<InProcessPeer> {
  const peer = new InProcessPeer(server);
  peer.send(HELLO + say);
  await server.settled();
  return peer;
}

test("schedules fire as time passes, and go on after a restart where they were", async () => {
  const clock = virtualClock();
  const disk = new MemoryDisk();
  {
    await using server = await createTestServer(OPTIONS, { clock, disk });
    const peer = await attend(server, publish("$JS.API.STREAM.CREATE.S", "r.made", "", STREAM));
    assert.deepEqual(subjects(peer.take()), ["r.made"]);
    peer.send(schedule("every", "@every 1h"));
    peer.send(schedule("cron", "0 30 */2 * * *"));
    peer.send(schedule("once", `@at ${new Date(clock.nowMs() + 5 * HOUR_MS).toISOString()}`));
    await server.settled();
    assert.deepEqual(subjects(peer.take()), ["r.ack.every", "r.ack.cron", "r.ack.once"]);
    await clock.advance(HOUR_MS - 1);
    assert.deepEqual(subjects(peer.take()), ["r.cron"]);
    await clock.advance(1);
    assert.deepEqual(subjects(peer.take()), ["r.every"]);
    await clock.advance(1.25 * HOUR_MS);
    assert.deepEqual(subjects(peer.take()), ["r.every"]);
  }
  await clock.advance(HOUR_MS / 2);
  await using server = await createTestServer(OPTIONS, { clock, disk });
  const peer = await attend(server, "");
  await clock.advance(HOUR_MS / 4 - 1);
  assert.deepEqual(subjects(peer.take()), ["r.cron"], "what fell due meanwhile comes at once");
  await clock.advance(1);
  assert.deepEqual(subjects(peer.take()), ["r.every"]);
  await clock.advance(2 * HOUR_MS);
  assert.deepEqual(subjects(peer.take()), ["r.every", "r.cron", "r.every", "r.once"]);
  await clock.advance(HOUR_MS);
  assert.deepEqual(subjects(peer.take()), ["r.every"]);
});
