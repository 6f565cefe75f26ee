/**
 * Message traces side by side with the reference server: the same connections, the same message, and the same traces
 * and deliveries come of it, but for ids and times.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { RawClient } from "./support/raw-client.ts";
import { parseReceived, type Received } from "./support/received.ts";
import { findReferenceServer, OUR_SERVER, ServerProcess } from "./support/server-process.ts";

const reference = findReferenceServer();
const skip = reference === null ? "no nats-server on PATH" : false;

const CONFIG = `
server_name: traced
accounts {
  A {
    users: [
      {user: a, password: p}
      {user: poor, password: p, permissions: {publish: ["ok", "trace", "fence"], subscribe: {allow: ">", deny: "s.no"}}}
    ]
    mappings {"from.*": "to.$1"}
    exports: [
      {stream: "st.>"}
      {service: "svc.yes", allow_trace: true}
      {service: "svc.no"}
      {service: "svc.far", allow_trace: true}
    ]
    imports: [{service: {account: D, subject: far}, to: "svc.far"}]
  }
  B {
    users: [{user: b, password: p}]
    imports: [
      {stream: {account: A, subject: "st.>"}, prefix: from.a, allow_trace: true}
      {service: {account: A, subject: svc.yes}, to: ask.yes}
      {service: {account: A, subject: svc.no}, to: ask.no}
      {service: {account: A, subject: svc.far}}
    ]
  }
  C { users: [{user: c, password: p}], imports: [{stream: {account: A, subject: "st.>"}}] }
  D { users: [{user: d, password: p}], exports: [{service: far, allow_trace: true}] }
  T { users: [{user: t, password: p}], msg_trace: trace }
}
`;

interface Peer {
  /** Name in the scene. */
  readonly who: string;
  readonly user: string;
  /** Wire lines after CONNECT. */
  readonly says?: string;
  readonly connect?: object;
}

interface Scene {
  readonly about: string;
  readonly peers: readonly Peer[];
  /** A request that the publisher gets before, from this peer: then `<reply>` is the subject of its answer. */
  readonly asked?: { readonly by: string; readonly says: string };
  /** Who publishes, and its first words; the fence follows. */
  readonly publisher: Peer;
  readonly subject: string;
  readonly reply?: string;
  readonly headers: readonly string[];
}

const DEST = "Nats-Trace-Dest: trace";
const ONLY = "Nats-Trace-Only: true";
const SAMPLED = "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

const A: Peer = { who: "pub", user: "a" };
const B: Peer = { who: "pub", user: "b" };
const POOR: Peer = { who: "pub", user: "poor" };
const T: Peer = { who: "pub", user: "t" };

function peer(who: string, user: string, says: string, connect: object = {}): Peer {
  return { who, user, says, connect };
}

const ANSWERER = peer("svc", "a", "SUB svc.* 1\r\nSUB to.* 2\r\n", { name: "the service" });

