/** What the policy tester answers about configured users, about those of JWTs, and where it can't answer. */
import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { formatCreds } from "../packages/caddis/src/auth/creds.ts";
import { encodeJwt } from "../packages/caddis/src/auth/jwt.ts";
import { encodeSeed } from "../packages/caddis/src/auth/nkey.ts";
import {
  ConfigError,
  type PolicyAnswer,
  type PolicyQuestion,
  type PolicyRoute,
  type PublishAnswer,
  type ServerOptions,
  type SubscribeAnswer,
  testPolicy,
} from "../packages/caddis/src/server/index.ts";
import { JwtWorld, keyPair } from "./support/jwt-world.ts";

async function askPublish(
  options: ServerOptions,
  question: Omit<PolicyQuestion, "action">,
): Promise<PublishAnswer> {
  const answer = await testPolicy(options, { action: "publish", ...question });
  return answer.kind === "publish" ? answer : assert.fail(answer.reason);
}

async function askSubscribe(
  options: ServerOptions,
  question: Omit<PolicyQuestion, "action">,
): Promise<SubscribeAnswer> {
  const answer = await testPolicy(options, { action: "subscribe", ...question });
  return answer.kind === "subscribe" ? answer : assert.fail(answer.reason);
}

async function askNothing(options: ServerOptions, question: PolicyQuestion): Promise<string> {
  const answer = await testPolicy(options, question);
  assert.equal(answer.allowed, false);
  return `${answer.kind}: ${answer.reason}`;
}

function decided({ allowed, rule }: Pick<PublishAnswer, "allowed" | "rule">): string {
  return `${allowed} ${rule === null ? "" : `${rule.list} ${rule.subject}`}`.trimEnd();
}

/** `kind account subject`, with what goes on behind it. */
function ways(routes: readonly PolicyRoute[]): string[] {
  return routes.flatMap(({ account, kind, onward, percent, subject }) => [
    `${kind} ${account} ${subject} ${percent}`,
    ...ways(onward).map((way) => `… ${way}`),
  ]);
}

const NKEY = keyPair("user", 9).publicKey;

const OPTIONS: ServerOptions = {
  accounts: {
    A: {
      users: [
        {
          user: "ann",
          password: "a",
          permissions: {
            publish: { allow: ["a.>", "$NRG.x"], deny: ["a.secret", "a.*.secret"] },
            subscribe: { allow: ["a.>", "in.>", "jobs w.*"], deny: ["a.secret", "a.b q"] },
          },
        },
        { user: "bea", password: "b" },
        { nkey: NKEY, allowed_connection_types: ["WEBSOCKET"] },
        { user: "pia", password: "p", proxy_required: true },
      ],
      default_permissions: { publish: "d.>", allow_responses: { max: 3, expires: "1m" } },
      exports: [{ stream: "a.>" }],
      imports: [
        { service: { account: "B", subject: "b.*" }, to: "a.ask.*" },
        { stream: { account: "B", subject: "news.>" }, to: "in.>" },
      ],
      mappings: {
        "a.old": "a.new",
        "a.some": [
          { destination: "a.one", weight: 60 },
          { destination: "z.two", weight: 40 },
        ],
        "a.lost": [{ destination: "a.lost", weight: 25 }],
      },
    },
    B: {
      users: [{ user: "bob", password: "b" }],
      exports: [{ service: "b.*" }, { stream: "news.>" }, { stream: "b.z" }],
      imports: [{ service: { account: "C", subject: "c.x" }, to: "b.x" }],
      mappings: { "b.y": "b.x" },
    },
    C: {
      users: [{ user: "cid", password: "c" }],
      exports: [{ service: "c.x" }],
      imports: [
        { stream: { account: "A", subject: "a.>" }, prefix: "from" },
        { stream: { account: "B", subject: "b.z" } },
      ],
      limits: { max_subscriptions: 0 },
    },
    D: { users: [{ user: "dan", password: "d" }], limits: { max_connections: 0 } },
  },
};

