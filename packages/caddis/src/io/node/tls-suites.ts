/**
 * Cipher suites and curves by the names that configurations use, which are Go's, and by those of OpenSSL.
 */

/** TLS 1.3 has no weak suite: as in Go, all are offered whatever is configured. */
const SUITES_1_3 = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"];

/** The default for TLS 1.2: forward secrecy, and AEAD before CBC. */
const DEFAULT_SUITES_1_2 = [
  "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
  "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
  "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
  "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
  "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
  "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
  "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
  "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
  "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
  "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
];

/** Empty: a suite that configurations may name and that OpenSSL no longer has; it is never negotiated. */
const OPENSSL_SUITES_1_2: ReadonlyMap<string, string> = new Map([
  ["TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256"],
  ["TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384"],
  ["TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"],
  ["TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305", "ECDHE-ECDSA-CHACHA20-POLY1305"],
  ["TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", "ECDHE-ECDSA-AES128-SHA"],
  ["TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", "ECDHE-ECDSA-AES256-SHA"],
  ["TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256", "ECDHE-ECDSA-AES128-SHA256"],
  ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256"],
  ["TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384"],
  ["TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-RSA-CHACHA20-POLY1305"],
  ["TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305", "ECDHE-RSA-CHACHA20-POLY1305"],
  ["TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "ECDHE-RSA-AES128-SHA"],
  ["TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", "ECDHE-RSA-AES256-SHA"],
  ["TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", "ECDHE-RSA-AES128-SHA256"],
  ["TLS_RSA_WITH_AES_128_GCM_SHA256", "AES128-GCM-SHA256"],
  ["TLS_RSA_WITH_AES_256_GCM_SHA384", "AES256-GCM-SHA384"],
  ["TLS_RSA_WITH_AES_128_CBC_SHA", "AES128-SHA"],
  ["TLS_RSA_WITH_AES_256_CBC_SHA", "AES256-SHA"],
  ["TLS_RSA_WITH_AES_128_CBC_SHA256", "AES128-SHA256"],
  ["TLS_RSA_WITH_3DES_EDE_CBC_SHA", ""],
  ["TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA", ""],
  ["TLS_RSA_WITH_RC4_128_SHA", ""],
  ["TLS_ECDHE_ECDSA_WITH_RC4_128_SHA", ""],
  ["TLS_ECDHE_RSA_WITH_RC4_128_SHA", ""],
]);

const OPENSSL_CURVES: ReadonlyMap<string, string> = new Map([
  ["X25519MLKEM768", "X25519MLKEM768"],
  ["SecP384r1MLKEM1024", "SecP384r1MLKEM1024"],
  ["SecP256r1MLKEM768", "SecP256r1MLKEM768"],
  ["X25519", "X25519"],
  ["CurveP256", "P-256"],
  ["CurveP384", "P-384"],
  ["CurveP521", "P-521"],
]);

/** What a list of configured names comes to. */
export type NameList = { readonly list: string } | { readonly error: string };

/** OpenSSL's cipher list for the configured suites; those of TLS 1.2 none: only TLS 1.3 is spoken. */
export function cipherList(names: readonly string[]): NameList {
  const wanted = names.length === 0 ? DEFAULT_SUITES_1_2 : names;
  const found: string[] = [...SUITES_1_3];
  for (const name of wanted) {
    if (SUITES_1_3.includes(name)) continue;
    const suite = OPENSSL_SUITES_1_2.get(name);
    if (suite === undefined) return { error: `unrecognized cipher ${name}` };
    if (suite !== "") found.push(suite);
  }
  return { list: found.join(":") };
}

/** OpenSSL's list of groups for the configured curves, in order of preference. */
export function curveList(names: readonly string[]): NameList {
  const wanted = names.length === 0 ? [...OPENSSL_CURVES.keys()] : names;
  const found: string[] = [];
  for (const name of wanted) {
    const curve = OPENSSL_CURVES.get(name);
    if (curve === undefined) return { error: `unrecognized curve preference ${name}` };
    // A library without hybrid groups does without them, unless nothing is left.
    found.push(curve.includes("MLKEM") ? `?${curve}` : curve);
  }
  return { list: found.join(":") };
}
