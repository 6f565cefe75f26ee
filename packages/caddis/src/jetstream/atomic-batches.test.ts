import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { StreamOfBatches } from "../../../../test/support/batch-stream.ts";

type Fields = Readonly<Record<string, string>>;

function open(config: Parameters<typeof makeStream>[0] = {}, limits = {}): StreamOfBatches {
  return makeStream(config, limits);
}

function makeStream(
  config: ConstructorParameters<typeof StreamOfBatches>[0],
  limits: ConstructorParameters<typeof StreamOfBatches>[1],
): StreamOfBatches {
  return new StreamOfBatches({ allow_atomic: true, ...config }, limits);
}

/** Headers of message `seq` of the batch `id`. */
function of(id: string, seq: number | string, more: Fields = {}): Fields {
  return { "Nats-Batch-Id": id, "Nats-Batch-Sequence": String(seq), ...more };
}

const COMMIT: Fields = { "Nats-Batch-Commit": "1" };
const END: Fields = { "Nats-Batch-Commit": "eob" };

test("nothing is stored before the commit, and then all of it together", () => {
  const stream = open();
  assert.deepEqual(stream.publish("s.a", "r", of("b", 1), "1"), [""]);
  assert.deepEqual(stream.publish("s.b", "", of("b", 2), "2"), []);
  assert.deepEqual(stream.stored(), []);
  assert.equal(stream.counts.atomic, 1);
  assert.deepEqual(stream.publish("s.c", "r", of("b", 3, COMMIT), "3"), ['seq 3,"batch":"b","count":3}']);
  assert.deepEqual(stream.stored(), ["s.a 1", "s.b 2", "s.c 3"]);
  assert.deepEqual(stream.groups, [3]);
  assert.equal(stream.held, 0);
  assert.equal(stream.broker.timers.size, new StreamOfBatches({}).broker.timers.size, "no timer is left");
});

test("a marker commits what came before it, whose last message says so", () => {
  const stream = open();
  stream.publish("s.a", "r", of("b", 1), "1");
  assert.deepEqual(stream.publish("s.x", "r", of("b", 2, END), "x"), ['seq 1,"batch":"b","count":1}']);
  assert.deepEqual(stream.stored(), ["s.a 1"]);
  assert.match(stream.headersOf(1), /\r\nNats-Batch-Commit: 1\r\n\r\n$/);
});

test("what ends a batch, and what is said about it", () => {
  const cases: readonly (readonly [string, Fields, string, string])[] = [
    ["a gap", of("b", 3), "10176 atomic publish batch is incomplete", "b incomplete"],
    ["a repetition", of("b", 1), "10176 atomic publish batch is incomplete", "b incomplete"],
    [
      "an unknown commit",
      of("b", 2, { "Nats-Batch-Commit": "yes" }),
      "10200 atomic publish batch commit is invalid",
      "",
    ],
    [
      "a level too high",
      of("b", 2, { "Nats-Required-Api-Level": "6" }),
      "10185 JetStream minimum api level required",
      "b unsupported",
    ],
    [
      "a level that is none",
      of("b", 2, { "Nats-Required-Api-Level": "x" }),
      "10185 JetStream minimum api level required",
      "b unsupported",
    ],
  ];
  for (const [name, fields, error, abandoned] of cases) {
    const stream = open();
    stream.publish("s.a", "r", of("b", 1));
    assert.deepEqual(stream.publish("s.b", "r", fields), [error], name);
    assert.equal(stream.abandoned.join(), abandoned, name);
    assert.equal(stream.counts.atomic, 0, name);
    assert.deepEqual(
      stream.publish("s.c", "r", of("b", 2, COMMIT)),
      ["10176 atomic publish batch is incomplete"],
      name,
    );
    assert.deepEqual(stream.stored(), [], name);
  }
});

test("what is refused and leaves the batch as it is", () => {
  const stream = open();
  stream.publish("s.a", "r", of("b", 1));
  const longId = "x".repeat(65);
  assert.deepEqual(stream.publish("s.a", "r", of(longId, 1)), ["10179 atomic publish batch ID is invalid"]);
  const noSeq = { "Nats-Batch-Id": "b" };
  assert.deepEqual(stream.publish("s.a", "r", noSeq), ["10175 atomic publish sequence is missing"]);
  assert.deepEqual(stream.publish("s.a", "r", of("b", "two")), ["10175 atomic publish sequence is missing"]);
  assert.deepEqual(stream.publish("s.a", "r", of("c", 2)), ["10176 atomic publish batch is incomplete"]);
  assert.deepEqual(stream.publish("s.a", "r", of("c", 1002)), [
    "10199 atomic publish batch is too large: 1000",
  ]);
  assert.deepEqual(stream.abandoned, []);
  assert.deepEqual(stream.publish("s.b", "r", of("b", 2, COMMIT)), ['seq 2,"batch":"b","count":2}']);
});

