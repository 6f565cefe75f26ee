import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { hostname, tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { test, type TestContext } from "node:test";
import { LogOpenError } from "./log-destination.ts";
import { openLocalSyslog } from "./syslog-local.ts";
import { openRemoteSyslog, parseSyslogAddress } from "./syslog-remote.ts";

const PLAIN = (_level: string, message: string): string => message;

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "caddis-syslog-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test("addresses of remote syslogs", () => {
  assert.deepEqual(parseSyslogAddress("udp://h:514"), { network: "udp", host: "h", port: 514 });
  assert.deepEqual(parseSyslogAddress("TCP://[::1]:1514"), { network: "tcp", host: "::1", port: 1514 });
  assert.deepEqual(parseSyslogAddress("udp://:514"), { network: "udp", host: "localhost", port: 514 });
  assert.deepEqual(parseSyslogAddress("unix:///run/s.sock"), { network: "unix", path: "/run/s.sock" });
});

for (const bad of [
  "http://h:1",
  "h:514",
  "localhost",
  "",
  "udp://",
  "udp://h",
  "udp://h:x",
  "tcp://h:70000",
  "unixgram:///x",
]) {
  test(`${JSON.stringify(bad)} is no address of a syslog`, () => {
    assert.throws(() => parseSyslogAddress(bad), LogOpenError);
  });
}

test("UDP: a datagram for each message, with severity, time, host, tag and process id", async (t) => {
  const daemon = createSocket("udp4");
  t.after(() => daemon.close());
  daemon.bind(0, "127.0.0.1");
  await once(daemon, "listening");
  const messages: string[] = [];
  const all = new Promise<void>((resolve) => {
    daemon.on("message", (bytes) => {
      messages.push(String(bytes));
      if (messages.length === 6) resolve();
    });
  });
  const syslog = await openRemoteSyslog(
    parseSyslogAddress(`udp://127.0.0.1:${daemon.address().port}`),
    "nats-server",
    42,
    PLAIN,
  );
  for (const level of ["fatal", "error", "warn", "info", "trace", "debug"] as const)
    syslog.write(level, level);
  await syslog.close();
  await all;
  assert.deepEqual(messages.map((message) => message.slice(0, 3)).sort(), [
    "<2>",
    "<3>",
    "<4>",
    "<5>",
    "<5>",
    "<7>",
  ]);
  const fatal = messages.find((message) => message.startsWith("<2>")) ?? "";
  const [head, ...rest] = fatal.split(" ");
  assert.match(head, /^<2>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)$/);
  assert.equal(rest.join(" "), `${hostname()} nats-server[42]: fatal\n`);
});

test("UDP: lines that nobody took are counted, and told once somebody takes them for a while", async (t) => {
  const daemon = createSocket("udp4");
  daemon.bind(0, "127.0.0.1");
  await once(daemon, "listening");
  const { port } = daemon.address();
  const address = parseSyslogAddress(`udp://127.0.0.1:${port}`);
  daemon.close();
  await once(daemon, "close");
  const syslog = await openRemoteSyslog(address, "caddis", 42, PLAIN);
  // The first is refused after it was sent, and the second is told so.
  syslog.write("info", "lost");
  syslog.write("info", "lost as well");
  const again = createSocket("udp4");
  t.after(() => again.close());
  again.bind(port, "127.0.0.1");
  await once(again, "listening");
  const messages: string[] = [];
  const all = new Promise<void>((resolve) => {
    again.on("message", (bytes) => {
      messages.push(String(bytes).replace(/^(<\d>).*: /, "$1"));
      if (messages.length === 4) resolve();
    });
  });
  syslog.write("info", "too early to tell");
  const laterMs = performance.now() + 1_000;
  const clock = t.mock.method(performance, "now", () => laterMs);
  syslog.write("info", "back");
  syslog.write("info", "and on");
  clock.mock.restore();
  await syslog.close();
  await all;
  assert.deepEqual(messages, [
    "<5>too early to tell\n",
    "<4>1 or more log lines lost before this one\n",
    "<5>back\n",
    "<5>and on\n",
  ]);
});

/** A syslog daemon on a stream socket that collects what it gets until the sender ends. */
async function streamDaemon(
  t: TestContext,
  target: string | number,
): Promise<{ port: number; next(): Promise<Socket> }> {
  const server = createServer({ pauseOnConnect: true });
  t.after(() => server.close());
  if (typeof target === "string") server.listen(target);
  else server.listen(target, "127.0.0.1");
  await once(server, "listening");
  const waiting: Socket[] = [];
  let wanted: ((socket: Socket) => void) | undefined;
  server.on("connection", (socket) => {
    if (wanted === undefined) waiting.push(socket);
    else wanted(socket);
    wanted = undefined;
  });
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    port,
    next: () => {
      const socket = waiting.shift();
      return socket === undefined ? new Promise((resolve) => (wanted = resolve)) : Promise.resolve(socket);
    },
  };
}

