/**
 * Reloads against the reference server: the same changes are taken and refused, with the same words in the log, and
 * live clients see the same. Where that is not so on purpose, the case says why.
 */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { encodeAccount, encodeOperator, encodeUser } from "@nats-io/jwt";
import { createAccount, createOperator, createUser } from "@nats-io/nkeys";
import { makeCa, makeCertificate } from "./support/certificates.ts";
import { testFolder } from "./support/program.ts";
import { type ReloadClient, ReloadServer, type ReloadOutcome } from "./support/reload-scene.ts";
import { findReferenceServer, OUR_SERVER } from "./support/server-process.ts";

interface Case {
  readonly name: string;
  readonly before: string;
  readonly after: string;
  readonly clients?: readonly ReloadClient[];
  /** Which clients are still in with us, where the reference has another opinion; and why. */
  readonly ours?: { readonly isIn: readonly boolean[]; readonly because: string };
}

/** Two servers, which the same is done to. */
class Pair {
  readonly #servers: readonly ReloadServer[];

  private constructor(servers: readonly ReloadServer[]) {
    this.#servers = servers;
  }

  static async start(t: TestContext, reference: string, config: string): Promise<Pair> {
    const commands = [OUR_SERVER, reference];
    return new Pair(await Promise.all(commands.map((command) => ReloadServer.start(t, command, config))));
  }

  async check({ before, after, clients = [], ours }: Case): Promise<void> {
    const [mine, theirs] = await Promise.all(
      this.#servers.map((server) => server.run(BASE + before, BASE + after, clients)),
    );
    assert.equal(mine.isAccepted, theirs.isAccepted, "taken or refused");
    assert.deepEqual(mine.greeting, theirs.greeting, "what new clients are told");
    if (!mine.isAccepted) checkRefusal(mine, theirs);
    assert.deepEqual(reloaded(mine), reloaded(theirs), "the log");
    if (ours !== undefined) {
      assert.deepEqual(
        mine.clients.map(({ isIn }) => isIn),
        ours.isIn,
        "who is in",
      );
      assert.notDeepEqual(
        theirs.clients.map(({ isIn }) => isIn),
        ours.isIn,
        `no longer so: ${ours.because}`,
      );
      return;
    }
    assert.deepEqual(shownClients(mine), shownClients(theirs), "what clients see");
  }
}

/** Both need something in a file. */
const BASE = "log_size_limit: 0\n";

/** What the log says has changed. */
function reloaded({ log }: ReloadOutcome): readonly string[] {
  // With an operator it says so of accounts twice.
  return [...new Set(log.filter((line) => /Reload(?:ed)?[ :]/.test(line)))].toSorted();
}

/**
 * We say all that is in the way, the reference what it finds first. What is wrong with a text itself is a matter of
 * other tests, and only single values are shown.
 */
