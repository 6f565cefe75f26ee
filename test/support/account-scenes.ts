import type { AccountConfig } from "../../packages/caddis/src/config/accounts.ts";
import { account, serviceExport, serviceImport, streamExport, streamImport } from "./account-world.ts";

/** Accounts, and what their clients (`A1` belongs to `A`) say one after the other; `{reply}` is the reply they got last. */
export interface AccountScene {
  readonly name: string;
  readonly accounts: readonly AccountConfig[];
  readonly steps: readonly (readonly [string, string])[];
  /** The server itself answers, and not always before the next step. */
  readonly isAnsweredLate?: true;
}

const sub = (subject: string, sid: number): string => `SUB ${subject} ${sid}\r\n`;
const pub = (subject: string, payload = "hi", reply = ""): string =>
  `PUB ${subject} ${reply === "" ? "" : `${reply} `}${payload.length}\r\n${payload}\r\n`;
const hpub = (subject: string, reply: string, fields: string, payload = "hi"): string => {
  const headers = `NATS/1.0\r\n${fields}\r\n`;
  const sizes = `${headers.length} ${headers.length + payload.length}`;
  return `HPUB ${subject} ${reply === "" ? "" : `${reply} `}${sizes}\r\n${headers}${payload}\r\n`;
};

/** All that B hears under many patterns, when A publishes to many subjects. */
function streamScene(
  name: string,
  imports: AccountConfig["imports"],
  subscriptions: readonly string[],
  subjects: readonly string[],
  exported = ">",
): AccountScene {
  return {
    name: `stream import ${name}`,
    accounts: [account("A", { exports: [streamExport(exported)] }), account("B", { imports }), account("C")],
    steps: [
      ["B1", subscriptions.map((subject, i) => sub(subject, i + 1)).join("")],
      ["C1", sub(">", 1)],
      ["A1", sub(">", 1)],
      ...subjects.map((subject) => ["A1", pub(subject)] as const),
      ["B1", pub(subjects[0])],
      ["B1", subscriptions.map((_subject, i) => `UNSUB ${i + 1}\r\n`).join("")],
      ["A1", pub(subjects[0])],
    ],
  };
}

const STREAMS: readonly AccountScene[] = [
  streamScene(
    "of a literal",
    [streamImport("A", "foo")],
    ["foo", "*", ">", "bar"],
    ["foo", "bar", "foo.bar"],
  ),
  streamScene(
    "with a prefix",
    [streamImport("A", "foo.*", { prefix: "x.y" })],
    ["x.y.foo.a", "x.y.foo.*", "x.*.foo.*", "x.>", ">", "foo.*"],
    ["foo.a", "foo.b", "foo.a.b"],
  ),
  streamScene(
    "of a literal with a prefix",
    [streamImport("A", "foo", { prefix: "x" })],
    ["x.foo", "x.*", "foo"],
    ["foo"],
  ),
  streamScene(
    "of all with a prefix",
    [streamImport("A", ">", { prefix: "from.a." })],
    ["from.a.>", "from.a.foo", "from.*.*.bar", "*.a.>", "foo"],
    ["foo", "foo.bar", "a"],
  ),
  streamScene(
    "under the same name",
    [streamImport("A", "foo.>")],
    ["foo.*", "foo.a.b", "*.*", "*.a.>", ">", "foo", "foo.>"],
    ["foo.a", "foo.a.b", "foo.b.c", "foo"],
  ),
  streamScene(
    "with swapped tokens",
    [streamImport("A", "foo.*.*", { to: "bar.$2.$1" })],
    ["bar.*.*", "bar.1.2", "bar.2.1", "bar.1.*", "*.*.1", "bar.>", "foo.*.*"],
    ["foo.1.2", "foo.2.1", "foo.1.1", "foo.1"],
  ),
  streamScene(
    "with wildcards to a mustache",
    [streamImport("A", "a.*.b.>", { to: "c.{{wildcard(1)}}.d.>" })],
    ["c.1.d.>", "c.*.d.x", "c.*.*.x.y", ">"],
    ["a.1.b.x", "a.2.b.x", "a.1.b.x.y"],
  ),
  streamScene(
    "with stars as the target",
    [streamImport("A", "a.*", { to: "b.*" })],
    ["b.*", "b.1", "a.*"],
    ["a.1", "a.2"],
  ),
  streamScene(
    "of a literal to another",
    [streamImport("A", "foo", { to: "other.name" })],
    ["other.*", "other.name", "foo", ">"],
    ["foo"],
  ),
  streamScene(
    "of two that overlap",
    [streamImport("A", "foo.>"), streamImport("A", "foo.*", { prefix: "p" })],
    ["foo.1", "p.>", ">"],
    ["foo.1", "foo.1.2"],
  ),
  streamScene(
    "of a part of the export",
    [streamImport("A", "x.*.z")],
    ["x.*.*", "x.y.>", "*.y.z"],
    ["x.y.z", "x.y.y", "x.z"],
    "x.>",
  ),
  {
    name: "streams do not go on to a third account",
    accounts: [
      account("A", { exports: [streamExport("s")] }),
      account("B", { exports: [streamExport("s")], imports: [streamImport("A", "s")] }),
      account("C", { imports: [streamImport("B", "s")] }),
    ],
    steps: [
      ["B1", sub("s", 1)],
      ["C1", sub("s", 1)],
      ["A1", pub("s")],
      ["B1", pub("s")],
      ["C1", pub("s")],
    ],
  },
  {
    name: "a stream's messages keep reply and headers",
    accounts: [
      account("A", { exports: [streamExport("s")] }),
      account("B", { imports: [streamImport("A", "s", { prefix: "p" })] }),
    ],
    steps: [
      ["B1", sub("p.s", 1)],
      ["A1", sub("inbox", 1)],
      ["A1", hpub("s", "inbox", "X: y\r\n")],
      ["A1", pub("s", "", "inbox")],
      ["A1", pub("nobody", "", "inbox")],
    ],
  },
  {
    name: "a queue group over two accounts",
    accounts: [
      account("A", { exports: [streamExport("s")] }),
      account("B", { imports: [streamImport("A", "s")] }),
    ],
    steps: [
      ["B1", "SUB s q 1\r\n"],
      ["A1", pub("s", "1")],
      ["B1", "SUB s other 2\r\n"],
      ["A1", pub("s", "2")],
      ["B1", "UNSUB 1\r\n"],
      ["A1", pub("s", "3")],
    ],
  },
  {
    name: "auto-unsubscribe counts what a stream import brings",
    accounts: [
      account("A", { exports: [streamExport("s")] }),
      account("B", { imports: [streamImport("A", "s")] }),
    ],
    steps: [
      ["B1", sub("s", 1)],
      ["B1", "UNSUB 1\r\n"],
      ["A1", pub("s", "1")],
    ],
  },
];

