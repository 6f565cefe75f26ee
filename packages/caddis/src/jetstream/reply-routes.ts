import type { Account, Receivers } from "../broker/account.ts";
import type { Subscription } from "../broker/subscription.ts";
import { MatchResult } from "../subject/match-result.ts";
import { isSubset, subjectsCollide } from "../subject/overlap.ts";

/** Replies of one family that are looked up each before their family is. */
const LOOKED_UP_MIN = 32;

const DOT = 0x2e;

/**
 * Who gets what is sent to reply subjects. A client that publishes much gives each message a reply subject of its own,
 * `_INBOX.<its own>.<a number>`, and has one subscription for all of them. Where interest treats all subjects alike that
 * differ only in their last token, the answer for one is that for the next, until interest changes.
 */
export class ReplyRoutes {
  readonly #account: Account;
  /** What the subjects begin with that were looked up last, the last dot included. */
  #prefix = "";
  /** How many of them there were in a row. */
  #run = 0;
  /** The answer for all of them; null: not known, or there is none. */
  #family: Receivers | null = null;

  constructor(account: Account) {
    this.#account = account;
  }

  /** Who gets a message to `buf[0, end)`; good until the next call. Not to be asked within the delivery of a message. */
  find(buf: Buffer, end: number): Receivers {
    const { sublist } = this.#account;
    const family = this.#family;
    if (family !== null && sublist.isCurrent(family) && this.#isPrefix(buf, end)) {
      sublist.matchCount++;
      return family;
    }
    const subject = buf.latin1Slice(0, end);
    this.#count(subject, buf, end);
    // Not by way of the cache of answers: what is asked once would drive out what is asked again.
    return this.#family ?? sublist.matchApart(subject);
  }

  #count(subject: string, buf: Buffer, end: number): void {
    this.#family = null;
    if (!this.#isPrefix(buf, end)) {
      this.#prefix = subject.slice(0, subject.lastIndexOf(".") + 1);
      this.#run = 0;
    }
    // Looking through all interest costs no more than the look-ups that led to it.
    if (++this.#run < LOOKED_UP_MIN + this.#account.sublist.count) return;
    this.#run = 0;
    if (this.#prefix !== "" && this.#isAlike())
      this.#family = copyOf(this.#account.sublist.match(buf, 0, end));
  }

  /** Whether the subject is `#prefix` and one more token. */
  #isPrefix(buf: Buffer, end: number): boolean {
    const prefix = this.#prefix;
    const { length } = prefix;
    if (end <= length || length === 0) return false;
    for (let i = 0; i < length; i++) if (prefix.charCodeAt(i) !== buf[i]) return false;
    for (let i = length; i < end; i++) if (buf[i] === DOT) return false;
    return true;
  }

  /** Whether each subscription takes all subjects with the prefix or none of them. */
  #isAlike(): boolean {
    const all = `${this.#prefix}*`;
    let isAlike = true;
    this.#account.sublist.forEach(({ subject }) => {
      if (isAlike && subjectsCollide(subject, all) && !isSubset(all, subject)) isAlike = false;
    });
    return isAlike;
  }
}

/** `result`, which the next look-up may change, as one that stays until interest changes. */
function copyOf(result: Receivers): Receivers {
  const copy = new MatchResult<Subscription>();
  copy.reset(result.subject, result.hash, result.bucket, result.generation);
  copy.plain.push(...result.plain);
  for (const group of result.queues) copy.queues.push([...group]);
  return copy;
}
