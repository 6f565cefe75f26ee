import assert from "node:assert/strict";
import test from "node:test";
import { StreamStage } from "../../../../test/support/stream-stage.ts";
import { makeMessage } from "../broker/message.ts";
import { Publish } from "./core/publish.ts";
import type { StreamConfig } from "./core/stream-config.ts";

const NS_PER_SECOND = 1e9;

/** What is answered where a message is refused. */
function refusal(code: number, errCode: number, description: string, stream = "S"): string {
  return JSON.stringify({ error: { code, err_code: errCode, description }, stream, seq: 0 });
}

test("a message is stored and acknowledged", async () => {
  const stage = new StreamStage();
  const stream = await stage.stream({ subjects: ["a.*", "b"] });
  assert.equal(await stage.publish("a.1", "one"), '{"stream":"S","seq":1}');
  assert.equal(await stage.publish("b", "two", ["X: y"]), '{"stream":"S","seq":2}');
  assert.deepEqual(stage.kept(stream), [
    { seq: 1, subject: "a.1", headers: "", payload: "one" },
    { seq: 2, subject: "b", headers: "NATS/1.0\r\nX: y\r\n\r\n", payload: "two" },
  ]);
  assert.equal(stream.visibleSeq, 2);
});

test("what another stream's consumer sends to its subjects keeps the subject it has there", async () => {
  const stage = new StreamStage();
  const stream = await stage.stream({ subjects: ["in", "wild.*"] });
  for (const [subject, inbox] of [
    ["ab", "in"],
    ["abc", "in"],
    ["cd", "wild.1"],
  ]) {
    const message = makeMessage(subject, "", "", Buffer.alloc(0));
    message.inbox = inbox;
    stage.peer.client.account.publish(message);
  }
  assert.equal(stage.list(stream), "1:ab 2:abc 3:cd");
});

test("many publishes in one read are acknowledged each, in order", async () => {
  const stage = new StreamStage();
  await stage.stream();
  const text = Array.from({ length: 300 }, (_, i) => `PUB S _INBOX.${i} 1\r\nx\r\n`).join("");
  stage.peer.say(text);
  await stage.world.clock.settled();
  const expected = Array.from({ length: 300 }, (_, i) => [`_INBOX.${i}`, `{"stream":"S","seq":${i + 1}}`]);
  assert.deepEqual(stage.answers(), expected);
});

test("the domain stands in acknowledgements, not in refusals", async () => {
  const stage = new StreamStage({ domain: "hub" });
  await stage.stream({ max_msg_size: 3 });
  assert.equal(await stage.publish("S", "abc"), '{"stream":"S","domain":"hub","seq":1}');
  assert.equal(await stage.publish("S", "abcd"), refusal(400, 10054, "message size exceeds maximum allowed"));
});

test("no_ack answers nothing", async () => {
  const stage = new StreamStage();
  const stream = await stage.stream({ no_ack: true, max_msg_size: 3 });
  assert.equal(await stage.publish("S", "abc"), "");
  assert.equal(await stage.publish("S", "abcd"), "");
  assert.equal(stage.list(stream), "1:S");
});

