import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigError } from "../config/config-error.ts";
import { resolveEmbeddedOptions, type ServerOptions } from "./embedded-options.ts";

test("an embedded server keeps to itself unless told otherwise", () => {
  const { host, port } = resolveEmbeddedOptions({}, false);
  assert.deepEqual({ host, port }, { host: "127.0.0.1", port: 0 });
});

test("an address may be given in each of its forms", () => {
  const addressOf = (input: ServerOptions): [string, number] => {
    const { host, port } = resolveEmbeddedOptions(input, false);
    return [host, port];
  };
  assert.deepEqual(addressOf({ port: 4222 }), ["127.0.0.1", 4222]);
  assert.deepEqual(addressOf({ port: -1 }), ["127.0.0.1", 0]);
  assert.deepEqual(addressOf({ host: "0.0.0.0" }), ["0.0.0.0", 0]);
  assert.deepEqual(addressOf({ listen: "0.0.0.0:4223" }), ["0.0.0.0", 4223]);
  assert.deepEqual(addressOf({ listen: 4224 }), ["127.0.0.1", 4224]);
});

test("options of the program are refused, all of them at once, unless they say nothing", () => {
  const program = { log_file: "/tmp/x.log", pid_file: "/tmp/x.pid", syslog: true, ports_file_dir: "" };
  const input: ServerOptions = { port: 0, ...program };
  assert.throws(
    () => resolveEmbeddedOptions(input, true),
    (error) => {
      assert.ok(error instanceof ConfigError);
      assert.deepEqual(
        error.problems.map((problem) => problem.split(" ")[0]),
        ['"log_file"', '"syslog"', '"pid_file"'],
      );
      return true;
    },
  );
});

test("chatty levels need somebody who listens", () => {
  assert.throws(() => resolveEmbeddedOptions({ debug: true }, false), /need a logger/);
  assert.throws(() => resolveEmbeddedOptions({ trace: true }, false), /need a logger/);
  assert.equal(resolveEmbeddedOptions({ debug: true }, true).debug, true);
});

test("wrong options are refused with the reason", () => {
  assert.throws(() => resolveEmbeddedOptions({ port: 70_000 }, false), ConfigError);
  const unknown: ServerOptions & { readonly prot: number } = { prot: 4222 };
  assert.throws(() => resolveEmbeddedOptions(unknown, false), /prot/);
});
