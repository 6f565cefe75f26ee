/**
 * `npm run bench:scrape`: what it costs our server to be asked for everything that monitoring tells, once a second,
 * while it holds many connections and subscriptions. Two figures, with their aims:
 *
 * - throughput of one publisher and one subscriber with scraping, divided by that without: at least 0.97;
 * - the longest round trip of a PING on an otherwise idle server while it is scraped: at most 20 ms.
 *
 * Options: `--connections N`, `--subscriptions N`, `--seconds N` (of each half of a pair), `--pairs N`.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { LoadProcess } from "./load-process.ts";
import { Connection } from "./load/connection.ts";
import type { ScrapeRound } from "./load/scraper.ts";
import { ServerUnderTest } from "./server.ts";
import { pairedRatio } from "./statistics.ts";

const THROUGHPUT_AT_LEAST = 0.97;
const PING_MS_AT_MOST = 20;

/** Subscriptions on one connection, besides the one that each has. */
const SUBSCRIPTIONS_EACH = 10_000;
const PAYLOAD_BYTES = 128;
/** Messages from which the rate is guessed that sizes the halves. */
const TRIAL_MESSAGES = 2_000_000;

const caddis = fileURLToPath(new URL("../bin/caddis", import.meta.url));

interface Plan {
  readonly connections: number;
  readonly subscriptions: number;
  readonly seconds: number;
  readonly pairs: number;
}

function readPlan(): Plan {
  const { values } = parseArgs({
    options: {
      connections: { type: "string", default: "10000" },
      subscriptions: { type: "string", default: "100000" },
      seconds: { type: "string", default: "5" },
      pairs: { type: "string", default: "6" },
    },
  });
  return {
    connections: Number(values.connections),
    subscriptions: Number(values.subscriptions),
    seconds: Number(values.seconds),
    pairs: Number(values.pairs),
  };
}

/** Asks as long as it is open. */
class Scraper {
  readonly rounds: ScrapeRound[] = [];
  readonly #process: ChildProcess;

  constructor(url: string) {
    this.#process = fork(new URL("load/scraper.ts", import.meta.url), [url], { execArgv: [] });
    this.#process.on("message", (round: ScrapeRound) => this.rounds.push(round));
  }

  async firstRound(): Promise<void> {
    await once(this.#process, "message");
  }

  kill(): void {
    this.#process.kill("SIGKILL");
  }
}

/** Fills the server with connections that do nothing. */
async function fill(load: LoadProcess, port: number, plan: Plan): Promise<void> {
  const lists = Math.max(0, Math.floor((plan.subscriptions - plan.connections) / SUBSCRIPTIONS_EACH));
  const connections = Math.max(1, plan.connections - lists - 3);
  await load.call("openIdle", { port, connections, payloadBytes: PAYLOAD_BYTES });
  for (let i = 0; i < lists; i++) {
    await load.call("subscribe", {
      port,
      from: i * SUBSCRIPTIONS_EACH,
      count: SUBSCRIPTIONS_EACH,
      close: false,
    });
  }
}

/** Round trips of PINGs, one after the other, for so long; milliseconds, the shortest first. */
async function pings(port: number, seconds: number): Promise<number[]> {
  const connection = await Connection.open(port);
  const trips: number[] = [];
  const endMs = performance.now() + seconds * 1000;
  for (let nowMs = performance.now(); nowMs < endMs;) {
    await connection.roundTrip("");
    const thenMs = performance.now();
    trips.push(thenMs - nowMs);
    nowMs = thenMs;
  }
  connection.close();
  return trips.sort((a, b) => a - b);
}

function describePings(label: string, trips: readonly number[]): string {
  const at = (share: number): string => trips[Math.floor((trips.length - 1) * share)].toFixed(2);
  return `${label}: p50 ${at(0.5)}, p99 ${at(0.99)}, p99.9 ${at(0.999)}, longest ${at(1)} ms of ${trips.length}`;
}

interface Half {
  readonly rate: number;
  readonly cpuMicros: number;
}

async function measure(server: ServerUnderTest, load: LoadProcess, messages: number): Promise<Half> {
  const before = server.cpu();
  const { elapsedMicros } = await load.call("publish", { messages });
  const after = server.cpu();
  const cpuMicros = after.userMicros + after.systemMicros - before.userMicros - before.systemMicros;
  return { rate: (messages / elapsedMicros) * 1e6, cpuMicros: cpuMicros / messages };
}

async function run(plan: Plan, server: ServerUnderTest, load: LoadProcess): Promise<boolean> {
  const { port } = server;
  const monitorPort = Number(/Starting http monitor on .*:(\d+)/.exec(server.log())?.[1]);
  const url = `http://127.0.0.1:${monitorPort}`;
  await fill(load, port, plan);
  console.log(
    `${plan.connections} connections, ${plan.subscriptions} subscriptions, ${plan.pairs} pairs of ${plan.seconds} s`,
  );
  console.log(describePings("PING without scraping", await pings(port, plan.seconds)));
  const scraper = new Scraper(url);
  await scraper.firstRound();
  const trips = await pings(port, plan.seconds * 2);
  scraper.kill();
  console.log(describePings("PING with scraping", trips));
  const [round] = scraper.rounds.slice(-1);
  console.log(
    `a round of scraping: ${(round.bytes / 1e6).toFixed(2)} MB in ${round.elapsedMs.toFixed(0)} ms`,
  );
  if (round.missing.length > 0) console.log(`not there: ${round.missing.join(" ")}`);
  await load.call("openThroughput", {
    port,
    publishers: 1,
    subscribers: 1,
    queueGroup: false,
    interest: "wildcard",
    subjects: 1,
    payloadBytes: PAYLOAD_BYTES,
    verifyAll: false,
  });
  const trial = await measure(server, load, TRIAL_MESSAGES);
  const messages = Math.round(trial.rate * plan.seconds);
  const without: Half[] = [];
  const scraped: Half[] = [];
  for (let pair = 0; pair < plan.pairs; pair++) {
    without.push(await measure(server, load, messages));
    const other = new Scraper(url);
    await other.firstRound();
    scraped.push(await measure(server, load, messages));
    other.kill();
  }
  const rates = pairedRatio(
    scraped.map(({ rate }) => rate),
    without.map(({ rate }) => rate),
  );
  const cpus = pairedRatio(
    scraped.map(({ cpuMicros }) => cpuMicros),
    without.map(({ cpuMicros }) => cpuMicros),
  );
  if (rates === undefined || cpus === undefined) throw new Error("nothing was measured");
  console.log(
    `throughput with scraping / without: ${rates.median.toFixed(3)} (${rates.min.toFixed(3)} to ${rates.max.toFixed(3)})`,
  );
  console.log(`server's CPU per message with / without: ${cpus.median.toFixed(3)}`);
  const longest = trips[trips.length - 1];
  const isMet = rates.median >= THROUGHPUT_AT_LEAST && longest <= PING_MS_AT_MOST;
  console.log(
    `aims: throughput ${THROUGHPUT_AT_LEAST}, PING ${PING_MS_AT_MOST} ms: ${isMet ? "met" : "missed"}`,
  );
  return isMet;
}

const server = await ServerUnderTest.start({ side: "ours", command: [caddis, "-m", "-1"] });
const load = new LoadProcess();
process.once("exit", () => {
  server.killNow();
  load.kill();
});
process.exitCode = (await run(readPlan(), server, load)) ? 0 : 1;
load.kill();
await server.stop();
process.exit();
