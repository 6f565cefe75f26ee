import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { Program, testFolder } from "./support/program.ts";
import { RawClient } from "./support/raw-client.ts";
import { findReferenceServer, OUR_SERVER } from "./support/server-process.ts";

/**
 * What is said to a server. A connection is opened by its first step; after each step the server has
 * handled it, and where it ends the connection, `ends` has shown in the log: some lines follow the end.
 */
interface Step {
  /** Name of the connection. */
  readonly who: string;
  /** Wire string. */
  readonly say: string;
  readonly ends?: RegExp;
}

interface Session {
  readonly about: string;
  readonly args: readonly string[];
  readonly config: string;
  readonly steps: readonly Step[];
}

const QUIET = '{"verbose":false,"pedantic":false,"headers":true,"no_responders":true,"protocol":1}';
const HEADERS = "NATS/1.0\r\nA: b\r\n\r\n";
const ALL = ["-DV"];

/** One connection that says `texts`, a step each, after its CONNECT. */
function talk(who: string, connect: string, ...texts: readonly string[]): Step[] {
  return [`CONNECT ${connect}\r\n`, ...texts].map((say) => ({ who, say }));
}

/** One connection that is ended by the last of what it says. */
function fatal(who: string, connect: string, text: string, ends: RegExp): Step[] {
  return [...talk(who, connect), { who, say: text, ends }];
}

/** One connection that is ended by its CONNECT. */
function refused(who: string, connect: string, ends: RegExp): Step {
  return { who, say: `CONNECT ${connect}\r\n`, ends };
}

const AUTH_FAILURE = /Client connection closed: Authentication Failure/;
const VIOLATION = /Client connection closed: Protocol Violation/;

