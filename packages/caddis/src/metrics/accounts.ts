import { mapped, sorted, type Steps } from "../base/steps.ts";
import type { Account } from "../broker/account.ts";
import type { Broker } from "../broker/broker.ts";
import { accountStat } from "../system/account-stat.ts";
import type { Labels, NumberFamily } from "./family.ts";

/** Accounts with figures of their own: those with the most traffic. Nine series each. */
export const NAMED_ACCOUNTS_MAX = 50;

/** What stands for all others together. An account that is called so is one of them. */
export const OTHER_ACCOUNTS = "(other)";

/** What an account has done so far. */
interface Work {
  readonly sentMessages: number;
  readonly sentBytes: number;
  readonly receivedMessages: number;
  readonly receivedBytes: number;
  readonly slowConsumers: number;
}

/** One account, or all others together. */
interface Figures extends Work {
  readonly label: string;
  readonly shownName: string;
  readonly connections: number;
  readonly subscriptions: number;
}

const NO_WORK: Work = {
  sentMessages: 0,
  sentBytes: 0,
  receivedMessages: 0,
  receivedBytes: 0,
  slowConsumers: 0,
};

/** The exporter's names; what it has no figure of is 0. */
const FAMILIES: readonly (readonly [name: string, help: string, of: (figures: Figures) => number])[] = [
  ["current_connections", "Connections of the account", ({ connections }) => connections],
  ["total_connections", "Connections of the account", ({ connections }) => connections],
  ["subscriptions", "Subscriptions in the account", ({ subscriptions }) => subscriptions],
  ["leaf_nodes", "Leaf nodes of the account", () => 0],
  ["sent_messages", "Messages to clients of the account", ({ sentMessages }) => sentMessages],
  ["sent_bytes", "Payload bytes to clients of the account", ({ sentBytes }) => sentBytes],
  ["received_messages", "Messages from clients of the account", ({ receivedMessages }) => receivedMessages],
  ["received_bytes", "Payload bytes from clients of the account", ({ receivedBytes }) => receivedBytes],
  [
    "slow_consumers",
    "How often a client of the account did not keep up",
    ({ slowConsumers }) => slowConsumers,
  ],
];

/**
 * Figures by account: of a few of them, and of the rest together. Who is among the few changes, and so the rest's
 * work is counted by what came to it from one question to the next: it never goes down, which would look as if it had
 * begun anew.
 */
export class AccountFigures {
  readonly #broker: Broker;
  /** What each account had done by the last question. */
  readonly #last = new WeakMap<Account, Work>();
  #restWork = NO_WORK;

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  /** The exporter's figures about accounts. */
  *families(prefix: string, labels: Labels): Steps<NumberFamily[]> {
    const all = yield* mapped([...this.#broker.accounts], (account) => ({
      account,
      figures: figuresOf(account),
    }));
    const ranked = yield* sorted(all, (a, b) => rank(b.figures) - rank(a.figures));
    const others = ranked.slice(NAMED_ACCOUNTS_MAX);
    for (const { account, figures } of others) {
      const last = this.#last.get(account) ?? NO_WORK;
      this.#restWork = plus(this.#restWork, difference(figures, last));
    }
    for (const { account, figures } of all) this.#last.set(account, figures);
    const rows = ranked.slice(0, NAMED_ACCOUNTS_MAX).map(({ figures }) => figures);
    if (others.length > 0) rows.push(this.#rest(others.map(({ figures }) => figures)));
    return FAMILIES.map(([name, help, of]) => ({
      type: "gauge",
      name: `${prefix}_accstatz_${name}`,
      help,
      samples: rows.map((figures) => ({
        labels: { ...labels, ...accountLabels(figures) },
        value: of(figures),
      })),
    }));
  }

  #rest(others: readonly Figures[]): Figures {
    return {
      ...this.#restWork,
      label: OTHER_ACCOUNTS,
      shownName: OTHER_ACCOUNTS,
      connections: others.reduce((sum, { connections }) => sum + connections, 0),
      subscriptions: others.reduce((sum, { subscriptions }) => sum + subscriptions, 0),
    };
  }
}

function figuresOf(account: Account): Figures {
  const { acc, name, conns, num_subscriptions, sent, received, slow_consumers } = accountStat(account);
  return {
    label: acc,
    shownName: name,
    connections: conns,
    subscriptions: num_subscriptions,
    sentMessages: sent.msgs,
    sentBytes: sent.bytes,
    receivedMessages: received.msgs,
    receivedBytes: received.bytes,
    slowConsumers: slow_consumers,
  };
}

/** Bytes both ways; one without any counts by its connections. Whoever is called like the rest comes last, and so into it. */
function rank({ label, sentBytes, receivedBytes, connections }: Figures): number {
  return label === OTHER_ACCOUNTS ? -1 : sentBytes + receivedBytes + connections;
}

function accountLabels({ label, shownName }: Figures): Labels {
  return { account: label, account_id: label, account_name: shownName };
}

function plus(a: Work, b: Work): Work {
  return {
    sentMessages: a.sentMessages + b.sentMessages,
    sentBytes: a.sentBytes + b.sentBytes,
    receivedMessages: a.receivedMessages + b.receivedMessages,
    receivedBytes: a.receivedBytes + b.receivedBytes,
    slowConsumers: a.slowConsumers + b.slowConsumers,
  };
}

function difference(a: Work, b: Work): Work {
  return {
    sentMessages: a.sentMessages - b.sentMessages,
    sentBytes: a.sentBytes - b.sentBytes,
    receivedMessages: a.receivedMessages - b.receivedMessages,
    receivedBytes: a.receivedBytes - b.receivedBytes,
    slowConsumers: a.slowConsumers - b.slowConsumers,
  };
}
