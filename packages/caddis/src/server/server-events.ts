import type { BrokerEvents } from "../broker/events.ts";
import type { Client } from "../broker/client.ts";
import { CLOSE_REASONS } from "../broker/close-reason.ts";

/** A connected application, as events show it: plain data, taken when the event happened. */
export interface ConnectionInfo {
  /** The connection's number, which no other connection of the server ever has. */
  readonly cid: number;
  readonly transport: "tcp" | "in-process" | "websocket";
  /** The peer's address; empty and 0 inside the process. */
  readonly host: string;
  readonly port: number;
  /** What the client says about itself in CONNECT; empty where it says nothing. */
  readonly name: string;
  readonly lang: string;
  readonly version: string;
  /** Who authenticated; empty without authentication, `[REDACTED]` with a token. */
  readonly user: string;
  readonly account: string;
}

/** A connection that ended. */
export interface DisconnectInfo extends ConnectionInfo {
  /** Why, in the words of monitoring: `Client Closed`, `Stale Connection`, `Server Shutdown` … */
  readonly reason: string;
}

/** A connection that can't keep up. */
export interface SlowConsumerInfo extends ConnectionInfo {
  /** The limit that it ran into: `max_pending` or `write_deadline`. */
  readonly limit: "pending" | "write deadline";
  /** Bytes that waited for it. */
  readonly pendingBytes: number;
}

/**
 * What a server tells the application that embeds it. A handler runs after the server is done with what
 * led to it, so it may call the server; what it throws is an uncaught exception of the application.
 */
export interface ServerHandlers {
  /** A client's CONNECT was accepted. */
  onConnect?(connection: ConnectionInfo): void;
  /** A client that was accepted before is gone, or about to go. */
  onDisconnect?(connection: DisconnectInfo): void;
  /** A client can't keep up; it is closed, except at the write deadline with `write_timeout: "retry"`. */
  onSlowConsumer?(connection: SlowConsumerInfo): void;
}

/** What the broker calls, for an application's handlers. Without a handler an event costs nothing. */
export function brokerEvents(handlers: ServerHandlers): Partial<BrokerEvents> {
  return {
    onConnect(client) {
      if (handlers.onConnect === undefined) return;
      const info = describe(client);
      queueMicrotask(() => handlers.onConnect?.(info));
    },
    onDisconnect(client) {
      if (handlers.onDisconnect === undefined) return;
      const reason = client.closeReason === null ? "" : CLOSE_REASONS[client.closeReason];
      const info = { ...describe(client), reason };
      queueMicrotask(() => handlers.onDisconnect?.(info));
    },
    onSlowConsumer(client, limit) {
      if (handlers.onSlowConsumer === undefined) return;
      const info = { ...describe(client), limit, pendingBytes: client.outbound.pendingBytes };
      queueMicrotask(() => handlers.onSlowConsumer?.(info));
    },
  };
}

function describe(client: Client): ConnectionInfo {
  return {
    cid: client.cid,
    transport: client.transport,
    host: client.pipe.remoteHost,
    port: client.pipe.remotePort,
    name: client.connect.name,
    lang: client.connect.lang,
    version: client.connect.version,
    user: client.identity.user,
    account: client.account.name,
  };
}
