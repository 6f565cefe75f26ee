import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { FLAG_GROUPS, parseCommandLine, type CommandLine } from "./flags.ts";
import { helpText } from "./help.ts";

function parse(...args: string[]): CommandLine {
  const line = parseCommandLine(args);
  if ("problem" in line) assert.fail(line.problem);
  return line;
}

const OPTIONS: readonly (readonly [string, CommandLine["options"]])[] = [
  ["-a 10.0.0.1", { host: "10.0.0.1" }],
  ["--addr ::1", { host: "::1" }],
  ["--net=h", { host: "h" }],
  ["-p 4333", { port: 4333 }],
  ["--port=-1", { port: -1 }],
  ["-p 0", { port: 4222 }],
  ["-p 0x10", { port: 16 }],
  ["-p 010", { port: 8 }],
  ["-p 0o1_0", { port: 8 }],
  ["-p 0b11", { port: 3 }],
  ["-p=1 --port 2", { port: 2 }],
  ["-n x", { server_name: "x" }],
  ["--name x", { server_name: "x" }],
  ["--server_name=x=y", { server_name: "x=y" }],
  ["-P f.pid", { pid_file: "f.pid" }],
  ["--pid f.pid", { pid_file: "f.pid" }],
  ["-m 8222", { http_port: 8222 }],
  ["-ms 8443", { https_port: 8443 }],
  ["--https_port=-1", { https_port: -1 }],
  ["--http_port 8222", { http_port: 8222 }],
  ["--client_advertise h:1", { client_advertise: "h:1" }],
  ["--ports_file_dir /d", { ports_file_dir: "/d" }],
  ["-l f.log", { log_file: "f.log" }],
  ["--log f.log", { log_file: "f.log" }],
  ["-T=false", { logtime: false }],
  ["--logtime", { logtime: true }],
  ["--logtime_utc", { logtime_utc: true }],
  ["-s", { syslog: true }],
  ["--syslog=0", { syslog: false }],
  ["-r udp://h:1", { remote_syslog: "udp://h:1" }],
  ["--remote_syslog udp://h:1", { remote_syslog: "udp://h:1" }],
  ["-D", { debug: true }],
  ["--debug=T", { debug: true }],
  ["-V", { trace: true }],
  ["--trace", { trace: true }],
  ["-DV", { debug: true, trace: true }],
  ["-VV", { trace: true, trace_verbose: true }],
  ["-DVV", { debug: true, trace: true, trace_verbose: true }],
  ["-DV=false -D", { debug: false, trace: false }],
  ["--log_size_limit 1_000", { logfile_size_limit: 1000 }],
  ["--max_traced_msg_len 5", { max_traced_msg_len: 5 }],
  ["--log_format json", { log_format: "json" }],
  ["--user u --pass p", { authorization: { user: "u", password: "p" } }],
  ["--auth t", { authorization: { token: "t" } }],
  ["--tls", { tls: {} }],
  ["--tlscert c --tlskey k", { tls: { cert_file: "c", key_file: "k" } }],
  ["--tlsverify --tlscacert a", { tls: { verify: true, ca_file: "a" } }],
  ["--tlscert c --tls=false --tlsverify", { tls: false }],
];

for (const [args, options] of OPTIONS) {
  test(`${args} gives ${JSON.stringify(options)}`, () => {
    assert.deepEqual(parse(...args.split(" ")).options, options);
  });
}

test("flags that are not options", () => {
  assert.equal(parse("-c", "f.conf").configFile, "f.conf");
  assert.equal(parse("--config=f.conf").configFile, "f.conf");
  assert.equal(parse("-t").testConfig, true);
  assert.equal(parse("-sl=ldm=/run/x.pid").signal, "ldm=/run/x.pid");
  assert.equal(parse("--signal", "stop").signal, "stop");
  assert.equal(parse("-v").version, true);
  assert.equal(parse("--help").help, true);
  assert.equal(parse("--help_tls").helpTls, true);
});