const SCENES: readonly Scene[] = [
  ...(
    [
      ["delivered", [DEST]],
      ["trace only", [DEST, ONLY]],
      ["trace only as 1", [DEST, "Nats-Trace-Only: 1"]],
      ["trace only as ON", [DEST, "Nats-Trace-Only: ON"]],
      ["trace only with no meaning", [DEST, "Nats-Trace-Only: yes"]],
      ["trace only, without a destination", [ONLY]],
      ["other headers as well", [" odd:", "X:  y \t", DEST, "X: z", "x: w", "__proto__: 1", SAMPLED]],
      ["two destinations", [DEST, "Nats-Trace-Dest: other"]],
      ["a destination in another case", ["nats-trace-dest: trace"]],
      ["disabled", ["Nats-Trace-Dest: trace disabled"]],
      ["disabled, trace only", ["Nats-Trace-Dest: trace disabled", ONLY]],
      ["a wildcard as destination", ["Nats-Trace-Dest: trace.*"]],
      ["a wildcard as destination, trace only", ["Nats-Trace-Dest: trace.*", ONLY]],
      ["a destination between clusters", ["Nats-Trace-Dest: _GR_.x"]],
      ["a destination among Raft's", ["Nats-Trace-Dest: $NRG.x"]],
      ["the old header for other accounts", [DEST, "Nats-Trace-Origin-Account: A"]],
      ["the old header for other accounts, trace only", [DEST, ONLY, "Nats-Trace-Origin-Account: A"]],
      ["a hop from a client", [DEST, "Nats-Trace-Hop: 1.2"]],
      ["identity", [DEST, "Accept-Encoding: br"]],
      ["traceparent without an account's destination", [SAMPLED]],
    ] as const
  ).map(([about, headers]): Scene => ({
    about,
    peers: [
      peer("one", "a", "SUB s.* 1\r\n", { name: "client <1>" }),
      peer("two", "a", "SUB s.x 1\r\nSUB s.> 2\r\n"),
    ],
    publisher: A,
    subject: "s.x",
    headers,
  })),
  { about: "nobody is interested", peers: [], publisher: A, subject: "s.x", headers: [DEST] },
  {
    about: "nobody to answer",
    peers: [],
    publisher: { ...A, says: "SUB r 9\r\n" },
    subject: "s.x",
    reply: "r",
    headers: [DEST],
  },
  {
    about: "nobody to answer, trace only",
    peers: [],
    publisher: { ...A, says: "SUB r 9\r\n" },
    subject: "s.x",
    reply: "r",
    headers: [DEST, ONLY],
  },
  {
    about: "somebody to answer, trace only",
    peers: [peer("one", "a", "SUB s.x 1\r\n")],
    publisher: { ...A, says: "SUB r 9\r\n" },
    subject: "s.x",
    reply: "r",
    headers: [DEST, ONLY],
  },
  {
    about: "queue",
    peers: [peer("one", "a", "SUB s.x q 1\r\n"), peer("two", "a", "SUB s.x 1\r\n")],
    publisher: A,
    subject: "s.x",
    headers: [DEST],
  },
  {
    about: "queue, trace only",
    peers: [peer("one", "a", "SUB s.x q 1\r\n")],
    publisher: A,
    subject: "s.x",
    headers: [DEST, ONLY],
  },
  {
    about: "no echo",
    peers: [],
    publisher: { ...A, says: "SUB s.x 9\r\n", connect: { echo: false } },
    subject: "s.x",
    headers: [DEST],
  },
  {
    about: "no echo in a queue",
    peers: [peer("one", "a", "SUB s.z q 1\r\n")],
    publisher: { ...A, says: "SUB s.x q 9\r\n", connect: { echo: false } },
    subject: "s.x",
    headers: [DEST],
  },
  {
    about: "a denied subscription",
    peers: [peer("one", "poor", "SUB s.* 1\r\n")],
    publisher: A,
    subject: "s.no",
    headers: [DEST],
  },
  {
    about: "a denied subscription, trace only",
    peers: [peer("one", "poor", "SUB s.* 1\r\n")],
    publisher: A,
    subject: "s.no",
    headers: [DEST, ONLY],
  },
  { about: "a publish that is denied", peers: [], publisher: POOR, subject: "s.x", headers: [DEST] },
  {
    about: "a publish that is denied, trace only",
    peers: [],
    publisher: POOR,
    subject: "s.x",
    headers: [DEST, ONLY],
  },
  {
    about: "a publish that is allowed",
    peers: [peer("one", "a", "SUB ok 1\r\n")],
    publisher: POOR,
    subject: "ok",
    headers: [DEST],
  },
  {
    about: "a reply that is the server's",
    peers: [],
    publisher: A,
    subject: "s.x",
    reply: "_R_.x",
    headers: [DEST],
  },
  {
    about: "a destination that is denied",
    peers: [peer("one", "a", "SUB ok 1\r\n")],
    publisher: POOR,
    subject: "ok",
    headers: ["Nats-Trace-Dest: secret"],
  },
  {
    about: "no subject to publish to",
    peers: [peer("one", "a", "SUB ok 1\r\n")],
    publisher: POOR,
    subject: "ok",
    headers: ["Nats-Trace-Dest: secret", ONLY],
  },
  {
    about: "the last message of a subscription",
    peers: [peer("one", "a", "SUB s.x 1\r\nUNSUB 1 1\r\n")],
    publisher: A,
    subject: "s.x",
    headers: [DEST],
  },
  {
    about: "trace only is not the last message of a subscription",
    peers: [peer("one", "a", "SUB s.x 1\r\nUNSUB 1 1\r\n")],
    publisher: A,
    subject: "s.x",
    headers: [DEST, ONLY],
  },
  {
    about: "no headers for the receiver",
    peers: [peer("one", "a", "SUB s.x 1\r\n", { headers: false, no_responders: false })],
    publisher: A,
    subject: "s.x",
    headers: [DEST],
  },
  { about: "mapped", peers: [ANSWERER], publisher: A, subject: "from.x", headers: [DEST] },
  { about: "mapped, trace only", peers: [ANSWERER], publisher: A, subject: "from.x", headers: [DEST, ONLY] },
  ...["ask.yes", "ask.no"].flatMap((subject) =>
    [[DEST], [DEST, ONLY]].map((headers, only): Scene => ({
      about: `an answer to ${subject}${only === 1 ? ", trace only" : ""}`,
      peers: [peer("asker", "b", "SUB r 1\r\n")],
      asked: { by: "asker", says: `PUB ${subject} r 0\r\n\r\n` },
      publisher: { ...A, says: "SUB svc.* 1\r\n" },
      subject: "<reply>",
      headers,
    })),
  ),
  ...[[DEST], [DEST, ONLY]].flatMap((headers, only): Scene[] => {
    const how = only === 1 ? ", trace only" : "";
    const all = [
      peer("b", "b", "SUB from.a.st.* 1\r\n"),
      peer("c", "c", "SUB st.* 1\r\n"),
      peer("a", "a", "SUB st.* 1\r\n"),
    ];
    return [
      { about: `stream export to all${how}`, peers: all, publisher: A, subject: "st.x", headers },
      {
        about: `stream export that is traced${how}`,
        peers: [all[0]],
        publisher: A,
        subject: "st.x",
        headers,
      },
      {
        about: `stream export that is not traced${how}`,
        peers: [all[1]],
        publisher: A,
        subject: "st.x",
        headers,
      },
      {
        about: `stream export by a literal subject${how}`,
        peers: [peer("b", "b", "SUB from.a.st.x 1\r\n")],
        publisher: A,
        subject: "st.x",
        headers,
      },
      {
        about: `stream export to everything${how}`,
        peers: [peer("b", "b", "SUB > 1\r\n"), peer("c", "c", "SUB > q 1\r\n")],
        publisher: A,
        subject: "st.x",
        headers,
      },
      {
        about: `stream export to queues${how}`,
        peers: [peer("b", "b", "SUB from.a.st.* q 1\r\n"), peer("c", "c", "SUB st.* r 1\r\n")],
        publisher: A,
        subject: "st.x",
        headers,
      },
      ...["ask.yes", "ask.no", "svc.far"].flatMap((subject): Scene[] => [
        {
          about: `${subject}, a message${how}`,
          peers: [ANSWERER, peer("far", "d", "SUB far 1\r\n")],
          publisher: B,
          subject,
          headers,
        },
        {
          about: `${subject}, nobody there${how}`,
          peers: [],
          publisher: { ...B, says: "SUB r 9\r\n" },
          subject,
          reply: "r",
          headers,
        },
        {
          about: `${subject}, a request${how}`,
          peers: [ANSWERER, peer("far", "d", "SUB far q 1\r\n")],
          publisher: { ...B, says: "SUB r 9\r\n" },
          subject,
          reply: "r",
          headers,
        },
      ]),
    ];
  }),
  ...(
    [
      ["sampled", SAMPLED],
      ["sampled, in another case", SAMPLED.replace("traceparent", "TraceParent")],
      ["not sampled", SAMPLED.replace(/1$/, "0")],
      ["flags above seven bits", SAMPLED.replace(/01$/, "81")],
      ["no flags", SAMPLED.replace(/01$/, "zz")],
      ["too many parts", `${SAMPLED}-00`],
      ["the destination of the message goes first", `${SAMPLED}\r\nNats-Trace-Dest: other`],
      ["trace only is for messages with a destination", `${SAMPLED}\r\n${ONLY}`],
      ["disabled", `Nats-Trace-Dest: trace disabled\r\n${SAMPLED}`],
    ] as const
  ).map(([about, header]): Scene => ({
    about: `traceparent: ${about}`,
    peers: [peer("one", "t", "SUB s.x 1\r\n")],
    publisher: T,
    subject: "s.x",
    headers: [header],
  })),
];

