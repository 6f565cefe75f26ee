import { CLOSED_SUBSCRIPTIONS_MAX } from "../base/limits.ts";
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
  /** Of a closed connection left out beyond `CLOSED_SUBSCRIPTIONS_MAX`. */
  readonly subscriptions: readonly SubscriptionSummary[];
  readonly name: string;
  readonly lang: string;
  readonly version: string;
  readonly user: string;
  readonly account: string;
}

/** The connection as it is now; of a closing one the subscriptions are taken before they are dropped. */
export function summarize(client: Client, withSubscriptions: boolean, stopMs: number): ClientSummary {
  const count = client.subscriptions.size;
  const lists = withSubscriptions && (stopMs === 0 || count <= CLOSED_SUBSCRIPTIONS_MAX);
  return {
    cid: client.cid,
    transport: client.transport,
    host: client.pipe.remoteHost,
    port: client.pipe.remotePort,
    startMs: client.startMs,
    lastActivityMs: client.lastActivityMs,
    stopMs,
    reason: client.closeReason === null ? "" : CLOSE_REASONS[client.closeReason],
    rttMs: client.rttMs,
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
    user: client.user,
    account: client.account.name,
  };
}