const SESSIONS: readonly Session[] = [
  {
    about: "every operation, in and out",
    args: ALL,
    config: "",
    steps: [
      ...talk(
        "a",
        QUIET,
        "PONG\r\n+OK\r\nINFO {}\r\n",
        "SUB foo.* 1\r\nSUB  foo.>  q  2\r\nUNSUB 2\r\nUNSUB 2\r\n",
      ),
      ...talk("b", QUIET, 'pub foo.a 5\r\nhello\r\nPUB foo.a re 2\r\n\xff"\r\nPUB  foo.a  0\r\n\r\n'),
      { who: "b", say: `HPUB foo.a 18 21\r\n${HEADERS}abc\r\nHPUB foo.a r 18 18\r\n${HEADERS}\r\n` },
      { who: "b", say: "HPUB foo.a 0 3\r\nabc\r\nHPUB foo.a 3 5\r\nabcde\r\n" },
      { who: "b", say: "SUB r 1\r\nPUB nobody r 0\r\n\r\n" },
      ...talk("c", '{"verbose":false}', "SUB foo.> 1\r\nSUB foo.a q 2\r\nUNSUB 1 1\r\n"),
      { who: "b", say: `HPUB foo.a 18 21\r\n${HEADERS}abc\r\nPUB foo.a 1\r\nx\r\n` },
      { who: "c", say: "UNSUB 2 1\r\nUNSUB 7\r\n" },
      { who: "a", say: `CONNECT ${QUIET}\r\n` },
      ...talk("d", '{"echo":false,"verbose":false}', "SUB x 1\r\nPUB x 1\r\ny\r\n"),
    ],
  },
  {
    about: "verbose and pedantic",
    args: ALL,
    config: "",
    steps: talk(
      "a",
      '{"headers":true}',
      "SUB a 1\r\nPUB a 1\r\nx\r\nUNSUB 1 3\r\n",
      `PUB a..b 1\r\nx\r\nHPUB a 18 19\r\n${HEADERS}x\r\nUNSUB 1\r\n`,
      "SUB a..b 1\r\nSUB a _sys_ 1\r\n",
      "PUB $NRG.a 1\r\nx\r\nPUB x $JS.ACK.a 1\r\nx\r\n",
    ),
  },
  {
    about: "what a CONNECT tells, and what it must not",
    args: ALL,
    config: "",
    steps: [
      ...talk("a", '{"user":"u","pass" : "x","verbose":false}', "SUB a 1\r\n"),
      ...talk("b", '{"auth_token":"t","sig":"s","proxy_sig":"x","jwt":"j","pass":""}', "SUB a 1\r\n"),
      ...talk("c", '{"nkey":"k","user":"u","name":"n"}', "SUB a 1\r\n"),
      ...talk(
        "d",
        '{"version":"1","lang":"go","name":"\xc3\xa4\\"\\n\\u200b\\ud800"}',
        "SUB \xc3\xa4 \xff\r\n",
      ),
      { who: "d", say: 'CONNECT {"name":"z"}\r\n' },
      { who: "d", say: "SUB b 1\r\n" },
      refused("e", '{"protocol":7,"name":"x","user":"u"}', /"x" - .* - invalid client protocol\n/),
      refused("f", '{"no_responders":true}', / - no responders requires headers support\n/),
      refused("g", '{"account":"x","user":"u"}', AUTH_FAILURE),
    ],
  },
  {
    about: "what ends a connection",
    args: ALL,
    config: "",
    steps: [
      ...fatal("a", QUIET, "BLA foo\r\n", VIOLATION),
      ...fatal("b", QUIET, "PUB a 1\r\nabc\r\n", VIOLATION),
      ...fatal("c", QUIET, "-ERR 'x y'\r\n", /Client connection closed: Parse Error/),
      ...fatal("d", QUIET, `SUB ${"s".repeat(5_000)} 1\r\n`, / - maximum control line exceeded\n/),
      ...talk("e", QUIET, "SUB a 7\r\n"),
      { who: "e", say: "\xff\r\n", ends: /DELSUB 7/ },
    ],
  },
  {
    about: "limits",
    args: ALL,
    config: "max_subscriptions: 1, max_subscription_tokens: 2",
    steps: talk("a", QUIET, "SUB a.b.c 1\r\n", "SUB a 1\r\nSUB b 2\r\nSUB c 3\r\nSUB d 4\r\n"),
  },
  {
    about: "a user with a password",
    args: ALL,
    config: "authorization { user: u, password: p }",
    steps: [
      refused("a", "{}", AUTH_FAILURE),
      refused("b", '{"user":"\\u00e4\\u200b\\n","name":"nm"}', AUTH_FAILURE),
      refused("c", '{"user":"u","nkey":"k","auth_token":"t"}', AUTH_FAILURE),
      refused("d", '{"auth_token":"t"}', AUTH_FAILURE),
      { who: "e", say: "PUB x 1\r\n", ends: AUTH_FAILURE },
      ...talk("f", '{"user":"u","pass":"p","name":"nm","lang":"go","version":"1.2"}', "SUB a 1\r\n"),
    ],
  },
  {
    about: "nobody says who he is in time",
    args: ALL,
    config: "authorization { token: t, timeout: 0.3 }",
    steps: [{ who: "a", say: "", ends: /Client connection closed: Authentication Timeout/ }],
  },
  {
    about: "a token",
    args: ALL,
    config: "authorization { token: t }",
    steps: [
      refused("a", '{"auth_token":"x"}', AUTH_FAILURE),
      ...talk("b", '{"auth_token":"t"}', "SUB a 1\r\n"),
    ],
  },
  {
    about: "mappings",
    args: ALL,
    config: "mappings { a: b, l: [{ destination: l, weight: 0% }] }",
    steps: talk(
      "a",
      QUIET,
      "SUB > 1\r\n",
      `PUB a 1\r\nx\r\nPUB c r 1\r\nx\r\nPUB l 1\r\nx\r\nHPUB a 18 18\r\n${HEADERS}\r\n`,
    ),
  },
  {
    about: "long payloads",
    args: ["-V", "--max_traced_msg_len", "5"],
    config: "",
    steps: talk(
      "a",
      QUIET,
      "SUB > 1\r\n",
      "PUB a 5\r\nabcde\r\nPUB a 6\r\nabcdef\r\nPUB a 6\r\n\xc3\xa4\xc3\xa4\xc3\xa4\r\n",
    ),
  },
  {
    about: "headers alone",
    args: ["-D"],
    config: "trace_headers: true, max_traced_msg_len: 12",
    steps: [
      ...talk("a", '{"verbose":false}', "SUB > 1\r\n"),
      ...talk("b", QUIET, "SUB > 1\r\n", `PUB a 6\r\nsecret\r\nHPUB a 18 24\r\n${HEADERS}secret\r\n`),
      {
        who: "b",
        say: "HPUB a 12 18\r\nNATS/1.0\r\n\r\nsecret\r\nHPUB a 4 10\r\nabcdsecret\r\n",
      },
    ],
  },
  ...[["-V"], ["-D"], []].map((args): Session => ({
    about: `only what ${args[0] ?? "no flag"} asks for`,
    args,
    config: "",
    steps: [
      ...talk("a", QUIET, "SUB a 1\r\nUNSUB 1 1\r\nPUB a 0\r\n\r\n"),
      { who: "a", say: "BLA\r\n", ends: /Client parser ERROR/ },
    ],
  })),
];

