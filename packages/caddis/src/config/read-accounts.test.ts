import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createAccount, createUser } from "@nats-io/nkeys";
import { faultsOf, optionsOf, problemsOf } from "../../../../test/support/config-options.ts";
import type { ConfiguredAccount } from "./accounts.ts";
import { resolveOptions } from "./load.ts";

const NKEY = createAccount().getPublicKey();

const EMPTY: ConfiguredAccount = {
  name: "A",
  nkey: "",
  exports: [],
  imports: [],
  mappings: [],
  limits: { max_connections: -1, max_subscriptions: -1, max_payload: -1, max_leafnodes: -1 },
  default_permissions: null,
  users: [],
};

/** The first of two accounts. */
function accountOf(text: string): ConfiguredAccount {
  return optionsOf(`accounts {A {${text}}, B {exports: [{stream: ">"}]}}`).accounts[0];
}

describe("an account", () => {
  test("by name only", () => {
    assert.deepEqual(optionsOf("accounts: [A, B]").accounts, [EMPTY, { ...EMPTY, name: "B" }]);
    assert.deepEqual(accountOf(""), EMPTY);
  });

  test("with all its members", () => {
    const account = accountOf(
      `nkey: ${NKEY}, limits {max_conn: 0, max_subs: -7, max_pay: 1kb, max_leafs: 3}, maps {a: b}, jetstream: disabled,
       users: [{user: u, password: p, clients: [mqtt, STANDARD], proxy_required: true}]`,
    );
    assert.deepEqual(account, {
      ...EMPTY,
      nkey: NKEY,
      limits: { max_connections: 0, max_subscriptions: -1, max_payload: 1024, max_leafnodes: 3 },
      mappings: [{ source: "a", destinations: "b" }],
      users: [
        {
          user: "u",
          password: "p",
          nkey: "",
          account: "A",
          permissions: null,
          allowed_connection_types: ["STANDARD", "MQTT"],
          proxy_required: true,
        },
      ],
    });
  });

  test("from a program", () => {
    const { accounts } = resolveOptions({
      accounts: {
        A: { users: [{ user: "u" }], imports: [{ stream: { account: "B", subject: "s" } }] },
        B: {},
      },
    });
    assert.deepEqual(
      accounts.map(({ name, users, imports }) => [name, users.length, imports.length]),
      [
        ["A", 1, 1],
        ["B", 0, 0],
      ],
    );
  });

  test("with a name that means something to JavaScript", () => {
    const { accounts } = optionsOf(`accounts {"__proto__" {nkey: ${NKEY}}, constructor {}, "1" {}}`);
    assert.deepEqual(accounts.map(({ name }) => name).toSorted(), ["1", "__proto__", "constructor"]);
    assert.deepEqual(faultsOf("accounts {A {constructor: 1}}"), ['unknown field "constructor"']);
    assert.deepEqual(faultsOf("accounts {A {toString: 1}}"), ['unknown field "toString"']);
  });

  test("beside values that others refer to", () => {
    const { accounts } = optionsOf("accounts {u: [{user: a}], A {n: b, users: $u, maps {a: $n}}}");
    assert.deepEqual(
      accounts.map(({ name, users }) => [name, users.map(({ user }) => user)]),
      [["A", ["a"]]],
    );
  });
});

