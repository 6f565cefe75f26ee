import { StoredMessage } from "../../store/stored-message.ts";
import { type ApiError, apiError } from "./api-error.ts";
import { withHeader } from "./header-edit.ts";
import type { Publish } from "./publish.ts";
import { PublishHeaders } from "./publish-headers.ts";
import { checkSchedule } from "./schedule-check.ts";
import { ScheduleZones } from "./schedule-zone.ts";
import type { StreamView } from "./stream-view.ts";

/**
 * Whether the headers of schedules in a client's message are in order, and completes them; null: they are, or there are none.
 * `isScheduleStaged` says of a subject whether the last message that a batch has for it is a schedule; undefined: it
 * has none.
 */
export function screenScheduled(
  publish: Publish,
  view: StreamView,
  isScheduleStaged: (subject: string) => boolean | undefined,
): ApiError | null {
  const { headers } = publish;
  if (publish.isSourced || !SCHEDULE_HEADERS.some((name) => headers.has(name))) return null;
  const verdict = checkSchedule(
    headers,
    publish.subject,
    view.config,
    new ScheduleZones(),
    { ms: publish.timeMs, ns: publish.timeNs },
    (subject) => isScheduleStaged(subject) ?? isScheduleStored(subject, view),
  );
  if ("error" in verdict) return apiError(verdict.error);
  if (verdict.needsRollup) publish.setHeaders(withHeader(publish.headerText(), "Nats-Rollup", "sub"));
  return null;
}

/** Those that the check begins with; the others mean nothing without them. */
const SCHEDULE_HEADERS = [
  "Nats-Schedule",
  "Nats-Schedule-Time-Zone",
  "Nats-Schedule-Next",
  "Nats-Scheduler",
] as const;

function isScheduleStored(subject: string, view: StreamView): boolean | null {
  const last = new StoredMessage();
  if (!view.loadLast(subject, last)) return null;
  const headers = new PublishHeaders();
  headers.read(last.buf, last.headersStart, last.payloadStart);
  return headers.get("Nats-Schedule") !== "";
}