const REFUSALS: readonly {
  readonly name: string;
  readonly config: Partial<StreamConfig>;
  readonly before?: readonly (readonly [subject: string, payload: string, ...headers: string[]])[];
  readonly message: readonly [subject: string, payload: string, ...headers: string[]];
  readonly answer: string;
}[] = [
  {
    name: "sealed",
    config: { sealed: true },
    message: ["S", ""],
    answer: refusal(400, 10109, "invalid operation on sealed stream"),
  },
  {
    name: "other stream expected",
    config: {},
    message: ["S", "", "Nats-Expected-Stream: T"],
    answer: refusal(400, 10060, "expected stream does not match"),
  },
  {
    name: "last sequence expected",
    config: {},
    before: [["S", ""]],
    message: ["S", "", "Nats-Expected-Last-Sequence: 0"],
    answer: refusal(400, 10071, "wrong last sequence: 1"),
  },
  {
    name: "last sequence of the subject expected",
    config: { subjects: ["a", "b"] },
    before: [
      ["a", ""],
      ["b", ""],
    ],
    message: ["a", "", "Nats-Expected-Last-Subject-Sequence: 2"],
    answer: refusal(400, 10071, "wrong last sequence: 1"),
  },
  {
    name: "last sequence of another subject expected",
    config: { subjects: ["x.*"] },
    before: [
      ["x.a", ""],
      ["x.b", ""],
    ],
    message: [
      "x.a",
      "",
      "Nats-Expected-Last-Subject-Sequence: 1",
      "Nats-Expected-Last-Subject-Sequence-Subject: x.*",
    ],
    answer: refusal(400, 10071, "wrong last sequence: 2"),
  },
  {
    name: "a subject expected without a sequence",
    config: {},
    message: ["S", "", "Nats-Expected-Last-Subject-Sequence-Subject: x"],
    answer: refusal(400, 10193, "missing sequence for expected last sequence per subject"),
  },
  {
    name: "last message id expected",
    config: {},
    before: [["S", "", "Nats-Msg-Id: one"]],
    message: ["S", "", "Nats-Expected-Last-Msg-Id: two"],
    answer: refusal(400, 10070, "wrong last msg ID: one"),
  },
  {
    name: "headers too long",
    config: {},
    message: ["S", "", `X: ${"y".repeat(65_536)}`],
    answer: refusal(400, 10097, "header size exceeds maximum allowed of 64k"),
  },
  {
    name: "roll-up not allowed",
    config: {},
    message: ["S", "", "Nats-Rollup: sub"],
    answer: refusal(500, 10111, "rollup not permitted"),
  },
  {
    name: "roll-up of nothing that is",
    config: { allow_rollup_hdrs: true },
    message: ["S", "", "Nats-Rollup: none"],
    answer: refusal(500, 10111, 'rollup value invalid: "none"'),
  },
  {
    name: "TTL not allowed",
    config: {},
    message: ["S", "", "Nats-TTL: 2s"],
    answer: refusal(400, 10166, "per-message TTL is disabled"),
  },
  {
    name: "TTL invalid",
    config: { allow_msg_ttl: true },
    message: ["S", "", "Nats-TTL: 500ms"],
    answer: refusal(400, 10165, "invalid per-message TTL"),
  },
  {
    name: "a source's header",
    config: {},
    message: ["S", "", "Nats-Stream-Source: x 1 > > y"],
    answer: refusal(400, 10227, "message stream source header is not allowed"),
  },
  {
    name: "a counter where there are none",
    config: {},
    message: ["S", "", "Nats-Incr: 1"],
    answer: refusal(400, 10168, "message counters is disabled"),
  },
  {
    name: "too many messages",
    config: { max_msgs: 1, discard: "new" },
    before: [["S", ""]],
    message: ["S", ""],
    answer: refusal(503, 10077, "maximum messages exceeded"),
  },
  {
    name: "too many bytes",
    config: { max_bytes: 40, discard: "new" },
    before: [["S", "12345"]],
    message: ["S", "12345"],
    answer: refusal(503, 10077, "maximum bytes exceeded"),
  },
  {
    name: "too many messages of a subject",
    config: { max_msgs_per_subject: 1, discard: "new", discard_new_per_subject: true },
    before: [["S", ""]],
    message: ["S", ""],
    answer: refusal(503, 10077, "maximum messages per subject exceeded"),
  },
];

for (const { name, config, before = [], message, answer } of REFUSALS) {
  test(`refused: ${name}`, async () => {
    const stage = new StreamStage();
    const stream = await stage.stream(config);
    for (const [subject, payload, ...headers] of before) await stage.publish(subject, payload, headers);
    const kept = stage.list(stream);
    const [subject, payload, ...headers] = message;
    assert.equal(await stage.publish(subject, payload, headers), answer);
    assert.equal(stage.list(stream), kept);
  });
}

test("what comes twice within the window is stored once", async () => {
  const stage = new StreamStage();
  const stream = await stage.stream({ duplicate_window: 10 * NS_PER_SECOND });
  assert.equal(await stage.publish("S", "1", ["Nats-Msg-Id: one"]), '{"stream":"S","seq":1}');
  await stage.advance(9_000);
  assert.equal(
    await stage.publish("S", "2", ["Nats-Msg-Id: one"]),
    '{"stream":"S","seq":1,"duplicate": true}',
  );
  await stage.advance(1_000);
  assert.equal(await stage.publish("S", "3", ["Nats-Msg-Id: one"]), '{"stream":"S","seq":2}');
  assert.equal(stage.list(stream), "1:S 2:S");
  await stage.advance(20_000);
  assert.equal(stream.duplicates.size, 0, "ids are forgotten without a message that asks");
});

