import type { Account } from "../../broker/account.ts";
import type { Broker } from "../../broker/broker.ts";
import type { Subscription } from "../../broker/subscription.ts";
import { isValidLiteralSubject, toWireString } from "../../subject/subject.ts";
import { formatTime } from "../format.ts";
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
export interface Subsz {
  readonly server_id: string;
  readonly now: string;
  readonly num_subscriptions: number;
  readonly num_cache: number;
  readonly num_inserts: number;
  readonly num_removes: number;
  readonly num_matches: number;
  readonly cache_hit_rate: number;
  readonly max_fanout: number;
  readonly avg_fanout: number;
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
  const accounts = [...broker.accounts.values()].filter(
    ({ name }) => query.account === "" || name === query.account,
  );
  const { total, page } = query.subscriptions
    ? listed(broker, accounts, test, offset, limit)
    : nothingListed();
  return {
    server_id: broker.serverId,
    now: formatTime(broker.clock.nowMs()),
    ...addedUp(accounts),
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
    const total = accounts.reduce((sum, { sublist }) => sum + sublist.count, 0);
    return { total, page: pageOf(broker, new Set(accounts), offset, limit) };
  }
  const matching = accounts.flatMap(({ sublist }) => {
    const { plain, queues } = sublist.matchString(test);
    return [...plain, ...queues.flat()];
  });
  return { total: matching.length, page: matching.slice(offset, offset + limit).values() };
}

/** Goes by connection, so that a page far into a million subscriptions skips them by the thousand. */
function* pageOf(
  broker: Broker,
  accounts: ReadonlySet<Account>,
  offset: number,
  limit: number,
): Generator<Subscription> {
  let skip = offset;
  let left = limit;
  for (const { account, subscriptions } of broker.clients.values()) {
    if (!accounts.has(account)) continue;
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
  const { cid, account } = subscription.client;
  return subDetail(subscription, cid, account.name);
}

function addedUp(accounts: readonly Account[]) {
  let subscriptions = 0;
  let cached = 0;
  let inserts = 0;
  let removes = 0;
  let matches = 0;
  let misses = 0;
  let fanoutMax = 0;
  let fanout = 0;
  for (const { sublist } of accounts) {
    const stats = sublist.stats();
    subscriptions += stats.subscriptionCount;
    cached += stats.cachedCount;
    inserts += stats.insertCount;
    removes += stats.removeCount;
    matches += stats.matchCount;
    misses += stats.missCount;
    fanoutMax = Math.max(fanoutMax, stats.fanoutMax);
    fanout += stats.fanoutMean * stats.cachedCount;
  }
  return {
    num_subscriptions: subscriptions,
    num_cache: cached,
    num_inserts: inserts,
    num_removes: removes,
    num_matches: matches,
    cache_hit_rate: matches === 0 ? 0 : (matches - misses) / matches,
    max_fanout: fanoutMax,
    avg_fanout: cached === 0 ? 0 : fanout / cached,
  };
}
