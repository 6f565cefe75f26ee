import type { Permissions } from "../config/permissions.ts";
import type { JwtAccount } from "./account-claims.ts";
import { withoutCallout } from "./callout.ts";
import { isRevoked } from "./claims/times.ts";
import type { JwtIdentity } from "./user-claims.ts";

/** What new claims of its account mean for a user that is connected. */
export type Review =
  | { readonly kind: "stay" }
  /** It goes, and is told "User Authentication Revoked". */
  | { readonly kind: "revoked" }
  /** It goes, as if it had never got in. */
  | { readonly kind: "violation"; readonly detail: string }
  /** It stays, with other rights. */
  | { readonly kind: "permissions"; readonly permissions: Permissions | null };

/**
 * Looks at a connected user again. That the account expires, or has fewer connections, is not a matter of one
 * user. Nothing is kept of a scope that changed: the user would get other rights if it came now.
 */
export function reviewUser(identity: JwtIdentity, account: JwtAccount): Review {
  if (identity.isBearer && account.disallowsBearer) {
    return { kind: "violation", detail: "the account allows no bearer tokens" };
  }
  if (isRevoked(account.revocations, identity.nkey, identity.issuedAt)) return { kind: "revoked" };
  const scope = account.signingKeys.get(identity.issuerKey);
  if (scope === undefined || !isSame(scope, identity.scope)) {
    return { kind: "violation", detail: "the key that signed the user is gone, or has another scope" };
  }
  const own = identity.hasDefaultPermissions ? account.config.default_permissions : identity.permissions;
  const permissions = account.externalAuthorization === null ? own : withoutCallout(own);
  return isSame(permissions, identity.permissions) ? { kind: "stay" } : { kind: "permissions", permissions };
}

/** Both were made by the same code, so that fields come in one order. */
function isSame(one: object | null, other: object | null): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
