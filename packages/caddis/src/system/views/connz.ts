import { filtered, finish, mapped, sorted, type Steps } from "../../base/steps.ts";
import type { Broker } from "../../broker/broker.ts";
import { Client } from "../../broker/client.ts";
import { type ClientSummary, shownUser, summarize } from "../../broker/client-summary.ts";
import type { Subscription } from "../../broker/subscription.ts";
import { subjectsCollide } from "../../subject/overlap.ts";
import { toWireString } from "../../subject/subject.ts";
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
  /** Open connections: those with a subscription that could get a message that this pattern matches. */
  readonly filterSubject: string;
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

/** A filter that lets everything through. */
const EVERYTHING = ">";

/** Lists connections, or says what is wrong with `query`; all at once. */
export function connz(broker: Broker, query: ConnzQuery): Connz | { readonly problem: string } {
  return finish(connzSteps(broker, query));
}

/** `connz` bit by bit, for servers with very many connections. */
export function* connzSteps(broker: Broker, query: ConnzQuery): Steps<Connz | { readonly problem: string }> {
  const problem = problemOf(query);
  if (problem !== null) return { problem };
  const { offset, limit: limitAsked } = sanePage(query);
  const limit = query.cid > 0 ? 1 : limitAsked;
  const nowMs = broker.clock.nowMs();
  const now = formatTime(nowMs);
  if (query.account !== "" && broker.accounts.get(query.account) === undefined) {
    return { server_id: "", now, num_connections: 0, total: 0, offset, limit, connections: null };
  }
  const entries = yield* entriesOf(broker, query);
  const matching = yield* matchingOf(entries, query);
  const page = (yield* inOrder(matching, query.sort, nowMs)).slice(offset, offset + limit);
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

function problemOf({ sort, state, account, filterSubject }: ConnzQuery): string | null {
  if (!CID_ORDERS.has(sort) && !ORDERS.has(sort)) return `invalid sorting option: ${sort}`;
  if ((sort === "stop" || sort === "reason") && state !== "closed") {
    return `sort by ${sort} only valid on closed connections`;
  }
  if (isFilter(filterSubject) && account === "") {
    return "filter by subject only valid with account filtering";
  }
  return null;
}

/** The connections that `total` counts: those of the state and the account asked for. */
function* entriesOf(broker: Broker, { state, account }: ConnzQuery): Steps<Entry[]> {
  const isMeant = (entry: Entry): boolean => account === "" || accountOf(entry) === account;
  const open: Entry[] =
    state === "closed"
      ? []
      : yield* filtered(broker.clients.values(), (client) => client.state !== "closing" && isMeant(client));
  const closed: Entry[] = state === "open" ? [] : yield* filtered(broker.closedClients.all(), isMeant);
  return open.concat(closed);
}

function* matchingOf(entries: readonly Entry[], query: ConnzQuery): Steps<Entry[]> {
  const { cid, user, mqttClient, filterSubject } = query;
  const filter = isFilter(filterSubject) ? toWireString(filterSubject) : null;
  const matches = (entry: Entry): boolean => {
    if (cid > 0 && entry.cid !== cid) return false;
    if (user !== "" && userOf(entry) !== user) return false;
    if (filter !== null && !hasInterest(entry, filter)) return false;
    // There are no MQTT clients yet, and so none with this id.
    return mqttClient === "";
  };
  const cost = (entry: Entry): number => (filter === null ? 1 : 1 + subscriptionCount(entry));
  return yield* filtered(entries, matches, cost);
}

function isFilter(subject: string): boolean {
  return subject !== "" && subject !== EVERYTHING;
}

/** As in the reference, a filter by subject lets all closed connections through. */
function hasInterest(entry: Entry, filter: string): boolean {
  if (!(entry instanceof Client)) return true;
  return entry.subscriptions.values().some(({ subject }) => subjectsCollide(filter, subject));
}

function subscriptionCount(entry: Entry): number {
  return entry instanceof Client ? entry.subscriptions.size : 0;
}

/** Summaries cost more than numbers: they are made only where the order asks for them. */
function* inOrder(entries: readonly Entry[], sort: string, nowMs: number): Steps<readonly Entry[]> {
  const byCid = (a: Entry, b: Entry): number => a.cid - b.cid;
  const compare = ORDERS.get(sort);
  if (compare === undefined) return yield* sorted(entries, byCid);
  const summaries = yield* mapped(entries, summaryOf);
  return yield* sorted(summaries, (a, b) => compare(a, b, nowMs) || byCid(a, b));
}

function infoOf(broker: Broker, entry: Entry, query: ConnzQuery, nowMs: number): ConnInfo {
  const summary = summaryOf(entry);
  return connInfo(
    summary,
    summary.stopMs === 0 ? subscriptionsOf(broker, summary.cid) : summary.subscriptions,
    broker.accounts.get(summary.account)?.shownName ?? "",
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
