import type { Options } from "../config/options.ts";
import type { Permissions } from "../config/permissions.ts";
import type { UserConfig } from "../config/users.ts";
import type { AuthenticationRules } from "./configured-authenticator.ts";

/** The name under which a system account exists without being chosen. */
const DEFAULT_SYSTEM_ACCOUNT = "$SYS";

/** Whom a server lets in, as its options say; without operators. */
export function authenticationRules(options: Options): AuthenticationRules {
  const { authorization, no_auth_user, tls, proxies } = options;
  return {
    user: authorization.user,
    password: authorization.password,
    token: authorization.token,
    users: configuredUsers(options),
    no_auth_user,
    opens_global_account: opensGlobalAccount(options),
    default_permissions: authorization.default_permissions,
    account_permissions: accountPermissions(options),
    maps_certificates: tls?.verify_and_map ?? false,
    certificate_types: tls?.verify_and_map === true ? ["STANDARD"] : [],
    proxies,
    proxy_required: authorization.proxy_required,
    always_nonce: false,
  };
}

/** The users of the authorization block and of all accounts. */
export function configuredUsers({ authorization, accounts }: Options): readonly UserConfig[] {
  return [...authorization.users, ...accounts.flatMap(({ users }) => users)];
}

/** The account for system events; empty: none. */
export function systemAccountName({ system_account, no_system_account, accounts }: Options): string {
  if (system_account !== "") return system_account;
  if (no_system_account && accounts.every(({ name }) => name !== DEFAULT_SYSTEM_ACCOUNT)) return "";
  return DEFAULT_SYSTEM_ACCOUNT;
}

/**
 * Whoever only gave users to the system account did not mean to lock everybody else out: as in the reference,
 * clients without credentials stay in the global account then.
 */
function opensGlobalAccount(options: Options): boolean {
  const { hasAuthorization, accounts, no_auth_user } = options;
  if (hasAuthorization || no_auth_user !== "" || accounts.length !== 1) return false;
  return accounts[0].name === systemAccountName(options);
}

function accountPermissions({ accounts }: Options): ReadonlyMap<string, Permissions> {
  const found = new Map<string, Permissions>();
  for (const { name, default_permissions } of accounts) {
    if (default_permissions !== null) found.set(name, default_permissions);
  }
  return found;
}
