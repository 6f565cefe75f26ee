import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Scenario } from "./scenario.ts";

const MIB = 1024 * 1024;

/** Connections of a `--short` run. */
const SHORT_CONNECTIONS = 200;

/** Descriptors a process needs beside its connections. */
const SPARE_DESCRIPTORS = 200;

/**
 * How long to wait, in full and in short runs: for the first round of PINGs to pass (a server sends it some
 * 2 s after a connection), while idle CPU is counted, and for memory to come back after the burst.
 */
const FULL = { settleMs: 3500, idleMs: 5000, recoverMs: 10_000 };
const SHORT = { settleMs: 0, idleMs: 200, recoverMs: 100 };

/** The burst: this many messages to each connection. */
const BURST = { messagesEach: 20, payloadBytes: 1024 };

/** Idle connections with one subscription each: memory and CPU at rest, and memory around a burst. */
export function idleConnections(connections: number): Scenario {
  return async (server, load, scale) => {
    const wait = scale.short ? SHORT : FULL;
    const count = Math.min(
      scale.short ? SHORT_CONNECTIONS : connections,
      descriptorLimit() - SPARE_DESCRIPTORS,
    );
    const memoryStart = server.memory().residentMib;
    await load.call("openIdle", { port: server.port, connections: count, payloadBytes: BURST.payloadBytes });
    await sleep(wait.settleMs);
    const memoryConnected = server.memory().residentMib;

    const cpuBefore = server.cpu();
    await sleep(wait.idleMs);
    const cpuAfter = server.cpu();
    const cpuMicros =
      cpuAfter.userMicros + cpuAfter.systemMicros - cpuBefore.userMicros - cpuBefore.systemMicros;

    await load.call("burst", { messagesEach: BURST.messagesEach });
    const memoryAfterBurst = server.memory();
    await sleep(wait.recoverMs);
    return {
      bytesPerConnection: ((memoryConnected - memoryStart) * MIB) / count,
      idleCpu: (cpuMicros / (wait.idleMs * 1000)) * 100,
      memoryStart,
      memoryConnected,
      memoryPeak: memoryAfterBurst.peakMib,
      memoryAfterBurst: memoryAfterBurst.residentMib,
      memoryAfterIdle: server.memory().residentMib,
    };
  };
}

/** Open files allowed to this process and those it starts. Node raises the soft limit to the hard one. */
function descriptorLimit(): number {
  const hard = /^Max open files\s+\d+\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1];
  return hard === undefined ? Infinity : Number(hard);
}
