/** Reloads of the program: by signal, with its log, its files, its flags and its certificates. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { connect as connectTcp } from "node:net";
import { dirname, join } from "node:path";
import { test, type TestContext } from "node:test";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { makeCa, makeCertificate } from "./support/certificates.ts";
import { Program, testFolder, untilFiles } from "./support/program.ts";
import { ReloadServer } from "./support/reload-scene.ts";
import { OUR_SERVER } from "./support/server-process.ts";

const LIMIT = { timeout: 30_000 };
const USER = "authorization { users: [{user: a, password: b}] }\n";
const A = { connect: { user: "a", pass: "b" } };

function start(t: TestContext, config: string, args: readonly string[] = []): Promise<ReloadServer> {
  return ReloadServer.start(t, OUR_SERVER, config, args);
}

test("flags go before the file, then and now", LIMIT, async (t) => {
  const server = await start(t, "max_payload: 100", ["--user", "flag", "--pass", "pw"]);
  const client = await server.connect({ connect: { user: "flag", pass: "pw" } });
  assert.equal(await server.reload("max_payload: 200\nport: 1\ndebug: true"), true);
  assert.equal(await client.barrier(), true);
  assert.equal((await server.greeting())["max_payload"], 200);
  await client.finish();
});

test("without a file there is nothing to read", LIMIT, async (t) => {
  const program = new Program(t, OUR_SERVER, ["-a", "127.0.0.1", "-p", "-1"], await testFolder(t));
  await program.until(/Server is ready/);
  program.signal("SIGHUP");
  await program.until(
    /Failed to reload server configuration: can only reload config when a file is provided using -c or --config/,
  );
});

test("caddis --signal reload does the same", LIMIT, async (t) => {
  const server = await start(t, "max_payload: 100");
  const sender = new Program(t, OUR_SERVER, ["--signal", `reload=${server.pid}`], server.folder);
  assert.equal((await sender.ended).code, 0);
  await server.until(/Reloaded server configuration/);
});

test("a file that can't be read or makes no sense changes nothing", LIMIT, async (t) => {
  const server = await start(t, USER);
  const client = await server.connect(A);
  for (const config of ["authorization {", "nonsense: 1", "include './missing.conf'", "mqtt {port: 1}"]) {
    assert.equal(await server.reload(config), false, config);
  }
  assert.equal(await client.barrier(), true);
  assert.deepEqual(client.lines, []);
  await client.finish();
});

test("the log moves to another file, says more there, and comes back", LIMIT, async (t) => {
  const server = await start(t, "max_payload: 100");
  const file = join(server.folder, "a.log");
  await writeFile(join(server.folder, "server.conf"), `log_file: "${file}"\ndebug: true\ntrace: true`);
  server.signal("SIGHUP");
  await server.until(/Reloaded: log_file = /);
  await waitFor(file, /\[INF\] Reloaded server configuration/);
  const client = await server.connect({});
  await client.finish();
  await waitFor(file, /\[TRC\].*<<- \[CONNECT/);
  assert.doesNotMatch(server.log.join("\n"), /CONNECT/);
  await writeFile(join(server.folder, "server.conf"), "max_payload: 100");
  server.signal("SIGHUP");
  await server.until(/Reloaded server configuration/);
  assert.match(await readFile(file, "utf8"), /Reloaded: trace = false/);
});

test("a live client is traced from the reload on, and no longer after the next", LIMIT, async (t) => {
  const server = await start(t, "max_payload: 100");
  const client = await server.connect({});
  const traced = (): number => server.log.filter((line) => line.includes("<<- [SUB")).length;
  for (const [config, count] of [
    ["trace: true", 1],
    ["max_payload: 100", 1],
  ] as const) {
    assert.equal(await server.reload(config), true);
    client.send("SUB foo 1\r\n");
    await client.barrier();
    assert.equal(traced(), count, config);
  }
  await client.finish();
});

test("a log that can't be opened keeps everything as it is", LIMIT, async (t) => {
  const server = await start(t, USER);
  const client = await server.connect(A);
  assert.equal(await server.reload('log_file: "/missing/folder/x.log"\nmax_payload: 7'), false);
  assert.match(server.log.at(-2) ?? "", /error opening file/);
  assert.equal(await client.barrier(), true);
  assert.notEqual((await server.greeting())["max_payload"], 7);
  await client.finish();
});

test("the pid file and the ports file follow", LIMIT, async (t) => {
  const folder = await testFolder(t);
  const [one, two] = [join(folder, "one.pid"), join(folder, "two.pid")];
  const server = await start(t, `pid_file: "${one}"`);
  assert.equal(await readFile(one, "utf8"), String(server.pid));
  assert.equal(await server.reload(`pid_file: "${two}"\nports_file_dir: "${folder}"`), true);
  const ports = join(folder, `caddis_${server.pid}.ports`);
  assert.match(await readFile(ports, "utf8"), new RegExp(`:${server.port}"`));
  assert.equal(await readFile(two, "utf8"), String(server.pid));
  assert.equal(existsSync(one), false);
  assert.equal(await server.reload(`pid_file: "${two}"`), true);
  assert.equal(existsSync(ports), false);
  assert.equal(existsSync(two), true);
  // A file that can't be written is told of, and is no reason to turn back.
  assert.equal(await server.reload(`pid_file: "${folder}/missing/x.pid"`), true);
  assert.match(server.log.join("\n"), /Failed to write pidfile: open /);
});

test("a reload in lame duck mode is refused, and says why", LIMIT, async (t) => {
  const server = await start(t, "max_payload: 100");
  const client = await server.connect({});
  server.signal("SIGUSR2");
  await server.until(/Entering lame duck mode/);
  assert.equal(await server.reload("max_payload: 200"), false);
  assert.match(
    server.log.at(-2) ?? "",
    /a server that is in lame duck mode can't be given another configuration/,
  );
  assert.equal(await client.barrier(), true);
  await client.finish();
});

test(
  "certificates are read again though the configuration is the same; live connections stay",
  LIMIT,
  async (t) => {
    const folder = await testFolder(t);
    const ca = makeCa();
    const put = async (name: string): Promise<void> => {
      const { pem, keyPem } = makeCertificate({ ca, dns: ["localhost"], subject: [[["CN", name]]] });
      await writeFile(join(folder, "cert.pem"), pem);
      await writeFile(join(folder, "key.pem"), keyPem);
    };
    await put("one");
    const tls = `tls { cert_file: "${folder}/cert.pem", key_file: "${folder}/key.pem" }\n`;
    const server = await start(t, tls);
    const first = await secured(server.port);
    assert.equal(first.getPeerX509Certificate()?.subject, "CN=one");
    await put("two");
    assert.equal(await server.reload(tls), true);
    const second = await secured(server.port);
    assert.equal(second.getPeerX509Certificate()?.subject, "CN=two");
    await answers(first);
    // A key that does not fit: the reload fails, and what was in use stays in use.
    await writeFile(join(folder, "key.pem"), makeCertificate({ ca }).keyPem);
    assert.equal(await server.reload(`${tls}max_payload: 7`), false);
    const third = await secured(server.port);
    assert.equal(third.getPeerX509Certificate()?.subject, "CN=two");
    for (const socket of [first, second, third]) socket.destroy();
  },
);

test("whose certificate is not pinned any more is gone, the others stay", LIMIT, async (t) => {
  const folder = await testFolder(t);
  const ca = makeCa();
  const own = makeCertificate({ ca, dns: ["localhost"] });
  const [ann, bob] = ["ann", "bob"].map((name) => makeCertificate({ ca, subject: [[["CN", name]]] }));
  await writeFile(join(folder, "ca.pem"), ca.pem);
  await writeFile(join(folder, "cert.pem"), own.pem);
  await writeFile(join(folder, "key.pem"), own.keyPem);
  const tls = (...pins: readonly string[]): string =>
    `tls { cert_file: "${folder}/cert.pem", key_file: "${folder}/key.pem", ca_file: "${folder}/ca.pem", verify: true, pinned_certs: [${pins.map((pin) => `"${pin}"`).join(", ")}] }\n`;
  const pinOf = ({ publicKey }: typeof ann): string =>
    createHash("sha256")
      .update(publicKey.export({ format: "der", type: "spki" }))
      .digest("hex");
  const server = await start(t, tls(pinOf(ann), pinOf(bob)));
  const sockets = [];
  for (const { pem, keyPem } of [ann, bob]) sockets.push(await secured(server.port, pem, keyPem));
  await Promise.all(sockets.map(answers));
  const gone = once(sockets[1], "close");
  assert.equal(await server.reload(tls(pinOf(ann))), true);
  await gone;
  await answers(sockets[0]);
  assert.match(server.log.join("\n"), /Disconnect 1 clients due to pinned certs reload/);
  sockets[0].destroy();
});

/** A connection that has been greeted and speaks TLS. */
async function secured(port: number, cert?: string, key?: string): Promise<TLSSocket> {
  const raw = connectTcp(port, "127.0.0.1");
  await once(raw, "data");
  const identity = cert === undefined || key === undefined ? {} : { cert, key };
  const socket = connectTls({ socket: raw, rejectUnauthorized: false, ...identity });
  socket.on("error", () => {});
  await once(socket, "secureConnect");
  socket.write('CONNECT {"verbose":false}\r\n');
  return socket;
}

async function answers(socket: TLSSocket): Promise<void> {
  const answered = once(socket, "data");
  socket.write("PING\r\n");
  await answered;
}

/** Resolves when the text of a file matches. */
function waitFor(path: string, pattern: RegExp): Promise<void> {
  return untilFiles(dirname(path), () => existsSync(path) && pattern.test(readFileSync(path, "utf8")));
}
