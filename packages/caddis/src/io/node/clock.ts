import type { Clock } from "../clock.ts";
import { fineWallClock } from "./wall-clock.ts";

/** The longest delay `setTimeout` takes; a later wake-up is reached in steps. */
const TIMEOUT_MS_MAX = 0x7fff_ffff;

/** One turn of the event loop: sockets are served in between, and promises settled. */
export function nextTurn(run: () => void): void {
  setImmediate(run);
}

/** The system's clock. Its wake-up does not keep the process alive: listeners and sockets do. */
export function systemClock(): Clock {
  let timeout: NodeJS.Timeout | undefined;
  const clock: Clock = {
    nowMs: fineWallClock(),
    monotonicMs: () => performance.now(),
    wakeAt(dueMs, wake) {
      clearTimeout(timeout);
      timeout = undefined;
      if (dueMs === Infinity) return;
      const delayMs = Math.max(0, Math.ceil(dueMs - performance.now()));
      timeout = setTimeout(
        () => {
          if (performance.now() >= dueMs) wake();
          else clock.wakeAt(dueMs, wake);
        },
        Math.min(delayMs, TIMEOUT_MS_MAX),
      ).unref();
    },
    nextTurn,
  };
  return clock;
}
