import type { Options } from "../config/options.ts";
import type { Permissions } from "../config/permissions.ts";
import type { ConnectionType, UserConfig } from "../config/users.ts";
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
    certificate_types: certificateTypes(options),
    proxies,
    proxy_required: authorization.proxy_required,
    always_nonce: false,
  };
}

/** Whom it lets in over WebSocket. Credentials in that block take the place of the server's, all of them together. */
export function websocketRules(options: Options): AuthenticationRules {
  const rules = authenticationRules(options);
  const { authorization, no_auth_user, tls } = options.websocket;
  const { user, password, token } = authorization;
  const overrides = user !== "" || token !== "" || no_auth_user !== "";
  const maps_certificates = tls?.verify_and_map ?? false;
  if (!overrides) return { ...rules, maps_certificates };
  const opens_global_account = false;
  return { ...rules, maps_certificates, user, password, token, no_auth_user, opens_global_account };
}

/** The ways to connect on which a certificate says who somebody is. */
function certificateTypes({ tls, websocket }: Options): readonly ConnectionType[] {
  const types: ConnectionType[] = [];
  if (tls?.verify_and_map === true) types.push("STANDARD");
  if (websocket.port !== 0 && websocket.tls?.verify_and_map === true) types.push("WEBSOCKET");
  return types;
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
