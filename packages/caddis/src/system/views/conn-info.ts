import { GLOBAL_ACCOUNT } from "../../broker/broker.ts";
import type { ClientSummary, SubscriptionSummary } from "../../broker/client-summary.ts";
import { fromWireString } from "../../subject/subject.ts";
import { formatRoundTrip, formatTime, formatUptime } from "../format.ts";
import { type SubDetail, subDetail } from "./sub-detail.ts";

/** A connection in /connz. Fields stand in the reference's order; one that is undefined is left out. */
export interface ConnInfo {
  readonly cid: number;
  readonly kind: "Client";
  readonly type: "nats";
  readonly ip: string;
  readonly port: number;
  readonly start: string;
  readonly last_activity: string;
  readonly stop: string | undefined;
  readonly reason: string | undefined;
  readonly rtt: string;
  readonly uptime: string;
  readonly idle: string;
  readonly pending_bytes: number;
  readonly in_msgs: number;
  readonly out_msgs: number;
  readonly in_bytes: number;
  readonly out_bytes: number;
  readonly stalls: number | undefined;
  readonly subscriptions: number;
  readonly name: string | undefined;
  readonly lang: string | undefined;
  readonly version: string | undefined;
  readonly authorized_user: string | undefined;
  readonly account: string | undefined;
  readonly subscriptions_list: Iterable<string> | undefined;
  readonly subscriptions_list_detail: Iterable<SubDetail> | undefined;
  readonly name_tag: string | undefined;
}

/** How much /connz says of a connection. */
export interface ConnInfoScope {
  /** Who is behind it. */
  readonly auth: boolean;
  readonly subscriptions: "none" | "subjects" | "detail";
}

/** `subscriptions` are the connection's, listed by and by while the answer is written. */
export function connInfo(
  summary: ClientSummary,
  subscriptions: Iterable<SubscriptionSummary>,
  scope: ConnInfoScope,
  nowMs: number,
): ConnInfo {
  const { cid, account, stopMs } = summary;
  const isOpen = stopMs === 0;
  const endMs = isOpen ? nowMs : stopMs;
  const lists = isEmpty(subscriptions) ? "none" : scope.subscriptions;
  return {
    cid,
    kind: "Client",
    type: "nats",
    ip: summary.host,
    port: summary.port,
    start: formatTime(summary.startMs),
    last_activity: formatTime(summary.lastActivityMs),
    stop: isOpen ? undefined : formatTime(stopMs),
    reason: isOpen ? undefined : summary.reason,
    rtt: formatRoundTrip(summary.rttMs),
    uptime: formatUptime(endMs - summary.startMs),
    idle: formatUptime(endMs - summary.lastActivityMs),
    pending_bytes: summary.pendingBytes,
    in_msgs: summary.inMessages,
    out_msgs: summary.outMessages,
    in_bytes: summary.inBytes,
    out_bytes: summary.outBytes,
    stalls: summary.stalls === 0 ? undefined : summary.stalls,
    subscriptions: summary.subscriptionCount,
    name: unlessEmpty(summary.name),
    lang: unlessEmpty(summary.lang),
    version: unlessEmpty(summary.version),
    authorized_user: scope.auth ? unlessEmpty(summary.user) : undefined,
    account: scope.auth && account !== GLOBAL_ACCOUNT ? account : undefined,
    subscriptions_list: lists === "subjects" ? subjectsOf(subscriptions) : undefined,
    subscriptions_list_detail:
      lists === "detail" ? detailsOf(subscriptions, cid, isOpen ? undefined : account) : undefined,
    name_tag: scope.auth && isOpen ? account : undefined,
  };
}

function* subjectsOf(subscriptions: Iterable<SubscriptionSummary>): Generator<string> {
  for (const { subject } of subscriptions) yield fromWireString(subject);
}

function* detailsOf(
  subscriptions: Iterable<SubscriptionSummary>,
  cid: number,
  account: string | undefined,
): Generator<SubDetail> {
  for (const subscription of subscriptions) yield subDetail(subscription, cid, account);
}

function isEmpty(values: Iterable<unknown>): boolean {
  return values[Symbol.iterator]().next().done === true;
}

function unlessEmpty(text: string): string | undefined {
  return text === "" ? undefined : text;
}
