/**
 * A process that asks one server's monitoring for everything, once a second, for as long as its parent lives: its
 * argument is the URL. Says after each round what it got.
 */
import { Agent, get, type IncomingMessage } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

const ROUND_MS = 1000;

/** Each endpoint once, with the parameters that make it say most; lists in pages of the usual size. */
const TARGETS: readonly string[] = [
  "/varz",
  "/connz?subs=1&auth=1",
  "/subsz?subs=1",
  "/accountz?acc=$G",
  "/accstatz?unused=1",
  "/routez",
  "/leafz",
  "/gatewayz",
  "/jsz?accounts=1&streams=1&consumers=1",
  "/healthz",
  "/livez",
  "/readyz",
  "/startupz",
  "/stacksz",
  "/debug/vars",
  "/metrics",
];

/** One round of questions. */
export interface ScrapeRound {
  readonly bytes: number;
  /** From the first question to the last byte. */
  readonly elapsedMs: number;
  /** What was not there. */
  readonly missing: readonly string[];
}

const agent = new Agent({ keepAlive: true, maxSockets: 1 });

/** Asks one thing and reads it to its end. */
function ask(url: string): Promise<{ readonly status: number; readonly bytes: number }> {
  return new Promise((resolve, reject) => {
    const onResponse = (response: IncomingMessage): void => {
      let bytes = 0;
      response.on("data", (chunk: Buffer) => (bytes += chunk.length));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, bytes }));
      response.on("error", reject);
    };
    get(url, { agent }, onResponse).on("error", reject);
  });
}

async function askAll(base: string): Promise<ScrapeRound> {
  const startMs = performance.now();
  const missing: string[] = [];
  let total = 0;
  for (const target of TARGETS) {
    const { status, bytes } = await ask(base + target);
    if (status !== 200) missing.push(target);
    total += bytes;
  }
  return { bytes: total, elapsedMs: performance.now() - startMs, missing };
}

async function main(base: string): Promise<void> {
  for (;;) {
    const round = await askAll(base);
    process.send?.(round);
    await sleep(Math.max(0, ROUND_MS - round.elapsedMs));
  }
}

process.on("disconnect", () => process.exit());
await main(process.argv[2]);
