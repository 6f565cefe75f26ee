import type { ConnectionType } from "../config/users.ts";
import type { JwtAccount } from "./account-claims.ts";
import type { UserScope } from "./claims/account.ts";
import type { UserClaims } from "./claims/claims.ts";
import { isProblem, type Problem } from "./claims/fields.ts";
import type { UserPermissionLimits } from "./claims/permissions.ts";
import { isConnectionTypeAllowed, readConnectionTypes } from "./connection-types.ts";
import { applyScope, hasEmptyPermissions } from "./scope.ts";

/** What an account grants to a user: its own claims, or those of the scope whose key signed it. */
export interface UserGrant {
  readonly limits: UserPermissionLimits;
  /** Null: a key without a scope signed. */
  readonly scope: UserScope | null;
}

/** What a user has in an account that it says it belongs to; or that no key of the account signed it for that. */
export function grantUser(claims: UserClaims, account: JwtAccount): UserGrant | Problem {
  const scope = account.signingKeys.get(claims.iss);
  if (scope === undefined)
    return { problem: "the user's JWT has an issuer that is not known in the account" };
  if (scope === null) return { limits: claims.nats, scope };
  if (!hasEmptyPermissions(claims)) {
    return { problem: "scoped users require no permissions or limits set" };
  }
  const limits = applyScope(scope, {
    name: claims.name,
    subject: claims.sub,
    tags: claims.tags,
    account: claims.nats.issuer_account,
    accountName: account.nameTag,
    accountTags: account.tags,
  });
  if (isProblem(limits)) return { problem: `the scope makes invalid permissions: ${limits.problem}` };
  return { limits, scope };
}

/** Whether a grant is for connections of `type`. Names that nobody knows are passed over, unless there are no others. */
export function isGrantedFor({ limits }: UserGrant, type: ConnectionType): boolean {
  const types = readConnectionTypes(limits.allowed_connection_types);
  return types !== null && isConnectionTypeAllowed(types, type);
}
