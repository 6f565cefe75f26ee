import type { Account } from "../broker/account.ts";
import type { JetStreamAccount } from "./account.ts";
import { Api } from "./api/api.ts";
import { AckReceiver } from "./ack-receiver.ts";
import { ApiWithout } from "./api/api-without.ts";
import { SystemApi } from "./api/system-api.ts";
import type { JetStream } from "./jetstream.ts";
import { StallRounds } from "./stall-rounds.ts";
import type { ApiCounts } from "./usage.ts";

/** What an account's JetStream is asked by: the API, acknowledgements. */
export interface Services {
  /** How often the API was asked; null: there is no JetStream, and whoever asks is told so. */
  readonly counts: ApiCounts | null;
  /** Nothing is answered any more. */
  close(): void;
}

/** Begins to answer in an account that has JetStream. */
export function openServices(owner: JetStreamAccount): Services {
  const { account, pushInterest } = owner;
  const acks = new AckReceiver(owner);
  acks.open();
  account.onInterest = (subject) => pushInterest.onInterest(subject);
  const stalls = new StallRounds(owner);
  stalls.start();
  const api = new Api(owner);
  return {
    counts: api.counts,
    close() {
      api.close();
      acks.close();
      stalls.stop();
      account.onInterest = null;
    },
  };
}

/** Begins to answer in an account that has none; null where an import is there for what would be asked. */
export function openServicesWithout(account: Account, jetStream: JetStream): Services | null {
  const isSystem = account === account.broker.systemAccount;
  if (!isSystem && isImported(account)) return null;
  const api = isSystem
    ? new SystemApi(account, jetStream)
    : new ApiWithout(account, () => jetStream.settings.strict);
  return { counts: null, close: () => api.close() };
}

const INFO = "$JS.API.INFO";

/** Whether the account asks another one. */
function isImported(account: Account): boolean {
  const { imports } = account.broker.accounts.configOf(account.name);
  return imports.some((wanted) => wanted.kind === "service" && covers(wanted.to || wanted.subject, INFO));
}

/** Whether `pattern` takes `subject`, which has no wildcards. */
function covers(pattern: string, subject: string): boolean {
  const wanted = pattern.split(".");
  const tokens = subject.split(".");
  if (wanted.at(-1) === ">" ? tokens.length < wanted.length : tokens.length !== wanted.length) return false;
  return wanted.every((token, i) => token === "*" || token === ">" || token === tokens[i]);
}
