import { messageCounts, throughputOf, type Scenario } from "./scenario.ts";

/** Requesters that ask one at a time, and one responder that echoes. */
export function requestReply(shape: {
  readonly requesters: number;
  readonly payloadBytes: number;
  /** Requests per second with the reference on a small machine; sizes the run, nothing else. */
  readonly requestsPerSecond: number;
}): Scenario {
  const { requesters, payloadBytes, requestsPerSecond } = shape;
  return async (server, load, scale) => {
    await load.call("openRequests", { port: server.port, requesters, payloadBytes });
    const { messages: requests, warmUp } = messageCounts(requestsPerSecond, requesters, scale);
    await load.call("request", { requests: warmUp });
    const cpuBefore = server.cpu();
    const result = await load.call("request", { requests });
    return {
      ...throughputOf(requests, result, cpuBefore, server.cpu()),
      latencyP50: result.latencyP50Micros,
      latencyP99: result.latencyP99Micros,
    };
  };
}
