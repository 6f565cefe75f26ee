import { setTimeout as sleep } from "node:timers/promises";
import { messageCounts, type Scenario } from "./scenario.ts";

/** How long memory may take to come back, in full and in short runs. */
const RECOVER_MS = 10_000;
const SHORT_RECOVER_MS = 100;

const SUBSCRIBERS = 10;
const PAYLOAD_BYTES = 1024;

/** Messages published per second by the reference on a small machine; sizes the run, nothing else. */
const PUBLISHED_PER_SECOND = 200_000;

/** A burst as fast as the server takes it, to ten subscribers: memory before, at its highest, and afterwards. */
export const memoryAroundBurst: Scenario = async (server, load, scale) => {
  await load.call("openThroughput", {
    port: server.port,
    publishers: 1,
    subscribers: SUBSCRIBERS,
    queueGroup: false,
    interest: "wildcard",
    subjects: 1,
    payloadBytes: PAYLOAD_BYTES,
    verifyAll: scale.short,
  });
  const memoryStart = server.memory().residentMib;
  const { messages } = messageCounts(PUBLISHED_PER_SECOND, 1, scale);
  await load.call("publish", { messages });
  const after = server.memory();
  await sleep(scale.short ? SHORT_RECOVER_MS : RECOVER_MS);
  return {
    memoryStart,
    memoryPeak: after.peakMib,
    memoryAfterBurst: after.residentMib,
    memoryAfterIdle: server.memory().residentMib,
  };
};
