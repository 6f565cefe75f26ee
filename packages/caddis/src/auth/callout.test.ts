import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import * as jwt from "@nats-io/jwt";
import { createAccount, createCurve, fromSeed } from "@nats-io/nkeys";
import {
  type Answer,
  newKeyPair,
  readRequest,
  type SeenRequest,
  writeAnswer,
} from "../../../../test/support/callout-service.ts";
import { makeCertificate } from "../../../../test/support/certificates.ts";
import type { Permissions } from "../config/permissions.ts";
import type { AuthCalloutConfig, UserConfig } from "../config/users.ts";
import { SeededRandom } from "../io/seeded-random.ts";
import { type ConnectOptions, defaultConnectOptions } from "../wire/connect.ts";
import {
  CALLOUT_SUBJECT,
  CalloutAuthenticator,
  type CalloutDeps,
  CALLOUTS_IN_FLIGHT_MAX,
} from "./callout.ts";
import { ConfiguredCallout } from "./callout-policy.ts";
import { type AuthenticationRules, ConfiguredAuthenticator, NO_RULES } from "./configured-authenticator.ts";
import type { AuthRequest, Identity, Verdict } from "./identity.ts";
import type { KeyPair } from "./nkey-pair.ts";
import { encodeSeed } from "./nkey.ts";
import { TrustedProxies } from "./trusted-proxies.ts";
import { CurveKeyPair } from "./xkey.ts";

const NOW_MS = Date.UTC(2026, 5, 1, 12);
const NOW = NOW_MS / 1_000;
const NONCE = "mUx8F4mCpNuBTRA";
const TIMEOUT_MS = 2_000;
const SERVER = newKeyPair("server");

const APP_DEFAULTS: Permissions = {
  publish: { allow: ["default"], deny: [] },
  subscribe: { allow: ["default"], deny: [] },
  responses: null,
};

/** A server with a callout, and its service. */
interface Scene {
  readonly issuer: KeyPair;
  readonly authenticator: CalloutAuthenticator;
  /** What the service was asked, and where. */
  readonly seen: SeenRequest[];
  readonly accounts: string[];
  /** How it answers; null: not at all. */
  answer: Answer | null | ((request: SeenRequest) => Promise<Uint8Array>);
}

interface SceneOptions {
  readonly rules?: Partial<AuthenticationRules>;
  readonly callout?: Partial<AuthCalloutConfig>;
  readonly deps?: Partial<CalloutDeps>;
}

function user(fields: Partial<UserConfig>): UserConfig {
  return {
    user: "",
    password: "",
    nkey: "",
    account: "",
    permissions: null,
    allowed_connection_types: null,
    proxy_required: false,
    ...fields,
  };
}

const USERS = [
  user({ user: "auth", password: "secret", account: "AUTH" }),
  user({ user: "ann", password: "secret", account: "APP" }),
  user({ user: "bob", password: "secret", account: "OTHER" }),
  user({ user: "eve", password: "secret" }),
];

function scene({ rules, callout, deps }: SceneOptions = {}): Scene {
  const issuer = newKeyPair("account");
  const all: AuthenticationRules = { ...NO_RULES, users: USERS, ...rules };
  const config: AuthCalloutConfig = {
    issuer: issuer.publicKey,
    account: "AUTH",
    auth_users: ["auth"],
    xkey: "",
    allowed_accounts: [],
    ...callout,
  };
  const policy = new ConfiguredCallout(config, all.no_auth_user, {
    isAccount: (name) => ["$G", "AUTH", "APP", "OTHER"].includes(name),
    defaultPermissions: (name) => (name === "APP" ? APP_DEFAULTS : null),
  });
  const inner = new ConfiguredAuthenticator(all, { compare: () => Promise.resolve(false) });
  const made: Scene = {
    issuer,
    seen: [],
    accounts: [],
    answer: {},
    authenticator: new CalloutAuthenticator(inner, {
      policy,
      server: {
        name: "s1",
        host: "0.0.0.0",
        id: SERVER.publicKey,
        version: "2.15.1",
        cluster: "",
        tags: ["a:b"],
      },
      keys: SERVER,
      curve: new CurveKeyPair(randomBytes(32)),
      proxies: new TrustedProxies(all.proxies),
      random: new SeededRandom(1),
      localZone: "UTC",
      timeoutMs: TIMEOUT_MS,
      nowMs: () => NOW_MS,
      request: async (account, payload) => {
        const request = readRequest(payload);
        made.seen.push(request);
        made.accounts.push(account);
        if (made.answer === null) return null;
        if (typeof made.answer === "function") return made.answer(request);
        return writeAnswer(request, issuer, made.answer, NOW_MS);
      },
      ...deps,
    }),
  };
  return made;
}

