/** Auth callout: what a service is asked, and what comes of its answers: the same as with the reference server. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { connect, type ConnectionOptions, headers, jwtAuthenticator } from "@nats-io/transport-node";
import { CurveKeyPair, SEAL_NONCE_BYTES } from "../packages/caddis/src/auth/xkey.ts";
import { KeyPair } from "../packages/caddis/src/auth/nkey-pair.ts";
import { encodeSeed } from "../packages/caddis/src/auth/nkey.ts";
import { compareAuth, type Login, type Play, type Stage } from "./support/auth-stage.ts";
import { ISSUED, Tenancy, type TokenUser } from "./support/auth-tenancy.ts";
import {
  type Answer,
  newKeyPair,
  readRequest,
  type SeenRequest,
  writeAnswer,
} from "./support/callout-service.ts";

const CALLOUT = "$SYS.REQ.USER.AUTH";
const XKEY_HEADER = "Nats-Server-Xkey";

const issuer = newKeyPair("account");
const stranger = newKeyPair("account");
const [nkeyUser, eve] = [newKeyPair("user"), newKeyPair("user")];
const curve = new CurveKeyPair(randomBytes(32));

type Reply = Answer | ((request: SeenRequest) => Answer) | "nothing" | "rubbish";

interface Service {
  readonly login: Partial<ConnectionOptions>;
  readonly issuer: KeyPair;
  /** Opens requests, and seals answers unless told not to. */
  readonly curve?: CurveKeyPair;
  readonly seals?: boolean;
}

/** A service that answers `reply`; notes what it is asked. */
async function serve(stage: Stage, service: Service, reply: Reply): Promise<void> {
  const client = await connect({ port: stage.server.port, reconnect: false, ...service.login });
  stage.onEnd(() => client.close());
  client.subscribe(CALLOUT, {
    callback: (error, message) => {
      assert.ok(error === null);
      const sender = message.headers?.get(XKEY_HEADER) ?? "";
      stage.note(`asked, ${sender === "" ? "in the clear" : "sealed"}`);
      const payload = service.curve === undefined ? message.data : service.curve.open(message.data, sender);
      const request = readRequest(payload ?? assert.fail("not sealed for the service"));
      stage.note(`asked ${shownRequest(request)}`);
      if (reply === "nothing") return;
      const answer = reply === "rubbish" ? Buffer.from("rubbish") : answerTo(request, service.issuer, reply);
      const isSealed = service.curve !== undefined && service.seals !== false;
      const sealed = isSealed
        ? (service.curve?.seal(answer, sender, randomBytes(SEAL_NONCE_BYTES)) ??
          assert.fail("no key of a server"))
        : answer;
      message.respond(sealed, { headers: headers() });
    },
  });
  await client.flush();
}

function answerTo(request: SeenRequest, signer: KeyPair, reply: Exclude<Reply, string>): Buffer {
  return writeAnswer(request, signer, typeof reply === "function" ? reply(request) : reply, Date.now());
}

/** A request without what is one server's or one moment's own; the order of its fields is seen. */
function shownRequest(request: SeenRequest): string {
  const own = /^(jti|iat|exp|iss|id|xkey|user_nkey|nonce|sig|sub|request_nonce|version|cipher)$/;
  const server = JSON.stringify(Object.keys(request.nats.server_id));
  const { server_id: _server, ...nats } = request.nats;
  const text = JSON.stringify({ ...request, nats }, (name, value: unknown) =>
    own.test(name) ? typeof value : value,
  );
  return `${server} ${text}`;
}

const A_USER: Login = { connect: { user: "eve", pass: "secret", name: "app", lang: "x", version: "1.2" } };

/** Somebody comes while the service answers `reply`. */
function meet(service: Service, reply: Reply, login: Login = A_USER, then = ""): Play {
  return async (stage) => {
    await serve(stage, service, reply);
    await stage.login("A", login);
    if (then !== "") await stage.say("A", then);
  };
}

/** The same, where ours keeps to more of what the service said than the reference does. */
function strictly(pattern: RegExp, reason: string, play: Play): Play {
  return async (stage) => {
    stage.leaveOut(pattern, reason);
    await play(stage);
  };
}

// ── with accounts that are configured ──────────────────────────────────────

const configured: Service = { login: { user: "auth", pass: "auth" }, issuer };

