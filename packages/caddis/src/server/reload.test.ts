import assert from "node:assert/strict";
import { test } from "node:test";
import { IN, type Peer, PORT, users, VIOLATION, World } from "../../../../test/support/reload-world.ts";
import { ConfigError } from "../config/config-error.ts";
import { resolveOptions } from "../config/load.ts";
import type { OptionTable } from "../config/option-row.ts";
import { OPTIONS, type OptionsInput } from "../config/options.ts";

const HASH = "$2a$04$first";
const OTHER_HASH = "$2a$04$other";

test("whose password is being compared while users change is judged by the new ones", async () => {
  for (const [next, expected] of [
    [users(["b", "x"]), VIOLATION],
    [users(["a", "other"]), VIOLATION],
    [users(["a", "pw"]), IN],
    [{}, IN],
  ] as const) {
    const world = await World.started(users(["a", HASH]));
    const peer = await world.connect({ user: "a", pass: "pw" }, "PING\r\n");
    assert.equal(world.hasher.asked.length, 1);
    await world.reload(next);
    peer.take();
    await world.hasher.answerAll(true);
    assert.ok((await world.see(peer)).startsWith(expected), JSON.stringify(next));
    assert.equal(peer.isClosed, expected === VIOLATION);
    await world.server.shutdown();
  }
});

test("who is in does not have its password compared again unless that changed", async () => {
  const world = await World.started(users(["a", HASH], ["b", "x"]));
  const peers: Peer[] = [];
  for (let i = 0; i < 5; i++) {
    peers.push(await world.connect({ user: "a", pass: "pw" }));
    await world.hasher.answerAll(true);
  }
  await world.reload(users(["a", HASH]));
  assert.equal(world.hasher.asked.length, 0);
  for (const peer of peers) assert.equal(await world.see(peer), IN);
  // Five clients with one password: one comparison.
  const reloaded = world.reload(users(["a", OTHER_HASH]));
  await world.clock.settled();
  assert.deepEqual(
    world.hasher.asked.map(({ hash }) => hash),
    [OTHER_HASH],
  );
  await world.hasher.answerAll(true);
  await reloaded;
  for (const peer of peers) assert.equal(await world.see(peer), IN);
  const refused = world.reload(users(["a", HASH]));
  await world.clock.settled();
  assert.equal(await world.hasher.answerAll(false), 1);
  await refused;
  for (const peer of peers) assert.equal(await world.see(peer), VIOLATION);
  await world.server.shutdown();
});

test("a password that was given as a token proves nothing of a password", async () => {
  const world = await World.started({ authorization: { token: HASH } });
  const peer = await world.connect({ auth_token: "pw", user: "a", pass: "wrong" });
  await world.hasher.answerAll(true);
  const reloaded = world.reload(users(["a", HASH]));
  await world.clock.settled();
  assert.deepEqual(
    world.hasher.asked.map(({ given }) => given),
    ["wrong"],
  );
  await world.hasher.answerAll(false);
  await reloaded;
  assert.equal(await world.see(peer), VIOLATION);
  await world.server.shutdown();
});

test("whoever leaves while its password waits for its turn costs no comparison", async () => {
  const world = await World.started(users(["a", HASH]));
  const peers: Peer[] = [];
  for (let i = 0; i < 4; i++) peers.push(await world.connect({ user: "a", pass: `pw${i}` }));
  assert.deepEqual(
    world.hasher.asked.map(({ given }) => given),
    ["pw0", "pw1"],
  );
  await world.clock.advance(10_000);
  for (const peer of peers) assert.match(peer.take(), /Authentication Timeout/);
  assert.equal(await world.hasher.answerAll(true), 2);
  await world.server.shutdown();
});

