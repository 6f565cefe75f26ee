import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { type Peer, TestBroker } from "../../../../test/support/test-broker.ts";
import type { OptionsInput } from "../config/options.ts";
import { defaultConnectOptions } from "../wire/connect.ts";
import { makeMessage, type Message } from "./message.ts";
import {
  deliveryLine,
  errorReplyLine,
  faultLine,
  introduction,
  malformedLine,
  mappingLine,
  operationLine,
  payloadLine,
  refusalLine,
  RepeatedLine,
  unsubscribedLine,
} from "./trace.ts";

const ALL = { trace_headers: false, max_traced_msg_len: 0 };
const HEADERS = "NATS/1.0\r\nA: b\r\n\r\n";
const NOBODY = defaultConnectOptions();

/** Not secret: made up for tests. */
const SEED = `SU${"A".repeat(56)}`;
const TOKEN = "eyJ0eXAiOiJKV1QifQ.eyJzdWIiOiJVIn0.c2ln";

function message(payload: string, headers = "", reply = ""): Message {
  return makeMessage("a.b", reply, headers, Buffer.from(payload, "latin1"));
}

function tracing(peer: Peer): Peer {
  peer.client.isTracing = true;
  peer.client.parser.tracing = true;
  return peer;
}

/** The log of a broker from `before` on, with what `act` brings; without what lines say of their connection. */
function logOf(world: TestBroker, act: () => void, before = world.logLines.length): string[] {
  act();
  return world.logLines.slice(before).map((line) => line.replace(/^.* - cid:\d+(?: - "[^"]*")* - /, ""));
}

/** A traced connection and the lines that it leaves while it says `text`. */
function linesFor(text: string, connect?: string, options: OptionsInput = {}): string[] {
  const world = new TestBroker(options);
  const peer = tracing(world.connect(connect));
  return logOf(world, () => peer.say(text));
}

// ── single lines ───────────────────────────────────────────────────────────

test("what the peer sent is shown, but for what nats-server does not trace", () => {
  const cases: readonly (readonly [string, string, string | null])[] = [
    ["PING", "", "<<- [PING]"],
    ["PONG", "", "<<- [PONG]"],
    ["SUB", "a  q 1", "<<- [SUB a  q 1]"],
    ["PUB", "a 0", "<<- [PUB a 0]"],
    ["CONNECT", "", "<<- [CONNECT ]"],
    ["CONNECT", '{"name":"n"}', '<<- [CONNECT {"name":"n"}]'],
    ["INFO", "{}", null],
    ["+OK", "", null],
    ["-ERR", "'x'", null],
  ];
  for (const [verb, argument, line] of cases) assert.equal(operationLine(verb, argument), line);
});

test("a CONNECT is shown without its secrets, however they are spelled", () => {
  const cases: readonly (readonly [string, string])[] = [
    ['{"user":"u","pass":"x"}', '{"user":"u","pass":"[REDACTED]"}'],
    ['{"pass" :\t"x", "name":"pass"}', '{"pass" :\t"[REDACTED]", "name":"pass"}'],
    ['{"auth_token":"x","sig":"y"}', '{"auth_token":"[REDACTED]","sig":"[REDACTED]"}'],
    [
      '{"nkey":"x","jwt":"j","proxy_sig":"y"}',
      '{"nkey":"[REDACTED]","jwt":"[REDACTED]","proxy_sig":"[REDACTED]"}',
    ],
    ['{"pass":"a\\"b, c}","user":"u"}', '{"pass":"[REDACTED]","user":"u"}'],
    ['{"pass":"a\\\\","user":"u"}', '{"pass":"[REDACTED]","user":"u"}'],
    ['{"\\u0070ass":"x"}', '{"\\u0070ass":"[REDACTED]"}'],
    ['{"PASS":"x"}', '{"PASS":"[REDACTED]"}'],
    [
      '{"password":"x","pass":"y","pass":"z"}',
      '{"password":"[REDACTED]","pass":"[REDACTED]","pass":"[REDACTED]"}',
    ],
    ['{"pass":5,"sig":null}', '{"pass":[REDACTED],"sig":[REDACTED]}'],
    ['{"pass":""}', '{"pass":"[REDACTED]"}'],
    ['{"pass":"x', '{"pass":"[REDACTED]'],
    ['{"pass":"x\\', '{"pass":"[REDACTED]'],
    ['{"name":"\\"pass\\":\\"x\\""}', '{"name":"\\"pass\\":\\"x\\""}'],
    ['{"import":{"pass":"x"}}', '{"import":{"pass":"[REDACTED]"}}'],
    ['["a","pass","b"]', '["a","pass","b"]'],
    ['{"user":"u","pass":{"a":"x"},"name":"n"}', '{"user":"u","pass":[REDACTED]'],
    ['{"auth_token":["x"]}', '{"auth_token":[REDACTED]'],
    ['{"pa\u017fs":"x","n\u212aey":"y"}', '{"pa\u017fs":"[REDACTED]","n\u212aey":"[REDACTED]"}'],
    [`{"user":"${TOKEN}","lang":"${SEED}"}`, '{"user":"[REDACTED]","lang":"[REDACTED]"}'],
    ['{"passage":"p"}', '{"passage":"p"}'],
  ];
  for (const [json, shown] of cases) assert.equal(operationLine("CONNECT", json), `<<- [CONNECT ${shown}]`);
});

test("no secret shows, whatever it is and whatever stands around it", () => {
  const secret = fc.string({ unit: "binary", minLength: 8 }).map((text) => `s3cr3t${text}`);
  const other = fc.dictionary(fc.constantFrom("name", "user", "lang", "verbose", "import"), fc.jsonValue());
  const key = fc.constantFrom("pass", "auth_token", "sig", "proxy_sig", "nkey", "jwt");
  fc.assert(
    fc.property(other, key, secret, other, fc.nat(4), (before, name, value, after, indent) => {
      const json = JSON.stringify({ ...before, [name]: value, ...after }, null, indent);
      const line = operationLine("CONNECT", json) ?? "";
      assert.ok(!line.includes("s3cr3t"), line);
      const rest = JSON.stringify({ ...before, [name]: "[REDACTED]", ...after }, null, indent);
      assert.equal(line, `<<- [CONNECT ${rest}]`);
    }),
  );
});

test("a problem with JSON is told without an excerpt, which may hold a secret", () => {
  for (const json of [
    '{"pass":secret}',
    "secret",
    '{"pass":"x" "secret"',
    "[secretsecretsecretsecretsecret",
  ]) {
    let problem = "";
    try {
      JSON.parse(json);
    } catch (error) {
      problem = String(error);
    }
    const line = malformedLine("CONNECT", problem);
    assert.match(line, /^CONNECT: SyntaxError: \w/);
    assert.ok(!line.includes("secret"), line);
  }
  assert.equal(malformedLine("INFO", 'wrong type for "port"'), 'INFO: wrong type for "port"');
});

test("lines are text, whatever the wire held", () => {
  assert.equal(mappingLine("\xc3\xa4", "b"), "<<- [MAPPING ä -> b]");
  assert.equal(errorReplyLine("no \xc3\xa4 \xff"), "->> [-ERR no ä \ufffd]");
  assert.equal(unsubscribedLine("\xc3\xa4"), "<-> [DELSUB ä]");
});

test("a delivery shows subject, sid, reply and sizes as the receiver gets them", () => {
  assert.equal(deliveryLine(message("hello"), "7", true), "->> [MSG a.b 7 5]");
  assert.equal(deliveryLine(message("hello", "", "r"), "7", false), "->> [MSG a.b 7 r 5]");
  assert.equal(deliveryLine(message("x", HEADERS), "7", true), "->> [HMSG a.b 7 18 19]");
  assert.equal(deliveryLine(message("x", HEADERS, "r"), "7", false), "->> [MSG a.b 7 r 1]");
});

test("a payload is quoted with its bytes, and an empty one is no line", () => {
  const line = (payload: string, headers = "", takesHeaders = true): string | null =>
    payloadLine("->>", message(payload, headers), takesHeaders, ALL);
  assert.equal(line('a"\r\n\x00\xff\xc3\xa4'), '->> MSG_PAYLOAD: ["a\\"\\r\\n\\x00\\xffä"]');
  assert.equal(line("x", HEADERS), '->> MSG_PAYLOAD: ["NATS/1.0\\r\\nA: b\\r\\n\\r\\nx"]');
  assert.equal(line("x", HEADERS, false), '->> MSG_PAYLOAD: ["x"]');
  assert.equal(line(""), null);
  assert.equal(line("", HEADERS, false), null);
});

test("max_traced_msg_len cuts a payload after so many bytes", () => {
  const line = (payload: string): string | null =>
    payloadLine("<<-", message(payload), true, { ...ALL, max_traced_msg_len: 5 });
  assert.equal(line("abcde"), '<<- MSG_PAYLOAD: ["abcde"]');
  assert.equal(line("abcdef"), '<<- MSG_PAYLOAD: ["abcde..."]');
  assert.equal(line("\xc3\xa4\xc3\xa4\xc3\xa4"), '<<- MSG_PAYLOAD: ["ää\\xc3..."]');
});

test("trace_headers shows the headers and nothing else of a payload", () => {
  const line = (headers: string, limit: number, takesHeaders = true): string | null =>
    payloadLine("<<-", message("secret", headers), takesHeaders, {
      trace_headers: true,
      max_traced_msg_len: limit,
    });
  assert.equal(line(HEADERS, 0), '<<- MSG_PAYLOAD: ["NATS/1.0\\r\\nA: b"]');
  assert.equal(line(HEADERS, 5), '<<- MSG_PAYLOAD: ["NATS/..."]');
  assert.equal(line("", 0), null);
  assert.equal(line(HEADERS, 0, false), null);
  for (const short of ["a", "abcd"]) assert.equal(line(short, 0), null);
  assert.equal(line("abcde", 0), '<<- MSG_PAYLOAD: ["a"]');
});

test("payloads are shown without tokens and seeds, whole or cut", () => {
  const shown = (payload: string, limit: number): string | null =>
    payloadLine("->>", message(payload), true, { trace_headers: false, max_traced_msg_len: limit });
  assert.equal(shown(`a ${TOKEN} b ${SEED}`, 0), '->> MSG_PAYLOAD: ["a [REDACTED] b [REDACTED]"]');
  assert.equal(shown(`a ${TOKEN}`, 20), '->> MSG_PAYLOAD: ["a [REDACTED]..."]');
  assert.equal(shown(`a ${SEED}`, 20), '->> MSG_PAYLOAD: ["a [REDACTED]..."]');
});

test("a connection is introduced by what its CONNECT told, and as whom it came", () => {
  const about = (told: Partial<typeof NOBODY>, user = "", nkey = ""): string =>
    introduction({ ...NOBODY, ...told }, "$G", { nkey, user });
  assert.equal(about({}), "");
  assert.equal(about({ jwt: "j", pass: "p" }), "");
  assert.equal(about({ version: "1.2", lang: "go", name: "n" }), ' - "v1.2:go:n"');
  assert.equal(about({ lang: "go", user: "u", auth_token: "t" }), ' - "go" - "$G/user:u"');
  assert.equal(about({ auth_token: "t" }), ' - "$G/token"');
  assert.equal(about({ nkey: "k", user: "u" }), ' - "$G/nkey:k"');
  assert.equal(about({ jwt: "j", auth_token: "t" }), ' - "$G/token"');
  assert.equal(about({ nkey: SEED, name: `n ${TOKEN}` }), ' - "n [REDACTED]" - "$G/nkey:[REDACTED]"');
  assert.equal(about({ name: 'a"\nä\u200b\ud800' }), ' - "a\\"\\nä\\u200b\ufffd"');
});

test("a connection that was asked is introduced as who it was found to be, whatever it says", () => {
  const about = (told: Partial<typeof NOBODY>, user: string, nkey = ""): string =>
    introduction({ ...NOBODY, ...told }, "$G", { nkey, user });
  assert.equal(about({ name: "n" }, "nobody"), ' - "n" - "$G/user:nobody"');
  assert.equal(about({ user: "eve" }, "dave"), ' - "$G/user:dave"');
  assert.equal(about({ auth_token: "t", user: "eve" }, "[REDACTED]"), ' - "$G/token"');
  assert.equal(about({ auth_token: "t" }, "dave"), ' - "$G/user:dave"');
  assert.equal(about({ jwt: "j", user: "eve" }, "UKEY", "UKEY"), ' - "$G/jwt:UKEY"');
  assert.equal(about({ jwt: "j", nkey: "UKEY" }, "UKEY", "UKEY"), ' - "$G/nkey:UKEY"');
  assert.equal(about({}, "UKEY", "UKEY"), ' - "$G/nkey:UKEY"');
});

test("a refused CONNECT is logged with who asked, without secrets", () => {
  const refused = (told: Partial<typeof NOBODY>): string => refusalLine({ ...NOBODY, ...told });
  assert.equal(refused({ pass: "p" }), "authentication error");
  assert.equal(refused({ jwt: TOKEN, auth_token: "t" }), "authentication error");
  assert.equal(refused({ user: TOKEN }), 'authentication error - User "[REDACTED]"');
  assert.equal(refused({ nkey: SEED }), 'authentication error - Nkey "[REDACTED]"');
  assert.equal(refused({ user: "u\n", auth_token: "t" }), 'authentication error - User "u\\n"');
  assert.equal(refused({ auth_token: "t" }), 'authentication error - Token "[REDACTED]"');
  assert.equal(refused({ nkey: "k", user: "u" }), 'authentication error - Nkey "k"');
});

test("a fault is logged with the beginning of what was refused", () => {
  assert.equal(
    faultLine("unknown operation", `\xff${"x".repeat(60)}`, 9),
    `Client parser ERROR: proto='"\\xff${"x".repeat(31)}"...'`,
  );
  assert.equal(
    faultLine("unknown operation", 'CONECT {"pass":"hidden","user":"u"}', 9),
    `Client parser ERROR: proto='"CONECT {\\"pass\\":\\"[REDACTED]\\",\\"use"...'`,
  );
  assert.equal(faultLine("payload too large", "a r 12 ", 9), "maximum payload exceeded: 12 vs 9");
  const cut = `${"s".repeat(62)} 1`;
  assert.equal(faultLine("payload too large", cut, 9), `maximum payload exceeded: "${cut}" vs 9`);
  assert.equal(faultLine("control line too long", "a", 9), null);
  assert.equal(faultLine("headers disabled", "a", 9), "message headers not supported");
  assert.equal(faultLine("not connected", "PUB", 9), "authentication error");
  assert.equal(faultLine("bad arguments", 'a "b', 9), 'bad arguments: "a \\"b"');
});

test("a repeated line is written every two seconds, with how many were held back", () => {
  const line = new RepeatedLine();
  assert.equal(line.next("x", 0), "x");
  assert.equal(line.next("x", 1), null);
  assert.equal(line.next("y", 1_999.9), null);
  assert.equal(line.next("z", 2_000), "z (2 more since the last such line)");
  assert.equal(line.next("z", 3_999), null);
  assert.equal(line.next("z", 9_000), "z (1 more since the last such line)");
  assert.equal(line.next("z", 12_000), "z");
});

// ── the lines of a session, in order ───────────────────────────────────────

test("publish, delivery and the end of a subscription", () => {
  assert.deepEqual(linesFor("SUB a 1\r\nUNSUB 1 2\r\nPUB a r 2\r\nhi\r\nPUB a 0\r\n\r\nPUB a 0\r\n\r\n"), [
    "<<- [SUB a 1]",
    "<<- [UNSUB 1 2]",
    "<<- [PUB a r 2]",
    '<<- MSG_PAYLOAD: ["hi"]',
    "->> [MSG a 1 r 2]",
    '->> MSG_PAYLOAD: ["hi"]',
    "<<- [PUB a 0]",
    "Auto-unsubscribe limit of 2 reached for sid '1'",
    "->> [MSG a 1 0]",
    "<-> [DELSUB 1]",
    "<<- [PUB a 0]",
  ]);
});

test("+OK stands before what an operation brings about", () => {
  assert.deepEqual(linesFor("SUB a 1\r\nPUB a 1\r\nx\r\nUNSUB 1\r\n", "{}"), [
    "<<- [SUB a 1]",
    "->> [OK]",
    "<<- [PUB a 1]",
    '<<- MSG_PAYLOAD: ["x"]',
    "->> [OK]",
    "->> [MSG a 1 1]",
    '->> MSG_PAYLOAD: ["x"]',
    "<<- [UNSUB 1]",
    "->> [OK]",
    "<-> [DELSUB 1]",
  ]);
});

test("refusals that end a connection", () => {
  const ends: readonly (readonly [string, readonly string[]])[] = [
    [
      "SUB a 1\r\nBLA\r\n",
      [
        "<<- [SUB a 1]",
        "->> [-ERR Unknown Protocol Operation]",
        "Client parser ERROR: proto='\"BLA\\r\\n\"...'",
        "Client connection closed: Protocol Violation",
        "<-> [DELSUB 1]",
      ],
    ],
    [
      `SUB ${"a".repeat(5_000)} 1\r\n`,
      [
        "->> [-ERR maximum control line exceeded]",
        "Client connection closed: Maximum Control Line Exceeded",
        "maximum control line exceeded",
      ],
    ],
  ];
  for (const [text, lines] of ends) assert.deepEqual(linesFor(text), lines);
});

test("refusals that a connection outlives are logged now and then, the -ERR traced each time", async () => {
  const world = new TestBroker({ max_subscriptions: 1 });
  const peer = tracing(world.connect());
  const refused = ["<<- [SUB b 2]", "->> [-ERR maximum subscriptions exceeded]"];
  const limit = "maximum subscriptions exceeded";
  peer.say("SUB a 1\r\n");
  assert.deepEqual(
    logOf(world, () => peer.say("SUB b 2\r\nSUB b 2\r\n")),
    [refused[0], limit, refused[1], ...refused],
  );
  assert.deepEqual(
    logOf(world, () => peer.say("PUB $NRG.a 0\r\n\r\n")),
    [
      "<<- [PUB $NRG.a 0]",
      '->> [-ERR Permissions Violation for Publish to "$NRG.a"]',
      'Publish Violation - Subject "$NRG.a"',
    ],
  );
  await world.clock.advance(1_900);
  assert.deepEqual(
    logOf(world, () => peer.say("SUB b 2\r\n")),
    refused,
  );
  await world.clock.advance(100);
  assert.deepEqual(
    logOf(world, () => peer.say("SUB b 2\r\n")),
    [refused[0], `${limit} (2 more since the last such line)`, refused[1]],
  );
});

test("PINGs, and their delay", async () => {
  const world = new TestBroker({ ping_interval: "10s", ping_max: 1 });
  const peer = tracing(world.connect());
  const lines = async (ms: number): Promise<string[]> => {
    const before = world.logLines.length;
    await world.clock.advance(ms);
    return logOf(world, () => {}, before);
  };
  assert.deepEqual(await lines(5_000), ["Client Ping Timer", "->> [PING]"]);
  peer.say("PONG\r\n");
  await world.clock.advance(4_000);
  peer.say("SUB a 1\r\n");
  const [timer, delay, ...more] = await lines(6_000);
  assert.equal(timer, "Client Ping Timer");
  assert.match(delay, /^Delaying PING due to remote client data or ping [34]s ago$/);
  assert.deepEqual(more, []);
  assert.deepEqual(await lines(10_000), ["Client Ping Timer", "->> [PING]"]);
  // The -ERR of a stale connection is not traced.
  assert.deepEqual(await lines(10_000), [
    "Client Ping Timer",
    "Stale Client Connection - Closing",
    "Client connection closed: Stale Connection",
    "<-> [DELSUB 1]",
  ]);
});

test("a write that takes too long: what waits, and whether that was said before", async () => {
  const world = new TestBroker({ write_deadline: "1.5s", write_timeout: "retry" });
  const peer = world.connect();
  const late = async (): Promise<string[]> => {
    const before = world.logLines.length;
    await world.clock.advance(1_500);
    return logOf(world, () => {}, before).filter((line) => line.startsWith("Slow Consumer"));
  };
  const line = (state: string, chunks: number, bytes: number): string =>
    `Slow Consumer ${state}: WriteDeadline of 1.5s exceeded with ${chunks} chunks of ${bytes} total bytes.`;
  peer.pipe.takesAll = false;
  peer.say("SUB a 1\r\nPUB a 2\r\nhi\r\n");
  assert.deepEqual(await late(), [line("Detected", 1, 15)]);
  peer.say("PUB a 2\r\nhi\r\n");
  assert.deepEqual(await late(), [line("State", 2, 36)]);
  peer.pipe.complete();
  // The second message, and a PING that became due meanwhile.
  assert.deepEqual(await late(), [line("Detected", 1, 15 + 6)]);
});

test("a CONNECT that is no JSON is logged without an excerpt", () => {
  const world = new TestBroker();
  const peer = world.accept();
  assert.deepEqual(
    logOf(world, () => peer.say('CONNECT {"pass":secret}\r\n')),
    ["CONNECT: Unexpected token 's'", "Client connection closed: Protocol Violation"],
  );
});

test("a server that shuts down does not trace every subscription", () => {
  const world = new TestBroker();
  const peer = tracing(world.connect());
  peer.say("SUB a 1\r\n");
  assert.deepEqual(
    logOf(world, () => peer.client.close("serverShutdown")),
    ["Client connection closed: Server Shutdown"],
  );
});

test("the first CONNECT names a connection for good, a refused one never does", () => {
  const world = new TestBroker({ authorization: { user: "u", password: "p" } });
  const peer = tracing(world.accept());
  peer.say('CONNECT {"user":"u","pass":"p","name":"one","verbose":false}\r\n');
  peer.say('CONNECT {"user":"u","pass":"p","name":"two","verbose":false}\r\nPONG\r\n');
  assert.match(world.logLines.at(-1) ?? "", / - cid:1 - "one" - "\$G\/user:u" - <<- \[PONG\]$/);
  world.accept().say('CONNECT {"user":"u","pass":"x","name":"three"}\r\n');
  assert.match(world.logLines.at(-1) ?? "", / - cid:2 - Client connection closed: Authentication Failure$/);
});