function config(timeout: string, more = ""): string {
  return `accounts {
    AUTH { users: [{ user: auth, password: auth }, { nkey: ${nkeyUser.publicKey} }] }
    APP { users: [{ user: zed, password: z }, { user: app, password: p }] }
    DEF { default_permissions: { publish: "d", subscribe: { deny: "e" } }, users: [] }
    SYS { users: [{ user: sys, password: s }] }
  }
  system_account: SYS
  authorization {
    timeout: ${timeout}
    auth_callout {
      issuer: ${issuer.publicKey}, account: AUTH, auth_users: [auth, zed, ${nkeyUser.publicKey}]
      ${more}
    }
  }`;
}

const soon = (): number => Math.floor(Date.now() / 1_000) + 2;
const PAST = ISSUED - 1_000;
const asUser = (user: NonNullable<Answer["user"]>): Answer => ({ user });
const limits = (nats: object): Answer => ({ user: { nats } });

compareAuth(
  "a service for configured accounts",
  config("5"),
  {
    "lets in": meet(configured, {}),
    "lets in, in verbose mode": meet(configured, {}, { connect: { ...A_USER.connect, verbose: true } }),
    "lets in somebody without credentials": meet(configured, {}, {}),
    "lets in with a token": meet(configured, {}, { connect: { auth_token: "t" } }),
    "lets in with a JWT": strictly(
      /(?<="connect_opts":\{)"jwt":"eyJ.x.y",/,
      "ours hands on all that the client showed, the reference leaves JWTs out",
      meet(configured, {}, { connect: { jwt: "eyJ.x.y" } }),
    ),
    "lets in with an nkey": meet(
      configured,
      {},
      {
        connect: { nkey: eve.publicKey },
        sign: eve,
      },
    ),
    "lets in who is configured": meet(configured, {}, { connect: { user: "app", pass: "p" } }),
    "lets in who is configured, with a wrong password": meet(
      configured,
      {},
      { connect: { user: "app", pass: "x" } },
    ),
    "lets in, to an account of default permissions": strictly(
      /^A< -ERR.*$|^A< \[closed\]$|^A in connz.*$/,
      "ours gives the account's default permissions",
      meet(
        configured,
        asUser({ aud: "DEF" }),
        A_USER,
        "PUB d 0\r\n\r\nPUB e 0\r\n\r\nSUB e 1\r\nSUB f 2\r\n",
      ),
    ),
    "gives rights and limits": strictly(
      /"max_payload":\d+|^A< -ERR '[mM]aximum.*$|^A< \[closed\]$|^A in connz.*$/,
      "ours keeps to the limits",
      meet(
        configured,
        limits({ pub: { allow: ["p"] }, sub: { deny: ["x"] }, subs: 1, payload: 3 }),
        A_USER,
        "PUB p 0\r\n\r\nPUB q 0\r\n\r\nSUB x 1\r\nSUB y 2\r\nSUB z 3\r\nPUB p 4\r\n1234\r\n",
      ),
    ),
    "gives no name": meet(configured, asUser({ name: "" })),
    "gives tags": strictly(
      /,"tags":\[[^\]]*\](?=,"issuer_key)/,
      "ours shows them",
      meet(configured, limits({ tags: ["a:b", "c"] })),
    ),
    "lets in for a while": async (stage) => {
      await serve(stage, configured, () => asUser({ exp: soon() }));
      await stage.login("A", A_USER);
      await stage.ends("A");
    },
    "lets in to its own account": meet(
      configured,
      asUser({ aud: "AUTH" }),
      A_USER,
      `PUB ${CALLOUT} 0\r\n\r\nSUB ${CALLOUT} 1\r\nPUB a 0\r\n\r\n`,
    ),
    "lets in to the system account": meet(configured, asUser({ aud: "SYS" })),
    "lets in to the global account": meet(configured, asUser({ aud: "$G" })),
    "says an error": meet(configured, { user: null, error: "no such user" }),
    "says nothing": meet(configured, { user: null }),
    "says a user and an error": meet(configured, { error: "no" }),
    "says rubbish": meet(configured, "rubbish"),
    "answers for another user": meet(configured, { sub: newKeyPair("user").publicKey }),
    "answers for another server": meet(configured, { aud: newKeyPair("server").publicKey }),
    "answers too late": meet(configured, { exp: PAST }),
    "is not the issuer": meet(configured, { signer: stranger }),
    "names an account of its issuer": meet(configured, { issuerAccount: stranger.publicKey }),
    "names its own account as its issuer's": meet(configured, { issuerAccount: issuer.publicKey }),
    "gives another user": meet(configured, asUser({ sub: newKeyPair("user").publicKey })),
    "gives a user by another issuer": meet(configured, asUser({ signer: stranger })),
    "gives a user by an account": meet(configured, limits({ issuer_account: issuer.publicKey })),
    "gives a user to no account": meet(configured, asUser({ aud: "" })),
    "gives a user to an unknown account": meet(configured, asUser({ aud: "NONE" })),
    "gives a user who has expired": meet(configured, asUser({ exp: PAST })),
    "gives a user of another type": strictly(
      /^A< .*$|^A in connz.*$/,
      "ours turns it away",
      meet(configured, limits({ allowed_connection_types: ["WEBSOCKET"] })),
    ),
    "gives a user of this type": meet(configured, limits({ allowed_connection_types: ["STANDARD"] })),
    "gives a user from elsewhere": strictly(
      /^A< .*$|^A in connz.*$/,
      "ours turns it away",
      meet(configured, limits({ src: ["10.0.0.0/8"] })),
    ),
    "gives a user at no time": meet(configured, limits({ times: [{ start: "00:00:00", end: "00:00:00" }] })),
    "gives a user who needs a proxy": meet(configured, limits({ proxy_required: true })),
    "gives a user with permissions that are none": meet(configured, limits({ pub: { allow: ["a..b"] } })),
    "is not asked about its own users": async (stage) => {
      await serve(stage, configured, { user: null, error: "no" });
      await stage.login("A", { connect: { user: "zed", pass: "z" } });
      await stage.login("B", { connect: { user: "auth", pass: "auth" } });
      await stage.say("B", `PUB ${CALLOUT} 0\r\n\r\n`);
      await stage.login("C", { connect: { nkey: nkeyUser.publicKey }, sign: nkeyUser });
    },
    "is asked about its users' wrong passwords": meet(
      configured,
      { user: null, error: "no" },
      {
        connect: { user: "zed", pass: "x" },
      },
    ),
    "is asked before anything else is done": async (stage) => {
      await serve(stage, configured, {});
      await stage.open("A");
      await stage.say("A", 'CONNECT {"user":"eve","verbose":false}\r\nSUB a 1\r\nPUB a 0\r\n\r\n');
    },
    "is not asked without CONNECT": async (stage) => {
      await serve(stage, configured, {});
      await stage.open("A");
      await stage.say("A", "SUB a 1\r\n");
    },
  },
  [
    [/: Outside connect times$/, "ours gives reasons at debug level"],
    [
      /^gives (rights and limits|a user from elsewhere|a user of another type), A: .*(exceeded|authentication error)/,
      "see there",
    ],
    [/^lets in, to an account of default permissions/, "see there"],
  ],
);

compareAuth("no service in time", config("0.3"), {
  "there is none": async (stage) => {
    await stage.login("A", A_USER);
  },
  "it says nothing": meet(configured, "nothing"),
});

compareAuth("a service with a curve key", config("5", `xkey: ${curve.publicKey}`), {
  "both sealed": meet({ ...configured, curve }, {}),
  "an answer in the clear": meet({ ...configured, curve, seals: false }, {}),
  "a sealed error": meet({ ...configured, curve }, { user: null, error: "no" }),
});

compareAuth("a service for few accounts", config("5", "allowed_accounts: [APP]"), {
  "one of them": meet(configured, asUser({ aud: "APP" })),
  "another one": meet(configured, asUser({ aud: "DEF" })),
  "its own": meet(configured, asUser({ aud: "AUTH" })),
});

// ── with accounts by JWTs ──────────────────────────────────────────────────

const O = new Tenancy();
const secret = randomBytes(32);
const service = KeyPair.fromSecret("user", secret);
const App = O.tenant("App", (tenant) => ({
  nats: {
    signing_keys: [tenant.signer.publicKey, tenant.scope({ pub: { allow: ["{{name()}}.>"] }, subs: 5 })],
  },
}));
const Other = O.tenant("Other");
const Auth = O.tenant("Auth", {
  nats: { authorization: { auth_users: [service.publicKey], allowed_accounts: [App.id] } },
});
const Any = O.tenant("Any", {
  nats: {
    authorization: { auth_users: [service.publicKey], allowed_accounts: ["*"], xkey: curve.publicKey },
  },
});
const own = Auth.user({}, service);
const ownOfAny = Any.user({}, service);
const bearer = Auth.user({
  name: "sentinel",
  nats: { bearer_token: true, pub: { deny: [">"] }, sub: { deny: [">"] } },
});
const bearerOfAny = Any.user({ nats: { bearer_token: true } });

function byToken({ jwt }: TokenUser): Partial<ConnectionOptions> {
  return { authenticator: jwtAuthenticator(jwt, Buffer.from(encodeSeed("user", secret))) };
}

const byJwt: Service = { login: byToken(own), issuer: Auth.keys };
const anyByJwt: Service = { login: byToken(ownOfAny), issuer: Any.keys, curve };
const shown: Login = { connect: { jwt: bearer.jwt, user: "eve", pass: "secret", name: "app" } };
const of = (user: NonNullable<Answer["user"]>): Answer => ({ user: { signer: App.keys, aud: "", ...user } });

compareAuth("a service for accounts by JWTs", O.config, {
  "lets in": meet(byJwt, of({})),
  "lets in by a signing key": meet(byJwt, of({ signer: App.signer, nats: { issuer_account: App.id } })),
  "lets in by a scoped key": meet(
    byJwt,
    (request) =>
      of({
        signer: App.scoped,
        sub: request.nats.user_nkey,
        nats: { issuer_account: App.id, subs: 0, data: 0, payload: 0 },
      }),
    shown,
    "PUB dave.x 0\r\n\r\nPUB eve.x 0\r\n\r\n",
  ),
  "lets in to its own account": meet(byJwt, of({ signer: Auth.keys })),
  "lets in to an account that it may not fill": meet(byJwt, of({ signer: Other.keys })),
  "lets in to an unknown account": meet(byJwt, of({ signer: stranger })),
  "gives a user by an unknown key": meet(byJwt, of({ signer: stranger, nats: { issuer_account: App.id } })),
  "gives a user with an audience": meet(byJwt, of({ aud: "APP" })),
  "says an error": meet(byJwt, { user: null, error: "no" }),
  "answers by its signing key": meet(byJwt, { ...of({}), signer: Auth.signer, issuerAccount: Auth.id }),
  "answers by its signing key, without saying for whom": meet(byJwt, { ...of({}), signer: Auth.signer }),
  "answers by another account": meet(byJwt, { ...of({}), signer: App.keys }),
  "is not asked about its own users": async (stage) => {
    await serve(stage, byJwt, { user: null, error: "no" });
    await stage.login("A", own.login);
    await stage.say("A", `PUB ${CALLOUT} 0\r\n\r\n`);
  },
  "is not asked about another account's": async (stage) => {
    await serve(stage, byJwt, { user: null, error: "no" });
    await stage.login("A", Other.user().login);
  },
  "lets in, sealed, to any account": meet(anyByJwt, of({ signer: Other.keys }), {
    connect: { jwt: bearerOfAny.jwt },
  }),
  "lets in, sealed, to its own account": meet(anyByJwt, of({ signer: Any.keys }), {
    connect: { jwt: bearerOfAny.jwt },
  }),
});

compareAuth("a token that does not hold", `${O.config}\nauthorization { timeout: 0.3 }`, {
  "the service is not asked": async (stage) => {
    await serve(stage, byJwt, {});
    await stage.login("A", { connect: { jwt: Auth.user({ exp: PAST }).jwt } });
    await stage.login("B", { connect: { jwt: Auth.user().jwt } });
  },
});

compareAuth("a service for those who bring no token", `${O.config}\ndefault_sentinel: "${bearer.jwt}"`, {
  "a password": meet(byJwt, of({}), A_USER),
  nothing: meet(byJwt, of({}), {}),
  refused: strictly(
    /(?<="name":"app"),"account".*$|(?<="name":"app"),"authorized_user".*$/,
    "ours shows no account for who did not get in",
    meet(byJwt, { user: null, error: "no" }, A_USER),
  ),
});