function request(connect: Partial<ConnectOptions>, rest: Partial<AuthRequest> = {}): AuthRequest {
  return {
    connect: { ...defaultConnectOptions(), ...connect },
    nonce: NONCE,
    connectionType: "STANDARD",
    cid: 7,
    host: "127.0.0.1",
    tls: null,
    ...rest,
  };
}

function inAWord(verdict: Verdict): string {
  if (verdict.allowed) return `${verdict.identity.user}@${verdict.identity.account}`;
  return verdict.denial === "authenticationViolation" ? verdict.detail : verdict.denial;
}

async function outcome(
  made: Scene,
  connect: Partial<ConnectOptions> = { user: "x", pass: "y" },
  rest: Partial<AuthRequest> = {},
): Promise<string> {
  return inAWord(await made.authenticator.authenticate(request(connect, rest)));
}

/** What came of an answer that differs from a good one. */
async function answered(answer: Answer, options: SceneOptions = {}): Promise<string> {
  const made = scene(options);
  made.answer = answer;
  return outcome(made);
}

async function identity(made: Scene, rest: Partial<AuthRequest> = {}): Promise<Identity> {
  const verdict = await made.authenticator.authenticate(request({ user: "x", pass: "y" }, rest));
  assert.ok(verdict.allowed, inAWord(verdict));
  return verdict.identity;
}

test("a client that is not configured is the service's to judge", async () => {
  const made = scene();
  assert.equal(await outcome(made), "dave@APP");
  assert.deepEqual(made.accounts, ["AUTH"]);
  made.answer = { user: { name: "" } };
  assert.equal(await outcome(made), "x@APP");
  assert.equal(made.authenticator.expectsConnect, true);
  assert.equal(made.authenticator.isRequired, true);
  assert.equal(made.authenticator.needsNonce, false);
});

test("a request says all that the service needs", async () => {
  const made = scene();
  const connect = { user: "x", pass: "y", sig: "c2ln", lang: "go", version: "1.2", name: "n", protocol: 1 };
  await outcome(made, connect);
  const [{ nats, ...claims }] = made.seen;
  const { user_nkey: userNkey, ...rest } = nats;
  assert.match(userNkey, /^U[A-Z2-7]{55}$/);
  assert.equal(claims.aud, "nats-authorization-request");
  assert.equal(claims.iss, SERVER.publicKey);
  assert.equal(claims.sub, made.issuer.publicKey);
  assert.equal(claims.exp, NOW + TIMEOUT_MS / 1_000);
  assert.deepEqual(rest, {
    server_id: { name: "s1", host: "0.0.0.0", id: SERVER.publicKey, version: "2.15.1", tags: ["a:b"] },
    client_info: {
      host: "127.0.0.1",
      id: 7,
      user: "x",
      name: "n",
      kind: "Client",
      type: "nats",
      nonce: NONCE,
    },
    connect_opts: { user: "x", pass: "y", sig: "c2ln", lang: "go", version: "1.2", name: "n", protocol: 1 },
    type: "authorization_request",
    version: 2,
  });
});

test("a request names the client without telling a token, and shows no nonce that nobody signed", async () => {
  const made = scene();
  await outcome(made, { auth_token: "t" });
  await outcome(made, { nkey: "N", user: "u" }, { connectionType: "LEAFNODE" });
  assert.deepEqual(made.seen[0].nats.client_info, {
    host: "127.0.0.1",
    id: 7,
    user: "[REDACTED]",
    kind: "Client",
    type: "nats",
  });
  assert.deepEqual(made.seen[0].nats.connect_opts, { auth_token: "t", protocol: 0 });
  assert.deepEqual(made.seen[1].nats.client_info, { host: "127.0.0.1", id: 7, user: "N", kind: "Leafnode" });
});

