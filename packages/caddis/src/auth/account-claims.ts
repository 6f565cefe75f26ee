import type {
  AccountConfig,
  AccountLimits,
  ExportApproval,
  ExportConfig,
  ImportConfig,
  JetStreamTierLimits,
  ResponseType,
  TraceConfig,
} from "../config/accounts.ts";
import type { MappingInput } from "../subject/mapping.ts";
import type {
  Account,
  ExternalAuthorization,
  JetStreamLimits,
  OperatorLimits,
  RevocationList,
  TokenExport,
  TokenImport,
  UserScope,
} from "./claims/account.ts";
import type { AccountClaims } from "./claims/claims.ts";
import { permissionsOf } from "./claims/permissions-config.ts";
import { expiresMs } from "./claims/times.ts";

const NS_PER_MS = 1_000_000;
/** How long a reply is waited for where a service does not say. */
const RESPONSE_THRESHOLD_MS = 120_000;
/** Limits are 32-bit in the reference; what is more is as good as that. */
const LIMIT_MAX = 2 ** 31 - 1;

const RESPONSE_TYPES: Readonly<Record<string, ResponseType>> = { Stream: "stream", Chunked: "chunked" };

/** An account of operator mode: what the broker needs of it, and what its users are measured by. */
export interface JwtAccount {
  /** Named by its public key. */
  readonly config: AccountConfig;
  /** Its name for people. */
  readonly nameTag: string;
  readonly tags: readonly string[];
  /** The operator's key that signed its claims. */
  readonly issuer: string;
  /** When the claims were made, Unix seconds. */
  readonly issuedAt: number;
  /** Wall-clock milliseconds; 0: never. */
  readonly expiresMs: number;
  /** Who signs for it, its own key included unless the operator is strict. Null: without restriction. */
  readonly signingKeys: ReadonlyMap<string, UserScope | null>;
  /** By user's key. */
  readonly revocations: RevocationList;
  readonly disallowsBearer: boolean;
  /** Null: the server authenticates its users. */
  readonly externalAuthorization: ExternalAuthorization | null;
  /** As in `config`; null: none. */
  readonly trace: TraceConfig | null;
  /** `owner`, `system`, or empty for the same. Nothing uses it yet. */
  readonly clusterTraffic: string;
}

/**
 * The account that checked claims describe. `isStrict`: the operator wants users signed by signing keys only, not
 * by the account's own.
 */
export function accountOf(claims: AccountClaims, isStrict: boolean): JwtAccount {
  const { nats, sub } = claims;
  const { authorization, limits, trace } = nats;
  return {
    config: { ...configOf(nats, sub), ...(trace === null ? {} : { msg_trace: traceOf(trace) }) },
    nameTag: claims.name,
    tags: claims.tags,
    issuer: claims.iss,
    issuedAt: claims.iat,
    expiresMs: expiresMs(claims),
    signingKeys: isStrict ? nats.signing_keys : new Map([...nats.signing_keys, [sub, null]]),
    revocations: nats.revocations,
    disallowsBearer: limits.disallow_bearer,
    externalAuthorization: authorization.auth_users.length > 0 ? authorization : null,
    trace: trace === null ? null : traceOf(trace),
    clusterTraffic: nats.cluster_traffic,
  };
}

function traceOf({ dest, sampling }: TraceConfig): TraceConfig {
  return { dest, sampling: sampling || 100 };
}

/** Subject mappings as the account's table takes them. */
export function mappingInputs(mappings: Account["mappings"]): MappingInput[] {
  return [...mappings].map(([source, to]) => ({
    source,
    destinations: to.map(({ subject, weight, cluster }) => ({ subject, weight: weight || 100, cluster })),
  }));
}

function configOf(nats: Account, name: string): AccountConfig {
  const jetstream = jetStreamOf(nats.limits);
  return {
    name,
    nkey: name,
    exports: nats.exports.flatMap(exportOf),
    imports: nats.imports.flatMap(importOf),
    mappings: mappingInputs(nats.mappings),
    limits: limitsOf(nats.limits),
    default_permissions: permissionsOf(nats.default_permissions),
    ...(jetstream === null ? {} : { jetstream }),
  };
}

function exportOf(one: TokenExport): ExportConfig[] {
  const { subject, account_token_position } = one;
  const approval: ExportApproval = one.token_req
    ? { kind: "token", revocations: one.revocations }
    : { kind: "public" };
  if (one.type === "stream") return [{ kind: "stream", subject, approval, account_token_position }];
  if (one.type !== "service") return [];
  const latency = one.service_latency;
  return [
    {
      kind: "service",
      subject,
      approval,
      account_token_position,
      response_type: RESPONSE_TYPES[one.response_type] ?? "singleton",
      response_threshold: Math.ceil(one.response_threshold / NS_PER_MS) || RESPONSE_THRESHOLD_MS,
      latency: latency && { subject: latency.results, sampling: latency.sampling || "headers" },
      allow_trace: one.allow_trace,
    },
  ];
}

function importOf(one: TokenImport): ImportConfig[] {
  const { account, allow_trace, local_subject: local, share, subject, token } = one;
  if (one.type === "stream") {
    const prefix = local === "" ? one.to.replace(/\.$/, "") : "";
    return [{ kind: "stream", account, subject, prefix, to: local, token, allow_trace }];
  }
  if (one.type !== "service") return [];
  // The old form turns subjects around: `subject` is here, `to` is there.
  return local === "" && one.to !== ""
    ? [{ kind: "service", account, subject: one.to, to: subject, share, token }]
    : [{ kind: "service", account, subject, to: local, share, token }];
}

function limitsOf({ conn, leaf, payload, subs }: OperatorLimits): AccountLimits {
  return {
    max_connections: limitOf(conn),
    max_subscriptions: limitOf(subs),
    max_payload: limitOf(payload),
    max_leafnodes: limitOf(leaf),
  };
}

/** A limit of a token: negative is none. */
export function limitOf(value: number): number {
  return value < 0 ? -1 : Math.min(value, LIMIT_MAX);
}

/** Null: it has no JetStream. */
function jetStreamOf(limits: OperatorLimits): ReadonlyMap<string, JetStreamTierLimits> | null {
  if (hasStorage(limits)) return new Map([["", tierOf(limits)]]);
  const tiers = [...limits.tiered_limits];
  // One that has storage brings the others along, as in the reference.
  if (!tiers.some(([, tier]) => hasStorage(tier))) return null;
  return new Map(tiers.map(([name, tier]) => [name, tierOf(tier)]));
}

function hasStorage({ mem_storage, disk_storage }: JetStreamLimits): boolean {
  return mem_storage !== 0 || disk_storage !== 0;
}

function tierOf(limits: JetStreamLimits): JetStreamTierLimits {
  return {
    maxMemory: limits.mem_storage,
    maxStore: limits.disk_storage,
    maxStreams: limits.streams,
    maxConsumers: limits.consumer,
    maxAckPending: positiveOrAny(limits.max_ack_pending),
    memoryMaxStreamBytes: positiveOrAny(limits.mem_max_stream_bytes),
    storeMaxStreamBytes: positiveOrAny(limits.disk_max_stream_bytes),
    maxBytesRequired: limits.max_bytes_required,
  };
}

/** 0 is written for any, too. */
function positiveOrAny(limit: number): number {
  return limit > 0 ? limit : -1;
}
