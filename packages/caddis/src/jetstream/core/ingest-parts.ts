import type { ApiError } from "./api-error.ts";
import { applyCounter, incrementProblem, lastCounter } from "./counter-ingest.ts";
import type { Publish } from "./publish.ts";
import { screenScheduled } from "./schedule-ingest.ts";
import type { StreamView } from "./stream-view.ts";

/**
 * The parts of `decide` that belong to features with rules of their own: each is asked at its place among the checks.
 */

/** Whether `Nats-Incr` may stand in this message; null: it may, or does not. */
export function screenIncrement(publish: Publish, view: StreamView): ApiError | null {
  return incrementProblem(publish, view.config);
}

/** Adds `Nats-Incr` to the counter of the subject: the message becomes the new value. Only asked in streams of counters. */
export function applyIncrement(publish: Publish, view: StreamView): ApiError | null {
  const counter = applyCounter(publish, lastCounter(publish.subject, view));
  return "error" in counter ? counter.error : null;
}

/** Whether the headers of schedules are in order, and completes them; null: they are, or there are none. */
export function screenSchedule(publish: Publish, view: StreamView): ApiError | null {
  return screenScheduled(publish, view, () => undefined);
}