describe("exports", () => {
  const good: [string, unknown][] = [
    [
      "stream: 's.>'",
      { kind: "stream", subject: "s.>", approval: { kind: "public" }, account_token_position: 0 },
    ],
    [
      "stream: s, accounts: [B, A]",
      {
        kind: "stream",
        subject: "s",
        approval: { kind: "accounts", accounts: ["B", "A"] },
        account_token_position: 0,
      },
    ],
    [
      "service: t",
      {
        kind: "service",
        subject: "t",
        approval: { kind: "public" },
        account_token_position: 0,
        response_type: "singleton",
        response_threshold: 120_000,
        latency: null,
        allow_trace: false,
      },
    ],
    [
      `service: 't.*', account_token_position: 2, response: Chunk, response_time: "5s", allow_trace: true`,
      {
        kind: "service",
        subject: "t.*",
        approval: { kind: "public" },
        account_token_position: 2,
        response_type: "chunked",
        response_threshold: 5_000,
        latency: null,
        allow_trace: true,
      },
    ],
  ];
  for (const [text, expected] of good) {
    test(text, () => assert.deepEqual(accountOf(`exports: [{${text}}]`).exports, [expected]));
  }

  test("a threshold of 0 is none of one's own", () => {
    const [found] = accountOf('exports: [{service: t, threshold: "0s"}]').exports;
    assert.equal(found.kind === "service" && found.response_threshold, 120_000);
  });

  test("latency in all forms", () => {
    const forms = [
      "l",
      "{subject: l}",
      "{subject: l, sampling: 5}",
      "{subject: l, sampling: '7%'}",
      "{subject: l, sampling: Headers}",
    ];
    const samplings = forms.map((form) => {
      const [found] = accountOf(`exports: [{service: t, latency: ${form}}]`).exports;
      return found.kind === "service" ? found.latency : null;
    });
    assert.deepEqual(
      samplings,
      [100, 100, 5, 7, "headers"].map((sampling) => ({ subject: "l", sampling })),
    );
  });

  test("an entry that says neither stream nor service exports nothing", () => {
    assert.deepEqual(accountOf("exports: [{}]").exports, []);
  });
});

describe("imports", () => {
  const good: [string, unknown][] = [
    [
      "stream: {account: B, subject: s}",
      { kind: "stream", account: "B", subject: "s", prefix: "", to: "", token: "", allow_trace: false },
    ],
    [
      "stream: {account: B, subject: s}, prefix: 'p.', allow_trace: true",
      { kind: "stream", account: "B", subject: "s", prefix: "p", to: "", token: "", allow_trace: true },
    ],
    [
      "to: 'x.$1', stream: {account: B, subject: 's.*'}",
      { kind: "stream", account: "B", subject: "s.*", prefix: "", to: "x.$1", token: "", allow_trace: false },
    ],
    [
      "service: {account: B, subject: s}, to: t, share: true",
      { kind: "service", account: "B", subject: "s", to: "t", share: true, token: "" },
    ],
  ];
  for (const [text, expected] of good) {
    test(text, () => assert.deepEqual(accountOf(`imports: [{${text}}]`).imports, [expected]));
  }

  test("the same service of two accounts may have one subject", () => {
    const { accounts } = optionsOf(
      "accounts {A {imports: [{service: {account: B, subject: s}}, {service: {account: C, subject: s}}]}, B {}, C {}}",
    );
    assert.equal(accounts[0].imports.length, 2);
  });
});

describe("users", () => {
  test("are told apart over all accounts and the authorization block", () => {
    const nkey = createUser().getPublicKey();
    const text = `accounts {A {users: [{user: a}, {nkey: ${nkey}}]}, B {users: [{user: a}, {nkey: ${nkey}}]}}`;
    assert.deepEqual(faultsOf(text), ['Duplicate user "a" detected', `Duplicate nkey "${nkey}" detected`]);
    assert.deepEqual(
      problemsOf({ accounts: { A: { users: [{ user: "a" }] } }, authorization: { users: [{ user: "a" }] } }),
      ['Duplicate user "a" detected'],
    );
  });

  test("an error names no secret", () => {
    const secret = "topsecret";
    const bad = [
      `authorization {users: [{user: a, password: {x: ${secret}}}]}`,
      `authorization {users: [{password: ${secret}}]}`,
      `authorization {users: [{user: a, password: ${secret}}, {user: a, password: ${secret}}]}`,
      `authorization {user: a, password: ${secret}, token: ${secret}}`,
      `authorization {token: ${secret}, users: []}`,
      `resolver: "URL(ftp://u:${secret}@h/)"`,
      `resolver_preload {A: ${secret}}`,
      `operator: eyJ${secret}`,
    ];
    for (const text of bad) {
      const faults = faultsOf(text);
      assert.notEqual(faults.length, 0, text);
      assert.ok(!faults.join("\n").includes(secret), faults.join("\n"));
    }
  });
});