/** The log of a server after its start, for one session. */
async function logOf(t: TestContext, command: string, { args, config, steps }: Session): Promise<string[][]> {
  const folder = await testFolder(t);
  await writeFile(join(folder, "server.conf"), config);
  const all = ["-a", "127.0.0.1", "-p", "-1", "-c", "server.conf", ...args];
  const server = new Program(t, command, all, folder);
  await server.until(/Server is ready\n/);
  const start = server.stderr.length;
  const port = Number(/Listening for client connections on .*:(\d+)/.exec(server.stderr)?.[1]);
  const clients = new Map<string, RawClient>();
  try {
    for (const { who, say, ends } of steps) {
      const client = clients.get(who) ?? (await RawClient.connect(port));
      clients.set(who, client);
      const before = server.stderr.length;
      client.send(say);
      if (ends === undefined) assert.ok(await client.barrier(), `${who} was closed after ${say}`);
      else await server.until(new RegExp(`^[^]{${before}}[^]*?${ends.source}`));
    }
    // Ends what is compared, and brings the last of the output.
    server.signal("SIGTERM");
    await server.until(/Trapped "terminated" signal\n/);
  } finally {
    for (const client of clients.values()) client.drop();
  }
  const { stderr } = await server.ended;
  return comparable(stderr.slice(start));
}

/**
 * Log lines by connection: the order in which several receivers get a message is nobody's promise. Without
 * what differs from run to run, and what other parts of a server say.
 */
function comparable(log: string): string[][] {
  const byCid = new Map<string, string[]>();
  for (const line of log.slice(0, log.search(/[^\n]*Trapped "terminated" signal/)).split("\n")) {
    const match = / (\[\w+\]) \S+ - cid:(\d+) - (.*)$/.exec(line);
    if (match === null || IGNORED.test(line)) continue;
    const [, level, cid, text] = match;
    const lines = byCid.get(cid) ?? [];
    byCid.set(cid, lines);
    lines.push(
      `${level} ${text.replace(/(Client parser ERROR)\b.*/, "$1").replace(/"jwt":"[^"]*"/, JWT_HIDDEN)}`,
    );
  }
  return [...byCid.values()];
}

/** A JWT may be a bearer's, and is not shown by us. */
const JWT_HIDDEN = '"jwt":"[REDACTED]"';

/** When a server sends its PINGs is its own affair; why somebody was turned away only ours says. */
const IGNORED = /Turned away: |Client Ping Timer|->> \[PING\]|<<- \[PING\]|->> \[PONG\]|Delaying PING/;

const reference = findReferenceServer();
for (const session of SESSIONS) {
  test(`the log is that of nats-server: ${session.about}`, async (t) => {
    if (reference === null) {
      t.skip("no nats-server on PATH");
      return;
    }
    const [theirs, ours] = await Promise.all([logOf(t, reference, session), logOf(t, OUR_SERVER, session)]);
    assert.deepEqual(ours, theirs);
    assert.ok(ours.length > 0);
  });
}
