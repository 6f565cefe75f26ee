import type { Broker } from "../../broker/broker.ts";
import type { JetStreamAccount } from "../../jetstream/account.ts";
import type { JetStream } from "../../jetstream/jetstream.ts";
import { formatTime } from "../format.ts";
import {
  jetStreamConfig,
  type JetStreamConfigView,
  jetStreamLimits,
  type JetStreamLimitsView,
  type JetStreamStats,
  jetStreamStats,
} from "./jetstream-stats.ts";
import type { JszAccount } from "./jsz-account.ts";

/** Accounts in one answer where nothing is said. */
const LIMIT_DEFAULT = 1_024;

/** What is asked of /jsz. */
export interface JszQuery {
  /** Only the leader is to answer, which a server alone is as long as it has JetStream. */
  readonly leaderOnly: boolean;
  /** Of one account; empty: of none in particular. */
  readonly account: string;
  readonly accounts: boolean;
  readonly streams: boolean;
  readonly consumers: boolean;
  /** Those of mirrors and sources as well. */
  readonly directConsumers: boolean;
  readonly config: boolean;
  readonly raft: boolean;
  /** Of the accounts. A limit of 0 is the default, a negative one none. */
  readonly offset: number;
  readonly limit: number;
}

/** The answer of /jsz. Fields stand in the reference's order; one that is undefined is left out. Sizes are bytes. */
export interface Jsz extends JetStreamStats {
  readonly server_id: string;
  readonly now: string;
  /** There is no JetStream, and everything else 0. */
  readonly disabled: true | undefined;
  readonly config: JetStreamConfigView;
  readonly limits: JetStreamLimitsView | undefined;
  readonly streams: number;
  readonly streams_leader: number | undefined;
  readonly consumers: number;
  readonly consumers_leader: number | undefined;
  readonly messages: number;
  readonly bytes: number;
  readonly account_details: readonly JszAccount[] | undefined;
  /** Accounts. */
  readonly total: number;
}

/** Why there is no answer, for those whom that concerns. */
const NOT_LEADER = "filtered response: not leader";

/** Tells about JetStream; a server without it leads nothing, and says so where only the leader is asked. */
export function jsz(
  broker: Broker,
  jetStream: JetStream | null,
  query: JszQuery,
): Jsz | { readonly problem: string } | Promise<Jsz> {
  if (jetStream === null) return query.leaderOnly ? { problem: NOT_LEADER } : disabled(broker);
  const asked = askedAccounts(jetStream, query);
  if (asked.length === 0) return view(broker, jetStream, query, undefined);
  // Loaded when somebody asks: a server without JetStream never does.
  return import("./jsz-account.ts").then(({ jszAccount }) => {
    const wanted = { ...query, streams: query.streams || query.consumers };
    const details = asked.map((owner) => jszAccount(owner, wanted));
    return view(broker, jetStream, query, details);
  });
}

function view(
  broker: Broker,
  jetStream: JetStream,
  query: JszQuery,
  details: readonly JszAccount[] | undefined,
): Jsz {
  const totals = totalsOf(jetStream);
  return {
    ...jetStreamStats(jetStream),
    server_id: broker.serverId,
    now: formatTime(broker.clock.nowMs()),
    disabled: undefined,
    config: jetStreamConfig(jetStream),
    limits: jetStreamLimits(jetStream),
    streams: totals.streams,
    streams_leader: query.raft ? totals.streams || undefined : undefined,
    consumers: totals.consumers,
    consumers_leader: query.raft ? totals.consumers || undefined : undefined,
    messages: totals.messages,
    bytes: totals.bytes,
    account_details: details,
    total: jetStream.accounts.size,
  };
}

/** Whom details are wanted of. One that has no JetStream counts as if nobody in particular had been asked for. */
function askedAccounts(jetStream: JetStream, query: JszQuery): readonly JetStreamAccount[] {
  const { account, limit, offset } = query;
  const asked = jetStream.accounts.get(account);
  if (asked !== undefined) return [asked];
  const wantsStreams = query.streams || query.consumers;
  if (!query.accounts && !(wantsStreams && account === "")) return [];
  const all = [...jetStream.accounts.values()];
  if (limit < 0) return all;
  const start = Math.max(offset, 0);
  const byName = all.sort((a, b) => (a.account.name < b.account.name ? -1 : 1));
  return byName.slice(start, start + (limit || LIMIT_DEFAULT));
}

function totalsOf({ accounts }: JetStream): Record<"streams" | "consumers" | "messages" | "bytes", number> {
  const totals = { streams: 0, consumers: 0, messages: 0, bytes: 0 };
  for (const { streams } of accounts.values()) {
    totals.streams += streams.size;
    for (const { consumers, store } of streams.values()) {
      totals.consumers += consumers.size;
      totals.messages += store.state.messages;
      totals.bytes += store.state.bytes;
    }
  }
  return totals;
}

function disabled(broker: Broker): Jsz {
  return {
    memory: 0,
    storage: 0,
    reserved_memory: 0,
    reserved_storage: 0,
    accounts: 0,
    ha_assets: 0,
    api: { level: 0, total: 0, errors: 0 },
    server_id: broker.serverId,
    now: formatTime(broker.clock.nowMs()),
    disabled: true,
    config: { max_memory: 0, max_storage: 0 },
    limits: undefined,
    streams: 0,
    streams_leader: undefined,
    consumers: 0,
    consumers_leader: undefined,
    messages: 0,
    bytes: 0,
    account_details: undefined,
    total: 0,
  };
}
