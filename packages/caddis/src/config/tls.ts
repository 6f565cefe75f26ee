/** TLS as a configuration gives it. Paths stay paths: files are read when a server builds its TLS contexts. */

export interface CertificateFiles {
  readonly cert_file: string;
  readonly key_file: string;
}

/** `tls.ocsp_peer`: whether certificates of peers are checked for revocation. */
export interface OcspPeerConfig {
  readonly verify: boolean;
  /** How long the authority may take to answer, milliseconds. */
  readonly ca_timeout: number;
  readonly allowed_clockskew: number;
  readonly warn_only: boolean;
  readonly unknown_is_good: boolean;
  readonly allow_when_ca_unreachable: boolean;
  readonly cache_ttl_when_next_update_unset: number;
}

/** When the handshake comes: after INFO, before it, or before it if the client begins within so many milliseconds. */
export type HandshakeFirst = "never" | "always" | { readonly waitMs: number };

/** A `tls` block. Durations in milliseconds. */
export interface TlsConfig {
  /** The certificates, first the one for clients that name no server or an unknown one; at least one for a listener. */
  readonly certificates: readonly CertificateFiles[];
  readonly ca_file: string;
  /** Names as Go writes them (`TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256`); empty: the default. */
  readonly cipher_suites: readonly string[];
  /** `CurveP256`, `CurveP384`, `CurveP521`, `X25519`, …; empty: the default. */
  readonly curve_preferences: readonly string[];
  readonly min_version: "1.2" | "1.3";
  /** Clients must show a certificate. */
  readonly verify: boolean;
  /** …and it says which user they are. Implies `verify`. */
  readonly verify_and_map: boolean;
  readonly handshake_first: HandshakeFirst;
  readonly timeout: number;
  /** Handshakes per second; 0: any number. */
  readonly connection_rate_limit: number;
  /** Lower-case hex SHA-256 of the public keys peers may have; empty: any. */
  readonly pinned_certs: readonly string[];
  readonly ocsp_peer: OcspPeerConfig | null;
  /** Own option: reads the files again when they change. */
  readonly watch: boolean;
}

/** `ocsp`: stapling of the server's own certificate status. */
export interface OcspConfig {
  readonly mode: "auto" | "always" | "must" | "never";
  /** Responders to ask instead of those named in the certificate. */
  readonly urls: readonly string[];
}

/** `ocsp_cache`: what was learnt about peers' certificates. */
export interface OcspCacheConfig {
  readonly type: "none" | "local";
  readonly local_store: string;
  readonly preserve_revoked: boolean;
  /** Milliseconds. */
  readonly save_interval: number;
}

/** Without `ocsp_cache`, or with `true`. */
export const DEFAULT_OCSP_CACHE: OcspCacheConfig = {
  type: "local",
  local_store: "_rc_",
  preserve_revoked: false,
  save_interval: 300_000,
};
