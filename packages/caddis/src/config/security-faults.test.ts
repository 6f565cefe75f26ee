import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createAccount, createUser } from "@nats-io/nkeys";
import * as fc from "fast-check";
import { faultsOf, optionsOf, problemsOf } from "../../../../test/support/config-options.ts";

const A = createAccount().getPublicKey();
const U = createUser().getPublicKey();

/** The faults that matter most, in the reference's words; the whole list is compared with it elsewhere. */
describe("faults of a file", () => {
  const bad: [string, string][] = [
    [`authorization {users: [{nkey: ${A}}]}`, "Not a valid public nkey for a user"],
    [`authorization {users: [{nkey: ${U}, user: a}]}`, "Nkey users do not take usernames or passwords"],
    ["authorization {users: [{password: a}]}", "User entry requires a user"],
    ["authorization {user: a, users: []}", "Can not have a single user/pass and a users array"],
    ["authorization {token: a, users: []}", "Can not have a token and a users array"],
    [
      "authorization {user: a}\naccounts {A {users: [{user: b}]}}",
      "Can not have a single user/pass and accounts",
    ],
    ["authorization {users: [{user: a, clients: [x, mqtt]}]}", 'invalid connection types ["X"]'],
    [
      `authorization {users: [{user: a}], auth_callout {issuer: ${A}, auth_users: [a], allowed_accounts: [B]}}`,
      'auth_callout allowed account "B" not found in configured accounts',
    ],
    [
      `authorization {users: [{user: a}], auth_callout {issuer: ${A}, auth_users: [a], xkey: ${A}}}`,
      `Expected callout xkey to be a valid public xkey, got "${A}"`,
    ],
    ['accounts {"$G" {}}', '"$G" is a Reserved Account'],
    ["accounts {A {exports: [{stream: s, accounts: [B]}]}}", '"B" account not defined for stream export'],
    [
      "accounts {A {exports: [{stream: s, account_token_position: 1}]}}",
      'Error adding stream export "s": sublist: invalid subject',
    ],
    [
      "accounts {A {exports: [{service: s, latency: {subject: l, sampling: 101}}]}}",
      "bad sampling percentage, should be 1-100",
    ],
    [
      "accounts {A {exports: [{service: 's.>', latency: s.l}]}}",
      'Error adding service latency sampling for "s.>" on subject "s.l": invalid publish subject',
    ],
    [
      "accounts {A {exports: [{service: s, response: stream, latency: l}]}}",
      'Error adding service latency sampling for "s" on subject "l": bad service response type',
    ],
    [
      "accounts {A {imports: [{stream: {account: B, subject: s}}]}}",
      '"B" account not defined for stream import',
    ],
    [
      "tls {cert_file: c, key_file: k, cipher_suites: [TLS_RSA_WITH_AES_128_CBC_SHA]}",
      "insecure cipher suites configured without 'allow_insecure_cipher_suites' option set: TLS_RSA_WITH_AES_128_CBC_SHA",
    ],
    [
      "tls {certs: [{cert_file: c}]}",
      "error parsing certificates config: both 'cert_file' and 'cert_key' options are required",
    ],
    ["proxies {trusted: [{key: x}]}", 'invalid proxy key "x"'],
    ["resolver_preload {a: b}", "invalid account JWT"],
    ["trusted: x", 'trust key "x" required to be a valid public operator nkey'],
  ];
  for (const [text, fault] of bad) test(text, () => assert.deepEqual(faultsOf(text), [fault]));

  test("no connection types are all", () => {
    const [user] = optionsOf("authorization {users: [{user: a, clients: []}]}").authorization.users;
    assert.equal(user.allowed_connection_types, null);
  });

  test("what is said of the global account makes it a configured one", () => {
    const text = `mappings {a: b}\nauthorization {users: [{user: a}], auth_callout {issuer: ${A}, auth_users: [a], allowed_accounts: ["$G"]}}`;
    assert.deepEqual(faultsOf(text), []);
  });
});

test("whatever a program hands in, it is options or a list of problems", () => {
  const names =
    "user password nkey users permissions publish subscribe allow deny allow_responses max expires exports imports " +
    "stream service account subject to prefix latency sampling accounts account_token_position limits max_conn " +
    "cert_file key_file certs pinned_certs cipher_suites handshake_first ocsp_peer verify timeout type dir limit " +
    "auth_callout issuer auth_users trusted key mode urls __proto__ constructor toString";
  const word = fc.oneof(fc.constantFrom(...names.split(" ")), fc.string());
  const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 5, withCrossShrink: true },
      fc.oneof(word, fc.integer(), fc.double(), fc.boolean(), fc.constant(null)),
      fc.array(tie("tree"), { maxLength: 4 }),
      fc.dictionary(word, tie("tree"), { maxKeys: 5 }),
    ),
  }));
  const option = fc.constantFrom(
    ..."authorization accounts tls ocsp ocsp_cache proxies operator trusted resolver resolver_tls".split(" "),
    ..."resolver_preload resolver_pinned_accounts no_auth_user system_account default_sentinel".split(" "),
  );
  fc.assert(
    fc.property(option, tree, (name, value) => {
      for (const problem of problemsOf({ [name]: value })) assert.equal(typeof problem, "string");
    }),
    { numRuns: 1_000 },
  );
});
