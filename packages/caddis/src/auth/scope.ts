import { isValidConfiguredSubject, toWireString } from "../subject/subject.ts";
import type { UserScope } from "./claims/account.ts";
import type { UserClaims } from "./claims/claims.ts";
import type { Problem } from "./claims/fields.ts";
import type { SubjectPermission, UserPermissionLimits } from "./claims/permissions.ts";
import { combine, parseTemplate, type TemplatePart } from "./scope-template.ts";

/** Most subjects a list may grow to: tags of several names multiply. As in the reference. */
export const EXPANSIONS_MAX = 4_096;

/** What a template's operations may ask for. */
export interface ScopeSubject {
  readonly name: string;
  /** Public key of the user. */
  readonly subject: string;
  readonly tags: readonly string[];
  /** Public key of the account. */
  readonly account: string;
  readonly accountName: string;
  readonly accountTags: readonly string[];
}

/** Whether a user's token claims nothing for itself: what a scoped key may sign. */
export function hasEmptyPermissions({ nats }: UserClaims): boolean {
  const { pub, sub } = nats;
  const lists = [
    pub.allow ?? [],
    pub.deny,
    sub.allow ?? [],
    sub.deny,
    nats.src,
    nats.times,
    nats.allowed_connection_types,
  ];
  return (
    lists.every((list) => list.length === 0) &&
    nats.resp === null &&
    nats.times_location === "" &&
    [nats.subs, nats.data, nats.payload].every((limit) => limit === 0) &&
    !nats.bearer_token &&
    !nats.proxy_required
  );
}

/**
 * What a scope's template gives to a user. Each `{{…}}` of a subject is replaced; one that stands for several tags
 * makes several subjects. An allowed subject that can't be made is left out, and nothing is allowed where none is
 * left; a denied one that can't be made turns the user away.
 */
export function applyScope({ template }: UserScope, subject: ScopeSubject): UserPermissionLimits | Problem {
  const pub = expandDirection(template.pub, subject);
  if ("problem" in pub) return pub;
  const sub = expandDirection(template.sub, subject);
  if ("problem" in sub) return sub;
  return { ...template, pub, sub };
}

function expandDirection(
  { allow, deny }: SubjectPermission,
  subject: ScopeSubject,
): SubjectPermission | Problem {
  const allowed = expandList(allow ?? [], subject, false);
  if ("problem" in allowed) return allowed;
  const denied = expandList(deny, subject, true);
  if ("problem" in denied) return denied;
  const isAllLost = allow !== null && allow.length > 0 && allowed.length === 0;
  return { allow: allow === null ? null : allowed, deny: isAllLost ? [...denied, ">"] : denied };
}

/** A list as it is when nothing in it is a template; otherwise all of its subjects have to be plain ones. */
function expandList(
  list: readonly string[],
  subject: ScopeSubject,
  mustSucceed: boolean,
): readonly string[] | Problem {
  const templates = list.map(parseTemplate);
  if (!templates.flat().some(({ kind }) => kind === "operation")) return list;
  const expanded: string[] = [];
  let count = 0;
  for (const parts of templates) {
    const values = valuesOf(parts, subject);
    if ("problem" in values) return values;
    count += expansions(parts, values);
    if (count > EXPANSIONS_MAX) return { problem: `template expansion exceeds limit: ${EXPANSIONS_MAX}` };
    const made = combine(parts, values);
    const valid = made.filter((one) => isValidConfiguredSubject(toWireString(one)));
    if (mustSucceed && (made.length === 0 || valid.length < made.length)) {
      return { problem: "generated invalid subject" };
    }
    expanded.push(...valid);
  }
  return expanded;
}

/** Each place counts, as in the reference, although one operation has the same value in all of its places. */
function expansions(parts: readonly TemplatePart[], values: ReadonlyMap<string, readonly string[]>): number {
  const counts = parts.map(({ kind, text }) => (kind === "text" ? 1 : (values.get(text)?.length ?? 0)));
  return counts.includes(0) ? 0 : counts.reduce((product, count) => product * count, 1);
}

/** What each operation of a template stands for, by its text. A tag that the user lacks has no value. */
function valuesOf(
  parts: readonly TemplatePart[],
  subject: ScopeSubject,
): ReadonlyMap<string, readonly string[]> | Problem {
  const values = new Map<string, readonly string[]>();
  for (const { kind, text } of parts) {
    if (kind === "text") continue;
    const found = evaluate(text, subject);
    if (found === null) return { problem: "a template operation is not defined" };
    values.set(text, found);
  }
  return values;
}

function evaluate(operation: string, subject: ScopeSubject): readonly string[] | null {
  switch (operation.toLowerCase()) {
    case "name()":
      return [subject.name];
    case "subject()":
      return [subject.subject];
    case "account-name()":
      return [subject.accountName];
    case "account-subject()":
      return [subject.account];
  }
  const tag = /^(account-)?tag\((.*)\)$/i.exec(operation);
  if (tag === null) return null;
  const prefix = `${tag[2].toLowerCase()}:`;
  const tags = tag[1] === undefined ? subject.tags : subject.accountTags;
  return tags.filter((one) => one.startsWith(prefix)).map((one) => one.slice(prefix.length));
}
