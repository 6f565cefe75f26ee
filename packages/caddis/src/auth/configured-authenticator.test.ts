import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { createUser } from "@nats-io/nkeys";
import { makeCertificate } from "../../../../test/support/certificates.ts";
import type { Permissions } from "../config/permissions.ts";
import type { UserConfig } from "../config/users.ts";
import type { Hasher } from "../io/hasher.ts";
import type { TlsSession } from "../io/tls.ts";
import { type ConnectOptions, defaultConnectOptions } from "../wire/connect.ts";
import { type AuthenticationRules, ConfiguredAuthenticator, NO_RULES } from "./configured-authenticator.ts";
import type { AuthRequest, Verdict } from "./identity.ts";
import { COMPARISONS_IN_FLIGHT_MAX, COMPARISONS_WAITING_MAX } from "./password.ts";

const NONCE = "mUx8F4mCpNuBTRA";
const HASH = "$2a$11$hash-of-secret";

/** Counts comparisons; `secret` belongs to `HASH`. */
class FakeHasher implements Hasher {
  comparisons = 0;

  compare(plain: string, hash: string): Promise<boolean> {
    this.comparisons++;
    return Promise.resolve(plain === "secret" && hash === HASH);
  }
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

function permissions(subject: string): Permissions {
  const rules = { allow: [subject], deny: [] };
  return { publish: rules, subscribe: rules, responses: null };
}

function request(connect: Partial<ConnectOptions>, rest: Partial<AuthRequest> = {}): AuthRequest {
  return {
    connect: { ...defaultConnectOptions(), ...connect },
    nonce: NONCE,
    connectionType: "STANDARD",
    cid: 1,
    host: "127.0.0.1",
    tls: null,
    ...rest,
  };
}

/** A server with `rules`, asked about one client after the other. */
function server(
  rules: Partial<AuthenticationRules>,
  hasher: Hasher = new FakeHasher(),
): ConfiguredAuthenticator {
  return new ConfiguredAuthenticator({ ...NO_RULES, ...rules }, hasher);
}

/** What came of it in one word: the user, or why not. */
async function outcome(
  rules: Partial<AuthenticationRules>,
  connect: Partial<ConnectOptions>,
  rest: Partial<AuthRequest> = {},
): Promise<string> {
  return inAWord(await server(rules).authenticate(request(connect, rest)));
}

function inAWord(verdict: Verdict): string {
  if (verdict.allowed) return `${verdict.identity.user}@${verdict.identity.account}`;
  return verdict.denial === "authenticationViolation" ? verdict.detail : verdict.denial;
}

/** A key pair of a user or proxy, and its signature over the nonce. */
function signer(): { readonly nkey: string; sign(nonce?: string, encoding?: BufferEncoding): string } {
  const pair = createUser();
  return {
    nkey: pair.getPublicKey(),
    sign: (nonce = NONCE, encoding = "base64url") =>
      Buffer.from(pair.sign(Buffer.from(nonce))).toString(encoding),
  };
}

const WRONG = "unknown user or wrong password";

test("without rules everybody is let in, whatever they show", async () => {
  const authenticator = server({});
  assert.equal(authenticator.expectsConnect, false);
  assert.equal(authenticator.isRequired, false);
  assert.equal(authenticator.needsNonce, false);
  assert.equal(await outcome({}, { user: "a", pass: "b", auth_token: "c", nkey: "d", sig: "e" }), "@$G");
});

test("a single user needs its name and its password", async () => {
  const rules = { user: "ann", password: "secret" };
  assert.equal(server(rules).isRequired, true);
  assert.equal(await outcome(rules, { user: "ann", pass: "secret" }), "ann@$G");
  assert.equal(await outcome(rules, { user: "ann", pass: "Secret" }), WRONG);
  assert.equal(await outcome(rules, { user: "bob", pass: "secret" }), WRONG);
  assert.equal(await outcome(rules, { pass: "secret" }), WRONG);
  assert.equal(await outcome(rules, { auth_token: "secret" }), WRONG);
  assert.equal(await outcome(rules, {}), WRONG);
});

test("a token needs no name, and is not shown", async () => {
  const rules = { token: "secret" };
  assert.equal(await outcome(rules, { auth_token: "secret" }), "[REDACTED]@$G");
  assert.equal(await outcome(rules, { auth_token: "other" }), "wrong token");
  assert.equal(await outcome(rules, { user: "secret", pass: "secret" }), "wrong token");
});

test("single secrets may be bcrypt hashes", async () => {
  assert.equal(await outcome({ token: HASH }, { auth_token: "secret" }), "[REDACTED]@$G");
  assert.equal(await outcome({ token: HASH }, { auth_token: HASH }), "wrong token");
  assert.equal(await outcome({ user: "ann", password: HASH }, { user: "ann", pass: "secret" }), "ann@$G");
  assert.equal(await outcome({ user: "ann", password: HASH }, { user: "ann", pass: HASH }), WRONG);
});

const USERS = [
  user({ user: "ann", password: "secret" }),
  user({ user: "bob", password: HASH, account: "B" }),
  user({ user: "empty" }),
];

test("users of the list need their own passwords", async () => {
  const rules = { users: USERS };
  assert.equal(await outcome(rules, { user: "ann", pass: "secret" }), "ann@$G");
  assert.equal(await outcome(rules, { user: "bob", pass: "secret" }), "bob@B");
  assert.equal(await outcome(rules, { user: "empty" }), "empty@$G");
  assert.equal(await outcome(rules, { user: "ann", pass: "" }), WRONG);
  assert.equal(await outcome(rules, { user: "bob", pass: HASH }), WRONG);
  assert.equal(await outcome(rules, { user: "empty", pass: "x" }), WRONG);
  assert.equal(await outcome(rules, { user: "Ann", pass: "secret" }), WRONG);
  assert.equal(await outcome(rules, { user: "__proto__", pass: "" }), WRONG);
  assert.equal(await outcome(rules, {}), "no credentials");
  assert.equal(await outcome(rules, { auth_token: "secret" }), "no credentials");
});

test("what is refused costs the same, whether there is such a user or not", async () => {
  const attempts: readonly { readonly user: string; readonly pass: string }[] = [
    { user: "nobody", pass: "secret" },
    { user: "ann", pass: "wrong" },
    { user: "bob", pass: "wrong" },
    { user: "proxied", pass: "secret" },
    { user: "elsewhere", pass: "secret" },
  ];
  const users = [
    ...USERS,
    user({ user: "proxied", password: "secret", proxy_required: true }),
    user({ user: "elsewhere", password: "secret", allowed_connection_types: ["MQTT"] }),
  ];
  for (const attempt of attempts) {
    const hasher = new FakeHasher();
    const verdict = await server({ users }, hasher).authenticate(request(attempt));
    assert.equal(verdict.allowed, false);
    assert.equal(hasher.comparisons, 1, attempt.user);
  }
  const hasher = new FakeHasher();
  await server({ user: "ann", password: HASH }, hasher).authenticate(request({ user: "nobody" }));
  assert.equal(hasher.comparisons, 1);
});

test("only bcrypt makes a promise of the verdict", () => {
  const plain = server({ users: [USERS[0]] });
  assert.equal(plain.usesBcrypt, false);
  assert.ok(!(plain.authenticate(request({ user: "ann", pass: "secret" })) instanceof Promise));
  assert.ok(!(plain.authenticate(request({ user: "x" })) instanceof Promise));
  assert.equal(server({ users: USERS }).usesBcrypt, true);
  assert.equal(server({ token: HASH }).usesBcrypt, true);
});

test("too many attempts at a time are turned away", async () => {
  const never: Hasher = { compare: () => new Promise(() => {}) };
  const authenticator = server({ token: HASH }, never);
  for (let i = 0; i < COMPARISONS_IN_FLIGHT_MAX + COMPARISONS_WAITING_MAX; i++) {
    void authenticator.authenticate(request({}));
  }
  assert.equal(
    inAWord(await authenticator.authenticate(request({}))),
    "too many passwords are being checked",
  );
});

test("permissions are the user's own, or those of where it was configured", async () => {
  const rules = {
    users: [
      user({ user: "a", permissions: permissions("own") }),
      user({ user: "b" }),
      user({ user: "c", account: "C" }),
      user({ user: "d", account: "C", permissions: permissions("own") }),
      user({ user: "e", account: "E" }),
    ],
    default_permissions: permissions("default"),
    account_permissions: new Map([["C", permissions("account")]]),
  };
  const subject = async (name: string): Promise<readonly string[] | null | undefined> => {
    const verdict = await server(rules).authenticate(request({ user: name }));
    return verdict.allowed ? verdict.identity.permissions?.publish.allow : undefined;
  };
  assert.deepEqual(await subject("a"), ["own"]);
  assert.deepEqual(await subject("b"), ["default"]);
  assert.deepEqual(await subject("c"), ["account"]);
  assert.deepEqual(await subject("d"), ["own"]);
  assert.equal(await subject("e"), undefined);
});

test("who may answer and has no list of what to publish publishes answers only", async () => {
  const free = { allow: null, deny: ["x"] };
  const responses = { max: 1, expiresMs: 1 };
  const rules = { users: [user({ user: "a", permissions: { publish: free, subscribe: free, responses } })] };
  const verdict = await server(rules).authenticate(request({ user: "a" }));
  assert.ok(verdict.allowed);
  assert.deepEqual(verdict.identity.permissions?.publish, { allow: [], deny: ["x"] });
  assert.deepEqual(verdict.identity.permissions?.subscribe, free);
});

test("users may be bound to connection types", async () => {
  const rules = { users: [user({ user: "a", allowed_connection_types: ["WEBSOCKET"] })] };
  assert.equal(await outcome(rules, { user: "a" }, { connectionType: "WEBSOCKET" }), "a@$G");
  assert.equal(await outcome(rules, { user: "a" }), "connection type not allowed");
  assert.equal(
    await outcome(rules, { user: "a" }, { connectionType: "IN_PROCESS" }),
    "connection type not allowed",
  );
});

test("an nkey needs a signature over the nonce", async () => {
  const ann = signer();
  const other = signer();
  const rules = { users: [user({ nkey: ann.nkey, account: "A" })] };
  assert.equal(server(rules).needsNonce, true);
  const { nkey } = ann;
  assert.equal(await outcome(rules, { nkey, sig: ann.sign() }), `${nkey}@A`);
  assert.equal(await outcome(rules, { nkey, sig: ann.sign(NONCE, "base64") }), `${nkey}@A`);
  assert.equal(await outcome(rules, { nkey }), "signature missing");
  assert.equal(await outcome(rules, { nkey, sig: other.sign() }), "signature not verified");
  assert.equal(await outcome(rules, { nkey, sig: ann.sign("another nonce") }), "signature not verified");
  assert.equal(await outcome(rules, { nkey, sig: "?" }), "signature not verified");
  assert.equal(await outcome(rules, { nkey, sig: ann.sign("") }, { nonce: "" }), "signature not verified");
  assert.equal(await outcome(rules, { nkey: other.nkey, sig: other.sign() }), "unknown nkey");
  assert.equal(await outcome(rules, { user: nkey, sig: ann.sign() }), "no credentials");
  const verdict = await server(rules).authenticate(request({ nkey, sig: ann.sign() }));
  assert.ok(verdict.allowed && verdict.identity.nkey === nkey);
});

test("nkeys too may be bound to connection types", async () => {
  const ann = signer();
  const rules = { users: [user({ nkey: ann.nkey, allowed_connection_types: ["MQTT"] })] };
  const shown = { nkey: ann.nkey, sig: ann.sign() };
  assert.equal(await outcome(rules, shown), "connection type not allowed");
  assert.equal(await outcome(rules, shown, { connectionType: "MQTT" }), `${ann.nkey}@$G`);
});

test("an nkey decides before name and password, a name before a token", async () => {
  const ann = signer();
  const rules = { users: [user({ nkey: ann.nkey }), USERS[0]], token: "secret" };
  const password = { user: "ann", pass: "secret" };
  assert.equal(await outcome(rules, password), "ann@$G");
  assert.equal(await outcome(rules, { ...password, nkey: ann.nkey, sig: ann.sign() }), `${ann.nkey}@$G`);
  assert.equal(await outcome(rules, { ...password, nkey: ann.nkey }), "signature missing");
  assert.equal(await outcome(rules, { ...password, nkey: signer().nkey }), "unknown nkey");
  assert.equal(await outcome(rules, { user: "ann", auth_token: "secret" }), WRONG);
  assert.equal(await outcome(rules, { auth_token: "secret" }), "[REDACTED]@$G");
  assert.equal(await outcome({ users: [USERS[0]] }, { ...password, nkey: ann.nkey }), "ann@$G");
});

test("clients without credentials are the no_auth_user", async () => {
  const rules = { users: USERS, no_auth_user: "bob" };
  assert.equal(server(rules).expectsConnect, true);
  assert.equal(server(rules).isRequired, false);
  assert.equal(await outcome(rules, {}), "bob@B");
  assert.equal(await outcome(rules, { jwt: "a.b.c", sig: "d" }), "bob@B");
  assert.equal(await outcome(rules, { user: "ann", pass: "secret" }), "ann@$G");
  assert.equal(await outcome(rules, { user: "bob" }), WRONG);
  assert.equal(await outcome(rules, { user: "x" }), WRONG);
  assert.equal(await outcome(rules, { pass: "x" }), "no credentials");
  assert.equal(await outcome(rules, { auth_token: "x" }), "no credentials");
});

test("the no_auth_user may be an nkey", async () => {
  const ann = signer();
  const rules = { users: [user({ nkey: ann.nkey }), ...USERS], no_auth_user: ann.nkey };
  assert.equal(await outcome(rules, {}), `${ann.nkey}@$G`);
  assert.equal(await outcome(rules, { user: "ann", pass: "secret" }), "ann@$G");
  assert.equal(await outcome(rules, { auth_token: "x" }), "no credentials");
  assert.equal(await outcome(rules, { nkey: signer().nkey }), "unknown nkey");
});

test("the no_auth_user is bound by its connection types and proxies", async () => {
  const bound = user({ user: "a", allowed_connection_types: ["MQTT"], proxy_required: true });
  const rules = { users: [bound], no_auth_user: "a" };
  assert.equal(await outcome(rules, {}), "connection type not allowed");
  assert.equal(await outcome(rules, {}, { connectionType: "MQTT" }), "proxyRequired");
});

test("with users of the system account only, others stay in the global one", async () => {
  const rules = {
    users: [user({ user: "sys", password: "s", account: "$SYS" })],
    opens_global_account: true,
  };
  assert.equal(server(rules).isRequired, true);
  assert.equal(await outcome(rules, {}), "@$G");
  assert.equal(await outcome(rules, { user: "sys", pass: "s" }), "sys@$SYS");
  assert.equal(await outcome(rules, { user: "sys", pass: "x" }), WRONG);
  assert.equal(await outcome(rules, { user: "x" }), WRONG);
  assert.equal(await outcome(rules, { auth_token: "x" }), "no credentials");
  assert.equal(await outcome({ opens_global_account: true }, {}), "@$G");
  assert.equal(await outcome({ opens_global_account: true }, { user: "x" }), WRONG);
});

function tls(...certificates: readonly Uint8Array[]): TlsSession {
  return {
    version: "1.3",
    cipherSuite: "",
    serverName: "",
    certificates,
    isVerified: certificates.length > 0,
  };
}

const ANN = makeCertificate({ subject: [[["O", "o"]], [["CN", "ann"]]], emails: ["ann@x"] });
const MAPPED = {
  users: [user({ user: "ann@x", account: "A" }), user({ user: "O=o,CN=ann", password: "secret" }), USERS[0]],
  maps_certificates: true,
  certificate_types: ["STANDARD" as const],
};

test("with verify_and_map the certificate says who the client is", async () => {
  const shown = { tls: tls(ANN.der) };
  assert.equal(await outcome(MAPPED, {}, shown), "ann@x@A");
  assert.equal(await outcome(MAPPED, { user: "ann" }, shown), "ann@x@A");
  assert.equal(await outcome(MAPPED, { user: "ann", pass: "secret" }, shown), WRONG);
  const stranger = makeCertificate({ subject: [[["CN", "ann"]]] });
  assert.equal(
    await outcome(MAPPED, { user: "ann", pass: "secret" }, { tls: tls(stranger.der, ANN.der) }),
    "user in certificate not found",
  );
});

test("with verify_and_map a client needs a verified certificate", async () => {
  const missing = "user required in certificate, none shown";
  const rules = { ...MAPPED, no_auth_user: "ann" };
  assert.equal(await outcome(rules, { user: "ann", pass: "secret" }), missing);
  assert.equal(await outcome(rules, {}), missing);
  assert.equal(await outcome(rules, {}, { tls: tls() }), missing);
  assert.equal(await outcome(rules, {}, { tls: { ...tls(ANN.der), isVerified: false } }), missing);
  assert.equal(
    await outcome(rules, {}, { tls: tls(Buffer.from("rubbish")) }),
    "user in certificate not found",
  );
});

test("a mapped user that has a password needs it too", async () => {
  const rules = { ...MAPPED, users: MAPPED.users.slice(1) };
  assert.equal(await outcome(rules, { pass: "secret" }, { tls: tls(ANN.der) }), "O=o,CN=ann@$G");
  assert.equal(await outcome(rules, {}, { tls: tls(ANN.der) }), WRONG);
});

test("connection types decide between users that one certificate stands for", async () => {
  const users = [
    user({ user: "ann@x", allowed_connection_types: ["WEBSOCKET"] }),
    user({ user: "CN=ann,O=o" }),
  ];
  const rules = { ...MAPPED, users };
  assert.equal(await outcome(rules, {}, { tls: tls(ANN.der) }), "CN=ann,O=o@$G");
  assert.equal(await outcome(rules, {}, { tls: tls(ANN.der), connectionType: "WEBSOCKET" }), "ann@x@$G");
});

test("a user that a certificate stands for elsewhere can't come with an empty password", async () => {
  const rules = { ...MAPPED, maps_certificates: false };
  assert.equal(await outcome(rules, { user: "ann@x" }), "user requires a client certificate");
  assert.equal(await outcome(rules, { user: "ann", pass: "secret" }), "ann@$G");
  assert.equal(await outcome({ ...rules, no_auth_user: "ann@x" }, {}), "ann@x@A");
  assert.equal(await outcome({ ...rules, certificate_types: [] }, { user: "ann@x" }), "ann@x@A");
  const bound = [user({ user: "ann@x", allowed_connection_types: ["STANDARD"] })];
  const elsewhere = { ...rules, users: bound, certificate_types: ["WEBSOCKET" as const] };
  assert.equal(await outcome(elsewhere, { user: "ann@x" }), "ann@x@$G");
});

test("without named users certificates say nothing", async () => {
  const ann = signer();
  const rules = { ...MAPPED, users: [user({ nkey: ann.nkey })], token: "secret" };
  assert.equal(await outcome(rules, { auth_token: "secret" }, { tls: tls(ANN.der) }), "[REDACTED]@$G");
  assert.equal(await outcome(rules, { nkey: ann.nkey, sig: ann.sign() }), `${ann.nkey}@$G`);
});

test("a proxy's signature has to be one of a trusted proxy, even where nobody is asked", async () => {
  const proxy = signer();
  const proxies = [signer().nkey, proxy.nkey];
  assert.equal(server({ proxies }).needsNonce, true);
  assert.equal(await outcome({ proxies }, { proxy_sig: signer().sign() }), "proxyNotTrusted");
  assert.equal(await outcome({ proxies }, { proxy_sig: proxy.sign("another") }), "proxyNotTrusted");
  assert.equal(await outcome({ proxies }, { proxy_sig: "?" }), "proxyNotTrusted");
  assert.equal(await outcome({ proxies }, {}), "@$G");
  assert.equal(await outcome({}, { proxy_sig: "?" }), "@$G");
  const verdict = await server({ proxies }).authenticate(request({ proxy_sig: proxy.sign() }));
  assert.ok(verdict.allowed && verdict.identity.proxyKey === proxy.nkey);
});

test("users that need a proxy get in through a trusted one only", async () => {
  const proxy = signer();
  const ann = signer();
  const rules = {
    proxies: [proxy.nkey],
    users: [
      user({ user: "a", password: "secret", proxy_required: true }),
      user({ nkey: ann.nkey, proxy_required: true }),
      user({ user: "b" }),
    ],
  };
  const password = { user: "a", pass: "secret" };
  const nkey = { nkey: ann.nkey, sig: ann.sign() };
  assert.equal(await outcome(rules, password), "proxyRequired");
  assert.equal(await outcome(rules, nkey), "proxyRequired");
  assert.equal(await outcome(rules, { user: "b" }), "b@$G");
  const proxy_sig = proxy.sign();
  assert.equal(await outcome(rules, { ...password, proxy_sig }), "a@$G");
  assert.equal(await outcome(rules, { ...nkey, proxy_sig }), `${ann.nkey}@$G`);
  assert.equal(await outcome(rules, { ...password, pass: "x", proxy_sig }), WRONG);
  assert.equal(await outcome({ ...rules, proxies: [] }, { ...password, proxy_sig }), "proxyRequired");
});

test("the single user and the token may need a proxy", async () => {
  const proxy = signer();
  const rules = { proxies: [proxy.nkey], proxy_required: true };
  const proxy_sig = proxy.sign();
  assert.equal(await outcome({ ...rules, token: "t" }, { auth_token: "t" }), "proxyRequired");
  assert.equal(await outcome({ ...rules, token: "t" }, { auth_token: "t", proxy_sig }), "[REDACTED]@$G");
  assert.equal(
    await outcome({ ...rules, user: "a", password: "p" }, { user: "a", pass: "p" }),
    "proxyRequired",
  );
  assert.equal(
    await outcome({ ...rules, user: "a", password: "p" }, { user: "a", pass: "p", proxy_sig }),
    "a@$G",
  );
});

test("details say nothing secret", async () => {
  const rules = { users: USERS, token: "the-token", no_auth_user: "" };
  for (const connect of [
    { user: "ann", pass: "guess" },
    { auth_token: "guess" },
    { nkey: "guess", sig: "guess" },
  ]) {
    const verdict = await server(rules).authenticate(request(connect));
    assert.ok(!verdict.allowed);
    assert.doesNotMatch(verdict.detail, /guess|secret|the-token/);
  }
});

test("who is in and is asked about again proves nothing twice", async () => {
  const hasher = new FakeHasher();
  const key = signer();
  const rules = {
    users: [
      user({ user: "ann", password: HASH }),
      user({ nkey: key.nkey }),
      user({ user: "bob", password: "pw" }),
    ],
  };
  const first = server(rules, hasher);
  const requests = [
    request({ user: "ann", pass: "secret" }),
    request({ nkey: key.nkey, sig: key.sign() }),
    request({ user: "bob", pass: "pw" }),
  ];
  for (const asked of requests) {
    const verdict = await first.authenticate(asked);
    assert.ok(verdict.allowed);
    const { identity } = verdict;
    assert.doesNotMatch(
      `${JSON.stringify(identity)} ${inspect(identity, { showHidden: true })}`,
      /hash-of|"pw"|'pw'/,
    );
    // What it showed then is of no account any more.
    const again = { ...asked, nonce: "another", previous: identity };
    const connect = { ...asked.connect, pass: "", sig: "" };
    hasher.comparisons = 0;
    assert.ok((await server(rules, hasher).authenticate({ ...again, connect })).allowed);
    assert.equal(hasher.comparisons, 0);
    const others = { users: rules.users.map((one) => ({ ...one, password: `${one.password}x`, nkey: "" })) };
    assert.equal((await server(others, hasher).authenticate({ ...again, connect })).allowed, false);
  }
});

test("whose password is another one now is compared with that, and refused without more ado", async () => {
  const hasher = new FakeHasher();
  const came = await server({ users: [user({ user: "ann", password: "secret" })] }).authenticate(
    request({ user: "ann", pass: "secret" }),
  );
  assert.ok(came.allowed);
  const ask = async (password: string, users: readonly UserConfig[] = []): Promise<string> => {
    const rules = { users: [user({ user: "ann", password }), ...users] };
    const asked = request({ user: "ann", pass: "secret" }, { previous: came.identity });
    return inAWord(await server(rules, hasher).authenticate(asked));
  };
  assert.equal(await ask(HASH), "ann@$G");
  assert.equal(hasher.comparisons, 1);
  assert.equal(await ask("other", [user({ user: "bob", password: HASH })]), WRONG);
  assert.equal(hasher.comparisons, 1);
});

test("who was let in without proof has none: a signature is asked for when it counts", async () => {
  const key = signer();
  const users = [user({ nkey: key.nkey })];
  const asked = request({ nkey: key.nkey });
  const came = await server({ users, no_auth_user: key.nkey }).authenticate(asked);
  assert.ok(came.allowed);
  const now = await server({ users }).authenticate({ ...asked, previous: came.identity });
  assert.equal(inAWord(now), "signature missing");
});

test("a proxy that is still trusted need not sign again, another one has to", async () => {
  const [proxy, other] = [signer(), signer()];
  const asked = request({ proxy_sig: proxy.sign() });
  const came = await server({ proxies: [proxy.nkey] }).authenticate(asked);
  assert.ok(came.allowed);
  const again = { ...asked, nonce: "another", previous: came.identity };
  assert.ok((await server({ proxies: [other.nkey, proxy.nkey] }).authenticate(again)).allowed);
  assert.equal(inAWord(await server({ proxies: [other.nkey] }).authenticate(again)), "proxyNotTrusted");
});
