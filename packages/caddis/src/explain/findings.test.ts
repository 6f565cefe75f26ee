import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { makeCertificate } from "../../../../test/support/certificates.ts";
import { type StubbedStream, stubJetStream } from "../../../../test/support/jetstream-stub.ts";
import { type Peer, QUIET, TestBroker } from "../../../../test/support/test-broker.ts";
import { BACKLOG_BYTES_MAX } from "../base/limits.ts";
import { finish } from "../base/steps.ts";
import type { OptionsInput } from "../config/options.ts";
import type { HeapUsage } from "../io/resources.ts";
import type { DescriptorUsage } from "../io/surroundings.ts";
import type { TlsSession } from "../io/tls.ts";
import type { JetStream } from "../jetstream/jetstream.ts";
import type { ExplainedServer, Facts } from "./facts.ts";
import type { Finding } from "./finding.ts";
import { factsOf, FINDING_KINDS, findings } from "./findings.ts";

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

/** What the world is like around a broker; quiet unless said otherwise. */
interface Around {
  readonly heap?: HeapUsage;
  readonly descriptors?: DescriptorUsage;
  readonly digestInForce?: string;
  readonly digestInFile?: string | null;
  readonly loopDelayMs?: number;
  readonly jetStream?: JetStream;
}

/** A broker that nobody has anything to say about, on a port that only this machine reaches. */
function quietWorld(options: OptionsInput = {}): TestBroker {
  return new TestBroker({ host: "127.0.0.1", ...options });
}

function look(world: TestBroker, around: Around = {}): Finding[] {
  return finish(findings(factsAbout(world, around)));
}

function factsAbout({ broker }: TestBroker, around: Around): Facts {
  const server: ExplainedServer = {
    broker,
    resources: {
      coreCount: 2,
      residentBytes: () => 1000,
      cpuPercent: () => 0,
      heap: () => around.heap ?? { usedBytes: 1, totalBytes: 2, limitBytes: 100 },
      activity: () => [],
    },
    surroundings: {
      descriptors: () => around.descriptors ?? { inUse: 10, limit: 1000 },
      configDigest: () => around.digestInFile ?? null,
    },
    configDigest: around.digestInForce ?? "",
    jetStream: around.jetStream ?? null,
  };
  return finish(factsOf(server, around.loopDelayMs ?? 0));
}

function numbers(world: TestBroker, around: Around = {}): number[] {
  return look(world, around).map(({ number }) => number);
}

/** A connection whose kernel takes nothing any more, with `bytes` or so waiting for it. */
function choked(world: TestBroker, bytes: number): Peer {
  const reader = world.connect();
  reader.say("SUB x 1\r\n");
  reader.read();
  reader.pipe.takesAll = false;
  const payload = "x".repeat(bytes);
  world.connect().say(`PUB x ${bytes}\r\n${payload}\r\n`);
  world.broker.flusher.flush();
  return reader;
}

/** Many connections that come, say something and are sent away. */
function come(world: TestBroker, count: number, text: string): void {
  for (let i = 0; i < count; i++) world.accept().say(text);
}

function tlsUntil(world: TestBroker, notAfterMs: number, allowNonTls = false): void {
  world.broker.tls = {
    context: { timeoutMs: 1000, notAfterMs, admit: () => true },
    handshakeFirst: "never",
    allowNonTls,
    verify: false,
  };
}

function session(certificate: Uint8Array): TlsSession {
  return { version: "1.3", cipherSuite: "x", serverName: "", certificates: [certificate], isVerified: true };
}

const BAD_LOGIN = 'CONNECT {"user":"a","pass":"wrong"}\r\n';
const NO_AUTH = (permissions: object): OptionsInput => ({
  authorization: { users: [{ user: "n", password: `$2a$04$${"x".repeat(53)}`, permissions }] },
  no_auth_user: "n",
});

/** By number, a world with that finding, and one that lacks little. */
interface Scene {
  readonly found: () => [TestBroker, Around?];
  readonly almost: () => [TestBroker, Around?];
}

