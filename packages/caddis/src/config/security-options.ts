import { readAccounts } from "./read-accounts.ts";
import { readAuthCallout } from "./read-auth-callout.ts";
import { readOcsp, readOcspCache } from "./read-ocsp.ts";
import { readOperators, readPinnedAccounts, readPreload, readTrustedKeys } from "./read-operator.ts";
import { readPermissions } from "./read-permissions.ts";
import { readProxies } from "./read-proxies.ts";
import { readResolver } from "./read-resolver.ts";
import { readResolverTls, readTls } from "./read-tls.ts";
import { readUsers } from "./read-users.ts";
import type { ConfiguredAccount } from "./accounts.ts";
import type {
  AccountsInput,
  AuthCalloutInput,
  OcspCacheInput,
  OcspInput,
  PermissionsInput,
  ProxiesInput,
  ResolverInput,
  ResolverTlsInput,
  TlsInput,
  UserInput,
} from "./inputs.ts";
import type { ResolverConfig, ResolverTlsConfig } from "./operator.ts";
import { custom, type OptionTable } from "./option-row.ts";
import type { Permissions } from "./permissions.ts";
import { DEFAULT_OCSP_CACHE, type OcspCacheConfig, type OcspConfig, type TlsConfig } from "./tls.ts";
import type { AuthCalloutConfig, UserConfig } from "./users.ts";

/** The rows of the options table that are about security. */

/** The options inside `authorization`. */
const AUTHORIZATION = {
  user: {
    type: "string",
    default: "",
    aliases: ["username"],
    group: "Security",
    doc: "User that clients must give.",
    reload: true,
  },
  password: {
    type: "string",
    default: "",
    aliases: ["pass"],
    group: "Security",
    doc: "Password of that user, plain or a bcrypt hash.",
    reload: true,
  },
  token: {
    type: "string",
    default: "",
    group: "Security",
    doc: "Token that clients must give instead of user and password, plain or a bcrypt hash.",
    reload: true,
  },
  timeout: {
    type: "duration",
    default: 2000,
    min: 0,
    bounds: "Not negative.",
    zeroIsDefault: "always",
    seconds: "allowed",
    highMs: 60_000,
    group: "Security",
    doc: "How long a client may take to give its credentials; a bare number is seconds. With TLS the default is a second more than tls.timeout.",
    reload: true,
  },
  users: custom<readonly UserInput[], readonly UserConfig[]>({
    default: [],
    form: "list of maps",
    read: readUsers,
    group: "Security",
    doc: "Users, each with `user` and `password` or with `nkey`, and with `permissions`, `allowed_connection_types` and `proxy_required` where wanted.",
    reload: true,
  }),
  default_permissions: custom<PermissionsInput, Permissions | null>({
    default: null,
    form: "map",
    read: readPermissions,
    aliases: ["permissions", "default_permission"],
    group: "Security",
    doc: "Permissions (`publish`, `subscribe`, `allow_responses`) of users of this block that have none of their own.",
    reload: true,
  }),
  auth_callout: custom<AuthCalloutInput, AuthCalloutConfig | null>({
    default: null,
    form: "map",
    read: readAuthCallout,
    aliases: ["auth_hook"],
    group: "Security",
    doc: "Leaves authentication to a service: `issuer` and `auth_users`, and where wanted `account`, `xkey` and `allowed_accounts`.",
    reload: false,
  }),
  proxy_required: {
    type: "bool",
    default: false,
    group: "Security",
    doc: "Takes clients only through a trusted proxy.",
    reload: false,
  },
} as const satisfies OptionTable;

