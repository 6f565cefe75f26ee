import type { ConsumerMachine } from "./core/consumer-machine.ts";
import type { Obstacle } from "./core/consumer-sender.ts";
import { filterSubjects } from "./core/consumer-terms.ts";

/** A consumer that has work to do and does none for so long has stalled. */
const STALL_MS = 5_000;

/** Why a consumer delivers nothing now, and how it stands with it. Times in milliseconds from now; null: does not apply. */
export interface ConsumerExplanation {
  /**
   * none: the next message is about to be delivered, or there is none because of nothing below. backoff: messages
   * wait to be delivered again, and there are no others.
   */
  readonly reason: Obstacle | "backoff" | "filterMatchesNothing";
  readonly numPending: number;
  readonly numAckPending: number;
  readonly maxAckPending: number;
  readonly numWaiting: number;
  readonly redeliveries: number;
  /** Until the pause is over. */
  readonly pausedMs: number | null;
  /** Until the next message is delivered again. */
  readonly redeliveryMs: number | null;
}

export function explain(machine: ConsumerMachine, nowMs: number): ConsumerExplanation {
  const { state, source, acks, pulls } = machine;
  const { maxAckPending } = acks.terms;
  const { dueMs } = state.pending;
  const pausedMs = machine.pausedUntilMs - nowMs;
  return {
    reason: reasonOf(machine, nowMs),
    numPending: source.numPending,
    numAckPending: state.pending.size,
    maxAckPending: Number.isFinite(maxAckPending) ? maxAckPending : -1,
    numWaiting: pulls?.queue.size ?? 0,
    redeliveries: state.pending.queueSize,
    pausedMs: pausedMs > 0 ? pausedMs : null,
    redeliveryMs: Number.isFinite(dueMs) ? Math.max(0, dueMs - nowMs) : null,
  };
}

function reasonOf(machine: ConsumerMachine, nowMs: number): ConsumerExplanation["reason"] {
  const obstacle = machine.obstacleNow(nowMs);
  if (obstacle !== "end") return obstacle;
  if (machine.state.pending.size > 0) return "backoff";
  const isFiltered = filterSubjects(machine.config).length > 0;
  return isFiltered && machine.matchesNothing() ? "filterMatchesNothing" : "end";
}

/** What a stalled consumer would have had to do. */
export interface Stall {
  readonly numPending: number;
  readonly redeliveries: number;
  readonly numWaiting: number;
  /** For how long nothing was delivered. */
  readonly quietMs: number;
}

/** Notices a consumer that could deliver something and does not. It never should be one. */
export class StallWatch {
  /** Since when it could; -Infinity: it could not when it was last asked. */
  #sinceMs = -Infinity;
  #deliveredConsumer = -1;

  /** To be asked every few seconds; null: all is well. */
  check(machine: ConsumerMachine, nowMs: number): Stall | null {
    const { state, source, pulls } = machine;
    const canDeliver = machine.obstacleNow(nowMs) === "none";
    if (!canDeliver || state.deliveredConsumer !== this.#deliveredConsumer) {
      this.#deliveredConsumer = state.deliveredConsumer;
      this.#sinceMs = canDeliver ? nowMs : -Infinity;
      return null;
    }
    if (this.#sinceMs === -Infinity) this.#sinceMs = nowMs;
    const quietMs = nowMs - this.#sinceMs;
    if (quietMs < STALL_MS) return null;
    this.#sinceMs = nowMs;
    return {
      numPending: source.numPending,
      redeliveries: state.pending.queueSize,
      numWaiting: pulls?.queue.size ?? 0,
      quietMs,
    };
  }
}
