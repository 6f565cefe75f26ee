import { CADDIS_VERSION, CLIENT_PROTOCOL, COMPATIBLE_VERSION } from "../../base/version.ts";
import type { Broker } from "../../broker/broker.ts";
import type { ResponseCache } from "../../auth/ocsp/response-cache.ts";
import type { JetStream } from "../../jetstream/jetstream.ts";
import { formatTime, formatUptime, toNanoseconds } from "../format.ts";
import { featureFlags, sorted } from "../server-info.ts";
import {
  jetStreamConfig,
  type JetStreamConfigView,
  jetStreamLimits,
  type JetStreamLimitsView,
  type JetStreamStats,
  jetStreamStats,
} from "./jetstream-stats.ts";
import { jwtClaims } from "./jwt-claims.ts";
import { type OcspPeerCache, peerCache } from "./ocsp-peer-cache.ts";
import { varzWebsocket, type VarzWebsocket } from "./varz-websocket.ts";

/** What the process uses of the machine. */
export interface Usage {
  readonly residentBytes: number;
  /** Of one processor. */
  readonly cpuPercent: number;
  readonly coreCount: number;
}

/** What /varz tells of a server besides its broker's state. Times are wall-clock milliseconds. */
export interface VarzSource {
  readonly broker: Broker;
  readonly usage: Usage;
  readonly startMs: number;
  /** When the options were read last, and the digest of the file they came from; empty without one. */
  readonly configLoadMs: number;
  readonly configDigest: string;
  /** What is known about peers' certificates; null where they are not checked. */
  readonly ocspCache: ResponseCache | null;
  /** Null or absent: there is none. */
  readonly jetStream?: JetStream | null;
  /** Requests by endpoint. */
  readonly httpRequests: ReadonlyMap<string, number>;
}

/** Seconds a TLS handshake may take; shown without TLS. */
const TLS_TIMEOUT_S = 2;

/** Counts by kind of connection; there are clients only. */
interface CountsByKind {
  readonly clients: number;
  readonly routes: 0;
  readonly gateways: 0;
  readonly leafs: 0;
}

/** JetStream as it is configured, and what it does. */
export interface VarzJetStream {
  readonly config: JetStreamConfigView;
  readonly stats: JetStreamStats;
  readonly limits: JetStreamLimitsView;
}

/** A part that is not configured. */
type Nothing = Readonly<Record<string, never>>;

/**
 * The answer of /varz. Fields stand in the reference's order; one that is undefined is left out. Fields of
 * parts that are not built yet have the values of a server on which they are not configured.
 */
export interface Varz {
  readonly server_id: string;
  readonly server_name: string;
  readonly version: string;
  readonly proto: number;
  /** The runtime, in the reference Go's version. */
  readonly go: string;
  readonly host: string;
  readonly port: number;
  readonly auth_required: true | undefined;
  readonly tls_required: true | undefined;
  readonly tls_verify: true | undefined;
  readonly tls_ocsp_peer_verify: true | undefined;
  readonly max_connections: number;
  readonly max_subscriptions: number | undefined;
  /** Nanoseconds, as `write_deadline`. */
  readonly ping_interval: number;
  readonly ping_max: number;
  readonly http_host: string;
  readonly http_port: number;
  readonly http_base_path: string;
  readonly https_port: number;
  /** Seconds. */
  readonly auth_timeout: number;
  readonly max_control_line: number;
  readonly max_payload: number;
  readonly max_pending: number;
  readonly cluster: Nothing;
  readonly gateway: Nothing;
  readonly leaf: Nothing;
  readonly mqtt: Nothing;
  readonly websocket: VarzWebsocket;
  readonly jetstream: VarzJetStream | Nothing;
  readonly tls_timeout: number;
  readonly write_deadline: number;
  readonly write_timeout: string | undefined;
  readonly start: string;
  readonly now: string;
  readonly uptime: string;
  readonly mem: number;
  readonly cores: number;
  readonly gomaxprocs: number;
  readonly cpu: number;
  readonly connections: number;
  readonly total_connections: number;
  readonly routes: 0;
  readonly remotes: 0;
  readonly leafnodes: 0;
  readonly in_msgs: number;
  readonly in_bytes: number;
  readonly in_client_msgs: number;
  readonly in_client_bytes: number;
  readonly out_msgs: number;
  readonly out_bytes: number;
  readonly out_client_msgs: number;
  readonly out_client_bytes: number;
  readonly slow_consumers: number;
  readonly stale_connections: number;
  readonly stalled_clients: number;
  readonly subscriptions: number;
  readonly http_req_stats: Readonly<Record<string, number>>;
  readonly config_load_time: string;
  readonly config_digest: string;
  readonly tags: readonly string[] | undefined;
  readonly metadata: Readonly<Record<string, string>> | undefined;
  readonly feature_flags: Readonly<Record<string, boolean>>;
  readonly trusted_operators_jwt: readonly string[] | undefined;
  readonly trusted_operators_claim: readonly (object | null)[] | undefined;
  readonly system_account: string | undefined;
  readonly pinned_account_fails: number | undefined;
  readonly ocsp_peer_cache: OcspPeerCache | undefined;
  readonly slow_consumer_stats: CountsByKind;
  readonly stale_connection_stats: CountsByKind;
  readonly disk_io_wait_stats: Readonly<Record<"waiters" | "waits" | "wait_time" | "max_wait_time", 0>>;
  readonly proxies: { readonly trusted: readonly { readonly key: string }[] } | undefined;
  readonly tls_cert_not_after: string | undefined;
  /** Our own: the version of Caddis behind the compatibility version. */
  readonly caddis: string;
}

