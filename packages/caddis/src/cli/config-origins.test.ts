import assert from "node:assert/strict";
import { test } from "node:test";
import { fileOrigins, flagOrigins } from "./config-origins.ts";

function origins(
  files: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>> = {},
): object {
  const readFile = (path: string): string => files[path] ?? assert.fail(`${path} was asked for`);
  return Object.fromEntries(fileOrigins("d/a.conf", { readFile, env: (name) => env[name] }));
}

test("an option comes from where it stands last, by any of its names", () => {
  assert.deepEqual(origins({ "d/a.conf": "max_conn: 5\nPort: 6\nmax_connections: 7" }), {
    port: "d/a.conf:2",
    max_connections: "d/a.conf:3",
  });
});

test("an address is two options, or one", () => {
  assert.deepEqual(origins({ "d/a.conf": 'port: 5\nhttp: 8222\nlisten: "h:6"' }), {
    host: "d/a.conf:3",
    port: "d/a.conf:3",
    http_port: "d/a.conf:2",
  });
});

test("blocks and files that are included have places of their own", () => {
  const files = {
    "d/a.conf": "include b.conf\nauthorization {\n  timeout: 1\n}\nwebsocket { no_tls: true }",
    "d/b.conf": "\n\ndebug: true",
  };
  assert.deepEqual(origins(files), {
    debug: "d/b.conf:3",
    "authorization.timeout": "d/a.conf:3",
    "websocket.no_tls": "d/a.conf:5",
  });
});

test("what stands for the default comes from nowhere, and what is no option neither", () => {
  assert.deepEqual(origins({ "d/a.conf": "ping_max: 0\nn: 5\nmax_payload: $n\nmqtt {}" }), {
    max_payload: "d/a.conf:3",
  });
});

test("a variable of the environment stands where it is used", () => {
  assert.deepEqual(origins({ "d/a.conf": "\nserver_name: $NAME" }, { NAME: "x" }), {
    server_name: "d/a.conf:2",
  });
});

test("flags are told by the name that was used", () => {
  const given = flagOrigins([
    "-c",
    "x.conf",
    "-DV",
    "--http_port=80",
    "--user",
    "a",
    "--tlscert",
    "c",
    "-p",
    "1",
  ]);
  assert.deepEqual(Object.fromEntries(given), {
    debug: "-DV",
    trace: "-DV",
    http_port: "--http_port",
    "authorization.user": "--user",
    tls: "--tlscert",
    port: "-p",
  });
});
