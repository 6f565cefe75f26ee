import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type ClaimsGiven,
  JwtWorld,
  keyPair,
  NONCE,
  NOW,
  NOW_MS,
} from "../../../../test/support/jwt-world.ts";
import type { JwtAccount } from "./account-claims.ts";
import { isProblem } from "./claims/fields.ts";
import type { AuthRequest } from "./identity.ts";
import { trustKeys } from "./operator.ts";
import { OperatorAuthenticator } from "./operator-authenticator.ts";
import { TrustedProxies } from "./trusted-proxies.ts";
import { sentinelProblem } from "./user-claims-check.ts";
import { reviewUser } from "./user-claims-review.ts";
import {
  admitUser,
  type JwtIdentity,
  readUserToken,
  type UserRules,
  type UserVerdict,
} from "./user-claims.ts";

const world = new JwtWorld();
const USER = world.user.publicKey;
const ACCOUNT = world.account.publicKey;
const proxy = keyPair("user", 9);

interface Case {
  readonly account?: JwtAccount | null;
  readonly rules?: Partial<UserRules>;
  readonly nowMs?: number;
  readonly proxyKey?: string;
}

function rules(given: Partial<UserRules> = {}): UserRules {
  const operators = trustKeys([world.operator.publicKey]);
  assert.ok(!isProblem(operators));
  return { operators, pinnedAccounts: null, defaultSentinel: "", localZone: "UTC", ...given };
}

/** Both halves, one after the other. */
function admit(request: AuthRequest, given: Case = {}): UserVerdict {
  const { account = world.theAccount(), nowMs = NOW_MS, proxyKey = "" } = given;
  const all = rules(given.rules);
  const token = readUserToken(request, all, { nowMs, proxyKey });
  return "allowed" in token ? token : admitUser(request, token, account, all, { nowMs, proxyKey });
}

function user(given: ClaimsGiven = {}, more: Parameters<JwtWorld["request"]>[1] = {}): AuthRequest {
  return world.request(world.userJwt(given), more);
}

function allowed(verdict: UserVerdict): JwtIdentity {
  return verdict.allowed ? verdict.identity : assert.fail(verdict.detail);
}

function refusal(verdict: UserVerdict): string {
  return verdict.allowed ? assert.fail("was let in") : `${verdict.denial}: ${verdict.detail}`;
}

test("a user that its account signed gets in as itself", () => {
  const jwt = world.userJwt({
    nats: { tags: ["a:b"], pub: { allow: ["x"] }, subs: 3, payload: 4 },
    exp: NOW + 60,
  });
  assert.deepEqual(allowed(admit(world.request(jwt))), {
    user: USER,
    account: ACCOUNT,
    permissions: {
      publish: { allow: ["x"], deny: [] },
      subscribe: { allow: null, deny: [] },
      responses: null,
    },
    limits: { subscriptions: 3, payload: 4 },
    expiresMs: NOW_MS + 60_000,
    nkey: USER,
    jwt,
    issuerKey: ACCOUNT,
    nameTag: "alice",
    tags: ["a:b"],
    proxyKey: "",
    issuedAt: NOW - 50,
    isBearer: false,
    scope: null,
    hasDefaultPermissions: false,
  });
});

test("a signing key of the account is as good, if the user says which account", () => {
  const nats = { issuer_account: ACCOUNT };
  const identity = allowed(admit(user({ signer: world.signer, nats })));
  assert.deepEqual([identity.account, identity.issuerKey], [ACCOUNT, world.signer.publicKey]);
  assert.match(refusal(admit(user({ signer: world.signer }))), /could not be looked up/);
});

test("an account that is not there, another, or not an operator's lets nobody in", () => {
  assert.match(refusal(admit(user(), { account: null })), /could not be looked up/);
  const other = world.theAccount({ sub: world.other.publicKey });
  assert.match(refusal(admit(user(), { account: other })), /could not be looked up/);
  const selfSigned = world.theAccount({ signer: world.account });
  assert.match(refusal(admit(user(), { account: selfSigned })), /trusted operator/);
  const foreign = world.theAccount({ signer: keyPair("operator", 8) });
  assert.match(refusal(admit(user(), { account: foreign })), /trusted operator/);
});

test("an issuer that the account does not know lets nobody in", () => {
  const nats = { issuer_account: ACCOUNT };
  assert.match(refusal(admit(user({ signer: world.other, nats }))), /not known/);
  const gone = world.theAccount({ nats: { signing_keys: [] } });
  assert.match(refusal(admit(user({ signer: world.signer, nats }), { account: gone })), /not known/);
  assert.match(
    refusal(admit(user(), { account: world.theAccount({}, true) })),
    /not known/,
    "a strict operator",
  );
});

