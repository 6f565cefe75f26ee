import { type Instant, instantOf } from "../base/instant.ts";
import type { Clock } from "../io/clock.ts";
import type { ConsumerInfo } from "./api/consumer-info.ts";
import type { ConsumerMachine } from "./core/consumer-machine.ts";

const NS_PER_MS = 1e6;

/** How it stands with a consumer now. `isPushBound`: somebody listens at its deliver subject. */
export function infoOf(machine: ConsumerMachine, isPushBound: boolean, clock: Clock): ConsumerInfo {
  const { state, source, pulls, config } = machine;
  // Requests of clients that have gone do not wait.
  pulls?.sweep(clock.monotonicMs(), false);
  const offsetMs = clock.nowMs() - clock.monotonicMs();
  const at = instantOf(clock.nowMs());
  const pinned = pulls?.pinned;
  return {
    delivered: progress(state.deliveredConsumer, state.deliveredStream, machine.deliveredMs + offsetMs),
    ackFloor: progress(state.floorConsumer, state.floorStream, machine.ackedMs + offsetMs),
    numAckPending: state.pending.size,
    numRedelivered: state.redelivered.size,
    numWaiting: pulls?.queue.size ?? 0,
    numPending: source.numPending,
    isPushBound,
    pauseRemaining: config.pause_until === null ? 0 : Math.max(0, nanosecondsBetween(at, config.pause_until)),
    at,
    priorityGroups: config.priority_groups.slice(0, 1).map((group) => ({
      group,
      pinnedId: pinned?.id ?? "",
      pinnedAt: pinned === undefined || pinned.id === "" ? null : instantOf(pinned.sinceMs + offsetMs),
    })),
  };
}

/** `wallMs`: when something happened last; -Infinity: nothing did. */
function progress(consumerSeq: number, streamSeq: number, wallMs: number): ConsumerInfo["delivered"] {
  return { consumerSeq, streamSeq, lastActive: wallMs === -Infinity ? null : instantOf(wallMs) };
}

function nanosecondsBetween(from: Instant, to: Instant): number {
  return (to.ms - from.ms) * NS_PER_MS + to.ns - from.ns;
}
