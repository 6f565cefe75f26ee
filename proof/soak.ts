import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connect, nanos, type NatsConnection } from "@nats-io/transport-node";
import { AckPolicy, jetstream, jetstreamManager, RetentionPolicy, StorageType } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { SeededRandom } from "../packages/caddis/src/io/seeded-random.ts";
import { ServerProcess } from "../test/support/server-process.ts";

/** The server is taken down, in turn in good order and by kill -9, so often. */
const RESTART_MS = 60_000;
const REPORT_MS = 10_000;
/** Nothing consumed for so long though something waits: a stall. */
const STALL_MS = 20_000;
/** Memory may be this much above what it was after the first restart. */
const GROWTH_MIB_MAX = 200;
const KEYS = 2000;
const WINDOW = 32;

/** What is to be consumed: numbers handed in and not yet seen by the worker. */
interface Work {
  readonly outstanding: Set<number>;
  next: number;
  consumed: number;
  lastConsumedMs: number;
}

function residentMib(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) / 1024;
}

/** Uses a server in every way for so many minutes. Throws when something is lost, stalls or grows. */
export async function soak(
  command: string,
  minutes: number,
  seed: number,
  say: (line: string) => void,
): Promise<void> {
  const random = new SeededRandom(seed);
  const folder = await mkdtemp(join(tmpdir(), "caddis-soak-"));
  const work: Work = { outstanding: new Set(), next: 0, consumed: 0, lastConsumedMs: performance.now() };
  const endMs = performance.now() + minutes * 60_000;
  let baseMib = 0;
  try {
    for (let round = 0; performance.now() < endMs; round++) {
      const server = await ServerProcess.start({ command, args: ["-js", "-sd", folder] });
      const roundEndMs = Math.min(endMs, performance.now() + RESTART_MS);
      let mib: number;
      try {
        mib = await oneRound(server, random, work, roundEndMs, say);
      } finally {
        await server.stop(round % 2 === 0 ? "SIGTERM" : "SIGKILL");
      }
      if (round === 0) baseMib = mib;
      say(`round ${round}: ${work.next} handed in, ${work.consumed} consumed, ${mib.toFixed(0)} MiB`);
      assert.ok(mib < baseMib + GROWTH_MIB_MAX, `memory grew from ${baseMib} to ${mib} MiB`);
    }
    const server = await ServerProcess.start({ command, args: ["-js", "-sd", folder] });
    try {
      await finish(server, work);
    } finally {
      await server.stop();
    }
    say(`all ${work.next} messages were consumed`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function prepare(nc: NatsConnection): Promise<void> {
  const manager = await jetstreamManager(nc);
  await manager.streams.add({ name: "WORK", subjects: ["work.*"], retention: RetentionPolicy.Workqueue });
  await manager.consumers.add("WORK", {
    durable_name: "worker",
    ack_policy: AckPolicy.Explicit,
    ack_wait: nanos(2000),
    max_ack_pending: 5000,
  });
  await manager.streams.add({ name: "RING", subjects: ["ring.>"], max_msgs: 10_000, max_age: nanos(30_000) });
  await manager.streams.add({
    name: "BRIEF",
    subjects: ["brief.*"],
    storage: StorageType.Memory,
    max_age: nanos(2000),
  });
}

async function oneRound(
  server: ServerProcess,
  random: SeededRandom,
  work: Work,
  roundEndMs: number,
  say: (line: string) => void,
): Promise<number> {
  const nc = await connect({ servers: `127.0.0.1:${server.port}`, reconnect: false, timeout: 20_000 });
  await prepare(nc);
  const isOver = (): boolean => performance.now() >= roundEndMs || nc.isClosed();
  work.lastConsumedMs = performance.now();
  const tasks = [
    ...Array.from({ length: WINDOW }, () => handIn(nc, work, isOver)),
    consume(nc, work, isOver),
    churn(nc, random, isOver),
    keys(nc, random, isOver),
    watchOver(work, isOver, () =>
      say(`  ${work.consumed} consumed, ${residentMib(server.pid).toFixed(0)} MiB`),
    ),
  ];
  await Promise.all(tasks);
  const mib = residentMib(server.pid);
  await nc.close();
  return mib;
}

async function handIn(nc: NatsConnection, work: Work, isOver: () => boolean): Promise<void> {
  const client = jetstream(nc);
  while (!isOver()) {
    const number = work.next++;
    work.outstanding.add(number);
    await client.publish(`work.${number % 5}`, String(number), { timeout: 20_000 });
  }
}

async function consume(nc: NatsConnection, work: Work, isOver: () => boolean): Promise<void> {
  const consumer = await jetstream(nc).consumers.get("WORK", "worker");
  while (!isOver()) {
    for await (const message of await consumer.fetch({ max_messages: 200, expires: 1000 })) {
      work.outstanding.delete(Number(message.string()));
      work.consumed++;
      work.lastConsumedMs = performance.now();
      message.ack();
    }
  }
}

/** Streams that overflow, expire, are purged, made and removed. */
async function churn(nc: NatsConnection, random: SeededRandom, isOver: () => boolean): Promise<void> {
  const client = jetstream(nc);
  const manager = await jetstreamManager(nc);
  for (let i = 0; !isOver(); i++) {
    const batch = Array.from({ length: 100 }, (_, n) =>
      client.publish(
        n % 2 === 0 ? `ring.${random.below(50)}.${n}` : `brief.${n}`,
        "x".repeat(random.below(2000)),
      ),
    );
    await Promise.all(batch);
    if (i % 50 === 0) await manager.streams.purge("RING", { filter: `ring.${random.below(50)}.>` });
    if (i % 20 === 0) {
      const name = `TEMP${i % 3}`;
      await manager.streams.add({ name, subjects: [`temp.${name}`] });
      const consumer = await client.consumers.get(name);
      await client.publish(`temp.${name}`, "x");
      await consumer.next({ expires: 2000 });
      await manager.streams.delete(name);
    }
    await sleep(5);
  }
}

async function keys(nc: NatsConnection, random: SeededRandom, isOver: () => boolean): Promise<void> {
  const kv = await new Kvm(nc).create("soak", { history: 2 });
  while (!isOver()) {
    const key = `key.${random.below(KEYS)}`;
    const revision = await kv.put(key, String(random.below(1_000_000)));
    const entry = await kv.get(key);
    assert.ok((entry?.revision ?? 0) >= revision, `${key} is older than it was written`);
    if (random.below(10) === 0) await kv.delete(key);
  }
}

async function watchOver(work: Work, isOver: () => boolean, report: () => void): Promise<void> {
  let nextMs = performance.now() + REPORT_MS;
  while (!isOver()) {
    await sleep(200);
    const nowMs = performance.now();
    const waits = work.outstanding.size > WINDOW;
    assert.ok(!waits || nowMs - work.lastConsumedMs < STALL_MS, `nothing was consumed for ${STALL_MS} ms`);
    if (nowMs < nextMs) continue;
    report();
    nextMs = nowMs + REPORT_MS;
  }
}

/** What was handed in and never seen has to come yet. */
async function finish(server: ServerProcess, work: Work): Promise<void> {
  const nc = await connect({ servers: `127.0.0.1:${server.port}`, reconnect: false, timeout: 20_000 });
  const startMs = performance.now();
  while (work.outstanding.size > 0 && performance.now() - startMs < STALL_MS) {
    const soonMs = performance.now() + 1000;
    await consume(nc, work, () => performance.now() > soonMs || work.outstanding.size === 0);
  }
  await nc.close();
  const [lost] = work.outstanding;
  assert.equal(work.outstanding.size, 0, `${work.outstanding.size} messages are lost, the first is ${lost}`);
}
