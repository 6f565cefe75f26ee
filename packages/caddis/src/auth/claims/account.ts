import { type ExportKind, readExportKind } from "./activation.ts";
import { FieldError, Fields, readInt } from "./fields.ts";
import {
  readPermissions,
  readUserPermissionLimits,
  type TokenPermissions,
  type UserPermissionLimits,
} from "./permissions.ts";

/** Tokens issued up to a time, Unix seconds, are void: by public key, or `*` for all. */
export type RevocationList = ReadonlyMap<string, number>;

export interface TokenExport {
  readonly name: string;
  readonly subject: string;
  readonly type: ExportKind;
  readonly token_req: boolean;
  readonly revocations: RevocationList;
  /** `Singleton`, `Stream`, `Chunked`, or empty, which is the first. */
  readonly response_type: string;
  /** Nanoseconds; 0: the default. */
  readonly response_threshold: number;
  /** `sampling` in percent; 0: requests with a trace header. */
  readonly service_latency: { readonly sampling: number; readonly results: string } | null;
  readonly account_token_position: number;
  readonly advertise: boolean;
  readonly allow_trace: boolean;
  readonly description: string;
  readonly info_url: string;
}

export interface TokenImport {
  readonly name: string;
  /** In the exporting account; but of a service with `to`, in this one. */
  readonly subject: string;
  readonly account: string;
  readonly token: string;
  /** Old form. Of a stream: a prefix here. Of a service: the subject in the exporting account. */
  readonly to: string;
  /** The subject here, `$1` standing for the first wildcard. */
  readonly local_subject: string;
  readonly type: ExportKind;
  readonly share: boolean;
  readonly allow_trace: boolean;
}

/** Limits of an account's JetStream; -1: none, 0 for storage: disabled. */
export interface JetStreamLimits {
  readonly mem_storage: number;
  readonly disk_storage: number;
  readonly streams: number;
  readonly consumer: number;
  readonly max_ack_pending: number;
  readonly mem_max_stream_bytes: number;
  readonly disk_max_stream_bytes: number;
  readonly max_bytes_required: boolean;
}

/** What the operator grants. -1: no limit. */
export interface OperatorLimits extends JetStreamLimits {
  readonly subs: number;
  readonly data: number;
  readonly payload: number;
  readonly imports: number;
  readonly exports: number;
  readonly wildcards: boolean;
  readonly disallow_bearer: boolean;
  readonly conn: number;
  readonly leaf: number;
  /** By tier (`R1`, `R3`); instead of the flat ones. */
  readonly tiered_limits: ReadonlyMap<string, JetStreamLimits>;
}

/** Users that a scoped signing key signs have what its template says, and nothing of their own. */
export interface UserScope {
  readonly key: string;
  readonly role: string;
  readonly description: string;
  readonly template: UserPermissionLimits;
}

export interface TokenMapping {
  readonly subject: string;
  /** Percent; 0 is written for 100. */
  readonly weight: number;
  readonly cluster: string;
}

/** Who authenticates this account's users, if not the server. */
export interface ExternalAuthorization {
  /** Public keys of the service's own users; empty: the server authenticates. */
  readonly auth_users: readonly string[];
  /** Accounts that users may be put into; `*` alone: any. */
  readonly allowed_accounts: readonly string[];
  /** Public curve key that requests are encrypted for; empty: they are not. */
  readonly xkey: string;
}

/** What an account's token says. */
export interface Account {
  readonly imports: readonly TokenImport[];
  readonly exports: readonly TokenExport[];
  readonly limits: OperatorLimits;
  /** By public key; null: signs for the account without restriction. */
  readonly signing_keys: ReadonlyMap<string, UserScope | null>;
  readonly revocations: RevocationList;
  readonly default_permissions: TokenPermissions;
  readonly mappings: ReadonlyMap<string, readonly TokenMapping[]>;
  readonly authorization: ExternalAuthorization;
  readonly trace: { readonly dest: string; readonly sampling: number } | null;
  readonly cluster_traffic: string;
  readonly description: string;
  readonly info_url: string;
}

export function readAccount(nats: Fields, version: 1 | 2): Account {
  // Version 1 has no more than these; what else stands there means nothing.
  const common = {
    imports: nats.list("imports", readImport),
    exports: nats.list("exports", readExport),
    signing_keys: new Map(nats.list("signing_keys", readSigningKey)),
    revocations: nats.map("revocations", readInt),
  };
  const later = version === 1 ? new Fields({}) : nats;
  const trace = later.objectOrNull("trace");
  return {
    ...common,
    limits: readLimits(nats.object("limits"), version),
    default_permissions: readPermissions(later.object("default_permissions")),
    mappings: later.map("mappings", readMappings),
    authorization: readAuthorization(later.object("authorization")),
    trace: trace === null ? null : { dest: trace.string("dest"), sampling: trace.int("sampling") },
    cluster_traffic: later.string("cluster_traffic"),
    description: later.string("description"),
    info_url: later.string("info_url"),
  };
}

