import type { Broker } from "../../broker/broker.ts";
import { formatTime } from "../format.ts";
import { type AccountDetail, accountDetail } from "./account-detail.ts";

/** The answer of /accountz: all accounts by name, or one in detail. */
export interface Accountz {
  readonly server_id: string;
  readonly now: string;
  readonly system_account: string | undefined;
  readonly accounts: readonly string[] | undefined;
  readonly account_detail: AccountDetail | undefined;
}

/** Lists the accounts, or tells about the one that is `asked` for, or says that there is none of that name. */
export function accountz(broker: Broker, asked: string): Accountz | { readonly problem: string } {
  const account = broker.accounts.get(asked);
  if (asked !== "" && account === undefined) return { problem: `Account ${asked} does not exist` };
  return {
    server_id: broker.serverId,
    now: formatTime(broker.clock.nowMs()),
    system_account: broker.systemAccount?.name,
    accounts: asked === "" ? Array.from(broker.accounts, ({ name }) => name) : undefined,
    account_detail: account === undefined ? undefined : accountDetail(account),
  };
}
