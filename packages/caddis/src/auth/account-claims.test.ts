import assert from "node:assert/strict";
import { test } from "node:test";
import { JwtWorld, NOW, NOW_MS } from "../../../../test/support/jwt-world.ts";
import { accountOf } from "./account-claims.ts";
import { accountProblemsAt, updateProblem } from "./account-claims-check.ts";
import type { AccountClaims } from "./claims/claims.ts";
import { isProblem } from "./claims/fields.ts";
import { decodeClaims } from "./jwt.ts";

const world = new JwtWorld();
const OTHER = world.other.publicKey;

function claims(given: Parameters<JwtWorld["accountJwt"]>[0]): AccountClaims {
  const decoded = decodeClaims("account", world.accountJwt(given));
  return isProblem(decoded) ? assert.fail(decoded.problem) : decoded;
}

test("an account of few words may do anything within itself", () => {
  const account = accountOf(claims({ nats: { signing_keys: [] } }), false);
  assert.deepEqual(account, {
    config: {
      name: world.account.publicKey,
      nkey: world.account.publicKey,
      exports: [],
      imports: [],
      mappings: [],
      limits: { max_connections: -1, max_subscriptions: -1, max_payload: -1, max_leafnodes: -1 },
      default_permissions: null,
    },
    nameTag: "A",
    tags: [],
    issuer: world.operator.publicKey,
    issuedAt: NOW - 100,
    expiresMs: 0,
    signingKeys: new Map([[world.account.publicKey, null]]),
    revocations: new Map(),
    disallowsBearer: false,
    externalAuthorization: null,
    trace: null,
    clusterTraffic: "",
  });
});

test("its own key signs users unless the operator is strict", () => {
  const nats = { signing_keys: [world.signer.publicKey] };
  assert.deepEqual(
    [...accountOf(claims({ nats }), false).signingKeys.keys()],
    [world.signer.publicKey, world.account.publicKey],
  );
  assert.deepEqual([...accountOf(claims({ nats }), true).signingKeys.keys()], [world.signer.publicKey]);
  // A scope on the account's own key would hold only until the key signs without it.
  const own = { kind: "user_scope", key: world.account.publicKey, template: {} };
  const account = accountOf(claims({ nats: { signing_keys: [own] } }), false);
  assert.deepEqual([...account.signingKeys], [[world.account.publicKey, null]]);
});

test("limits are 32 bits, absent ones are 0", () => {
  const limits = { conn: 2 ** 40, subs: -5, payload: 7, imports: -1, exports: -1, disallow_bearer: true };
  const account = accountOf(claims({ nats: { limits } }), false);
  assert.deepEqual(account.config.limits, {
    max_connections: 2 ** 31 - 1,
    max_subscriptions: -1,
    max_payload: 7,
    max_leafnodes: 0,
  });
  assert.ok(account.disallowsBearer);
});

test("exports", () => {
  const exports = [
    { subject: "s.*", type: "stream", token_req: true, revocations: { "*": 5 }, account_token_position: 2 },
    { subject: "q", type: "service" },
    {
      subject: "r",
      type: "service",
      response_type: "Stream",
      response_threshold: 1_500_001,
      service_latency: { sampling: 20, results: "lat" },
      allow_trace: true,
    },
    {
      subject: "t",
      type: "service",
      response_type: "Chunked",
      service_latency: { sampling: "headers", results: "l" },
    },
  ];
  const common = { account_token_position: 0, approval: { kind: "public" } };
  assert.deepEqual(accountOf(claims({ nats: { exports } }), false).config.exports, [
    {
      kind: "stream",
      subject: "s.*",
      approval: { kind: "token", revocations: new Map([["*", 5]]) },
      account_token_position: 2,
    },
    {
      ...common,
      kind: "service",
      subject: "q",
      response_type: "singleton",
      response_threshold: 120_000,
      latency: null,
      allow_trace: false,
    },
    {
      ...common,
      kind: "service",
      subject: "r",
      response_type: "stream",
      response_threshold: 2,
      latency: { subject: "lat", sampling: 20 },
      allow_trace: true,
    },
    {
      ...common,
      kind: "service",
      subject: "t",
      response_type: "chunked",
      response_threshold: 120_000,
      latency: { subject: "l", sampling: "headers" },
      allow_trace: false,
    },
  ]);
});

test("imports, in their new and old forms", () => {
  const imports = [
    { account: OTHER, subject: "a.*", type: "stream", local_subject: "b.$1", token: "t", allow_trace: true },
    { account: OTHER, subject: "c", type: "stream", to: "pre." },
    { account: OTHER, subject: "d", type: "stream" },
    { account: OTHER, subject: "e.*", type: "service", local_subject: "f.$1", share: true },
    { account: OTHER, subject: "here", to: "there", type: "service" },
    { account: OTHER, subject: "g", type: "service" },
  ];
  const stream = { kind: "stream", account: OTHER, prefix: "", to: "", token: "", allow_trace: false };
  const service = { kind: "service", account: OTHER, to: "", share: false, token: "" };
  assert.deepEqual(accountOf(claims({ nats: { imports } }), false).config.imports, [
    { ...stream, subject: "a.*", to: "b.$1", token: "t", allow_trace: true },
    { ...stream, subject: "c", prefix: "pre" },
    { ...stream, subject: "d" },
    { ...service, subject: "e.*", to: "f.$1", share: true },
    { ...service, subject: "there", to: "here" },
    { ...service, subject: "g" },
  ]);
});