test("old messages make way: by number, bytes, and per subject", async () => {
  const stage = new StreamStage();
  const byNumber = await stage.stream({ name: "N", max_msgs: 2 });
  const byBytes = await stage.stream({ name: "B", max_bytes: 50 });
  const bySubject = await stage.stream({ name: "P", subjects: ["p.*"], max_msgs_per_subject: 2 });
  for (let i = 0; i < 4; i++) {
    await stage.publish("N");
    await stage.publish("B", "12345");
    await stage.publish("p.a");
  }
  await stage.publish("p.b");
  assert.equal(stage.list(byNumber), "3:N 4:N");
  assert.equal(stage.list(byBytes), "3:B 4:B");
  assert.equal(stage.list(bySubject), "3:p.a 4:p.a 5:p.b");
});

test("with discard: new a message may take the place of its subject's first", async () => {
  const stage = new StreamStage();
  const stream = await stage.stream({
    subjects: ["s.*"],
    max_msgs: 2,
    max_bytes: 60,
    max_msgs_per_subject: 1,
    discard: "new",
  });
  await stage.publish("s.a", "12345");
  await stage.publish("s.b", "12345");
  assert.equal(await stage.publish("s.a", "12345"), '{"stream":"S","seq":3}');
  assert.equal(await stage.publish("s.c"), refusal(503, 10077, "maximum messages exceeded"));
  const larger = "1".repeat(40);
  assert.equal(await stage.publish("s.a", larger), refusal(503, 10077, "maximum bytes exceeded"));
  assert.equal(stage.list(stream), "2:s.b 3:s.a");
});

test("a roll-up leaves itself, of its subject or of all", async () => {
  const stage = new StreamStage();
  const stream = await stage.stream({ subjects: ["s.*"], allow_rollup_hdrs: true });
  for (const subject of ["s.a", "s.b", "s.a"]) await stage.publish(subject);
  await stage.publish("s.a", "", ["Nats-Rollup: SUB"]);
  assert.equal(stage.list(stream), "2:s.b 4:s.a");
  await stage.publish("s.c", "", ["Nats-Rollup: all"]);
  assert.equal(stage.list(stream), "5:s.c");
});

test("messages go when they are too old, and those with their own time when it comes", async () => {
  const stage = new StreamStage();
  const stream = await stage.stream({ max_age: 10 * NS_PER_SECOND, allow_msg_ttl: true, subjects: ["s.*"] });
  await stage.publish("s.age");
  await stage.publish("s.ttl", "", ["Nats-TTL: 3s"]);
  await stage.publish("s.never", "", ["Nats-TTL: never"]);
  await stage.publish("s.long", "", ["Nats-TTL: 1h"]);
  await stage.advance(2_999);
  assert.equal(stage.list(stream), "1:s.age 2:s.ttl 3:s.never 4:s.long");
  await stage.advance(2);
  assert.equal(stage.list(stream), "1:s.age 3:s.never 4:s.long");
  await stage.advance(6_000);
  await stage.publish("s.young");
  await stage.advance(1_001);
  assert.equal(stage.list(stream), "3:s.never 5:s.young");
  await stage.advance(9_000);
  assert.equal(stage.list(stream), "3:s.never");
  await stage.advance(86_400_000);
  assert.equal(stage.list(stream), "3:s.never");
});

test("the only message of a subject leaves a marker behind, which leaves none", async () => {
  const stage = new StreamStage();
  const stream = await stage.stream({
    max_age: 2 * NS_PER_SECOND,
    allow_msg_ttl: true,
    allow_rollup_hdrs: true,
    subject_delete_marker_ttl: 90 * NS_PER_SECOND,
    subjects: ["s.*"],
  });
  await stage.publish("s.a", "1");
  await stage.publish("s.a", "2");
  await stage.publish("s.b", "", ["KV-Operation: PURGE"]);
  await stage.advance(2_500);
  const headers = "NATS/1.0\r\nNats-Marker-Reason: MaxAge\r\nNats-TTL: 1m30s\r\nNats-Rollup: sub\r\n\r\n";
  assert.deepEqual(stage.kept(stream), [{ seq: 4, subject: "s.a", headers, payload: "" }]);
  await stage.advance(90_000);
  assert.equal(stage.list(stream), "");
});