test("all or nothing: what keeps one part from changing keeps all of them as they are", async () => {
  const options = { ...users(["a", "pw"]), accounts: { A: {} } };
  const faults: readonly (readonly [string, OptionsInput, (world: World) => void, RegExp])[] = [
    ["an option", { max_pending: 5_000_000, server_name: "x" }, () => {}, /ServerName.*\n.*MaxPending/],
    [
      "accounts",
      { accounts: { A: { imports: [{ stream: { account: "B", subject: "x" } }] }, B: {} } },
      () => {},
      /import/,
    ],
    [
      "certificates",
      { tls: { cert_file: "/c.pem", key_file: "/k.pem" } },
      ({ tls }) => void (tls.problem = "no such file"),
      /no such file/,
    ],
    ["hashes", users(["a", HASH]), ({ hasher }) => void (hasher.isMissing = true), /no bcrypt here/],
    ["the last part", { max_payload: 5 }, ({ second }) => void (second.problem = "no log"), /no log/],
  ];
  for (const [what, change, prepare, expected] of faults) {
    const world = await World.started(options);
    const { broker } = world.server;
    const peer = await world.connect({ user: "a", pass: "pw" }, "SUB foo 1\r\n");
    peer.take();
    prepare(world);
    const state = (): readonly unknown[] => [
      broker.options,
      broker.authenticator,
      broker.tls,
      broker.accounts.get("A"),
    ];
    const before = state();
    // Each is on top of something that would be seen.
    const next = { ...options, ...users(), max_control_line: 100, ...change };
    await assert.rejects(world.reload(next), expected, what);
    assert.deepEqual(
      state().map((part, i) => part === before[i]),
      [true, true, true, true],
      what,
    );
    assert.equal(world.first.notes.includes("commit"), false, what);
    assert.equal(world.first.notes.includes("prepare"), world.first.notes.includes("abandon"), what);
    assert.equal(
      world.lines.some((line) => line.startsWith("Reloaded")),
      false,
      what,
    );
    assert.equal(await world.see(peer), IN, what);
    assert.equal(await world.see(await world.connect({ user: "a", pass: "pw" })), IN, what);
    assert.match(await world.see(await world.connect({ user: "a", pass: "no" })), /Violation/, what);
    await world.server.shutdown();
  }
});

test("reloads come one after the other", async () => {
  const world = await World.started({});
  const { promise, resolve } = Promise.withResolvers<void>();
  world.first.held = promise;
  const one = world.reload({ max_payload: 1_000 }, "one");
  const two = world.reload({ max_payload: 2_000 }, "two");
  await world.clock.settled();
  assert.deepEqual(world.first.notes, ["prepare"]);
  await world.clock.advance(1_000);
  resolve();
  await one;
  assert.deepEqual([world.server.options.max_payload, world.server.configDigest], [1_000, "one"]);
  await two;
  assert.deepEqual([world.server.options.max_payload, world.server.configDigest], [2_000, "two"]);
  assert.equal(world.server.configLoadMs, world.server.startMs + 1_000);
  assert.deepEqual(world.first.notes, ["prepare", "commit", "finish", "prepare", "commit", "finish"]);
  world.first.problem = "not now";
  await assert.rejects(world.reload({}), /not now/);
  world.first.problem = null;
  await world.reload({});
  assert.equal(world.lines.at(-1), "Reloaded server configuration");
  await world.server.shutdown();
});