/** The options about security, by their canonical names. */
export const SECURITY_OPTIONS = {
  authorization: {
    type: "block",
    rows: AUTHORIZATION,
    group: "Security",
    doc: "What clients must give to be let in.",
    reload: true,
  },
  accounts: custom<AccountsInput, readonly ConfiguredAccount[]>({
    default: [],
    form: "map or list of names",
    read: readAccounts,
    group: "Security",
    doc: "Accounts: separate subject spaces with `users`, `exports`, `imports`, `mappings`, `limits`, `default_permissions` and `nkey`.",
    reload: true,
  }),
  no_auth_user: {
    type: "string",
    default: "",
    group: "Security",
    doc: "User of clients that give no credentials. A reload may only take it away together with the user itself.",
    reload: false,
  },
  system_account: {
    type: "string",
    default: "",
    aliases: ["system"],
    group: "Security",
    doc: "Name of the account for system events. Empty: `$SYS`, unless no_system_account is set.",
    reload: false,
  },
  no_system_account: {
    type: "bool",
    default: false,
    aliases: ["no_system", "no_sys_acc"],
    group: "Security",
    doc: "Does without the account for system events.",
    reload: false,
  },
  proxies: custom<ProxiesInput, readonly string[]>({
    default: [],
    form: "map",
    read: readProxies,
    toInput: (keys) => ({ trusted: keys.map((key) => ({ key })) }),
    group: "Security",
    doc: "`trusted`: a list of maps with the public `key` of each proxy that may vouch for clients.",
    reload: true,
  }),
  tls: custom<TlsInput | false, TlsConfig | null>({
    default: null,
    form: "map",
    read: readTls,
    group: "Security",
    doc: "Encrypts connections of clients. A reload leaves `verify_and_map` and `connection_rate_limit` as they are. Besides the options of nats-server there is `watch`: certificate files are read again when they change.",
    reload: true,
  }),
  allow_non_tls: {
    type: "bool",
    default: false,
    group: "Security",
    doc: "Takes clients without TLS beside those with it. Without tls this is always so.",
    reload: false,
  },
  ocsp: custom<OcspInput, OcspConfig | null>({
    default: null,
    form: "boolean or map",
    read: readOcsp,
    group: "Security",
    doc: "Staples OCSP responses to certificates: `mode` auto, always, must or never, and `urls` of responders. `true` and unset are auto.",
    reload: true,
  }),
  ocsp_cache: custom<OcspCacheInput, OcspCacheConfig>({
    default: DEFAULT_OCSP_CACHE,
    form: "boolean or map",
    read: readOcspCache,
    group: "Security",
    doc: "Cache of OCSP responses about peers: `type` none or local, `local_store`, `preserve_revoked`, `save_interval`.",
    reload: true,
  }),
  operator: custom<string | readonly string[], readonly string[]>({
    default: [],
    form: "string or list",
    read: readOperators,
    toInput: (jwts) => jwts,
    aliases: ["operators", "root", "roots", "root_operator", "root_operators"],
    group: "Security",
    doc: "Operators whose accounts are let in: in a file the paths of their JWTs or the JWTs themselves, in a program the JWTs.",
    reload: false,
  }),
  trusted: custom<string | readonly string[], readonly string[]>({
    default: [],
    form: "string or list",
    read: readTrustedKeys,
    aliases: ["trusted_keys"],
    group: "Security",
    doc: "Public keys of operators, where their JWTs are not at hand. Not together with operator.",
    reload: false,
  }),
  default_sentinel: {
    type: "string",
    default: "",
    group: "Security",
    doc: "Bearer JWT of a user, for clients that give none.",
    reload: true,
  },
  resolver: custom<ResolverInput, ResolverConfig | null>({
    default: null,
    form: "string or map",
    read: readResolver,
    aliases: ["account_resolver", "accounts_resolver"],
    group: "Security",
    doc: "Where account JWTs come from: `MEMORY`, `URL(…)` or a map with `type` full or cache and `dir`. Empty: the server named in the operator's JWT. A reload may change it, but not from or to none.",
    reload: true,
  }),
  resolver_tls: custom<ResolverTlsInput, ResolverTlsConfig | null>({
    default: null,
    form: "map",
    read: readResolverTls,
    group: "Security",
    doc: "TLS towards the resolver.",
    reload: true,
  }),
  resolver_preload: custom<Readonly<Record<string, string>>, ReadonlyMap<string, string>>({
    default: new Map(),
    form: "map of strings",
    read: readPreload,
    group: "Security",
    doc: "Account JWTs that are there from the start, by public key.",
    reload: true,
  }),
  resolver_pinned_accounts: custom<string | readonly string[], readonly string[]>({
    default: [],
    form: "string or list",
    read: readPinnedAccounts,
    group: "Security",
    doc: "Only users of these accounts, by public key, are let in. Empty: of all.",
    reload: true,
  }),
} as const satisfies OptionTable;