function checkRefusal(mine: ReloadOutcome, theirs: ReloadOutcome): void {
  const start = "Failed to reload server configuration: ";
  const reason = ({ log }: ReloadOutcome): string => {
    const line = log.find((text) => text.includes(start)) ?? "";
    return line.slice(line.indexOf(start) + start.length).replace(/^\/\S*server\.conf:\d+:\d+: /, "");
  };
  const expected = reason(theirs).replace(/: old=(?:<nil>|&|\[).*/, "");
  assert.ok(reason(mine) !== "" && expected !== "");
  if (/^config|^error parsing X509|account not defined/.test(expected)) {
    assert.ok(reason(mine).includes(expected), `${reason(mine)} | ${expected}`);
  }
}

/**
 * The reference removes subscriptions in any order, and closes some whose user is gone without a word; we tell all
 * of them why.
 */
function shownClients({ clients }: ReloadOutcome): readonly unknown[] {
  const violation = "-ERR 'Authorization Violation'";
  return clients.map(({ lines, isIn }) => ({
    isIn,
    lines: lines.filter((line) => isIn || line !== violation).toSorted(),
  }));
}

const A: ReloadClient = { connect: { user: "a", pass: "b" } };
const S: ReloadClient = { connect: { user: "s", pass: "t" } };
const C: ReloadClient = { connect: { user: "c", pass: "d" } };
const users = (...list: readonly string[]): string => `authorization { users: [${list.join(", ")}] }\n`;
const USER_A = "{user: a, password: b}";
const USER_C = "{user: c, password: d}";
const withA = (more: string): string => users(`{user: a, password: b, ${more}}`);
const account = (name: string, more: string): string => `${name} { ${more} }`;
const accounts = (...list: readonly string[]): string => `accounts { ${list.join("\n")} }\n`;
const NKEY = createUser().getPublicKey();
const HASH_OF_B = "$2a$04$rZ5yjhP3oV6wYpVHJYpqXeh0WpmLC6t1wE3bCfSuGEbB0nqPvgGJK";

const cases: readonly Case[] = [
  // who gets in
  { name: "the same users", before: users(USER_A), after: users(USER_A), clients: [A] },
  { name: "a user more", before: users(USER_A), after: users(USER_A, USER_C), clients: [A] },
  { name: "a user less", before: users(USER_A, USER_C), after: users(USER_A), clients: [A, C] },
  { name: "another password", before: users(USER_A), after: users("{user: a, password: x}"), clients: [A] },
  {
    name: "a hash that does not match",
    before: users(USER_A),
    after: users(`{user: a, password: "${HASH_OF_B}"}`),
    clients: [A],
  },
  {
    name: "another token",
    before: "authorization { token: a }",
    after: "authorization { token: b }",
    clients: [{ connect: { auth_token: "a" } }],
  },
  {
    name: "the same token",
    before: "authorization { token: a }",
    after: "authorization { token: a, timeout: 7 }",
    clients: [{ connect: { auth_token: "a" } }],
  },
  {
    name: "a token from now on",
    before: "",
    after: "authorization { token: b }",
    clients: [{}, { connect: { auth_token: "b" } }],
  },
  {
    name: "no token any more",
    before: "authorization { token: a }",
    after: "",
    clients: [{ connect: { auth_token: "a" } }],
  },
  { name: "users from now on", before: "", after: users(USER_A), clients: [{}, A] },
  {
    name: "the same single user",
    before: "authorization { user: s, password: t }",
    after: "authorization { user: s, password: t }",
    clients: [S],
    ours: { isIn: [true], because: "it closes whoever gives a name that is not in the list of users" },
  },
  {
    name: "another password of the single user",
    before: "authorization { user: s, password: t }",
    after: "authorization { user: s, password: x }",
    clients: [S],
  },
  {
    name: "a single user in the place of a list",
    before: users(USER_A),
    after: "authorization { user: s, password: t }",
    clients: [A],
    ours: { isIn: [false], because: "it goes on to know the list" },
  },
  {
    name: "no users any more",
    before: users(USER_A),
    after: "",
    clients: [A, {}],
    ours: { isIn: [true, false], because: "it closes whoever gives a name that is not in the list of users" },
  },
  { name: "an nkey user", before: users(USER_A), after: users(USER_A, `{nkey: ${NKEY}}`), clients: [A] },
  { name: "an nkey user less", before: users(USER_A, `{nkey: ${NKEY}}`), after: users(USER_A), clients: [A] },
  {
    name: "not by this way",
    before: users(USER_A),
    after: withA("allowed_connection_types: [WEBSOCKET]"),
    clients: [A],
  },
  {
    name: "by this way still",
    before: withA("allowed_connection_types: [MQTT, STANDARD]"),
    after: withA("allowed_connection_types: [STANDARD]"),
    clients: [A],
  },
  { name: "only by a proxy", before: users(USER_A), after: withA("proxy_required: true"), clients: [A] },
  { name: "more time to get in", before: "", after: "authorization { timeout: 5 }", clients: [{}] },
  // what they may do
  {
    name: "fewer permissions",
    before: users(USER_A),
    after: withA("permissions: {subscribe: [foo, 'q q1']}"),
    clients: [{ ...A, subs: ["foo", "bar", "q q1", "q q2", "baz.>", "foo"] }],
  },
  {
    name: "a subject less",
    before: withA("permissions: {subscribe: {deny: x}}"),
    after: withA("permissions: {subscribe: {deny: [x, 'y.>', 'z']}}"),
    clients: [{ ...A, subs: ["foo", "y.1", "y.*", "z", ">"] }],
  },
  {
    name: "more permissions",
    before: withA("permissions: {subscribe: foo}"),
    after: users(USER_A),
    clients: [{ ...A, subs: ["foo"] }],
  },
  {
    name: "default permissions",
    before: users(USER_A),
    after: `authorization { users: [${USER_A}], default_permissions: {subscribe: foo} }`,
    clients: [{ ...A, subs: ["foo", "bar"] }],
  },
  {
    name: "only answers",
    before: users(USER_A),
    after: withA("permissions: {subscribe: foo, allow_responses: true}"),
    clients: [{ ...A, subs: ["foo", "_INBOX.>"] }],
  },
  // accounts
  {
    name: "another account",
    before: accounts(account("A", `users: [${USER_A}]`), account("B", `users: [${USER_C}]`)),
    after: accounts(account("A", `users: [${USER_C}]`), account("B", `users: [${USER_A}]`)),
    clients: [A, C],
  },
  {
    name: "an account less",
    before: accounts(account("A", `users: [${USER_A}]`), account("B", `users: [${USER_C}]`)),
    after: accounts(account("B", `users: [${USER_C}]`)),
    clients: [A, C],
  },
  {
    name: "into an account",
    before: users(USER_A),
    after: accounts(account("A", `users: [${USER_A}]`)),
    clients: [A],
  },
  {
    name: "an account's own default permissions",
    before: accounts(account("A", `users: [${USER_A}]`)),
    after: accounts(account("A", `users: [${USER_A}], default_permissions: {subscribe: foo}`)),
    clients: [{ ...A, subs: ["foo", "bar"] }],
  },
  {
    name: "no room for anybody in an account",
    before: accounts(account("A", `users: [${USER_A}]`)),
    after: accounts(account("A", `users: [${USER_A}], limits { max_connections: 0 }`)),
    clients: [A, A],
  },
  {
    name: "an import that nobody exports",
    before: "",
    after: accounts(account("A", "imports: [{stream: {account: B, subject: x}}]")),
    clients: [{}],
  },
  {
    name: "exports and imports",
    before: accounts(account("A", `users: [${USER_A}]`), account("B", `users: [${USER_C}]`)),
    after: accounts(
      account("A", `users: [${USER_A}], imports: [{stream: {account: B, subject: x}}]`),
      account("B", `users: [${USER_C}], exports: [{stream: x}]`),
    ),
    clients: [{ ...A, subs: ["x"] }, C],
  },
  // limits
  { name: "no connections", before: "", after: "max_connections: -1", clients: [{}, {}] },
  { name: "connections enough", before: "", after: "max_connections: 20", clients: [{}, {}] },
  { name: "shorter lines", before: "", after: "max_control_line: 512", clients: [{}] },
  { name: "smaller payloads", before: "", after: "max_payload: 1000", clients: [{}] },
  { name: "pings", before: "", after: 'ping_interval: "5m"\nping_max: 4', clients: [{}] },
  { name: "writes", before: "", after: 'write_deadline: "3s"\nno_fast_producer_stall: true', clients: [{}] },
  // what is said
  {
    name: "tags",
    before: "",
    after: "server_tags: [a, B]\nserver_metadata: {a: b}",
    clients: [{ connect: { protocol: 1 } }],
  },
  {
    name: "another address",
    before: "",
    after: 'client_advertise: "foo:123"',
    clients: [{ connect: { protocol: 1 } }],
  },
  { name: "reports", before: "", after: "connect_error_reports: 5\nreconnect_error_reports: 6" },
  {
    name: "a log that says more",
    before: "",
    after: "debug: true\ntrace: true\nmax_traced_msg_len: 5\nlogtime_utc: true",
  },
  { name: "headers in the log", before: "", after: "trace_headers: true" },
  { name: "mappings", before: "", after: "mappings { a: b }", clients: [{ subs: ["a", "b"] }] },
  // what can't be
  { name: "the name", before: "", after: "server_name: x", clients: [{}] },
  { name: "pending bytes", before: "", after: "max_pending: 2097152\nlame_duck_duration: '3m'" },
  { name: "subscriptions", before: "", after: "max_subscriptions: 3" },
  { name: "tokens", before: "", after: "max_sub_tokens: 3" },
  { name: "headers", before: "", after: "no_header_support: true" },
  { name: "monitoring", before: "", after: "http_port: -1" },
  { name: "what is remembered", before: "", after: "max_closed_clients: 5" },
  { name: "the log's size", before: "", after: "logfile_max_num: 5" },
  { name: "a base path", before: "", after: 'http_base_path: "/x"' },
  { name: "clients in the clear", before: "", after: "allow_non_tls: true" },
  {
    name: "the system account",
    before: accounts(account("S", "")),
    after: `${accounts(account("S", ""))}system_account: S`,
  },
  {
    name: "somebody for nobody",
    before: users(USER_A),
    after: `${users(USER_A)}no_auth_user: a`,
    clients: [A],
  },
  {
    name: "a service that decides",
    before: users(USER_A),
    after: `authorization { users: [${USER_A}], auth_callout { issuer: ${createAccount().getPublicKey()}, auth_users: [a] } }`,
    clients: [A],
  },
  {
    name: "proxies for the single user",
    before: "authorization { token: a }",
    after: "authorization { token: a, proxy_required: true }",
  },
  { name: "a resolver", before: "", after: "resolver: MEMORY" },
  { name: "something unknown", before: users(USER_A), after: "nonsense: 1", clients: [A] },
  { name: "something wrong", before: users(USER_A), after: "max_payload: many", clients: [A] },
  { name: "no configuration", before: users(USER_A), after: "authorization { users: [", clients: [A] },
  {
    name: "both a user and a token",
    before: users(USER_A),
    after: "authorization { user: a, password: b, token: c }",
    clients: [A],
  },
];

const reference = findReferenceServer();
const skip = reference === null ? "no nats-server on PATH" : false;

test("one configuration after the other", { skip }, async (t) => {
  const pair = await Pair.start(t, reference ?? "", BASE);
  for (const one of cases) await t.test(one.name, () => pair.check(one));
});

test("who stands for clients without credentials", { skip }, async (t) => {
  const config = `${users(USER_A, USER_C)}no_auth_user: a\n`;
  const pair = await Pair.start(t, reference ?? "", BASE + config);
  for (const one of [
    { name: "stays", before: config, after: config, clients: [{}, C] },
    {
      name: "can't be another",
      before: config,
      after: `${users(USER_A, USER_C)}no_auth_user: c`,
      clients: [{}],
    },
    { name: "is nobody, but still a user", before: config, after: users(USER_A, USER_C), clients: [{}] },
    { name: "is nobody, and gone", before: config, after: users(USER_C), clients: [{}, A, C] },
  ]) {
    await t.test(one.name, () => pair.check(one));
  }
});

test("TLS", { skip }, async (t) => {
  const folder = await testFolder(t);
  const ca = makeCa();
  const certificate = makeCertificate({ ca, dns: ["localhost"] });
  const put = (name: string, text: string): Promise<void> => writeFile(join(folder, name), text);
  await Promise.all([
    put("ca.pem", ca.pem),
    put("cert.pem", certificate.pem),
    put("key.pem", certificate.keyPem),
  ]);
  await put("other.pem", makeCertificate({ ca }).keyPem);
  const block = (more = "", key = "key.pem"): string =>
    `tls { cert_file: "${folder}/cert.pem", key_file: "${folder}/${key}"\n ca_file: "${folder}/ca.pem"\n ${more} }\n`;
  const pair = await Pair.start(t, reference ?? "", BASE);
  for (const one of [
    { name: "from now on", before: "", after: block(), clients: [{}] },
    { name: "no more", before: block(), after: "" },
    { name: "as before", before: block(), after: block() },
    { name: "with certificates of clients", before: block(), after: block("verify: true") },
    { name: "with more time", before: block(), after: block("timeout: 5") },
    { name: "at once", before: block(), after: block("handshake_first: true") },
    { name: "at once or soon", before: block(), after: block('handshake_first: "300ms"') },
    { name: "with a key of somebody else", before: block(), after: block("", "other.pem") },
    { name: "with a file that is not there", before: block(), after: block("", "missing.pem") },
    { name: "with users in it", before: block("verify: true"), after: block("verify_and_map: true") },
    { name: "with fewer handshakes", before: block(), after: block("connection_rate_limit: 5") },
    { name: "for some", before: block(), after: `${block()}allow_non_tls: true` },
    {
      name: "with pinned certificates",
      before: block("verify: true"),
      after: block(`verify: true, pinned_certs: ["${"ab".repeat(32)}"]`),
    },
  ]) {
    // With the handshake first nobody is greeted in the clear.
    await t.test(one.name, () => pair.check(one));
  }
});

test("accounts of an operator", { skip }, async (t) => {
  const operator = createOperator();
  const [system, one, other] = [createAccount(), createAccount(), createAccount()];
  const jwt = (keys: typeof one, claims: object = {}): Promise<string> =>
    encodeAccount("x", keys, claims, { signer: operator });
  const bearer = async (keys: typeof one): Promise<ReloadClient> => ({
    connect: { jwt: await encodeUser("u", createUser(), keys, { bearer_token: true }) },
  });
  const SYSTEM = system.getPublicKey();
  const [ONE, OTHER] = [one.getPublicKey(), other.getPublicKey()];
  const OPERATOR = await encodeOperator("O", operator, { system_account: SYSTEM });
  const preloaded = (accounts: Readonly<Record<string, string>>): string =>
    `operator: ${OPERATOR}\nresolver: MEMORY\nresolver_preload: {\n${Object.entries(accounts)
      .map(([id, token]) => `${id}: ${token}`)
      .join("\n")}\n}\n`;
  const all = { [SYSTEM]: await jwt(system), [ONE]: await jwt(one), [OTHER]: await jwt(other) };
  const { [OTHER]: _gone, ...fewer } = all;
  const limited = {
    ...all,
    [ONE]: await jwt(one, {
      limits: {
        conn: 1,
        subs: -1,
        data: -1,
        payload: -1,
        imports: -1,
        exports: -1,
        wildcards: true,
        leaf: -1,
      },
    }),
  };
  const noBearers = {
    ...all,
    [ONE]: await jwt(one, {
      limits: {
        conn: -1,
        subs: -1,
        data: -1,
        payload: -1,
        imports: -1,
        exports: -1,
        wildcards: true,
        leaf: -1,
        disallow_bearer: true,
      },
    }),
  };
  const clients = [await bearer(one), await bearer(other)];
  const pair = await Pair.start(t, reference ?? "", BASE + preloaded(all));
  for (const step of [
    { name: "the same", before: preloaded(all), after: preloaded(all), clients },
    { name: "one less", before: preloaded(all), after: preloaded(fewer), clients },
    { name: "one with a limit that is kept", before: preloaded(all), after: preloaded(limited), clients },
    { name: "one without bearers", before: preloaded(all), after: preloaded(noBearers), clients },
    {
      name: "only one pinned",
      before: preloaded(all),
      after: `${preloaded(all)}resolver_pinned_accounts: [${ONE}]`,
      clients,
    },
    {
      name: "another operator",
      before: preloaded(all),
      after: preloaded(all).replace(
        OPERATOR,
        await encodeOperator("P", operator, { system_account: SYSTEM }),
      ),
      clients,
    },
  ]) {
    await t.test(step.name, () => pair.check(step));
  }
});
