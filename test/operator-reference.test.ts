/** Operator mode: who gets in with which token, and what becomes of them: the same as with the reference server. */
import { newKeyPair } from "./support/callout-service.ts";
import {
  compareAuth,
  type LogDifferences,
  type Login,
  type Play,
  type Stage,
  UNPROVEN_USER,
} from "./support/auth-stage.ts";
import { ISSUED, Tenancy, type Tenant, type TokenUser } from "./support/auth-tenancy.ts";

const LONG_AGO = ISSUED - 1_000;
const TOMORROW = ISSUED + 86_400;

const login =
  (how: Login): Play =>
  async (stage) => {
    await stage.login("A", how);
  };

// ── tokens ─────────────────────────────────────────────────────────────────

const O = new Tenancy();
const users = Array.from({ length: 4 }, () => newKeyPair("user"));
const [revoked, renewed] = users;
const A = O.tenant("Acme", (tenant) => ({
  nats: {
    revocations: { [revoked.publicKey]: ISSUED, [renewed.publicKey]: ISSUED - 1 },
    tags: ["dept:sales"],
    signing_keys: [
      tenant.signer.publicKey,
      tenant.scope({
        pub: {
          allow: ["u.{{name()}}.>", "t.{{tag(team)}}", "a.{{account-name()}}", "s.{{subject()}}"],
          deny: ["u.*.no"],
        },
        sub: { allow: ["u.{{name()}}.>", "x.{{account-subject()}}", "d.{{account-tag(dept)}}"] },
        subs: 2,
        data: -1,
        payload: 20,
        bearer_token: true,
        allowed_connection_types: ["STANDARD"],
      }),
    ],
  },
}));
const NO_BEARER = O.tenant("NoBearer", { nats: { limits: { disallow_bearer: true } } });
const ONE = O.tenant("One", { nats: { limits: { conn: 1, subs: 2, payload: 10 } } });
const DEFAULTS = O.tenant("Defaults", {
  nats: { default_permissions: { pub: { allow: ["d"] }, sub: { deny: ["e"] } } },
});
const REVOKED_ALL = O.tenant("RevokedAll", { nats: { revocations: { "*": ISSUED } } });
const stranger = new Tenancy().system;
const other = newKeyPair("account");

