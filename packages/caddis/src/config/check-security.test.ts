import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createAccount, createCurve, createUser } from "@nats-io/nkeys";
import { optionsOf, problemsOf } from "../../../../test/support/config-options.ts";
import { mergeInputs, resolveOptions, startWarnings } from "./load.ts";

const ISSUER = createAccount().getPublicKey();
const NKEY = createUser().getPublicKey();
const BCRYPT = `$2a$11$${"x".repeat(53)}`;

describe("no_auth_user", () => {
  test("is a user or an nkey, of the authorization block or an account", () => {
    assert.deepEqual(problemsOf({ no_auth_user: "a", authorization: { users: [{ user: "a" }] } }), []);
    assert.deepEqual(problemsOf({ no_auth_user: NKEY, accounts: { A: { users: [{ nkey: NKEY }] } } }), []);
    assert.deepEqual(problemsOf({ no_auth_user: "b", accounts: { A: { users: [{ user: "a" }] } } }), [
      'no_auth_user: "b" not present as user or nkey in authorization block or account configuration',
    ]);
    assert.deepEqual(problemsOf({ no_auth_user: "a", authorization: { user: "a", password: "b" } }), [
      'no_auth_user: "a" present, but users/nkeys are not defined',
    ]);
  });
});

describe("system account", () => {
  test("is configured, or the global one", () => {
    const missing = ["error resolving system account: account missing"];
    assert.deepEqual(problemsOf({ system_account: "A" }), missing);
    assert.deepEqual(problemsOf({ system_account: "$SYS" }), missing);
    assert.deepEqual(problemsOf({ system_account: "$G" }), []);
    assert.deepEqual(problemsOf({ system_account: "A", accounts: ["A"] }), []);
  });

  test("is needed to measure latency", () => {
    const accounts = { A: { exports: [{ service: "s", latency: "l" }] } };
    assert.deepEqual(problemsOf({ accounts }), []);
    assert.deepEqual(problemsOf({ accounts, no_system_account: true }), [
      'Error adding service latency sampling for "s": system account not setup',
    ]);
  });
});

describe("auth callout", () => {
  test("in full", () => {
    const xkey = createCurve().getPublicKey();
    const callout = { issuer: ISSUER, account: "A", auth_users: ["a"], xkey, allowed_accounts: ["B"] };
    const options = resolveOptions({
      accounts: ["A", "B"],
      authorization: { users: [{ user: "a", password: BCRYPT }], auth_callout: callout },
    });
    assert.deepEqual(options.authorization.auth_callout, callout);
    assert.deepEqual(startWarnings(options), []);
  });

  test("runs in the global account unless it is said, and warns of what is missing", () => {
    const input = { authorization: { auth_callout: { issuer: ISSUER, auth_users: ["a", "b"] } } };
    const options = resolveOptions(mergeInputs(input, { authorization: { user: "a", password: BCRYPT } }));
    assert.deepEqual(options.authorization.auth_callout?.account, "$G");
    assert.deepEqual(startWarnings(options), ['Authorization callout user "b" not valid']);
    const other = { authorization: { auth_callout: { issuer: ISSUER, auth_users: ["a"], account: "X" } } };
    assert.deepEqual(startWarnings(resolveOptions(other)), [
      'Authorization callout account "X" not valid',
      'Authorization callout user "a" not valid',
    ]);
  });
});

describe("plain passwords", () => {
  const warning = ["Plaintext passwords detected, use nkeys or bcrypt"];
  const cases: [string, readonly string[]][] = [
    ["authorization {user: a, password: b}", warning],
    [`authorization {user: a, password: "${BCRYPT}"}`, []],
    ["authorization {token: a}", []],
    ["authorization {users: [{user: a, password: b}]}", warning],
    ["accounts {A {users: [{user: a, password: b}]}}", warning],
    [`accounts {A {users: [{user: a, password: "${BCRYPT}"}, {nkey: ${NKEY}}]}}`, []],
    ["authorization {users: [{user: a}]}", warning],
    ["tls {cert_file: c, key_file: k, verify_and_map: true}\nauthorization {users: [{user: a}]}", []],
    ["tls {cert_file: c, key_file: k, verify: true}\nauthorization {users: [{user: a}]}", warning],
  ];
  for (const [text, expected] of cases) {
    test(text, () => assert.deepEqual(startWarnings(optionsOf(text)), expected));
  }
});

test("flags go before a file: a user before its token, a token before its user", () => {
  const merged = (file: object, flags: object): unknown =>
    mergeInputs({ authorization: file }, { authorization: flags }).authorization;
  assert.deepEqual(merged({ token: "t", timeout: "1s" }, { user: "u", password: "p" }), {
    timeout: "1s",
    user: "u",
    password: "p",
  });
  assert.deepEqual(merged({ user: "u", password: "p" }, { token: "t" }), { token: "t" });
  assert.deepEqual(merged({ user: "u", password: "p" }, { password: "q" }), { user: "u", password: "q" });
});

test("whether there is an authorization block", () => {
  assert.equal(optionsOf("port: 1").hasAuthorization, false);
  assert.equal(optionsOf("authorization {}").hasAuthorization, true);
});