function readImport(value: unknown, where: string): TokenImport {
  const fields = new Fields(value, where);
  return {
    name: fields.string("name"),
    subject: fields.string("subject"),
    account: fields.string("account"),
    token: fields.string("token"),
    to: fields.string("to"),
    local_subject: fields.string("local_subject"),
    type: readExportKind(fields, "type"),
    share: fields.bool("share"),
    allow_trace: fields.bool("allow_trace"),
  };
}

function readExport(value: unknown, where: string): TokenExport {
  const fields = new Fields(value, where);
  const latency = fields.objectOrNull("service_latency");
  return {
    name: fields.string("name"),
    subject: fields.string("subject"),
    type: readExportKind(fields, "type"),
    token_req: fields.bool("token_req"),
    revocations: fields.map("revocations", readInt),
    response_type: fields.string("response_type"),
    response_threshold: fields.int("response_threshold"),
    service_latency:
      latency === null ? null : { sampling: readSampling(latency), results: latency.string("results") },
    account_token_position: readPosition(fields),
    advertise: fields.bool("advertise"),
    allow_trace: fields.bool("allow_trace"),
    description: fields.string("description"),
    info_url: fields.string("info_url"),
  };
}

function readSampling(fields: Fields): number {
  const sampling = fields.raw("sampling");
  if (typeof sampling === "string" && sampling.toLowerCase() === "headers") return 0;
  return fields.int("sampling");
}

function readPosition(fields: Fields): number {
  const position = fields.int("account_token_position");
  if (position < 0) throw new FieldError("account_token_position must not be negative");
  return position;
}

function readLimits(fields: Fields, version: 1 | 2): OperatorLimits {
  const tiers = version === 1 ? new Map<string, never>() : fields.map("tiered_limits", readTier);
  // Where there are tiers, the flat limits of JetStream don't count; version 1 has neither.
  const flat = version === 1 || tiers.size > 0 ? new Fields({}) : fields;
  return {
    ...readJetStreamLimits(flat),
    subs: fields.int("subs"),
    data: fields.int("data"),
    payload: fields.int("payload"),
    imports: fields.int("imports"),
    exports: fields.int("exports"),
    wildcards: fields.bool("wildcards"),
    disallow_bearer: fields.bool("disallow_bearer"),
    conn: fields.int("conn"),
    leaf: fields.int("leaf"),
    tiered_limits: tiers,
  };
}

function readTier(value: unknown, where: string): JetStreamLimits {
  return readJetStreamLimits(new Fields(value, where));
}

function readJetStreamLimits(fields: Fields): JetStreamLimits {
  return {
    mem_storage: fields.int("mem_storage"),
    disk_storage: fields.int("disk_storage"),
    streams: fields.int("streams"),
    consumer: fields.int("consumer"),
    max_ack_pending: fields.int("max_ack_pending"),
    mem_max_stream_bytes: fields.int("mem_max_stream_bytes"),
    disk_max_stream_bytes: fields.int("disk_max_stream_bytes"),
    max_bytes_required: fields.bool("max_bytes_required"),
  };
}

/** A key, or a scope that names one. */
function readSigningKey(value: unknown, where: string): [string, UserScope | null] {
  if (typeof value === "string") return [value, null];
  const fields = new Fields(value, where);
  if (fields.string("kind") !== "user_scope") throw new FieldError(`${where}.kind must be user_scope`);
  const key = fields.string("key");
  const template = readUserPermissionLimits(fields.object("template"), -1);
  return [key, { key, role: fields.string("role"), description: fields.string("description"), template }];
}

function readMappings(value: unknown, where: string): readonly TokenMapping[] {
  return new Fields({ to: value }, where).list("to", (item, at) => {
    const fields = new Fields(item, at);
    const weight = fields.int("weight");
    if (weight < 0 || weight > 255) throw new FieldError(`${at}.weight must be a byte`);
    return { subject: fields.string("subject"), weight, cluster: fields.string("cluster") };
  });
}

function readAuthorization(fields: Fields): ExternalAuthorization {
  return {
    auth_users: fields.strings("auth_users"),
    allowed_accounts: fields.strings("allowed_accounts"),
    xkey: fields.string("xkey"),
  };
}
