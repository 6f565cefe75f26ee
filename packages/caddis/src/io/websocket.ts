import type { Listener, UnattachedPipe } from "./pipe.ts";
import type { TlsContext, TlsSession } from "./tls.ts";

/** A request to become a WebSocket, as it was sent. */
export interface UpgradeRequest {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  /** The values of header fields in their order, by name in lower case; latin1. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
  readonly isSecure: boolean;
}

/** What a browser's cookies say for CONNECT fields that the client leaves open; empty: nothing. */
export interface CookieCredentials {
  readonly jwt: string;
  readonly user: string;
  readonly pass: string;
  readonly auth_token: string;
}

/** What an upgrade that was granted says about its connection. */
export interface Upgrade {
  readonly cookies: CookieCredentials;
  /** The address for which a proxy says that it asks; empty: none. Everybody can write that: for the log only. */
  readonly forwardedFor: string;
}

/** How one connection is to be framed. */
export interface Framing {
  /** Whether messages may be compressed if the peer offers it. */
  readonly compresses: boolean;
  /** Longest frame; 0: any length. */
  readonly frameBytesMax: number;
  /** Whether a compressed message may be cut into frames. */
  readonly cutsCompressed: boolean;
}

/** Whether a request is granted. */
export type UpgradeAnswer =
  | { readonly granted: true; readonly upgrade: Upgrade; readonly framing: Framing }
  | {
      readonly granted: false;
      readonly status: number;
      /** For the log. */
      readonly reason: string;
    };

/** How large the messages of one connection may be, in bytes. */
export interface MessageLimits {
  /** Before it is let in. */
  readonly stranger: number;
  /** Afterwards. */
  readonly admitted: number;
}

export interface WebsocketListenOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Null: in the clear. Asked for each connection, since a reload makes another one. */
  tls(): TlsContext | null;
  /** How long a peer may take from its connection to its upgrade, milliseconds. */
  readonly upgradeMs: number;
  /** Fields that go into the answer to each upgrade. */
  readonly headers: Readonly<Record<string, string>>;
  /** Asked for each connection. */
  limits(): MessageLimits;
}

export interface WebsocketEvents {
  review(request: UpgradeRequest): UpgradeAnswer;
  /** A WebSocket is there; the pipe is paused until it is attached. `tls` is null in the clear. */
  onPipe(pipe: UnattachedPipe, upgrade: Upgrade, tls: TlsSession | null): void;
  /** A connection became no WebSocket. `peer` is `ip:port`. */
  onRefused(peer: string, reason: string): void;
  /** Its TLS handshake failed. */
  onHandshakeFailed(peer: string, reason: string): void;
  /** A connection could not be had, when descriptors run out, say; the listener goes on. */
  onAcceptError(error: Error): void;
}

/** WebSocket, handed in. */
export interface WebsocketNet {
  /**
   * Rejects when the address can't be had. Pipes speak in binary messages; text counts as data, too. `close` of the
   * listener also drops the connections that are no WebSocket yet.
   */
  listen(options: WebsocketListenOptions, events: WebsocketEvents): Promise<Listener>;
}
