import { type ApiError, apiError } from "./api-error.ts";
import type { ConsumerConfig, DeliverPolicy } from "./consumer-config.ts";

/** How errors call a deliver policy. */
const NAMES: Readonly<Record<DeliverPolicy, string>> = {
  all: "all",
  last: "last",
  last_per_subject: "last per subject",
  new: "new",
  by_start_sequence: "by start sequence",
  by_start_time: "by start time",
};

/** What does not fit together in where a consumer shall start; null: it fits. Texts as in the reference. */
export function startProblem(config: ConsumerConfig): ApiError | null {
  const { deliver_policy } = config;
  const hasSeq = config.opt_start_seq > 0;
  const hasTime = config.opt_start_time !== null;
  if (deliver_policy === "by_start_time") {
    if (!hasTime) return missing(deliver_policy, "start time");
    return hasSeq ? superfluous(deliver_policy, "start sequence") : null;
  }
  if (deliver_policy === "by_start_sequence") {
    if (!hasSeq) return missing(deliver_policy, "start sequence");
  } else if (hasSeq) return superfluous(deliver_policy, "sequence");
  if (hasTime) return superfluous(deliver_policy, "time");
  const isUnfiltered = config.filter_subject === "" && config.filter_subjects.length === 0;
  if (deliver_policy === "last_per_subject" && isUnfiltered) return missing(deliver_policy, "filter subject");
  return null;
}

function superfluous(policy: DeliverPolicy, start: string): ApiError {
  return invalid(policy, `start ${start} is also set`);
}

function missing(policy: DeliverPolicy, field: string): ApiError {
  return invalid(policy, `${field} is not set`);
}

function invalid(policy: DeliverPolicy, what: string): ApiError {
  const err = `consumer delivery policy is deliver ${NAMES[policy]}, but optional ${what}`;
  return apiError("consumerInvalidPolicy", { err });
}
