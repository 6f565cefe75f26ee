import type { WaitingPull } from "./consumer-pull-queue.ts";
import type { PriorityPolicy } from "./consumer-config.ts";

/**
 * The client that alone gets the messages of a consumer with the policy `pinned_client`. At most one is pinned: there
 * is one priority group at present.
 */
export class PinnedClient {
  /** Empty: none is pinned. */
  id = "";
  group = "";
  /** When it was pinned and when it loses that unless it asks again; monotonic milliseconds. */
  sinceMs = 0;
  untilMs = Infinity;

  pin(group: string, id: string, nowMs: number, timeoutMs: number): void {
    this.id = id;
    this.group = group;
    this.sinceMs = nowMs;
    this.untilMs = nowMs + timeoutMs;
  }

  unpin(): void {
    this.id = "";
    this.group = "";
    this.untilMs = Infinity;
  }
}

/**
 * Whether a request may be served, by its priority group. serve; pass: another one may be; pin: it may if it is pinned
 * first; wrongPin: never.
 */
export type Eligibility = "serve" | "pass" | "pin" | "wrongPin";

/**
 * `numPending` counts the message at hand and those behind it, `ackPending` what is delivered and not acknowledged.
 */
export function eligibilityOf(
  pull: WaitingPull,
  policy: PriorityPolicy,
  pinnedId: string,
  numPending: number,
  ackPending: number,
): Eligibility {
  if (policy === "pinned_client") {
    if (pull.pinId === "") return pinnedId === "" ? "pin" : "pass";
    return pull.pinId === pinnedId ? "serve" : "wrongPin";
  }
  if (policy === "overflow" && pull.priority !== null) {
    const { minPending, minAckPending } = pull.priority;
    if (minPending <= 0 && minAckPending <= 0) return "serve";
    const isOver =
      (minPending > 0 && minPending <= numPending) || (minAckPending > 0 && minAckPending <= ackPending);
    return isOver ? "serve" : "pass";
  }
  return "serve";
}