describe("publishing", () => {
  test("is decided by the rule that is named", async () => {
    const ask = (subject: string): Promise<PublishAnswer> => askPublish(OPTIONS, { user: "ann", subject });
    assert.equal(decided(await ask("a.b")), "true allow a.>");
    assert.equal(decided(await ask("a.secret")), "false deny a.secret");
    assert.equal(decided(await ask("a.b.secret")), "false deny a.*.secret");
    assert.equal(decided(await ask("b")), "false");
    assert.equal(decided(await askPublish(OPTIONS, { user: "bob", subject: "b" })), "true");
  });

  test("to servers' subjects is denied, whatever the rules say", async () => {
    const answer = await askPublish(OPTIONS, { user: "ann", subject: "$NRG.x" });
    assert.equal(decided(answer), "false");
    assert.match(answer.reason, /^only servers publish there/);
    const reply = await askPublish(OPTIONS, { user: "ann", subject: "a.b", reply: "_R_.x" });
    assert.equal(reply.allowed, false);
    assert.match(reply.reason, /^only servers give such a reply/);
  });

  test("a reply subject is one that the user may wait at, or not", async () => {
    const ask = async (reply: string): Promise<string> => {
      const answer = await askPublish(OPTIONS, { user: "ann", subject: "a.b", reply });
      return answer.reply === null ? "none" : `${answer.allowed} ${decided(answer.reply)}`;
    };
    assert.equal(await ask("in.1"), "true true allow in.>");
    assert.equal(await ask("_INBOX.1"), "true false");
    assert.equal(await ask(""), "none");
  });

  test("says who the user is", async () => {
    const userOf = async (question: Omit<PolicyQuestion, "action" | "subject">): Promise<string> => {
      const { user } = await askPublish(OPTIONS, { ...question, subject: "x" });
      return `${user.name} ${user.account} ${user.permissionsFrom}`;
    };
    assert.equal(await userOf({ user: "ann" }), "ann A user");
    assert.equal(await userOf({ user: "bea" }), "bea A account default");
    assert.equal(await userOf({ user: "bob", account: "B" }), "bob B nowhere");
    assert.equal(await userOf({ account: "A" }), " A account default");
    assert.equal(await userOf({ account: "$SYS" }), " $SYS nowhere");
    assert.equal(await userOf({ user: NKEY, connectionType: "WEBSOCKET" }), `${NKEY} A account default`);
  });

  test("answers are what a responder may publish besides", async () => {
    const answer = await askPublish(OPTIONS, { user: "bea", subject: "x" });
    assert.deepEqual([answer.allowed, answer.responses], [false, { max: 3, expiresMs: 60_000 }]);
  });

  test("mappings come first, each of their outcomes is judged", async () => {
    const ask = async (subject: string): Promise<string[]> => {
      const answer = await askPublish(OPTIONS, { user: "ann", subject });
      return [
        decided(answer),
        ...answer.outcomes.map((one) => `${one.percent} ${one.subject} ${decided(one)}`),
      ];
    };
    assert.deepEqual(await ask("a.old"), ["true allow a.>", "100 a.new true allow a.>"]);
    assert.deepEqual(await ask("a.some"), ["false", "60 a.one true allow a.>", "40 z.two false"]);
    assert.deepEqual(await ask("a.lost"), ["true", "75  true", "25 a.lost true allow a.>"]);
  });

  test("goes on by imports of services, their mappings and imports, and to importers of streams", async () => {
    const ask = async (subject: string): Promise<string[]> => {
      const { outcomes } = await askPublish(OPTIONS, { user: "ann", subject });
      return outcomes.flatMap(({ routes }) => ways(routes));
    };
    // What came by a service is not exported further as a stream.
    assert.deepEqual(await ask("a.ask.z"), ["service B b.z 100", "stream C from.a.ask.z 100"]);
    const own = await askPublish(OPTIONS, { user: "bob", subject: "b.z" });
    assert.deepEqual(ways(own.outcomes[0].routes), ["stream C b.z 100"]);
    assert.deepEqual(await ask("a.ask.x"), [
      "service B b.x 100",
      "… service C c.x 100",
      "stream C from.a.ask.x 100",
    ]);
    assert.deepEqual(await ask("a.ask.y"), [
      "service B b.x 100",
      "… service C c.x 100",
      "stream C from.a.ask.y 100",
    ]);
    assert.deepEqual(await ask("a.secret"), []);
  });
});