test("what is no user's token lets nobody in", () => {
  const tokens = ["", "x", "a.b.c", world.accountJwt(), `${world.userJwt()}A`];
  for (const jwt of tokens) assert.match(refusal(admit(world.request(jwt))), /JWT is not valid/);
  assert.match(refusal(admit(user({ nats: { issuer_account: "x" } }))), /account_id/);
  assert.match(refusal(admit(user({ nats: { pub: { allow: ["a b"] } } }))), /queue/);
});

test("the account's time and the user's", () => {
  assert.match(refusal(admit(user({ exp: NOW }))), /expired/);
  assert.match(refusal(admit(user({ nbf: NOW + 1 }))), /not yet valid/);
  assert.ok(admit(user({ exp: NOW + 1, nbf: NOW })).allowed);
  assert.match(
    refusal(admit(user(), { account: world.theAccount({ exp: NOW }) })),
    /account's JWT has expired/,
  );
  assert.ok(admit(user(), { account: world.theAccount({ exp: NOW + 1 }) }).allowed);
});

test("the nonce has to be signed by the user", () => {
  const by = (signer: typeof world.user, nonce = NONCE): string =>
    Buffer.from(signer.sign(Buffer.from(nonce))).toString("base64url");
  assert.match(refusal(admit(user({}, { sig: "" }))), /nonce/);
  assert.match(refusal(admit(user({}, { sig: by(keyPair("user", 7)) }))), /nonce/);
  assert.match(refusal(admit(user({}, { sig: by(world.user, "another") }))), /nonce/);
  assert.match(refusal(admit({ ...user({}, { sig: by(world.user, "") }), nonce: "" })), /nonce/);
  assert.ok(admit(user({}, { sig: Buffer.from(by(world.user), "base64url").toString("base64") })).allowed);
});

test("a bearer token needs no signature, is not kept, and may be disallowed", () => {
  const request = user({ nats: { bearer_token: true } }, { sig: "" });
  const identity = allowed(admit(request));
  assert.deepEqual([identity.jwt, identity.isBearer, identity.user], ["", true, USER]);
  const limits = {
    subs: -1,
    conn: -1,
    leaf: -1,
    payload: -1,
    imports: -1,
    exports: -1,
    disallow_bearer: true,
  };
  const account = world.theAccount({ nats: { limits } });
  assert.match(refusal(admit(request, { account })), /bearer/);
  assert.ok(admit(user(), { account }).allowed);
});

test("connection types, of which unknown ones are passed over", () => {
  const of = (types: string[], type: "STANDARD" | "WEBSOCKET" = "STANDARD"): boolean =>
    admit(user({ nats: { allowed_connection_types: types } }, { type })).allowed;
  assert.ok(of([]) && of(["STANDARD"]) && of(["standard", "PIGEON"]) && of(["websocket"], "WEBSOCKET"));
  assert.ok(
    !of(["WEBSOCKET"]) && !of(["STANDARD"], "WEBSOCKET") && !of(["PIGEON"]) && !of(["PIGEON", "MQTT"]),
  );
});

test("revocations take back what was issued until then", () => {
  const revoked = (revocations: object): boolean =>
    !admit(user({ iat: NOW - 50 }), { account: world.theAccount({ nats: { revocations } }) }).allowed;
  assert.ok(revoked({ [USER]: NOW - 50 }) && revoked({ "*": NOW }) && revoked({ [USER]: 1, "*": NOW }));
  assert.ok(!revoked({ [USER]: NOW - 51, "*": NOW - 51, [world.other.publicKey]: NOW }));
});

test("networks", () => {
  const from = (host: string): boolean =>
    admit(user({ nats: { src: ["192.0.2.0/24", "2001:db8::/32"] } }, { host })).allowed;
  assert.ok(from("192.0.2.1") && from("2001:db8::1"));
  assert.ok(!from("192.0.3.1") && !from("::1") && !from(""));
  assert.match(refusal(admit(user({ nats: { src: ["x"] } }))), /cidr/);
});

test("time ranges let in while they last", () => {
  const times = [{ start: "08:00:00", end: "13:00:00" }];
  const within = { nats: { times } };
  assert.equal(allowed(admit(user(within))).expiresMs, NOW_MS + 3_600_000);
  assert.equal(
    allowed(admit(user({ ...within, exp: NOW + 5 }))).expiresMs,
    NOW_MS + 5_000,
    "the earlier end",
  );
  assert.equal(allowed(admit(user({ ...within, exp: NOW + 7_200 }))).expiresMs, NOW_MS + 3_600_000);
  assert.match(refusal(admit(user(within), { nowMs: NOW_MS + 3_600_000 })), /outside of the times/);
  assert.match(refusal(admit(user(within), { rules: { localZone: "Europe/Berlin" } })), /outside/);
  const there = { nats: { times, times_location: "America/New_York" } };
  assert.match(refusal(admit(user(there))), /outside/);
  assert.ok(admit(user(there), { nowMs: NOW_MS + 3_600_000 * 3 }).allowed);
  const local = { nats: { times, times_location: "Local" } };
  assert.ok(admit(user(local)).allowed);
  assert.match(refusal(admit(user({ nats: { times, times_location: "Nowhere" } }))), /time zone/);
});

