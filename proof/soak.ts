import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { SeededRandom } from "../packages/caddis/src/io/seeded-random.ts";
import { ServerProcess } from "../test/support/server-process.ts";
import { MemoryWatch, residentMib } from "./soak-memory.ts";
import {
  checkLimits,
  churn,
  consume,
  handIn,
  keys,
  newWork,
  prepare,
  type Work,
  WINDOW,
} from "./soak-tasks.ts";

/** The server is taken down, in turn in good order and by kill -9, so often at most, but not all the time. */
const LIVES_MAX = 6;
const LIFE_MS_MIN = 40_000;
const REPORT_MS = 10_000;
const LOOK_MS = 200;
/** Nothing consumed for so long though something waits: a stall. */
const STALL_MS = 20_000;

/**
 * Uses a server in every way for so many minutes: a work queue, streams with limits and expiring messages, purges, streams
 * and consumers that come and go, keys; with restarts. Throws when something is lost, stalls, stays too long, or grows.
 */
export async function soak(
  command: string,
  minutes: number,
  seed: number,
  say: (line: string) => void,
): Promise<void> {
  const random = new SeededRandom(seed);
  const folder = await mkdtemp(join(tmpdir(), "caddis-soak-"));
  const work = newWork();
  const start = (): Promise<ServerProcess> => ServerProcess.start({ command, args: ["-js", "-sd", folder] });
  const lives = Math.max(1, Math.min(LIVES_MAX, Math.floor((minutes * 60_000) / LIFE_MS_MIN)));
  const lifeMs = (minutes * 60_000) / lives;
  try {
    for (let life = 0; life < lives; life++) {
      const server = await start();
      try {
        const memory = await oneLife(server, random, work, lifeMs, say);
        say(`life ${life}: ${work.next} handed in, ${work.consumed} consumed, ${memory}`);
      } finally {
        await server.stop(life % 2 === 0 ? "SIGKILL" : "SIGTERM");
      }
    }
    const server = await start();
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

function open(server: ServerProcess): Promise<NatsConnection> {
  return connect({ servers: `127.0.0.1:${server.port}`, reconnect: false, timeout: 20_000 });
}

/** Does everything at once for so long; resolves with what memory it took, in words. */
async function oneLife(
  server: ServerProcess,
  random: SeededRandom,
  work: Work,
  lifeMs: number,
  say: (line: string) => void,
): Promise<string> {
  const nc = await open(server);
  await prepare(nc);
  const endMs = performance.now() + lifeMs;
  const isOver = (): boolean => performance.now() >= endMs || nc.isClosed();
  const memory = new MemoryWatch(server.pid, lifeMs);
  work.lastConsumedMs = performance.now();
  const report = (): void => say(`  ${work.consumed} consumed, ${residentMib(server.pid).toFixed(0)} MiB`);
  await Promise.all([
    ...Array.from({ length: WINDOW }, () => handIn(nc, work, isOver)),
    consume(nc, work, isOver),
    churn(nc, random, isOver),
    keys(nc, random, work, isOver),
    checkLimits(nc, isOver),
    watchOver(work, memory, isOver, report),
  ]);
  assert.ok(!nc.isClosed(), "the connection lasts as long as the server");
  await nc.close();
  return memory.check();
}

async function watchOver(
  work: Work,
  memory: MemoryWatch,
  isOver: () => boolean,
  report: () => void,
): Promise<void> {
  let nextMs = performance.now() + REPORT_MS;
  while (!isOver()) {
    await sleep(LOOK_MS);
    memory.look();
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
  const nc = await open(server);
  const startMs = performance.now();
  while (work.outstanding.size > 0 && performance.now() - startMs < STALL_MS) {
    const soonMs = performance.now() + 1000;
    await consume(nc, work, () => performance.now() > soonMs || work.outstanding.size === 0);
  }
  await nc.close();
  const [lost] = work.outstanding;
  assert.equal(work.outstanding.size, 0, `${work.outstanding.size} messages are lost, the first is ${lost}`);
}
