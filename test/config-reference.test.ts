/**
 * Configuration files against the reference server's own check, `nats-server -t`: the same verdict, the same
 * digest, and faults at the same places.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import * as fc from "fast-check";
import { ConfigCheck, placesOf } from "./support/config-verdicts.ts";
import { findReferenceServer } from "./support/server-process.ts";

const reference = findReferenceServer();
const skip = reference === null ? "no nats-server on PATH" : false;

const INCLUDED: Readonly<Record<string, string>> = {
  "inc.conf": "port: 77\n",
  "auth.conf": "user: a\npassword: b",
  "sub/a.conf": 'include "b.conf"',
  "sub/b.conf": "port: 88",
  "unknown.conf": "\n\n  foo: 5\n",
  "var.conf": "y: $x\nport: $y",
  "brace.conf": "{port: 66}",
  "with space.conf": "port: 99",
};

const ENV: Readonly<Record<string, string>> = {
  CONFIG_INT: "5",
  CONFIG_SIZE: "4k",
  CONFIG_TEXT: "abc",
  CONFIG_QUOTED: '"5"',
  CONFIG_LIST: "[a, $CONFIG_TEXT]",
  CONFIG_MAP: "{user: a, password: b}",
  CONFIG_HASH: "$2a$11$abc",
  CONFIG_CYCLE: "$CONFIG_CYCLE",
  CONFIG_BAD: "a b",
  CONFIG_EMPTY: "",
};

const check = new ConfigCheck(reference ?? "", ENV);
const verdicts = (text: string): ReturnType<ConfigCheck["verdicts"]> => check.verdicts(text);

before(async () => {
  for (const [name, text] of Object.entries(INCLUDED)) await check.add(name, text);
});

after(() => check.remove());

describe("good files: valid, with the same digest", { skip }, () => {
  const good = [
    "port: 4222",
    "port 4222",
    "port=4222;host:x",
    "{port: 4222}\nhost: x",
    '{"port":4222,"host":"x","server_tags":["a","b"],}',
    "port\n\n 5",
    "port: 5\r\nhost: a\r\n",
    "port 5\n}",
    "Port: 5\nHOST: a",
    "port: 5\nport: 6",
    "port: 4k\nmax_payload: 1mb\nmax_pending: 2GiB\nprof_block_rate: 1Pb",
    "port: -1",
    "max_closed_clients: 10k",
    "server_tags: [a,\nb # c\n'd' // e\n\"f\"]",
    'server_tags: ["<&>\u2028\u00e9\\x01\\x80\\"\\\\", "a\\tb", \'\\x41\', x\\x41]',
    "server_tags: 'a'",
    'server_metadata {a: b, "c d": (\nblock )\n ) x\n)\n\n e = true_}',
    'server_metadata {a: 1m30s, b: 1.2.3.4:5, c: 5%, d: 12abc, e: a#b, f: a//b, g: $2a$11$x, h: "$x"}',
    "debug: yes\ntrace: OFF\nlogtime: False\nlogtime_utc: oN",
    "authorization {user: a, password: b, timeout: 2.5}",
    "authorization {timeout: 0.0000001}",
    "authorization {timeout: 1.0}",
    "authorization { # c\n user: a // c\n password: b # }\n}",
    "x: 1\nport: $x",
    "x: [a]\nserver_tags: $x",
    "x: {user: a, password: b}\nauthorization: $x",
    "u: a\nauthorization { user: $u, u: b, password: $u }",
    "port: $CONFIG_INT\nmax_payload: $CONFIG_SIZE\nhost: $CONFIG_TEXT\nserver_name: $CONFIG_QUOTED",
    "authorization: $CONFIG_MAP\nhost: $CONFIG_HASH\nserver_name: $CONFIG_EMPTY",
    '{"port": $CONFIG_INT, "host": "a", include inc.conf; "server_name": "b"}',
    "include inc.conf",
    "include 'inc.conf'\nport: 5",
    'port: 5\ninclude "with space.conf"',
    "include ./sub/a.conf;host: a",
    "include brace.conf",
    "include inc.conf\nmax_conn: $port",
    "authorization { include auth.conf; timeout: 1 }",
    'ping_interval: "1h2m3.5s"\nwrite_deadline: "5s"\nlame_duck_duration: "30s"',
    "listen: 5\nhttp: '[::1]:5'",
    'mappings {a: b, "c.*": {dest: "d.$1", weight: "50%"}, e: [{destination: f, weight: 50, cluster: x}]}',
    "jetstream: disabled\nocsp: off\ncluster {}\naccounts []",
    "feature_flags {a: false}\nno_auth_user: ''\nfeature_flags: {at: false}",
    "max_connections: -1\nmax_subscriptions: 0\nmax_sub_tokens: 255",
    "jetstream: Enabled\nstore_dir: DIR/a",
    "jetstream {}",
    "jetstream {enable: false, sync: Always, domain: d, key: k, prev_ek: o, cipher: ChaChaPoly, strict: false}",
    'jetstream {storedir: x, sync_interval: "5m", max_mem: "10G", max_file: 5, max_concurrent_io: 4}',
    "jetstream {max_mem_store: '', max_file_store: '-1K', max_buffered_size: '64M', max_buffered_msgs: 5}",
    'jetstream {limits {max_ack_pending: 5, max_ha_assets: 1, max_request_batch: 2, duplicate_window: "1m"}}',
    'jetstream {limits {default_max_consumers: -1, batch {max_inflight_per_stream: 5, timeout: "1s"}}}',
    "accounts {A {jetstream: true}, B {jetstream {mem: 5, disk: -1, streams: 1, consumers: 2, max_bytes: true}}}",
    "accounts {A {jetstream {max_ack_pending: 5, cluster_traffic: owner}}, B {jetstream: disabled}}",
    "feature_flags {js_ack_fc_v2: true, x: false}",
  ];
  for (const text of good) {
    test(JSON.stringify(text), async () => {
      const { theirs, ours } = await verdicts(text);
      assert.notEqual(theirs.digest, "", theirs.faults.join("\n"));
      assert.deepEqual(ours, theirs);
    });
  }
});

describe("bad files: the same faults at the same places", { skip }, () => {
  const bad = [
    "foo: 1\n bar: 2\nport: 5",
    '"foo": 1',
    "x: 1\nport: $x\nX: 2",
    "authorization {foo: 1, bar: 2}",
    "include unknown.conf",
    "ping_interval: 5\n write_deadline: 3",
    "authorization {user: a, password: b, timeout: 61}",
    'authorization {user: a, password: b, timeout: "61s"}',
    "authorization {\n token: a\n user: b }",
    'lame_duck_duration: "5s"\nlame_duck_grace_period: "-5s"',
    "ping_interval: abc",
    'ping_interval: "5d"',
    "lame_duck_duration: ''",
    "write_timeout: Close",
    "max_sub_tokens: 0",
    "max_sub_tokens: 256",
    "max_payload: 2147483648\nmax_control_line: 3000000000",
    "server_name: 'a b'",
    "listen: abc",
    "listen: 'a:b'\nhttp: '1.2.3.4:5:6'",
    "mappings {a: {destination: b}}",
    "mappings {a: {destination: b, weight: 101}, c: [{destination: d, weight: x}]}",
    "mappings {a: {destination: b, weight: 5, foo: x}}",
    "mappings {a: [\nb]}",
    "mappings {a: 'b.*'\n c: 'd e'}",
    "mappings {a: [{destination: b, weight: 60}, {destination: c, weight: 60}]}",
    "jetstream {foo: 1}",
    "jetstream {limits {foo: 1}}",
    "jetstream {limits {batch {foo: 1}}}",
    "jetstream {sync: 5}",
  ];
  for (const text of bad) {
    test(JSON.stringify(text), async () => {
      const { theirs, ours } = await verdicts(text);
      assert.equal(theirs.digest, "");
      assert.deepEqual(ours.faults.toSorted(), theirs.faults.toSorted());
    });
  }
});

describe("bad files: faults at the same places, in our own words", { skip }, () => {
  const bad = [
    "port: abc",
    "port: 1.5\nhost: 5\ndebug: 1",
    " server_tags: 5",
    "server_metadata: {a: true}",
    "\nmappings: []",
    "tls: 5",
    "listen: true",
    "lame_duck_duration: 31",
    "cluster: []",
    "ocsp: 5",
  ];
  for (const text of bad) {
    test(JSON.stringify(text), async () => {
      const { theirs, ours } = await verdicts(text);
      assert.equal(theirs.digest, "");
      assert.notEqual(ours.faults.length, 0);
      assert.deepEqual(placesOf(ours.faults), placesOf(theirs.faults));
    });
  }
});

describe("bad files: refused by both", { skip }, () => {
  const bad = [
    "",
    "# nothing",
    "port",
    "port 5 6",
    "port:\n5",
    ": 5",
    "= 5",
    "port: .5",
    "port: 5.",
    "port: -x",
    "port: 9223372036854775808",
    "host: 2017-01-01",
    "host: 2017-13-01T00:00:00Z",
    'host: "a',
    'host: "a\\q"',
    'host: "a\\u0041"',
    'host: "\\x4"',
    "host: (\nabc",
    "host: (\nabc\n )\n",
    "host: it's",
    "server_tags: [a b]",
    "server_tags: [a,,b]",
    "server_tags: [a",
    "server_tags: [include inc.conf]",
    "authorization {user: a password: b}",
    "authorization {user: a",
    "authorization {user: a,, password: b}",
    "authorization {user: , password: b}",
    "port: $NO_SUCH_VARIABLE",
    "port: $x\nx: 1",
    "x: {y: 1}\nport: $y",
    "port: $CONFIG_CYCLE",
    "port: $CONFIG_BAD",
    "x: 9\ninclude var.conf",
    "include nope.conf",
    "include /inc.confx",
    "include = inc.conf",
    "include\ninc.conf",
    '"include" inc.conf',
    "include: inc.conf",
  ];
  for (const text of bad) {
    test(JSON.stringify(text), async () => {
      const { theirs, ours } = await verdicts(text);
      assert.equal(theirs.digest, "");
      assert.notEqual(ours.faults.length, 0);
    });
  }
});

/** Where we are deliberately not like the reference; see each line. A change on either side shows here. */
describe("files on which we differ", { skip }, () => {
  const differing: [text: string, why: string, verdict: "theirs" | "ours"][] = [
    ["{port: 5\n", "a file cut short is taken", "theirs"],
    ["host: a'", "a lone quote ends a string and is dropped", "theirs"],
    ["port: 10eb", "the number wraps around", "theirs"],
    ["max_payload: -5", "a negative limit is taken", "theirs"],
    ["port: 70000", "a port of more than 16 bits fails later", "theirs"],
    ["accounts: 5", "a number is taken for no accounts", "theirs"],
    ["mappings {a: {weight: 50}}", "a destination may be absent", "theirs"],
    ["\ufeffport: 5", "a byte order mark is part of the key", "ours"],
    ["server_tags: $CONFIG_LIST", "tags may not be a list from the environment", "ours"],
    ["host: (\r\na\r\n)\r\n", "a block cannot end before a carriage return", "ours"],
  ];
  for (const [text, why, verdict] of differing) {
    test(`${JSON.stringify(text)}: ${why}`, async () => {
      const { theirs, ours } = await verdicts(text);
      assert.equal(theirs.digest !== "", verdict === "theirs", theirs.faults.join("\n"));
      assert.equal(ours.digest !== "", verdict === "ours", ours.faults.join("\n"));
    });
  }
});