test("each request is about another user key", async () => {
  const made = scene();
  await outcome(made);
  await outcome(made);
  assert.notEqual(made.seen[0].nats.user_nkey, made.seen[1].nats.user_nkey);
});

test("a request shows the client's certificates", async () => {
  const made = scene();
  const { der, pem } = makeCertificate();
  const tls = {
    version: "1.3",
    cipherSuite: "TLS_AES_128_GCM_SHA256",
    serverName: "",
    certificates: [der],
    isVerified: true,
  };
  await outcome(made, {}, { tls });
  await outcome(made, {}, { tls: { ...tls, isVerified: false } });
  await outcome(made, {}, { tls: { ...tls, certificates: [], isVerified: false } });
  const common = { version: "1.3", cipher: "TLS_AES_128_GCM_SHA256" };
  assert.deepEqual(made.seen[0].nats.client_tls, { ...common, verified_chains: [[pem]] });
  assert.deepEqual(made.seen[1].nats.client_tls, { ...common, certs: [pem] });
  assert.deepEqual(made.seen[2].nats.client_tls, common);
});

test("who named nobody is shown as who the server takes it for", async () => {
  const made = scene({ rules: { no_auth_user: "ann" } });
  await outcome(made, {});
  assert.equal(made.seen[0].nats.client_info["user"], "ann");
  assert.deepEqual(made.seen[0].nats.connect_opts, { user: "ann", protocol: 0 });
});

test("the service itself is not asked about, whatever password it gives", async () => {
  const made = scene();
  assert.equal(await outcome(made, { user: "auth", pass: "secret" }), "auth@AUTH");
  assert.equal(await outcome(made, { user: "auth", pass: "x" }), "unknown user or wrong password");
  assert.equal(await outcome(made, { user: "auth", nkey: "x" }), "unknown user or wrong password");
  assert.deepEqual(made.seen, []);
});

test("the service may be a single user, an nkey, or the no_auth_user", async () => {
  const single = scene({ rules: { users: [], user: "auth", password: "p" } });
  assert.equal(await outcome(single, { user: "auth", pass: "p" }), "auth@$G");
  assert.equal(await outcome(single, { user: "auth", pass: "x" }), "unknown user or wrong password");
  assert.equal(await outcome(single, { user: "x" }), "dave@APP");
  const pair = newKeyPair("user");
  const nkey = pair.publicKey;
  const keyed = scene({
    rules: { users: [user({ nkey, account: "AUTH" })] },
    callout: { auth_users: [nkey] },
  });
  const sig = Buffer.from(pair.sign(Buffer.from(NONCE))).toString("base64url");
  assert.equal(await outcome(keyed, { nkey, sig }), `${nkey}@AUTH`);
  assert.equal(await outcome(keyed, { nkey, sig: "x" }), "signature not verified");
  assert.equal(await outcome(keyed, { user: "x" }), "dave@APP");
  const free = scene({ rules: { no_auth_user: "auth" } });
  assert.equal(await outcome(free, {}), "auth@AUTH");
});

test("configured users are the service's business in the accounts that are allowed, or in all", async () => {
  const all = scene();
  for (const name of ["ann", "bob", "eve"])
    assert.equal(await outcome(all, { user: name, pass: "secret" }), "dave@APP");
  const some = scene({ callout: { allowed_accounts: ["APP"] } });
  assert.equal(await outcome(some, { user: "ann", pass: "secret" }), "dave@APP");
  assert.equal(await outcome(some, { user: "bob", pass: "secret" }), "bob@OTHER");
  assert.equal(await outcome(some, { user: "eve", pass: "secret" }), "dave@APP");
  assert.equal(await outcome(some, { user: "bob", pass: "wrong" }), "dave@APP");
  assert.equal(
    await outcome(some, { user: "bob", pass: "secret" }, { connectionType: "LEAFNODE" }),
    "dave@APP",
  );
});

