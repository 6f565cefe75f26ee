import { goQuote } from "../../base/go-quote.ts";
import { accountDetail } from "../views/account-detail.ts";
import { accountStat } from "../account-stat.ts";
import { leafz } from "../views/leafz.ts";
import { subsz } from "../views/subsz.ts";
import { formatTime } from "../format.ts";
import type { Account } from "../../broker/account.ts";
import type { Broker } from "../../broker/broker.ts";
import type { RequestBody } from "./request-body.ts";
import type { RequestedServer } from "./requested-server.ts";
import { type Answer, connzInTurns, connzQuery, jszQuery, subszQuery } from "./server-questions.ts";

/** As `Question`, about the account called `account`, a text that comes from a subject. */
export type AccountQuestion = (server: RequestedServer, body: RequestBody, account: string) => Answer;

/** Questions that `$SYS.REQ.ACCOUNT.<account>.X` asks, by their last token. */
export const ACCOUNT_QUESTIONS: ReadonlyMap<string, AccountQuestion> = new Map<string, AccountQuestion>([
  [
    "SUBSZ",
    ({ broker }, body, account) => subsz(broker, { ...subszQuery(body), subscriptions: true, account }),
  ],
  ["CONNZ", ({ broker }, body, account) => connzInTurns(broker, { ...connzQuery(body), account })],
  ["LEAFZ", ({ broker }) => leafz(broker)],
  ["JSZ", answerJsz],
  ["INFO", answerInfo],
  ["STATZ", answerStatz],
]);

/** In subjects "PING" stands for all accounts, and is no account then. */
const ALL_ACCOUNTS = "PING";

function answerJsz({ broker, jetStream = null }: RequestedServer, body: RequestBody, name: string): Answer {
  const query = jszQuery(body);
  if (jetStream === null) return { problem: "jetstream not enabled" };
  if (broker.accounts.get(name) === undefined) return { problem: `account ${goQuote(name)} not found` };
  const owner = jetStream.accounts.get(name);
  if (owner === undefined) return { problem: `account ${goQuote(name)} not jetstream enabled` };
  // Loaded when somebody asks: a server without JetStream never does.
  return import("../views/jsz-account.ts").then(({ jszAccount }) => jszAccount(owner, query));
}

function answerInfo({ broker }: RequestedServer, _body: RequestBody, name: string): object {
  const account = broker.accounts.get(name);
  return account === undefined ? { problem: `Account ${name} does not exist` } : accountDetail(account);
}

function answerStatz({ broker }: RequestedServer, body: RequestBody, name: string): object | null {
  const withUnused = body.flag("include_unused");
  body.texts("accounts");
  return name === ALL_ACCOUNTS ? null : statz(broker, [name], withUnused);
}

/** `$SYS.REQ.ACCOUNT.PING.STATZ`: of the accounts that the body names, or of all. */
export function answerStatzOfAll({ broker }: RequestedServer, body: RequestBody): object | null {
  return statz(broker, body.texts("accounts"), body.flag("include_unused"));
}

/** Accounts without connections only `withUnused`; nothing is said when there is none to tell about. */
function statz(broker: Broker, names: readonly string[], withUnused: boolean): object | null {
  const asked = names.length === 0 ? [...broker.accounts] : names.flatMap((name) => known(broker, name));
  const accounts = withUnused ? asked : asked.filter(({ connectionCount }) => connectionCount > 0);
  if (accounts.length === 0 && !withUnused) return null;
  return {
    server_id: broker.serverId,
    now: formatTime(broker.clock.nowMs()),
    account_statz: accounts.values().map(accountStat),
  };
}

function known(broker: Broker, name: string): readonly Account[] {
  const account = broker.accounts.get(name);
  return account === undefined ? [] : [account];
}