/** For `leaveOut`. */
const OF_REFUSED = [
  /(?<=Maximum Account Connections Exceeded".*),"(authorized_user|issuer_key)":"[^"]*"/,
  "ours shows who it was that found no room",
] as const;
/** For logs. */
const WHY_REFUSED: LogDifferences = [
  [/: (Outside connect times|Bad src Ip .*)$/, "ours gives reasons at debug level"],
  [/^a second CONNECT/, "the reference names the first user to the end"],
  [/^where there is room for one, B/, "the reference says it twice"],
  [/Publish Violation - Subject "(t.green|u.alice.no|y)"$/, "ours logs only the first of many refusals"],
];

const good = A.user();
const limited = A.user({
  nats: {
    subs: 1,
    payload: 4,
    pub: { allow: ["p", "q"] },
    sub: { deny: ["x"] },
    resp: { max: 1, ttl: 60e9 },
  },
});

compareAuth(
  "tokens of users",
  O.config,
  {
    "by the account": login(good.login),
    "by a signing key": login(A.signed({ name: "bob", nats: { tags: ["a:b", "c"] } }).login),
    "in verbose mode": login({ ...good.login, connect: { jwt: good.jwt, verbose: true } }),
    "with its nkey": login({ ...good.login, connect: { jwt: good.jwt, nkey: good.keys.publicKey } }),
    "with a name and a password": async (stage) => {
      stage.leaveOut(...UNPROVEN_USER);
      await stage.login("A", {
        ...good.login,
        connect: { jwt: good.jwt, user: "u", pass: "p", name: "n" },
      });
    },
    "without a signature": login(good.unsigned),
    "with somebody else's signature": login({ ...good.unsigned, sign: newKeyPair("user") }),
    altered: login({ ...good.login, connect: { jwt: altered(good.jwt) } }),
    "of an unknown account": login(stranger.user().login),
    "by a key that the account does not know": login(A.signed({ signer: other }).login),
    "by a signing key that is said to be an account": login(A.user({ signer: A.signer }).login),
    "by the account, for another one": login(A.user({ nats: { issuer_account: ONE.id } }).login),
    "an account's instead of a user's": login({ connect: { jwt: O.accountJwt(A) }, sign: A.keys }),
    "that is none": login({ connect: { jwt: "eyJ.x.y" }, sign: good.keys }),
    "none, but an nkey": login({ connect: { nkey: good.keys.publicKey }, sign: good.keys }),
    "none, but a password": login({ connect: { user: "alice", pass: "p" } }),
    none: login({}),
    "in the place of a password": login({ connect: { pass: good.jwt }, sign: good.keys }),
    expired: login(A.user({ exp: LONG_AGO }).login),
    "not yet valid": login(A.user({ nbf: TOMORROW }).login),
    revoked: login(A.user({}, revoked).login),
    "revoked before it was issued": login(A.user({}, renewed).login),
    "revoked like all": login(REVOKED_ALL.user().login),
    "issued after all were revoked": login(REVOKED_ALL.user({ iat: ISSUED + 1 }).login),
    "of a bearer": login(A.user({ nats: { bearer_token: true } }).unsigned),
    "of a bearer, where none may be": login(NO_BEARER.user({ nats: { bearer_token: true } }).unsigned),
    "of a bearer who signs": login(A.user({ nats: { bearer_token: true } }).login),
    "from the right network": login(A.user({ nats: { src: ["10.0.0.0/8", "127.0.0.0/24"] } }).login),
    "from another network": login(A.user({ nats: { src: ["10.0.0.0/8"] } }).login),
    "from a network that is none": login(A.user({ nats: { src: ["10"] } }).login),
    "at all times": login(A.user({ nats: { times: [{ start: "00:00:00", end: "23:59:59" }] } }).login),
    "at no time": login(A.user({ nats: { times: [{ start: "00:00:00", end: "00:00:00" }] } }).login),
    "at times somewhere": login(
      A.user({ nats: { times: [{ start: "00:00:00", end: "23:59:59" }], times_location: "Asia/Tokyo" } })
        .login,
    ),
    "at times nowhere": login(
      A.user({ nats: { times: [{ start: "00:00:00", end: "23:59:59" }], times_location: "X/Y" } }).login,
    ),
    "at times that are none": login(A.user({ nats: { times: [{ start: "25:00", end: "x" }] } }).login),
    "for this connection type": login(A.user({ nats: { allowed_connection_types: ["standard"] } }).login),
    "for another connection type": login(A.user({ nats: { allowed_connection_types: ["WEBSOCKET"] } }).login),
    "for this type and an unknown one": login(
      A.user({ nats: { allowed_connection_types: ["X", "STANDARD"] } }).login,
    ),
    "for an unknown connection type": login(A.user({ nats: { allowed_connection_types: ["X"] } }).login),
    "behind a proxy": login(A.user({ nats: { proxy_required: true } }).login),
    "with permissions that are none": login(A.user({ nats: { pub: { allow: ["a..b"] } } }).login),
    "with limits and permissions": async (stage) => {
      await stage.login("A", limited.login);
      await stage.say(
        "A",
        "SUB x 1\r\nSUB y 2\r\nSUB z 3\r\nPUB p 0\r\n\r\nPUB r 0\r\n\r\nPUB y p 1\r\n1\r\n",
      );
      await stage.say("A", "PUB p 5\r\n12345\r\n");
    },
    "answers only to what was asked": async (stage) => {
      await stage.login("A", limited.login);
      await stage.say("A", "SUB svc 1\r\n");
      await stage.login("B", good.login);
      await stage.say("B", "SUB in.* 1\r\nPUB svc in.1 2\r\nhi\r\n");
      await stage.say("A", "PUB in.1 2\r\n1.\r\nPUB in.1 2\r\n2.\r\n");
      await stage.say("B");
    },
    "with the account's default permissions": async (stage) => {
      await stage.login("A", DEFAULTS.user().login);
      await stage.say("A", "PUB d 0\r\n\r\nPUB e 0\r\n\r\nSUB e 1\r\nSUB d 2\r\n");
    },
    "with permissions of its own instead": async (stage) => {
      await stage.login("A", DEFAULTS.user({ nats: { pub: { allow: ["e"] } } }).login);
      await stage.say("A", "PUB d 0\r\n\r\nPUB e 0\r\n\r\nSUB e 1\r\nSUB d 2\r\n");
    },
    "where there is room for one": async (stage) => {
      stage.leaveOut(...OF_REFUSED);
      await stage.login("A", ONE.user().login);
      await stage.login("B", ONE.user().login);
      await stage.say("A", "SUB a 1\r\nSUB b 2\r\nSUB c 3\r\n");
      await stage.say("A", "PUB a 11\r\n12345678901\r\n");
    },
    "of a scoped key": async (stage) => {
      const user = A.inScope({ nats: { tags: ["team:red", "team:blue"] } });
      await stage.login("A", user.unsigned);
      const sent = [
        "u.alice.1",
        "u.bob.1",
        "u.alice.no",
        "t.red",
        "t.blue",
        "t.green",
        "a.Acme",
        `s.${user.keys.publicKey}`,
      ];
      await stage.say("A", sent.map((subject) => `PUB ${subject} 0\r\n\r\n`).join(""));
      await stage.say("A", `SUB x.${A.id} 1\r\nSUB d.sales 2\r\nSUB u.bob.> 3\r\nSUB u.alice.x 4\r\n`);
      await stage.say("A", "PUB t.red 21\r\n123456789012345678901\r\n");
    },
    "of a scoped key, without the tags": async (stage) => {
      await stage.login("A", A.inScope().unsigned);
      await stage.say("A", "PUB t.red 0\r\n\r\nPUB u.alice.1 0\r\n\r\n");
    },
    "of a scoped key, with a name that is no token": login(A.inScope({ name: "a.*" }).unsigned),
    "of a scoped key, with permissions": login(A.inScope({ nats: { pub: { allow: ["a"] } } }).unsigned),
    "of a scoped key, with limits": login(A.inScope({ nats: { subs: 5 } }).unsigned),
    "that ends soon": async (stage) => {
      await stage.login("A", A.user({ exp: Math.floor(Date.now() / 1_000) + 2 }).login);
      await stage.ends("A");
    },
    "a second CONNECT as somebody else": async (stage) => {
      const peer = await stage.login("A", good.login);
      const bearer = DEFAULTS.user({ nats: { bearer_token: true } });
      peer.lines.length = 0;
      await stage.say("A", `CONNECT ${JSON.stringify({ jwt: bearer.jwt, verbose: false })}\r\n`);
      await stage.say("A", "PUB e 0\r\n\r\n");
    },
  },
  WHY_REFUSED,
);

// ── other forms of trust ───────────────────────────────────────────────────

const S = new Tenancy(true);
const STRICT = S.tenant("Strict");

compareAuth("strict use of signing keys", S.config, {
  "a user by a signing key": login(STRICT.signed().login),
  "a user by the account": login(STRICT.user().login),
});

const sentinel = O.tenant("Sentinel").user({
  name: "sentinel",
  nats: { bearer_token: true, pub: { allow: ["only"] } },
});

compareAuth(
  "a sentinel for those who bring no token",
  `${O.config}\ndefault_sentinel: "${sentinel.jwt}"`,
  {
    none: async (stage) => {
      await stage.login("A");
      await stage.say("A", "PUB only 0\r\n\r\nPUB other 0\r\n\r\n");
    },
    "a password": async (stage) => {
      stage.leaveOut(...UNPROVEN_USER);
      await stage.login("A", { connect: { user: "u", pass: "p" } });
    },
    "a token": login({ connect: { auth_token: "t" } }),
    "an nkey": async (stage) => {
      stage.leaveOut(...UNPROVEN_USER);
      await stage.login("A", { connect: { nkey: good.keys.publicKey }, sign: good.keys });
    },
    "a JWT of one's own": login(good.login),
    "a JWT that is none": login({ connect: { jwt: "x" } }),
    "a JWT that has expired": login(A.user({ exp: LONG_AGO }).login),
    "operations before CONNECT": async (stage) => {
      await stage.open("A");
      await stage.say("A", "PUB only 0\r\n\r\n");
    },
  },
  [[/^none, A/, "ours does not call it a token that nobody brought"]],
);

compareAuth("pinned accounts", `${O.config}\nresolver_pinned_accounts: [${A.id}]`, {
  "one of them": login(good.login),
  "another one": login(DEFAULTS.user().login),
  "the system's": login(O.system.user().login),
});

compareAuth(
  "trusted keys instead of an operator",
  `trusted_keys: [${O.keys.publicKey}]\nsystem_account: ${O.system.id}\n${O.resolver}`,
  { "a user": login(good.login), "a bearer": login(A.inScope().unsigned), nobody: login({}) },
);

const proxy = newKeyPair("user");

compareAuth("trusted proxies", `${O.config}\nproxies { trusted: [{ key: ${proxy.publicKey} }] }`, {
  "not required": login({ ...good.login, proxy }),
  "not required, through a stranger": login({ ...good.login, proxy: good.keys }),
  required: login(A.user({ nats: { proxy_required: true } }).login),
  "required, through a proxy": login({ ...A.user({ nats: { proxy_required: true } }).login, proxy }),
});

// ── changes while somebody is connected ────────────────────────────────────

const CHANGED = new Tenancy();

interface ChangeOptions {
  /** By everybody, before. */
  readonly said?: string;
  /** By everybody, after. */
  readonly after?: string;
  /** Everybody is sent away a while later. */
  readonly isEnd?: boolean;
  readonly leftOut?: readonly [pattern: RegExp, reason: string];
}

const FAREWELL = [
  /^U1< -ERR 'Authorization Violation'$/,
  "ours tells those who have to go, the reference hangs up",
] as const;

/** Two users of one account are connected when its token changes. */
function change(
  name: string,
  connected: (tenant: Tenant) => readonly TokenUser[],
  change: (tenant: Tenant, users: readonly TokenUser[]) => Parameters<Tenancy["accountJwt"]>[1],
  before: Parameters<Tenancy["tenant"]>[1] = {},
  { said = "", after = "", isEnd = false, leftOut }: ChangeOptions = {},
): Play {
  const tenant = CHANGED.tenant(name, before);
  const users = connected(tenant);
  const jwt = CHANGED.accountJwt(tenant, change(tenant, users));
  return async (stage: Stage) => {
    stage.leaveOut(...OF_REFUSED);
    if (leftOut !== undefined) stage.leaveOut(...leftOut);
    for (const [i, user] of users.entries()) {
      await stage.login(`U${i}`, user.login);
      await stage.say(`U${i}`, said);
    }
    await stage.login("system", CHANGED.system.user().login);
    await stage.ask("system", "$SYS.REQ.CLAIMS.UPDATE", jwt);
    for (const i of users.keys()) await (isEnd ? stage.ends(`U${i}`) : stage.say(`U${i}`, after));
    await stage.login("late", (users[0] ?? tenant.user()).login);
  };
}

const two = (tenant: Tenant): TokenUser[] => [tenant.user(), tenant.user({ name: "bob" })];
const now = (): number => Math.floor(Date.now() / 1_000);

const service = newKeyPair("user");

const changes: Record<string, Play> = {
  "nothing of importance": change(
    "c1",
    two,
    () => ({ name: "c1 anew" }),
    {},
    { said: "SUB a 1\r\n", after: "PUB a 0\r\n\r\n" },
  ),
  "a user is revoked": change("c2", two, (_tenant, [first]) => ({
    nats: { revocations: { [first?.keys.publicKey ?? ""]: now() } },
  })),
  "everybody is revoked": change("c3", two, () => ({ nats: { revocations: { "*": now() } } })),
  "fewer subscriptions": change(
    "c4",
    two,
    () => ({ nats: { limits: { subs: 2 } } }),
    {},
    { said: "SUB a 1\r\nSUB b 2\r\nSUB c 3\r\n", isEnd: true },
  ),
  "fewer subscriptions, not used": change(
    "c4b",
    two,
    () => ({ nats: { limits: { subs: 2 } } }),
    {},
    {
      said: "SUB a 1\r\n",
      after: "SUB b 2\r\nSUB c 3\r\n",
    },
  ),
  "smaller payloads": change(
    "c5",
    two,
    () => ({ nats: { limits: { payload: 3 } } }),
    {},
    { after: "PUB a 4\r\n1234\r\n" },
  ),
  "fewer connections": change("c6", two, () => ({ nats: { limits: { conn: 1 } } })),
  "no connections": change("c6b", two, () => ({ nats: { limits: { conn: 0 } } })),
  "default permissions": change(
    "c7",
    two,
    () => ({ nats: { default_permissions: { pub: { deny: ["a"] }, sub: { deny: ["b"] } } } }),
    {},
    {
      said: "SUB b 1\r\nSUB c 2\r\n",
      after: "PUB a 0\r\n\r\nPUB b 0\r\n\r\nPUB c 0\r\n\r\n",
    },
  ),
  "default permissions, with a queue": change(
    "c7a",
    two,
    () => ({ nats: { default_permissions: { sub: { deny: ["b"] } } } }),
    {},
    { said: "SUB b q 3\r\n", after: "PUB b 0\r\n\r\n" },
  ),
  "default permissions, where they are the user's own": change(
    "c7b",
    (tenant) => [tenant.user({ nats: { pub: { allow: ["a"] } } })],
    () => ({ nats: { default_permissions: { pub: { deny: ["a"] } } } }),
    {},
    { after: "PUB a 0\r\n\r\nPUB b 0\r\n\r\n" },
  ),
  "a signing key is gone": change(
    "c8",
    (tenant) => [tenant.user(), tenant.signed()],
    () => ({ nats: { signing_keys: [] } }),
    {},
    { leftOut: FAREWELL },
  ),
  "a scope has another template": change(
    "c9",
    (tenant) => [tenant.user(), tenant.inScope()],
    (tenant) => ({ nats: { signing_keys: [tenant.scope({ pub: { allow: ["b"] } })] } }),
    (tenant) => ({ nats: { signing_keys: [tenant.scope({ pub: { allow: ["a"] } })] } }),
    { leftOut: FAREWELL },
  ),
  "a scope stays as it is": change(
    "c9b",
    (tenant) => [tenant.inScope()],
    (tenant) => ({ name: "anew", nats: { signing_keys: [tenant.scope({ pub: { allow: ["a"] } })] } }),
    (tenant) => ({ nats: { signing_keys: [tenant.scope({ pub: { allow: ["a"] } })] } }),
  ),
  "bearer tokens are not allowed any more": change(
    "c10",
    (tenant) => [tenant.user({ nats: { bearer_token: true } }), tenant.user()],
    () => ({ nats: { limits: { disallow_bearer: true } } }),
  ),
  "the service of an auth callout may still not ask itself": change(
    "c13",
    (tenant) => [tenant.user({}, service)],
    () => ({ nats: { tags: ["anew"], authorization: { auth_users: [service.publicKey] } } }),
    { nats: { authorization: { auth_users: [service.publicKey] } } },
    { after: "PUB $SYS.REQ.USER.AUTH 0\r\n\r\n" },
  ),
  "it has expired": change("c11", two, () => ({ exp: LONG_AGO })),
  "another operator signs it": change(
    "c12",
    two,
    () => ({ signer: newKeyPair("operator") }),
    {},
    {
      leftOut: [
        /"data":.*$|"error":.*$/,
        "the reference stores it, says so, and never uses it; ours refuses it",
      ],
    },
  ),
  "it ends soon": async (stage) => {
    const tenant = ENDING;
    await stage.login("A", tenant.user().login);
    await stage.login("B", tenant.user().login);
    await stage.login("system", CHANGED.system.user().login);
    await stage.ask("system", "$SYS.REQ.CLAIMS.UPDATE", CHANGED.accountJwt(tenant, { exp: now() + 2 }));
    await stage.ends("A");
    await stage.ends("B");
    await stage.login("late", tenant.user().login);
  },
};
const ENDING = CHANGED.tenant("ending");

// The one resolver that takes whatever account is sent; its folder is the servers' own.
const full = CHANGED.config.replace("resolver: MEM", 'resolver: { type: full, dir: "./jwt" }');

compareAuth("an account's token changes", full, changes, [
  [/^a signing key is gone|^a scope has another template/, "the reference says nothing"],
  [/^bearer tokens are not allowed any more/, "ours says why"],
  [/maximum account active connections exceeded/, "the reference logs one of them, with the account twice"],
  [/^fewer subscriptions, U[01].*maximum subscriptions exceeded/, "the reference logs one of them"],
]);

/** The same token with another name in it, and the old signature. */
function altered(jwt: string): string {
  const [header, payload = "", sig] = jwt.split(".");
  const text = Buffer.from(payload, "base64url").toString().replace('"alice"', '"admin"');
  return [header, Buffer.from(text).toString("base64url"), sig].join(".");
}
