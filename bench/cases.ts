import { memoryAroundBurst } from "./scenario/burst.ts";
import { idleConnections } from "./scenario/idle.ts";
import { requestReply } from "./scenario/request-reply.ts";
import type { Scenario } from "./scenario/scenario.ts";
import { subscribeAll, subscribeMany } from "./scenario/subscriptions.ts";
import { throughput } from "./scenario/throughput.ts";
import { JETSTREAM_CASES } from "./jetstream-cases.ts";
import type { Side } from "./results.ts";

/** A benchmark: what it is called, what it shows, and what is aimed at. */
export interface BenchmarkCase {
  readonly name: string;
  readonly description: string;
  /** Rate of ours divided by the reference's that is aimed at, if the case is about a rate. */
  readonly rateRatioAtLeast?: number;
  /** A configuration file for both servers, or one for each; `{folder}` stands for one that goes with the server. */
  readonly config?: string | Readonly<Record<Side, string>>;
  readonly scenario: Scenario;
}

/** A port for WebSocket besides the usual one. */
function websocket(compression: boolean): string {
  return `websocket { listen: "127.0.0.1:-1", no_tls: true, compression: ${compression} }`;
}

/** All cases, in the order of the report. */
const CASES: readonly BenchmarkCase[] = [
  {
    name: "publish-16",
    description: "publish only, 16 B",
    rateRatioAtLeast: 3.5,
    scenario: throughput({ subscribers: 0, payloadBytes: 16, publishedPerSecond: 9_000_000 }),
  },
  {
    name: "publish-128",
    description: "publish only, 128 B",
    rateRatioAtLeast: 2.5,
    scenario: throughput({ subscribers: 0, payloadBytes: 128, publishedPerSecond: 6_500_000 }),
  },
  {
    name: "1to1-16",
    description: "1 publisher, 1 subscriber, 16 B",
    rateRatioAtLeast: 3.0,
    scenario: throughput({ payloadBytes: 16, publishedPerSecond: 3_300_000 }),
  },
  {
    name: "1to1-128",
    description: "1 publisher, 1 subscriber, 128 B",
    rateRatioAtLeast: 2.0,
    scenario: throughput({ payloadBytes: 128, publishedPerSecond: 2_500_000 }),
  },
  {
    name: "1to1-1024",
    description: "1 publisher, 1 subscriber, 1 KiB",
    rateRatioAtLeast: 1.15,
    scenario: throughput({ payloadBytes: 1024, publishedPerSecond: 1_300_000 }),
  },
  {
    name: "1to1-16384",
    description: "1 publisher, 1 subscriber, 16 KiB",
    rateRatioAtLeast: 1.2,
    scenario: throughput({ payloadBytes: 16_384, publishedPerSecond: 125_000 }),
  },
  {
    name: "1to1-262144",
    description: "1 publisher, 1 subscriber, 256 KiB",
    rateRatioAtLeast: 1.2,
    scenario: throughput({ payloadBytes: 262_144, publishedPerSecond: 5_500 }),
  },
  {
    name: "1to10-128",
    description: "1 publisher, 10 subscribers, 128 B",
    rateRatioAtLeast: 1.5,
    scenario: throughput({ subscribers: 10, payloadBytes: 128, publishedPerSecond: 450_000 }),
  },
  {
    name: "1to100-128",
    description: "1 publisher, 100 subscribers, 128 B",
    rateRatioAtLeast: 1.5,
    scenario: throughput({ subscribers: 100, payloadBytes: 128, publishedPerSecond: 45_000 }),
  },
  {
    name: "10to1-128",
    description: "10 publishers, 1 subscriber, 128 B",
    rateRatioAtLeast: 1.8,
    scenario: throughput({ publishers: 10, payloadBytes: 128, publishedPerSecond: 2_200_000 }),
  },
  {
    name: "queue-4to4-128",
    description: "4 publishers, queue group of 4, 128 B",
    rateRatioAtLeast: 1.5,
    scenario: throughput({
      publishers: 4,
      subscribers: 4,
      queueGroup: true,
      payloadBytes: 128,
      publishedPerSecond: 3_000_000,
    }),
  },
  {
    name: "subjects-1000",
    description: "1,000 subjects in rotation to a wildcard, 128 B",
    rateRatioAtLeast: 1.5,
    scenario: throughput({ subjects: 1000, payloadBytes: 128, publishedPerSecond: 2_000_000 }),
  },
  {
    name: "subjects-50000",
    description: "50,000 subjects in rotation to a wildcard, 128 B",
    rateRatioAtLeast: 1.0,
    scenario: throughput({ subjects: 50_000, payloadBytes: 128, publishedPerSecond: 1_300_000 }),
  },
  {
    name: "literals-10000",
    description: "10,000 literal subscriptions, 128 B",
    rateRatioAtLeast: 1.5,
    scenario: throughput({
      subjects: 10_000,
      interest: "literal",
      payloadBytes: 128,
      publishedPerSecond: 1_250_000,
    }),
  },
  {
    name: "websocket-128",
    description: "1 publisher, 1 subscriber over WebSocket, 128 B",
    rateRatioAtLeast: 1.0,
    config: websocket(false),
    scenario: throughput({ carriage: "websocket", payloadBytes: 128, publishedPerSecond: 1_800_000 }),
  },
  {
    name: "websocket-deflate-128",
    description: "1 publisher, 1 subscriber over WebSocket, compressed, 128 B",
    rateRatioAtLeast: 1.0,
    config: websocket(true),
    scenario: throughput({ carriage: "websocket-deflate", payloadBytes: 128, publishedPerSecond: 700_000 }),
  },
  {
    name: "request-1",
    description: "request-reply, 1 requester, 128 B",
    rateRatioAtLeast: 1.0,
    scenario: requestReply({ requesters: 1, payloadBytes: 128, requestsPerSecond: 8_500 }),
  },
  {
    name: "request-10",
    description: "request-reply, 10 requesters, 128 B",
    rateRatioAtLeast: 1.15,
    scenario: requestReply({ requesters: 10, payloadBytes: 128, requestsPerSecond: 45_000 }),
  },
  {
    name: "request-100",
    description: "request-reply, 100 requesters, 128 B",
    rateRatioAtLeast: 1.0,
    scenario: requestReply({ requesters: 100, payloadBytes: 128, requestsPerSecond: 50_000 }),
  },
  {
    name: "subscribe-200k",
    description: "200,000 SUBs on one connection, to the PONG",
    rateRatioAtLeast: 1.0,
    scenario: subscribeAll(200_000),
  },
  {
    name: "subscribe-1m",
    description: "1,000,000 subscriptions on ten connections",
    scenario: subscribeMany(1_000_000),
  },
  {
    name: "idle-15k",
    description: "15,000 idle connections, one subscription each",
    scenario: idleConnections(15_000),
  },
  {
    name: "burst-memory",
    description: "memory around a burst of 1 KiB messages to 10 subscribers",
    scenario: memoryAroundBurst,
  },
  ...JETSTREAM_CASES,
];

/** The cases whose name the pattern (a regular expression) matches. */
export function casesMatching(pattern: RegExp): readonly BenchmarkCase[] {
  return CASES.filter(({ name }) => pattern.test(name));
}