describe("subscribing", () => {
  test("is decided by the rule that is named, also for queue groups", async () => {
    const ask = async (subject: string, queue = ""): Promise<string> =>
      decided(await askSubscribe(OPTIONS, { user: "ann", subject, queue }));
    assert.equal(await ask("a.>"), "true allow a.>");
    assert.equal(await ask("a.secret"), "false deny a.secret");
    assert.equal(await ask("a.b"), "true allow a.>");
    assert.equal(await ask("a.b", "q"), "false deny a.b q");
    assert.equal(await ask("jobs"), "false");
    assert.equal(await ask("jobs", "w.1"), "true allow jobs w.*");
    assert.equal(await ask("jobs", "v"), "false");
    assert.equal(await ask(">"), "false");
  });

  test("the servers' queue group and limits of zero are refused", async () => {
    const queue = await askSubscribe(OPTIONS, { user: "bob", subject: "x", queue: "_sys_" });
    assert.deepEqual([queue.allowed, queue.reason], [false, "this queue group is the servers' own"]);
    const limit = await askSubscribe(OPTIONS, { user: "cid", subject: "x" });
    assert.deepEqual(
      [limit.allowed, limit.reason],
      [false, 'the server answers "maximum subscriptions exceeded"'],
    );
    const tokens = await askSubscribe(
      { ...OPTIONS, max_subscription_tokens: 2 },
      { user: "bob", subject: "a.b.c" },
    );
    assert.match(tokens.reason, /too many tokens/);
  });

  test("deny rules inside withhold messages, those about queues only from members", async () => {
    const ask = async (subject: string, queue = ""): Promise<readonly string[]> =>
      (await askSubscribe(OPTIONS, { user: "ann", subject, queue })).withheld;
    assert.deepEqual(await ask("a.>"), ["a.secret"]);
    assert.deepEqual(await ask("a.*", "q"), ["a.secret", "a.b q"]);
    assert.deepEqual(await ask("a.*.*"), []);
    assert.deepEqual(await ask("a.c"), []);
  });

  test("imported streams feed what they overlap", async () => {
    const { feeds } = await askSubscribe(OPTIONS, { user: "ann", subject: "in.*.today" });
    assert.deepEqual(feeds, [{ account: "B", subject: "news.*.today", deliveredAs: "in.*.today" }]);
    assert.deepEqual((await askSubscribe(OPTIONS, { user: "ann", subject: "a.>" })).feeds, []);
  });
});

describe("users that are refused, and questions without an answer", () => {
  const question: PolicyQuestion = { action: "publish", subject: "x" };
  const ask = (more: Partial<PolicyQuestion>, options: ServerOptions = OPTIONS): Promise<string> =>
    askNothing(options, { ...question, ...more });

  test("connection types, proxies, accounts without room", async () => {
    assert.match(await ask({ user: NKEY }), /^refused: .*connections of type STANDARD are not allowed/);
    assert.match(await ask({ user: "pia" }), /^refused: .*trusted proxy/);
    assert.match(await ask({ user: "dan" }), /^refused: .*"maximum account active connections exceeded"/);
    const proxies = { trusted: [{ key: keyPair("user", 3).publicKey }] };
    assert.equal((await testPolicy({ ...OPTIONS, proxies }, { ...question, user: "pia" })).kind, "publish");
  });

  test("nobody of that name, with those that are near", async () => {
    assert.equal(await ask({ user: "anne" }), 'problem: there is no user "anne"; did you mean ann?');
    assert.equal(
      await ask({ account: "X" }),
      'problem: there is no account "X"; did you mean A or B or C or D?',
    );
    assert.equal(await ask({ user: "bob", account: "A" }), "problem: user bob is in account B, not in A");
    assert.match(await ask({}), /^problem: say which user/);
    assert.match(await ask({ jwt: "x" }), /^problem: JWTs .* operator mode/);
  });

  test("what is no subject, and what does not go together", async () => {
    for (const subject of ["", "a..b", ".a", "a b", "a\r\nPUB b 0", "a.*", ">"]) {
      assert.match(await ask({ user: "ann", subject }), /^problem: .* no subject to publish to/);
    }
    assert.match(await ask({ action: "subscribe", subject: "a.>.b" }), /no subject to subscribe to/);
    assert.match(await ask({ action: "subscribe", queue: "a b" }), /no name of a queue group/);
    assert.match(await ask({ action: "subscribe", reply: "a" }), /for publishing/);
    assert.match(await ask({ queue: "q" }), /for subscriptions/);
    assert.match(await ask({ reply: "a.*" }), /no reply subject/);
    assert.match(await ask({ user: "ann", jwt: "x" }), /exclude each other/);
  });

  test("options by which no server starts", async () => {
    const accounts = { A: { imports: [{ stream: { account: "B", subject: "x" } }] }, B: {} };
    await assert.rejects(testPolicy({ accounts }, question), ConfigError);
  });
});