test("a batch has so many messages, not counting its marker", () => {
  const stream = open({}, { maxMsgs: 2 });
  stream.publish("s.a", "r", of("b", 1));
  stream.publish("s.a", "r", of("b", 2));
  assert.deepEqual(stream.publish("s.a", "r", of("b", 3, END)), ['seq 2,"batch":"b","count":2}']);
  stream.publish("s.a", "r", of("c", 1));
  stream.publish("s.a", "r", of("c", 2));
  assert.deepEqual(stream.publish("s.a", "r", of("c", 3, COMMIT)), [
    "10199 atomic publish batch is too large: 2",
  ]);
  assert.deepEqual(stream.abandoned, ["c large"]);
});

test("there are so many batches at a time, of the stream and of the server", () => {
  const stream = open({}, { maxInflightPerStream: 2 });
  stream.publish("s.a", "r", of("b1", 1));
  stream.publish("s.a", "r", of("b2", 1));
  assert.deepEqual(stream.publish("s.a", "r", of("b3", 1)), ["10210 atomic publish too many inflight"]);
  stream.publish("s.a", "r", of("b1", 2, COMMIT));
  assert.deepEqual(stream.publish("s.a", "r", of("b3", 1)), [""]);
  const other = open({}, { maxInflightTotal: 3 });
  other.counts.atomic = 3;
  assert.deepEqual(other.publish("s.a", "r", of("b", 1)), ["10210 atomic publish too many inflight"]);
});

test("what is staged has a bound in bytes", () => {
  const stream = open();
  stream.counts.stagedBytes = 256 * 1024 * 1024 - 600;
  assert.deepEqual(stream.publish("s.a", "r", of("b", 1)), [""]);
  assert.deepEqual(stream.publish("s.a", "r", of("b", 2)), ["10023 insufficient resources"]);
  assert.deepEqual(stream.abandoned, ["b large"]);
  assert.equal(stream.counts.stagedBytes, 256 * 1024 * 1024 - 600);
});

test("a batch that nothing more comes of is given up", async () => {
  const stream = open();
  stream.publish("s.a", "r", of("b", 1));
  await stream.world.clock.advance(9_999);
  assert.deepEqual(stream.publish("s.a", "r", of("b", 2)), [""]);
  await stream.world.clock.advance(9_999);
  assert.deepEqual(stream.abandoned, []);
  await stream.world.clock.advance(1);
  assert.deepEqual(stream.abandoned, ["b timeout"]);
  assert.deepEqual(stream.publish("s.a", "r", of("b", 3, COMMIT)), [
    "10176 atomic publish batch is incomplete",
  ]);
  assert.equal(stream.held, 0);
});

test("streams that take no batches, no acknowledgements, or no messages", () => {
  assert.deepEqual(open({ allow_atomic: false }).publish("s.a", "r", of("b", 1)), [
    "10174 atomic publish is disabled",
  ]);
  assert.deepEqual(open({ sealed: true }).publish("s.a", "r", of("b", 1)), [
    "10109 invalid operation on sealed stream",
  ]);
  const short = open({ max_msg_size: 10 });
  assert.deepEqual(short.publish("s.a", "r", of("b", 1)), ["10054 message size exceeds maximum allowed"]);
  const silent = open({ no_ack: true });
  assert.deepEqual(silent.publish("s.a", "r", of("b", 1)), []);
  assert.deepEqual(silent.publish("s.a", "r", of("b", 2, COMMIT)), []);
  assert.equal(silent.stored().length, 2);
  assert.equal(open().publish("s.a", "r", {}), null, "no batch");
});

test("when batches are no longer allowed, those at hand are gone", () => {
  const stream = open();
  stream.publish("s.a", "r", of("b", 1));
  stream.batches.onConfigChanged({ ...stream.config, allow_atomic: false });
  assert.deepEqual(stream.publish("s.a", "r", of("b", 2, COMMIT)), [
    "10176 atomic publish batch is incomplete",
  ]);
  assert.deepEqual(stream.abandoned, []);
});

