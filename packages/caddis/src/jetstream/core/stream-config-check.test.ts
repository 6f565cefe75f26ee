import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeRequest } from "./json-fields.ts";
import { checkStreamConfig } from "./stream-config-check.ts";
import { STREAM_CONFIG_REQUEST, streamConfigOf } from "./stream-config-decode.ts";
import type { StreamConfigContext } from "./stream-config-draft.ts";
import { encodeStreamConfig } from "./stream-config-encode.ts";
import type { StreamConfig } from "./stream-config.ts";

const CONTEXT: StreamConfigContext = {
  streamConfig: () => null,
  maxBytes: () => ({ isRequired: false, max: 0 }),
  duplicateWindowMax: 0,
  duplicateWindowText: "",
  isPedantic: false,
};

function decoded(config: object): StreamConfig {
  const read = decodeRequest(Buffer.from(JSON.stringify(config)), STREAM_CONFIG_REQUEST, true);
  assert.ok("fields" in read, JSON.stringify(read));
  const { pedantic: _, ...fields } = read.fields;
  return streamConfigOf(fields);
}

function checked(config: object, context: Partial<StreamConfigContext> = {}): StreamConfig {
  const result = checkStreamConfig(decoded({ name: "S", ...config }), { ...CONTEXT, ...context });
  assert.ok("config" in result, JSON.stringify(result));
  return result.config;
}

function error(config: object, context: Partial<StreamConfigContext> = {}): string {
  const result = checkStreamConfig(decoded({ name: "S", ...config }), { ...CONTEXT, ...context });
  assert.ok("error" in result, JSON.stringify(config));
  return `${result.error.err_code} ${result.error.description}`;
}

test("a configuration of nothing but a name gets the reference's defaults", () => {
  const json = JSON.stringify(encodeStreamConfig(checked({}), true));
  assert.equal(
    json,
    '{"name":"S","subjects":["S"],"retention":"limits","max_consumers":-1,"max_msgs":-1,"max_bytes":-1,' +
      '"max_age":0,"max_msgs_per_subject":-1,"max_msg_size":-1,"discard":"old","storage":"file","num_replicas":1,' +
      '"duplicate_window":120000000000,"compression":"none","allow_direct":false,"mirror_direct":false,' +
      '"sealed":false,"deny_delete":false,"deny_purge":false,"allow_rollup_hdrs":false,"consumer_limits":{},' +
      '"allow_msg_ttl":false}',
  );
});

test("what is encoded is decoded as it was", () => {
  const config = checked({
    description: "d",
    subjects: ["a.*", "ü"],
    retention: "interest",
    max_age: 1e9,
    storage: "memory",
    placement: { cluster: "c", tags: ["t"] },
    sources: [
      {
        name: "A",
        opt_start_seq: 3,
        opt_start_time: "2020-01-02T03:04:05.6Z",
        subject_transforms: [{ src: "a", dest: "b" }],
        external: { api: "$JS.d.API", deliver: "x" },
      },
      { name: "B", consumer: { name: "c", deliver_subject: "d" } },
    ],
    compression: "s2",
    first_seq: 7,
    subject_transform: { src: "a.*", dest: "b.$1" },
    republish: { src: "a.*", dest: "r.$1", headers_only: true },
    consumer_limits: { inactive_threshold: 5, max_ack_pending: 6 },
    allow_atomic: true,
    allow_batched: true,
    subject_delete_marker_ttl: 2e9,
    metadata: { b: "1", a: "2", __proto__x: "3" },
  });
  assert.deepEqual(decoded(encodeStreamConfig(config, true)), config);
});

test("the window for duplicates follows the server's limit and the age of messages", () => {
  assert.equal(checked({ max_age: 5e9 }).duplicate_window, 5e9);
  assert.equal(checked({}, { duplicateWindowMax: 3e9, duplicateWindowText: "3s" }).duplicate_window, 3e9);
  assert.equal(checked({ sources: [{ name: "A" }] }).duplicate_window, 0);
  assert.equal(
    error({ duplicate_window: 4e9 }, { duplicateWindowMax: 3e9, duplicateWindowText: "3s" }),
    "10052 duplicates window can not be larger then server limit of 3s",
  );
  assert.equal(
    error({}, { duplicateWindowMax: 3e9, isPedantic: true }),
    "10157 pedantic mode: duplicate window limits are higher than current limits",
  );
  assert.equal(
    error({ max_age: 5e9 }, { isPedantic: true }),
    "10157 pedantic mode: duplicate window cannot be bigger than max age",
  );
});

