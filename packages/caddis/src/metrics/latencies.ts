import { Timer, type TimerQueue } from "../base/timer-queue.ts";
import type { Broker } from "../broker/broker.ts";
import type { Timing } from "../broker/timing.ts";
import { Histogram } from "./histogram.ts";

/** One read in so many is measured: two looks at the clock, spread thin enough not to be found in a benchmark. */
const READS_PER_SAMPLE = 32;

/** How often the event loop is asked whether it is late: often enough to see a block of 20 ms, 50 times a second. */
const LOOP_INTERVAL_MS = 20;

/** Seconds: from what a small message takes to what nobody should wait. */
const MESSAGE_BOUNDS_S = [
  0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1,
  0.25, 1,
];

/** Seconds: timers have milliseconds, and a network may take seconds. */
const WAIT_BOUNDS_S = [0.001, 0.002_5, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** How long things take in one server. */
export class Latencies implements Timing {
  /** From the arrival of a publish until all its deliveries were handed to the system. */
  readonly delivery = new Histogram(MESSAGE_BOUNDS_S);
  /** The part of it that writing took. */
  readonly write = new Histogram(MESSAGE_BOUNDS_S);
  /** Writes that the system did not take at once. */
  readonly slowWrite = new Histogram(WAIT_BOUNDS_S);
  /** How late the event loop comes to what is due. */
  readonly loop = new Histogram(WAIT_BOUNDS_S);

  readonly #broker: Broker;
  readonly #timer = new Timer(() => this.#onTimer());
  #readsLeft = READS_PER_SAMPLE;

  private constructor(broker: Broker) {
    this.#broker = broker;
  }

  /** Those of `broker`, which begin with the first call: nothing is measured for nobody. */
  static of(broker: Broker): Latencies {
    if (broker.timing instanceof Latencies) return broker.timing;
    const latencies = new Latencies(broker);
    broker.timing = latencies;
    broker.timers.setIn(latencies.#timer, LOOP_INTERVAL_MS);
    return latencies;
  }

  isDue(): boolean {
    if (--this.#readsLeft > 0) return false;
    this.#readsLeft = READS_PER_SAMPLE;
    return true;
  }

  onRead(arrivedMs: number, queuedMs: number, sentMs: number): void {
    this.delivery.observe((sentMs - arrivedMs) / 1000);
    this.write.observe((sentMs - queuedMs) / 1000);
  }

  onSlowWrite(durationMs: number): void {
    this.slowWrite.observe(durationMs / 1000);
  }

  #onTimer(): void {
    const timers: TimerQueue = this.#broker.timers;
    const lateMs = this.#broker.clock.monotonicMs() - this.#timer.dueMs;
    this.loop.observe(Math.max(0, lateMs) / 1000);
    timers.setIn(this.#timer, LOOP_INTERVAL_MS);
  }
}
