import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { consumerConfigOf } from "./consumer-config-decode.ts";
import {
  decodeProgress,
  decodeProgressFile,
  encodeProgress,
  type KeptProgress,
  stateOfProgress,
} from "./consumer-state-file.ts";
import { encodeConsumerState } from "./consumer-state.ts";

const CONFIG = consumerConfigOf({ ack_policy: "explicit", ack_wait: 30e9 });
const NOTHING: KeptProgress = {
  deliveredConsumer: 0,
  deliveredStream: 0,
  floorConsumer: 0,
  floorStream: 0,
  pending: [],
  redelivered: [],
  lastPerSubjectUntil: 0,
};

function progress(json: string): KeptProgress {
  const decoded = decodeProgress(JSON.parse(json));
  assert.ok(decoded !== null);
  return decoded;
}

test("a state goes into an archive and comes back", () => {
  // As nats-server writes it.
  const json =
    '{"delivered":{"consumer_seq":10,"stream_seq":18},"ack_floor":{"consumer_seq":2,"stream_seq":10},' +
    '"pending":{"12":{"Sequence":4,"Timestamp":1700000000123456789},"13":{"Sequence":5,"Timestamp":1700000001000000000}},' +
    '"redelivered":{"12":2}}';
  const state = stateOfProgress(progress(json), CONFIG, 100);
  assert.deepEqual(
    [...state.pending].map(({ seq, consumerSeq, startMs, dueMs }) => [seq, consumerSeq, startMs, dueMs]),
    [
      [12, 4, 1_700_000_000_123, 1_700_000_030_123],
      [13, 5, 1_700_000_001_000, 1_700_000_031_000],
    ],
  );
  assert.equal(state.nextSeq, 19);
  const again = progress(JSON.stringify(encodeProgress(state, 100, 0)));
  assert.deepEqual(
    encodeConsumerState(stateOfProgress(again, CONFIG, 100), 0),
    encodeConsumerState(state, 0),
  );
  // Only what the stream holds.
  assert.deepEqual(encodeProgress(state, 12, 0), {
    delivered: { consumer_seq: 10, stream_seq: 12 },
    ack_floor: { consumer_seq: 2, stream_seq: 10 },
    pending: { 12: { Sequence: 4, Timestamp: 1_700_000_000_123_000_000 } },
    redelivered: { 12: 2 },
    last_per_subject_until: undefined,
  });
});

test("what does not fit together is left out", () => {
  const state = stateOfProgress(
    {
      ...NOTHING,
      deliveredConsumer: 5,
      deliveredStream: 50,
      floorConsumer: 9,
      floorStream: 3,
      pending: [
        { seq: 8, consumerSeq: 2, ms: 5 },
        { seq: 2, consumerSeq: 1, ms: 5 },
        { seq: 5, consumerSeq: 1, ms: 5 },
        { seq: 5, consumerSeq: 1, ms: 5 },
        { seq: 11, consumerSeq: 1, ms: 5 },
      ],
      redelivered: [
        [3, 1],
        [8, 2],
        [20, 2],
      ],
    },
    { ...CONFIG, backoff: [1e9, 2e9] },
    10,
  );
  assert.deepEqual([state.deliveredStream, state.floorConsumer, state.floorStream], [10, 5, 3]);
  assert.deepEqual(
    [...state.pending].map(({ seq, dueMs }) => [seq, dueMs]),
    [
      [5, 1_005],
      [8, 2_005],
    ],
  );
  assert.deepEqual([...state.redelivered], [[8, 2]]);
});

test("any JSON is a state, or none", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (delivered, pending) => {
      for (const value of [delivered, { delivered, ack_floor: delivered, pending, redelivered: pending }]) {
        const decoded = decodeProgress(value);
        if (decoded !== null) stateOfProgress(decoded, CONFIG, 10);
      }
    }),
  );
  for (const bad of [
    "{}",
    '{"delivered":{"consumer_seq":-1,"stream_seq":0},"ack_floor":{"consumer_seq":0,"stream_seq":0}}',
    '{"delivered":{"consumer_seq":0,"stream_seq":0},"ack_floor":{"consumer_seq":0,"stream_seq":1e30}}',
    '{"delivered":{"consumer_seq":0,"stream_seq":0},"ack_floor":{"consumer_seq":0,"stream_seq":0},"pending":{"x":{}}}',
  ])
    assert.equal(decodeProgress(JSON.parse(bad)), null, bad);
});

test("files of both versions are read", () => {
  // Floor 2 and 10, delivered 10 and 18; two pending, at 100 s; one redelivered.
  const second = Buffer.from([22, 2, 2, 10, 10, 18, 2, 200, 1, 1, 1, 4, 2, 3, 0, 1, 1, 3]);
  assert.deepEqual(decodeProgressFile(second), {
    ...NOTHING,
    deliveredConsumer: 10,
    deliveredStream: 18,
    floorConsumer: 2,
    floorStream: 10,
    pending: [
      { seq: 11, consumerSeq: 3, ms: 98_000 },
      { seq: 12, consumerSeq: 5, ms: 100_000 },
    ],
    redelivered: [[11, 3]],
  });
  const first = Buffer.from([22, 1, 2, 10, 8, 8, 1, 200, 1, 1, 4, 0]);
  assert.deepEqual(decodeProgressFile(first), {
    ...NOTHING,
    deliveredConsumer: 9,
    deliveredStream: 17,
    floorConsumer: 2,
    floorStream: 10,
    pending: [{ seq: 11, consumerSeq: 0, ms: 102_000 }],
  });
  for (let length = 0; length < second.length; length++)
    assert.equal(decodeProgressFile(second.subarray(0, length)), null);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      const decoded = decodeProgressFile(Buffer.from([22, 2, ...bytes]));
      if (decoded !== null) stateOfProgress(decoded, CONFIG, 10);
    }),
  );
});