test("features turn on what they need", () => {
  const marking = checked({ subject_delete_marker_ttl: 1e9, deny_purge: true });
  assert.deepEqual(
    [marking.allow_msg_ttl, marking.allow_rollup_hdrs, marking.deny_purge],
    [true, true, false],
  );
  assert.ok(checked({ allow_msg_schedules: true }).allow_rollup_hdrs);
});

test("the account may require max_bytes, and bound it", () => {
  const maxBytes = (): { isRequired: boolean; max: number } => ({ isRequired: true, max: 100 });
  assert.match(error({}, { maxBytes }), /^10113 /);
  assert.match(error({ max_bytes: 101 }, { maxBytes }), /^10122 /);
  assert.equal(checked({ max_bytes: 100 }, { maxBytes }).max_bytes, 100);
});

test("a mirror is read directly as its origin is, and holds its messages", () => {
  const origin = checked({ name: "A", allow_direct: true, max_msg_size: 10 });
  const streamConfig = (name: string): StreamConfig | null => (name === "A" ? origin : null);
  assert.ok(checked({ mirror: { name: "A" } }, { streamConfig }).mirror_direct);
  assert.match(error({ mirror: { name: "A" }, max_msg_size: 9 }, { streamConfig }), /^10030 /);
  assert.match(error({ sources: [{ name: "A" }], max_msg_size: 9 }, { streamConfig }), /^10046 /);
  assert.match(error({ mirror: { name: "A" } }, { streamConfig, isPedantic: true }), /^10157 .*direct get/);
});

test("streams that feed each other are refused, however far around", () => {
  const configs = new Map([
    ["A", decoded({ name: "A", subjects: ["a"], sources: [{ name: "B" }] })],
    ["B", decoded({ name: "B", mirror: { name: "C" } })],
    ["C", decoded({ name: "C", subjects: ["c"], sources: [{ name: "S", filter_subject: "x" }] })],
  ]);
  const streamConfig = (name: string): StreamConfig | null => configs.get(name) ?? null;
  assert.equal(checked({ subjects: ["s"], sources: [{ name: "A" }] }, { streamConfig }).name, "S");
  configs.set("C", decoded({ name: "C", subjects: ["c"], sources: [{ name: "S" }] }));
  assert.equal(
    error({ subjects: ["s"], sources: [{ name: "A" }] }, { streamConfig }),
    "10052 detected cycle",
  );
  assert.equal(error({ mirror: { name: "S" } }), "10052 detected cycle");
});

test("a hundred thousand subjects are compared at once, and the first that overlaps is named", () => {
  const many = Array.from({ length: 60_000 }, (_, i) => `s.${i}`);
  assert.equal(checked({ subjects: many }).subjects.length, many.length);
  assert.equal(
    error({ subjects: ["q.1", ...many, "s.*", "*.7"] }),
    '10052 subject "s.0" overlaps with "s.*"',
  );
  const wild = Array.from({ length: 20_000 }, (_, i) => [`*.s${i}.*`, `a${i}.y.*`]).flat();
  assert.equal(error({ subjects: wild, no_ack: true }), "10052 too many subjects with wildcards");
});

test("tens of thousands of transforms of an origin are compared at once", () => {
  const subject_transforms = Array.from({ length: 30_000 }, (_, i) => ({ src: `a.${i}`, dest: `b.${i}` }));
  checked({ mirror: { name: "O", subject_transforms } });
  checked({ sources: [{ name: "O", subject_transforms }] });
  const overlapping = [...subject_transforms, { src: "a.*", dest: "c.{{wildcard(1)}}" }];
  assert.match(error({ mirror: { name: "O", subject_transforms: overlapping } }), /overlap/);
  assert.match(error({ sources: [{ name: "O", subject_transforms: overlapping }] }), /overlap/);
});