test("a TTL that is shorter than that of markers is made as long", async () => {
  const stage = new StreamStage();
  const stream = await stage.stream({
    allow_msg_ttl: true,
    allow_rollup_hdrs: true,
    subject_delete_marker_ttl: 60 * NS_PER_SECOND,
  });
  await stage.publish("S", "x", ["Nats-TTL: 5s", "A: b"]);
  const [{ headers }] = stage.kept(stream);
  assert.equal(headers, "NATS/1.0\r\nA: b\r\nNats-TTL: 60\r\n\r\n");
  await stage.advance(59_000);
  assert.equal(stage.list(stream), "1:S");
});

test("subjects are rewritten on the way in, and messages republished", async () => {
  const stage = new StreamStage();
  const stream = await stage.stream({
    subjects: ["in.*"],
    subject_transform: { src: "in.*", dest: "kept.$1" },
    republish: { src: "kept.>", dest: "out.>", headers_only: false },
  });
  const listener = stage.world.connect();
  listener.say("SUB out.> 5\r\n");
  await stage.publish("in.a", "1");
  await stage.publish("in.a", "22", ["X: y"]);
  assert.equal(stage.list(stream), "1:kept.a 2:kept.a");
  const time = "2026-01-01T00:00:00Z";
  const fields = (seq: number, last: number): string =>
    `Nats-Stream: S\r\nNats-Subject: kept.a\r\nNats-Sequence: ${seq}\r\nNats-Time-Stamp: ${time}\r\nNats-Last-Sequence: ${last}\r\n\r\n`;
  const first = `NATS/1.0\r\n${fields(1, 0)}`;
  const second = `NATS/1.0\r\nX: y\r\n${fields(2, 1)}`;
  assert.equal(
    listener.read(),
    `HMSG out.a 5 ${first.length} ${first.length + 1}\r\n${first}1\r\n` +
      `HMSG out.a 5 ${second.length} ${second.length + 2}\r\n${second}22\r\n`,
  );
});

test("two streams that republish to each other let others have their turns", async () => {
  const stage = new StreamStage();
  await stage.stream({ name: "A", subjects: ["a"], republish: { src: "a", dest: "b", headers_only: false } });
  const other = await stage.stream({
    name: "B",
    subjects: ["b"],
    republish: { src: "b", dest: "a", headers_only: false },
  });
  stage.say("a", "round");
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  for (let turns = 0; turns < 10; turns++) await turn();
  const { messages } = other.store.state;
  assert.ok(messages >= 2 && messages <= 10, `one round takes a turn or two: ${messages}`);
  await stage.owner.close();
});

test("without a consumer, retention by interest only counts", async () => {
  const stage = new StreamStage();
  const stream = await stage.stream({ retention: "interest" });
  assert.equal(await stage.publish("S"), '{"stream":"S","seq":1}');
  assert.equal(await stage.publish("S"), '{"stream":"S","seq":2}');
  assert.equal(stage.list(stream), "");
  assert.equal(stream.store.state.lastSeq, 2);
});

test("messages are purged: all, up to a sequence, by subject, but for some", async () => {
  const stage = new StreamStage();
  const stream = await stage.stream({ subjects: ["s.*"] });
  for (let i = 0; i < 3; i++) for (const subject of ["s.a", "s.b"]) await stage.publish(subject);
  assert.equal(await stream.purge({ seq: 1, filter: "", keep: 0 }), 0);
  assert.equal(await stream.purge({ seq: 3, filter: "", keep: 0 }), 2);
  assert.equal(stage.list(stream), "3:s.a 4:s.b 5:s.a 6:s.b");
  assert.equal(await stream.purge({ seq: 0, filter: "s.a", keep: 1 }), 1);
  assert.equal(stage.list(stream), "4:s.b 5:s.a 6:s.b");
  assert.equal(await stream.purge({ seq: 0, filter: "", keep: 2 }), 1);
  assert.equal(stage.list(stream), "5:s.a 6:s.b");
  assert.equal(await stream.purge({ seq: 0, filter: "", keep: 0 }), 2);
  assert.equal(await stream.purge({ seq: 20, filter: "", keep: 0 }), 0);
  assert.equal(await stage.publish("s.a"), '{"stream":"S","seq":20}');
});

test("one message is removed", async () => {
  const stage = new StreamStage();
  const stream = await stage.stream();
  await stage.publish("S");
  await stage.publish("S");
  assert.equal(await stream.removeMessage(1, true), true);
  assert.equal(await stream.removeMessage(1, true), false);
  assert.equal(stage.list(stream), "2:S");
});

