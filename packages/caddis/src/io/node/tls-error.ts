import { asSystemError, systemReason } from "./system-error.ts";

const NOT_TLS = "tls: first record does not look like a TLS handshake";

/** What OpenSSL says, in the words of the reference, which scripts look for. */
const HANDSHAKE_WORDS: Readonly<Record<string, string>> = {
  ERR_SSL_WRONG_VERSION_NUMBER: NOT_TLS,
  ERR_SSL_HTTP_REQUEST: NOT_TLS,
  ERR_SSL_HTTPS_PROXY_REQUEST: NOT_TLS,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: NOT_TLS,
  ERR_SSL_RECORD_LAYER_FAILURE: NOT_TLS,
  ERR_SSL_NO_SHARED_CIPHER: "tls: no cipher suite supported by both client and server",
  ERR_SSL_UNSUPPORTED_PROTOCOL: "tls: client offered only unsupported versions",
  ERR_SSL_NO_SUITABLE_KEY_SHARE: "tls: no key exchanges supported by both client and server",
  ERR_SSL_NO_SHARED_GROUP: "tls: no key exchanges supported by both client and server",
  ERR_SSL_NO_SUITABLE_GROUPS: "tls: no key exchanges supported by both client and server",
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: "tls: client didn't provide a certificate",
  ERR_SSL_NO_SHARED_SIGNATURE_ALGORITHMS:
    "tls: peer doesn't support any of the certificate's signature algorithms",
};

/** Alerts of the peer, where the words of the reference are others than OpenSSL's. */
const ALERT_WORDS: Readonly<Record<string, string>> = {
  "unknown ca": "unknown certificate authority",
  "certificate unknown": "unknown certificate",
  "certificate expired": "expired certificate",
  "certificate revoked": "revoked certificate",
  "protocol version": "protocol version not supported",
  "decode error": "error decoding message",
  "decrypt error": "error decrypting message",
  "bad record mac": "bad record MAC",
};

const UNKNOWN_AUTHORITY = "x509: certificate signed by unknown authority";
const BAD_DATE = "x509: certificate has expired or is not yet valid";

/** Why a peer's certificate was not verified. */
const VERIFY_WORDS: Readonly<Record<string, string>> = {
  UNABLE_TO_GET_ISSUER_CERT: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_AUTHORITY,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_AUTHORITY,
  DEPTH_ZERO_SELF_SIGNED_CERT: UNKNOWN_AUTHORITY,
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_AUTHORITY,
  CERT_UNTRUSTED: UNKNOWN_AUTHORITY,
  CERT_HAS_EXPIRED: BAD_DATE,
  CERT_NOT_YET_VALID: BAD_DATE,
  INVALID_PURPOSE: "x509: certificate specifies an incompatible key usage",
};

/** How a handshake failed. */
export function handshakeError(reason: string): Error {
  return new Error(`TLS handshake error: ${reason}`);
}

/**
 * Says why a handshake failed. `error` is what Node tells of it; `verifyCode` its code for what is wrong with
 * the peer's certificate, empty: nothing.
 */
export function handshakeReason(error: unknown, verifyCode: string): string {
  if (verifyCode !== "") {
    return `tls: failed to verify certificate: ${VERIFY_WORDS[verifyCode] ?? `x509: ${verifyCode}`}`;
  }
  const { code = "" } = asSystemError(error);
  // Node's word for a peer that left in the middle of it; a reset has the system's error number.
  if (code === "ECONNRESET" && asSystemError(error).errno === undefined) return "EOF";
  return HANDSHAKE_WORDS[code] ?? opensslReason(error) ?? systemReason(error);
}

/** The essential part of an error of OpenSSL's; undefined: it is none. */
function opensslReason(error: unknown): string | undefined {
  const reason = error instanceof Error && "reason" in error ? error.reason : undefined;
  if (typeof reason !== "string") return undefined;
  const alert = /^(?:ssl\/tls|tlsv1|tlsv13|sslv3) alert (.{1,80})$/.exec(reason)?.[1];
  return alert === undefined ? `tls: ${reason}` : `remote error: tls: ${ALERT_WORDS[alert] ?? alert}`;
}
