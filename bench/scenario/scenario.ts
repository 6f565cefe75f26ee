import type { LoadProcess } from "../load-process.ts";
import type { Span } from "../load/operations.ts";
import type { Measurements } from "../metrics.ts";
import type { CpuTime, ServerUnderTest } from "../server.ts";

/** How much of everything a run does. */
export interface Scale {
  /** Seconds a measured phase should take at the reference's speed. */
  readonly seconds: number;
  /** True: only prove that the case works; tiny counts, and every byte that arrives is compared. */
  readonly short: boolean;
}

/** One case played against one fresh server with one fresh load process. */
export type Scenario = (server: ServerUnderTest, load: LoadProcess, scale: Scale) => Promise<Measurements>;

/** Share of a phase's messages that is sent before it, unmeasured, so that code is compiled and windows open. */
const WARM_UP_SHARE = 0.15;

/** Messages for a phase and for its warm-up, both multiples of `divisor`. */
export function messageCounts(
  perSecond: number,
  divisor: number,
  scale: Scale,
): { messages: number; warmUp: number } {
  const round = (count: number) => Math.max(1, Math.round(count / divisor)) * divisor;
  const messages = perSecond * scale.seconds;
  return { messages: round(messages), warmUp: round(messages * WARM_UP_SHARE) };
}

/** Rate and CPU per message of a measured phase; `cpuBefore` and `cpuAfter` enclose it closely. */
export function throughputOf(
  messages: number,
  span: Span,
  cpuBefore: CpuTime,
  cpuAfter: CpuTime,
): Measurements {
  const user = (cpuAfter.userMicros - cpuBefore.userMicros) / messages;
  const system = (cpuAfter.systemMicros - cpuBefore.systemMicros) / messages;
  return {
    rate: (messages / span.elapsedMicros) * 1e6,
    serverCpu: user + system,
    serverUserCpu: user,
    serverSystemCpu: system,
    loadCpuShare: span.loadCpuMicros / span.elapsedMicros,
  };
}
