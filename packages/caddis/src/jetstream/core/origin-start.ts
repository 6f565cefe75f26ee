import { compareInstants, type Instant } from "../../base/instant.ts";
import type { StreamState } from "../../store/stream-store.ts";
import type { ConsumerConfig } from "./consumer-config.ts";
import type { StreamSource } from "./stream-config.ts";

/** Where a consumer at an origin begins. */
export type OriginStart = Pick<ConsumerConfig, "deliver_policy" | "opt_start_seq" | "opt_start_time">;

const FROM_THE_START: OriginStart = { deliver_policy: "all", opt_start_seq: 0, opt_start_time: null };

/** Where a mirror goes on: behind its last sequence; one that never had a message begins as its configuration says. */
export function mirrorStart(
  { opt_start_seq, opt_start_time }: StreamSource,
  state: StreamState,
): OriginStart {
  if (state.messages > 0 || state.firstSeq > 0) return fromSeq(state.lastSeq + 1);
  if (opt_start_seq > 0) return fromSeq(opt_start_seq);
  return opt_start_time === null ? FROM_THE_START : fromTime(opt_start_time);
}

/** How far a stream is with a source. */
export interface SourcePosition {
  /** The last sequence there that is done with; 0: none. */
  readonly seq: number;
  /** Whether that is known, or only nothing was found. */
  readonly isKnown: boolean;
}

/**
 * Where a source goes on. When nothing says how far the stream is with it, it begins as its configuration says, but not
 * before the stream's last message, so that what was there and is gone does not come again.
 */
export function sourceStart(
  { opt_start_seq, opt_start_time }: StreamSource,
  { seq, isKnown }: SourcePosition,
  { firstSeq, lastTime }: StreamState,
): OriginStart {
  if (seq > 0) return fromSeq(seq + 1);
  if (opt_start_seq > 0) return fromSeq(opt_start_seq);
  if (opt_start_time !== null) {
    const isPast = lastTime !== null && compareInstants(opt_start_time, lastTime) < 0;
    return fromTime(isPast && !isKnown ? lastTime : opt_start_time);
  }
  return firstSeq > 1 && lastTime !== null && !isKnown ? fromTime(lastTime) : FROM_THE_START;
}

function fromSeq(seq: number): OriginStart {
  return { deliver_policy: "by_start_sequence", opt_start_seq: seq, opt_start_time: null };
}

function fromTime(time: Instant): OriginStart {
  return { deliver_policy: "by_start_time", opt_start_seq: 0, opt_start_time: time };
}
