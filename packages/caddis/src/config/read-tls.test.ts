import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { optionsOf, problemsOf } from "../../../../test/support/config-options.ts";
import { mergeInputs, resolveOptions } from "./load.ts";
import type { OptionsInput } from "./options.ts";
import type { TlsConfig } from "./tls.ts";

const FILES = "cert_file: c, key_file: k";

const PLAIN: TlsConfig = {
  certificates: [{ cert_file: "c", key_file: "k" }],
  ca_file: "",
  cipher_suites: [],
  curve_preferences: [],
  min_version: "1.2",
  verify: false,
  verify_and_map: false,
  handshake_first: "never",
  timeout: 2_000,
  connection_rate_limit: 0,
  pinned_certs: [],
  ocsp_peer: null,
  watch: false,
};

const OCSP_PEER = {
  verify: true,
  ca_timeout: 2_000,
  allowed_clockskew: 30_000,
  warn_only: false,
  unknown_is_good: false,
  allow_when_ca_unreachable: false,
  cache_ttl_when_next_update_unset: 3_600_000,
};

describe("a tls block", () => {
  const good: [string, Partial<TlsConfig>][] = [
    ["", {}],
    ["timeout: 0.5", { timeout: 500 }],
    ['timeout: "5s"', { timeout: 5_000 }],
    ["timeout: 0", {}],
    ["verify: true, ca_file: a", { verify: true, ca_file: "a" }],
    ["verify_and_map: true", { verify: true, verify_and_map: true }],
    ["verify_and_map: true, verify: false", { verify: true, verify_and_map: true }],
    ["insecure: true", {}],
    ["handshake_first: true", { handshake_first: "always" }],
    ["first: off", {}],
    ["immediate: auto", { handshake_first: { waitMs: 50 } }],
    ['handshake_first: "250ms"', { handshake_first: { waitMs: 250 } }],
    ['handshake_first: "0s"', { handshake_first: "always" }],
    ["connection_rate_limit: 5", { connection_rate_limit: 5 }],
    ["connection_rate_limit: -5", {}],
    [`pinned_certs: ["${"AB".repeat(32)}"]`, { pinned_certs: ["ab".repeat(32)] }],
    ['min_version: "1.3"', { min_version: "1.3" }],
    ["cipher_suites: [TLS_AES_128_GCM_SHA256]", { cipher_suites: ["TLS_AES_128_GCM_SHA256"] }],
    ["curve_preferences: [X25519]", { curve_preferences: ["X25519"] }],
    ["watch: true", { watch: true }],
    ["verify: true, ocsp_peer: true", { verify: true, ocsp_peer: OCSP_PEER }],
    ["ocsp_peer: false", { ocsp_peer: { ...OCSP_PEER, verify: false } }],
    ["ocsp_peer: {}", { ocsp_peer: { ...OCSP_PEER, verify: false } }],
    [
      'ocsp_peer: {ca_timeout: 1.5, allowed_clockskew: "1m", cache_ttl_when_next_update_unset: -5, warn_only: true}',
      {
        ocsp_peer: {
          ...OCSP_PEER,
          verify: false,
          ca_timeout: 1_500,
          allowed_clockskew: 60_000,
          warn_only: true,
        },
      },
    ],
  ];
  for (const [text, expected] of good) {
    test(text, () => assert.deepEqual(optionsOf(`tls {${FILES}, ${text}}`).tls, { ...PLAIN, ...expected }));
  }

  test("with several certificates", () => {
    const pairs = [
      { cert_file: "c", key_file: "k" },
      { cert_file: "d", key_file: "l" },
    ];
    assert.deepEqual(
      optionsOf("tls {certs: [{cert_file: c, key_file: k}, {cert_file: d, key_file: l}]}").tls,
      {
        ...PLAIN,
        certificates: pairs,
      },
    );
    assert.deepEqual(resolveOptions({ tls: { certs: pairs } }).tls?.certificates, pairs);
  });

  test("gives clients more time for their credentials", () => {
    assert.equal(optionsOf(`tls {${FILES}}`).authorization.timeout, 3_000);
    assert.equal(optionsOf(`tls {${FILES}, timeout: 5}`).authorization.timeout, 6_000);
    assert.equal(optionsOf(`tls {${FILES}}\nauthorization {timeout: 1}`).authorization.timeout, 1_000);
    assert.equal(optionsOf(`tls {${FILES}}\nauthorization {timeout: 0}`).authorization.timeout, 3_000);
  });

  const bad: [object, string][] = [
    [{}, "TLS Server certificate must be present and valid"],
    [
      { cert_file: "c", key_file: "k", ocsp_peer: true },
      "OCSP peer verification for client connections requires TLS verify (mTLS) to be enabled",
    ],
    [
      {
        cert_file: "c",
        key_file: "k",
        cipher_suites: ["TLS_RSA_WITH_RC4_128_SHA"],
        allow_insecure_cipher_suites: true,
      },
      "cipher suite TLS_RSA_WITH_RC4_128_SHA is no longer available",
    ],
  ];
  for (const [tls, problem] of bad) {
    test(`that cannot be started with: ${problem}`, () => assert.deepEqual(problemsOf({ tls }), [problem]));
  }

  test("flags give the certificates anew and leave the rest", () => {
    // As a file has it: in any case.
    const block: object = {
      Certs: [{ cert_file: "a", key_file: "b" }],
      Verify: true,
      TIMEOUT: 5,
      first: true,
    };
    const file: OptionsInput = { tls: block };
    const merged = resolveOptions(mergeInputs(file, { tls: { cert_file: "c", key_file: "k" } }));
    assert.deepEqual(merged.tls, { ...PLAIN, timeout: 5_000, handshake_first: "always" });
    assert.equal(resolveOptions(mergeInputs(file, { tls: false })).tls, null);
    assert.deepEqual(problemsOf(mergeInputs(file, { tls: {} })), [
      "TLS Server certificate must be present and valid",
    ]);
  });
});

describe("ocsp", () => {
  test("in all forms", () => {
    assert.equal(optionsOf("port: 1").ocsp, null);
    assert.deepEqual(optionsOf("ocsp: true").ocsp, { mode: "auto", urls: [] });
    assert.deepEqual(optionsOf("ocsp: false").ocsp, { mode: "never", urls: [] });
    assert.deepEqual(optionsOf("ocsp {mode: Must, url: u}").ocsp, { mode: "must", urls: ["u"] });
    assert.deepEqual(optionsOf("ocsp {mode: always, urls: [u, 'v']}").ocsp, {
      mode: "always",
      urls: ["u", "v"],
    });
  });

  test("its cache", () => {
    const local = { type: "local", local_store: "_rc_", preserve_revoked: false, save_interval: 300_000 };
    assert.deepEqual(optionsOf("port: 1").ocsp_cache, local);
    assert.deepEqual(optionsOf("ocsp_cache: true").ocsp_cache, local);
    assert.deepEqual(optionsOf("ocsp_cache: false").ocsp_cache, { ...local, type: "none" });
    assert.deepEqual(
      optionsOf("ocsp_cache {local_store: d, preserve_revoked: true, save_interval: 0.1}").ocsp_cache,
      { ...local, local_store: "d", preserve_revoked: true, save_interval: 1_000 },
    );
  });
});
