/**
 * Configurations of security against the reference server's own check, `nats-server -t`: the same verdict,
 * the same digest, and the same faults. One fault for each bad file: the reference reads members in random
 * order, and stops at the first fault of some blocks.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { encodeAccount, encodeOperator, encodeUser } from "@nats-io/jwt";
import { createAccount, createCurve, createOperator, createServer, createUser } from "@nats-io/nkeys";
import { makeCa, makeCertificate } from "./support/certificates.ts";
import { ConfigCheck, reasonOf } from "./support/config-verdicts.ts";
import { findReferenceServer } from "./support/server-process.ts";

const reference = findReferenceServer();
const skip = reference === null ? "no nats-server on PATH" : false;

const check = new ConfigCheck(reference ?? "");
const operator = createOperator();
const account = createAccount();
const [A, U, V, O, X, N] = [account, createUser(), createUser(), operator, createCurve(), createServer()].map(
  (keys) => keys.getPublicKey(),
);
/** One letter of the checksum is wrong. */
const U_DAMAGED = U.slice(0, -1) + (U.endsWith("A") ? "B" : "A");
const PIN = "ab".repeat(32);

const OPERATOR_JWT = await encodeOperator("O", operator);
const ACCOUNT_JWT = await encodeAccount("A", account, {}, { signer: operator });
const USER_JWT = await encodeUser("U", createUser(), account);

const TLS = "cert_file: DIR/cert.pem, key_file: DIR/key.pem";

before(async () => {
  const ca = makeCa();
  const certificate = makeCertificate({ ca, dns: ["localhost"] });
  await check.add("ca.pem", ca.pem);
  await check.add("cert.pem", certificate.pem);
  await check.add("key.pem", certificate.keyPem);
  await check.add("operator.jwt", OPERATOR_JWT);
  await check.add(
    "operator.decorated.jwt",
    `-----BEGIN NATS OPERATOR JWT-----\n${OPERATOR_JWT}\n------END NATS OPERATOR JWT------\n`,
  );
  await check.add("accounts/readme", "");
});

after(() => check.remove());

/** Users with something said about one of them. */
const user = (more: string): string => `authorization {users: [{user: a, password: b, ${more}}]}`;
const permissions = (text: string): string => user(`permissions: {${text}}`);
const callout = (text: string): string => `authorization {users: [{user: a}], auth_callout {${text}}}`;
const accountA = (text: string): string => `accounts {A {${text}}, B {}}`;
const exporting = (text: string): string => accountA(`exports: [{${text}}]`);
const importing = (text: string): string =>
  `accounts {A {imports: [{${text}}]}, B {exports: [{stream: "s.>"}, {service: "t.>"}, {stream: u}]}}`;