test("random values have the reference's digest", { skip }, async () => {
  const text = fc.string({ unit: "grapheme", maxLength: 10 }).filter((string) => !/["\\\0]/.test(string));
  const key = fc
    .string({ unit: "grapheme-ascii", minLength: 1, maxLength: 8 })
    .filter((string) => !/["\\]/.test(string));
  const metadata = fc.dictionary(key, text, { noNullPrototype: true });
  const number = fc.integer({ min: 1, max: 5000 });
  const timeout = fc.double({ min: 0.000001, max: 60, noNaN: true }).map((seconds) => seconds.toFixed(7));
  await fc.assert(
    fc.asyncProperty(metadata, fc.array(text), number, timeout, async (pairs, tags, count, seconds) => {
      const members = Object.entries(pairs).map(([name, member]) => `"${name}": "${member}"`);
      const { theirs, ours } = await verdicts(
        `server_metadata {${members.join("\n")}}\nserver_tags: [${tags.map((tag) => `"${tag}"`).join(",")}]\n` +
          `max_conn: ${count}kib\nauthorization {timeout: ${seconds}}`,
      );
      assert.notEqual(theirs.digest, "", theirs.faults.join("\n"));
      assert.deepEqual(ours, theirs);
    }),
    { numRuns: 40 },
  );
});