test("who is in the service's account may not ask it", async () => {
  const made = scene();
  made.answer = { user: { aud: "AUTH", nats: { pub: { allow: [">"], deny: ["x"] } } } };
  assert.deepEqual((await identity(made)).permissions?.publish, {
    allow: [">"],
    deny: ["x", CALLOUT_SUBJECT],
  });
  const verdict = await made.authenticator.authenticate(request({ user: "auth", pass: "secret" }));
  assert.ok(verdict.allowed);
  assert.deepEqual(verdict.identity.permissions?.publish, { allow: null, deny: [CALLOUT_SUBJECT] });
  made.answer = {};
  assert.deepEqual((await identity(made)).permissions, APP_DEFAULTS);
});

test("no answer, and a refusal, turn the client away", async () => {
  const made = scene();
  made.answer = null;
  assert.equal(await outcome(made), "auth callout: no answer in time");
  assert.equal(
    await answered({ error: 'no "way"', user: null }),
    String.raw`auth callout: the service refused: "no \"way\""`,
  );
  assert.ok((await answered({ error: "x".repeat(5_000), user: null })).length < 400);
  const empty = scene({ deps: { request: () => Promise.resolve(new Uint8Array()) } });
  assert.equal(await outcome(empty), "auth callout: no reason supplied");
});

test("an answer has to be for this server and this request, and signed by the issuer", async () => {
  const stranger = newKeyPair("account");
  const other = newKeyPair("user").publicKey;
  const unfit: readonly (readonly [Answer, string])[] = [
    [{ sub: other }, "the answer is not for the expected user"],
    [{ aud: newKeyPair("server").publicKey }, "the answer is not for this server"],
    [{ signer: stranger }, "the answer's signing key is unknown"],
    [{ exp: NOW - 1 }, "the answer: claim is expired"],
    [{ user: null }, "the answer needs either an error or a JWT"],
    [{ error: "both" }, "the answer needs either an error or a JWT"],
    [{ issuerAccount: "x" }, "issuer_account is no account"],
    [{ user: { sub: other } }, "the answer's user JWT is for another user"],
    [{ user: { signer: stranger } }, "the user's JWT has another issuer"],
    [{ user: { nats: { issuer_account: stranger.publicKey } } }, "issuer_account is for operator mode"],
    [{ user: { aud: "" } }, "no valid account in the user's JWT"],
    [{ user: { aud: "NONE" } }, "no valid account in the user's JWT"],
    [{ user: { exp: NOW - 1 } }, "the user's JWT is not valid: claim is expired"],
  ];
  for (const [answer, problem] of unfit) assert.equal(await answered(answer), `auth callout: ${problem}`);
});

test("an answer to another request is not taken", async () => {
  const made = scene();
  let first: Uint8Array | null = null;
  made.answer = (seen) => Promise.resolve((first ??= writeAnswer(seen, made.issuer, {}, NOW_MS)));
  assert.equal(await outcome(made), "dave@APP");
  assert.equal(await outcome(made), "auth callout: the answer is not for the expected user");
});

test("the request itself, and other tokens, are no answers", async () => {
  const echo = scene({ deps: { request: (_, payload) => Promise.resolve(payload) } });
  assert.match(await outcome(echo), /no authorization response/);
  for (const text of ["x", "eyJ", "eyJ.eyJ.eyJ", "\xff".repeat(100)]) {
    const made = scene();
    made.answer = () => Promise.resolve(Buffer.from(text, "latin1"));
    assert.match(await outcome(made), /no authorization response/);
  }
});

test("what the user's JWT says about the connection holds", async () => {
  const nats = {
    pub: { allow: ["a"], deny: ["b"] },
    sub: { allow: ["c", "d q"] },
    resp: { max: 3, ttl: 5_000_000_000 },
    subs: 10,
    payload: 100,
    tags: ["t:1"],
  };
  const made = scene();
  made.answer = { user: { name: "dave", exp: NOW + 60, nats } };
  const { calledOut, ...shown } = await identity(made);
  assert.equal(calledOut?.user.name, "dave");
  assert.deepEqual(shown, {
    user: "dave",
    account: "APP",
    permissions: {
      publish: { allow: ["a"], deny: ["b"] },
      subscribe: { allow: ["c", "d q"], deny: [] },
      responses: { max: 3, expiresMs: 5_000 },
    },
    limits: { subscriptions: 10, payload: 100 },
    expiresMs: NOW_MS + 60_000,
    nkey: "",
    jwt: "",
    issuerKey: "APP",
    nameTag: "dave",
    tags: ["t:1"],
    proxyKey: "",
  } satisfies Identity);
});

