import { DEFAULT_RESPONSE_MAX } from "../config/permissions.ts";
import type { Permissions, ResponseRule, SubjectRules } from "../config/permissions.ts";
import { hasWildcard } from "../subject/subject.ts";
import { queueMatches, subjectsOverlap } from "./authorizer-overlap.ts";
import { firstForQueue, firstOf, isOpenEnded, readRules, RuleList } from "./authorizer-rules.ts";
import type { Decision, Direction, Rule } from "./authorizer-rules.ts";
import { DecisionCache, NO_OWNER } from "./decision-cache.ts";

export type { Decision } from "./authorizer-rules.ts";

/** Queue groups whose deliveries are remembered; those of more are decided each time. Clients choose the names. */
const QUEUE_OWNERS_MAX = 256;

/** The rules of one direction, and what is decided where none of them does. */
interface Lists {
  readonly direction: Direction;
  /** Null: everything. */
  readonly allow: RuleList | null;
  /** Null: nothing. */
  readonly deny: RuleList | null;
  readonly open: Decision;
  readonly notAllowed: Decision;
  readonly queueNotAllowed: Decision;
}

/**
 * What a connection may do, compiled once and shared by all connections with the same permissions.
 * Subjects and queues are wire strings; the empty queue is a plain subscription.
 */
export class Authorizer {
  readonly permissions: Permissions;
  /** Null: answers need permission like any other message. */
  readonly responses: ResponseRule | null;
  readonly #publish: Lists;
  readonly #subscribe: Lists;
  readonly #cache: DecisionCache;
  readonly #publishOwner: number;
  readonly #plainOwner: number;
  readonly #queueOwners = new Map<string, number>();

  /** `cache`: where decisions are remembered; best one for all authorizers of a server, since it is bounded. */
  constructor(permissions: Permissions, cache: DecisionCache = new DecisionCache()) {
    const { publish, subscribe, responses } = permissions;
    this.permissions = permissions;
    this.responses = responses === null ? null : withDefaultMax(responses);
    // Whoever may answer may publish nothing else, unless a list says so.
    const closed = responses !== null && publish.allow === null;
    this.#publish = compile("publish", closed ? { ...publish, allow: [] } : publish, responses !== null);
    this.#subscribe = compile("subscribe", subscribe, false);
    this.#cache = cache;
    this.#publishOwner = cache.newOwner();
    this.#plainOwner = cache.newOwner();
  }

  /** Whether a message may be published to the subject `buf[start, end)`. Without answers, see `ResponsePermits`. */
  mayPublish(buf: Buffer, start: number, end: number): boolean {
    const lists = this.#publish;
    if (lists.allow === null && lists.deny === null) return true;
    const owner = this.#publishOwner;
    const known = this.#cache.find(owner, buf, start, end);
    if (known !== null) return known;
    const { allowed } = decide(lists, buf.latin1Slice(start, end), "");
    this.#cache.keep(owner, buf, start, end, allowed);
    return allowed;
  }

  /** Whether one may subscribe to `subject` as a member of `queue`. */
  maySubscribe(subject: string, queue: string): boolean {
    return decide(this.#subscribe, subject, queue).allowed;
  }

  /**
   * Whether deliveries to a subscription that was allowed have to be asked about one by one, with
   * `mayDeliver`: a deny rule lies inside its subject. One without wildcards never needs it, as long as
   * the subject it gets is its own.
   */
  needsScreening(subject: string, queue: string): boolean {
    const { deny } = this.#subscribe;
    if (deny === null || !hasWildcard(subject)) return false;
    return deny.rules.some((rule) => isAbout(rule, queue) && subjectsOverlap(rule.subject, subject));
  }

  /** Whether a message with the subject `buf[start, end)`, as it would be delivered, may go to a member of `queue`. */
  mayDeliver(buf: Buffer, start: number, end: number, queue: string): boolean {
    const { deny } = this.#subscribe;
    if (deny === null) return true;
    const owner = queue === "" || !deny.hasQueues ? this.#plainOwner : this.#ownerOf(queue);
    const known = this.#cache.find(owner, buf, start, end);
    if (known !== null) return known;
    const allowed = denying(deny, buf.latin1Slice(start, end), queue) === null;
    this.#cache.keep(owner, buf, start, end, allowed);
    return allowed;
  }

  /** What `mayPublish` says and why. */
  explainPublish(subject: string): Decision {
    return decide(this.#publish, subject, "");
  }

  /** What `maySubscribe` says and why. */
  explainSubscribe(subject: string, queue: string): Decision {
    return decide(this.#subscribe, subject, queue);
  }

  #ownerOf(queue: string): number {
    const known = this.#queueOwners.get(queue);
    if (known !== undefined) return known;
    if (this.#queueOwners.size >= QUEUE_OWNERS_MAX) return NO_OWNER;
    const owner = this.#cache.newOwner();
    this.#queueOwners.set(queue, owner);
    return owner;
  }
}

/**
 * The one function that decides. A deny rule goes before every allow rule, whichever of them is about a
 * queue.
 */
function decide(lists: Lists, subject: string, queue: string): Decision {
  const { allow, deny } = lists;
  const denied = deny === null ? null : denying(deny, subject, queue);
  if (denied !== null) return denied.decision;
  if (allow === null) return lists.open;
  const found = allow.about(subject);
  // `foo.*` is about a subscription to `foo.>`, but must not allow it: that reaches `foo.a.b` as well.
  const openEnded = lists.direction === "subscribe" && isOpenEnded(subject);
  // Where rules name queues for a subject, members of other queues have no right to it.
  if (queue !== "" && found.queues.length > 0) {
    return firstForQueue(found.queues, queue, openEnded)?.decision ?? lists.queueNotAllowed;
  }
  return firstOf(found.plain, openEnded)?.decision ?? lists.notAllowed;
}

/** The rule that denies `subject` to a member of `queue`: by its subject alone, or by the queue as well. */
function denying(deny: RuleList, subject: string, queue: string): Rule | null {
  const found = deny.about(subject);
  return firstOf(found.plain, false) ?? (queue === "" ? null : firstForQueue(found.queues, queue, false));
}

function isAbout(rule: Rule, queue: string): boolean {
  return rule.queue === "" || (queue !== "" && queueMatches(queue, rule.queue));
}

function compile(direction: Direction, rules: SubjectRules, canAnswer: boolean): Lists {
  const { allow, deny } = rules;
  const exception = canAnswer ? ", except as an answer to a request" : "";
  const refused = (reason: string): Decision => ({ allowed: false, rule: null, reason });
  return {
    direction,
    allow: allow === null ? null : new RuleList(readRules(direction, "allow", allow)),
    deny: deny.length === 0 ? null : new RuleList(readRules(direction, "deny", deny)),
    open: {
      allowed: true,
      rule: null,
      reason: `there is no ${direction} allow list and no deny rule covers it`,
    },
    notAllowed: refused(`no ${direction} allow rule covers it${exception}`),
    queueNotAllowed: refused(`${direction} allow rules name queues for it, and this is none of them`),
  };
}

/** Zero messages would be no permission at all; it stands for the default, as in the reference. */
function withDefaultMax(rule: ResponseRule): ResponseRule {
  return rule.max === 0 ? { ...rule, max: DEFAULT_RESPONSE_MAX } : rule;
}
