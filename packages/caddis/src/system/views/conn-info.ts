import { GLOBAL_ACCOUNT } from "../../broker/accounts.ts";
import { CLIENT_TYPES } from "../../broker/arrival.ts";
import type { ClientSummary, SubscriptionSummary } from "../../broker/client-summary.ts";
import { fromWireString } from "../../subject/subject.ts";
import { formatRoundTrip, formatTime, formatUptime } from "../format.ts";
import { peerCertificate, type PeerCertificate } from "./peer-certificate.ts";
import { type SubDetail, subDetail } from "./sub-detail.ts";

/** A connection in /connz. Fields stand in the reference's order; one that is undefined is left out. */
export interface ConnInfo {
  readonly cid: number;
  readonly kind: "Client";
  readonly type: "nats" | "websocket";
  readonly ip: string;
  readonly port: number;
  readonly start: string;
  readonly last_activity: string;
  readonly stop: string | undefined;
  readonly reason: string | undefined;
  readonly rtt: string;
  readonly uptime: string;
  readonly idle: string;
  readonly pending_bytes: number;
  readonly in_msgs: number;
  readonly out_msgs: number;
  readonly in_bytes: number;
  readonly out_bytes: number;
  readonly stalls: number | undefined;
  readonly subscriptions: number;
  readonly name: string | undefined;
  readonly lang: string | undefined;
  readonly version: string | undefined;
  readonly tls_version: string | undefined;
  readonly tls_cipher_suite: string | undefined;
  readonly tls_peer_certs: readonly PeerCertificate[] | undefined;
  readonly tls_first: true | undefined;
  readonly authorized_user: string | undefined;
  readonly account: string | undefined;
  readonly subscriptions_list: Iterable<string> | undefined;
  readonly subscriptions_list_detail: Iterable<SubDetail> | undefined;
  readonly jwt: string | undefined;
  readonly issuer_key: string | undefined;
  /** What people call its account. */
  readonly name_tag: string | undefined;
  readonly tags: readonly string[] | undefined;
  /** The trusted proxy that brought it. */
  readonly proxy: { readonly key: string } | undefined;
}

/** How much /connz says of a connection. */
export interface ConnInfoScope {
  /** Who is behind it. */
  readonly auth: boolean;
  readonly subscriptions: "none" | "subjects" | "detail";
}

/**
 * `subscriptions` are the connection's, listed by and by while the answer is written; `accountTag` is what people
 * call its account, empty where that is not known any more. Whose it is and how that was shown is told with `auth`
 * only, of closed connections too, where the reference tells some of it to everybody.
 */
export function connInfo(
  summary: ClientSummary,
  subscriptions: Iterable<SubscriptionSummary>,
  accountTag: string,
  scope: ConnInfoScope,
  nowMs: number,
): ConnInfo {
  const { cid, account, stopMs } = summary;
  const isOpen = stopMs === 0;
  const endMs = isOpen ? nowMs : stopMs;
  const lists = isEmpty(subscriptions) ? "none" : scope.subscriptions;
  return {
    cid,
    kind: "Client",
    type: CLIENT_TYPES[summary.transport],
    ip: summary.host,
    port: summary.port,
    start: formatTime(summary.startMs),
    last_activity: formatTime(summary.lastActivityMs),
    stop: isOpen ? undefined : formatTime(stopMs),
    reason: isOpen ? undefined : summary.reason,
    rtt: formatRoundTrip(summary.rttMs),
    uptime: formatUptime(endMs - summary.startMs),
    idle: formatUptime(endMs - summary.lastActivityMs),
    pending_bytes: summary.pendingBytes,
    in_msgs: summary.inMessages,
    out_msgs: summary.outMessages,
    in_bytes: summary.inBytes,
    out_bytes: summary.outBytes,
    stalls: summary.stalls === 0 ? undefined : summary.stalls,
    subscriptions: summary.subscriptionCount,
    name: unlessEmpty(summary.name),
    lang: unlessEmpty(summary.lang),
    version: unlessEmpty(summary.version),
    tls_version: summary.tls?.version,
    tls_cipher_suite: summary.tls?.cipherSuite,
    tls_peer_certs: scope.auth ? peerCertificates(summary.tls) : undefined,
    tls_first: summary.tls?.isFirst || undefined,
    authorized_user: scope.auth ? unlessEmpty(summary.user) : undefined,
    account: scope.auth && account !== GLOBAL_ACCOUNT ? account : undefined,
    subscriptions_list: lists === "subjects" ? subjectsOf(subscriptions) : undefined,
    subscriptions_list_detail:
      lists === "detail"
        ? detailsOf(subscriptions, cid, isOpen ? undefined : account, accountTag)
        : undefined,
    jwt: scope.auth ? unlessEmpty(summary.jwt) : undefined,
    issuer_key: scope.auth ? unlessEmpty(summary.issuerKey) : undefined,
    name_tag: scope.auth && (isOpen || account !== GLOBAL_ACCOUNT) ? unlessEmpty(accountTag) : undefined,
    tags: scope.auth && summary.tags.length > 0 ? summary.tags : undefined,
    proxy: summary.proxyKey === "" ? undefined : { key: summary.proxyKey },
  };
}

function peerCertificates(tls: ClientSummary["tls"]): readonly PeerCertificate[] | undefined {
  return tls === null || tls.certificates.length === 0 ? undefined : tls.certificates.map(peerCertificate);
}

function* subjectsOf(subscriptions: Iterable<SubscriptionSummary>): Generator<string> {
  for (const { subject } of subscriptions) yield fromWireString(subject);
}

function* detailsOf(
  subscriptions: Iterable<SubscriptionSummary>,
  cid: number,
  account: string | undefined,
  accountTag: string,
): Generator<SubDetail> {
  const tag = account === undefined ? undefined : accountTag || account;
  for (const subscription of subscriptions) yield subDetail(subscription, cid, account, tag);
}

function isEmpty(values: Iterable<unknown>): boolean {
  return values[Symbol.iterator]().next().done === true;
}

function unlessEmpty(text: string): string | undefined {
  return text === "" ? undefined : text;
}