test("limits that services leave out are none", async () => {
  const made = scene();
  made.answer = { user: { nats: { subs: undefined, data: undefined, payload: undefined } } };
  assert.deepEqual((await identity(made)).limits, { subscriptions: -1, payload: -1 });
});

test("a user may be bound to types, networks, times and proxies", async () => {
  const nats = (nats: object): Answer => ({ user: { nats } });
  assert.equal(await answered(nats({ allowed_connection_types: ["standard"] })), "dave@APP");
  assert.equal(
    await answered(nats({ allowed_connection_types: ["MQTT"] })),
    "auth callout: connection type not allowed",
  );
  assert.equal(
    await answered(nats({ allowed_connection_types: ["NEW"] })),
    "auth callout: connection type not allowed",
  );
  assert.equal(await answered(nats({ src: ["127.0.0.0/8"] })), "dave@APP");
  assert.equal(await answered(nats({ src: ["10.0.0.0/8"] })), "auth callout: address not allowed");
  const hours = (start: string, end: string): object => ({ times: [{ start, end }], times_location: "UTC" });
  assert.equal(await answered(nats(hours("11:00:00", "13:00:00"))), "dave@APP");
  assert.equal(
    await answered(nats(hours("13:00:00", "14:00:00"))),
    "auth callout: outside of the allowed times",
  );
  assert.equal(await answered(nats({ proxy_required: true })), "proxyRequired");
  const made = scene();
  made.answer = { user: { exp: NOW + 7_200, nats: hours("11:00:00", "13:00:00") } };
  assert.equal((await identity(made)).expiresMs, NOW_MS + 3_600_000);
});

test("a service has no say about proxies", async () => {
  const proxy = newKeyPair("user");
  const proxied = [...USERS, user({ user: "p", proxy_required: true })];
  const made = scene({ rules: { users: proxied, proxies: [proxy.publicKey] } });
  made.answer = { user: { nats: { proxy_required: true } } };
  assert.equal(await outcome(made, { user: "p" }), "proxyRequired");
  assert.equal(await outcome(made, { proxy_sig: "x" }), "proxyNotTrusted");
  assert.deepEqual(made.seen, []);
  const proxy_sig = Buffer.from(proxy.sign(Buffer.from(NONCE))).toString("base64url");
  assert.equal(await outcome(made, { proxy_sig }), "dave@APP");
});

test("requests are sealed for the service's key, answers may be", async () => {
  const theirs = createCurve();
  const curve = new CurveKeyPair(randomBytes(32));
  const issuer = newKeyPair("account");
  let seal = true;
  let signer = issuer;
  const made = scene({
    callout: { xkey: theirs.getPublicKey(), issuer: issuer.publicKey },
    deps: {
      curve,
      request: (_, payload, xkey) => {
        assert.equal(xkey, curve.publicKey);
        const seen = readRequest(theirs.open(payload, xkey) ?? assert.fail("not for the service"));
        assert.equal(seen.nats.server_id["xkey"], curve.publicKey);
        const answer = writeAnswer(seen, issuer, { signer }, NOW_MS);
        return Promise.resolve(seal ? theirs.seal(answer, xkey) : answer);
      },
    },
  });
  assert.equal(await outcome(made), "dave@APP");
  // Whoever can seal is the service, whatever signs the answer; the user in it is another matter.
  signer = newKeyPair("account");
  assert.equal(await outcome(made), "dave@APP");
  seal = false;
  assert.equal(await outcome(made), "auth callout: the answer's signing key is unknown");
  signer = issuer;
  assert.equal(await outcome(made), "dave@APP");
});

test("an answer that somebody else sealed is refused", async () => {
  const stranger = createCurve();
  const made = scene({
    callout: { xkey: createCurve().getPublicKey() },
    deps: { request: (_, payload, xkey) => Promise.resolve(stranger.seal(payload, xkey)) },
  });
  assert.equal(await outcome(made), "auth callout: the answer can't be decrypted");
  const bad = scene({ callout: { xkey: "X" } });
  assert.equal(await outcome(bad), "auth callout: the service's xkey is none");
});

