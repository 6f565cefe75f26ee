import type { Account } from "../../broker/account.ts";
import type { Subscription } from "../../broker/subscription.ts";
import { isSubset } from "../../subject/overlap.ts";
import { hasWildcard, isValidLiteralSubject, isValidSubject } from "../../subject/subject.ts";

/**
 * How many subscriptions of clients in `account` would get a message to `subject`, or, where that has wildcards, lie
 * within it; with a `queue` only those of that group (null: all). Wire strings; what is no subject reaches nobody.
 */
export function countSubscribers(account: Account, subject: string, queue: string | null): number {
  const isCounted = (subscription: Subscription): boolean =>
    subscription.client !== null && (queue === null || subscription.queue === queue);
  if (isValidLiteralSubject(subject)) {
    const { plain, queues } = account.sublist.matchApart(subject);
    return [...plain, ...queues.flat()].filter(isCounted).length;
  }
  if (!isValidSubject(subject) || !hasWildcard(subject)) return 0;
  let count = 0;
  account.sublist.forEach((subscription) => {
    if (isCounted(subscription) && isSubset(subscription.subject, subject)) count++;
  });
  return count;
}

/** What a body asks to be counted: a subject, and behind a blank the name of a queue group. A wire string. */
export function askedSubscribers(body: string): { readonly subject: string; readonly queue: string | null } {
  const [subject = "", queue = null] = body.trim().split(" ");
  return { subject, queue };
}