/** Connections of one scene to one server. */
class Stage {
  readonly #clients = new Map<string, RawClient>();
  readonly #cids = new Map<number, string>();

  static async play(server: ServerProcess, scene: Scene): Promise<unknown> {
    const stage = new Stage();
    try {
      return await stage.#play(server, scene);
    } finally {
      await Promise.all([...stage.#clients.values()].map((client) => client.finish()));
    }
  }

  async #play(
    server: ServerProcess,
    { peers, asked, publisher, subject, reply = "", headers }: Scene,
  ): Promise<unknown> {
    const watchers: RawClient[] = [];
    const destinations = "SUB trace 1\r\nSUB other 2\r\nSUB secret 3\r\nSUB trace.* 4\r\n";
    const accounts = { a: "a", poor: "a", b: "b", t: "t" } as const;
    const home = accounts[publisher.user as keyof typeof accounts];
    for (const user of ["a", "b", "c", "d", "t"]) {
      watchers.push(await this.#enter(server, { who: `watcher ${user}`, user, says: destinations }));
    }
    for (const one of peers) await this.#enter(server, one);
    const client = await this.#enter(server, publisher);
    const target = asked === undefined ? subject : await this.#replyFor(client, asked.by, asked.says);
    client.send(hpub(target, reply, headers));
    client.send(hpub("fence", "", [DEST]));
    const watcher = watchers["abcdt".indexOf(home)];
    assert.ok(
      await watcher.waitUntil(() => watcher.lines.some((line) => line.includes('"subj":"fence"'))),
      "the trace of the fence comes last",
    );
    for (const other of this.#clients.values()) await other.barrier();
    return [...this.#clients].map(([who, one]) => [who, this.#shown(one)]);
  }

  /** Sends a request, and gives the subject at which `service` has to answer it. */
  async #replyFor(service: RawClient, asker: string, request: string): Promise<string> {
    this.#clients.get(asker)?.send(request);
    const [, , , reply] = ((await service.nextLine()) ?? "").split(" ");
    await service.barrier();
    service.lines.length = 0;
    return reply;
  }

  async #enter(server: ServerProcess, { who, user, says = "", connect = {} }: Peer): Promise<RawClient> {
    const client = await RawClient.connect(server.port);
    this.#clients.set(who, client);
    const info = /"client_id":(\d+)/.exec((await client.nextLine()) ?? "");
    this.#cids.set(Number(info?.[1]), who);
    const options = {
      user,
      pass: "p",
      verbose: false,
      pedantic: false,
      headers: true,
      no_responders: true,
      ...connect,
    };
    client.send(`CONNECT ${JSON.stringify(options)}\r\n${says}`);
    assert.ok(await client.barrier(), who);
    client.lines.length = 0;
    return client;
  }

  /** What a connection got, without what differs from run to run; the reference delivers in any order. */
  #shown({ lines }: RawClient): unknown {
    const received = parseReceived(lines.map((line) => `${line}\r\n`).join(""));
    return received
      .filter(({ payload }) => !payload.includes('"subj":"fence"'))
      .map((one) => JSON.stringify(one.payload.startsWith(TRACE) ? this.#shownTrace(one) : withoutIds(one)))
      .sort();
  }

  #shownTrace({ subject, sid, headers, payload }: Received): unknown {
    const event = JSON.parse(payload) as {
      server: Record<string, unknown>;
      events: Record<string, unknown>[];
    };
    for (const field of ["id", "host", "seq", "time"]) event.server[field] = typeof event.server[field];
    for (const step of event.events) {
      assert.match(String(step["ts"]), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
      step["ts"] = "<time>";
      if ("cid" in step) step["cid"] = this.#cids.get(Number(step["cid"]));
    }
    const steps = event.events.map((step) => JSON.stringify(step).replace(REPLY_ID, "_R_.<id>"));
    return { subject, sid, headers, event: { ...event, events: inOrder(steps) } };
  }
}

/** How traces begin. */
const TRACE = '{"server"';
const REPLY_ID = /_R_\.[A-Za-z0-9.]+/g;

/** Where the message goes on its way from account to account, and then whom it reaches: those in any order. */
function inOrder(steps: readonly string[]): readonly string[] {
  const parts: string[][] = [];
  for (const step of steps) {
    const isEgress = step.startsWith('{"type":"eg"') && step.includes('"acc":');
    // Behind the step of a stream comes the delivery in the other account that it led to.
    const last = parts.at(-1);
    if (isEgress && last?.length === 1 && last[0].startsWith('{"type":"se"')) last.push(step);
    else parts.push([step]);
  }
  const [ingress, ...others] = parts.map((part) => part.join(" "));
  const isCrossing = steps.some((step) => /^\{"type":"s[im]"/.test(step));
  return isCrossing ? [ingress, ...others] : [ingress, ...others.sort()];
}

/** Requests from other accounts carry measured times and replies that nobody can guess. */
function withoutIds({ line, subject, sid, reply, headers, payload }: Received): unknown {
  return {
    line,
    subject,
    sid,
    reply: reply.replace(REPLY_ID, "_R_.<id>"),
    headers: headers
      .replace(/"(start|rtt|id|host)":("[^"]*"|\d+)/g, '"$1":0')
      // The reference has an id there that leads nowhere when the message is through.
      .replace(/(Nats-Trace-Dest: )_R_\.\S+/, "$1trace disabled"),
    payload,
  };
}

function hpub(subject: string, reply: string, headers: readonly string[]): string {
  const block = `NATS/1.0\r\n${headers.map((header) => `${header}\r\n`).join("")}\r\n`;
  return `HPUB ${subject} ${reply} ${block.length} ${block.length + 4}\r\n${block}body\r\n`;
}

describe("traces are the reference's", { skip }, () => {
  const servers: ServerProcess[] = [];
  before(async () => {
    for (const command of [OUR_SERVER, reference ?? ""]) {
      servers.push(await ServerProcess.start({ command, config: CONFIG }));
    }
  });
  after(() => Promise.all(servers.map((server) => server.stop())));

  for (const scene of SCENES) {
    test(scene.about, async () => {
      const [ours, theirs] = await Promise.all(servers.map((server) => Stage.play(server, scene)));
      assert.deepEqual(ours, theirs);
    });
  }
});
