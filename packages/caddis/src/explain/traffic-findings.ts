import { BACKLOG_BYTES_MAX } from "../base/limits.ts";
import { counted, nearLimit } from "./facts.ts";
import type { ServerFindingKind } from "./finding.ts";
import { listed } from "./listed.ts";

/** From as many short connections of one address in the last minutes on, somebody has a loop around CONNECT. */
const RECONNECTS_MIN = 200;

/** Above this, payloads are discouraged. */
const PAYLOAD_BYTES_ADVISED = 8 * 1024 * 1024;

/** What may be said about the connections of a server and its limits. */
export const TRAFFIC_FINDINGS: readonly ServerFindingKind[] = [
  {
    number: 102,
    severity: "error",
    title: "Connections were dropped as slow consumers",
    remedy:
      "Ask /connz?state=closed&sort=stop which they were; let them read faster, share their work in a queue group, or use a stream.",
    find: ({ lately }) => {
      const count = lately.count("slowConsumerPendingBytes", "slowConsumerWriteDeadline");
      return count === 0 ? null : `${counted(count, "connection")} in the last 10 minutes`;
    },
  },
  {
    number: 105,
    severity: "warning",
    title: "Connections were closed as stale",
    remedy:
      "Look for paused clients and for firewalls that forget idle connections; a shorter ping_interval keeps those open.",
    find: ({ lately }) => {
      const count = lately.count("staleConnection");
      return count === 0 ? null : `${counted(count, "connection")} in the last 10 minutes`;
    },
  },
  {
    number: 108,
    severity: "warning",
    title: "Connections were closed for what they sent",
    remedy:
      "Somebody speaks another protocol here (HTTP, a port scan), or a client is broken: the log has what it sent.",
    find: ({ lately }) => {
      const count = lately.count("parseError", "protocolViolation", "maxControlLineExceeded");
      return count === 0 ? null : `${counted(count, "connection")} in the last 10 minutes`;
    },
  },
  {
    number: 109,
    severity: "warning",
    title: "One address connects again and again",
    remedy: "Look for a client that connects for each message or retries without a pause.",
    find: ({ lately }) => {
      const { host, count } = lately.busiestSource();
      return count < RECONNECTS_MIN ? null : `${count} connections of ${host} ended in the last 10 minutes`;
    },
  },
  {
    number: 201,
    severity: "warning",
    title: "The server is nearly full",
    remedy: "Raise max_connections, or add a server.",
    find: ({ broker }) => {
      const near = nearLimit(broker.clients.size, broker.options.max_connections);
      return near === null ? null : `${near} connections`;
    },
  },
  {
    number: 203,
    severity: "warning",
    title: "An account is nearly full",
    remedy: "Raise the account's max_connections, or let its clients share connections.",
    find: ({ broker }) => {
      const near = [...broker.accounts].flatMap((account) => {
        const text = nearLimit(account.connectionCount, account.limits.max_connections);
        return text === null ? [] : [`${account.logName}: ${text} connections`];
      });
      return listed(near);
    },
  },
  {
    number: 204,
    severity: "warning",
    title: "Connections were closed for payloads that are too large",
    remedy: "Send less at a time, keep large objects elsewhere and send where, or raise max_payload.",
    find: ({ lately, broker }) => {
      const count = lately.count("maxPayloadExceeded");
      if (count === 0) return null;
      return `${counted(count, "connection")} in the last 10 minutes; max_payload is ${broker.options.max_payload} bytes`;
    },
  },
  {
    number: 205,
    severity: "info",
    title: "Very large payloads are allowed",
    remedy: "Keep max_payload at 8 MiB or less: each such message delays all others on its connections.",
    find: ({ broker }) => {
      const { max_payload } = broker.options;
      return max_payload > PAYLOAD_BYTES_ADVISED ? `max_payload is ${max_payload} bytes` : null;
    },
  },
  {
    number: 206,
    severity: "error",
    title: "Connections were refused or closed at a limit",
    remedy: "Raise the limit, or find out who has more connections or subscriptions than meant.",
    find: ({ lately }) => {
      const atServer = lately.count("maxConnectionsExceeded");
      const atAccount = lately.count("maxAccountConnectionsExceeded");
      const subscriptions = lately.count("maxSubscriptionsExceeded");
      const parts = [
        atServer === 0 ? "" : `${atServer} at max_connections`,
        atAccount === 0 ? "" : `${atAccount} at their account's max_connections`,
        subscriptions === 0 ? "" : `${subscriptions} at max_subscriptions`,
      ].filter((part) => part !== "");
      return parts.length === 0 ? null : `in the last 10 minutes ${parts.join(", ")}`;
    },
  },
  {
    number: 207,
    severity: "warning",
    title: "Input of held-back publishers takes nearly all the memory it may",
    remedy:
      "Many publishers outrun their receivers: look for connections with much pending (/connz?sort=pending).",
    find: ({ broker }) => {
      const near = nearLimit(broker.backlogs.bytes, BACKLOG_BYTES_MAX);
      return near === null ? null : `${near} bytes`;
    },
  },
];
