import assert from "node:assert/strict";
import { test } from "node:test";
import { COMPATIBLE_VERSION } from "../../base/version.ts";
import { instantOf, parseInstant } from "../../base/instant.ts";
import { consumerConfigOf } from "./consumer-config-decode.ts";
import { streamConfigOf } from "./stream-config-decode.ts";
import {
  consumerApiLevel,
  isLevelReached,
  isLevelSupported,
  shownMetadata,
  storedMetadata,
  streamApiLevel,
  withLevelOf,
} from "./versioning.ts";

test("a stream needs the level its newest feature came with", () => {
  const level = (fields: Parameters<typeof streamConfigOf>[0]): number =>
    streamApiLevel(streamConfigOf(fields));
  assert.equal(level({}), 0);
  assert.equal(level({ allow_msg_ttl: true }), 1);
  assert.equal(level({ subject_delete_marker_ttl: 1e9 }), 1);
  for (const name of ["allow_msg_counter", "allow_atomic", "allow_msg_schedules"] as const) {
    assert.equal(level({ allow_msg_ttl: true, [name]: true }), 2, name);
  }
  assert.equal(level({ persist_mode: "async" }), 2);
  assert.equal(level({ allow_atomic: true, allow_batched: true }), 4);
});

test("a consumer needs the level its newest feature came with", () => {
  const level = (fields: Parameters<typeof consumerConfigOf>[0]): number =>
    consumerApiLevel(consumerConfigOf(fields));
  assert.equal(level({}), 0);
  assert.equal(level({ pause_until: instantOf(1) }), 1);
  const never = parseInstant("0001-01-01T00:00:00Z");
  assert.ok(never);
  assert.equal(level({ pause_until: never }), 0);
  assert.equal(level({ priority_groups: ["g"] }), 1);
  assert.equal(level({ ack_policy: "flow_control" }), 4);
});

function sorted(metadata: ReadonlyMap<string, string>): [string, string][] {
  return [...metadata].sort(([a], [b]) => (a < b ? -1 : 1));
}

test("metadata says what is required when stored, and who answers when shown", () => {
  const sent = new Map([
    ["k", "v"],
    ["_nats.ver", "x"],
    ["_nats.level", "9"],
    ["_nats.req.level", "7"],
  ]);
  const stored = storedMetadata(sent, 2);
  assert.deepEqual(sorted(stored), [
    ["_nats.req.level", "2"],
    ["k", "v"],
  ]);
  assert.deepEqual(sorted(shownMetadata(stored)), [
    ["_nats.level", "5"],
    ["_nats.req.level", "2"],
    ["_nats.ver", COMPATIBLE_VERSION],
    ["k", "v"],
  ]);
  assert.equal(withLevelOf(sent, stored).get("_nats.req.level"), "2");
  assert.ok(!withLevelOf(sent, new Map()).has("_nats.req.level"));
});

test("what asks for more than is there is not served", () => {
  for (const level of ["", "0", "5", "-3", "+5"]) assert.ok(isLevelReached(level), level);
  for (const level of ["6", "x", "5.0", " 5", "99999999999999999999"])
    assert.ok(!isLevelReached(level), level);
  assert.ok(isLevelSupported(new Map()));
  assert.ok(!isLevelSupported(new Map([["_nats.req.level", "6"]])));
});
