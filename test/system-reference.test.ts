/**
 * Requests in the system account side by side with the reference server: the same clients do the same, the same is
 * asked, and the answers are the same: keys and their order, kinds of values, and every value that is not a matter of
 * time, machine or runtime.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { findReferenceServer, OUR_SERVER } from "./support/server-process.ts";
import { type Question, SystemSide } from "./support/system-side.ts";

const reference = findReferenceServer();
const skip = reference === null ? "no nats-server on PATH" : false;

const CONFIG = `
server_name: n1
server_tags: ["b:1", "A"]
server_metadata: {z: "1", a: "<x>"}
max_closed_clients: 100
accounts {
  SYS { users: [{user: sys, password: sys}], exports: [{service: "$SYS.DEBUG.SUBSCRIBERS"}] }
  A {
    users: [{user: a, password: a}]
    imports: [{service: {account: SYS, subject: "$SYS.DEBUG.SUBSCRIBERS"}}]
    mappings: {from: to}
  }
  B { users: [{user: b, password: b}] }
}
system_account: SYS
`;

async function onBoth(act: (sides: readonly SystemSide[]) => Promise<void>): Promise<void> {
  const starts = await Promise.allSettled(
    [OUR_SERVER, reference ?? ""].map((command) => SystemSide.start(command, CONFIG)),
  );
  const sides = starts.flatMap((start) => (start.status === "fulfilled" ? [start.value] : []));
  try {
    for (const start of starts) if (start.status === "rejected") throw start.reason;
    await act(sides);
  } finally {
    await Promise.all(sides.map((side) => side.stop()));
  }
}

/** The deeds, so that every count differs from connection to connection. */
async function play(side: SystemSide): Promise<void> {
  const first = await side.connect("a");
  first.subscribe("foo.*");
  first.subscribe("foo.bar", { queue: "q", max: 9 });
  // One more than the others have: of those that are alike the reference lists any first.
  first.subscribe("baz");
  await first.flush();
  const second = await side.connect("a");
  second.publish("foo.bar", "abc");
  second.publish("nobody", "12345");
  await second.flush();
  await first.flush();
}

/** Asks both and compares. */
async function compare(
  [our, their]: readonly SystemSide[],
  questions: readonly Question[],
  shown: (answers: readonly unknown[]) => unknown = (answers) => answers,
): Promise<void> {
  for (const question of questions) {
    const theirs = await their.ask(question);
    const ours = await our.ask(question, theirs.length);
    assert.equal(text(shown(ours)), text(shown(theirs)), question.join(" "));
  }
}

/** Shows the order of keys too. */
function text(value: unknown): string {
  return JSON.stringify(value, null, 1);
}

const SERVER = "$SYS.REQ.SERVER.<id>";
const ALL = "$SYS.REQ.SERVER.PING";

const NAMES = [
  "IDZ",
  "STATSZ",
  "VARZ",
  "SUBSZ",
  "CONNZ",
  "ROUTEZ",
  "GATEWAYZ",
  "LEAFZ",
  "ACCOUNTZ",
  "JSZ",
].concat(["HEALTHZ", "RAFTZ"]);

const CONNZ_BODIES = [
  "null",
  '{"limit":1}',
  '{"LIMIT":1,"offset":1}',
  '{"sort":"foo"}',
  '{"sort":"subs"}',
  '{"sort":"stop"}',
  '{"state":1}',
  '{"state":2}',
  '{"acc":"A","auth":true,"subscriptions":true}',
  '{"acc":"A","subscriptions_detail":true}',
  '{"acc":"C"}',
  '{"user":"a","auth":true}',
  '{"cid":999}',
  '{"mqtt_client":"m"}',
  '{"filter_subject":"foo.x"}',
  '{"filter_subject":"foo.x","acc":"A"}',
  '{"filter_subject":"foo.bar.baz","acc":"A"}',
  '{"filter_subject":">"}',
];

const FILTERS = [
  '{"server_name":"x"}',
  '{"server_name":"n"}',
  '{"server_name":"n","exact_match":true}',
  '{"server_name":"n1","exact_match":true}',
  '{"host":"127."}',
  '{"host":"127.","exact_match":true}',
  '{"tags":["a","B:1"]}',
  '{"tags":[" A "]}',
  '{"tags":["c"]}',
  '{"tags":null}',
  '{"cluster":"c"}',
  '{"domain":"d"}',
];

const UNREADABLE = [
  "{",
  "[]",
  "1",
  '"x"',
  "  ",
  '{"server_name":3}',
  '{"tags":"A"}',
  '{"exact_match":"true"}',
];