test("JetStream: a flag that is off leaves the file its say", () => {
  assert.deepEqual(parse("-js").options, { jetstream: true });
  assert.deepEqual(parse("--jetstream", "-sd", "/d").options, { jetstream: true, store_dir: "/d" });
  assert.deepEqual(parse("-js=false", "--store_dir=").options, {});
});

test("words behind the flags are kept, and flags behind a word are words", () => {
  assert.deepEqual(parse("-D", "version", "-p", "1").words, ["version", "-p", "1"]);
  assert.deepEqual(parse("--", "-p").words, ["-p"]);
  assert.deepEqual(parse("-").words, ["-"]);
});

const NOT_BUILT: readonly (readonly [string, string])[] = [
  ["--routes r", "--routes is not supported yet: clustering"],
  ["--cluster c", "--cluster is not supported yet: clustering"],
  ["--cluster_name n", "--cluster_name is not supported yet: clustering"],
  ["--no_advertise", "--no_advertise is not supported yet: clustering"],
  ["--cluster_advertise a", "--cluster_advertise is not supported yet: clustering"],
  ["--connect_retries 3", "--connect_retries is not supported yet: clustering"],
  ["--cluster_listen l", "--cluster_listen is not supported yet: clustering"],
  ["--profile 1", "--profile is not supported yet: profiling"],
];

for (const [args, line] of NOT_BUILT) {
  test(`${args}: ${line}`, () => assert.deepEqual(parse(...args.split(" ")).unsupported, [line]));
}

test("a part that is switched off is all right", () => {
  assert.deepEqual(parse("-js=false", "--profile", "0", "-ms=0", "--routes", "").unsupported, []);
});

const PROBLEMS: readonly (readonly [string, string])[] = [
  ["-foo", "flag provided but not defined: -foo"],
  ["--foo=1", "flag provided but not defined: -foo"],
  ["-p", "flag needs an argument: -p"],
  ["--port", "flag needs an argument: -port"],
  ["-p abc", 'invalid value "abc" for flag -p: parse error'],
  ["-p=", 'invalid value "" for flag -p: parse error'],
  ["-p 09", 'invalid value "09" for flag -p: parse error'],
  ["-p 1__0", 'invalid value "1__0" for flag -p: parse error'],
  ["-p 9223372036854775808", 'invalid value "9223372036854775808" for flag -p: value out of range'],
  ["-D=yes", 'invalid boolean value "yes" for -D: parse error'],
  ["---x", "bad flag syntax: ---x"],
  ["-=x", "bad flag syntax: -=x"],
];

for (const [args, problem] of PROBLEMS) {
  test(`${args}: ${problem}`, () => assert.deepEqual(parseCommandLine(args.split(" ")), { problem }));
}

test("help shows every flag by all its names", () => {
  const help = helpText("caddis");
  for (const { names } of FLAG_GROUPS.flatMap(({ flags }) => flags)) {
    for (const name of names) assert.match(help, new RegExp(` -{1,2}${name}\\b`));
  }
  for (const row of help.split("\n")) assert.ok(row.length <= 140, row);
});

test("a log format there is not", () => {
  assert.throws(() => parse("--log_format", "xml"), /--log_format is text or json, not "xml"/);
});

test("whatever the arguments, they are read or refused with a line", () => {
  const names = FLAG_GROUPS.flatMap(({ flags }) => flags).flatMap((flag) => flag.names);
  const arg = fc.oneof(
    fc.string(),
    fc.constantFrom(...names.map((name) => `-${name}`)),
    fc.tuple(fc.constantFrom(...names), fc.string()).map(([name, value]) => `--${name}=${value}`),
  );
  fc.assert(
    fc.property(fc.array(arg), (args) => {
      fc.pre(!args.some((arg) => arg.includes("log_format")));
      const line = parseCommandLine(args);
      assert.ok("problem" in line ? line.problem.length > 0 : line.words.length <= args.length);
    }),
  );
});