const SERVICE = account("A", {
  exports: [
    serviceExport("q.>"),
    serviceExport("stream.>", { response_type: "stream" }),
    serviceExport("chunked", { response_type: "chunked" }),
  ],
});

/** What a request by B gets through `imports`, and what A sees of it. */
function serviceScene(
  name: string,
  imports: AccountConfig["imports"],
  requests: readonly string[],
  served = ["q.>"],
): AccountScene {
  return {
    name: `service import ${name}`,
    accounts: [SERVICE, account("B", { imports }), account("C")],
    steps: [
      ["A1", served.map((subject, i) => sub(subject, i + 1)).join("")],
      ["C1", sub(">", 1)],
      ["B1", sub("in", 1)],
      ...requests.flatMap((request) => [
        ["B1", pub(request, "ask", "in")] as const,
        ["A1", pub("{reply}", "answer")] as const,
        ["A1", pub("{reply}", "once more")] as const,
      ]),
      ["B1", pub(requests[0], "no reply")],
    ],
  };
}

const SERVICES: readonly AccountScene[] = [
  serviceScene("of a literal", [serviceImport("A", "q.one")], ["q.one", "q.two"]),
  serviceScene("to another name", [serviceImport("A", "q.one", { to: "my.one" })], ["my.one", "q.one"]),
  serviceScene("of wildcards", [serviceImport("A", "q.*")], ["q.one", "q.one.two"]),
  serviceScene(
    "of wildcards to another name",
    [serviceImport("A", "q.*.*", { to: "my.$2.$1" })],
    ["my.1.2", "q.1.2"],
  ),
  serviceScene("of all below", [serviceImport("A", "q.>", { to: "my.>" })], ["my.1.2", "my.1"]),
  serviceScene("of many by one name", [serviceImport("A", "q.one", { to: "my.*" })], ["my.1", "my.2"]),
  serviceScene("that shares who asks", [serviceImport("A", "q.one", { share: true })], ["q.one"]),
  serviceScene("that nobody serves", [serviceImport("A", "q.one")], ["q.one"], ["other"]),
  {
    name: "an answer with a reply leads back to the service",
    accounts: [SERVICE, account("B", { imports: [serviceImport("A", "q.*")] })],
    steps: [
      ["A1", sub("q.*", 1) + sub("more", 2)],
      ["B1", sub("in", 1)],
      ["B1", pub("q.1", "ask", "in")],
      ["A1", pub("{reply}", "say more", "more")],
      ["B1", pub("{reply}", "more")],
      ["B1", pub("{reply}", "too much")],
    ],
  },
  ...(["stream.1", "chunked"] as const).map((subject) => ({
    name: `many answers from ${subject}`,
    accounts: [SERVICE, account("B", { imports: [serviceImport("A", subject)] })],
    steps: [
      ["A1", sub(subject, 1)],
      ["B1", sub("in", 1)],
      ["B1", pub(subject, "ask", "in")],
      ["A1", pub("{reply}", "1")],
      ["A1", pub("{reply}", "2")],
      ["A1", hpub("{reply}", "", "A: b\r\n", "")],
      ["A1", pub("{reply}", "")],
      ["A1", pub("{reply}", "after the end")],
    ] as const,
  })),
  {
    name: "a client's own Nats-Request-Info is replaced",
    accounts: [SERVICE, account("B", { imports: [serviceImport("A", "q.*")] })],
    steps: [
      ["A1", sub("q.*", 1)],
      ["B1", hpub("q.1", "in", 'Nats-Request-Info: {"acc":"A","user":"root"}\r\nA: b\r\n')],
      ["B1", hpub("q.1", "", 'A: b\r\nNats-Request-Info: {"acc":"A"}\r\nNats-Request-Info: {"acc":"C"}\r\n')],
    ],
  },
  {
    name: "a service through three accounts",
    accounts: [
      SERVICE,
      account("B", { exports: [serviceExport("b.*")], imports: [serviceImport("A", "q.*", { to: "b.*" })] }),
      account("C", { imports: [serviceImport("B", "b.*", { to: "c.*", share: true })] }),
      account("D", { exports: [serviceExport("d")], imports: [serviceImport("C", "c")] }),
    ].slice(0, 3),
    steps: [
      ["A1", sub("q.*", 1)],
      ["B1", sub("in", 1) + sub("b.*", 2)],
      ["C1", sub("in", 1)],
      ["C1", pub("c.1", "ask", "in")],
      ["A1", pub("{reply}", "answer")],
      ["A1", pub("{reply}", "again")],
      ["B1", pub("b.1", "ask", "in")],
      ["A1", pub("{reply}", "answer")],
      ["A1", "UNSUB 1\r\n"],
      ["B1", "UNSUB 2\r\n"],
      ["C1", pub("c.1", "ask", "in")],
    ],
  },
  {
    name: "one subject served by two accounts",
    accounts: [
      account("A", { exports: [serviceExport("q")] }),
      account("B", { exports: [serviceExport("q")] }),
      account("C", { imports: [serviceImport("A", "q"), serviceImport("B", "q")] }),
    ],
    steps: [
      ["A1", sub("q", 1)],
      ["B1", sub("q", 1)],
      ["C1", sub("in", 1)],
      ["C1", pub("q", "ask", "in")],
      ["A1", pub("{reply}", "a")],
      ["B1", pub("{reply}", "b")],
    ],
  },
  {
    name: "what comes by a service is not exported as a stream",
    accounts: [
      account("A", { exports: [serviceExport("q"), streamExport("q")] }),
      account("B", { imports: [serviceImport("A", "q")] }),
      account("C", { imports: [streamImport("A", "q")] }),
    ],
    steps: [
      ["C1", sub("q", 1)],
      ["B1", sub("in", 1)],
      ["B1", pub("q", "ask", "in")],
      ["A1", pub("q", "ask")],
      ["A1", sub("q", 1)],
      ["B1", pub("q", "ask", "in")],
    ],
  },
  {
    name: "the exporter's mappings apply to requests",
    accounts: [
      account("A", { exports: [serviceExport("q")], mappings: [{ source: "q", destinations: "elsewhere" }] }),
      account("B", { imports: [serviceImport("A", "q")], mappings: [{ source: "in", destinations: "out" }] }),
    ],
    steps: [
      ["A1", sub("q", 1) + sub("elsewhere", 2)],
      ["B1", sub("in", 1) + sub("out", 2)],
      ["B1", pub("q", "ask", "in")],
      ["A1", pub("{reply}", "answer")],
    ],
  },
  {
    name: "a service of one's own account",
    accounts: [
      account("A", { exports: [serviceExport("q")], imports: [serviceImport("A", "q", { to: "mine" })] }),
    ],
    steps: [
      ["A1", sub("q", 1) + sub("in", 2)],
      ["A2", sub("in", 1)],
      ["A2", pub("mine", "ask", "in")],
      ["A1", pub("{reply}", "answer")],
    ],
  },
  {
    name: "who am I",
    isAnsweredLate: true,
    accounts: [account("A"), account("B")],
    steps: [
      ["A1", sub("in", 1)],
      ["A1", pub("$SYS.REQ.USER.INFO", "", "in")],
      ["A1", hpub("$SYS.REQ.USER.INFO", "in", 'Nats-Request-Info: {"acc":"B","user":"B"}\r\n')],
      ["A1", pub("$SYS.REQ.USER.B.INFO", "", "in")],
    ],
  },
  {
    name: "accounts are apart",
    accounts: [account("A"), account("B")],
    steps: [
      ["A1", sub(">", 1)],
      ["B1", sub(">", 1)],
      ["A1", pub("x")],
      ["B1", pub("x")],
    ],
  },
];

