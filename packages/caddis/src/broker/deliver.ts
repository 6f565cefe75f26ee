import { must } from "../base/assert.ts";
import type { Random } from "../io/random.ts";
import type { Receivers } from "./account.ts";
import type { Client } from "./client.ts";
import type { Message } from "./message.ts";
import { type MessageTrace, TRACE_OBSTACLES, type TraceObstacle } from "./message-trace.ts";
import type { Subscription } from "./subscription.ts";

/**
 * Puts `message` into the outbound of everyone in `receivers`: each plain subscription, and one member
 * of each queue group. `random` chooses a queue group's first candidate. Returns how many got it.
 */
export function deliver(message: Message, receivers: Receivers, random: Random): number {
  let count = 0;
  const plain = receivers.plain;
  for (let i = 0; i < plain.length; i++) {
    if (deliverTo(message, plain[i])) count++;
  }
  const queues = receivers.queues;
  for (let i = 0; i < queues.length; i++) {
    if (deliverToOneOf(message, queues[i], random)) count++;
  }
  return count;
}

/** Members who can't take it are skipped; false if nobody can. */
function deliverToOneOf(message: Message, group: readonly Subscription[], random: Random): boolean {
  const size = group.length;
  let index = size === 1 ? 0 : random.below(size);
  for (let tries = 0; tries < size; tries++) {
    if (deliverTo(message, group[index])) return true;
    if (++index === size) index = 0;
  }
  return false;
}

/** Delivers to one subscription; false when it can't or may not take the message. */
export function deliverTo(message: Message, subscription: Subscription): boolean {
  const client = subscription.client;
  if (message.trace !== null && client !== null)
    return deliverTraced(message, message.trace, subscription, client);
  // A result can be older than the end of a subscription that this very message's delivery brought about.
  if (!subscription.isInterested) return false;
  if (client === null) return must(subscription.receiver, "somebody's").receive(message, subscription);
  if (client === message.origin && !client.echo) return false;
  if (subscription.isScreened && !client.mayReceive(message, subscription)) return false;
  const outbound = client.outbound;
  const isAppended =
    message.headerBytes > 0 && !client.takesHeaders
      ? outbound.appendMessageWithoutHeaders(message, subscription.sid)
      : outbound.appendMessage(message, subscription.sid);
  if (!isAppended) return false;
  subscription.delivered++;
  const { followed } = client.broker;
  if (followed !== null) followed.onDelivered(subscription);
  if (client.responsePermits !== null && message.replyEnd > message.replyStart)
    client.permitResponse(message);
  const isLast = subscription.max > 0 && subscription.delivered >= subscription.max;
  if (isLast) client.logLastDelivery(subscription);
  if (client.isTracing) client.traceDelivery(message, subscription);
  if (isLast) client.removeSubscription(subscription);
  return true;
}

/** As `deliverTo`, and adds to the trace what comes of it. */
function deliverTraced(
  message: Message,
  trace: MessageTrace,
  subscription: Subscription,
  client: Client,
): boolean {
  const obstacle = obstacleTo(message, subscription, client);
  if (obstacle !== TRACE_OBSTACLES.none || trace.isTraceOnly) {
    trace.addEgress(client, subscription, obstacle);
    return obstacle === TRACE_OBSTACLES.none;
  }
  const wasOpen = client.outbound.isOpen;
  message.trace = null;
  const isDelivered = deliverTo(message, subscription);
  message.trace = trace;
  const { none, behind, clientClosed } = TRACE_OBSTACLES;
  // Whoever is closed for falling behind was not reached either.
  const isBehind = wasOpen && client.outbound.isOpen;
  trace.addEgress(client, subscription, isDelivered ? none : isBehind ? behind : clientClosed);
  return isDelivered;
}

/** What keeps `message` from a subscription whose connection could take it. */
function obstacleTo(message: Message, subscription: Subscription, client: Client): TraceObstacle {
  if (client === message.origin && !client.echo) return TRACE_OBSTACLES.noEcho;
  if (!subscription.isInterested || subscription.isEnded) return TRACE_OBSTACLES.subscriptionClosed;
  if (subscription.isScreened && !client.mayReceive(message, subscription)) return TRACE_OBSTACLES.denied;
  return TRACE_OBSTACLES.none;
}
