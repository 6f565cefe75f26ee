import type { Account } from "../broker/account.ts";

/** Messages and payload bytes. */
interface Amount {
  readonly msgs: number;
  readonly bytes: number;
}

/** With the parts that went over connections between servers; there are none. */
interface AmountByKind extends Amount {
  readonly gateways: Amount;
  readonly routes: Amount;
  readonly leafs: Amount;
}

/** What went on in an account, in /accstatz and in events. Fields stand in the reference's order. */
export interface AccountStat {
  readonly acc: string;
  readonly name: string;
  readonly conns: number;
  readonly leafnodes: 0;
  readonly total_conns: number;
  readonly num_subscriptions: number;
  /** By the server to its clients. */
  readonly sent: AmountByKind;
  readonly received: AmountByKind;
  readonly slow_consumers: number;
}

export function accountStat(account: Account): AccountStat {
  const { inMessages, inBytes, outMessages, outBytes } = account.traffic.total(
    account.broker.clock.monotonicMs(),
  );
  return {
    acc: account.name,
    name: account.shownName,
    conns: account.connectionCount,
    leafnodes: 0,
    total_conns: account.connectionCount,
    num_subscriptions: account.sublist.count,
    sent: byKind(outMessages, outBytes),
    received: byKind(inMessages, inBytes),
    slow_consumers: account.slowConsumerCount,
  };
}

function byKind(msgs: number, bytes: number): AmountByKind {
  const none = { msgs: 0, bytes: 0 };
  return { msgs, bytes, gateways: none, routes: none, leafs: none };
}
