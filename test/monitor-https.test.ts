/** Monitoring over HTTPS: ours, and the reference where there is one, give the same. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { Agent, get } from "node:https";
import type { IncomingMessage } from "node:http";
import { connect as connectTcp, type Socket } from "node:net";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { connect, type TLSSocket } from "node:tls";
import type { HttpAnswer, HttpListener } from "../packages/caddis/src/io/http.ts";
import { SILENT_LOG } from "../packages/caddis/src/io/log.ts";
import { nodeHttp } from "../packages/caddis/src/io/node/http.ts";
import { openTlsContext } from "../packages/caddis/src/io/node/tls.ts";
import { createTestServer } from "../packages/caddis/src/server/testing.ts";
import { makeCa, makeCertificate, type TestCertificate } from "./support/certificates.ts";
import { Program, testFolder } from "./support/program.ts";
import { findReferenceServer, OUR_SERVER, ServerProcess } from "./support/server-process.ts";
import { tempFolder, tlsConfig, writePair } from "./support/tls-pipes.ts";

const HOST = "127.0.0.1";
/** Reached only when something hangs. */
const DEADLINE = { timeout: 20_000 };
const CA = makeCa();
const reference = findReferenceServer();
const SIDES: readonly (readonly [string, string])[] = [
  ["ours", OUR_SERVER],
  ...(reference === null ? [] : [["the reference", reference] as const]),
];

if (reference === null) test("the reference's HTTPS", (t) => t.skip("no nats-server on PATH"));

function named(name: string): TestCertificate {
  return makeCertificate({ ca: CA, subject: [[["CN", name]]], dns: ["localhost"], ips: [HOST] });
}

interface Shown {
  readonly status: number;
  readonly text: string;
  readonly certificate: string;
  readonly headers: IncomingMessage["headers"];
}

/** One request on a connection of its own. */
async function ask(port: number, path: string, agent = new Agent({ ca: CA.pem })): Promise<Shown> {
  const [response] = (await once(
    get({ host: HOST, port, path, agent, servername: "localhost" }),
    "response",
  )) as [IncomingMessage];
  const certificate = (response.socket as TLSSocket).getPeerX509Certificate()?.subject ?? "";
  let text = "";
  response.setEncoding("utf8").on("data", (piece: string) => (text += piece));
  await once(response, "end");
  return { status: response.statusCode ?? 0, text, certificate, headers: response.headers };
}

interface Watched {
  readonly server: ServerProcess;
  readonly port: number;
  readonly folder: string;
}

async function start(t: TestContext, command: string, more = "", tls = ""): Promise<Watched> {
  const folder = tempFolder(t);
  const { cert_file, key_file } = writePair(folder, "server", named("one"));
  writeFileSync(join(folder, "ca.pem"), CA.pem);
  const config = `
https: "${HOST}:-1"
${more}
tls { cert_file: "${cert_file}", key_file: "${key_file}", ca_file: "${join(folder, "ca.pem")}"${tls} }`;
  const server = await ServerProcess.start({ command, config });
  t.after(() => server.stop());
  const port = Number(/Starting https monitor on 127\.0\.0\.1:(\d+)/.exec(server.log)?.[1]);
  assert.ok(port > 0, server.log);
  return { server, port, folder };
}

