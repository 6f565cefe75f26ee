import type { Instant } from "../../base/instant.ts";
import { withHeader } from "./header-edit.ts";
import { SCHEDULE_PURGE } from "./schedule-check.ts";
import { formatLocal, type ScheduleZone, UTC } from "./schedule-zone.ts";

/** What a schedule says about the messages it produces. Wire strings, empty where it says nothing. */
export interface ProducedFrom {
  /** The subject of the schedule. */
  readonly scheduler: string;
  /** When it fires again; null: never, it is to be removed. */
  readonly next: Instant | null;
  /** The zone that the schedule names, in whose time `next` is told; null: none. */
  readonly zone: ScheduleZone | null;
  readonly ttl: string;
  readonly rollup: string;
}

/** Fields that are about the schedule itself, or could keep what it produces from being stored. */
const DROPPED = /^(?:Nats-Schedule|Nats-Expected-|(?:Nats-Msg-Id|Nats-TTL|Nats-Rollup):)/;

const CRLF = "\r\n";

/** The header block of a message that a schedule produces from one with the block `headers`; wire strings. */
export function producedHeaders(
  headers: string,
  { scheduler, next, zone, ttl, rollup }: ProducedFrom,
): string {
  const [version, ...lines] = headers.split(CRLF);
  const kept = lines.filter((line) => line !== "" && !DROPPED.test(line));
  let block = kept.length === 0 ? "" : [version, ...kept, "", ""].join(CRLF);
  block = withHeader(block, "Nats-Scheduler", scheduler);
  block = withHeader(
    block,
    "Nats-Schedule-Next",
    next === null ? SCHEDULE_PURGE : formatLocal(next, zone ?? UTC),
  );
  if (ttl !== "") block = withHeader(block, "Nats-TTL", ttl);
  if (rollup !== "") block = withHeader(block, "Nats-Rollup", rollup);
  return block;
}