async function readAll(socket: Socket): Promise<string> {
  let text = "";
  socket.setEncoding("utf8").on("data", (part: string) => (text += part));
  socket.resume();
  await once(socket, "end");
  return text;
}

test("TCP: messages as lines, all of them there after close", async (t) => {
  const daemon = await streamDaemon(t, 0);
  const syslog = await openRemoteSyslog(
    parseSyslogAddress(`tcp://127.0.0.1:${daemon.port}`),
    "caddis",
    1,
    PLAIN,
  );
  const text = readAll(await daemon.next());
  for (let count = 0; count < 1000; count++) syslog.write("info", `line ${count}`);
  await syslog.close();
  const lines = (await text).trimEnd().split("\n");
  assert.equal(lines.length, 1000);
  assert.match(lines[999], /^<5>\S+ \S+ caddis\[1\]: line 999$/);
});

test("unix: the short form of a daemon on the same machine", async (t) => {
  const path = join(folderFor(t), "s.sock");
  const daemon = await streamDaemon(t, path);
  const syslog = await openRemoteSyslog(parseSyslogAddress(`unix://${path}`), "caddis", 1, PLAIN);
  const text = readAll(await daemon.next());
  syslog.write("error", "no");
  await syslog.close();
  assert.match(await text, /^<3>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d caddis\[1\]: no\n$/);
});

test("TCP: messages of the time without connection arrive after it is made again", async (t) => {
  const daemon = await streamDaemon(t, 0);
  const syslog = await openRemoteSyslog(
    parseSyslogAddress(`tcp://127.0.0.1:${daemon.port}`),
    "caddis",
    1,
    PLAIN,
  );
  const first = await daemon.next();
  const closed = once(first.resume(), "close");
  first.end();
  await closed;
  const second = await daemon.next();
  const text = readAll(second);
  syslog.write("info", "back again");
  await syslog.close();
  assert.match(await text, /back again\n$/);
});

test("a syslog that nobody listens for is an error at the start", async (t) => {
  const path = join(folderFor(t), "nobody.sock");
  await assert.rejects(
    openRemoteSyslog({ network: "unix", path }, "caddis", 1, PLAIN),
    new LogOpenError(`error connecting to syslog: ${path}: no such file or directory`),
  );
});

/** Puts a script in the place of `logger`. */
function useLogger(t: TestContext, folder: string, script: string): void {
  writeFileSync(join(folder, "logger"), `#!/bin/sh\n${script}\n`);
  chmodSync(join(folder, "logger"), 0o755);
  const path = process.env["PATH"] ?? "";
  process.env["PATH"] = `${folder}${delimiter}${path}`;
  t.after(() => (process.env["PATH"] = path));
}

test("local: logger gets lines with facility and severity, all of them before close ends", async (t) => {
  const folder = folderFor(t);
  const out = join(folder, "out");
  useLogger(
    t,
    folder,
    `if [ "$1" = --version ]; then echo logger from util-linux 2.38; exit; fi; echo "$@" > ${out}; cat >> ${out}`,
  );
  const socket = join(folder, "devlog");
  writeFileSync(socket, "");
  const syslog = openLocalSyslog("nats-server", 42, PLAIN, ["/nowhere", socket]);
  syslog.write("info", "hello");
  syslog.write("error", "no");
  await syslog.close();
  const [args, ...lines] = readFileSync(out, "utf8").split("\n");
  assert.match(args, /--prio-prefix .*--id=42 --tag nats-server --socket .*\/devlog$/);
  assert.deepEqual(lines, ["<29>hello", "<27>no", ""]);
});

test("local: no daemon and no usable logger are errors at the start", (t) => {
  const folder = folderFor(t);
  assert.throws(
    () => openLocalSyslog("caddis", 1, PLAIN, ["/nowhere/log"]),
    new LogOpenError("error connecting to syslog: none of /nowhere/log is there"),
  );
  useLogger(t, folder, "exit 1");
  assert.throws(
    () => openLocalSyslog("caddis", 1, PLAIN, [folder]),
    new LogOpenError("error connecting to syslog: local syslog needs logger(1) of util-linux on PATH"),
  );
});
