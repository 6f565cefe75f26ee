import { fromWireString } from "../../subject/subject.ts";
import { durationNs } from "./schedule-duration.ts";

/** Of a message that is not to expire on account of its age. */
export const TTL_NEVER = -1;

const NS_PER_SECOND = 1e9;

/**
 * What `Nats-TTL` says, a wire string: whole seconds, 0 for none, `TTL_NEVER`; null when it says nothing sensible. A
 * Go duration of a second or more, a number of seconds, or `never`.
 */
export function parseMessageTtl(value: string): number | null {
  if (value === "") return 0;
  if (value.toLowerCase() === "never") return TTL_NEVER;
  const ns = durationNs(fromWireString(value));
  if (ns !== null) return ns < NS_PER_SECOND ? null : Math.floor(ns / NS_PER_SECOND);
  return /^\d{1,16}$/.test(value) && Number.isSafeInteger(Number(value)) ? Number(value) : null;
}