test("answers of the official library are taken", async () => {
  const secret = randomBytes(32);
  const pair = fromSeed(Buffer.from(encodeSeed("account", secret)));
  const made = scene({ callout: { issuer: pair.getPublicKey() } });
  made.answer = async ({ nats }) => {
    const account = { aud: "APP" };
    const made = await jwt.encodeUser(
      "dave",
      nats.user_nkey,
      pair,
      { pub: { allow: ["a"], deny: [] } },
      account,
    );
    const data = { jwt: made };
    return Buffer.from(
      await jwt.encodeAuthorizationResponse(nats.user_nkey, String(nats.server_id["id"]), pair, data, {}),
    );
  };
  assert.equal(await outcome(made), "dave@APP");
  assert.deepEqual((await identity(made)).permissions?.publish.allow, ["a"]);
  const stranger = scene({ callout: { issuer: createAccount().getPublicKey() } });
  stranger.answer = made.answer;
  assert.equal(await outcome(stranger), "auth callout: the answer's signing key is unknown");
});

test("a bounded number of callouts is under way at a time", async () => {
  const answers: ((answer: null) => void)[] = [];
  const made = scene({ deps: { request: () => new Promise((resolve) => answers.push(resolve)) } });
  const open = Array.from({ length: CALLOUTS_IN_FLIGHT_MAX }, () => outcome(made));
  assert.equal(await outcome(made), "too many auth callouts are under way");
  assert.equal(await outcome(made, { user: "auth", pass: "secret" }), "auth@AUTH");
  for (const answer of answers) answer(null);
  for (const result of await Promise.all(open)) assert.equal(result, "auth callout: no answer in time");
  const again = outcome(made);
  for (let i = 0; i < 10; i++) await Promise.resolve();
  answers.at(-1)?.(null);
  assert.equal(await again, "auth callout: no answer in time");
});

test("the service is not asked again about who is in, unless another account's is to decide", async () => {
  const made = scene();
  made.answer = { user: { name: "dave", nats: { sub: { allow: ["c"] } } } };
  const asked = request({ user: "dave" });
  const came = await made.authenticator.authenticate(asked);
  assert.ok(came.allowed);
  assert.equal(made.seen.length, 1);
  const again = { ...asked, previous: came.identity };
  const other = scene({ callout: { issuer: made.issuer.publicKey } });
  const kept = await other.authenticator.authenticate(again);
  assert.ok(kept.allowed);
  assert.deepEqual({ ...kept.identity, calledOut: 0 }, { ...came.identity, calledOut: 0 });
  assert.equal(other.seen.length, 0);
  const moved = {
    ...came.identity,
    calledOut: { ...came.identity.calledOut, account: "ELSEWHERE" },
  } as Identity;
  await other.authenticator.authenticate({ ...asked, previous: moved });
  assert.equal(other.seen.length, 1);
});

test("another service is asked about who is in", async () => {
  const made = scene();
  made.answer = { user: { name: "dave" } };
  const asked = request({ user: "dave" });
  const came = await made.authenticator.authenticate(asked);
  assert.ok(came.allowed);
  const other = scene();
  other.answer = { error: "not here" };
  const verdict = await other.authenticator.authenticate({ ...asked, previous: came.identity });
  assert.equal(verdict.allowed, false);
  assert.equal(other.seen.length, 1);
});

test("who is in by a service's word leaves when that is over, or its account is gone", async () => {
  const made = scene();
  made.answer = { user: { name: "dave", exp: NOW + 60, aud: "OTHER" } };
  const asked = request({ user: "dave" });
  const came = await made.authenticator.authenticate(asked);
  assert.ok(came.allowed);
  const again = { ...asked, previous: came.identity };
  const callout = { issuer: made.issuer.publicKey };
  const late = scene({ callout, deps: { nowMs: () => NOW_MS + 61_000 } });
  assert.equal((await late.authenticator.authenticate(again)).allowed, false);
  const policy = new ConfiguredCallout(
    { account: "AUTH", auth_users: [], xkey: "", allowed_accounts: [], ...callout },
    "",
    { isAccount: (name) => name !== "OTHER", defaultPermissions: () => null },
  );
  const fewer = scene({ callout, deps: { policy } });
  assert.equal((await fewer.authenticator.authenticate(again)).allowed, false);
  assert.deepEqual([late.seen, fewer.seen], [[], []]);
});