/** Tells what the server is, how it is configured and what it has done so far. */
export function varz({
  broker,
  usage,
  startMs,
  configLoadMs,
  configDigest,
  httpRequests,
  ...source
}: VarzSource): Varz {
  const { options, counters, clock, tls } = broker;
  const nowMs = clock.nowMs();
  const { inMessages, inBytes, outMessages, outBytes } = broker.traffic();
  return {
    server_id: broker.serverId,
    server_name: broker.serverName,
    version: COMPATIBLE_VERSION,
    proto: CLIENT_PROTOCOL,
    go: broker.runtime,
    host: broker.host,
    port: broker.port,
    // Also where clients without credentials have a user of their own.
    auth_required: broker.authenticator.expectsConnect || undefined,
    tls_required: (tls !== null && !tls.allowNonTls) || undefined,
    tls_verify: tls?.verify || undefined,
    tls_ocsp_peer_verify:
      (tls !== null && !tls.allowNonTls && options.tls?.ocsp_peer?.verify === true) || undefined,
    max_connections: options.max_connections,
    max_subscriptions: options.max_subscriptions === 0 ? undefined : options.max_subscriptions,
    ping_interval: toNanoseconds(options.ping_interval),
    ping_max: options.ping_max,
    http_host: options.http_host,
    http_port: options.http_port,
    http_base_path: options.http_base_path,
    https_port: options.https_port,
    auth_timeout: options.authorization.timeout / 1000,
    max_control_line: options.max_control_line,
    max_payload: options.max_payload,
    max_pending: options.max_pending,
    cluster: {},
    gateway: {},
    leaf: {},
    mqtt: {},
    websocket: varzWebsocket(broker),
    jetstream: varzJetStream(source.jetStream ?? null),
    tls_timeout: options.tls === null ? TLS_TIMEOUT_S : options.tls.timeout / 1000,
    write_deadline: toNanoseconds(options.write_deadline),
    write_timeout: options.write_timeout === "default" ? undefined : options.write_timeout,
    start: formatTime(startMs),
    now: formatTime(nowMs),
    uptime: formatUptime(nowMs - startMs),
    mem: usage.residentBytes,
    cores: usage.coreCount,
    gomaxprocs: usage.coreCount,
    cpu: usage.cpuPercent,
    connections: openCount(broker),
    total_connections: counters.connections,
    routes: 0,
    remotes: 0,
    leafnodes: 0,
    in_msgs: inMessages,
    in_bytes: inBytes,
    in_client_msgs: inMessages,
    in_client_bytes: inBytes,
    out_msgs: outMessages,
    out_bytes: outBytes,
    out_client_msgs: outMessages,
    out_client_bytes: outBytes,
    slow_consumers: counters.slowConsumers,
    stale_connections: counters.staleConnections,
    stalled_clients: counters.stalls,
    subscriptions: Array.from(broker.accounts).reduce((sum, { sublist }) => sum + sublist.count, 0),
    http_req_stats: sorted(Object.fromEntries(httpRequests)),
    config_load_time: formatTime(configLoadMs),
    config_digest: configDigest,
    tags: options.server_tags.length === 0 ? undefined : options.server_tags,
    metadata: Object.keys(options.server_metadata).length === 0 ? undefined : sorted(options.server_metadata),
    feature_flags: featureFlags(options),
    trusted_operators_jwt: unlessEmpty(options.operator),
    trusted_operators_claim: unlessEmpty(options.operator.map(jwtClaims)),
    system_account: broker.systemAccount?.name,
    pinned_account_fails: counters.pinnedAccountFails || undefined,
    ocsp_peer_cache: peerCache(options.ocsp_cache.type, source.ocspCache),
    slow_consumer_stats: ofClients(counters.slowConsumers),
    stale_connection_stats: ofClients(counters.staleConnections),
    disk_io_wait_stats: { waiters: 0, waits: 0, wait_time: 0, max_wait_time: 0 },
    proxies: options.proxies.length === 0 ? undefined : { trusted: options.proxies.map((key) => ({ key })) },
    tls_cert_not_after: tls === null ? undefined : formatTime(tls.context.notAfterMs),
    caddis: CADDIS_VERSION,
  };
}

function varzJetStream(jetStream: JetStream | null): VarzJetStream | Nothing {
  if (jetStream === null) return {};
  return {
    config: jetStreamConfig(jetStream),
    stats: jetStreamStats(jetStream),
    limits: jetStreamLimits(jetStream),
  };
}

/** Connections that are not on their way out: those count as closed already. */
function openCount(broker: Broker): number {
  let count = 0;
  for (const { state } of broker.clients.values()) if (state !== "closing") count++;
  return count;
}

function ofClients(clients: number): CountsByKind {
  return { clients, routes: 0, gateways: 0, leafs: 0 };
}

function unlessEmpty<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length === 0 ? undefined : list;
}
