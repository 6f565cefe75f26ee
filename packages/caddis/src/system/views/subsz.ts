import type { Account } from "../../broker/account.ts";
import type { Broker } from "../../broker/broker.ts";
import type { Client } from "../../broker/client.ts";
import type { Subscription } from "../../broker/subscription.ts";
import { isValidLiteralSubject, toWireString } from "../../subject/subject.ts";
import { formatTime } from "../format.ts";
import { type InterestStats, interestStats } from "./interest-stats.ts";
import { type Page, sanePage } from "./page.ts";
import { type SubDetail, subDetail } from "./sub-detail.ts";

/** What is asked of /subsz. Empty strings filter nothing. */
export interface SubszQuery extends Page {
  /** Whether subscriptions are listed, and counted in `total`. */
  readonly subscriptions: boolean;
  readonly account: string;
  /** A literal subject: lists who would get a message with it. */
  readonly test: string;
}

/** The answer of /subsz. Subscriptions are listed while the answer is written. */
export interface Subsz extends InterestStats {
  readonly server_id: string;
  readonly now: string;
  readonly total: number;
  readonly offset: number;
  readonly limit: number;
  readonly subscriptions_list: Iterable<SubDetail> | undefined;
}

/** Tells about interest over all accounts, or one of them, or says what is wrong with `query`. */
export function subsz(broker: Broker, query: SubszQuery): Subsz | { readonly problem: string } {
  const test = toWireString(query.test);
  if (test !== "" && !isValidLiteralSubject(test)) {
    return { problem: `invalid test subject, must be valid publish subject: ${query.test}` };
  }
  const { offset, limit } = sanePage(query);
  const accounts = [...broker.accounts].filter(({ name }) => query.account === "" || name === query.account);
  const { total, page } = query.subscriptions
    ? listed(broker, accounts, test, offset, limit)
    : nothingListed();
  return {
    server_id: broker.serverId,
    now: formatTime(broker.clock.nowMs()),
    ...interestStats(accounts),
    total,
    offset,
    limit,
    subscriptions_list: offset < total ? page.map(detailOf) : undefined,
  };
}

/** The subscriptions of one page, and how many there are on all. */
interface Listed {
  readonly total: number;
  readonly page: IteratorObject<Subscription>;
}

function nothingListed(): Listed {
  return { total: 0, page: [].values() };
}

function listed(
  broker: Broker,
  accounts: readonly Account[],
  test: string,
  offset: number,
  limit: number,
): Listed {
  if (test === "") {
    const clients = clientsOf(broker, accounts);
    const total = clients.reduce((sum, { subscriptions }) => sum + subscriptions.size, 0);
    return { total, page: pageOf(clients, offset, limit) };
  }
  const matching = accounts.flatMap(({ sublist }) => {
    const { plain, queues } = sublist.matchString(test);
    return [...plain, ...queues.flat()].filter(({ client }) => client !== null);
  });
  return { total: matching.length, page: matching.slice(offset, offset + limit).values() };
}

/** The server's own subscriptions, and those that imports stand for, are nobody's and not listed. */
function clientsOf(broker: Broker, accounts: readonly Account[]): readonly Client[] {
  const wanted = new Set(accounts);
  return [...broker.clients.values()].filter(({ account }) => wanted.has(account));
}

/** Goes by connection, so that a page far into a million subscriptions skips them by the thousand. */
function* pageOf(clients: readonly Client[], offset: number, limit: number): Generator<Subscription> {
  let skip = offset;
  let left = limit;
  for (const { subscriptions } of clients) {
    if (skip >= subscriptions.size) {
      skip -= subscriptions.size;
      continue;
    }
    for (const subscription of subscriptions.values().drop(skip)) {
      if (left === 0) return;
      left--;
      yield subscription;
    }
    skip = 0;
  }
}

function detailOf(subscription: Subscription): SubDetail {
  const { client } = subscription;
  return subDetail(subscription, client?.cid ?? 0, client?.account.name, client?.account.shownName);
}
