import type { Authenticator } from "../auth/identity.ts";
import type { TlsSession } from "../io/tls.ts";
import type { CookieCredentials } from "../io/websocket.ts";
import type { ConnectOptions } from "../wire/connect.ts";
import type { ClientTransport } from "./client.ts";

/** A listener besides the one for clients, and what it decides for its connections. A reload changes it in place. */
export interface Door {
  /** Who gets in here. */
  authenticator: Authenticator;
  /** How long a client may take to give its credentials, milliseconds; 0: as long as others. */
  readonly authTimeoutMs: number;
  /** How long a connection may be idle before it is pinged, milliseconds; 0: as long as others. */
  readonly pingIntervalMs: number;
  /** The address that INFO names. */
  readonly host: string;
  readonly port: number;
  readonly isSecure: boolean;
}

/** What monitoring shows of the port for WebSocket besides its options. */
export interface WebsocketFacts {
  /** The one listened on. */
  readonly port: number;
  /** When the first of its certificates expires, wall-clock milliseconds; null in the clear. */
  readonly notAfterMs: number | null;
}

/** How a connection came that came by such a listener. */
export interface Arrival {
  readonly door: Door;
  /** Null in the clear. */
  readonly tls: TlsSession | null;
  readonly cookies: CookieCredentials;
  /** The address for which a proxy says that it asks; empty: none. For the log. */
  readonly forwardedFor: string;
}

/** What clients of each transport are called by monitoring, events and services. */
export const CLIENT_TYPES: Readonly<Record<ClientTransport, "nats" | "websocket">> = {
  tcp: "nats",
  "in-process": "nats",
  websocket: "websocket",
};

/** What a client says of itself, with what its browser's cookies say where it is silent. */
export function withCookies(connect: ConnectOptions, { cookies }: Arrival): ConnectOptions {
  return {
    ...connect,
    jwt: connect.jwt || cookies.jwt,
    user: connect.user || cookies.user,
    pass: connect.pass || cookies.pass,
    auth_token: connect.auth_token || cookies.auth_token,
  };
}
