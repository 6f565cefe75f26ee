import {
  ALL_SUBJECTS,
  DEFAULT_RESPONSE_EXPIRES_MS,
  DEFAULT_RESPONSE_MAX,
  type Permissions,
  type ResponseRule,
  type SubjectRules,
} from "../../config/permissions.ts";
import type { ResponsePermission, SubjectPermission, TokenPermissions } from "./permissions.ts";

const NS_PER_MS = 1_000_000;

/** A token's permissions as the server uses them, or null where it gives none: then a default may hold. */
export function permissionsOf({ pub, sub, resp }: TokenPermissions): Permissions | null {
  if (isEmpty(pub) && isEmpty(sub) && resp === null) return null;
  return {
    publish: publishRules(pub, resp !== null),
    // An empty list of subscriptions counts as absent; a client that may subscribe to nothing is given a deny of `>`.
    subscribe: { allow: sub.allow?.length === 0 ? null : sub.allow, deny: sub.deny },
    responses: resp === null ? null : responseRule(resp),
  };
}

/** Whether a direction says nothing. An empty list alone does not, either. */
function isEmpty({ allow, deny }: SubjectPermission): boolean {
  return (allow === null || allow.length === 0) && deny.length === 0;
}

/** Leave to answer replaces leave to publish anything. */
function publishRules(pub: SubjectPermission, mayAnswer: boolean): SubjectRules {
  if (isEmpty(pub)) return mayAnswer ? { allow: [], deny: [] } : ALL_SUBJECTS;
  return { allow: pub.allow ?? (mayAnswer ? [] : null), deny: pub.deny };
}

function responseRule({ max, ttl }: ResponsePermission): ResponseRule {
  return {
    max: max === 0 ? DEFAULT_RESPONSE_MAX : Math.max(max, -1),
    expiresMs: ttl === 0 ? DEFAULT_RESPONSE_EXPIRES_MS : Math.max(Math.ceil(ttl / NS_PER_MS), 0),
  };
}