const SCENES = new Map<number, Scene>([
  [
    101,
    {
      found: () => scene(quietWorld({ max_pending: 10_000, max_payload: 10_000 }), (w) => choked(w, 8_500)),
      almost: () => scene(quietWorld({ max_pending: 10_000, max_payload: 10_000 }), (w) => choked(w, 7_000)),
    },
  ],
  [
    102,
    {
      found: () =>
        scene(quietWorld({ max_pending: 10_000, max_payload: 10_000 }), (w) => {
          choked(w, 9_000);
          w.connect().say(`PUB x 3000\r\n${"x".repeat(3000)}\r\n`);
        }),
      almost: () => scene(quietWorld({ max_pending: 10_000, max_payload: 10_000 }), (w) => choked(w, 9_000)),
    },
  ],
  [103, { found: () => stuckFor(6_000), almost: () => stuckFor(4_000) }],
  [
    104,
    {
      found: () => scene(quietWorld(), (w) => void (w.connect().client.pings.unanswered = 2)),
      almost: () => scene(quietWorld(), (w) => void (w.connect().client.pings.unanswered = 1)),
    },
  ],
  [105, { found: () => closedAs("staleConnection"), almost: () => closedAs("clientClosed") }],
  [
    106,
    {
      found: () => scene(quietWorld(), (w) => void (w.connect().client.stallCount = 100)),
      almost: () => scene(quietWorld(), (w) => void (w.connect().client.stallCount = 99)),
    },
  ],
  [
    107,
    {
      found: () => scene(quietWorld(), (w) => w.connect('{"verbose":false,"headers":true}')),
      almost: () => scene(quietWorld(), (w) => w.connect()),
    },
  ],
  [
    108,
    {
      found: () => scene(quietWorld(), (w) => come(w, 1, "GET / HTTP/1.1\r\n\r\n")),
      almost: () => scene(quietWorld(), (w) => come(w, 1, "PING\r\n")),
    },
  ],
  [109, { found: () => comeAndGo(200), almost: () => comeAndGo(199) }],
  [
    201,
    {
      found: () => scene(quietWorld({ max_connections: 5 }), (w) => connect(w, 4)),
      almost: () => scene(quietWorld({ max_connections: 5 }), (w) => connect(w, 3)),
    },
  ],
  [
    202,
    {
      found: () => scene(quietWorld({ max_subscriptions: 5 }), (w) => subscribe(w, 4)),
      almost: () => scene(quietWorld({ max_subscriptions: 5 }), (w) => subscribe(w, 3)),
    },
  ],
  [203, { found: () => inAccount(4), almost: () => inAccount(3) }],
  [
    204,
    {
      found: () => scene(quietWorld({ max_payload: 10 }), (w) => w.connect().say("PUB x 11\r\n")),
      almost: () => scene(quietWorld({ max_payload: 10 }), (w) => w.connect().say("PUB x 10\r\n")),
    },
  ],
  [
    205,
    {
      found: () => [quietWorld({ max_payload: "9MB" })],
      almost: () => [quietWorld({ max_payload: "8MB" })],
    },
  ],
  [
    206,
    {
      found: () => scene(quietWorld({ max_connections: 1 }), (w) => come(w, 2, "")),
      almost: () => scene(quietWorld({ max_connections: 1 }), (w) => come(w, 1, "")),
    },
  ],
  [
    207,
    {
      found: () => scene(quietWorld(), (w) => void (w.broker.backlogs.bytes = BACKLOG_BYTES_MAX * 0.9)),
      almost: () => scene(quietWorld(), (w) => void (w.broker.backlogs.bytes = BACKLOG_BYTES_MAX * 0.7)),
    },
  ],
  [301, { found: () => certificateFor(-1), almost: () => certificateFor(1) }],
  [302, { found: () => certificateFor(29 * DAY_MS), almost: () => certificateFor(31 * DAY_MS) }],
  [303, { found: () => peerCertificateFor(13), almost: () => peerCertificateFor(15) }],
  [304, { found: () => guessed(10), almost: () => guessed(9) }],
  [
    305,
    {
      found: () => [quietWorld({ authorization: { user: "a", password: "secret" } })],
      almost: () => [quietWorld({ authorization: { user: "a", password: `$2a$04$${"x".repeat(53)}` } })],
    },
  ],
  [
    306,
    {
      found: () => [quietWorld(NO_AUTH({ publish: "a.>" }))],
      almost: () => [quietWorld(NO_AUTH({ publish: "a.>", subscribe: "b.>" }))],
    },
  ],
  [
    307,
    {
      found: () => [new TestBroker({ host: "0.0.0.0" })],
      almost: () => [new TestBroker({ host: "0.0.0.0", authorization: { token: "t" } })],
    },
  ],
  [
    308,
    {
      found: () => scene(new TestBroker(), (w) => tlsUntil(w, Infinity, true)),
      almost: () => scene(new TestBroker(), (w) => tlsUntil(w, Infinity)),
    },
  ],
  [
    309,
    {
      found: () => [quietWorld({ http_port: -1, http_host: "10.0.0.1" })],
      almost: () => [quietWorld({ http_port: -1, http_host: "127.0.0.1" })],
    },
  ],
  [310, { found: () => credentialsFor(DAY_MS - 1), almost: () => credentialsFor(DAY_MS + 1) }],
  [311, { found: () => handshakesFail(10), almost: () => handshakesFail(9) }],
  [
    312,
    {
      found: () => [quietWorld({ websocket: { port: -1, no_tls: true } })],
      almost: () => [quietWorld({ websocket: { host: "127.0.0.1", port: -1, no_tls: true } })],
    },
  ],
  [
    401,
    {
      found: () => [quietWorld(), { descriptors: { inUse: 80, limit: 100 } }],
      almost: () => [quietWorld(), { descriptors: { inUse: 79, limit: 100 } }],
    },
  ],
  [
    402,
    { found: () => [quietWorld(), { loopDelayMs: 50 }], almost: () => [quietWorld(), { loopDelayMs: 49 }] },
  ],
  [
    403,
    {
      found: () => [quietWorld(), { heap: { usedBytes: 80, totalBytes: 90, limitBytes: 100 } }],
      almost: () => [quietWorld(), { heap: { usedBytes: 79, totalBytes: 90, limitBytes: 100 } }],
    },
  ],
  [
    404,
    {
      found: () => scene(quietWorld(), (w) => void (w.broker.isLameDuck = true)),
      almost: () => [quietWorld()],
    },
  ],
  [
    501,
    {
      found: () => [quietWorld(), { digestInForce: "sha256:a", digestInFile: "sha256:b" }],
      almost: () => [quietWorld(), { digestInForce: "sha256:a", digestInFile: "sha256:a" }],
    },
  ],
  [
    502,
    {
      found: () => [quietWorld(), { digestInForce: "sha256:a", digestInFile: "broken" }],
      almost: () => [quietWorld(), { digestInForce: "sha256:a", digestInFile: "sha256:b" }],
    },
  ],
  [
    503,
    {
      found: () => scene(quietWorld(), (w) => Object.assign(w.broker.log, { traceEnabled: true })),
      almost: () => [quietWorld()],
    },
  ],
  [601, { found: () => stored({ failure: "failed" }), almost: () => stored({ failure: "full" }) }],
  [602, { found: () => stored({ failure: "full" }), almost: () => stored({ consumersFail: true }) }],
  [603, { found: () => stored({ damaged: true }), almost: () => stored() }],
  [604, { found: () => stored({ lost: 1 }), almost: () => stored() }],
  [
    605,
    {
      found: () => stored({ messages: 8, maxMessages: 10, discard: "new" }),
      almost: () => stored({ messages: 8, maxMessages: 10 }),
    },
  ],
  [606, { found: () => stored({ usedBytes: 800 }), almost: () => stored({ usedBytes: 799 }) }],
  [
    607,
    {
      found: () => stored({ explanation: { reason: "maxAckPending", numPending: 1 } }),
      almost: () => stored({ explanation: { reason: "maxAckPending" } }),
    },
  ],
  [
    608,
    {
      found: () => stored({ explanation: { reason: "filterMatchesNothing" } }),
      almost: () => stored({ explanation: { reason: "filterMatchesNothing" }, messages: 0 }),
    },
  ],
  [609, { found: () => stored({ syncIntervalMs: 1 }), almost: () => stored() }],
]);