test("a server that does not run takes no other configuration", async () => {
  const world = new World({});
  await assert.rejects(world.reload({}), /a server that is not started can't be given another configuration/);
  await world.server.start();
  const peer = await world.connect({});
  const down = world.server.lameDuck();
  await assert.rejects(world.reload({}), /in lame duck mode/);
  assert.equal(peer.isClosed, false);
  await world.server.shutdown();
  await down;
  await assert.rejects(world.reload({}), /shut down/);
  assert.deepEqual(world.first.notes, []);
});

test("a shutdown while parts are made ready ends the reload", async () => {
  const world = await World.started({});
  const { promise, resolve } = Promise.withResolvers<void>();
  world.second.held = promise;
  const reloaded = world.reload({ max_payload: 7 });
  await world.clock.settled();
  const down = world.server.shutdown();
  resolve();
  await assert.rejects(reloaded, ConfigError);
  await down;
  assert.deepEqual(world.first.notes, ["prepare", "abandon"]);
  assert.deepEqual(world.second.notes, ["prepare", "abandon"]);
});

test("who was let talk without a CONNECT has to leave when users come", async () => {
  const world = await World.started({});
  const peer = world.open();
  await world.clock.settled();
  peer.say("SUB foo 1\r\n");
  assert.equal(await world.see(peer), `+OK\r\n${IN}`);
  await world.reload(users(["a", "pw"]));
  assert.equal(await world.see(peer), VIOLATION);
  assert.equal(world.server.globalAccount.sublist.match(Buffer.from("foo"), 0, 3).isEmpty, true);
  await world.server.shutdown();
});

test("whoever has not said who it is yet is judged by the new rules", async () => {
  const world = await World.started(users(["a", "pw"]));
  const peer = world.open();
  await world.clock.settled();
  await world.reload(users(["b", "pw"]));
  peer.say('CONNECT {"verbose":false,"user":"a","pass":"pw"}\r\n');
  assert.match(await world.see(peer), /Violation/);
  await world.server.shutdown();
});

test("limits on what is sent reach live connections", async () => {
  const world = await World.started({ ...users(["a", "pw"]) });
  const peer = await world.connect({ user: "a", pass: "pw" }, "SUB foo 1\r\nSUB bar 2\r\n");
  const other = await world.connect({ user: "a", pass: "pw" });
  await world.reload({ ...users(["a", "pw"]), max_payload: 4, max_control_line: 80 });
  assert.equal(await world.see(peer), IN);
  peer.say("PUB foo 5\r\nhello\r\n");
  assert.match(await world.see(peer), /Maximum Payload Violation/);
  other.say(`SUB ${"x".repeat(90)} 1\r\n`);
  assert.match(await world.see(other), /maximum control line exceeded/);
  await world.server.shutdown();
});

test("an account's limit on subscriptions closes who is beyond it, and nobody who is at it", async () => {
  const account = (max_subscriptions: number): OptionsInput => ({
    accounts: { A: { users: [{ user: "a", password: "pw" }], limits: { max_subscriptions } } },
  });
  const world = await World.started(account(10));
  const two = await world.connect({ user: "a", pass: "pw" }, "SUB foo 1\r\nSUB bar 2\r\n");
  const three = await world.connect({ user: "a", pass: "pw" }, "SUB foo 1\r\nSUB bar 2\r\nSUB x 3\r\n");
  two.take();
  three.take();
  await world.reload(account(2));
  assert.equal(await world.see(two), IN);
  assert.equal(await world.see(three), "-ERR 'maximum subscriptions exceeded'\r\n");
  await world.server.shutdown();
});

test("of too many connections the latest go: of the server, and of an account", async () => {
  const options = { accounts: { A: { users: [{ user: "a", password: "pw" }] } } };
  const world = await World.started(options);
  const peers: Peer[] = [];
  for (let i = 0; i < 4; i++) peers.push(await world.connect({ user: "a", pass: "pw" }));
  for (const peer of peers) peer.take();
  await world.reload({ ...options, max_connections: 3 });
  assert.equal(await world.see(peers[3]), "-ERR 'maximum connections exceeded'\r\n");
  const limits = { max_connections: 1 };
  await world.reload({ max_connections: 3, accounts: { A: { ...options.accounts.A, limits } } });
  assert.equal(await world.see(peers[2]), "-ERR 'maximum account active connections exceeded'\r\n");
  assert.equal(await world.see(peers[0]), IN);
  assert.equal(peers[1].isClosed, true);
  await world.server.shutdown();
});

test("a service import that is taken away ends at once, and a new one works at once", async () => {
  const options = (imports: readonly object[]): OptionsInput =>
    ({
      accounts: {
        A: { users: [{ user: "a", password: "pw" }], imports },
        B: { users: [{ user: "b", password: "pw" }], exports: [{ stream: "news" }] },
      },
    }) as OptionsInput;
  const world = await World.started(options([]));
  const a = await world.connect({ user: "a", pass: "pw" }, "SUB news 1\r\n");
  const b = await world.connect({ user: "b", pass: "pw" });
  const publish = async (): Promise<string> => {
    b.say("PUB news 2\r\nhi\r\n");
    await world.clock.settled();
    return world.see(a);
  };
  assert.equal(await publish(), IN);
  await world.reload(options([{ stream: { account: "B", subject: "news" } }]));
  assert.equal(await publish(), `MSG news 1 2\r\nhi\r\n${IN}`);
  await world.reload(options([]));
  assert.equal(await publish(), IN);
  await world.server.shutdown();
});

test("mappings at the top of a configuration change for who is connected", async () => {
  const world = await World.started({});
  const peer = await world.connect({}, "SUB b 1\r\n");
  const publish = (): Promise<string> => {
    peer.say("PUB a 2\r\nhi\r\n");
    return world.see(peer);
  };
  assert.equal(await publish(), IN);
  await world.reload({ mappings: { a: "b" } });
  assert.equal(await publish(), `MSG b 1 2\r\nhi\r\n${IN}`);
  await world.reload({});
  assert.equal(await publish(), IN);
  await world.server.shutdown();
});

test("a ping interval that gets shorter holds for who is connected", async () => {
  const world = await World.started({ ping_interval: "10m" });
  const peer = await world.connect({});
  await world.clock.advance(5_000);
  peer.say("PONG\r\n");
  await world.clock.settled();
  peer.take();
  await world.reload({ ping_interval: "20s" });
  await world.clock.advance(41_000);
  assert.match(peer.take(), /PING\r\n/);
  await world.server.shutdown();
});

/** A value that is not the default for each option that a reload changes. */
const SAMPLES: Readonly<Record<string, unknown>> = {
  client_advertise: "example.com:4000",
  server_tags: ["a"],
  server_metadata: { a: "b" },
  ping_interval: "5s",
  ping_max: 7,
  write_deadline: "3s",
  no_fast_producer_stall: true,
  connect_error_reports: 5,
  reconnect_error_reports: 5,
  max_control_line: 100,
  max_payload: 100,
  max_connections: 100,
  max_traced_msg_len: 5,
  debug: true,
  trace: true,
  trace_verbose: true,
  trace_headers: true,
  logtime: false,
  logtime_utc: true,
  log_file: "x.log",
  syslog: true,
  remote_syslog: "udp://127.0.0.1:5",
  pid_file: "x.pid",
  metrics_prefix: "nats",
  config_watch: true,
  ports_file_dir: "/tmp",
  mappings: { a: "b" },
  accounts: { A: { users: [{ user: "a", password: "b" }] } },
  proxies: { trusted: [{ key: "UCABSAC7M2YMM4DQD5RWLKPOSSPCD735TQY5LLFUGU2XEGRILQAYH2XI" }] },
  ocsp: { mode: "never" },
  ocsp_cache: { type: "none" },
  "authorization.user": { user: "a", password: "b" },
  "authorization.password": { user: "a", password: "b" },
  "authorization.token": { token: "a" },
  "authorization.timeout": { timeout: 5 },
  "authorization.users": { users: [{ user: "a", password: "b" }] },
  "authorization.default_permissions": {
    users: [{ user: "a", password: "b" }],
    default_permissions: { publish: "x" },
  },
};

/** These have tests with files, or with an operator; JetStream's have tests of their own. */
const ELSEWHERE = [
  "tls",
  "websocket.tls",
  "resolver",
  "resolver_tls",
  "resolver_preload",
  "resolver_pinned_accounts",
  "default_sentinel",
];

test("each option that a reload changes, changes, and back; others keep it from being taken", async () => {
  const rows = (table: OptionTable, prefix: string): (readonly [string, boolean])[] =>
    Object.entries(table).flatMap(([name, row]) => {
      if (row.type === "unsupported" || row.type === "address") return [];
      if (row.type === "block") return rows(row.rows, `${prefix}${name}.`);
      return [[prefix + name, row.reload] as const];
    });
  const reloadable = rows(OPTIONS, "").flatMap(([path, reload]) => (reload ? [path] : []));
  assert.deepEqual(
    reloadable.filter((path) => !ELSEWHERE.includes(path) && !path.startsWith("jetstream.")).sort(),
    Object.keys(SAMPLES).sort(),
  );
  const world = await World.started({});
  for (const [path, sample] of Object.entries(SAMPLES)) {
    const [name] = path.split(".");
    const input = { [name]: sample };
    const expected = resolveOptions(input);
    await world.reload(input);
    assert.deepEqual(
      { ...world.server.options, host: "", http_host: "", port: 0 },
      { ...expected, host: "", http_host: "", port: 0 },
      path,
    );
    await world.reload({});
  }
  assert.deepEqual([world.server.broker.host, world.server.broker.port], ["127.0.0.1", PORT]);
  await world.server.shutdown();
});