test("a user may have to come through a proxy", () => {
  const request = user({ nats: { proxy_required: true } });
  assert.match(refusal(admit(request)), /^proxyRequired/);
  assert.equal(allowed(admit(request, { proxyKey: proxy.publicKey })).proxyKey, proxy.publicKey);
  const early = readUserToken(request, rules(), { nowMs: NOW_MS, proxyKey: "" });
  assert.ok("allowed" in early && early.denial === "proxyRequired", "before any account is looked up");
  const account = world.theAccount({ nats: { signing_keys: [world.scope({ proxy_required: true })] } });
  const scoped = world.request(world.scopedJwt());
  assert.match(refusal(admit(scoped, { account })), /^proxyRequired/, "because the scope says so");
  assert.ok(admit(scoped, { account, proxyKey: proxy.publicKey }).allowed);
});

test("only pinned accounts, where some are", () => {
  const pinned = (key: string): UserVerdict => admit(user(), { rules: { pinnedAccounts: new Set([key]) } });
  assert.ok(pinned(ACCOUNT).allowed);
  assert.match(refusal(pinned(world.other.publicKey)), /pinned/);
});

test("a scope gives what its template says, and nothing else", () => {
  const template = {
    pub: { allow: ["dev.{{name()}}"] },
    sub: { deny: ["x"] },
    subs: 9,
    bearer_token: true,
    allowed_connection_types: ["STANDARD"],
  };
  const account = world.theAccount({ nats: { signing_keys: [world.scope(template)] } });
  const identity = allowed(admit(world.request(world.scopedJwt(), { sig: "" }), { account }));
  assert.deepEqual(identity.permissions?.publish, { allow: ["dev.alice"], deny: [] });
  assert.deepEqual(
    identity.limits,
    { subscriptions: 9, payload: -1 },
    "absent limits of a template are none",
  );
  assert.ok(identity.isBearer);
  assert.equal(identity.scope?.key, world.scoped.publicKey);
  const elsewhere = world.request(world.scopedJwt(), { sig: "", type: "WEBSOCKET" });
  assert.ok(!admit(elsewhere, { account }).allowed);
  for (const own of [
    { subs: -1 },
    { bearer_token: true },
    { pub: { deny: ["a"] } },
    { resp: {} },
    { src: ["::/0"] },
  ]) {
    const request = world.request(world.scopedJwt({ nats: { issuer_account: ACCOUNT, ...own } }));
    assert.match(refusal(admit(request, { account })), /no permissions or limits/, JSON.stringify(own));
  }
  const broken = world.theAccount({
    nats: { signing_keys: [world.scope({ pub: { deny: ["{{tag(x)}}"] } })] },
  });
  assert.match(refusal(admit(world.request(world.scopedJwt()), { account: broken })), /invalid permissions/);
});

test("without permissions of its own a user has the account's default", () => {
  const account = world.theAccount({ nats: { default_permissions: { pub: { deny: ["x"] } } } });
  const identity = allowed(admit(user(), { account }));
  assert.deepEqual(identity.permissions, account.config.default_permissions);
  assert.ok(identity.hasDefaultPermissions);
  const own = allowed(admit(user({ nats: { sub: { deny: ["y"] } } }), { account }));
  assert.deepEqual(own.permissions?.publish, { allow: null, deny: [] }, "its own count instead, all of them");
  assert.equal(allowed(admit(user())).permissions, null);
});

test("whoever brings no token is the sentinel, if there is one", () => {
  const sentinel = world.userJwt({ nats: { bearer_token: true }, name: "sentinel" });
  const given = { rules: { defaultSentinel: sentinel } };
  assert.equal(allowed(admit(world.request(""), given)).nameTag, "sentinel");
  assert.equal(allowed(admit(world.request("nonsense"), given)).nameTag, "sentinel");
  assert.equal(allowed(admit(user(), given)).nameTag, "alice");
  assert.match(refusal(admit(user({ exp: 1 }), given)), /expired/, "a token that no longer holds is one");
  assert.equal(sentinelProblem(sentinel), null);
  assert.equal(sentinelProblem(world.scopedJwt()), null);
  assert.match(sentinelProblem(world.userJwt()) ?? "", /bearer/);
  assert.match(sentinelProblem("x") ?? "", /not valid/);
});