/** Each case is one batch after a message `s.old` with the id `known`, `s.n` with value 5 where counters are on. */
test("one message that may not be stored keeps the whole batch out", () => {
  const seqOf = (seq: number): Fields => ({ "Nats-Expected-Last-Subject-Sequence": String(seq) });
  const sub = { "Nats-Rollup": "sub" };
  const cases: readonly (readonly [string, object, readonly (readonly [string, Fields])[], string])[] = [
    [
      "last id",
      {},
      [["s.a", { "Nats-Expected-Last-Msg-Id": "known" }]],
      "10177 atomic publish unsupported header used: Nats-Expected-Last-Msg-Id",
    ],
    ["stream", {}, [["s.a", { "Nats-Expected-Stream": "T" }]], "10060 expected stream does not match"],
    [
      "known id",
      {},
      [["s.a", { "Nats-Msg-Id": "known" }]],
      "10201 atomic publish batch contains duplicate message id",
    ],
    [
      "same id twice",
      {},
      [
        ["s.a", { "Nats-Msg-Id": "x" }],
        ["s.b", { "Nats-Msg-Id": "x" }],
      ],
      "10201 atomic publish batch contains duplicate message id",
    ],
    ["last sequence", {}, [["s.a", { "Nats-Expected-Last-Sequence": "7" }]], "10071 wrong last sequence: 1"],
    [
      "last sequence of the second",
      {},
      [
        ["s.a", {}],
        ["s.b", { "Nats-Expected-Last-Sequence": "2" }],
      ],
      "10164 wrong last sequence",
    ],
    ["subject's sequence", {}, [["s.old", seqOf(3)]], "10071 wrong last sequence: 1"],
    [
      "subject's sequence after the batch wrote there",
      {},
      [
        ["s.a", {}],
        ["s.a", seqOf(0)],
      ],
      "10164 wrong last sequence",
    ],
    [
      "subject without sequence",
      {},
      [["s.a", { "Nats-Expected-Last-Subject-Sequence-Subject": "s.b" }]],
      "10193 missing sequence for expected last sequence per subject",
    ],
    ["rollup", {}, [["s.a", sub]], "10111 rollup not permitted"],
    [
      "rollup twice",
      { allow_rollup_hdrs: true },
      [
        ["s.a", {}],
        ["s.a", sub],
      ],
      "10111 batch rollup sub invalid",
    ],
    [
      "rollup of all",
      { allow_rollup_hdrs: true },
      [
        ["s.a", {}],
        ["s.b", { "Nats-Rollup": "all" }],
      ],
      "10111 batch rollup all invalid",
    ],
    [
      "rollup of what",
      { allow_rollup_hdrs: true },
      [["s.a", { "Nats-Rollup": "x" }]],
      '10111 rollup value invalid: "x"',
    ],
    ["ttl", {}, [["s.a", { "Nats-TTL": "5s" }]], "10166 per-message TTL is disabled"],
    ["wrong ttl", { allow_msg_ttl: true }, [["s.a", { "Nats-TTL": "x" }]], "10165 invalid per-message TTL"],
    ["counter", {}, [["s.a", { "Nats-Incr": "1" }]], "10168 message counters is disabled"],
    ["no counter", { allow_msg_counter: true }, [["s.a", {}]], "10169 message counter increment is missing"],
    [
      "source",
      {},
      [["s.a", { "Nats-Stream-Source": "T 1" }]],
      "10227 message stream source header is not allowed",
    ],
    ["schedule", {}, [["s.a", { "Nats-Schedule": "@hourly" }]], "10188 message schedules is disabled"],
    [
      "messages",
      { discard: "new", max_msgs: 2 },
      [
        ["s.a", {}],
        ["s.b", {}],
      ],
      "10077 maximum messages exceeded",
    ],
    [
      "bytes",
      { discard: "new", max_bytes: 90 },
      [
        ["s.a", {}],
        ["s.b", {}],
      ],
      "10077 maximum bytes exceeded",
    ],
    // On its own the second would take the place of the old one.
    [
      "messages, one of them replaced",
      { discard: "new", max_msgs: 2, max_msgs_per_subject: 1 },
      [
        ["s.b", {}],
        ["s.old", {}],
      ],
      "10077 maximum messages exceeded",
    ],
    [
      "bytes, some of them replaced",
      { discard: "new", max_bytes: 240, max_msgs_per_subject: 1 },
      [
        ["s.b", {}],
        ["s.old", {}],
      ],
      "10077 maximum bytes exceeded",
    ],
    [
      "messages of a subject",
      { discard: "new", max_msgs_per_subject: 2, discard_new_per_subject: true },
      [
        ["s.old", {}],
        ["s.old", {}],
      ],
      "10077 maximum messages per subject exceeded",
    ],
  ];
  for (const [name, config, messages, error] of cases) {
    const stream = open();
    stream.publish("s.old", "r", of("first", 1, { ...COMMIT, "Nats-Msg-Id": "known" }));
    stream.config = { ...stream.config, ...config };
    let answer: readonly string[] | null = null;
    for (const [index, [subject, fields]] of messages.entries())
      answer = stream.publish(
        subject,
        "r",
        of("b", index + 1, { ...fields, ...(index + 1 === messages.length && COMMIT) }),
      );
    assert.deepEqual(answer, [error], name);
    assert.equal(stream.stored().length, 1, name);
    assert.equal(stream.counts.atomic, 0, name);
    assert.deepEqual(stream.abandoned, [], name);
  }
});

