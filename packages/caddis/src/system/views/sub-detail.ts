import type { SubscriptionSummary } from "../../broker/client-summary.ts";
import { fromWireString } from "../../subject/subject.ts";

/** A subscription in /subsz and /connz. Fields stand in the reference's order; one that is undefined is left out. */
export interface SubDetail {
  readonly account: string | undefined;
  /** The account's name for people; the name itself where nothing else is configured. */
  readonly account_tag: string | undefined;
  readonly subject: string;
  readonly qgroup: string | undefined;
  readonly sid: string;
  readonly msgs: number;
  readonly max: number | undefined;
  readonly cid: number;
}

/** `account` is left out where the surroundings name it; `accountTag` is what people call it. */
export function subDetail(
  { subject, queue, sid, delivered, max }: SubscriptionSummary,
  cid: number,
  account: string | undefined,
  accountTag: string | undefined = account,
): SubDetail {
  return {
    account,
    account_tag: accountTag,
    subject: fromWireString(subject),
    qgroup: queue === "" ? undefined : fromWireString(queue),
    sid: fromWireString(sid),
    msgs: delivered,
    max: max === 0 ? undefined : max,
    cid,
  };
}
