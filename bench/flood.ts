/**
 * `npm run bench:flood`: what connections cost a server that show no right to be there.
 *
 *     npm run bench:flood                      # an authenticated pair keeps its throughput under a flood of 5,000
 *     npm run bench:flood -- --cost            # bytes and time of each attack, per connection
 *     npm run bench:flood -- --cost bcrypt     # of those whose name or server contains `bcrypt`
 *     npm run bench:flood -- --reference       # the same of nats-server
 */
import { type ChildProcess, fork } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { FloodNews, FloodOrder } from "./flood-attacker.ts";
import { FLOOD_ATTACKS, type FloodAttack, type FloodTarget } from "./flood-attacks.ts";
import { FloodPair } from "./flood-pair.ts";
import { type FloodServers, makeFloodServers } from "./flood-servers.ts";
import { ServerUnderTest } from "./server.ts";

const { values, positionals } = parseArgs({
  options: {
    cost: { type: "boolean", default: false },
    reference: { type: "boolean", default: false },
    connections: { type: "string", default: "5000" },
    rounds: { type: "string", default: "3" },
  },
  allowPositionals: true,
});
const connections = Number(values.connections);
const command = values.reference ? "nats-server" : fileURLToPath(new URL("../bin/caddis", import.meta.url));

/** Seconds that a server waits for a right to be shown while costs are measured, so that all are there at once. */
const PATIENCE_S = 120;
/** How long nothing but the attack's consequences happens before memory is read. */
const SETTLE_MS = 1_500;
/** How much of the flood is what: some of each sort of waiting. */
const FLOOD: readonly string[] = [
  "says nothing",
  "a CONNECT that does not end, as long as it may be",
  "TLS: one byte",
  "TLS: the header of a hello that is 16 KiB long",
  "TLS: a handshake, then nothing",
];
/** All come within this time and are sent away after that one, so that for a while all are there. */
const FLOOD_ARRIVAL_S = 2;
const FLOOD_TIMEOUT_S = 5;
const WARM_UP_MS = 2_000;
const QUIET_MS = 5_000;
const AIM = 0.8;
const MIB = 1024 * 1024;
const CLOCK_TICK_MS = 10;

/** Attacking processes that are to be gone at the end. */
const attackers = new Set<ChildProcess>();

class Attackers {
  readonly #process = fork(new URL("flood-attacker.ts", import.meta.url), { execArgv: [] });
  readonly #begun = Promise.withResolvers<FloodNews>();
  readonly #over = Promise.withResolvers<FloodNews>();

  constructor() {
    attackers.add(this.#process);
    this.#process.on("message", ({ kind, closed }: FloodNews) => {
      (kind === "begun" ? this.#begun : this.#over).resolve({ kind, closed });
    });
    this.#process.on("exit", (code) => {
      attackers.delete(this.#process);
      for (const news of [this.#begun, this.#over]) news.reject(new Error(`the attacker ended with ${code}`));
    });
    this.#begun.promise.catch(() => {});
    this.#over.promise.catch(() => {});
  }

  begin(order: FloodOrder): Promise<FloodNews> {
    this.#process.send(order);
    return this.#begun.promise;
  }

  /** All of its connections are closed. */
  get over(): Promise<FloodNews> {
    return this.#over.promise;
  }

  stop(): void {
    this.#process.kill("SIGKILL");
  }
}

function startServer(
  servers: FloodServers,
  { server }: Pick<FloodAttack, "server">,
  timeout: number,
): Promise<ServerUnderTest> {
  return ServerUnderTest.start({
    side: values.reference ? "reference" : "ours",
    command: [command, "-c", servers.configFile(server, timeout)],
  });
}

/** CPU time of the thread that does everything, milliseconds; with nats-server, of its first one, which says little. */
function loopMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/task/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * CLOCK_TICK_MS;
}

async function measureCost(servers: FloodServers, attack: FloodAttack): Promise<string> {
  const server = await startServer(servers, attack, PATIENCE_S);
  const service = attack.server === "callout" ? await FloodPair.silentService(server.port) : null;
  const crowd = new Attackers();
  try {
    await sleep(SETTLE_MS);
    const [memory, cpu, loop] = [server.memory(), server.cpu(), loopMs(server.pid)];
    const target: FloodTarget = { ...servers.target, port: server.port };
    await crowd.begin({ attacks: [attack.name], connections, target, perSecond: 0 });
    await sleep(SETTLE_MS);
    const [after, cpuAfter, loopAfter] = [server.memory(), server.cpu(), loopMs(server.pid)];
    const bytes = ((after.residentMib - memory.residentMib) * MIB) / connections;
    const peak = ((after.peakMib - memory.residentMib) * MIB) / connections;
    const all =
      (cpuAfter.userMicros + cpuAfter.systemMicros - cpu.userMicros - cpu.systemMicros) / connections;
    const micros = ((loopAfter - loop) * 1_000) / connections;
    return [
      attack.name,
      attack.server,
      `${Math.round(bytes)}`,
      `${Math.round(peak)}`,
      `${Math.round(micros)}`,
      `${Math.round(all)}`,
    ].join(" | ");
  } finally {
    service?.close();
    crowd.stop();
    await server.stop();
  }
}

/** The pair's throughput without a flood, and from its first connection to the end of its last, messages per second. */
async function measurePair(servers: FloodServers): Promise<readonly [quiet: number, flooded: number]> {
  const server = await startServer(servers, { server: "tls" }, FLOOD_TIMEOUT_S);
  const crowd = new Attackers();
  try {
    const pair = await FloodPair.open(server.port);
    await pair.run(sleep(WARM_UP_MS));
    const quiet = await pair.run(sleep(QUIET_MS));
    const target: FloodTarget = { ...servers.target, port: server.port };
    const perSecond = connections / FLOOD_ARRIVAL_S;
    const flood = crowd.begin({ attacks: FLOOD, connections, target, perSecond }).then(() => crowd.over);
    const flooded = await pair.run(flood);
    pair.close();
    return [quiet, flooded];
  } finally {
    crowd.stop();
    await server.stop();
  }
}

async function main(): Promise<void> {
  const servers = await makeFloodServers();
  try {
    if (values.cost) {
      console.log("attack | server | bytes | bytes at the highest | µs of the loop | µs of all threads");
      console.log("-- | -- | --: | --: | --: | --:");
      const wanted = FLOOD_ATTACKS.filter(({ name, server }) =>
        positionals.every((word) => name.includes(word) || server === word),
      );
      for (const attack of wanted) console.log(await measureCost(servers, attack));
      return;
    }
    const ratios: number[] = [];
    for (let round = 0; round < Number(values.rounds); round++) {
      const [quiet, flooded] = await measurePair(servers);
      ratios.push(flooded / quiet);
      console.log(
        `quiet ${Math.round(quiet)}/s, flooded ${Math.round(flooded)}/s, ratio ${(flooded / quiet).toFixed(3)}`,
      );
    }
    const median = ratios.toSorted((a, b) => a - b)[ratios.length >> 1];
    console.log(`median ratio ${median.toFixed(3)}, aim ${AIM}: ${median >= AIM ? "met" : "missed"}`);
  } finally {
    servers.remove();
  }
}

try {
  await main();
} finally {
  for (const child of attackers) child.kill("SIGKILL");
}