describe("good files: valid, with the same digest", { skip }, () => {
  const good = [
    // users
    "authorization {users: []}",
    "authorization {users = [{user: a, password: b}]}",
    "authorization {users: [{username: a, pass: b}, {user: c}]}",
    `authorization {users: [{nkey: ${U}}, {nkey: ${V}, permissions: {publish: foo}}]}`,
    `authorization {users: [{user: a, password: "$2a$11$x"}], default_permissions: {publish: foo}}`,
    "authorization {permissions: {subscribe: foo}, users: [{user: a, password: b}]}",
    "authorization {default_permission: {}, users: [{user: a, password: b}]}",
    "authorization {user: a, password: b, proxy_required: true}",
    'authorization {token: "$2a$11$abc", timeout: "5s"}',
    'authorization {timeout: "1m"}',
    "p: {publish: foo}\nauthorization {users: [{user: a, permissions: $p}]}",
    "authorization {users: [{user: a, name: b, password: $name}]}",
    user("proxy_required: true"),
    user("allowed_connection_types: [STANDARD, websocket, LEAFNODE, LEAFNODE_WS, MQTT, mqtt_ws, IN_PROCESS]"),
    user("connection_types: standard"),
    user("clients: []"),
    // permissions
    permissions(""),
    permissions("publish: foo"),
    permissions("pub: [foo, 'bar.*', 'baz.>']"),
    permissions("import: foo, export: bar"),
    permissions("publish: []"),
    permissions("publish: {}"),
    permissions("publish: {allow: foo, deny: [bar]}"),
    permissions("publish: {deny: '>'}, sub: {allow: ['foo queue', '* *.q', '>'], deny: 'bar  q.>'}"),
    permissions("allow_responses: true"),
    permissions("allow_responses: false, publish: foo"),
    permissions('publish_allow_responses: {max: 5, expires: "1m"}'),
    permissions('allow_responses: {max_msgs: -1, ttl: "-1s"}'),
    permissions('allow_responses: {max_responses: 0, expiration: "0s"}'),
    permissions("allow_responses: {max_messages: 1}"),
    "authorization {users: [{user: a, authorization: {publish: foo}}, {user: b, permission: {}}]}",
    // callout
    callout(`issuer: ${A}, auth_users: [a]`),
    callout(`issuer: ${A}, users: [a], acc: B, key: ${X}`),
    `authorization {auth_hook {issuer: ${A}, auth_users: [a], account: A, xkey: ${X}, allowed_accounts: [A]}}\naccounts {A {}}`,
    `authorization {auth_callout {issuer: ${A}, auth_users: [a], allowed_accounts: ["$G"]}}\nmappings {a: b}`,
    // accounts
    "accounts {}",
    "accounts: []",
    "accounts: [A, B, C]",
    "accounts {A {}, B: {}}",
    `accounts {A {nkey: ${A}, users: [{user: a, password: b}, {nkey: ${U}}]}}`,
    "accounts {A {users: []}}\nauthorization {user: a, password: b}",
    "accounts {A {users: [{user: a}]}, B {users: [{user: b}]}}\nauthorization {users: [{user: c}]}",
    "x: foo\naccounts {A {default_permissions: {publish: $x}}}",
    "accounts {p {publish: foo}, A {default_permissions: $p}}",
    accountA("limits {max_connections: 5, max_subscriptions: 6, max_payload: 7kb, max_leafnodes: -1}"),
    accountA("limits {max_conn: 5, max_subs: 6, max_pay: 7, max_leafs: 8}"),
    accountA("mappings {a: b, c: [{dest: d, weight: 5}]}"),
    accountA("maps {a: b}"),
    "no_auth_user: nobody",
    "system_account: nobody",
    'system: "$SYS"',
    // exports
    accountA("exports: []"),
    exporting("stream: foo"),
    exporting("stream: 'foo.>', accounts: [B]"),
    exporting("accounts: [B], service: foo"),
    exporting("service: foo, accounts: []"),
    exporting("stream: 'foo.*', account_token_position: 2"),
    exporting("service: '*.foo', account_token_position: 1"),
    exporting("service: foo, response: single"),
    exporting("service: foo, response_type: Stream"),
    exporting("response: chunked, service: foo"),
    exporting('service: foo, threshold: "5s"'),
    exporting('service: foo, response_max_time: "1m", response: chunk'),
    exporting("service: foo, latency: bar"),
    exporting("service: foo, latency: {subject: bar, sampling: 50}"),
    exporting("service: foo, latency: {subject: bar, sampling: '50%'}"),
    exporting("service: foo, latency: {subject: bar, sampling: headers}"),
    exporting("service: foo, allow_trace: true"),
    exporting(""),
    // imports
    accountA("imports: []"),
    importing("stream: {account: B, subject: 's.a'}"),
    importing("stream: {account: B, subject: 's.a'}, prefix: x"),
    importing("stream: {account: B, subject: 's.a'}, prefix: 'x.'"),
    importing("stream: {account: B, subject: 's.*'}, to: 'x.*'"),
    importing("stream: {account: B, subject: 's.*'}, to: 'x.$1'"),
    importing("stream: {account: B, subject: u}, allow_trace: true"),
    importing("service: {account: B, subject: 't.a'}"),
    importing("to: x, service: {account: B, subject: 't.a'}, share: true"),
    importing("service: {account: B, subject: 't.*'}, to: 'x.$1'"),
    importing(""),
    // proxies
    `proxies {trusted: [{key: ${A}}, {public_key: ${N}}]}`,
    "proxies {}",
    "proxies {trusted: []}",
    // TLS
    "tls {}",
    `tls {${TLS}}`,
    `tls {${TLS}, ca_file: DIR/ca.pem, verify: true, timeout: 3}`,
    `tls {${TLS}, verify_and_map: true, timeout: "3s"}`,
    `tls {${TLS}, timeout: 0.5, insecure: true}`,
    `tls {certs: [{${TLS}}, {${TLS}}]}`,
    `tls {certificates: [{${TLS}}]}`,
    `tls {${TLS}, cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_AES_128_GCM_SHA256]}`,
    `tls {${TLS}, cipher_suites: [TLS_RSA_WITH_AES_128_CBC_SHA], allow_insecure_cipher_suites: true}`,
    `tls {${TLS}, curve_preferences: [X25519, CurveP256, CurveP384, CurveP521, X25519MLKEM768]}`,
    `tls {${TLS}, min_version: "1.2"}`,
    `tls {${TLS}, min_version: "1.3"}`,
    ...["true", "false", '"on"', '"off"', "auto", "auto_fallback", '"250ms"', '"0s"'].map(
      (first) => `tls {${TLS}, handshake_first: ${first}}`,
    ),
    `tls {${TLS}, first: true}`,
    `tls {${TLS}, immediate: auto}`,
    `tls {${TLS}, connection_rate_limit: 100}`,
    `tls {${TLS}, pinned_certs: ["${PIN}", "${PIN.toUpperCase()}"]}`,
    `tls {${TLS}, pinned_certs: []}`,
    `tls {${TLS}, verify_cert_and_check_known_urls: false}`,
    `tls {${TLS}, ocsp_peer: true, verify: true}`,
    `tls {${TLS}, ocsp_peer: false}`,
    `tls {${TLS}, ocsp_peer: {verify: true, ca_timeout: 2, allowed_clockskew: "30s", warn_only: true, unknown_is_good: true, allow_when_ca_unreachable: true, cache_ttl_when_next_update_unset: 3600.5}}`,
    `tls {${TLS}, cert_match: x, cert_match_by: subject, cert_match_skip_invalid: true, ca_certs_match: [a]}`,
    "allow_non_tls: true",
    "ocsp: true",
    "ocsp: false",
    "ocsp {mode: Always}",
    "ocsp {mode: must, url: 'http://localhost'}",
    "ocsp_cache: true",
    "ocsp_cache: false",
    'ocsp_cache {type: none, local_store: "x", preserve_revoked: true, save_interval: 5}',
    'ocsp_cache {type: LOCAL, save_interval: "1m"}',
    // operator mode
    "operator: DIR/operator.jwt\nresolver: MEM",
    "operators: ['DIR/operator.jwt']\nresolver: MEMORY",
    "root: DIR/operator.decorated.jwt\naccount_resolver: mem",
    `operator: ${OPERATOR_JWT}`,
    `roots: ["${OPERATOR_JWT}"]`,
    `trusted: ${O}`,
    `trusted_keys: [${O}, ${O}]`,
    `resolver: MEM\nresolver_preload {${A}: ${ACCOUNT_JWT}}`,
    "resolver: URL(http://localhost:1/x)",
    'accounts_resolver: URL("https://localhost:1/x/")',
    "resolver {type: full, dir: DIR/accounts}",
    'resolver {type: full, dir: DIR/accounts, allow_delete: true, hard_delete: true, limit: 5, interval: "2m", timeout: "3s"}',
    'resolver {type: CACHE, dir: DIR/accounts, limit: 5, ttl: "2m"}',
    "resolver {type: memory}",
    `resolver_tls {${TLS}, ca_file: DIR/ca.pem}`,
    `resolver_pinned_accounts: ${A}`,
    `resolver_pinned_accounts: [${A}, x]`,
    "default_sentinel: x",
  ];
  for (const text of good) {
    test(JSON.stringify(text), async () => {
      const { theirs, ours } = await check.verdicts(text);
      assert.notEqual(theirs.digest, "", theirs.faults.join("\n"));
      assert.deepEqual(ours, theirs);
    });
  }
});

