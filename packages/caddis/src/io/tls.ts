import type { Log } from "./log.ts";

/** What a TLS handshake came to. */
export interface TlsSession {
  /** `1.2` or `1.3`. */
  readonly version: string;
  /** The cipher suite as Go names it. */
  readonly cipherSuite: string;
  /** The server name the client asked for; empty: none. */
  readonly serverName: string;
  /** The peer's certificates in DER, its own first; empty when it showed none. */
  readonly certificates: readonly Uint8Array[];
  /** Whether they were verified against the configured authorities. */
  readonly isVerified: boolean;
}

/**
 * The server's side of TLS for one listener, made by `io/node/tls.ts` from certificates and rules. What it is
 * made of can change while connections use it: new handshakes take the new files.
 */
export interface TlsContext {
  /** Bound of a handshake, milliseconds. */
  readonly timeoutMs: number;
  /** When the first of the certificates in use expires, in milliseconds since the Unix epoch. */
  readonly notAfterMs: number;
  /**
   * Whether one more handshake may begin at `nowMs` (any clock that does not run backwards): false when
   * `connection_rate_limit` is used up for this second.
   */
  admit(nowMs: number): boolean;
}

/** A certificate of the server with what its status is asked by. DER. */
export interface ServedCertificate {
  /** Its file; for the log. */
  readonly name: string;
  /** As sent to peers: the certificate first. */
  readonly chain: readonly Uint8Array[];
  /** Trusted certificates, among which its issuer may be. */
  readonly authorities: readonly Uint8Array[];
}

/** What a TLS context asks of its owner. */
export interface TlsHooks {
  readonly log: Log;
  /** The response to staple when a client asks for the status of our certificate; null: none. */
  readonly staple?: (leaf: Buffer, issuer: Buffer | null) => Buffer | null;
  /** A reason to refuse a verified peer, which goes into the log; null: it is fine. Never rejects. */
  readonly checkPeer?: (chain: readonly Uint8Array[]) => Promise<string | null>;
  /** Files have been read, trusted authorities (DER) among them: says why they can't be used, or null. */
  readonly onLoaded?: (
    served: readonly ServedCertificate[],
    trusted: readonly Uint8Array[],
  ) => Promise<string | null>;
}
