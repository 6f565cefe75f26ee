import type { StreamStore } from "../../store/stream-store.ts";
import type { ConsumerConfig } from "./consumer-config.ts";

/** Why a consumer may not begin anew with `seq`, in the reference's words; null: it may. */
export function resetProblem(
  seq: number,
  { deliver_policy, opt_start_seq, opt_start_time }: ConsumerConfig,
  store: StreamStore,
): string | null {
  switch (deliver_policy) {
    case "all":
      return null;
    case "by_start_sequence":
      return seq < opt_start_seq ? "below start seq" : null;
    case "by_start_time":
      return opt_start_time !== null && seq < store.firstSeqFrom(opt_start_time) ? "below start time" : null;
    case "last":
    case "new":
    case "last_per_subject":
      return "not allowed";
  }
}
