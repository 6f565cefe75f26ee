import type { Account } from "../../broker/account.ts";

/** What accounts' sublists have done. Fields stand in the reference's order. */
export interface InterestStats {
  readonly num_subscriptions: number;
  readonly num_cache: number;
  readonly num_inserts: number;
  readonly num_removes: number;
  readonly num_matches: number;
  readonly cache_hit_rate: number;
  readonly max_fanout: number;
  readonly avg_fanout: number;
}

/** Of several accounts together. */
export function interestStats(accounts: readonly Account[]): InterestStats {
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