function scene(world: TestBroker, happens: (world: TestBroker) => unknown): [TestBroker] {
  happens(world);
  return [world];
}

function connect(world: TestBroker, count: number): void {
  for (let i = 0; i < count; i++) world.connect();
}

function subscribe(world: TestBroker, count: number): void {
  const peer = world.connect();
  for (let sid = 0; sid < count; sid++) peer.say(`SUB s.${sid} ${sid}\r\n`);
}

/** A write that nobody took for so long; the deadline is 10 s. */
function stuckFor(ms: number): [TestBroker] {
  const world = quietWorld({ ping_interval: "1h" });
  choked(world, 100);
  // Nothing else happens meanwhile: timers are left alone.
  const nowMs = world.clock.nowMs.bind(world.clock);
  Object.assign(world.clock, { nowMs: () => nowMs() + ms });
  return [world];
}

function closedAs(reason: "staleConnection" | "clientClosed"): [TestBroker] {
  const world = quietWorld();
  world.connect().client.close(reason);
  return [world];
}

function comeAndGo(count: number): [TestBroker] {
  const world = quietWorld();
  for (let i = 0; i < count; i++) world.connect().client.close("clientClosed");
  return [world];
}

function inAccount(count: number): [TestBroker] {
  const user = { user: "a", password: "a" };
  const world = quietWorld({ accounts: { A: { users: [user], limits: { max_connections: 5 } } } });
  for (let i = 0; i < count; i++) world.connect(`{"user":"a","pass":"a",${QUIET.slice(1)}`);
  return [world];
}

