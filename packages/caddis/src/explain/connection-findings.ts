import { parseCertificate } from "../auth/ocsp/certificate.ts";
import type { Client } from "../broker/client.ts";
import { formatDuration } from "../config/duration.ts";
import { formatTime } from "../system/format.ts";
import { nearLimit } from "./facts.ts";
import type { ConnectionFindingKind } from "./finding.ts";

const DAY_MS = 86_400_000;

/** Clients are given new certificates and JWTs by hand more often than not. */
const PEER_NOTICE_MS = 14 * DAY_MS;
/** Credentials that end this soon end on a working day. */
const CREDENTIALS_NOTICE_MS = DAY_MS;
/** Being held back now and then is how flow control works. */
const STALLS_MIN = 100;
const STALLS_PER_SECOND = 1;

/** What may be said about an open connection. */
export const CONNECTION_FINDINGS: readonly ConnectionFindingKind[] = [
  {
    number: 101,
    severity: "warning",
    title: "A connection is about to be dropped as a slow consumer",
    remedy:
      "Let the client read faster (more workers, smaller messages, a queue group), or raise max_pending if bursts are meant to be kept.",
    find: ({ outbound }, { broker }) =>
      within(nearLimit(outbound.pendingBytes, broker.options.max_pending), (near) => `${near} bytes wait`),
  },
  {
    number: 103,
    severity: "warning",
    title: "A write is near its deadline",
    remedy:
      "Look at the client and the network between: it takes no bytes. At write_deadline it is closed (write_timeout: retry keeps it).",
    find: (client, { broker, nowMs }) => {
      const waitedMs = nowMs - client.lastActivityMs;
      const deadlineMs = broker.options.write_deadline;
      if (client.outbound.pendingBytes === 0 || waitedMs < deadlineMs / 2) return null;
      return `${client.outbound.pendingBytes} bytes wait for ${seconds(waitedMs)}; the deadline is ${formatDuration(deadlineMs)}`;
    },
  },
  {
    number: 104,
    severity: "warning",
    title: "A connection is about to count as stale",
    remedy:
      "Look at the client and the network between: it answers no PING. Something like a paused process or a firewall that forgot the connection is usual.",
    find: ({ pings }, { broker }) => {
      const { ping_max, ping_interval } = broker.options;
      if (pings.unanswered < ping_max) return null;
      return `${pings.unanswered} PINGs are unanswered; the next one would be in ${formatDuration(ping_interval)} at most`;
    },
  },
  {
    number: 106,
    severity: "warning",
    title: "A publisher is held back often",
    remedy:
      "One of its receivers can't keep up: look for connections with much pending (/connz?sort=pending). Split the work over a queue group, or set no_fast_producer_stall if losing messages is better than waiting.",
    find: ({ stallCount, startMs }, { nowMs }) => {
      const isOften =
        stallCount >= STALLS_MIN && stallCount >= ((nowMs - startMs) / 1000) * STALLS_PER_SECOND;
      return isOften ? `held back ${stallCount} times` : null;
    },
  },
  {
    number: 107,
    severity: "info",
    title: "A client library is old or minimal",
    remedy:
      "Update the client library: without protocol 1 it learns of no other servers and of no lame duck mode, without headers it gets none.",
    find: ({ state, connect, wasConnected }) => {
      if (state !== "connected" || !wasConnected) return null;
      const lacks = [connect.protocol < 1 ? "protocol 1" : "", connect.headers ? "" : "headers"];
      const text = lacks.filter((part) => part !== "").join(" and ");
      return text === "" ? null : `it does not announce ${text}`;
    },
  },
  {
    number: 202,
    severity: "warning",
    title: "A connection has nearly all the subscriptions it may have",
    remedy:
      "Use wildcards instead of many subjects, look for subscriptions that are never taken back, or raise max_subscriptions.",
    find: ({ subscriptions, subscriptionsMax }) =>
      within(nearLimit(subscriptions.size, subscriptionsMax), (near) => `${near} subscriptions`),
  },
  {
    number: 303,
    severity: "warning",
    title: "A client's certificate has expired or expires soon",
    remedy: "Give the client a new certificate before it has to connect again.",
    find: ({ tls }, { nowMs }) => {
      const shown = tls?.certificates[0];
      const certificate = shown === undefined ? null : parseCertificate(shown);
      if (certificate === null || certificate.notAfterMs - nowMs > PEER_NOTICE_MS) return null;
      const verb = certificate.notAfterMs < nowMs ? "expired" : "expires";
      return `${verb} at ${formatTime(certificate.notAfterMs)}`;
    },
  },
  {
    number: 310,
    severity: "info",
    title: "A client's credentials expire soon",
    remedy: "Issue a new JWT; clients that have it in a file read it when they connect again.",
    find: ({ identity: { expiresMs } }, { nowMs }) =>
      expiresMs > 0 && expiresMs - nowMs <= CREDENTIALS_NOTICE_MS ? `until ${formatTime(expiresMs)}` : null,
  },
];

/** Whether anything is to be said about it: of one on its way out nothing is. */
export function isLookedAt({ state }: Client): boolean {
  return state !== "closing" && state !== "closed";
}

function within(near: string | null, say: (near: string) => string): string | null {
  return near === null ? null : say(near);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