test("a batch sees itself: counters add up, schedules may be taken back, checks hold of what was before", () => {
  const counters = open({ allow_msg_counter: true });
  counters.publish("s.n", "r", of("a", 1, { "Nats-Incr": "5" }));
  counters.publish("s.n", "r", of("a", 2, { "Nats-Incr": "-7" }));
  counters.publish("s.m", "r", of("a", 3, { "Nats-Incr": "+1", ...COMMIT }));
  counters.publish("s.n", "r", of("b", 1, { "Nats-Incr": "100", ...COMMIT }));
  assert.deepEqual(counters.stored(), [
    's.n {"val":"5"}',
    's.n {"val":"-2"}',
    's.m {"val":"1"}',
    's.n {"val":"98"}',
  ]);

  const schedules = open({ allow_msg_schedules: true, allow_rollup_hdrs: true });
  const schedule = { "Nats-Schedule": "@hourly", "Nats-Schedule-Target": "s.t" };
  const purge = { "Nats-Schedule-Next": "purge", "Nats-Scheduler": "s.q" };
  schedules.publish("s.q", "r", of("a", 1, schedule));
  assert.deepEqual(schedules.publish("s.x", "r", of("a", 2, { ...purge, ...COMMIT })), [
    'seq 2,"batch":"a","count":2}',
  ]);
  assert.match(schedules.headersOf(1), /\r\nNats-Rollup: sub\r\n/);
  schedules.publish("s.p", "r", of("b", 1));
  const wrong = { ...purge, "Nats-Scheduler": "s.p" };
  assert.deepEqual(schedules.publish("s.x", "r", of("b", 2, { ...wrong, ...COMMIT })), [
    "10212 message schedules invalid scheduler",
  ]);

  const expecting = open();
  const seqOf = (seq: number, subject: string): Fields => ({
    "Nats-Expected-Last-Subject-Sequence": String(seq),
    "Nats-Expected-Last-Subject-Sequence-Subject": subject,
  });
  expecting.publish("s.a", "r", of("a", 1, { "Nats-Expected-Last-Sequence": "0" }));
  expecting.publish("s.b", "r", of("a", 2, seqOf(0, "s.other")));
  assert.deepEqual(expecting.publish("s.c", "r", of("a", 3, { ...seqOf(0, "s.other"), ...COMMIT })), [
    'seq 3,"batch":"a","count":3}',
  ]);
});

test("whatever comes, a stream holds whole batches only, and nothing is left behind", () => {
  const message = fc.record({
    id: fc.constantFrom("a", "b", "c"),
    seq: fc.integer({ min: 1, max: 4 }),
    commit: fc.constantFrom("", "", "1", "eob", "x"),
    subject: fc.constantFrom("s.1", "s.2"),
    msgId: fc.constantFrom("", "", "", "m1", "m2"),
  });
  fc.assert(
    fc.property(fc.array(message, { maxLength: 40 }), (messages) => {
      const stream = open({}, { maxMsgs: 3, maxInflightPerStream: 2 });
      for (const { id, seq, commit, subject, msgId } of messages) {
        const before = stream.stored().length;
        const [answer] =
          stream.publish(subject, "r", {
            ...of(id, seq),
            ...(commit !== "" && { "Nats-Batch-Commit": commit }),
            ...(msgId !== "" && { "Nats-Msg-Id": msgId }),
          }) ?? [];
        const count = /"count":(\d+)/.exec(answer)?.[1] ?? "0";
        assert.equal(stream.stored().length - before, Number(count));
      }
      assert.equal(
        stream.groups.reduce((sum, size) => sum + size, 0),
        stream.stored().length,
      );
      stream.batches.stop();
      assert.equal(stream.held, 0);
    }),
  );
});