/** Files whose faults stand at the same places with the same words. */
const SAME_PLACE = [
  // authorization
  "authorization {user: a, password: b, token: c}",
  "authorization {user: a, password: b, users: []}",
  "authorization {token: a, users: [{user: b}]}",
  "authorization {users: [{user: a}, {user: a}]}",
  `authorization {users: [{nkey: ${U}}, {nkey: ${U}}]}`,
  `authorization {users: [{user: ${U}}, {nkey: ${U}}]}`,
  "authorization {users: [{password: a}]}",
  "authorization {users: [a]}",
  `authorization {users: [{nkey: ${U_DAMAGED}}]}`,
  `authorization {users: [{nkey: ${A}}]}`,
  "authorization {users: [{foo: 1}, {user: a}]}\n",
  user("foo: 1"),
  user("permissions: 5"),
  user("allowed_connection_types: 5"),
  user("allowed_connection_types: x"),
  user("allowed_connection_types: [standard, x, y]"),
  // permissions
  permissions("foo: 1"),
  permissions("publish: {foo: bar}"),
  permissions("publish: {allow: 5}"),
  permissions("publish: {allow: 'a..b'}"),
  permissions("publish: {allow: 'a b'}"),
  permissions("publish: {deny: 'foo.>.bar'}"),
  permissions("subscribe: {allow: 'foo a b'}"),
  permissions("subscribe: {allow: 'a..b q'}"),
  permissions("subscribe: {deny: 'foo q..r'}"),
  permissions("allow_responses: 5"),
  permissions("allow_responses: {foo: 5}"),
  permissions("allow_responses: {expires: 5}"),
  permissions("allow_responses: {expires: abc}"),
  // callout
  callout("issuer: abc"),
  callout(`issuer: ${U}`),
  callout(`issuer: ${A}, xkey: ${A}, auth_users: [a]`),
  callout("auth_users: [a]"),
  callout(`issuer: ${A}`),
  callout(`foo: 1, issuer: ${A}, auth_users: [a]`),
  callout(`issuer: ${A}, auth_users: [a], allowed_accounts: [C]`),
  // accounts
  'accounts {"$G" {}}',
  "accounts: [A, B, A]",
  "accounts {A: 5}",
  "accounts {A: a}",
  accountA("foo: 1"),
  accountA("nkey: abc"),
  accountA(`nkey: ${U}`),
  accountA("users: [{user: a}, {user: a}]"),
  "accounts {A {users: [{user: a}]}, B {nkey: abc}}",
  accountA("limits: 5"),
  accountA("limits {foo: 5}"),
  accountA("mappings {a: 'b.*'}"),
  accountA("exports: 5"),
  accountA("exports: [a]"),
  accountA("imports: 5"),
  accountA("imports: [a]"),
  // exports
  exporting("foo: 1"),
  exporting("stream: 5"),
  exporting("service: 5"),
  exporting("service: foo, response: 5"),
  exporting("service: foo, response: x"),
  exporting("service: foo, threshold: 5"),
  exporting("service: foo, threshold: x"),
  exporting("service: foo, latency: 5"),
  exporting("service: foo, latency: {sampling: 5}"),
  exporting("service: foo, latency: {subject: bar, sampling: 0}"),
  exporting("service: foo, latency: {subject: bar, sampling: 101}"),
  exporting("service: foo, latency: {subject: bar, sampling: x}"),
  exporting("service: foo, latency: {subject: bar, sampling: 1.5}"),
  exporting("service: foo, latency: 'bar.*'"),
  exporting("service: foo, latency: foo"),
  exporting("service: foo, response: stream, latency: bar"),
  exporting("stream: foo, accounts: [C]"),
  exporting("service: foo, accounts: [C]"),
  exporting("stream: foo, account_token_position: 1"),
  exporting("service: 'foo.*', account_token_position: 3"),
  // imports
  importing("foo: 1"),
  importing("stream: 5"),
  importing("service: 5"),
  importing("stream: {account: B}"),
  importing("service: {subject: a}"),
  importing("stream: {account: B, subject: u, foo: 1}"),
  importing("stream: {account: C, subject: u}"),
  importing("service: {account: C, subject: u}"),
  importing("service: {account: B, subject: 't.a'}, to: 'x..y'"),
  importing("stream: {account: B, subject: u}, prefix: 'x.*'"),
  // proxies
  "proxies: 5",
  "proxies {foo: 1}",
  "proxies {trusted: 5}",
  "proxies {trusted: [a]}",
  "proxies {trusted: [{key: a}]}",
  `proxies {trusted: [{key: ${A}, foo: 1}]}`,
  // TLS
  "tls {foo: 1}",
  "tls {cert_file: 5}",
  "tls {key_file: 5}",
  "tls {ca_file: 5}",
  "tls {verify: 5}",
  "tls {verify_and_map: 5}",
  "tls {insecure: 5}",
  "tls {verify_cert_and_check_known_urls: 5}",
  "tls {verify_cert_and_check_known_urls: true}",
  "tls {allow_insecure_cipher_suites: 5}",
  "tls {cipher_suites: []}",
  "tls {cipher_suites: [x]}",
  "tls {cipher_suites: [TLS_RSA_WITH_RC4_128_SHA]}",
  "tls {curve_preferences: []}",
  "tls {curve_preferences: [x]}",
  "tls {timeout: true}",
  "tls {timeout: x}",
  "tls {connection_rate_limit: x}",
  "tls {pinned_certs: x}",
  "tls {pinned_certs: [abc]}",
  "tls {handshake_first: 5}",
  "tls {first: x}",
  "tls {min_version: 1.2}",
  'tls {min_version: "1.1"}',
  'tls {min_version: "1.4"}',
  "tls {cert_store: 5}",
  "tls {cert_store: x}",
  "tls {cert_store: WindowsCurrentUser}",
  "tls {cert_match_by: x}",
  "tls {cert_match_by: 5}",
  "tls {cert_match: 5}",
  "tls {cert_match_skip_invalid: 5}",
  "tls {certs: [a]}",
  "tls {certs: [{cert_file: 5}]}",
  "tls {certs: [{cert_file: a}]}",
  "tls {certs: [{foo: a}]}",
  "tls {cert_file: DIR/cert.pem}",
  "tls {key_file: DIR/key.pem}",
  `tls {${TLS}, certs: [{${TLS}}]}`,
  "resolver_tls {foo: 1}",
  "ocsp: 5",
  "ocsp_cache {foo: 1}",
  "ocsp_cache {type: x}",
  "ocsp_cache {type: 5}",
  "ocsp_cache {local_store: 5}",
  "ocsp_cache {preserve_revoked: 5}",
  "ocsp_cache {save_interval: true}",
  // operator mode
  "operator: 5",
  "operator: DIR/nope.jwt",
  "operator: eyJhbc",
  "operator: DIR/accounts/readme",
  `operator: ${USER_JWT}`,
  "trusted: x",
  "trusted: 5",
  "resolver: 5",
  "resolver: x",
  "resolver {type: x}",
  "resolver {type: full, dir: DIR/accounts, ttl: '5s'}",
  "resolver {type: full, dir: DIR/accounts, hard_delete: true}",
  "resolver {type: cache, dir: DIR/accounts, interval: '5s'}",
  "resolver {type: cache, dir: DIR/accounts, allow_delete: true}",
  "resolver {type: cache, dir: DIR/accounts, hard_delete: false}",
  "resolver_preload: 5",
  "resolver_preload {a: 5}",
  "resolver_preload {a: b}",
  `resolver_preload {a: ${USER_JWT}}`,
  "resolver_pinned_accounts: 5",
];