const measured = (sampling: number | "headers"): AccountConfig =>
  account("A", { exports: [serviceExport("q.*", { latency: { subject: "latency", sampling } })] });
const TRACE_FIELDS = [
  "Uber-Trace-Id: 479fefe9525eddb:5adb976bfc1f95c1:479fefe9525eddb:1\r\nUberctx-X: 1\r\n",
  "Uber-Trace-Id: 479fefe9525eddb:5adb976bfc1f95c1:479fefe9525eddb:0\r\nB3: 1\r\n",
  "X-B3-Sampled: 1\r\n",
  "X-B3-Sampled: 0\r\nX-B3-TraceId: 80f198ee56343ba864fe8b2a57d3eff7\r\n",
  "x-b3-traceid: 80f198ee56343ba864fe8b2a57d3eff7\r\nX-B3-SpanId: 1\r\n",
  "b3: 80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1-05e3ac9a4f6e3b90\r\n",
  "b3: 80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-0\r\n",
  "b3: 0\r\n",
  "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\ntracestate: a=b\r\n",
  "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00\r\n",
  "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-ff\r\n",
  "Other: x\r\n",
];

const LATENCY: readonly AccountScene[] = [
  {
    name: "latency of a service: answered, without reply, given up, and nobody there",
    accounts: [measured(100), account("B", { imports: [serviceImport("A", "q.*", { share: true })] })],
    steps: [
      ["A1", sub("q.*", 1) + sub("latency", 2)],
      ["B1", sub("in", 1)],
      ["B1", pub("q.1", "ask", "in")],
      ["A1", pub("{reply}", "answer")],
      ["B1", pub("q.1", "no reply")],
      ["B1", pub("q.1", "ask", "in")],
      ["B1", "UNSUB 1\r\n"],
      ["B1", sub("in", 2)],
      ["A1", "UNSUB 1\r\n"],
      ["B1", pub("q.1", "ask", "in")],
    ],
  },
  {
    name: "latency by trace headers",
    accounts: [measured("headers"), account("B", { imports: [serviceImport("A", "q.*")] })],
    steps: [
      ["A1", sub("q.*", 1) + sub("latency", 2)],
      ["B1", sub("in", 1)],
      ...TRACE_FIELDS.flatMap((fields) => [
        ["B1", hpub("q.1", "in", fields)] as const,
        ["A1", pub("{reply}", "answer")] as const,
      ]),
      ["B1", pub("q.1", "ask", "in")],
    ],
  },
];

