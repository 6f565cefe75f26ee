/** How far the fine clock may stray from the system's before it is set again: below it lies only rounding. */
const DRIFT_MS_MAX = 2;
/** How often that is looked at: of a clock that is read for each message, asking the system's too would cost as much again. */
const CHECK_MS = 1;

/**
 * Wall-clock time in milliseconds with a fraction. `Date.now` alone knows only whole ones, so the fine monotonic
 * clock is laid over it and set again whenever the system's clock was adjusted.
 */
export function fineWallClock(): () => number {
  let offsetMs = performance.timeOrigin;
  let checkedMs = -Infinity;
  return () => {
    const fineMs = performance.now();
    if (fineMs - checkedMs < CHECK_MS) return offsetMs + fineMs;
    checkedMs = fineMs;
    const coarseMs = Date.now();
    if (Math.abs(offsetMs + fineMs - coarseMs) > DRIFT_MS_MAX) offsetMs = coarseMs - fineMs;
    return offsetMs + fineMs;
  };
}

/** The same for log lines: whole microseconds since the Unix epoch. */
export function wallClockMicros(): () => number {
  const nowMs = fineWallClock();
  return () => Math.floor(nowMs() * 1000);
}
