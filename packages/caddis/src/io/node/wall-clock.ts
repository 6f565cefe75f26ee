/** How far the fine clock may stray from the system's before it is set again: below it lies only rounding. */
const DRIFT_MS_MAX = 2;

/**
 * A clock for log lines: microseconds since the Unix epoch. `Date.now` alone knows only milliseconds, so
 * the fine monotonic clock is laid over it and set again whenever the system's clock was adjusted.
 */
export function wallClockMicros(): () => number {
  let offsetMs = performance.timeOrigin;
  return () => {
    const fineMs = performance.now();
    const coarseMs = Date.now();
    if (Math.abs(offsetMs + fineMs - coarseMs) > DRIFT_MS_MAX) offsetMs = coarseMs - fineMs;
    return Math.floor((offsetMs + fineMs) * 1000);
  };
}
