import type { Broker } from "../broker/broker.ts";
import type { Resources } from "../io/resources.ts";
import type { Surroundings } from "../io/surroundings.ts";
import type { JetStream } from "../jetstream/jetstream.ts";
import type { Lately } from "./lately.ts";

/** What a server hands to its explanations. */
export interface ExplainedServer {
  readonly broker: Broker;
  readonly resources: Resources;
  /** Null or absent where nobody knows. */
  readonly surroundings?: Surroundings | null;
  /** Null or absent: there is none. */
  readonly jetStream?: JetStream | null;
  /** Of the configuration file in force; empty without one. */
  readonly configDigest: string;
}

/** What findings are drawn from, taken at one time. */
export interface Facts extends ExplainedServer {
  /** Wall-clock milliseconds. */
  readonly nowMs: number;
  /** How long a turn of the event loop took lately, milliseconds. */
  readonly loopDelayMs: number;
  readonly lately: Lately;
}

/** From this share of a limit on, people should know. */
const NEAR_LIMIT = 0.8;

/** `412 of 500 (82 %)` when `used` is near `limit`, else null. No limit (0 or less) is never near. */
export function nearLimit(used: number, limit: number): string | null {
  if (limit <= 0 || used < limit * NEAR_LIMIT) return null;
  return `${used} of ${limit} (${Math.floor((used / limit) * 100)} %)`;
}

/** `3 connections`, `1 connection`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
