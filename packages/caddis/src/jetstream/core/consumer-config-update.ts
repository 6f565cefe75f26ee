import { compareInstants, type Instant } from "../../base/instant.ts";
import { type ApiError, apiError } from "./api-error.ts";
import type { ConsumerConfig } from "./consumer-config.ts";
import { sameConsumerConfig } from "./consumer-config-encode.ts";

/** Fields that a consumer keeps for life, and how errors call them; in the order in which they are checked. */
const LASTING = [
  ["deliver_policy", "deliver policy"],
  ["mem_storage", "storage type"],
  ["direct", "direct"],
  ["sourcing", "sourcing"],
  ["opt_start_seq", "start sequence"],
  ["opt_start_time", "start time"],
  ["ack_policy", "ack policy"],
  ["replay_policy", "replay policy"],
  ["idle_heartbeat", "heart beats"],
  ["flow_control", "flow control"],
] as const satisfies readonly (readonly [keyof ConsumerConfig, string])[];

/**
 * Why a consumer with configuration `now` can't go on with `next`; null: it can. `isBound`: somebody listens to the
 * deliver subject it has now.
 */
export function consumerUpdateProblem(
  now: ConsumerConfig,
  next: ConsumerConfig,
  isBound: boolean,
): ApiError | null {
  if (sameConsumerConfig(now, next)) return null;
  for (const [field, text] of LASTING) {
    const isSame =
      field === "opt_start_time" ? sameTime(now[field], next[field]) : now[field] === next[field];
    if (!isSame) return refused(`${text} can not be updated`);
  }
  if (now.deliver_subject !== next.deliver_subject) {
    if (now.deliver_subject === "") return refused("can not update pull consumer to push based");
    if (next.deliver_subject === "") return refused("can not update push consumer to pull based");
    if (isBound) return apiError("consumerNameExist");
  }
  if (now.max_waiting !== next.max_waiting) return refused("max waiting can not be updated");
  return null;
}

function sameTime(a: Instant | null, b: Instant | null): boolean {
  return a === null || b === null ? a === b : compareInstants(a, b) === 0;
}

function refused(err: string): ApiError {
  return apiError("consumerCreate", { err });
}
