import assert from "node:assert/strict";
import { test } from "node:test";
import type { StreamConfig } from "./core/stream-config.ts";
import {
  CONSUMER_DEFAULTS,
  decodeConsumerMeta,
  decodeStreamMeta,
  encodeConsumerMeta,
  encodeStreamMeta,
  STREAM_DEFAULTS,
} from "./stream-meta.ts";

const created = { ms: 1_800_000_000_000, ns: 5 };
const TRANSFORM = { src: "a.*", dest: "b.$1" };
const SOURCE = {
  name: "O",
  opt_start_seq: 3,
  opt_start_time: created,
  filter_subject: "",
  subject_transforms: [TRANSFORM],
  external: { api: "$JS.o", deliver: "d" },
  consumer: { name: "C", deliver_subject: "e" },
};
const PLAIN_SOURCE = { ...SOURCE, opt_start_time: null, external: null, consumer: null };
/** Says something about everything. */
const FULL: StreamConfig = {
  ...STREAM_DEFAULTS,
  name: "S",
  subjects: ["a", "b.>"],
  persist_mode: "async",
  max_age: 2 ** 63 - 1024,
  placement: { cluster: "c", tags: ["t"], preferred: "" },
  mirror: PLAIN_SOURCE,
  sources: [SOURCE, PLAIN_SOURCE],
  subject_transform: TRANSFORM,
  republish: { ...TRANSFORM, headers_only: true },
  metadata: new Map([["k", "v"]]),
};

test("what is kept of configurations is read again", () => {
  for (const config of [STREAM_DEFAULTS, FULL])
    assert.deepEqual(decodeStreamMeta(encodeStreamMeta({ created, config })), { created, config });
  for (const config of [
    CONSUMER_DEFAULTS,
    { ...CONSUMER_DEFAULTS, pause_until: created, backoff: [1, 2], metadata: new Map([["k", "v"]]) },
  ])
    assert.deepEqual(decodeConsumerMeta(encodeConsumerMeta({ created, config })), { created, config });
});

test("what a later version has added is as it is by default, and what is unknown of no account", () => {
  const config = JSON.stringify({ name: "S", subjects: ["a"], tomorrow: 5 });
  const meta = decodeStreamMeta(`{"format":1,"created":${JSON.stringify(created)},"config":${config}}`);
  assert.ok(typeof meta === "object");
  assert.deepEqual(meta.config, { ...STREAM_DEFAULTS, name: "S", subjects: ["a"], tomorrow: 5 });
});

test("another format is a newer version's", () => {
  assert.equal(decodeStreamMeta('{"format":2}'), "newer");
});

const WRONG: readonly [field: string, value: string][] = [
  ["subjects", "[5]"],
  ["subjects", '"a"'],
  ["max_bytes", "[5]"],
  ["max_bytes", "null"],
  ["placement", "5"],
  ["placement", '{"cluster":"c","tags":5,"preferred":""}'],
  ["mirror", "5"],
  ["mirror", "[]"],
  ["mirror", "{}"],
  ["sources", "[null]"],
  ["sources", JSON.stringify([{ ...SOURCE, opt_start_time: 5 }])],
  ["sources", JSON.stringify([{ ...SOURCE, external: { api: 5, deliver: "" } }])],
  ["retention", '"for ever"'],
  ["consumer_limits", "null"],
  ["allow_direct", "1"],
  ["name", "null"],
  ["metadata", "5"],
  ["metadata", '{"k":"v"}'],
  ["metadata", '[["k",5]]'],
];

test("what can't be a configuration is none", () => {
  const whole = JSON.parse(encodeStreamMeta({ created, config: FULL })) as { config: object };
  for (const [field, value] of WRONG) {
    const config = { ...whole.config, [field]: JSON.parse(value) as unknown };
    assert.equal(decodeStreamMeta(JSON.stringify({ ...whole, config })), "damaged", `${field}: ${value}`);
  }
  for (const json of ["", "5", "null", "[]", "{}", '{"format":1}', '{"format":1,"created":{},"config":{}}'])
    assert.equal(decodeStreamMeta(json), "damaged", json);
  const consumer = JSON.parse(encodeConsumerMeta({ created, config: CONSUMER_DEFAULTS })) as {
    config: object;
  };
  for (const wrong of [{ backoff: ["1"] }, { pause_until: 5 }, { ack_policy: null }]) {
    const config = { ...consumer.config, ...wrong };
    assert.equal(decodeConsumerMeta(JSON.stringify({ ...consumer, config })), null, JSON.stringify(wrong));
  }
});
