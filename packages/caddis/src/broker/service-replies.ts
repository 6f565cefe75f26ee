import { serverHash } from "../auth/server-hash.ts";
import { INTEREST_SEARCH_BYTES, INTEREST_SEARCH_MS } from "../base/limits.ts";
import { Timer } from "../base/timer-queue.ts";
import { hasWildcard } from "../subject/subject.ts";
import type { Account } from "./account.ts";
import { randomName } from "./random-name.ts";
import { type Message, routedSubject } from "./message.ts";
import type { AwaitedAnswer } from "./service-answers.ts";
import { type Receiver, Subscription } from "./subscription.ts";

/** Where services answer: below this, a name of the account and one of the request; the reference's forms. */
const REPLY_PREFIX = "_R_.";
const NAME_LENGTH = 6;
/** What a look at a reply costs besides its length, in bytes of length. */
const LOOK_UP_BYTES = 64;

/** The two ends of awaited answers in one account: those that arrive here, and those that are waited for here. */
export class ServiceReplies implements Receiver {
  readonly #account: Account;
  /** `_R_.` and the account's name; empty before the first request. */
  #prefix = "";
  readonly #arriving = new Map<string, AwaitedAnswer>();
  /** By the reply subjects of requesters of this account. */
  readonly #awaited = new Map<string, Set<AwaitedAnswer>>();
  readonly #search = new Timer(() => this.#dropUnwanted());
  /** How far the search for answers that nobody waits for has come; null: there is none under way. */
  #walk: Iterator<string> | null = null;
  /** Interest was lost behind the search: it has to begin again. */
  #mustSearchAgain = false;

  constructor(account: Account) {
    this.#account = account;
  }

  /** How many answers can arrive here. */
  get arrivingCount(): number {
    return this.#arriving.size;
  }

  /** A subject for an answer that arrives here; the reference marks those it measures. */
  makeSubject(isMeasured: boolean): string {
    const { broker } = this.#account;
    if (this.#prefix === "") {
      this.#prefix = `${REPLY_PREFIX}${randomName(broker.random, NAME_LENGTH)}.`;
      this.#account.sublist.insert(new Subscription(null, this, `${this.#prefix}>`, "", ""));
    }
    for (;;) {
      const name = this.#prefix + randomName(broker.random, NAME_LENGTH);
      const subject = isMeasured ? `${name}.${serverHash(broker.serverName)}.T` : name;
      if (!this.#arriving.has(subject)) return subject;
    }
  }

  add(answer: AwaitedAnswer): void {
    this.#arriving.set(answer.subject, answer);
  }

  has(answer: AwaitedAnswer): boolean {
    return this.#arriving.has(answer.subject);
  }

  delete(answer: AwaitedAnswer): void {
    this.#arriving.delete(answer.subject);
  }

  addAwaited(answer: AwaitedAnswer): void {
    const others = this.#awaited.get(answer.reply);
    if (others === undefined) this.#awaited.set(answer.reply, new Set([answer]));
    else others.add(answer);
  }

  deleteAwaited(answer: AwaitedAnswer): void {
    const answers = this.#awaited.get(answer.reply);
    if (answers?.delete(answer) === true && answers.size === 0) this.#awaited.delete(answer.reply);
  }

  receive(message: Message): boolean {
    const answer = this.#arriving.get(routedSubject(message));
    return answer !== undefined && answer.receive(message);
  }

  /** A subscription to `subject` has ended: answers that nobody waits for any more are given up. */
  onUnsubscribed(subject: string): void {
    if (this.#awaited.size === 0) return;
    if (!hasWildcard(subject)) this.#dropIfUnwanted(subject);
    else if (this.#walk !== null) this.#mustSearchAgain = true;
    else if (!this.#search.isSet) this.#account.broker.timers.setIn(this.#search, INTEREST_SEARCH_MS);
  }

  /** The account is no more. */
  end(): void {
    this.#account.broker.timers.cancel(this.#search);
    for (const answer of this.#arriving.values()) answer.close();
    for (const answers of this.#awaited.values()) for (const answer of answers) answer.close();
  }

  /** Some in each turn: requesters choose how many there are, and nobody else should wait for them. */
  #dropUnwanted(): void {
    const { timers } = this.#account.broker;
    const walk = (this.#walk ??= this.#awaited.keys());
    for (let left = INTEREST_SEARCH_BYTES; left > 0;) {
      const { value, done } = walk.next();
      if (done === true) {
        this.#walk = null;
        if (this.#mustSearchAgain) timers.setIn(this.#search, INTEREST_SEARCH_MS);
        this.#mustSearchAgain = false;
        return;
      }
      left -= value.length + LOOK_UP_BYTES;
      this.#dropIfUnwanted(value);
    }
    timers.setIn(this.#search, 0);
  }

  #dropIfUnwanted(reply: string): void {
    const answers = this.#awaited.get(reply);
    if (answers === undefined || !this.#account.sublist.matchApart(reply).isEmpty) return;
    for (const answer of answers) answer.onInterestLost();
  }
}
