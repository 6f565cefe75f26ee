import { CLOSED_SUBSCRIPTIONS_BYTES_MAX, CLOSED_SUBSCRIPTIONS_MAX } from "../base/limits.ts";
import type { Client, ClientTransport } from "./client.ts";
import { CLOSE_REASONS } from "./close-reason.ts";

/** One subscription as monitoring shows it; subject and queue are wire strings. */
export interface SubscriptionSummary {
  readonly subject: string;
  readonly queue: string;
  readonly sid: string;
  readonly delivered: number;
  readonly max: number;
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
  readonly user: string;
  readonly account: string;
}

/** Who is behind a connection: who authenticated, or where nobody has to, who it says it is. */
export function shownUser({ user, connect }: Client): string {
  if (user !== "") return user;
  if (connect.user !== "") return connect.user;
  return connect.auth_token === "" ? "" : "[REDACTED]";
}

/** The connection as it is now; of a closing one the subscriptions are taken before they are dropped. */
export function summarize(client: Client, withSubscriptions: boolean, stopMs: number): ClientSummary {
  const count = client.subscriptions.size;
  const lists = withSubscriptions && (stopMs === 0 || isShortEnough(client));
  return {
    cid: client.cid,
    transport: client.transport,
    host: client.pipe.remoteHost,
    port: client.pipe.remotePort,
    startMs: client.startMs,
    lastActivityMs: client.lastActivityMs,
    stopMs,
    reason: client.closeReason === null ? "" : CLOSE_REASONS[client.closeReason],
    rttMs: client.rttMs === 0 ? client.connectMs : client.rttMs,
    pendingBytes: client.outbound.pendingBytes,
    inMessages: client.inMessages,
    outMessages: client.outbound.messageCount,
    inBytes: client.inBytes,
    outBytes: client.outbound.payloadBytes,
    stalls: client.stallCount,
    subscriptionCount: count,
    subscriptions: lists
      ? Array.from(client.subscriptions.values(), ({ subject, queue, sid, delivered, max }) => ({
          subject,
          queue,
          sid,
          delivered,
          max,
        }))
      : [],
    name: client.connect.name,
    lang: client.connect.lang,
    version: client.connect.version,
    user: shownUser(client),
    account: client.account.name,
  };
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
