import { toWireString } from "../../subject/subject.ts";
import type { ConsumerConfig } from "./consumer-config.ts";
import { goDuration } from "./go-duration.ts";
import { badRequest, PIN_MISMATCH, status } from "./consumer-status.ts";
import type { PullPriority, PullRequest } from "./pull-request.ts";

const PRIORITY_MAX = 9;

/** The status that refuses `request`, a header block; null: it may wait. In the reference's order. */
export function refusalOf(request: PullRequest, config: ConsumerConfig, pinnedId: string): string | null {
  const { max_batch, max_expires, max_bytes } = config;
  if (max_batch > 0 && request.batch > max_batch)
    return status(`409 Exceeded MaxRequestBatch of ${max_batch}`);
  if (max_expires > 0 && request.expires > max_expires)
    return status(toWireString(`409 Exceeded MaxRequestExpires of ${goDuration(max_expires)}`));
  if (max_bytes > 0 && request.maxBytes > max_bytes)
    return status(`409 Exceeded MaxRequestMaxBytes of ${max_bytes}`);
  return request.priority === null ? null : priorityRefusal(request.priority, config, pinnedId);
}

function priorityRefusal(
  { group, minPending, minAckPending, id, priority }: PullPriority,
  { priority_policy, priority_groups }: ConsumerConfig,
  pinnedId: string,
): string | null {
  if ((minPending !== 0 || minAckPending !== 0) && priority_policy !== "overflow")
    return badRequest("Not a Overflow Priority consumer");
  if (id !== "" && priority_policy !== "pinned_client")
    return badRequest("Not a Pinned Client Priority consumer");
  if (priority < 0 || priority > PRIORITY_MAX) return badRequest("Priority must be between 0 and 9");
  if (priority_policy === "") return null;
  if (group === "") return badRequest("Priority Group missing");
  if (!priority_groups.includes(group)) return badRequest("Invalid Priority Group");
  return pinnedId !== "" && id !== "" && id !== pinnedId ? PIN_MISMATCH : null;
}
