/** The program's audit log, and the codes of its log lines. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync, statSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { OUR_SERVER } from "./support/server-process.ts";
import { Program, testFolder } from "./support/program.ts";

const PASSWORD = "s3cret-pa55";

function config(folder: string, more = ""): string {
  return `listen: "127.0.0.1:-1", log_format: json, debug: true, audit_log: "${join(folder, "audit.log")}"
authorization { user: u, password: "${PASSWORD}" }
${more}
`;
}

/** Says `text` and waits for the last of its answers. */
async function say(port: number, text: string, until: string): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  socket.write(text);
  let heard = "";
  while (!heard.includes(until)) heard += String((await once(socket, "data"))[0]);
  socket.destroy();
}

async function start(t: TestContext): Promise<{ folder: string; program: Program; port: number }> {
  const folder = await testFolder(t);
  const file = join(folder, "a.conf");
  await writeFile(file, config(folder));
  const program = new Program(t, OUR_SERVER, ["-c", file], folder);
  await program.until(/Server is ready/);
  const port = Number(/client connections on 127\.0\.0\.1:(\d+)/.exec(program.stderr)?.[1]);
  return { folder, program, port };
}

test("who came, what changed, who asked: in a file for the server's user alone", async (t) => {
  const { folder, program, port } = await start(t);
  await say(port, `CONNECT {"user":"u","pass":"${PASSWORD}","verbose":false}\r\nPING\r\n`, "PONG");
  await say(port, `CONNECT {"user":"u","pass":"${PASSWORD}x","verbose":false}\r\nPING\r\n`, "-ERR");
  await writeFile(join(folder, "a.conf"), config(folder, "max_payload: 2000"));
  program.signal("SIGHUP");
  await program.until(/Reloaded server configuration/);
  await writeFile(join(folder, "a.conf"), config(folder, "server_name: other"));
  program.signal("SIGHUP");
  await program.until(/Failed to reload server configuration/);
  program.signal("SIGTERM");
  const { stderr } = await program.ended;

  const path = join(folder, "audit.log");
  assert.equal(statSync(path).mode & 0o777, 0o600);
  const text = readFileSync(path, "utf8");
  const lines = text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.deepEqual(
    lines.map(({ event, reason, options, request }) => [event, reason ?? options ?? request ?? null]),
    [
      ["auth.accepted", null],
      ["auth.refused", "Authentication Failure"],
      ["admin.request", "reload"],
      ["config.changed", ["max_payload"]],
      ["admin.request", "reload"],
      ["config.refused", null],
      ["admin.request", "shutdown"],
    ],
  );
  assert.ok(!text.includes(PASSWORD));
  assert.ok(!stderr.includes(PASSWORD));
});

test("each line of a server's life has a code", async (t) => {
  const { program, port } = await start(t);
  await say(port, `CONNECT {"user":"u","pass":"${PASSWORD}","verbose":false}\r\nPING\r\n`, "PONG");
  await say(port, 'CONNECT {"user":"u","pass":"x","verbose":false}\r\nPING\r\n', "-ERR");
  program.signal("SIGHUP");
  await program.until(/Reloaded server configuration/);
  program.signal("SIGTERM");
  const { stderr } = await program.ended;
  const entries = stderr
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.deepEqual(
    entries.filter(({ code }) => code === undefined).map(({ msg }) => msg),
    [],
  );
  const codes = new Set(entries.map(({ code }) => code));
  for (const code of [
    "server.ready",
    "client.connected",
    "client.closed",
    "auth.refused",
    "config.reloaded",
  ]) {
    assert.ok(codes.has(code), code);
  }
});

test("a file that can't be opened keeps the server from starting", async (t) => {
  const folder = await testFolder(t);
  const path = join(folder, "missing", "audit.log");
  const file = join(folder, "a.conf");
  await writeFile(file, `listen: "127.0.0.1:-1", audit_log: "${path}"\n`);
  const { code, stderr } = await new Program(t, OUR_SERVER, ["-c", file], folder).ended;
  assert.equal(code, 1);
  assert.match(stderr, /audit_log: open .*missing\/audit\.log: no such file or directory/);
});