const ACCOUNTS: readonly Question[] = ["SUBSZ", "CONNZ", "LEAFZ", "JSZ", "INFO", "STATZ"]
  .flatMap((name) =>
    ["A", "B", "SYS", "C", "PING"].map((account): Question => [`$SYS.REQ.ACCOUNT.${account}.${name}`]),
  )
  // The system account's traffic is that of the questions.
  .filter(([subject]) => !/(?:SYS.STATZ|PING.STATZ|SYS.CONNZ)$/.test(subject));

test("answers are those of the reference", { skip }, async () => {
  await onBoth(async (sides) => {
    await Promise.all(sides.map(play));
    await compare(sides, [
      ...NAMES.flatMap((name): Question[] => [[`${SERVER}.${name}`], [`${ALL}.${name}`]]),
      [ALL],
      [`${SERVER}.NOPE`],
      [`${ALL}.RELOAD`],
      [`${ALL}.KICK`, '{"cid":1}'],
      ...CONNZ_BODIES.map((body): Question => [`${SERVER}.CONNZ`, body]),
      ...FILTERS.flatMap((body): Question[] => [
        [`${ALL}.HEALTHZ`, body],
        [`${ALL}.STATSZ`, body],
        [`${ALL}.IDZ`, body],
        ["$SYS.REQ.ACCOUNT.A.LEAFZ", body],
      ]),
      ...['{"test":"foo.bar"}', '{"test":"foo.*"}', '{"subscriptions":true,"account":"A"}'].map(
        (body): Question => [`${SERVER}.SUBSZ`, body],
      ),
      ...['{"account":"A"}', '{"account":"C"}'].map((body): Question => [`${SERVER}.ACCOUNTZ`, body]),
      ...[
        '{"stream":"S"}',
        '{"stream":"S","details":true}',
        '{"details":true}',
        '{"js-enabled-only":true}',
      ].map((body): Question => [`${SERVER}.HEALTHZ`, body]),
      ...['{"leader_only":true}', '{"accounts":true}'].map((body): Question => [`${SERVER}.JSZ`, body]),
      ...["gzip", "snappy", "S2", "gzip, snappy", "br", ""].map((accept): Question => [
        `${SERVER}.RAFTZ`,
        "",
        accept,
      ]),
      [`${SERVER}.ACCOUNTZ`, '{"account":"C"}', "gzip"],
      [`${SERVER}.STATSZ`, "", "gzip"],
    ]);
  });
});

test("answers about accounts are those of the reference", { skip }, async () => {
  await onBoth(async (sides) => {
    await Promise.all(sides.map(play));
    await compare(sides, [
      ...ACCOUNTS,
      ["$SYS.REQ.ACCOUNT.B.STATZ", '{"include_unused":true}'],
      ["$SYS.REQ.ACCOUNT.B.STATZ", '{"accounts":["A"]}'],
      ["$SYS.REQ.ACCOUNT.PING.STATZ", '{"accounts":["A","B"]}'],
      ["$SYS.REQ.ACCOUNT.PING.STATZ", '{"accounts":["C"]}'],
      ["$SYS.REQ.ACCOUNT.A.CONNZ", '{"acc":"B","auth":true}'],
      ["$SYS.REQ.ACCOUNT.A.SUBSZ", '{"account":"B","test":"foo.bar"}'],
      ...['{"acc":"A","subject":"foo.bar"}', '{"acc":"A","subject":"foo.bar","queue":"cQ=="}'].map(
        (body): Question => ["$SYS.REQ.ACCOUNT.NSUBS", body],
      ),
      ...['{"acc":"A","subject":"foo.*"}', '{"acc":"B","subject":"foo"}', "", "x"].map((body): Question => [
        "$SYS.REQ.ACCOUNT.NSUBS",
        body,
      ]),
      ...["foo.bar", "answers", "end.>", "", "a b c"].map((body): Question => [
        "$SYS.DEBUG.SUBSCRIBERS",
        body,
      ]),
    ]);
    const shown = (answers: readonly unknown[]): unknown =>
      JSON.stringify(answers).replace(/"id":"\w{22}"/, "");
    await compare(
      sides,
      ["A", "B", "C", "PING"].map((account): Question => [`$SYS.REQ.ACCOUNT.${account}.CONNS`]),
      shown,
    );
  });
});