/** Files whose faults have the same words, at a place of our own: the reference has none, or a random one. */
const SAME_WORDS = [
  'accounts: ["$G"]',
  `trusted: [${U}]`,
  "resolver {type: cache, dir: DIR/accounts, ttl: x}",
  accountA("jetstream: x"),
  accountA("jetstream: 5"),
  importing("service: {account: B, subject: 't.a'}}, {service: {account: B, subject: 't.a'}"),
  importing("service: {account: B, subject: 't.a'}}, {service: {account: B, subject: 't.b'}, to: 't.a'"),
  `authorization {users: [{nkey: ${U}, user: a}]}`,
  `authorization {users: [{nkey: ${U}, password: a}]}`,
  "authorization {users: 5}",
  accountA("users: 5"),
  permissions("publish: 5"),
  permissions("publish: [a, 'b..c']"),
  permissions("subscribe: 'foo q..r'"),
  "tls {ocsp_peer: {foo: 1}}",
  "tls {ocsp_peer: {ca_timeout: x}}",
];

/** Files with one fault for which the reference has one of two texts, by chance: ours is one of them. */
const SAME_CHOICE: readonly (readonly [text: string, theirs: readonly string[]])[] = [
  [
    "accounts {A {users: [{user: a}]}}\nauthorization {user: b, password: c}",
    ["Can not have a single user/pass and accounts", "Can not have a single user/pass and a users array"],
  ],
  [
    "accounts {A {users: [{user: a}]}}\nauthorization {token: b}",
    ["Can not have a token and accounts", "Can not have a token and a users array"],
  ],
  ["accounts {A {users: [{user: a}]}, B {users: [{user: a}]}}", ['Duplicate user "a" detected']],
  ["accounts {A {users: [{user: a}]}}\nauthorization {users: [{user: a}]}", ['Duplicate user "a" detected']],
  [
    importing("stream: {account: B, subject: u}, service: {account: B, subject: 't.a'}"),
    ["Detected service but already saw a stream", "Detected stream but already saw a service"],
  ],
  [
    exporting("stream: foo, service: bar"),
    ['Detected service "bar" but already saw a stream', 'Detected stream "foo" but already saw a service'],
  ],
  [
    exporting("service: foo, response: single, response_type: stream"),
    ["Duplicate response type definition"],
  ],
  [
    exporting('service: foo, threshold: "5s", response_time: "5s"'),
    ["Duplicate response threshold detected"],
  ],
  [exporting("stream: foo, latency: bar"), ["Detected latency directive on non-service"]],
  [exporting("stream: foo, allow_trace: true"), ["Detected allow_trace directive on non-service"]],
  [exporting("stream: foo, response: single"), ["Detected response directive on non-service"]],
  [
    importing("service: {account: B, subject: 't.a'}, allow_trace: true"),
    ["Detected allow_trace directive on a non-stream"],
  ],
];

