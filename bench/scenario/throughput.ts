import type { ThroughputPlan } from "../load/operations.ts";
import { OPERATIONS_PER_FRAME } from "../load/websocket.ts";
import { messageCounts, throughputOf, type Scenario } from "./scenario.ts";

/** A throughput case: who talks to whom, and how fast the reference is, roughly. */
export type ThroughputShape = Partial<Omit<ThroughputPlan, "port" | "verifyAll" | "payloadBytes">> &
  Pick<ThroughputPlan, "payloadBytes"> & {
    /** Messages published per second by the reference on a small machine; sizes the run, nothing else. */
    readonly publishedPerSecond: number;
  };

/** Publishers write as fast as the server reads; subscribers count. */
export function throughput(shape: ThroughputShape): Scenario {
  const { publishedPerSecond, ...traffic } = shape;
  return async (server, load, scale) => {
    const plan: ThroughputPlan = {
      publishers: 1,
      subscribers: 1,
      queueGroup: false,
      interest: "wildcard",
      subjects: 1,
      ...traffic,
      port: traffic.carriage === undefined ? server.port : server.websocketPort,
      verifyAll: scale.short,
    };
    await load.call("openThroughput", plan);
    const divisor = plan.publishers * (plan.carriage === undefined ? 1 : OPERATIONS_PER_FRAME);
    const { messages, warmUp } = messageCounts(publishedPerSecond, divisor, scale);
    await load.call("publish", { messages: warmUp });
    const cpuBefore = server.cpu();
    const span = await load.call("publish", { messages });
    const copies = plan.queueGroup ? 1 : Math.max(1, plan.subscribers);
    return throughputOf(messages * copies, span, cpuBefore, server.cpu());
  };
}
