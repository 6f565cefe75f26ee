import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import {
  type Answer,
  newKeyPair,
  readRequest,
  writeAnswer,
} from "../../../../test/support/callout-service.ts";
import { SeededRandom } from "../io/seeded-random.ts";
import { defaultConnectOptions } from "../wire/connect.ts";
import { accountOf, type JwtAccount } from "./account-claims.ts";
import { CALLOUT_SUBJECT, CalloutAuthenticator } from "./callout.ts";
import { OperatorCallout } from "./callout-operator.ts";
import { ANYBODY, type Authenticator, denied, type Verdict } from "./identity.ts";
import { decodeClaims, encodeJwt } from "./jwt.ts";
import type { KeyPair } from "./nkey-pair.ts";
import { trustKeys } from "./operator.ts";
import { TrustedProxies } from "./trusted-proxies.ts";
import { CurveKeyPair } from "./xkey.ts";

const NOW_MS = Date.UTC(2026, 5, 1, 12);
const OPERATOR = newKeyPair("operator");
const SERVER = newKeyPair("server");
/** The service's account with a signing key, two accounts it may fill or not, and a signing key with a scope. */
const AUTH = newKeyPair("account");
const AUTH_SIGNING = newKeyPair("account");
const APP = newKeyPair("account");
const APP_SIGNING = newKeyPair("account");
const OTHER = newKeyPair("account");
const PLAIN = newKeyPair("account");
const SCOPED = newKeyPair("account");
const SERVICE_USER = newKeyPair("user");
const SENTINEL = newKeyPair("user");

const SCOPE = {
  kind: "user_scope",
  key: SCOPED.publicKey,
  role: "r",
  template: { pub: { allow: ["{{name()}}.>"] }, subs: 5, data: -1, payload: -1 },
};

function account(keys: KeyPair, nats: object): JwtAccount {
  const token = encodeJwt("account", { sub: keys.publicKey, nats }, OPERATOR, NOW_MS);
  const claims = decodeClaims("account", token);
  assert.ok("nats" in claims, JSON.stringify(claims));
  return accountOf(claims, false);
}

function token(sub: KeyPair, signer: KeyPair, nats: object = {}): string {
  return encodeJwt(
    "user",
    { sub: sub.publicKey, nats: { subs: -1, data: -1, payload: -1, ...nats } },
    signer,
    NOW_MS,
  );
}

interface SceneOptions {
  readonly allowed?: readonly string[];
  /** What the server itself says. */
  readonly inner?: Verdict;
  readonly jwt?: string;
  readonly sentinel?: string;
  readonly pinned?: readonly string[];
}

/** What came of one attempt, and which accounts were asked. */
async function outcome(
  answer: Answer,
  options: SceneOptions = {},
): Promise<{ verdict: Verdict; asked: string[]; jwts: unknown[] }> {
  const authorization = {
    auth_users: [SERVICE_USER.publicKey],
    allowed_accounts: options.allowed ?? [APP.publicKey],
  };
  const accounts = new Map(
    [
      account(AUTH, { authorization, signing_keys: [AUTH_SIGNING.publicKey] }),
      account(APP, { signing_keys: [APP_SIGNING.publicKey, SCOPE] }),
      account(OTHER, {}),
      account(PLAIN, {}),
    ].map((one) => [one.config.name, one]),
  );
  const operators = trustKeys([OPERATOR.publicKey]);
  assert.ok("isTrusted" in operators);
  const asked: string[] = [];
  const jwts: unknown[] = [];
  const verdict = options.inner ?? { allowed: true, identity: { ...ANYBODY, account: AUTH.publicKey } };
  const inner: Authenticator = {
    expectsConnect: true,
    isRequired: true,
    needsNonce: true,
    takesUnannounced: false,
    authenticate: () => verdict,
  };
  const proxies = new TrustedProxies([]);
  const authenticator = new CalloutAuthenticator(inner, {
    policy: new OperatorCallout({
      rules: {
        operators,
        pinnedAccounts: options.pinned === undefined ? null : new Set(options.pinned),
        defaultSentinel: options.sentinel ?? "",
        localZone: "UTC",
      },
      proxies,
      account: (id) => Promise.resolve(accounts.get(id) ?? null),
      nowMs: () => NOW_MS,
    }),
    server: { name: "s", host: "h", id: SERVER.publicKey, version: "", cluster: "", tags: [] },
    keys: SERVER,
    curve: new CurveKeyPair(randomBytes(32)),
    proxies,
    random: new SeededRandom(1),
    localZone: "UTC",
    timeoutMs: 1_000,
    nowMs: () => NOW_MS,
    request: (id, payload) => {
      const request = readRequest(payload);
      assert.equal(request.sub, id);
      asked.push(id);
      jwts.push(request.nats.connect_opts["jwt"]);
      return Promise.resolve(writeAnswer(request, AUTH, answer, NOW_MS));
    },
  });
  const jwt = options.jwt ?? token(SENTINEL, AUTH);
  const connect = { ...defaultConnectOptions(), jwt };
  const connectionType = "STANDARD";
  const request = { connect, nonce: "n", connectionType, cid: 1, host: "127.0.0.1", tls: null } as const;
  return { verdict: await authenticator.authenticate(request), asked, jwts };
}

