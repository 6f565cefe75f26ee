import type { AccountLimits, ResponseType } from "./accounts.ts";
import type { DurationText } from "./duration.ts";
import type { MappingsInput } from "./option-row.ts";
import type { OcspConfig } from "./tls.ts";
import type { ConnectionType } from "./users.ts";

/**
 * The options about security as a program may hand them in: keys and values as in a configuration file. A
 * duration is a text such as `"2m"`, or where the type says so a number of seconds.
 */

type Texts = string | readonly string[];

/** Subjects that are allowed, or which are allowed and which are not. Deny goes before allow. */
export type SubjectRulesInput = Texts | { readonly allow?: Texts; readonly deny?: Texts };

/** `permissions` of a user, `default_permissions` of a block or an account. */
export interface PermissionsInput {
  readonly publish?: SubjectRulesInput;
  /** An entry may be `subject queue`: then it is about the members of that queue group. */
  readonly subscribe?: SubjectRulesInput;
  /** Allows answers to what was delivered. `max` -1: any number of them; `expires` negative: for good. */
  readonly allow_responses?: boolean | { readonly max?: number; readonly expires?: DurationText };
}

/** One entry of `users`: with a name, or with a public nkey. */
export interface UserInput {
  readonly user?: string;
  /** Plain or a bcrypt hash. */
  readonly password?: string;
  readonly nkey?: string;
  readonly permissions?: PermissionsInput;
  readonly allowed_connection_types?: ConnectionType | readonly ConnectionType[];
  readonly proxy_required?: boolean;
}

/** `authorization.auth_callout`. */
export interface AuthCalloutInput {
  readonly issuer: string;
  readonly account?: string;
  readonly auth_users: readonly string[];
  readonly xkey?: string;
  readonly allowed_accounts?: readonly string[];
}

/** An entry of `exports`. */
export type ExportInput = {
  readonly accounts?: readonly string[];
  readonly account_token_position?: number;
} & (
  | { readonly stream: string }
  | {
      readonly service: string;
      readonly response_type?: ResponseType;
      readonly response_threshold?: DurationText;
      readonly latency?: string | { readonly subject: string; readonly sampling?: number | string };
      readonly allow_trace?: boolean;
    }
);

/** What an import takes from whom. */
export interface ImportSourceInput {
  readonly account: string;
  readonly subject: string;
}

/** An entry of `imports`. */
export type ImportInput =
  | {
      readonly stream: ImportSourceInput;
      readonly prefix?: string;
      readonly to?: string;
      readonly allow_trace?: boolean;
    }
  | { readonly service: ImportSourceInput; readonly to?: string; readonly share?: boolean };

/** `jetstream` of an account. Sizes are bytes; -1: any. */
export type AccountJetStreamInput =
  | boolean
  | "enabled"
  | "disabled"
  | {
      readonly max_memory?: number;
      readonly max_store?: number;
      readonly max_streams?: number;
      readonly max_consumers?: number;
      readonly max_bytes_required?: boolean;
      readonly memory_max_stream_bytes?: number;
      readonly store_max_stream_bytes?: number;
      readonly max_ack_pending?: number;
      readonly cluster_traffic?: "system" | "owner";
    };

/** One account of `accounts`. */
export interface AccountInput {
  readonly nkey?: string;
  readonly users?: readonly UserInput[];
  readonly exports?: readonly ExportInput[];
  readonly imports?: readonly ImportInput[];
  readonly mappings?: MappingsInput;
  readonly limits?: Partial<AccountLimits>;
  readonly default_permissions?: PermissionsInput;
  readonly msg_trace?: string | { readonly dest: string; readonly sampling?: number | string };
  readonly jetstream?: AccountJetStreamInput;
}

/** `accounts`: by name, or only names. */
export type AccountsInput = readonly string[] | Readonly<Record<string, AccountInput>>;

/** `tls.ocsp_peer`. Numbers are seconds. */
export interface OcspPeerInput {
  readonly verify?: boolean;
  readonly ca_timeout?: DurationText | number;
  readonly allowed_clockskew?: DurationText | number;
  readonly warn_only?: boolean;
  readonly unknown_is_good?: boolean;
  readonly allow_when_ca_unreachable?: boolean;
  readonly cache_ttl_when_next_update_unset?: DurationText | number;
}

/** A `tls` block. */
export interface TlsInput {
  readonly cert_file?: string;
  readonly key_file?: string;
  readonly ca_file?: string;
  readonly certs?: readonly { readonly cert_file: string; readonly key_file: string }[];
  readonly cipher_suites?: readonly string[];
  readonly allow_insecure_cipher_suites?: boolean;
  readonly curve_preferences?: readonly string[];
  readonly min_version?: "1.2" | "1.3";
  readonly verify?: boolean;
  readonly verify_and_map?: boolean;
  readonly handshake_first?: boolean | "auto" | DurationText;
  /** A number is seconds. */
  readonly timeout?: DurationText | number;
  readonly connection_rate_limit?: number;
  readonly pinned_certs?: readonly string[];
  readonly ocsp_peer?: boolean | OcspPeerInput;
  readonly watch?: boolean;
}

/** `resolver_tls`. */
export type ResolverTlsInput = Pick<
  TlsInput,
  "cert_file" | "key_file" | "ca_file" | "certs" | "min_version"
> & {
  readonly insecure?: boolean;
};

/** `ocsp`. */
export type OcspInput = boolean | { readonly mode?: OcspConfig["mode"]; readonly urls?: readonly string[] };

/** `ocsp_cache`. A number of seconds, or a duration. */
export type OcspCacheInput =
  | boolean
  | {
      readonly type?: "none" | "local";
      readonly local_store?: string;
      readonly preserve_revoked?: boolean;
      readonly save_interval?: DurationText | number;
    };

/** `resolver`: `"MEMORY"`, `"URL(https://…)"`, or a folder. */
export type ResolverInput =
  | string
  | {
      readonly type: "full";
      readonly dir: string;
      readonly allow_delete?: boolean;
      readonly hard_delete?: boolean;
      readonly limit?: number;
      readonly interval?: DurationText;
      readonly timeout?: DurationText;
    }
  | {
      readonly type: "cache";
      readonly dir: string;
      readonly limit?: number;
      readonly ttl?: DurationText;
      readonly timeout?: DurationText;
    }
  | { readonly type: "memory" };

/** `proxies`. */
export interface ProxiesInput {
  readonly trusted?: readonly { readonly key: string }[];
}
