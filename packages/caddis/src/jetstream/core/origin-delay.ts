/** Consumers are asked for no more often than that; as in the reference. */
const ASK_MS_MIN = 2_000;
/** Each failure in a row adds so much, up to the most. */
const FAILURE_MS = 10_000;
const FAILURE_MS_MAX = 120_000;
/** What chance adds, so that many streams do not ask at once. */
const JITTER_MS_MIN = 100;
const JITTER_MS = 100;

/**
 * How long to wait before an origin is asked for a consumer, when it was last asked `sinceAskedMs` ago (Infinity:
 * never) and did not do it `failures` times in a row. `below`: a number that chance takes, less than its argument.
 */
export function askDelayMs(sinceAskedMs: number, failures: number, below: (limit: number) => number): number {
  const restMs = Math.max(0, ASK_MS_MIN - sinceAskedMs);
  const backoffMs = Math.min(FAILURE_MS_MAX, FAILURE_MS * failures);
  return restMs + backoffMs + JITTER_MS_MIN + below(JITTER_MS);
}