test("over MQTT the password may be the token", () => {
  const pass = world.userJwt({ nats: { bearer_token: true } });
  assert.ok(admit(world.request("", { pass, type: "MQTT" })).allowed);
  assert.ok(admit(world.request("", { pass, type: "MQTT_WS" })).allowed);
  assert.ok(!admit(world.request("", { pass, type: "STANDARD" })).allowed);
});

test("a refusal says nothing of tokens and signatures", () => {
  const jwt = world.userJwt({ exp: 1 });
  const detail = refusal(admit(world.request(jwt)));
  assert.ok(!detail.includes(jwt) && !detail.includes("eyJ"));
});

test("a connected user is looked at again when its account changes", () => {
  const review = (identity: JwtIdentity, given: ClaimsGiven): string =>
    reviewUser(identity, world.theAccount(given)).kind;
  const plain = allowed(admit(user()));
  assert.equal(review(plain, {}), "stay");
  assert.equal(review(plain, { nats: { revocations: { [USER]: NOW } } }), "revoked");
  assert.equal(review(plain, { nats: { revocations: { [USER]: NOW - 60 } } }), "stay");
  const changed = reviewUser(
    plain,
    world.theAccount({ nats: { default_permissions: { pub: { deny: ["x"] } } } }),
  );
  assert.deepEqual(changed, {
    kind: "permissions",
    permissions: {
      publish: { allow: null, deny: ["x"] },
      subscribe: { allow: null, deny: [] },
      responses: null,
    },
  });
  const own = allowed(admit(user({ nats: { pub: { deny: ["y"] } } })));
  assert.equal(review(own, { nats: { default_permissions: { pub: { deny: ["x"] } } } }), "stay");

  const asked = reviewUser(plain, world.theAccount({ nats: { authorization: { auth_users: [USER] } } }));
  assert.ok(asked.kind === "permissions" && asked.permissions !== null);
  assert.deepEqual(asked.permissions.publish.deny, ["$SYS.REQ.USER.AUTH"], "a service may not ask itself");
  const guarded = { ...plain, permissions: asked.permissions };
  assert.equal(review(guarded, { nats: { authorization: { auth_users: [USER] } } }), "stay");

  const signed = allowed(admit(user({ signer: world.signer, nats: { issuer_account: ACCOUNT } })));
  assert.equal(review(signed, {}), "stay");
  assert.equal(review(signed, { nats: { signing_keys: [] } }), "violation");

  const bearer = allowed(admit(user({ nats: { bearer_token: true } })));
  assert.equal(review(bearer, { nats: { limits: { disallow_bearer: true } } }), "violation");
  assert.equal(review(plain, { nats: { limits: { disallow_bearer: true } } }), "stay");

  const keys = (template: object): object => ({ nats: { signing_keys: [world.scope(template)] } });
  const account = world.theAccount(keys({ subs: 1 }));
  const scoped = allowed(admit(world.request(world.scopedJwt()), { account }));
  assert.equal(review(scoped, keys({ subs: 1 })), "stay");
  assert.equal(review(scoped, keys({ subs: 2 })), "violation");
  assert.equal(review(scoped, { nats: { signing_keys: [world.scoped.publicKey] } }), "violation");
});

test("the authenticator asks for the account once the token holds", async () => {
  const asked: string[] = [];
  let account: Promise<JwtAccount | null> = Promise.resolve(world.theAccount());
  let now = NOW_MS;
  const authenticator = new OperatorAuthenticator({
    rules: rules(),
    proxies: new TrustedProxies([proxy.publicKey]),
    nowMs: () => now,
    account: (id) => {
      asked.push(id);
      return account;
    },
  });
  assert.ok((await authenticator.authenticate(user())).allowed);
  assert.deepEqual(asked, [ACCOUNT]);
  assert.ok(!(await authenticator.authenticate(user({ exp: 1 }))).allowed);
  assert.deepEqual(asked, [ACCOUNT], "a token that does not hold costs no lookup");

  const sign = (nonce: string): string => Buffer.from(proxy.sign(Buffer.from(nonce))).toString("base64url");
  const through = await authenticator.authenticate(user({}, { proxySig: sign(NONCE) }));
  assert.equal(allowed(through).proxyKey, proxy.publicKey);
  assert.match(
    refusal(await authenticator.authenticate(user({}, { proxySig: sign("x") }))),
    /^proxyNotTrusted/,
  );

  const expiring = user({ exp: NOW + 10 });
  account = Promise.resolve(world.theAccount({ exp: NOW + 10 }));
  assert.ok((await authenticator.authenticate(expiring)).allowed);
  account = account.then((found) => {
    now += 10_000; // while it was looked up
    return found;
  });
  assert.match(refusal(await authenticator.authenticate(user())), /expired/);
  account = Promise.reject(new Error("no disk"));
  assert.match(refusal(await authenticator.authenticate(user())), /could not be looked up/);
});
