import assert from "node:assert/strict";
import { test } from "node:test";
import { streamConfigOf } from "./stream-config-decode.ts";
import type { StreamConfig } from "./stream-config.ts";
import { updatedStreamConfig } from "./stream-update.ts";

const ORIGIN = {
  name: "A",
  opt_start_seq: 0,
  opt_start_time: null,
  filter_subject: "",
  subject_transforms: [],
  external: null,
  consumer: null,
};
const OLD: StreamConfig = { ...streamConfigOf({ name: "S" }), num_replicas: 1, max_msgs: -1 };

const REFUSED: readonly (readonly [
  old: Partial<StreamConfig>,
  wanted: Partial<StreamConfig>,
  error: string,
])[] = [
  [{}, { name: "T" }, "stream configuration name must match original"],
  [{}, { num_replicas: 3 }, "replicas > 1 not supported in non-clustered mode"],
  [{}, { storage: "memory" }, "stream configuration update can not change storage type"],
  [
    { retention: "workqueue" },
    { retention: "limits" },
    "stream configuration update can not change retention policy to/from workqueue",
  ],
  [{ sealed: true }, { sealed: false }, "stream configuration update can not unseal a sealed stream"],
  [
    { deny_delete: true },
    { deny_delete: false },
    "stream configuration update can not cancel deny message deletes",
  ],
  [{ deny_purge: true }, { deny_purge: false }, "stream configuration update can not cancel deny purge"],
  [{}, { mirror: ORIGIN }, "stream mirror configuration can not be updated"],
  [
    { mirror: ORIGIN },
    { mirror: { ...ORIGIN, name: "B" } },
    "stream mirror configuration can not be updated",
  ],
  [{ allow_msg_ttl: true }, { allow_msg_ttl: false }, "message TTL status can not be disabled"],
  [{}, { allow_msg_counter: true }, "stream configuration update can not change message counter setting"],
  [{ allow_msg_schedules: true }, { allow_msg_schedules: false }, "message schedules can not be disabled"],
  [{}, { persist_mode: "async" }, "stream configuration update can not change persist mode"],
];

test("what a stream is for good is not changed", () => {
  for (const [old, wanted, text] of REFUSED) {
    const before = { ...OLD, ...old };
    const result = updatedStreamConfig(before, { ...before, ...wanted });
    assert.ok("error" in result, text);
    assert.equal(result.error.description, text);
  }
});

test("what may change does: limits, subjects, interest, a mirror that stands on its own", () => {
  const changes: readonly (readonly [Partial<StreamConfig>, Partial<StreamConfig>])[] = [
    [{}, { max_msgs: 5, subjects: ["x"], description: "d", max_consumers: 3 }],
    [{ retention: "limits" }, { retention: "interest" }],
    [{ mirror: ORIGIN }, { mirror: null }],
    [{ mirror: ORIGIN }, { mirror: { ...ORIGIN } }],
    [{}, { deny_delete: true, deny_purge: true, allow_msg_ttl: true }],
  ];
  for (const [old, wanted] of changes) {
    const next = { ...OLD, ...old, ...wanted };
    assert.deepEqual(updatedStreamConfig({ ...OLD, ...old }, next), { config: next });
  }
});

test("a stream that is sealed lets nothing in or out", () => {
  const result = updatedStreamConfig(OLD, { ...OLD, sealed: true, max_age: 5e9, allow_rollup_hdrs: true });
  assert.ok("config" in result);
  const { max_age, discard, deny_delete, deny_purge, allow_rollup_hdrs } = result.config;
  assert.deepEqual(
    [max_age, discard, deny_delete, deny_purge, allow_rollup_hdrs],
    [0, "new", true, true, false],
  );
});