describe("who needs no name", () => {
  const subject = "x";
  const restricted = { publish: "y" };

  test("everybody where nobody is asked", async () => {
    const answer = await askPublish({}, { subject, user: "whoever" });
    assert.deepEqual([answer.allowed, answer.user.name, answer.user.account], [true, "", "$G"]);
  });

  test("the no_auth_user, the single user, who has the token", async () => {
    const users = [{ user: "guest", password: "g", permissions: restricted }];
    const guest = await askPublish({ authorization: { users }, no_auth_user: "guest" }, { subject });
    assert.deepEqual([guest.allowed, guest.user.name, guest.user.permissionsFrom], [false, "guest", "user"]);
    const single = await askPublish({ authorization: { user: "u", password: "p" } }, { subject, user: "u" });
    assert.deepEqual([single.allowed, single.user.name], [true, "u"]);
    const token = await askPublish({ authorization: { token: "t" } }, { subject });
    assert.deepEqual([token.allowed, token.user.name], [true, ""]);
  });

  test("defaults of the authorization block", async () => {
    const options = {
      authorization: { users: [{ user: "u", password: "p" }], default_permissions: restricted },
    };
    const answer = await askPublish(options, { subject, user: "u" });
    assert.deepEqual([answer.allowed, answer.user.permissionsFrom], [false, "authorization default"]);
  });
});

describe("auth callout", () => {
  const options: ServerOptions = {
    accounts: {
      AUTH: { users: [{ user: "service", password: "s" }] },
      APP: { users: [{ user: "app", password: "a" }], default_permissions: { publish: "y" } },
    },
    authorization: {
      auth_callout: {
        issuer: keyPair("account", 1).publicKey,
        account: "AUTH",
        auth_users: ["service"],
      },
    },
  };

  test("the service is not its own business, and may not ask itself", async () => {
    assert.equal((await askPublish(options, { user: "service", subject: "x" })).allowed, true);
    const answer = await askPublish(options, { user: "service", subject: "$SYS.REQ.USER.AUTH" });
    assert.equal(decided(answer), "false deny $SYS.REQ.USER.AUTH");
    const member = await askPublish(options, { account: "AUTH", subject: "$SYS.REQ.USER.AUTH" });
    assert.equal(decided(member), "false deny $SYS.REQ.USER.AUTH");
  });

  test("others are: there is no answer, but about accounts", async () => {
    for (const user of ["app", "unknown"]) {
      const text = await askNothing(options, { action: "publish", user, subject: "x" });
      assert.match(text, /^problem: an auth callout service decides/);
    }
    const member = await askPublish(options, { account: "APP", subject: "x" });
    assert.deepEqual([member.allowed, member.user.permissionsFrom], [false, "account default"]);
  });
});