test("removing what is not there changes nothing", async () => {
  const stage = new StreamStage();
  const stream = await stage.stream();
  assert.equal(await stream.removeMessage(1, false), false);
  await stage.publish("S");
  assert.equal(await stream.removeMessage(1, false), true);
  assert.equal(await stream.removeMessage(2, false), false);
  assert.equal(await stage.publish("S"), '{"stream":"S","seq":2}');
});

test("status, request info and traces do not get into a stream", async () => {
  const stage = new StreamStage();
  const stream = await stage.stream();
  const block = 'NATS/1.0 503 None\r\nNats-Request-Info: {"acc":"A"}\r\n\r\n';
  stage.peer.say(`HPUB S ${block.length} ${block.length + 1}\r\n${block}x\r\n`);
  const other = 'NATS/1.0\r\nA: b\r\nNats-Request-Info: {"acc":"A"}\r\nC: d\r\n\r\n';
  stage.peer.say(`HPUB S ${other.length} ${other.length + 1}\r\n${other}y\r\n`);
  await stage.world.clock.settled();
  assert.deepEqual(
    stage.kept(stream).map(({ headers, payload }) => [headers, payload]),
    [
      ["", "x"],
      ["NATS/1.0\r\nA: b\r\nC: d\r\n\r\n", "y"],
    ],
  );
});

test("a message of another stream keeps its sequence and its time", async () => {
  const stage = new StreamStage();
  const stream = await stage.stream();
  const store = (seq: number, subject: string, timeMs: number, timeNs: number): unknown => {
    const publish = Object.assign(new Publish(), { subject, timeMs, timeNs });
    publish.setContent("", Buffer.from("1"));
    publish.begin();
    publish.isSourced = true;
    return stream.ingest.storeSourced(publish, seq);
  };
  assert.equal(store(5, "x", 1000, 7), "store");
  assert.equal(store(6, "y", 2000, 0), "store");
  assert.equal(stage.list(stream), "5:x 6:y");
  assert.deepEqual(stream.store.state.firstTime, { ms: 1000, ns: 7 });
});

test("a changed configuration holds at once", async () => {
  const stage = new StreamStage();
  const stream = await stage.stream({ subjects: ["a", "b"], duplicate_window: NS_PER_SECOND });
  for (const subject of ["a", "b", "a", "b"]) await stage.publish(subject);
  assert.equal(
    await stream.update({ ...stream.config, subjects: ["b", "c"], max_msgs_per_subject: 1 }),
    null,
  );
  assert.equal(stage.list(stream), "3:a 4:b");
  assert.equal(await stage.publish("c"), '{"stream":"S","seq":5}');
  stage.peer.say("PUB a _INBOX.none 0\r\n\r\n");
  await stage.world.clock.settled();
  assert.match(stage.answers().join(), /503/, "nobody takes what the stream has given up");
  assert.equal(await stream.update({ ...stream.config, max_age: 5 * NS_PER_SECOND }), null);
  await stage.advance(5_001);
  assert.equal(stage.list(stream), "");
});

test("where too much waits for the disk nothing more is taken", async () => {
  const stage = new StreamStage({ maxBufferedMsgs: 0 });
  await stage.stream();
  assert.match(await stage.publish("S"), /"err_code":10167/);
});

for (const storage of ["memory", "file"] as const) {
  test(`a stream (${storage}) ends before its sequences are no exact numbers any more`, async () => {
    const stage = new StreamStage();
    const refused = refusal(503, 10077, "no sequences left");
    const last = Number.MAX_SAFE_INTEGER - 1_000_000;
    const stream = await stage.stream({ storage, first_seq: last });
    assert.equal(await stage.publish("S", "a"), `{"stream":"S","seq":${last}}`);
    assert.equal(await stage.publish("S", "b"), refused);
    assert.equal(stage.list(stream), `${last}:S`);
    const other = await stage.stream({ storage, name: "T" });
    await other.purge({ seq: Number.MAX_SAFE_INTEGER, filter: "", keep: 0 });
    assert.equal(await stage.publish("T", "a"), refusal(503, 10077, "no sequences left", "T"));
    const beyond = await stage.stream({ storage, name: "U", first_seq: Number.MAX_SAFE_INTEGER });
    assert.equal(await stage.publish("U", "a"), refusal(503, 10077, "no sequences left", "U"));
    assert.equal(stage.list(beyond), "");
  });
}
