import * as fc from "fast-check";
import type { Permissions, SubjectRules } from "../../packages/caddis/src/config/permissions.ts";
import { subjectMatches } from "./subject-match.ts";

/**
 * The rules of permissions, written down as plainly as they can be: the measure for what the server
 * decides. Subjects and queues are ASCII here. Besides, policies and operations by chance: the tokens are few, so
 * that rules and operations often meet.
 */

/** Whose rules are meant: ours, or those of the reference, which differ in one case (see `allows`). */
export type Dialect = "caddis" | "reference";

interface NaiveRule {
  readonly subject: string;
  readonly queue: string;
}

function parse(text: string): NaiveRule {
  const [subject, queue = ""] = text.split(" ");
  return { subject, queue };
}

/** Whether a rule is about a subject that may have wildcards: `*` is any token, also `*` and `>`. */
function isAbout(rule: NaiveRule, subject: string): boolean {
  return subjectMatches(subject, rule.subject);
}

/** Whether every literal subject that `subject` stands for is one that `pattern` stands for. */
function coversAll(pattern: string, subject: string): boolean {
  const endless = (text: string): boolean => text.split(".").at(-1) === ">";
  return subjectMatches(subject, pattern) && (endless(pattern) || !endless(subject));
}

function isForQueue(rule: NaiveRule, queue: string): boolean {
  return rule.queue === queue || (rule.queue !== "" && coversAll(rule.queue, queue));
}

function denies(deny: readonly string[], subject: string, queue: string): boolean {
  return deny
    .map(parse)
    .filter((rule) => isAbout(rule, subject))
    .some((rule) => rule.queue === "" || (queue !== "" && isForQueue(rule, queue)));
}

/**
 * A rule must cover all of a subscription that it allows. To the reference it is enough that the rule is
 * about it, by which `foo.*` allows `foo.>`, and with it `foo.a.b`.
 */
function allows(allow: readonly string[], subject: string, queue: string, dialect: Dialect): boolean {
  const about = allow.map(parse).filter((rule) => isAbout(rule, subject));
  const good = about.filter((rule) => dialect === "reference" || coversAll(rule.subject, subject));
  const namesQueues = about.some((rule) => rule.queue !== "");
  if (queue === "" || !namesQueues) return good.some((rule) => rule.queue === "");
  return good.some((rule) => rule.queue !== "" && isForQueue(rule, queue));
}

function permits(rules: SubjectRules, subject: string, queue: string, dialect: Dialect): boolean {
  if (denies(rules.deny, subject, queue)) return false;
  return rules.allow === null || allows(rules.allow, subject, queue, dialect);
}

/** Whether a literal subject may be published to; an answer to a request may besides, see `NaiveResponses`. */
export function naiveMayPublish({ publish, responses }: Permissions, subject: string): boolean {
  const allow = publish.allow ?? (responses === null ? null : []);
  return permits({ ...publish, allow }, subject, "", "reference");
}

/** Whether a subscription is allowed; the empty queue is none. */
export function naiveMaySubscribe(
  { subscribe }: Permissions,
  subject: string,
  queue: string,
  dialect: Dialect = "caddis",
): boolean {
  return permits(subscribe, subject, queue, dialect);
}

/** Whether a message may be delivered to a member of `queue`, whatever its subscription. */
export function naiveMayDeliver({ subscribe }: Permissions, subject: string, queue: string): boolean {
  return !denies(subscribe.deny, subject, queue);
}

/** The answers that one connection may give: every request permits `max` of them for a time. */
export class NaiveResponses {
  readonly #rule: NonNullable<Permissions["responses"]>;
  readonly #requests: { readonly reply: string; readonly atMs: number }[] = [];
  #left = new Map<string, number>();

  constructor(rule: NonNullable<Permissions["responses"]>) {
    this.#rule = rule;
  }

  note(reply: string, nowMs: number): void {
    const before = this.#isOpen(reply, nowMs) ? (this.#left.get(reply) ?? 0) : 0;
    this.#requests.push({ reply, atMs: nowMs });
    this.#left.set(reply, this.#rule.max < 0 ? Infinity : before + this.#rule.max);
  }

  take(subject: string, nowMs: number): boolean {
    const left = this.#left.get(subject) ?? 0;
    if (left === 0 || !this.#isOpen(subject, nowMs)) return false;
    this.#left.set(subject, left - 1);
    return true;
  }

  #isOpen(reply: string, nowMs: number): boolean {
    const { expiresMs } = this.#rule;
    return this.#requests.some(
      (request) => request.reply === reply && (expiresMs <= 0 || nowMs - request.atMs <= expiresMs),
    );
  }
}

const token = fc.constantFrom("a", "b", "ab", "a*");
const patternToken = fc.oneof({ weight: 3, arbitrary: token }, { weight: 2, arbitrary: fc.constant("*") });

function dotted(tokens: fc.Arbitrary<string>, last: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.tuple(fc.array(tokens, { maxLength: 2 }), last).map(([head, tail]) => [...head, tail].join("."));
}

/** A subject without wildcards. */
export const literalSubject: fc.Arbitrary<string> = dotted(token, token);

/** A subject one may subscribe to, often with wildcards. */
export const subscribableSubject: fc.Arbitrary<string> = dotted(
  patternToken,
  fc.oneof({ weight: 2, arbitrary: patternToken }, { weight: 1, arbitrary: fc.constant(">") }),
);

/** A subject as PUB takes it: wildcards mean themselves. */
export const publishableSubject: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: literalSubject },
  { weight: 1, arbitrary: subscribableSubject },
);

const literalQueue = fc.constantFrom("q", "r", "q.x", "r.x", "q.*", "*", ">");
const queuePattern = fc.constantFrom("q", "r", "q.x", "q.*", "*.x", "*", ">", "q.>");

/** The queue of a subscription, often none. */
export const queueOrNone: fc.Arbitrary<string> = fc.oneof(fc.constant(""), literalQueue);

const subscribeRule = fc
  .tuple(subscribableSubject, fc.oneof(fc.constant(null), queuePattern))
  .map(([subject, queue]) => (queue === null ? subject : `${subject} ${queue}`));

function rulesOf(rule: fc.Arbitrary<string>): fc.Arbitrary<SubjectRules> {
  return fc.record({
    allow: fc.option(fc.array(rule, { minLength: 1, maxLength: 4 }), { freq: 3 }),
    deny: fc.array(rule, { maxLength: 3 }),
  });
}

/** Policies of all forms that a configuration can express. */
export const permissions: fc.Arbitrary<Permissions> = fc.record({
  publish: rulesOf(subscribableSubject),
  subscribe: rulesOf(subscribeRule),
  responses: fc.option(
    fc.record({ max: fc.constantFrom(-1, 1, 2), expiresMs: fc.constantFrom(-1, 120_000) }),
  ),
});

/** What a connection attempts. */
export type Operation =
  | { readonly kind: "publish"; readonly subject: string }
  | { readonly kind: "subscribe"; readonly subject: string; readonly queue: string };

/** Operations by chance. */
export const operation: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({ kind: fc.constant("publish" as const), subject: publishableSubject }),
  fc.record({ kind: fc.constant("subscribe" as const), subject: subscribableSubject, queue: queueOrNone }),
);