const approvedFor = (
  accounts: readonly string[],
): { approval: { kind: "accounts"; accounts: readonly string[] } } => ({
  approval: { kind: "accounts", accounts },
});

const ALLOWED: readonly AccountScene[] = [
  {
    name: "private exports, for those they name",
    accounts: [
      account("A", {
        exports: [
          streamExport("s", approvedFor(["B"])),
          serviceExport("q", approvedFor(["B"])),
          streamExport("by.*.name", { account_token_position: 2 }),
          serviceExport("ask.*", { account_token_position: 2 }),
        ],
      }),
      account("B", {
        imports: [
          streamImport("A", "s"),
          serviceImport("A", "q"),
          streamImport("A", "by.B.name"),
          serviceImport("A", "ask.B", { to: "ask" }),
        ],
      }),
    ],
    steps: [
      ["A1", sub("q", 1) + sub("ask.*", 2)],
      ["B1", sub("s", 1) + sub("by.>", 2)],
      ["A1", pub("s")],
      ["A1", pub("by.B.name")],
      ["A1", pub("by.C.name")],
      ["B1", pub("q")],
      ["B1", pub("ask")],
    ],
  },
];

/** What was asked of both servers. */
export const ACCOUNT_SCENES: readonly AccountScene[] = [...STREAMS, ...SERVICES, ...LATENCY, ...ALLOWED];
