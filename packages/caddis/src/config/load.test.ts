import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ConfigError } from "./config-error.ts";
import { loadConfig, type LoadedConfig } from "./load.ts";
import type { Options, OptionsInput } from "./options.ts";
import { mergeInputs, resolveOptions, startWarnings } from "./resolve.ts";

function load(text: string, files: Record<string, string> = {}): LoadedConfig {
  const readFile = (path: string): string => files[path] ?? assert.fail(`${path} was asked for`);
  return loadConfig(text, { file: "dir/conf", readFile, env: () => undefined });
}

/** A good file's options, resolved. */
function resolved(text: string): Options {
  const { options, errors, unsupported } = load(text);
  assert.deepEqual([errors, unsupported], [[], []]);
  return resolveOptions(options);
}

/** The problems `resolveOptions` throws. Takes anything: programs without types hand in anything. */
function problemsOf(input: object): readonly string[] {
  try {
    resolveOptions(input);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return assert.fail("these options should be refused");
}

describe("a file", () => {
  test("sets options by any spelling, in any case, the last one winning", () => {
    const options = resolved('NET: a\nport: 5\nListen: "b:6"\nlogfile: x\nlog_file: y\nmax_conn: 7');
    assert.deepEqual(
      [options.host, options.port, options.log_file, options.max_connections],
      ["b", 6, "y", 7],
    );
  });

  test("counts a key given twice where it stands last", () => {
    const options = resolved('port: 5\nlisten: "b:6"\nport: 7');
    assert.deepEqual([options.host, options.port], ["b", 7]);
  });

  test("gives numbers in milliseconds and bytes", () => {
    const options = resolved(
      'ping_interval: "1m30s"\nmax_payload: 64kb\nlame_duck_duration: "30s"\nauthorization {timeout: 0.5}',
    );
    assert.equal(options.ping_interval, 90_000);
    assert.equal(options.max_payload, 65_536);
    assert.equal(options.lame_duck_duration, 30_000);
    assert.equal(options.authorization.timeout, 500);
  });

  test("takes 0 for the default where nats-server does", () => {
    const zeros =
      "port max_payload max_pending max_control_line ping_max max_closed_clients connect_error_reports";
    const text = zeros.split(" ").map((name) => `${name}: 0\n`);
    assert.deepEqual(resolved(`${text.join("")}ping_interval: "0"\nlisten: 0\nhttp: 0`), resolveOptions({}));
    assert.equal(resolved("max_connections: 0").max_connections, -1);
    assert.equal(resolved("max_subscriptions: -3").max_subscriptions, 0);
    assert.equal(resolved("port: -1").port, 0);
    assert.equal(resolved("http: -1").http_port, -1);
  });

  test("includes from its own folder", () => {
    const files = { "dir/sub/a": "include b\nhost: x", "dir/sub/b": "port: 5", "dir/abs": "debug: true" };
    const { options, errors } = load("include sub/a\ninclude /abs", files);
    assert.deepEqual([options, errors], [{ port: 5, host: "x", debug: true }, []]);
  });

  test("may have variables that are no options", () => {
    assert.deepEqual(load("a: 5\nport: $a\nauthorization {u: x, user: $u}").errors, []);
    assert.deepEqual(load("a: 5\nport: 1").errors, ['dir/conf:1:0: unknown field "a"']);
  });

  test("reports everything that is wrong, with its place, and keeps the rest", () => {
    const loaded = load(
      "port: x\nhost: a\n foo: 1\nauthorization {bar: 1, user: 5}\nping_interval: 5\nmqtt {port: 5}",
    );
    assert.deepEqual(loaded.errors, [
      'dir/conf:1:0: "port" must be an integer, not a string',
      'dir/conf:3:2: unknown field "foo"',
      'dir/conf:4:16: unknown field "bar"',
      'dir/conf:4:24: "user" must be a string, not an integer',
    ]);
    assert.deepEqual(loaded.warnings, [
      'dir/conf:5:1: invalid use of field "ping_interval": ping_interval should be converted to a duration',
    ]);
    assert.deepEqual(loaded.unsupported, ['dir/conf:6:1: "mqtt" is not supported yet: MQTT']);
    assert.deepEqual(loaded.options, { host: "a", ping_interval: "5s", authorization: {} });
    assert.match(loaded.digest, /^sha256:[0-9a-f]{64}$/);
  });

  test("that cannot be read, or says nothing, is an error", () => {
    assert.deepEqual(load("port").errors, ['dir/conf:1:4: config is invalid: key "port" has no value']);
    assert.equal(load("port").digest, "");
    assert.deepEqual(load("# x").warnings, ["dir/conf: config has no values or is empty"]);
    assert.deepEqual(load("# x").errors, []);
  });

  const bad: [string, string][] = [
    ["max_sub_tokens: 0", "max_sub_tokens value can not be negative"],
    ["max_sub_tokens: 256", "max_sub_tokens value is too big"],
    ["max_payload: 3000000000", "max_payload value is too big"],
    ["max_payload: -1", "max_payload value can not be negative"],
    ["max_pending: 9223372036854775807", "max_pending value is too big"],
    ["port: 70000", "port value is too big"],
    ["port: -7", "port value is too small"],
    ['lame_duck_duration: "29s"', "invalid lame_duck_duration of 29s, minimum is 30 seconds"],
    ['lame_duck_grace_period: "-1s"', "invalid lame_duck_grace_period, needs to be positive"],
    ["lame_duck_duration: 31", '"lame_duck_duration" must be a duration such as "30s", not an integer'],
    ["write_timeout: x", "write_timeout must be 'default', 'close' or 'retry'"],
    ["log_format: xml", "log_format must be 'text' or 'json'"],
    ['server_name: "a b"', "server name cannot contain spaces"],
    ['client_advertise: "a:b"', 'could not parse port "b"'],
    ["listen: abc", 'could not parse address string "abc"'],
    ["listen: true", "expected port or host:port, got a boolean"],
    ["listen: 70000", "invalid port 70000"],
    ["ping_interval: abc", 'error parsing ping_interval: time: invalid duration "abc"'],
    ["server_tags: [1\n]", '"server_tags" must be a string or a list of strings, not an integer'],
    ["debug: 1", '"debug" must be a boolean, not an integer'],
    ['max_payload: "1MB"', '"max_payload" must be an integer, not a string'],
    ["tls: 5", '"tls" must be a map, not an integer'],
    ["authorization: 5", '"authorization" must be a map, not an integer'],
    ["Authorization {token: a, user: b}", "Cannot have a user/pass and token"],
    ["mappings: {a: 'b c'}", ""],
  ];
  for (const [text, reason] of bad) {
    test(`with ${text}`, () => {
      const { errors } = load(text);
      assert.equal(errors.length, 1);
      assert.ok(errors[0].startsWith("dir/conf:1:") && errors[0].endsWith(reason), errors[0]);
    });
  }

  const off = [
    "ocsp: off",
    "cluster {}",
    "accounts: []",
    "https_port: 0",
    "allow_non_tls: true",
    "mqtt {}",
    "authorization {users: [], proxy_required: no}",
  ];
  for (const text of off) {
    test(`may switch off what is not built: ${text}`, () => {
      const { errors, unsupported } = load(text);
      assert.deepEqual([errors, unsupported], [[], []]);
    });
  }

  const on: [string, string][] = [
    ["jetstream {tpm {keys_file: f}}", '"tpm" is not supported yet: encryption keys from a TPM'],
    ["jetstream {unique_tag: az}", '"unique_tag" is not supported yet: clustering'],
    ["leaf {port: 5}", '"leaf" is not supported yet: leafnodes'],
  ];
  for (const [text, reason] of on) {
    test(`is refused for what is not built: ${text}`, () => {
      assert.deepEqual(
        load(text).unsupported.map((line) => line.replace(/^dir\/conf:1:\d+: /, "")),
        [reason],
      );
    });
  }

  test("gets a warning for an authorization timeout over a minute", () => {
    const reason =
      'invalid use of field "timeout": timeout of 61 (61.000000 seconds) is high, consider keeping it under 60';
    assert.ok(load("authorization {timeout: 61}").warnings[0].startsWith(`dir/conf:1:15: ${reason}`));
    assert.deepEqual(load('authorization {timeout: "60s"}').warnings, []);
  });
});

describe("mappings", () => {
  test("in all forms", () => {
    const text =
      'mappings {a: b, c: {dest: d, weight: 20, cluster: x}, e: [{destination: f, weight: "50%"}, {destination: g, weight: 1}]}';
    assert.deepEqual(resolved(text).mappings, [
      { source: "a", destinations: "b" },
      { source: "c", destinations: [{ subject: "d", weight: 20, cluster: "x" }] },
      {
        source: "e",
        destinations: [
          { subject: "f", weight: 50 },
          { subject: "g", weight: 1 },
        ],
      },
    ]);
  });

  const bad: [string, string][] = [
    ["{a: {destination: b}}", '1:11: Missing weight for mapping destination "b"'],
    ["{a: {weight: 5}}", "1:11: Missing destination for mapping"],
    ["{a: {destination: b, weight: 101}}", "1:31: Invalid weight 101 for mapping destination"],
    ["{a: {destination: b, weight: x}}", '1:31: Invalid weight "x" for mapping destination'],
    ["{a: {destination: b, weight: 5.5}}", "1:31: Unknown entry type for weight of 5.5"],
    ["{a: {destination: b, weight: 5, c: d}}", '1:42: Unknown field "c" for mapping destination'],
    ["{a: [b]}", "1:15: Expected an entry for the mapping destination"],
    ["{a: {destination: b, weight: 5, cluster: 5}}", '1:42: "cluster" must be a string, not an integer'],
    ["{a: 'b.*'}", '1:11: Error adding mapping for "a" to "b.*" : invalid subject'],
  ];
  for (const [text, problem] of bad) {
    test(`refused: ${text}`, () =>
      assert.deepEqual(load(`mappings: ${text}`).errors, [`dir/conf:${problem}`]));
  }
});

describe("a program", () => {
  test("gets defaults for what it leaves out", () => {
    const options = resolveOptions({});
    assert.equal(options.host, "0.0.0.0");
    assert.equal(options.port, 4222);
    assert.equal(options.http_host, "0.0.0.0");
    assert.equal(options.http_port, 0);
    assert.equal(options.ping_interval, 120_000);
    assert.equal(options.logtime, true);
    assert.deepEqual(options.authorization, {
      user: "",
      password: "",
      token: "",
      timeout: 2000,
      users: [],
      default_permissions: null,
      auth_callout: null,
      proxy_required: false,
    });
    assert.deepEqual([options.tls, options.accounts, options.hasAuthorization], [null, [], false]);
    assert.deepEqual([options.server_tags, options.server_metadata, options.mappings], [[], {}, []]);
  });

  test("means any free port by 0", () => {
    assert.equal(resolveOptions({ port: 0 }).port, 0);
    assert.equal(resolveOptions({ port: -1 }).port, 0);
    assert.equal(resolveOptions({ listen: "a:0" }).port, 0);
    assert.equal(resolveOptions({ listen: 0 }).port, 0);
  });

  test("hands in texts for sizes and durations", () => {
    const options = resolveOptions({ max_payload: "1MB", lame_duck_duration: "11s", server_tags: " A" });
    assert.deepEqual(
      [options.max_payload, options.lame_duck_duration, options.server_tags],
      [1_048_576, 11_000, ["a"]],
    );
  });

  test("implies options by others", () => {
    assert.equal(resolveOptions({ host: "a", http_port: 1 }).http_host, "a");
    assert.equal(resolveOptions({ host: "a", http: "b:1" }).http_host, "b");
    assert.equal(resolveOptions({ trace_headers: true }).trace, true);
    assert.equal(resolveOptions({ trace_verbose: true }).trace, true);
  });

  test("learns everything that is wrong at once", () => {
    const cyclic: Record<string, unknown> = {};
    cyclic["a"] = cyclic;
    assert.deepEqual(
      problemsOf({ foo: 1, port: 1.5, ping_interval: 5, max_payload: "x", mqtt: { a: 1 }, host: null }),
      [
        '"host" must be a string, number, boolean, list or map',
        'unknown field "foo"',
        '"port" must be an integer, not a float',
        '"ping_interval" must be a duration such as "30s", not an integer',
        '"max_payload" must be a size such as "64KB", not "x"',
        '"mqtt" is not supported yet: MQTT',
      ],
    );
    assert.match(
      problemsOf({ server_metadata: cyclic })[0],
      /must be a string, number, boolean, list or map$/,
    );
    assert.deepEqual(problemsOf({ debug: 10n }), ['"debug" must be a string, number, boolean, list or map']);
  });

  test("may pass undefined for nothing", () => {
    const input: object = { port: undefined };
    assert.equal(resolveOptions(input).port, 4222);
  });
});

test("options that do not go together", () => {
  assert.deepEqual(problemsOf({ max_payload: 100, max_pending: 99 }), [
    "max_payload (100) cannot be higher than max_pending (99)",
  ]);
  assert.deepEqual(problemsOf({ lame_duck_duration: "31s", lame_duck_grace_period: "31s" }), [
    "lame duck grace period (31s) should be strictly lower than lame duck duration (31s)",
  ]);
  assert.deepEqual(problemsOf({ authorization: { token: "a", user: "b" } }), [
    "Cannot have a user/pass and token",
  ]);
  assert.deepEqual(problemsOf({ authorization: { password: "a" } }), [
    "authorization has a password but no user",
  ]);
});

test("merging: option by option, addresses by their parts", () => {
  const file: OptionsInput = { listen: "a:5", debug: true, authorization: { user: "u", password: "p" } };
  assert.deepEqual(mergeInputs(file, { port: 6, authorization: { password: "q" } }), {
    host: "a",
    port: 6,
    debug: true,
    authorization: { user: "u", password: "q" },
  });
  assert.deepEqual(mergeInputs({ host: "h" }, { listen: "a:5" }), { host: "a", port: 5 });
  assert.deepEqual(mergeInputs({}, { listen: "abc" }), { listen: "abc" });
});

test("what a start warns of", () => {
  assert.deepEqual(startWarnings(resolveOptions({ max_payload: "8MB" })), []);
  assert.deepEqual(
    startWarnings(resolveOptions({ max_payload: "9MB", authorization: { user: "a", password: "b" } })),
    [
      "Maximum payloads over 8.00 MB are generally discouraged and could lead to poor performance",
      "Plaintext passwords detected, use nkeys or bcrypt",
    ],
  );
});

test("what a file comes to can be handed in again", () => {
  const text =
    'ping_interval: 90\nlisten: "a:5"\nmappings {a: {dest: b, weight: 5}}\nserver_metadata {x: y}\nlogtime: no';
  const { options } = load(text);
  const once = resolveOptions(options);
  assert.equal(once.ping_interval, 90_000);
  assert.deepEqual(resolveOptions(mergeInputs({}, options)), once);
});
