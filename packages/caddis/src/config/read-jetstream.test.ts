import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ConfigError } from "./config-error.ts";
import { loadConfig, mergeInputs, resolveOptions } from "./load.ts";
import type { Options, OptionsInput } from "./options.ts";

function load(text: string): {
  errors: readonly string[];
  warnings: readonly string[];
  options: OptionsInput;
} {
  return loadConfig(text, { file: "conf", readFile: () => "", env: () => undefined });
}

function block(text: string): Options["jetstream"] {
  const { errors, options } = load(`jetstream ${text}`);
  assert.deepEqual(errors, []);
  return resolveOptions(options).jetstream;
}

test("JetStream is on by a word, a switch, or its block", () => {
  for (const [text, expected] of [
    [": true", true],
    [": enabled", true],
    [": ENABLE", true],
    ["{}", true],
    ["{domain: x}", true],
    ["{enabled: true}", true],
    [": false", false],
    [": Disabled", false],
    [": disable", false],
    ["{enable: false, domain: x}", false],
  ] as const) {
    assert.equal(block(text).enabled, expected, text);
  }
  assert.equal(resolveOptions({}).jetstream.enabled, false);
  assert.equal(resolveOptions({ jetstream: {} }).jetstream.enabled, true);
  assert.equal(resolveOptions({ jetstream: "disabled" }).jetstream.enabled, false);
});

test("sizes in quotes are powers of 1,024, others what they say", () => {
  assert.equal(block('{max_mem: "10G"}').max_memory_store, 10 * 1024 ** 3);
  assert.equal(block("{max_mem_store: 10G}").max_memory_store, 10e9);
  assert.equal(block("{max_file: ''}").max_file_store, 0);
  assert.equal(block("{max_file_store: -7}").max_file_store, -1);
  assert.equal(block("{}").max_file_store, -1);
  assert.equal(block('{max_buffered_size: "1K"}').max_buffered_size, 1024);
  assert.equal(block("{max_buffered_size: 0}").max_buffered_size, 128 * 1024 ** 2);
});

test("what is acknowledged is synced unless an interval is given", () => {
  assert.equal(block("{}").sync_interval, 0);
  assert.equal(block("{sync: Always}").sync_interval, 0);
  assert.equal(block('{sync_interval: "2m"}').sync_interval, 120_000);
  assert.equal(block("{sync_interval: 5}").sync_interval, 5_000);
  assert.match(load("jetstream {sync: 5}").warnings[0], /sync should be converted to a duration/);
  // What a program would hand in says the same.
  for (const sync_interval of ["always", "1500ms"] as const) {
    const { options } = load(`jetstream {sync: "${sync_interval}"}`);
    assert.deepEqual(options.jetstream, { enabled: true, sync_interval });
  }
});

test("the folder may be given inside and outside, but not both", () => {
  assert.equal(resolveOptions({ store_dir: "/a", jetstream: true }).jetstream.store_dir, "/a");
  assert.equal(resolveOptions({ jetstream: { store_dir: "/a" } }).store_dir, "/a");
  assert.throws(
    () => resolveOptions({ store_dir: "/a", jetstream: { store_dir: "/b" } }),
    /Duplicate 'store_dir'/,
  );
});

test("flags go before a file: its folder, and whether there is any", () => {
  const file: OptionsInput = { jetstream: { store_dir: "/file", domain: "d", enabled: false } };
  const { jetstream, store_dir } = resolveOptions(mergeInputs(file, { jetstream: true, store_dir: "/flag" }));
  assert.deepEqual([jetstream.enabled, jetstream.domain, store_dir], [true, "d", "/flag"]);
  const short = resolveOptions(mergeInputs({ jetstream: "enabled" }, { store_dir: "/flag" }));
  assert.deepEqual([short.jetstream.enabled, short.store_dir], [true, "/flag"]);
  assert.equal(resolveOptions(mergeInputs({ store_dir: "/file" }, { jetstream: true })).store_dir, "/file");
});

