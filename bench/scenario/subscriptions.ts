import type { Measurements } from "../metrics.ts";
import { throughputOf, type Scenario } from "./scenario.ts";

const MIB = 1024 * 1024;

/** What `--short` divides numbers of subscriptions by. */
const SHORT_DIVISOR = 50;

/** All subscriptions on one connection, timed until the PONG; a tenth beforehand on another to warm up. */
export function subscribeAll(subscriptions: number): Scenario {
  return async (server, load, scale) => {
    const count = scale.short ? subscriptions / SHORT_DIVISOR : subscriptions;
    await load.call("subscribe", { port: server.port, from: 0, count: count / 10, close: true });
    const cpuBefore = server.cpu();
    const span = await load.call("subscribe", { port: server.port, from: 0, count, close: false });
    const result = throughputOf(count, span, cpuBefore, server.cpu());
    await load.call("checkSubscription", { port: server.port, index: count - 1 });
    return result;
  };
}

/** Very many subscriptions on ten connections: what they cost in memory, and whether the last are as fast as the first. */
export function subscribeMany(subscriptions: number): Scenario {
  return async (server, load, scale) => {
    const count = scale.short ? subscriptions / SHORT_DIVISOR : subscriptions;
    const share = count / 10;
    const memoryBefore = server.memory().residentMib;
    const cpuBefore = server.cpu();
    const rates: number[] = [];
    const total = { elapsedMicros: 0, loadCpuMicros: 0 };
    for (let connection = 0; connection < 10; connection++) {
      const span = await load.call("subscribe", {
        port: server.port,
        from: connection * share,
        count: share,
        close: false,
      });
      rates.push((share / span.elapsedMicros) * 1e6);
      total.elapsedMicros += span.elapsedMicros;
      total.loadCpuMicros += span.loadCpuMicros;
    }
    const result: Measurements = throughputOf(count, total, cpuBefore, server.cpu());
    const memoryAfter = server.memory().residentMib;
    for (const index of [0, count >> 1, count - 1])
      await load.call("checkSubscription", { port: server.port, index });
    return {
      ...result,
      firstRate: rates[0],
      lastRate: rates[9],
      bytesPerSubscription: ((memoryAfter - memoryBefore) * MIB) / count,
    };
  };
}
