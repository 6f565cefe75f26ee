import type { Client } from "../broker/client.ts";
import { sidKey } from "../broker/sid-key.ts";
import { fromWireString, toWireString } from "../subject/subject.ts";

/** What there is to say about one subscription. */
export interface SubscriptionExplanation {
  readonly sid: string;
  /** False: the connection has none with this id. */
  readonly exists: boolean;
  readonly summary: readonly string[];
  readonly subject: string | undefined;
  readonly queue: string | undefined;
  readonly delivered: number | undefined;
  /** After so many messages it ends; undefined: it stays. */
  readonly max: number | undefined;
  /** The subject of the rule that allows it; undefined: none in particular. */
  readonly allowed_by: string | undefined;
}

/** Explains the subscription that `client` calls `sid`, a text. */
export function explainSubscription(client: Client, sid: string): SubscriptionExplanation {
  const subscription = client.subscriptions.get(sidKey(toWireString(sid)));
  if (subscription === undefined) return missing(sid);
  const subject = fromWireString(subscription.subject);
  const queue = fromWireString(subscription.queue);
  const { delivered, max, isScreened } = subscription;
  const decision = client.authorizer?.explainSubscribe(subscription.subject, subscription.queue) ?? null;
  const rule = decision?.rule ?? null;
  const reason =
    decision === null
      ? "no permissions are set"
      : decision.reason + (rule === null ? "" : ` (${JSON.stringify(rule.subject)})`);
  const sentences = [
    `Subscription ${sid}: subject ${JSON.stringify(subject)}${queue === "" ? "" : `, queue group ${JSON.stringify(queue)}`}, ${delivered} messages so far${max === 0 ? "" : ` of ${max}`}.`,
    `It is allowed: ${reason}.`,
  ];
  if (queue !== "") sentences.push("Of the members of a queue group each message goes to one only.");
  if (isScreened) sentences.push("A deny rule lies inside its subject: such messages do not reach it.");
  if (client.subscriptions.size > 0 && !client.echo) {
    sentences.push("Its own messages do not reach it: it asked for no echo.");
  }
  return {
    sid,
    exists: true,
    summary: sentences,
    subject,
    queue: queue === "" ? undefined : queue,
    delivered,
    max: max === 0 ? undefined : max,
    allowed_by: rule?.subject,
  };
}

function missing(sid: string): SubscriptionExplanation {
  return {
    sid,
    exists: false,
    summary: [
      `It has no subscription ${JSON.stringify(sid)}: never made, refused, taken back, or ended after its last message.`,
    ],
    subject: undefined,
    queue: undefined,
    delivered: undefined,
    max: undefined,
    allowed_by: undefined,
  };
}
