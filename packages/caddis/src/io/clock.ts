/**
 * Time, as the server sees it. Nothing below `io/node` reads the system clock or starts a Node timer;
 * production plugs in `io/node/clock.ts`, tests plug in a `VirtualClock`.
 */
export interface Clock {
  /** Wall-clock time in milliseconds since the Unix epoch; may have a fraction. For timestamps people read. */
  nowMs(): number;
  /** Milliseconds that never run backwards. For durations and deadlines. */
  monotonicMs(): number;
  /**
   * Asks for one call of `wake` as soon as `monotonicMs()` has reached `dueMs`; a later call replaces
   * the request. `Infinity` withdraws it. `TimerQueue` is the only caller.
   */
  wakeAt(dueMs: number, wake: () => void): void;
  /**
   * Calls `run` in the event loop's next turn, in the order of the requests: after the code that runs
   * now, and no earlier than input that waits on other connections gets its chance.
   */
  nextTurn(run: () => void): void;
}