async function inAWord(answer: Answer, options: SceneOptions = {}): Promise<string> {
  const { verdict } = await outcome(answer, options);
  if (!verdict.allowed) return verdict.detail;
  const { account: id } = verdict.identity;
  return id === APP.publicKey
    ? "APP"
    : id === AUTH.publicKey
      ? "AUTH"
      : id === OTHER.publicKey
        ? "OTHER"
        : id;
}

const inApp = (signer: KeyPair, issuerAccount = ""): Answer => ({
  user: { signer, aud: "", nats: { issuer_account: issuerAccount } },
});
const BYPASSED = "$G";

test("users of an account with a service are the service's to judge", async () => {
  const { verdict, asked, jwts } = await outcome(inApp(APP));
  assert.ok(verdict.allowed && verdict.identity.account === APP.publicKey);
  assert.deepEqual(asked, [AUTH.publicKey]);
  assert.equal(typeof jwts[0], "string");
});

test("users of other accounts are not", async () => {
  const inner: Verdict = { allowed: true, identity: ANYBODY };
  const { verdict, asked } = await outcome({}, { inner, jwt: token(SENTINEL, PLAIN) });
  assert.ok(verdict.allowed && verdict.identity.account === BYPASSED);
  assert.deepEqual(asked, []);
  assert.equal(await inAWord({}, { inner: denied("no"), jwt: token(SENTINEL, newKeyPair("account")) }), "no");
  assert.equal(await inAWord({}, { inner: denied("no"), jwt: "rubbish" }), "no");
  assert.equal(await inAWord(inApp(APP), { inner: denied("no"), pinned: [PLAIN.publicKey] }), "no");
});

test("the service's own users are not, and may not publish requests", async () => {
  const { verdict, asked } = await outcome({}, { jwt: token(SERVICE_USER, AUTH) });
  assert.ok(verdict.allowed);
  assert.deepEqual(verdict.identity.permissions?.publish.deny, [CALLOUT_SUBJECT]);
  assert.deepEqual(asked, []);
  assert.equal(await inAWord({}, { jwt: token(SERVICE_USER, AUTH), inner: denied("no") }), "no");
});

test("whoever would not get in by the token alone does not get as far as the service", async () => {
  assert.equal(await inAWord(inApp(APP), { inner: denied("bad signature") }), "bad signature");
  assert.equal(await inAWord(inApp(APP), { inner: denied("proxy", "proxyRequired") }), "proxy");
});

test("a default sentinel stands for a missing token", async () => {
  const sentinel = token(SENTINEL, AUTH, { bearer_token: true });
  const { verdict, jwts } = await outcome(inApp(APP), { jwt: "", sentinel });
  assert.ok(verdict.allowed);
  assert.deepEqual(jwts, [sentinel]);
});

test("answers come from the service's account or one of its signing keys", async () => {
  const user = { signer: APP, aud: "" };
  assert.equal(await inAWord({ user, signer: AUTH_SIGNING, issuerAccount: AUTH.publicKey }), "APP");
  assert.equal(await inAWord({ user, signer: AUTH_SIGNING }), "APP");
  const unknown = "auth callout: the answer's signing key is unknown";
  assert.equal(await inAWord({ user, signer: APP }), unknown);
  assert.equal(await inAWord({ user, signer: AUTH_SIGNING, issuerAccount: APP.publicKey }), unknown);
  assert.equal(
    await inAWord({ user, signer: newKeyPair("account"), issuerAccount: AUTH.publicKey }),
    unknown,
  );
});

test("users go into the service's own account or those it may fill", async () => {
  assert.equal(await inAWord(inApp(AUTH)), "AUTH");
  assert.equal(await inAWord(inApp(AUTH_SIGNING, AUTH.publicKey)), "AUTH");
  assert.equal(await inAWord(inApp(APP_SIGNING, APP.publicKey)), "APP");
  assert.equal(await inAWord(inApp(OTHER)), "auth callout: the user's account is not permitted");
  assert.equal(await inAWord(inApp(OTHER), { allowed: ["*"] }), "OTHER");
  assert.equal(
    await inAWord(inApp(APP), { allowed: [] }),
    "auth callout: the user's account is not permitted",
  );
  const nobody = newKeyPair("account");
  assert.equal(
    await inAWord(inApp(nobody), { allowed: ["*"] }),
    "auth callout: no valid account in the user's JWT",
  );
});

test("the key that signed the user has to be the account's", async () => {
  const problem = "auth callout: the user's JWT has an issuer that is not known in the account";
  assert.equal(await inAWord(inApp(AUTH, APP.publicKey)), problem);
  assert.equal(await inAWord(inApp(newKeyPair("account"), APP.publicKey)), problem);
});

test("a scoped key gives what its scope says, and nothing else", async () => {
  const none = { subs: undefined, data: undefined, payload: undefined, issuer_account: APP.publicKey };
  const { verdict } = await outcome({ user: { signer: SCOPED, aud: "", name: "dave", nats: none } });
  assert.ok(verdict.allowed);
  assert.deepEqual(verdict.identity.permissions?.publish.allow, ["dave.>"]);
  assert.equal(verdict.identity.limits.subscriptions, 5);
  assert.equal(verdict.identity.issuerKey, SCOPED.publicKey);
  const own = { ...none, pub: { allow: [">"] } };
  assert.match(await inAWord({ user: { signer: SCOPED, aud: "", nats: own } }), /scoped users/);
});
