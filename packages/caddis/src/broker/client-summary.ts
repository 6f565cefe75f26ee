import { CLOSED_SUBSCRIPTIONS_BYTES_MAX, CLOSED_SUBSCRIPTIONS_MAX } from "../base/limits.ts";
import type { Client, ClientTransport } from "./client.ts";
import { CLOSE_REASONS } from "./close-reason.ts";
import { REDACTED, withoutSecrets } from "./redaction.ts";

/** One subscription as monitoring shows it; subject and queue are wire strings. */
export interface SubscriptionSummary {
  readonly subject: string;
  readonly queue: string;
  readonly sid: string;
  readonly delivered: number;
  readonly max: number;
}

/** TLS of a connection, as monitoring shows it. */
export interface TlsSummary {
  readonly version: string;
  readonly cipherSuite: string;
  /** Whether the handshake came before INFO. */
  readonly isFirst: boolean;
  /** The peer's certificates in DER; of a closed connection not kept. */
  readonly certificates: readonly Uint8Array[];
}

/** What monitoring shows of a connection, open or closed. Times are wall-clock milliseconds. */
export interface ClientSummary {
  readonly cid: number;
  readonly transport: ClientTransport;
  readonly host: string;
  readonly port: number;
  readonly startMs: number;
  readonly lastActivityMs: number;
  /** 0 while the connection is open. */
  readonly stopMs: number;
  /** Empty while the connection is open. */
  readonly reason: string;
  readonly rttMs: number;
  readonly pendingBytes: number;
  readonly inMessages: number;
  readonly outMessages: number;
  readonly inBytes: number;
  readonly outBytes: number;
  readonly stalls: number;
  readonly subscriptionCount: number;
  /** Of a closed connection left out beyond the limits for what is remembered. */
  readonly subscriptions: readonly SubscriptionSummary[];
  readonly name: string;
  readonly lang: string;
  readonly version: string;
  /** Null in the clear. */
  readonly tls: TlsSummary | null;
  readonly user: string;
  readonly account: string;
  /** Never one that is as good as a password. */
  readonly jwt: string;
  readonly issuerKey: string;
  readonly tags: readonly string[];
  /** Public key of the proxy that brought it; empty: none. */
  readonly proxyKey: string;
}

/** Who is behind a connection: who authenticated, or where nobody has to, who it says it is. Never a secret. */
export function shownUser({ identity, connect }: Client): string {
  if (identity.user !== "") return identity.user;
  const claimed = connect.nkey || connect.user;
  if (claimed !== "") return withoutSecrets(claimed);
  return connect.auth_token === "" ? "" : REDACTED;
}

/** The name of the account it is in, or of the one that had no room for it. */
export function shownAccount({ account, closeReason, identity }: Client): string {
  return closeReason === "maxAccountConnectionsExceeded" ? identity.account : account.name;
}

/** The connection as it is now; of a closing one the subscriptions are taken before they are dropped. */
export function summarize(client: Client, withSubscriptions: boolean, stopMs: number): ClientSummary {
  const { identity, connect } = client;
  return {
    cid: client.cid,
    transport: client.transport,
    host: client.pipe.remoteHost,
    port: client.pipe.remotePort,
    startMs: client.startMs,
    lastActivityMs: client.lastActivityMs,
    stopMs,
    reason: client.closeReason === null ? "" : CLOSE_REASONS[client.closeReason],
    rttMs: client.pings.roundTripMs,
    pendingBytes: client.outbound.pendingBytes,
    inMessages: client.inMessages,
    outMessages: client.outbound.messageCount,
    inBytes: client.inBytes,
    outBytes: client.outbound.payloadBytes,
    stalls: client.stallCount,
    subscriptionCount: client.subscriptions.size,
    subscriptions:
      withSubscriptions && (stopMs === 0 || isShortEnough(client)) ? subscriptionsOf(client) : [],
    name: connect.name,
    lang: connect.lang,
    version: connect.version,
    tls: tlsOf(client, stopMs === 0),
    user: shownUser(client),
    account: shownAccount(client),
    jwt: identity.jwt,
    issuerKey: identity.issuerKey,
    tags: identity.tags,
    proxyKey: identity.proxyKey,
  };
}

function tlsOf({ tls, isTlsFirst }: Client, withCertificates: boolean): TlsSummary | null {
  if (tls === null) return null;
  const { version, cipherSuite, certificates } = tls;
  return { version, cipherSuite, isFirst: isTlsFirst, certificates: withCertificates ? certificates : [] };
}

function subscriptionsOf(client: Client): SubscriptionSummary[] {
  return Array.from(client.subscriptions.values(), ({ subject, queue, sid, delivered, max }) => ({
    subject,
    queue,
    sid,
    delivered,
    max,
  }));
}

/** What a closed connection was subscribed to is remembered only where that costs little. */
function isShortEnough(client: Client): boolean {
  if (client.subscriptions.size > CLOSED_SUBSCRIPTIONS_MAX) return false;
  let bytes = 0;
  for (const { subject, queue, sid } of client.subscriptions.values()) {
    bytes += subject.length + queue.length + sid.length;
  }
  return bytes <= CLOSED_SUBSCRIPTIONS_BYTES_MAX;
}
