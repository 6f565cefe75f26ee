import type { Fields } from "./fields.ts";
import { readUserPermissionLimits, type UserPermissionLimits } from "./permissions.ts";

/** What a user's token says. */
export interface User extends UserPermissionLimits {
  /** The account whose signing key signed it; empty: the issuer is the account itself. */
  readonly issuer_account: string;
}

/** Limits that are not there mean none in version 1, and 0 in version 2. */
export function readUser(nats: Fields, version: 1 | 2, issuerAccount: string): User {
  const limits = readUserPermissionLimits(nats, version === 1 ? -1 : 0);
  return version === 1
    ? { ...limits, proxy_required: false, allowed_connection_types: [], issuer_account: issuerAccount }
    : { ...limits, issuer_account: issuerAccount };
}
