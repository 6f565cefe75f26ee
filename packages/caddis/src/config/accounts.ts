import type { MappingInput } from "../subject/mapping.ts";
import type { Permissions } from "./permissions.ts";
import type { UserConfig } from "./users.ts";

/** Accounts as a configuration or an account's JWT gives them: texts, not wire strings. */

/** Who may import an export. */
export type ExportApproval =
  | { readonly kind: "public" }
  /** Only these accounts, by name. */
  | { readonly kind: "accounts"; readonly accounts: readonly string[] }
  /** Whoever has an activation token that the exporter signed and has not revoked since. JWT accounts only. */
  | {
      readonly kind: "token";
      /** By importing account (`*`: all): tokens issued before this time, Unix seconds, are void. */
      readonly revocations: ReadonlyMap<string, number>;
    };

export interface StreamExport {
  readonly kind: "stream";
  readonly subject: string;
  readonly approval: ExportApproval;
  /** 1-based number of the token that must be the importing account's name; 0: none. */
  readonly account_token_position: number;
}

/** How a service answers: once, many times until an empty message, or in chunks of one answer. */
export type ResponseType = "singleton" | "stream" | "chunked";

/** Measured latency of a service. */
export interface LatencyConfig {
  /** Where measurements are published, in the exporting account. */
  readonly subject: string;
  /** Share of the requests in percent, 1 to 100, or those that carry a trace header. */
  readonly sampling: number | "headers";
}

export interface ServiceExport {
  readonly kind: "service";
  readonly subject: string;
  readonly approval: ExportApproval;
  readonly account_token_position: number;
  readonly response_type: ResponseType;
  /** How long a reply is waited for, milliseconds. */
  readonly response_threshold: number;
  readonly latency: LatencyConfig | null;
  /** Lets message traces cross into this account. */
  readonly allow_trace: boolean;
}

export type ExportConfig = StreamExport | ServiceExport;

export interface StreamImport {
  readonly kind: "stream";
  /** The exporting account. */
  readonly account: string;
  /** The subject there. */
  readonly subject: string;
  /** Where it appears here: in front of the subject; empty: nothing is put there. Not together with `to`. */
  readonly prefix: string;
  /** Where it appears here, `$1` standing for the exporter's first wildcard; empty: at the same subject. */
  readonly to: string;
  /** Activation token, where the export asks for one; empty: none. */
  readonly token: string;
  readonly allow_trace: boolean;
}

export interface ServiceImport {
  readonly kind: "service";
  readonly account: string;
  /** The subject there. */
  readonly subject: string;
  /** The subject here; empty: the same. */
  readonly to: string;
  /** Tells the service more about who asks. */
  readonly share: boolean;
  readonly token: string;
}

export type ImportConfig = StreamImport | ServiceImport;

/** -1: no limit. */
export interface AccountLimits {
  readonly max_connections: number;
  readonly max_subscriptions: number;
  readonly max_payload: number;
  readonly max_leafnodes: number;
}

export const NO_ACCOUNT_LIMITS: AccountLimits = {
  max_connections: -1,
  max_subscriptions: -1,
  max_payload: -1,
  max_leafnodes: -1,
};

/** What one account's JetStream may use, for one tier; -1: any. Bytes. */
export interface JetStreamTierLimits {
  readonly maxMemory: number;
  readonly maxStore: number;
  readonly maxStreams: number;
  readonly maxConsumers: number;
  readonly maxAckPending: number;
  /** The largest `max_bytes` of a stream; 0 and less: any. */
  readonly memoryMaxStreamBytes: number;
  readonly storeMaxStreamBytes: number;
  /** Streams have to say how large they may become. */
  readonly maxBytesRequired: boolean;
}

/** Which messages are traced that say by `traceparent` that somebody traces them. */
export interface TraceConfig {
  /** Where their traces are published, in the account. */
  readonly dest: string;
  /** Share of them in percent, 1 to 100. */
  readonly sampling: number;
}

/** One account, apart from its users. */
export interface AccountConfig {
  /** Its name; in operator mode its public nkey. */
  readonly name: string;
  /** Public nkey given in a configuration; empty: none. */
  readonly nkey: string;
  readonly exports: readonly ExportConfig[];
  readonly imports: readonly ImportConfig[];
  readonly mappings: readonly MappingInput[];
  readonly limits: AccountLimits;
  /** Null: those of the authorization block, if any. */
  readonly default_permissions: Permissions | null;
  /** Absent: only those messages are traced that name a destination themselves. */
  readonly msg_trace?: TraceConfig;
  /** What its JetStream may use, by tier, or under `""` where there are none. Absent: it has no JetStream. */
  readonly jetstream?: ReadonlyMap<string, JetStreamTierLimits>;
}

/** An account of a configuration, with its users. */
export interface ConfiguredAccount extends AccountConfig {
  readonly users: readonly UserConfig[];
}
