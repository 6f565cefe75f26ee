/** Names of cipher suites and curves as configurations write them, which are Go's. */

/** Suites that stand in a configuration freely. */
const SECURE_SUITES: ReadonlySet<string> = new Set([
  "TLS_AES_128_GCM_SHA256",
  "TLS_AES_256_GCM_SHA384",
  "TLS_CHACHA20_POLY1305_SHA256",
  "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
  "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
  "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
  "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
  "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
  "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
  "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
  "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
  "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
  "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
]);

/** Suites that need `allow_insecure_cipher_suites`. */
const INSECURE_SUITES: ReadonlySet<string> = new Set([
  "TLS_RSA_WITH_AES_128_CBC_SHA",
  "TLS_RSA_WITH_AES_256_CBC_SHA",
  "TLS_RSA_WITH_AES_128_CBC_SHA256",
  "TLS_RSA_WITH_AES_128_GCM_SHA256",
  "TLS_RSA_WITH_AES_256_GCM_SHA384",
  "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
  "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
]);

/** Insecure ones that OpenSSL no longer has. */
const MISSING_SUITES: ReadonlySet<string> = new Set([
  "TLS_RSA_WITH_RC4_128_SHA",
  "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
  "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA",
  "TLS_ECDHE_RSA_WITH_RC4_128_SHA",
  "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA",
]);

const CURVES: ReadonlySet<string> = new Set([
  "SecP384r1MLKEM1024",
  "SecP256r1MLKEM768",
  "X25519MLKEM768",
  "X25519",
  "CurveP256",
  "CurveP384",
  "CurveP521",
]);

/** All cipher suites that can be had, those first that stand freely. */
export const SUITE_NAMES: readonly string[] = [...SECURE_SUITES, ...INSECURE_SUITES];

/** All curves. */
export const CURVE_NAMES: readonly string[] = [...CURVES];

/** What is known of a cipher suite by its name. */
export function suiteKind(name: string): "secure" | "insecure" | "missing" | "unknown" {
  if (SECURE_SUITES.has(name)) return "secure";
  if (INSECURE_SUITES.has(name)) return "insecure";
  return MISSING_SUITES.has(name) ? "missing" : "unknown";
}

/** Whether there is a curve of that name. */
export function isCurve(name: string): boolean {
  return CURVES.has(name);
}