test("what accounts ask about themselves is what the reference tells them", { skip }, async () => {
  await onBoth(async (sides) => {
    const told = await Promise.all(
      sides.map(async (side) => {
        const client = await side.connect("a");
        side.asker = side.cid(1);
        client.subscribe("foo.*");
        client.subscribe("foo.bar", { queue: "q" });
        const answers: string[] = [];
        for (const [subject, body] of [
          ["$SYS.REQ.SERVER.PING.CONNZ", '{"acc":"B","auth":true}'],
          ["$SYS.REQ.ACCOUNT.PING.CONNZ", ""],
          ["$SYS.REQ.ACCOUNT.PING.STATZ", '{"accounts":["B"]}'],
          ["$SYS.DEBUG.SUBSCRIBERS", "foo.bar"],
          ["$SYS.DEBUG.SUBSCRIBERS", "foo.bar q"],
          ["$SYS.DEBUG.SUBSCRIBERS", "foo.*"],
        ]) {
          const answer = await client.request(subject, body);
          const shown = text(side.comparable(answer.json(), ""));
          answers.push(shown.replaceAll(/"msgs": \d+/g, '"msgs": "<number>"'));
        }
        for (const subject of [
          "$SYS.REQ.SERVER.PING",
          "$SYS.REQ.SERVER.PING.VARZ",
          "$SYS.REQ.ACCOUNT.A.INFO",
        ]) {
          const refusal = client.request(subject).then(({ subject }) => `answered on ${subject}`);
          answers.push(await refusal.catch(String));
        }
        return answers;
      }),
    );
    assert.deepEqual(told[0], told[1]);
    assert.match(told[0].at(-1) ?? "", /no responders/);
  });
});

test("bad requests are refused alike", { skip }, async () => {
  await onBoth(async (sides) => {
    const shown = (answers: readonly unknown[]): unknown =>
      // The words are each server's own.
      JSON.stringify(answers).replaceAll(/"description":"[^"]*(?:\\.[^"]*)*"/g, "");
    await compare(
      sides,
      ["CONNZ", "STATSZ", "RELOAD", "VARZ"].flatMap((name) =>
        UNREADABLE.map((body): Question => [`${SERVER}.${name}`, body]),
      ),
      shown,
    );
    await compare(
      sides,
      ['{"limit":"1"}', '{"limit":1.5}', '{"cid":-1}', '{"state":"open"}', '{"auth":1}'].map(
        (body): Question => [`${SERVER}.CONNZ`, body],
      ),
      shown,
    );
  });
});

test("orders are carried out", { skip }, async () => {
  await onBoth(async (sides) => {
    const told = await Promise.all(
      sides.map(async (side) => {
        const away = await side.connect("a");
        const kicked = await side.connect("b");
        const hints = away.status();
        await away.flush();
        const orders: Question[] = [
          [`${SERVER}.KICK`, '{"cid":9999}'],
          [`${SERVER}.LDM`, '{"cid":9999}'],
          [`${SERVER}.LDM`, `{"cid":${side.cid(1)}}`],
          [`${SERVER}.KICK`, `{"cid":${side.cid(2)}}`],
          [`${SERVER}.RELOAD`],
        ];
        const others = `{"cid":${side.cid(2)},"server_name":"x"}`;
        const answers = [await side.ask([`${SERVER}.KICK`, others])];
        for (const order of orders) answers.push(await side.ask(order, 1));
        for await (const hint of hints) if (hint.type === "ldm") break;
        const isAwayOpen = !away.isClosed();
        await kicked.closed();
        const closed = await side.ask([`${SERVER}.CONNZ`, '{"state":1}'], 1);
        return text({ answers, isAwayOpen, closed });
      }),
    );
    assert.equal(told[0], told[1]);
    assert.match(told[0], /"reason": "Kicked"/);
  });
});

test("the end of a server is told", { skip }, async () => {
  await onBoth(async (sides) => {
    const told = await Promise.all(
      sides.map(async (side) => {
        const heard: string[] = [];
        side.operator.subscribe("$SYS.SERVER.*.*", {
          callback: (_error, message) => {
            if (message.subject.endsWith("STATSZ")) return;
            const subject = message.subject.replace(side.serverId, "<id>");
            heard.push(`${subject} ${JSON.stringify(side.comparable(message.json(), ""))}`);
          },
        });
        await side.operator.flush();
        side.server.signal("SIGTERM");
        await side.operator.closed();
        return heard;
      }),
    );
    assert.equal(told[0].length, 1);
    assert.match(told[0][0], /^\$SYS\.SERVER\.<id>\.SHUTDOWN /);
    assert.deepEqual(told[0], told[1]);
  });
});

test("statistics come by themselves, in the reference's form", { skip }, async () => {
  await onBoth(async (sides) => {
    const told = await Promise.all(
      sides.map(async (side) => {
        const statistics = side.operator.subscribe(`$SYS.SERVER.${side.serverId}.STATSZ`, { max: 1 });
        await side.operator.flush();
        // Without a subject for the answer they come where they come by the clock.
        side.operator.publish("$SYS.REQ.SERVER.PING.STATSZ");
        for await (const message of statistics) return JSON.stringify(side.comparable(message.json(), ""));
        return "";
      }),
    );
    assert.equal(told[0], told[1]);
  });
});