describe("operator mode", () => {
  const world = new JwtWorld();
  const id = world.account.publicKey;
  const preload = (jwt: string, more: Readonly<Record<string, string>> = {}): ServerOptions => ({
    trusted: [world.operator.publicKey],
    resolver: "MEMORY",
    resolver_preload: { [id]: jwt, ...more },
  });
  const pub = (allow: string): object => ({ pub: { allow: [allow] } });
  const options = preload(
    world.accountJwt({
      nats: {
        default_permissions: pub("default.>"),
        signing_keys: [
          world.signer.publicKey,
          { ...world.scope({ ...pub("scope.{{name()}}.>"), subs: -1, data: -1, payload: -1 }), role: "team" },
        ],
        revocations: { [keyPair("user", 8).publicKey]: Math.floor(Date.UTC(2026, 5, 1) / 1_000) },
      },
    }),
  );
  const seed = encodeSeed("user", new Uint8Array(32).fill(5));
  const credsOf = (jwt: string): string => formatCreds(jwt, seed) ?? assert.fail("a user's seed");

  test("the user's own permissions, those of its account, those of a scope", async () => {
    const ask = async (jwt: string, subject: string): Promise<string> => {
      const answer = await askPublish(options, { jwt, subject });
      assert.deepEqual(answer.warnings, []);
      const { account, accountTag, name, nameTag, permissionsFrom, role } = answer.user;
      assert.deepEqual([account, accountTag, name, nameTag], [id, "A", world.user.publicKey, "alice"]);
      return `${decided(answer)}, ${permissionsFrom} ${role}`.trimEnd();
    };
    const own = world.userJwt({ nats: pub("own.>") });
    assert.equal(await ask(own, "own.x"), "true allow own.>, user");
    assert.equal(await ask(own, "x"), "false, user");
    assert.equal(await ask(world.userJwt(), "default.x"), "true allow default.>, account default");
    const scoped = world.scopedJwt();
    assert.equal(await ask(scoped, "scope.alice.x"), "true allow scope.alice.>, scoped signing key team");
    assert.equal(await ask(scoped, "scope.bob.x"), "false, scoped signing key team");
  });

  test("credentials, a decorated token, and somebody of the account", async () => {
    const jwt = world.userJwt({ nats: pub("own.>") });
    assert.equal(
      decided(await askPublish(options, { creds: credsOf(jwt), subject: "own.x" })),
      "true allow own.>",
    );
    const decorated = `-----BEGIN NATS USER JWT-----\n${jwt}\n------END NATS USER JWT------\n`;
    assert.equal(
      decided(await askPublish(options, { jwt: decorated, subject: "own.x" })),
      "true allow own.>",
    );
    for (const account of [id, "A"]) {
      const answer = await askPublish(options, { account, subject: "x" });
      assert.deepEqual([answer.allowed, answer.user.permissionsFrom], [false, "account default"]);
      assert.equal((await askPublish(options, { account, jwt, subject: "own.x" })).allowed, true);
    }
  });

  test("whom the server would turn away", async () => {
    const ask = async (more: Partial<PolicyQuestion>, config = options): Promise<string> =>
      askNothing(config, { action: "publish", subject: "x", ...more });
    const user = (nats: object): string => world.userJwt({ nats });
    assert.match(await ask({ jwt: world.userJwt({ exp: 1_700_000_000 }) }), /^refused: .*expired/);
    assert.match(await ask({ jwt: user({ src: ["10.0.0.0/8"] }) }), /^refused: .*networks/);
    assert.match(await ask({ jwt: user({ allowed_connection_types: ["MQTT"] }) }), /^refused: .*this type/);
    assert.match(
      await ask({ jwt: world.userJwt({ sub: keyPair("user", 8).publicKey }) }),
      /^refused: .*revoked/,
    );
    assert.match(await ask({ jwt: world.userJwt({ signer: world.other }) }), /^refused: .*looked up/);
    assert.match(await ask({ jwt: `${world.userJwt()}x` }), /^refused: .*not valid/);
    assert.match(
      await ask({ jwt: user({ bearer_token: true }) }, preload(world.accountJwt({ nats: noBearer() }))),
      /^refused: .*bearer/,
    );
    const wrongKey = credsOf(world.userJwt({ sub: keyPair("user", 8).publicKey, iat: 1_790_000_000 }));
    assert.match(await ask({ creds: wrongKey }), /^refused: .*not signed/);
    assert.equal(await ask({ creds: "nothing" }), "problem: the credentials are not those of a user");
    assert.match(await ask({ user: "alice" }), /^problem: users of operator mode/);
    assert.match(await ask({ account: "B" }), /^problem: there is no account "B"/);
    assert.match(await ask({ account: world.other.publicKey }), /^problem: there is no valid JWT/);
    assert.match(await ask({}), /^problem: say which user/);
  });

  test("a token is enough where a user need not sign, and a bearer is one only if its account allows it", async () => {
    const strict = preload(world.accountJwt({ nats: noBearer() }));
    assert.equal((await askPublish(strict, { jwt: world.userJwt(), subject: "x" })).allowed, true);
    const from = { jwt: world.userJwt({ nats: { src: ["10.0.0.0/8"] } }), subject: "default.x" };
    assert.equal((await askPublish(options, { ...from, host: "10.1.2.3" })).allowed, true);
  });

  test("imports of accounts that are fetched, and what is said of those that are not allowed", async () => {
    const exporter = encodeJwt(
      "account",
      {
        sub: world.other.publicKey,
        name: "O",
        nats: { limits: NO_LIMITS, exports: [{ name: "s", subject: "s.>", type: "stream" }] },
      },
      world.operator,
      Date.UTC(2026, 0, 1),
    );
    const imports = [
      { name: "s", subject: "s.a.>", account: world.other.publicKey, local_subject: "l.>", type: "stream" },
      { name: "t", subject: "t.>", account: world.other.publicKey, type: "stream" },
    ];
    const config = preload(world.accountJwt({ nats: { imports } }), { [world.other.publicKey]: exporter });
    const answer = await askSubscribe(config, { jwt: world.userJwt(), subject: "l.*" });
    assert.deepEqual(answer.feeds, [
      { account: world.other.publicKey, subject: "s.a.*", deliveredAs: "l.*" },
    ]);
    assert.match(answer.warnings.join("\n"), /stream import "t\.>": stream import not authorized/);
    const published = await askPublish(config, { account: "O", subject: "s.a.1" });
    assert.deepEqual(ways(published.outcomes[0].routes), [`stream ${id} l.1 100`]);
  });

  test("a folder of JWTs is read, and nothing is written to it", async (t) => {
    const dir = await mkdtemp(join(tmpdir(), "caddis-policy-"));
    t.after(() => rm(dir, { recursive: true, force: true }));
    for (const resolver of [{ type: "full", dir } as const, { type: "cache", dir } as const]) {
      const config = { ...options, resolver };
      const answer = await askPublish(config, { jwt: world.userJwt(), subject: "default.x" });
      assert.equal(decided(answer), "true allow default.>");
    }
    assert.deepEqual(await readdir(dir), []);
    await writeFile(join(dir, `${id}.jwt`), world.accountJwt({ name: "F" }));
    const resolver = { type: "full", dir } as const;
    const config = { trusted: [world.operator.publicKey], resolver };
    const answer = await askPublish(config, { jwt: world.userJwt(), subject: "x" });
    assert.deepEqual([answer.allowed, answer.user.accountTag], [true, "F"]);
    assert.deepEqual(await readdir(dir), [`${id}.jwt`]);
  });
});

const NO_LIMITS = {
  subs: -1,
  data: -1,
  payload: -1,
  imports: -1,
  exports: -1,
  wildcards: true,
  conn: -1,
  leaf: -1,
};

function noBearer(): object {
  return { limits: { ...NO_LIMITS, disallow_bearer: true } };
}

test("answers are plain data", async () => {
  const answers: PolicyAnswer[] = [
    await testPolicy(OPTIONS, { action: "publish", user: "ann", subject: "a.ask.x", reply: "in.1" }),
    await testPolicy(OPTIONS, { action: "subscribe", user: "ann", subject: "in.>" }),
    await testPolicy(OPTIONS, { action: "subscribe", user: "x", subject: "in.>" }),
  ];
  for (const answer of answers) assert.deepEqual(JSON.parse(JSON.stringify(answer)), answer);
});
