import type { Random } from "../io/random.ts";
import type { ConsumerConfig } from "./core/consumer-config.ts";
import type { ConsumerMachine } from "./core/consumer-machine.ts";

const NS_PER_MS = 1e6;
/** Pull consumers get so much longer, by chance, so that many made at once do not end at once; as in the reference. */
const JITTER_MS_MIN = 100;
const JITTER_MS = 900;

/**
 * When a consumer that nobody uses goes away: after `inactive_threshold` without pull requests, acknowledgements and
 * deliveries, or without anybody at its deliver subject.
 */
export class ConsumerLifetime {
  #thresholdMs = Infinity;
  /** When it was last used; monotonic milliseconds. */
  #usedMs: number;

  constructor(config: ConsumerConfig, random: Random, nowMs: number) {
    this.#usedMs = nowMs;
    this.onConfig(config, random, nowMs);
  }

  onConfig({ inactive_threshold, deliver_subject }: ConsumerConfig, random: Random, nowMs: number): void {
    const jitterMs = deliver_subject === "" ? JITTER_MS_MIN + random.below(JITTER_MS) : 0;
    this.#thresholdMs = inactive_threshold > 0 ? inactive_threshold / NS_PER_MS + jitterMs : Infinity;
    this.#usedMs = nowMs;
  }

  onUsed(nowMs: number): void {
    this.#usedMs = nowMs;
  }

  /** When it is to be looked at again; at or before `nowMs`: it is over. */
  endMs({ pulls, push, acks }: ConsumerMachine, nowMs: number): number {
    if (this.#thresholdMs === Infinity) return Infinity;
    if (push !== null) {
      if (push.isActive) this.#usedMs = nowMs;
      return this.#usedMs + this.#thresholdMs;
    }
    if (pulls === null) return this.#usedMs + this.#thresholdMs;
    this.#usedMs = Math.max(this.#usedMs, pulls.activeMs);
    if (this.#usedMs + this.#thresholdMs > nowMs) return this.#usedMs + this.#thresholdMs;
    // Requests whose clients have gone do not count; that one has waited until now does.
    pulls.sweep(nowMs, true);
    if (pulls.queue.size > 0) return nowMs + this.#thresholdMs;
    this.#usedMs = Math.max(this.#usedMs, pulls.activeMs);
    const endMs = this.#usedMs + this.#thresholdMs;
    const busyMs = acks.busyUntilMs();
    return Number.isFinite(busyMs) ? Math.max(endMs, busyMs + this.#thresholdMs) : endMs;
  }
}
