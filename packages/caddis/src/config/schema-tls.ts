import {
  ANYTHING,
  FLAG,
  SECONDS,
  TEXT,
  WHOLE,
  word,
  type Definitions,
  type JsonSchema,
} from "./schema-parts.ts";
import { CURVE_NAMES, SUITE_NAMES } from "./tls-names.ts";

/** `tls` and `resolver_tls`. */
export function tlsSchema(definitions: Definitions): JsonSchema {
  return definitions.map("tls", () => {
    const pair = definitions.map("certificate-pair", () => ({ cert_file: TEXT, key_file: TEXT }));
    return {
      cert_file: TEXT,
      key_file: TEXT,
      ca_file: TEXT,
      "certs certificates": { type: "array", items: pair },
      insecure: FLAG,
      verify: FLAG,
      verify_and_map: FLAG,
      verify_cert_and_check_known_urls: { const: false },
      allow_insecure_cipher_suites: FLAG,
      // Besides those that can be had there are known ones that can't: the server says so.
      cipher_suites: listOf({ anyOf: [{ enum: SUITE_NAMES }, { type: "string", pattern: "^TLS_" }] }),
      curve_preferences: listOf({ enum: CURVE_NAMES }),
      min_version: { enum: ["1.2", "1.3"] },
      "handshake_first first immediate": { anyOf: [FLAG, TEXT] },
      timeout: SECONDS,
      connection_rate_limit: WHOLE,
      pinned_certs: { type: "array", items: { type: "string", pattern: "^[0-9a-fA-F]{64}$" } },
      ocsp_peer: { anyOf: [FLAG, ocspPeerSchema(definitions)] },
      watch: FLAG,
      // Of the certificate stores of Windows; `cert_store` itself is refused.
      cert_match: TEXT,
      cert_match_by: word(["issuer", "subject", "thumbprint"]),
      cert_match_skip_invalid: FLAG,
      ca_certs_match: ANYTHING,
    };
  });
}

/** At least one of them. */
function listOf(items: JsonSchema): JsonSchema {
  return { type: "array", minItems: 1, items };
}

function ocspPeerSchema(definitions: Definitions): JsonSchema {
  return definitions.map("ocsp-peer", () => ({
    verify: FLAG,
    warn_only: FLAG,
    unknown_is_good: FLAG,
    allow_when_ca_unreachable: FLAG,
    ca_timeout: SECONDS,
    allowed_clockskew: SECONDS,
    cache_ttl_when_next_update_unset: SECONDS,
  }));
}