for (const [side, command] of SIDES) {
  test(`${side}: certificates are those of clients, and nobody has to show one`, async (t) => {
    const { port } = await start(t, command, "http_base_path: /m", ", verify: true");
    const { status, text, certificate, headers } = await ask(port, "/m/healthz");
    assert.deepEqual([status, text, certificate], [200, '{"status":"ok"}', "CN=one"]);
    assert.equal(headers["content-type"], "application/json");
    const varz = JSON.parse((await ask(port, "/m/varz")).text) as Record<string, unknown>;
    assert.deepEqual([varz["http_port"], varz["https_port"], varz["tls_verify"]], [0, -1, true]);
    assert.equal((await ask(port, "/healthz")).status, 404);
  });

  test(`${side}: where clients' certificates are asked about, the watcher has to show one, too`, async (t) => {
    const { port } = await start(t, command, "", ", verify: true, ocsp_peer: true");
    await assert.rejects(ask(port, "/healthz"), /alert|hang up|ECONNRESET/);
  });

  test(`${side}: a reload takes new files for new handshakes`, async (t) => {
    const { server, port, folder } = await start(t, command);
    writePair(folder, "server", named("two"));
    assert.equal((await ask(port, "/healthz")).certificate, "CN=one");
    server.signal("SIGHUP");
    for (let tries = 0; tries < 500; tries++) {
      if ((await ask(port, "/healthz")).certificate === "CN=two") return;
    }
    assert.fail("still the old certificate");
  });

  test(`${side}: what can't be is said`, async (t) => {
    const cases: readonly (readonly [string, RegExp])[] = [
      [
        "http: 127.0.0.1:1\nhttps: 127.0.0.1:2",
        /Can't start monitoring: can't specify both HTTP \(1\) and HTTPs \(2\) ports\n/,
      ],
      ["https_port: 2", /Can't start monitoring: TLS cert and key required for HTTPS\n/],
    ];
    for (const [config, line] of cases) {
      const folder = await testFolder(t);
      writeFileSync(join(folder, "c.conf"), config);
      const program = new Program(t, command, ["-p", "-1", "-c", "c.conf"], folder);
      const { code, stderr } = await program.ended;
      assert.equal(code, 1);
      assert.match(stderr, line);
    }
  });
}

test("the flag, and the address that programs are told", async (t) => {
  const folder = tempFolder(t);
  const { cert_file, key_file } = writePair(folder, "server", named("one"));
  await using server = await createTestServer({ https_port: -1, tls: { cert_file, key_file } });
  const { protocol, port } = new URL(server.monitoringUrl);
  assert.equal(protocol, "https:");
  assert.equal((await ask(Number(port), "/healthz")).status, 200);
  await assert.rejects(
    server.reload({ https_port: -1 }),
    /TLS cert and key required for HTTPS/,
    "not without certificates",
  );
  assert.equal((await ask(Number(port), "/healthz")).status, 200);
});

/** Listens by a context of its own, which is there if `isOpen`. */
async function openListener(t: TestContext, answer: () => HttpAnswer, isOpen = true): Promise<HttpListener> {
  const pair = writePair(tempFolder(t), "server", named("one"));
  const context = await openTlsContext(tlsConfig([pair]), { log: SILENT_LOG });
  t.after(() => context.close());
  return nodeHttp.listen(HOST, 0, answer, () => (isOpen ? context : null));
}

/** …as long as the test runs. */
async function listen(t: TestContext, answer: () => HttpAnswer, isOpen = true): Promise<HttpListener> {
  const listener = await openListener(t, answer, isOpen);
  t.after(() => listener.close());
  return listener;
}

/** Resolves when it is gone, whatever the reason. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once("close", () => resolve()));
}

function ok(...body: string[]): HttpAnswer {
  return { status: 200, headers: {}, body };
}

test("keep-alive, and answers in pieces", async (t) => {
  const listener = await listen(t, () => ok("a", "b", "c"));
  const agent = new Agent({ ca: CA.pem, keepAlive: true, maxSockets: 1 });
  for (let i = 0; i < 3; i++) assert.equal((await ask(listener.port, "/", agent)).text, "abc");
  agent.destroy();
});

test("who talks in the clear, or is turned away, gets nothing", async (t) => {
  const listener = await listen(t, () => ok("x"));
  const plain = connectTcp(listener.port, HOST);
  plain.on("error", () => {});
  plain.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  let received = "";
  plain.on("data", (chunk: Buffer) => (received += chunk.toString("latin1")));
  await closed(plain);
  assert.doesNotMatch(received, /HTTP\/1\.1 200/);
  const shut = await listen(t, () => ok("x"), false);
  const secured = connect({ port: shut.port, host: HOST, ca: CA.pem, servername: "localhost" });
  secured.on("error", () => {});
  await closed(secured);
  assert.equal(secured.getPeerX509Certificate(), undefined);
});

/** A connection that says nothing. */
async function silence(t: TestContext, port: number): Promise<Socket> {
  const socket = connectTcp({ port, host: HOST, signal: t.signal });
  socket.on("error", () => {});
  await once(socket, "connect");
  return socket;
}

test("close ends handshakes under way, and what came through them", DEADLINE, async (t) => {
  // Nothing else ends a handshake then.
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const listener = await openListener(t, () => ok("x"));
  const silent = await silence(t, listener.port);
  const idle = connect({ port: listener.port, host: HOST, ca: CA.pem, servername: "localhost" });
  idle.on("error", () => {});
  idle.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  await once(idle, "data");
  const ends = [silent, idle].map(closed);
  await listener.close();
  await Promise.all(ends);
});

test("a handshake has five seconds", DEADLINE, async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const listener = await listen(t, () => ok("x"));
  const silent = await silence(t, listener.port);
  const end = closed(silent);
  // Connections are taken in their order: once this one has its answer, the other one waits.
  const next = connect({ port: listener.port, host: HOST, ca: CA.pem, servername: "localhost" });
  next.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  await once(next, "data");
  t.mock.timers.tick(4_999);
  assert.equal(silent.readyState, "open");
  t.mock.timers.tick(1);
  await end;
  next.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  await once(next, "data");
  next.destroy();
});
