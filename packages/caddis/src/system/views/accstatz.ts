import type { Broker } from "../../broker/broker.ts";
import { type AccountStat, accountStat } from "../account-stat.ts";
import { formatTime } from "../format.ts";

/** The answer of /accstatz. Accounts are listed while the answer is written. */
export interface Accstatz {
  readonly server_id: string;
  readonly now: string;
  readonly account_statz: Iterable<AccountStat>;
}

/** What goes on in each account that has connections; with `withUnused` in all of them. */
export function accstatz(broker: Broker, withUnused: boolean): Accstatz {
  const accounts = [...broker.accounts].filter(({ connectionCount }) => withUnused || connectionCount > 0);
  return {
    server_id: broker.serverId,
    now: formatTime(broker.clock.nowMs()),
    account_statz: accounts.values().map(accountStat),
  };
}