describe("bad files: the same faults", { skip }, () => {
  for (const text of SAME_PLACE) {
    test(JSON.stringify(text), async () => {
      const { theirs, ours } = await check.verdicts(text);
      assert.equal(theirs.digest, "");
      assert.deepEqual(ours.faults, theirs.faults);
    });
  }
  for (const text of SAME_WORDS) {
    test(JSON.stringify(text), async () => {
      const { theirs, ours } = await check.verdicts(text);
      assert.equal(theirs.digest, "");
      assert.deepEqual(ours.faults.map(lastReason), theirs.faults.map(lastReason));
    });
  }
  for (const [text, reasons] of SAME_CHOICE) {
    test(JSON.stringify(text), async () => {
      const { theirs, ours } = await check.verdicts(text);
      assert.equal(theirs.digest, "");
      for (const fault of [...theirs.faults, ...ours.faults])
        assert.ok(reasons.includes(reasonOf(fault)), fault);
      assert.equal(ours.faults.length, 1);
    });
  }
});

/** The reference puts the place in front twice where blocks lie in one another. */
function lastReason(fault: string): string {
  return reasonOf(reasonOf(fault));
}

describe("bad files: refused by both, in our own words", { skip }, () => {
  const bad = [
    "authorization {user: 5}",
    "authorization {proxy_required: 5}",
    "authorization: 5",
    "authorization {auth_callout: 5}",
    callout(`issuer: ${A}, auth_users: a`),
    callout(`issuer: ${A}, auth_users: [a], account: 5`),
    callout(`issuer: ${A}, auth_users: [a], allowed_accounts: a`),
    user("user: 5"),
    user("proxy_required: 5"),
    permissions("publish: {allow: ['a', 'b c']}"),
    permissions("allow_responses: {max: x}"),
    "accounts {A {users: [{user: a, permissions {foo: 1}}]}}",
    accountA("nkey: 5"),
    accountA("limits {max_conn: x}"),
    accountA("mappings: 5"),
    exporting("service: foo, accounts: B"),
    exporting("service: foo, allow_trace: 5"),
    exporting("service: foo, latency: {subject: 5}"),
    exporting("stream: 'foo.*', account_token_position: x"),
    exporting("stream: 'foo.*', account_token_position: -1"),
    importing("stream: {account: 5, subject: u}"),
    importing("stream: {account: B, subject: u}, prefix: 5"),
    importing("service: {account: B, subject: 't.a'}, share: 5"),
    importing("stream: {account: B, subject: u}, prefix: a, to: b, allow_trace: 5"),
    "proxies {trusted: [{key: 5}]}",
    "no_auth_user: 5",
    "system_account: 5",
    "default_sentinel: 5",
    "tls: 5",
    "tls {cipher_suites: 5}",
    "tls {curve_preferences: 5}",
    "tls {certs: 5}",
    "tls {ocsp_peer: 5}",
    "tls {ocsp_peer: {verify: 5}}",
    "allow_non_tls: 5",
    "ocsp {mode: x}",
    "ocsp {mode: 5}",
    "ocsp {foo: 1}",
    "ocsp_cache: 5",
    "resolver_tls: 5",
    "resolver {type: full}",
    "resolver {type: cache}",
    "resolver {type: full, dir: DIR/accounts, limit: x}",
    "resolver {type: full, dir: DIR/accounts, interval: 5}",
    "resolver {type: 5}",
    "resolver {type: cache, dir: DIR/accounts, timeout: '0s'}",
    "trusted: [a, 5, b]",
  ];
  for (const text of bad) {
    test(JSON.stringify(text), async () => {
      const { theirs, ours } = await check.verdicts(text);
      assert.equal(theirs.digest, "");
      assert.notEqual(ours.faults.length, 0);
    });
  }
});

