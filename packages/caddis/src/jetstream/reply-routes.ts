import type { Account, Receivers } from "../broker/account.ts";
import { isSubset, subjectsCollide } from "../subject/overlap.ts";

/** Replies of one family that are looked up each before their family is. */
const LOOKED_UP_MIN = 32;
/** Families that are remembered at a time: so many clients may take turns. A power of two. */
const FAMILIES_MAX = 8;

const DOT = 0x2e;
const STAR = 0x2a;
const ANGLE = 0x3e;

/** Reply subjects that differ only in their last token. */
interface ReplyFamily {
  /** What they begin with, the last dot included. */
  readonly prefix: string;
  /** How many of them were looked up since the family was last tried, or came. */
  run: number;
  /** The answer for all of them; null: not known, or there is none. */
  receivers: Receivers | null;
}

/**
 * Who gets what is sent to reply subjects. A client that asks or publishes much gives each message a reply subject of
 * its own, `_INBOX.<its own>.<a number>`, and has one subscription for all of them. Where interest treats all subjects
 * alike that differ only in their last token, the answer for one is that for the next, until interest changes.
 */
export class ReplyRoutes {
  readonly #account: Account;
  /** Each in the place of its prefix, where another one drives it out. */
  readonly #families: (ReplyFamily | null)[] = [];

  constructor(account: Account) {
    this.#account = account;
  }

  /** Who gets a message to `buf[0, end)`; good until interest changes. */
  find(buf: Buffer, end: number): Receivers {
    const { sublist } = this.#account;
    const prefixEnd = lastTokenStart(buf, end);
    // Not by way of the cache of answers: what is asked once would drive out what is asked again.
    if (prefixEnd === 0) return sublist.matchApart(buf.latin1Slice(0, end));
    const family = this.#familyOf(buf, prefixEnd);
    const known = family.receivers;
    if (known !== null && sublist.isCurrent(known)) {
      sublist.matchCount++;
      return known;
    }
    const receivers = sublist.matchApart(buf.latin1Slice(0, end));
    family.receivers = this.#isTried(family) && this.#isAlike(family.prefix) ? receivers : null;
    return receivers;
  }

  #familyOf(buf: Buffer, prefixEnd: number): ReplyFamily {
    const families = this.#families;
    const place = placeOf(buf, prefixEnd);
    const family = families[place] ?? null;
    if (family !== null && isText(family.prefix, buf, prefixEnd)) return family;
    while (families.length < place) families.push(null);
    return (families[place] = { prefix: buf.latin1Slice(0, prefixEnd), run: 0, receivers: null });
  }

  /** Whether it is time to see if one answer is good for all: looking through all interest costs no more than the look-ups that led to it. */
  #isTried(family: ReplyFamily): boolean {
    if (++family.run < LOOKED_UP_MIN + this.#account.sublist.count) return false;
    family.run = 0;
    return true;
  }

  /** Whether each subscription takes all subjects with the prefix or none of them. */
  #isAlike(prefix: string): boolean {
    const all = `${prefix}*`;
    let isAlike = true;
    this.#account.sublist.forEach(({ subject }) => {
      if (!isAlike || !mayBegin(subject, prefix)) return;
      if (subjectsCollide(subject, all) && !isSubset(all, subject)) isAlike = false;
    });
    return isAlike;
  }
}

/** Whether a subscription may take what begins with `prefix`: a quick look, since others have a million of them. */
function mayBegin(subject: string, prefix: string): boolean {
  for (let i = 0; i < prefix.length; i++) {
    const code = subject.charCodeAt(i);
    const wanted = prefix.charCodeAt(i);
    // From the first wildcard on tokens count, not letters. In a reply subject what looks like one is text.
    if (code === STAR || code === ANGLE || wanted === STAR || wanted === ANGLE) return true;
    if (code !== wanted) return false;
  }
  return true;
}

/** Where the last token of `buf[0, end)` starts, if it has bytes and another before it; else 0. */
function lastTokenStart(buf: Buffer, end: number): number {
  let start = end;
  while (start > 0 && buf[start - 1] !== DOT) start--;
  return start === end ? 0 : start;
}

/** By the last bytes before the dot: inboxes begin alike. */
function placeOf(buf: Buffer, prefixEnd: number): number {
  let sum = 0;
  for (let i = Math.max(0, prefixEnd - 4); i < prefixEnd - 1; i++) sum = 31 * sum + buf[i];
  return (sum ^ (sum >>> 8)) & (FAMILIES_MAX - 1);
}

/** Whether `buf[0, end)` is the wire string `text`. */
function isText(text: string, buf: Buffer, end: number): boolean {
  if (text.length !== end) return false;
  // From the end, where they differ.
  for (let i = end - 1; i >= 0; i--) if (text.charCodeAt(i) !== buf[i]) return false;
  return true;
}