function stored(stub: StubbedStream = {}): [TestBroker, Around] {
  return [quietWorld(), { jetStream: stubJetStream(stub) }];
}

function certificateFor(ms: number): [TestBroker] {
  const world = quietWorld();
  tlsUntil(world, world.clock.nowMs() + ms);
  return [world];
}

function peerCertificateFor(days: number): [TestBroker] {
  const world = quietWorld();
  const notAfter = new Date(world.clock.nowMs() + days * DAY_MS);
  const notBefore = new Date(world.clock.nowMs() - DAY_MS);
  world.connect().client.tls = session(makeCertificate({ notBefore, notAfter }).der);
  return [world];
}

function guessed(count: number): [TestBroker] {
  const world = quietWorld({ authorization: { user: "a", password: "a" } });
  come(world, count, BAD_LOGIN);
  return [world];
}

function credentialsFor(ms: number): [TestBroker] {
  const world = quietWorld();
  const { client } = world.connect();
  client.identity = { ...client.identity, expiresMs: world.clock.nowMs() + ms };
  return [world];
}

function handshakesFail(count: number): [TestBroker] {
  const world = quietWorld();
  for (let i = 0; i < count; i++) world.accept().client.close("tlsHandshakeError");
  return [world];
}

describe("findings", () => {
  test("a quiet server has none", () => {
    const world = quietWorld();
    world.connect().say("SUB x 1\r\nPUB x 2\r\nhi\r\n");
    assert.deepEqual(look(world), []);
  });

  for (const { number, title } of FINDING_KINDS) {
    test(`${number}: ${title}`, () => {
      const scene = SCENES.get(number);
      assert.ok(scene !== undefined, "each finding has a scene");
      const almost = numbers(...scene.almost());
      assert.ok(!almost.includes(number), `not yet: ${almost.join(", ")}`);
      const found = numbers(...scene.found());
      assert.ok(found.includes(number), `found: ${found.join(", ")}`);
    });
  }

  test("numbers are given once, and each has a scene", () => {
    const given = FINDING_KINDS.map(({ number }) => number);
    assert.equal(new Set(given).size, given.length);
    assert.deepEqual([...SCENES.keys()], given);
    assert.ok(given.length >= 15);
  });

  test("what happened long ago is forgotten", async () => {
    const [world] = guessed(10);
    assert.ok(numbers(world).includes(304));
    await world.clock.advance(11 * MINUTE_MS);
    assert.ok(!numbers(world).includes(304));
  });

  test("the worst come first; connections are named up to ten, and counted", () => {
    const world = quietWorld();
    for (let i = 0; i < 12; i++) world.connect('{"verbose":false}');
    world.connect().client.close("slowConsumerWriteDeadline");
    const found = look(world, { loopDelayMs: 60 });
    assert.deepEqual(
      found.map(({ number, severity }) => [number, severity]),
      [
        [102, "error"],
        [402, "warning"],
        [107, "info"],
      ],
    );
    const [, , old] = found;
    assert.deepEqual(old.connections, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    assert.equal(old.connection_count, 12);
    assert.match(old.detail, /^connection 1: .*; and 11 more$/);
  });

  test("many consumers are looked at bit by bit", () => {
    let asked = 0;
    const explanation = { reason: "maxAckPending", numPending: 1 } as const;
    const onExplain = (): void => void asked++;
    const jetStream = stubJetStream({ consumerCount: 1_000, explanation, onExplain });
    const steps = findings(factsAbout(quietWorld(), { jetStream }));
    for (let before = 0, isDone = false; !isDone; before = asked) {
      const { done, value } = steps.next();
      assert.ok(asked - before <= 32, `${asked - before} at once`);
      isDone = done === true;
      if (isDone) assert.match(JSON.stringify(value), /; and 995 more/);
    }
    assert.equal(asked, 2_000);
  });

  test("no secret of the configuration stands in a finding", () => {
    const secret = "s3cret-pa55";
    const world = new TestBroker({ authorization: { user: "a", password: secret } });
    come(world, 12, `CONNECT {"user":"a","pass":"${secret}x"}\r\n`);
    const found = look(world);
    assert.ok(found.some(({ number }) => number === 305));
    assert.ok(!JSON.stringify(found).includes(secret));
  });
});

test("docs/findings.md lists every finding as it is", () => {
  const page = readFileSync(new URL("../../../../docs/findings.md", import.meta.url), "utf8");
  const rows = FINDING_KINDS.map(
    ({ number, severity, title, remedy }) =>
      `| ${number} | ${severity} | ${title} | ${remedy.replaceAll("|", "\\|")} |`,
  );
  const listed = page.split("\n").filter((line) => /^\| \d{3} \|/.test(line));
  assert.deepEqual(listed, rows);
});
