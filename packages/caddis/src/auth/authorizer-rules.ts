import { Interested } from "../subject/interested.ts";
import { MatchResult } from "../subject/match-result.ts";
import { hasWildcard, isValidConfiguredSubject, isValidSubject, toWireString } from "../subject/subject.ts";
import { WildcardTrie } from "../subject/wildcard-trie.ts";
import { queueMatches } from "./authorizer-overlap.ts";

/** An answer to "may it?" with the rule that gave it. Texts are as configured, not wire strings. */
export interface Decision {
  readonly allowed: boolean;
  /** Null: no rule is about it. `subject` is the rule's text, with its queue if it has one. */
  readonly rule: { readonly list: "allow" | "deny"; readonly subject: string } | null;
  readonly reason: string;
}

export type Direction = "publish" | "subscribe";

/**
 * What separates a rule's subject from its queue: white space in the sense of the language of the
 * reference, which takes more characters for it than the protocol and JavaScript do.
 */
const SPACES = /[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/;

/** One line of a list. Subject and queue are wire strings; the empty queue means it is about plain subjects. */
export class Rule extends Interested {
  /** Its place in the list: of several rules that decide alike the first is named. */
  readonly index: number;
  readonly isOpenEnded: boolean;
  /** What is decided where this rule decides. */
  readonly decision: Decision;

  constructor(subject: string, queue: string, index: number, decision: Decision) {
    super(subject, queue);
    this.index = index;
    this.isOpenEnded = isOpenEnded(subject);
    this.decision = decision;
  }
}

/** The rules of one list, of which a subject's are found without looking at the others. */
export class RuleList {
  readonly rules: readonly Rule[];
  readonly hasQueues: boolean;
  readonly #literals = new Map<string, Rule[]>();
  readonly #wildcards = new WildcardTrie<Rule>();
  readonly #found = new MatchResult<Rule>();

  constructor(rules: readonly Rule[]) {
    this.rules = rules;
    this.hasQueues = rules.some((rule) => rule.queue !== "");
    for (const rule of rules) {
      if (hasWildcard(rule.subject)) {
        this.#wildcards.add(rule);
        continue;
      }
      const same = this.#literals.get(rule.subject);
      if (same === undefined) this.#literals.set(rule.subject, [rule]);
      else same.push(rule);
    }
  }

  /**
   * The rules about `subject`, which may have wildcards itself: a `*` of a rule stands for any token, be
   * it `*` or `>`. Valid until the next call.
   */
  about(subject: string): MatchResult<Rule> {
    const found = this.#found;
    found.reset(subject, 0, 0, 0);
    const literals = this.#literals.get(subject);
    if (literals !== undefined) for (const rule of literals) found.add(rule);
    if (this.#wildcards.size > 0 && !hasEmptyToken(subject)) this.#wildcards.collect(subject, found);
    found.finish();
    return found;
  }
}

/** Whether a subject stands for subjects of any length, as only one that ends in `>` does. */
export function isOpenEnded(subject: string): boolean {
  return subject === ">" || subject.endsWith(".>");
}

/** The first in the list of these rules; with `openEnded` only of those that are open-ended. */
export function firstOf(rules: readonly Rule[], openEnded: boolean): Rule | null {
  let first: Rule | null = null;
  for (const rule of rules) {
    if ((rule.isOpenEnded || !openEnded) && (first === null || rule.index < first.index)) first = rule;
  }
  return first;
}

/** As `firstOf`, of the rules that are about `queue`; each group is about one queue or queues with wildcards. */
export function firstForQueue(
  groups: readonly (readonly Rule[])[],
  queue: string,
  openEnded: boolean,
): Rule | null {
  const about = groups.filter((group) => queueMatches(queue, group[0].queue));
  return firstOf(about.flat(), openEnded);
}

/**
 * Reads a list of texts. Configurations and JWTs are checked before they come here; should a text be
 * unreadable nevertheless, it allows nothing in an allow list and denies everything in a deny list.
 */
export function readRules(
  direction: Direction,
  list: "allow" | "deny",
  texts: readonly string[],
): readonly Rule[] {
  return texts.flatMap((text, index) => {
    const read = direction === "publish" ? readPublish(text, list) : readSubscribe(text);
    if (read === null && list === "allow") return [];
    const reason =
      read === null
        ? `a ${direction} deny rule cannot be read, so that everything is denied`
        : `a ${direction} ${list} rule covers it`;
    const decision = { allowed: list === "allow", rule: { list, subject: text }, reason };
    const { subject, queue } = read ?? { subject: ">", queue: "" };
    return [new Rule(subject, queue, index, decision)];
  });
}

interface SubjectAndQueue {
  readonly subject: string;
  readonly queue: string;
}

/** Publishing knows no queues: a denial that names one is about its whole subject, as in the reference. */
function readPublish(text: string, list: "allow" | "deny"): SubjectAndQueue | null {
  if (isValidConfiguredSubject(text)) return { subject: toWireString(text), queue: "" };
  const read = list === "deny" ? readSubscribe(text) : null;
  return read === null ? null : { subject: read.subject, queue: "" };
}

function readSubscribe(text: string): SubjectAndQueue | null {
  const fields = text.split(SPACES).filter((field) => field !== "");
  if (fields.length === 0 || fields.length > 2) return null;
  if (!fields.every(isValidSubject)) return null;
  return { subject: toWireString(fields[0]), queue: toWireString(fields[1] ?? "") };
}

/** No rule is about a subject with an empty token. */
function hasEmptyToken(subject: string): boolean {
  return subject === "" || subject.startsWith(".") || subject.endsWith(".") || subject.includes("..");
}