test("mappings, with 0 standing for all", () => {
  const mappings = {
    "a.*": [
      { subject: "b.$1", weight: 20 },
      { subject: "c.$1", weight: 10, cluster: "x" },
    ],
    d: [{ subject: "e" }],
  };
  assert.deepEqual(accountOf(claims({ nats: { mappings } }), false).config.mappings, [
    {
      source: "a.*",
      destinations: [
        { subject: "b.$1", weight: 20, cluster: "" },
        { subject: "c.$1", weight: 10, cluster: "x" },
      ],
    },
    { source: "d", destinations: [{ subject: "e", weight: 100, cluster: "" }] },
  ]);
});

test("default permissions", () => {
  const of = (default_permissions: object): unknown =>
    accountOf(claims({ nats: { default_permissions } }), false).config.default_permissions;
  const all = { allow: null, deny: [] };
  assert.equal(of({}), null);
  assert.equal(of({ pub: { allow: [], deny: [] }, sub: {} }), null, "empty lists alone say nothing");
  assert.deepEqual(of({ pub: { deny: ["a"] } }), {
    publish: { allow: null, deny: ["a"] },
    subscribe: all,
    responses: null,
  });
  assert.deepEqual(of({ pub: { allow: [], deny: ["a"] }, sub: { allow: [], deny: ["b"] } }), {
    publish: { allow: [], deny: ["a"] },
    subscribe: { allow: null, deny: ["b"] },
    responses: null,
  });
  assert.deepEqual(of({ resp: {} }), {
    publish: { allow: [], deny: [] },
    subscribe: all,
    responses: { max: 1, expiresMs: 120_000 },
  });
  assert.deepEqual(of({ pub: { deny: ["a"] }, resp: { max: -7, ttl: 1 } }), {
    publish: { allow: [], deny: ["a"] },
    subscribe: all,
    responses: { max: -1, expiresMs: 1 },
  });
  assert.deepEqual(of({ pub: { allow: ["b"] }, resp: { max: 3, ttl: -1 } }), {
    publish: { allow: ["b"], deny: [] },
    subscribe: all,
    responses: { max: 3, expiresMs: 0 },
  });
});

test("JetStream's limits, flat or by tier", () => {
  const of = (limits: object): readonly (readonly [string, number])[] => {
    const { jetstream = new Map<string, never>() } = accountOf(claims({ nats: { limits } }), false).config;
    return [...jetstream].map(([tier, { maxMemory }]) => [tier, maxMemory]);
  };
  assert.deepEqual(of({}), []);
  assert.deepEqual(of({ mem_storage: 5 }), [["", 5]]);
  assert.deepEqual(of({ disk_storage: 5 }), [["", 0]]);
  assert.deepEqual(of({ mem_storage: 5, tiered_limits: { R1: { mem_storage: 6 }, R3: {} } }), [
    ["R1", 6],
    ["R3", 0],
  ]);
  assert.deepEqual(of({ tiered_limits: { R1: {}, R3: {} } }), []);
});

test("JetStream's limits of streams: 0 is any", () => {
  const limits = {
    mem_storage: 5,
    streams: 0,
    max_ack_pending: 0,
    mem_max_stream_bytes: 7,
    max_bytes_required: true,
  };
  assert.deepEqual(accountOf(claims({ nats: { limits } }), false).config.jetstream?.get(""), {
    maxMemory: 5,
    maxStore: 0,
    maxStreams: 0,
    maxConsumers: 0,
    maxAckPending: -1,
    memoryMaxStreamBytes: 7,
    storeMaxStreamBytes: -1,
    maxBytesRequired: true,
  });
});

test("the rest of it", () => {
  const authorization = { auth_users: [world.user.publicKey], allowed_accounts: ["*"], xkey: "" };
  const account = accountOf(
    claims({
      exp: NOW + 9,
      nats: {
        authorization,
        trace: { dest: "t" },
        cluster_traffic: "owner",
        revocations: { "*": 4 },
        tags: ["a:b"],
      },
    }),
    false,
  );
  assert.equal(account.expiresMs, NOW_MS + 9_000);
  assert.deepEqual(account.externalAuthorization, authorization);
  assert.deepEqual(account.trace, { dest: "t", sampling: 100 });
  assert.deepEqual([account.clusterTraffic, account.tags], ["owner", ["a:b"]]);
  assert.deepEqual(account.revocations, new Map([["*", 4]]));
});

test("an update is refused for what the reference refuses it for", () => {
  assert.equal(updateProblem(claims({})), null);
  assert.equal(
    updateProblem(claims({ nats: { cluster_traffic: "x", signing_keys: ["y"] } })),
    'validation errors: ["y" is not a valid account signing key unknown cluster traffic option: "x"]',
  );
  assert.match(
    updateProblem(claims({ nats: { mappings: { a: [{ subject: "b.$1" }] } } })) ?? "",
    /^mapping "a"/,
  );
  assert.equal(updateProblem(claims({ exp: 1 })), null, "times are not looked at");
});

test("claims hold from their beginning to their end", () => {
  assert.deepEqual(accountProblemsAt(claims({ exp: NOW + 1, nbf: NOW }), NOW_MS + 999), []);
  for (const given of [{ exp: NOW }, { exp: NOW - 1 }, { nbf: NOW + 1 }, { exp: -1 }]) {
    assert.equal(accountProblemsAt(claims(given), NOW_MS).length, 1, JSON.stringify(given));
  }
});

test("as much as may be is checked in bearable time", () => {
  const many = (count: number): object[] =>
    Array.from({ length: count }, (_, i) => ({ subject: `a.*.${i}`, type: "stream" }));
  assert.equal(updateProblem(claims({ nats: { exports: many(4_096) } })), null);
  assert.match(updateProblem(claims({ nats: { exports: many(4_097) } })) ?? "", /too many/);
});
