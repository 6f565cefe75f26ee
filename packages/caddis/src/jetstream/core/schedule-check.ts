import { type Instant } from "../../base/instant.ts";
import { subjectsCollide } from "../../subject/overlap.ts";
import { hasWildcard, isValidConfiguredSubject } from "../../subject/subject.ts";
import type { ApiErrorName } from "./api-error.ts";
import { parseMessageTtl } from "./message-ttl.ts";
import type { PublishHeaders } from "./publish-headers.ts";
import { type Firing, nextFiring } from "./schedule.ts";
import type { ScheduleZone, ScheduleZones } from "./schedule-zone.ts";

/** What `Nats-Schedule-Next` says of a schedule that is not to fire again: it is removed. */
export const SCHEDULE_PURGE = "purge";

const ROLLUP_SUBJECT = "sub";
/** The first moment of Go's calendar, which stands for no time at all. */
const GO_ZERO_MS = -62_135_596_800_000;

/** What a stream's configuration says that schedules depend on. */
export interface ScheduleRules {
  readonly allow_msg_schedules: boolean;
  readonly allow_msg_ttl: boolean;
  readonly subjects: readonly string[];
}

/** What becomes of a message as far as schedules go: an error, or whether it is one. */
export type ScheduleVerdict =
  | { readonly error: ApiErrorName }
  | {
      /** It fires later; else it is a plain message. */
      readonly isSchedule: boolean;
      /** It is stored with `Nats-Rollup: sub`, which it does not say itself: a subject has one schedule. */
      readonly needsRollup: boolean;
    };

const PLAIN: ScheduleVerdict = { isSchedule: false, needsRollup: false };

/**
 * Whether a client's message with these headers may be stored under `subject`, a wire string. `isScheduleAt` says of a
 * subject whether its last message is a schedule; null: it has none.
 */
export function checkSchedule(
  headers: PublishHeaders,
  subject: string,
  rules: ScheduleRules,
  zones: ScheduleZones,
  now: Instant,
  isScheduleAt: (subject: string) => boolean | null,
): ScheduleVerdict {
  let verdict = PLAIN;
  const firing = firingOf(headers, zones, now);
  if (typeof firing === "string")
    return { error: rules.allow_msg_schedules ? firing : "messageSchedulesDisabled" };
  if (firing !== null) {
    verdict = checkPattern(headers, subject, rules);
    if ("error" in verdict) return verdict;
  }
  const problem = schedulerProblem(headers, subject, rules, isScheduleAt);
  return problem === null ? verdict : { error: problem };
}

/** When a message with these headers fires first; null: it is no schedule. */
function firingOf(headers: PublishHeaders, zones: ScheduleZones, now: Instant): Firing | ApiErrorName | null {
  const zone = scheduleZone(headers, zones);
  if (zone === "unknown") return "messageSchedulesTimeZoneInvalid";
  const pattern = headers.get("Nats-Schedule");
  if (pattern === "") return null;
  const firing = nextFiring(pattern, zone, now, now);
  if (firing === null) return "messageSchedulesPatternInvalid";
  return firing.at.ms === GO_ZERO_MS && firing.at.ns === 0 ? null : firing;
}

/** The zone that a schedule names; null: none. */
export function scheduleZone(headers: PublishHeaders, zones: ScheduleZones): ScheduleZone | "unknown" | null {
  if (!headers.has("Nats-Schedule-Time-Zone")) return null;
  const name = headers.get("Nats-Schedule-Time-Zone");
  return (name === "" ? null : zones.find(name)) ?? "unknown";
}

function checkPattern(headers: PublishHeaders, subject: string, rules: ScheduleRules): ScheduleVerdict {
  if (!rules.allow_msg_schedules) return { error: "messageSchedulesDisabled" };
  const ttl = headers.get("Nats-Schedule-TTL");
  if (parseMessageTtl(ttl) === null) return { error: "messageSchedulesTTLInvalid" };
  const producedRollup = headers.get("Nats-Schedule-Rollup");
  if (producedRollup !== "" && producedRollup !== ROLLUP_SUBJECT)
    return { error: "messageSchedulesRollupInvalid" };
  if (ttl !== "" && !rules.allow_msg_ttl) return { error: "messageTTLDisabled" };
  const target = headers.get("Nats-Schedule-Target");
  const source = headers.get("Nats-Schedule-Source");
  if (!isPublishSubject(target) || target === subject) return { error: "messageSchedulesTargetInvalid" };
  if (source !== "" && (source === target || source === subject || !isPublishSubject(source)))
    return { error: "messageSchedulesSourceInvalid" };
  if (!isTaken(target, rules)) return { error: "messageSchedulesTargetInvalid" };
  if (source !== "" && !isTaken(source, rules)) return { error: "messageSchedulesSourceInvalid" };
  const rollup = headers.get("Nats-Rollup").toLowerCase();
  if (rollup !== "" && rollup !== ROLLUP_SUBJECT) return { error: "messageSchedulesRollupInvalid" };
  return { isSchedule: true, needsRollup: rollup === "" };
}

/** Of `Nats-Schedule-Next` and `Nats-Scheduler` a client may only say that a schedule is to be removed. */
function schedulerProblem(
  headers: PublishHeaders,
  subject: string,
  rules: ScheduleRules,
  isScheduleAt: (subject: string) => boolean | null,
): ApiErrorName | null {
  const next = headers.get("Nats-Schedule-Next");
  const scheduler = headers.get("Nats-Scheduler");
  if (next === "") return scheduler === "" ? null : "messageSchedulesSchedulerInvalid";
  if (next !== SCHEDULE_PURGE) return "messageSchedulesSchedulerInvalid";
  if (scheduler === subject || !isPublishSubject(scheduler)) return "messageSchedulesSchedulerInvalid";
  if (!rules.allow_msg_schedules) return "messageSchedulesDisabled";
  return isScheduleAt(scheduler) === false ? "messageSchedulesSchedulerInvalid" : null;
}

function isPublishSubject(subject: string): boolean {
  return isValidConfiguredSubject(subject) && !hasWildcard(subject);
}

function isTaken(subject: string, { subjects }: ScheduleRules): boolean {
  return subjects.some((pattern) => subjectsCollide(pattern, subject));
}