test("limits, and where 0 stands for the default", () => {
  const { limits } = block(
    '{limits {max_ack_pending: 5, max_request_batch: -1, duplicate_window: "1m", batch {max_msgs: 7, timeout: "1s"}}}',
  );
  assert.deepEqual(limits, {
    max_ack_pending: 5,
    max_ha_assets: 0,
    max_request_batch: 0,
    default_max_consumers: 1_000,
    duplicate_window: 60_000,
    batch: { max_inflight_per_stream: 0, max_inflight_total: 0, max_msgs: 7, timeout: 1_000 },
  });
  assert.equal(block("{limits {default_max_consumers: -1}}").limits.default_max_consumers, -1);
});

describe("is refused, in the reference's words where it has some", () => {
  for (const [text, reason] of [
    ["jetstream: maybe", "Expected 'enabled' or 'disabled' for string value, got 'maybe'"],
    ["jetstream: 5", "Expected map, bool or string to define JetStream, got int64"],
    ["jetstream {foo: 1}", 'unknown field "foo"'],
    ["jetstream {max_mem: 1.5}", "max_mem_store must be int64 or string"],
    ['jetstream {max_mem: "5X"}', "max_mem_store sizes defined as strings must end in K, M, G, T"],
    ['jetstream {max_file: "xG"}', 'max_file_store strconv.ParseInt: parsing "x": invalid syntax'],
    ['jetstream {max_file: "9999999999999T"}', "max_file_store value is too big"],
    ["jetstream {cipher: rot13}", 'Unknown cipher type: "rot13"'],
    ['jetstream {sync: "-1s"}', "invalid sync, needs to be positive"],
    ["jetstream {sync: true}", '"sync" must be "always" or a duration such as "2m", not a boolean'],
    ["jetstream {max_concurrent_io: 3}", "max_concurrent_io value can not be negative"],
    ["feature_flags: 5", "error parsing feature flags: unsupported type int64"],
    ["feature_flags {a: 5}", 'error parsing feature flag "a": expected bool, got int64'],
    ["accounts {A {jetstream {mem: x}}}", 'Expected a parseable size for "mem", got x'],
    ["accounts {A {jetstream {max_bytes: 5}}}", 'Expected a parseable bool for "max_bytes", got 5'],
    [
      "accounts {A {jetstream {cluster_traffic: 5}}}",
      "Expected either 'system' or 'owner' string value for \"cluster_traffic\", got 5",
    ],
    [
      "accounts {A {jetstream {cluster_traffic: x}}}",
      "Expected 'system' or 'owner' string value for \"cluster_traffic\", got x",
    ],
  ]) {
    test(text, () => {
      const { errors } = load(text);
      assert.deepEqual(
        errors.map((error) => error.replace(/^conf:\d+:\d+: /, "")),
        [reason],
      );
    });
  }

  for (const domain of ["a.b", "*", ">", "a b"]) {
    test(`the domain ${JSON.stringify(domain)}`, () => {
      assert.throws(
        () => resolveOptions({ jetstream: { domain } }),
        (error: Error) => error instanceof ConfigError && /invalid domain name/.test(error.message),
      );
    });
  }
});

test("what an account may use", () => {
  const { options, errors } = load(`accounts {
    A {jetstream: enabled}, B {jetstream: off}
    C {jetstream {mem: 1, disk: 2k, streams: 3, consumers: 4, max_ack_pending: 5, max_bytes: true
      mem_max_stream_bytes: 6, store_max_stream_bytes: 7}}
  }`);
  assert.deepEqual(errors, []);
  const [a, b, c] = resolveOptions(options).accounts.map(({ jetstream }) => jetstream?.get(""));
  assert.equal(a?.maxMemory, -1);
  assert.equal(b, undefined);
  assert.deepEqual(c, {
    maxMemory: 1,
    maxStore: 2_000,
    maxStreams: 3,
    maxConsumers: 4,
    maxAckPending: 5,
    memoryMaxStreamBytes: 6,
    storeMaxStreamBytes: 7,
    maxBytesRequired: true,
  });
});
