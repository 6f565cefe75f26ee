import { Timer } from "../../base/timer-queue.ts";
import type { Account } from "../../broker/account.ts";
import type { Broker } from "../../broker/broker.ts";
import { accountStat } from "../account-stat.ts";
import type { Announcer } from "./announcer.ts";

/** How often an account's numbers are told when nothing changes; the reference's interval. */
const HEARTBEAT_MS = 30_000;

/** Tells how many connections each account has: when that changes, and now and then while there are any. */
export class AccountHeartbeats {
  readonly #broker: Broker;
  readonly #announcer: Announcer;
  readonly #timers = new Map<Account, Timer>();

  constructor(broker: Broker, announcer: Announcer) {
    this.#broker = broker;
    this.#announcer = announcer;
  }

  /** The number has changed. Nobody is told of the global account's, as in the reference. */
  onConnectionCount(account: Account): void {
    if (account === this.#broker.globalAccount || this.#broker.systemAccount === null) return;
    this.#tell(account);
  }

  /** Tells those who ask, at `subject`, a text. */
  tellTo(account: Account, subject: string): void {
    this.#announce(account, [subject]);
  }

  #tell(account: Account): void {
    const { name } = account;
    // The first is what older tools know.
    this.#announce(account, [`$SYS.SERVER.ACCOUNT.${name}.CONNS`, `$SYS.ACCOUNT.${name}.SERVER.CONNS`]);
    this.#schedule(account);
  }

  #announce(account: Account, subjects: readonly string[]): void {
    const system = this.#broker.systemAccount;
    this.#announcer.announce(system, "account_connections", subjects, (server) => ({
      server,
      ...accountStat(account),
    }));
  }

  #schedule(account: Account): void {
    const { timers } = this.#broker;
    const present = this.#timers.get(account);
    if (account.connectionCount === 0) {
      if (present !== undefined) timers.cancel(present);
      this.#timers.delete(account);
      return;
    }
    const timer = present ?? new Timer(() => this.#tell(account));
    this.#timers.set(account, timer);
    timers.setIn(timer, HEARTBEAT_MS);
  }
}
