import { SERVICE_HOPS_MAX } from "../base/limits.ts";
import type { RequestInfo } from "./request-info.ts";

/** How many accounts a message may still enter, over all the ways it takes: shared by all its hops. */
interface Budget {
  left: number;
}

/** One service import on the way of a message; `previous` is the one before. */
export interface ServiceHop {
  /** Names the export that was entered: nothing goes through the same one twice. */
  readonly door: string;
  /** What the server says about who asks; null on the way of an answer. */
  readonly info: RequestInfo | null;
  /** Whether the import shares more than the account. */
  readonly shares: boolean;
  readonly previous: ServiceHop | null;
  readonly budget: Budget;
}

/**
 * The next hop of a message that came by `previous`, or null when it has been through `door` before, or through
 * too many: configuration refuses the loops it sees, and this stops the others.
 */
export function nextHop(
  previous: ServiceHop | null,
  door: string,
  info: RequestInfo | null,
  shares: boolean,
): ServiceHop | null {
  for (let hop = previous; hop !== null; hop = hop.previous) {
    if (hop.door === door) return null;
  }
  const budget = previous?.budget ?? { left: SERVICE_HOPS_MAX };
  if (budget.left === 0) return null;
  budget.left--;
  return { door, info, shares, previous, budget };
}