/** Where we are deliberately not like the reference; see each line. A change on either side shows here. */
describe("files on which we differ", { skip }, () => {
  const differing: [text: string, why: string, verdict: "theirs" | "ours"][] = [
    [exporting("stream: 'a b'"), "a subject nobody can publish to is exported", "theirs"],
    [exporting('service: foo, threshold: "-5s"'), "an answer is waited for less than no time", "theirs"],
    [
      exporting("service: foo, latency: {subject: bar, foo: 1}"),
      "an unknown member is passed over",
      "theirs",
    ],
    [accountA("limits {max_conn: 3000000000}"), "the number wraps around", "theirs"],
    ["proxies {trusted: [{}]}", "an entry without key is refused at the start only", "theirs"],
    ["tls {timeout: -1}", "a negative timeout is taken", "theirs"],
    ["tls {cert_file: DIR/nope.pem, key_file: DIR/key.pem}", "certificates are read by the check", "ours"],
    ["tls {ca_file: DIR/nope.pem}", "so are authorities", "ours"],
    ["tls {watch: true}", "an option of ours", "ours"],
    ["ocsp {urls: ['http://a', 'http://b']}", "a list of URLs is never read", "ours"],
    ["resolver: xxmem", "any text with MEM in it is taken", "theirs"],
    ["resolver: URL", "a URL may be absent", "theirs"],
    ["resolver: URL(foo)", "any text counts as a URL", "theirs"],
    ["resolver {type: full, dir: DIR/accounts, foo: 1}", "unknown members are passed over", "theirs"],
    ["resolver {type: full, dir: DIR/accounts/readme}", "the folder is looked at by the check", "ours"],
    ["tls {foo: true, verify: $foo}", "variables inside tls are unknown options", "ours"],
    [importing("stream: {account: B, subject: x}"), "the check links accounts", "ours"],
  ];
  for (const [text, why, verdict] of differing) {
    test(`${JSON.stringify(text)}: ${why}`, async () => {
      const { theirs, ours } = await check.verdicts(text);
      assert.equal(theirs.digest !== "", verdict === "theirs", theirs.faults.join("\n"));
      assert.equal(ours.digest !== "", verdict === "ours", ours.faults.join("\n"));
    });
  }
});
