import type { Broker } from "../../broker/broker.ts";
import { Client } from "../../broker/client.ts";
import { type ClientSummary, shownUser, summarize } from "../../broker/client-summary.ts";
import type { Subscription } from "../../broker/subscription.ts";
import { formatTime } from "../format.ts";
import { connInfo, type ConnInfo, type ConnInfoScope } from "./conn-info.ts";
import { type Page, sanePage } from "./page.ts";

/** What is asked of /connz. Empty strings and a `cid` of 0 filter nothing. */
export interface ConnzQuery extends Page, ConnInfoScope {
  /** A key of `ORDERS`; empty for `cid`. */
  readonly sort: string;
  readonly state: "open" | "closed" | "all";
  readonly cid: number;
  readonly user: string;
  readonly account: string;
  readonly mqttClient: string;
}

/** The answer of /connz. `connections` are listed while the answer is written. */
export interface Connz {
  readonly server_id: string;
  readonly now: string;
  readonly num_connections: number;
  readonly total: number;
  readonly offset: number;
  readonly limit: number;
  readonly connections: Iterable<ConnInfo> | null;
}

/** An open connection, not looked at more closely yet, or one that has ended. */
type Entry = Client | ClientSummary;

type Comparison = (a: ClientSummary, b: ClientSummary, nowMs: number) => number;

/** Most first, except for `uptime`, where the reference lists the youngest first, and `reason`. */
const ORDERS = new Map<string, Comparison>([
  ["subs", (a, b) => b.subscriptionCount - a.subscriptionCount],
  ["pending", (a, b) => b.pendingBytes - a.pendingBytes],
  ["msgs_to", (a, b) => b.outMessages - a.outMessages],
  ["msgs_from", (a, b) => b.inMessages - a.inMessages],
  ["bytes_to", (a, b) => b.outBytes - a.outBytes],
  ["bytes_from", (a, b) => b.inBytes - a.inBytes],
  ["last", (a, b) => b.lastActivityMs - a.lastActivityMs],
  ["idle", (a, b) => a.lastActivityMs - b.lastActivityMs],
  // Of two that came in the same millisecond the one with the higher number came later.
  ["uptime", (a, b, nowMs) => uptimeMs(a, nowMs) - uptimeMs(b, nowMs) || b.cid - a.cid],
  ["stop", (a, b) => b.stopMs - a.stopMs],
  ["reason", (a, b) => (a.reason < b.reason ? -1 : a.reason > b.reason ? 1 : 0)],
  ["rtt", (a, b) => b.rttMs - a.rttMs],
]);

/** Orders in which a connection's number says all: numbers are given as connections come. */
const CID_ORDERS: ReadonlySet<string> = new Set(["", "cid", "start"]);

/** Lists connections, or says what is wrong with `query`. */
export function connz(broker: Broker, query: ConnzQuery): Connz | { readonly problem: string } {
  const problem = problemOf(query);
  if (problem !== null) return { problem };
  const { offset, limit: limitAsked } = sanePage(query);
  const limit = query.cid > 0 ? 1 : limitAsked;
  const nowMs = broker.clock.nowMs();
  const now = formatTime(nowMs);
  if (query.account !== "" && !broker.accounts.has(query.account)) {
    return { server_id: "", now, num_connections: 0, total: 0, offset, limit, connections: null };
  }
  const entries = entriesOf(broker, query);
  const matching = entries.filter((entry) => matches(entry, query));
  const page = inOrder(matching, query.sort, nowMs).slice(offset, offset + limit);
  return {
    server_id: broker.serverId,
    now,
    num_connections: page.length,
    total: entries.length,
    offset,
    limit,
    connections: page.values().map((entry) => infoOf(broker, entry, query, nowMs)),
  };
}

function problemOf({ sort, state }: ConnzQuery): string | null {
  if (!CID_ORDERS.has(sort) && !ORDERS.has(sort)) return `invalid sorting option: ${sort}`;
  if ((sort === "stop" || sort === "reason") && state !== "closed") {
    return `sort by ${sort} only valid on closed connections`;
  }
  return null;
}

/** The connections that `total` counts: those of the state and the account asked for. */
function entriesOf(broker: Broker, { state, account }: ConnzQuery): Entry[] {
  const open: Entry[] =
    state === "closed" ? [] : [...broker.clients.values()].filter(({ state }) => state !== "closing");
  const closed: readonly Entry[] = state === "open" ? [] : broker.closedClients.all();
  const all = closed.length === 0 ? open : open.concat(closed);
  return account === "" ? all : all.filter((entry) => accountOf(entry) === account);
}

function matches(entry: Entry, { cid, user, mqttClient }: ConnzQuery): boolean {
  if (cid > 0 && entry.cid !== cid) return false;
  if (user !== "" && userOf(entry) !== user) return false;
  // There are no MQTT clients yet, and so none with this id.
  return mqttClient === "";
}

/** Summaries cost more than numbers: they are made only where the order asks for them. */
function inOrder(entries: readonly Entry[], sort: string, nowMs: number): readonly Entry[] {
  const byCid = (a: Entry, b: Entry): number => a.cid - b.cid;
  const compare = ORDERS.get(sort);
  if (compare === undefined) return entries.toSorted(byCid);
  return entries.map(summaryOf).sort((a, b) => compare(a, b, nowMs) || byCid(a, b));
}

function infoOf(broker: Broker, entry: Entry, query: ConnzQuery, nowMs: number): ConnInfo {
  const summary = summaryOf(entry);
  return connInfo(
    summary,
    summary.stopMs === 0 ? subscriptionsOf(broker, summary.cid) : summary.subscriptions,
    query,
    nowMs,
  );
}

function subscriptionsOf(broker: Broker, cid: number): Iterable<Subscription> {
  const subscriptions = broker.clients.get(cid)?.subscriptions;
  return { [Symbol.iterator]: () => subscriptions?.values() ?? [].values() };
}

function summaryOf(entry: Entry): ClientSummary {
  return entry instanceof Client ? summarize(entry, false, 0) : entry;
}

function accountOf(entry: Entry): string {
  return entry instanceof Client ? entry.account.name : entry.account;
}

function userOf(entry: Entry): string {
  return entry instanceof Client ? shownUser(entry) : entry.user;
}

function uptimeMs({ startMs, stopMs }: ClientSummary, nowMs: number): number {
  return (stopMs === 0 ? nowMs : stopMs) - startMs;
}
