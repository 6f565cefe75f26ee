import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import type { ConnectionOptions } from "node:tls";
import { type Log, SILENT_LOG } from "../packages/caddis/src/io/log.ts";
import { openTlsContext } from "../packages/caddis/src/io/node/tls.ts";
import { makeCa, makeCertificate, type TestCertificate } from "./support/certificates.ts";
import { listenTls, tempFolder, tlsConfig, type TlsListener, writePair } from "./support/tls-pipes.ts";

const CA = makeCa();
const ENCRYPTED_KEY = {
  type: "pkcs8",
  format: "pem",
  cipher: "aes-256-cbc",
  passphrase: "open sesame",
} as const;

function named(name: string, days = 30): TestCertificate {
  return makeCertificate({ ca: CA, subject: [[["CN", name]]], dns: ["localhost"], days });
}

/** The common name that a new connection is shown. */
async function shown(listener: TlsListener, options: ConnectionOptions = {}): Promise<string> {
  const socket = listener.connect(options);
  await once(socket, "secureConnect");
  const name = socket.getPeerX509Certificate()?.subject ?? "";
  socket.destroy();
  return name;
}

/** A log that keeps lines and tells of each. */
class Lines {
  readonly #lines: string[] = [];
  #added = Promise.withResolvers<void>();
  readonly log: Log = {
    ...SILENT_LOG,
    info: (text) => this.#add(`INF ${text}`),
    error: (text) => this.#add(`ERR ${text}`),
  };

  async next(): Promise<string> {
    while (this.#lines.length === 0) await this.#added.promise;
    return this.#lines.shift() ?? "";
  }

  #add(line: string): void {
    this.#lines.push(line);
    this.#added.resolve();
    this.#added = Promise.withResolvers<void>();
  }
}

const run = (what: string, body: (t: TestContext) => Promise<void>): void => {
  test(what, { timeout: 20_000 }, body);
};

run("new handshakes use new files; a connection keeps what it has", async (t) => {
  const folder = tempFolder(t);
  const pair = writePair(folder, "server", named("one", 20));
  const listener = await listenTls(t, tlsConfig([pair]));
  const { context } = listener;
  const before = context.notAfterMs;
  const old = listener.connect();
  const oldSide = await listener.nextSide();
  await once(old, "secureConnect");
  const underWay = await listener.tcp();
  const waiting = await listener.nextSide();
  writePair(folder, "server", named("two", 10));
  assert.equal(await shown(listener), "CN=one", "not before it is told to");
  assert.equal(await context.reload(), null);
  assert.equal(await shown(listener), "CN=two");
  assert.ok(context.notAfterMs < before);
  old.write("still here");
  await oldSide.until(() => oldSide.received === 10);
  const late = listener.connect({ socket: underWay });
  await waiting.until(() => waiting.session !== null);
  if (late.getPeerX509Certificate() === undefined) await once(late, "secureConnect");
  assert.equal(late.getPeerX509Certificate()?.subject, "CN=two", "nothing of its handshake had come");
});

run("broken files leave the old ones in use", async (t) => {
  const folder = tempFolder(t);
  const pair = writePair(folder, "server", named("one"));
  const listener = await listenTls(t, tlsConfig([pair]));
  const before = listener.context.notAfterMs;
  writeFileSync(pair.cert_file, "nothing");
  assert.match((await listener.context.reload()) ?? "", /failed to find any PEM data in certificate input/);
  assert.equal(await shown(listener), "CN=one");
  assert.equal(listener.context.notAfterMs, before);
  writePair(folder, "server", named("two"));
  assert.equal(await listener.context.reload(), null);
  assert.equal(await shown(listener), "CN=two");
});

run("of reloads at the same time the last one decides", async (t) => {
  if (process.platform === "win32") return t.skip("no named pipes among the files");
  const folder = tempFolder(t);
  const ca_file = join(folder, "ca.pem");
  writeFileSync(ca_file, CA.pem);
  const pair = writePair(folder, "server", named("server"));
  const listener = await listenTls(t, tlsConfig([pair], { ca_file, verify: true }));
  rmSync(ca_file);
  execFileSync("mkfifo", [ca_file]);
  const first = listener.context.reload();
  // Opened as soon as it is being read.
  const writer = await open(ca_file, "w");
  const newCa = makeCa();
  writeFileSync(`${ca_file}.new`, newCa.pem);
  renameSync(`${ca_file}.new`, ca_file);
  const last = listener.context.reload();
  // The reader of before is given time to wait for its bytes: the last one, if nothing held it back, is done.
  for (let i = 0; i < 10; i++) await readFile(ca_file);
  await writer.writeFile(CA.pem);
  await writer.close();
  assert.deepEqual(await Promise.all([first, last]), [null, null]);
  const me = makeCertificate({ ca: newCa });
  listener.connect({ cert: me.pem, key: me.keyPem });
  const side = await listener.nextSide();
  await side.until(() => side.session !== null);
});

run("who was let in by authorities of before is not let in by those of now", async (t) => {
  const folder = tempFolder(t);
  const ca_file = join(folder, "ca.pem");
  writeFileSync(ca_file, CA.pem);
  const pair = writePair(folder, "server", named("server"));
  const listener = await listenTls(t, tlsConfig([pair], { ca_file, verify: true }));
  const me = makeCertificate({ ca: CA });
  for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
    writeFileSync(ca_file, CA.pem);
    assert.equal(await listener.context.reload(), null);
    const options = { cert: me.pem, key: me.keyPem, minVersion: version, maxVersion: version };
    const socket = listener.connect(options);
    let session: Buffer | undefined;
    socket.on("session", (given: Buffer) => (session = given));
    const side = await listener.nextSide();
    await side.until(() => side.session !== null);
    side.pipe.write(Buffer.from("x"), 1);
    await once(socket, "data");
    session ??= socket.getSession();
    assert.ok(session !== undefined);
    writeFileSync(ca_file, makeCa().pem);
    assert.equal(await listener.context.reload(), null);
    listener.connect({ ...options, session });
    const refused = await listener.nextSide();
    assert.match((await refused.reason()) ?? "", /unknown authority$/);
    assert.equal(refused.session, null);
  }
});

run("with watch, files that are renamed over are in use, and a broken one is told of", async (t) => {
  const folder = tempFolder(t);
  const pair = writePair(folder, "server", named("one"));
  const lines = new Lines();
  const listener = await listenTls(t, tlsConfig([pair], { watch: true }), { log: lines.log });
  const next = writePair(folder, "next", named("two"));
  renameSync(next.key_file, pair.key_file);
  renameSync(next.cert_file, pair.cert_file);
  assert.equal(await lines.next(), "INF TLS certificates changed and are in use");
  assert.equal(await shown(listener), "CN=two");
  const { cert_file } = writePair(folder, "foreign", named("three"));
  renameSync(cert_file, pair.cert_file);
  assert.match(
    await lines.next(),
    /^ERR TLS certificates changed but can't be used, the old ones stay: .*private key does not match public key/,
  );
  assert.equal(await shown(listener), "CN=two");
});

run("with watch, certificates that Kubernetes swaps are in use", async (t) => {
  const folder = tempFolder(t);
  const swap = (name: string): void => {
    mkdirSync(join(folder, `..${name}`));
    writePair(join(folder, `..${name}`), "tls", named(name));
    symlinkSync(`..${name}`, join(folder, "..data_tmp"));
    renameSync(join(folder, "..data_tmp"), join(folder, "..data"));
  };
  swap("one");
  for (const file of ["tls.pem", "tls.key"]) symlinkSync(`..data/${file}`, join(folder, file));
  const pair = { cert_file: join(folder, "tls.pem"), key_file: join(folder, "tls.key") };
  const lines = new Lines();
  const listener = await listenTls(t, tlsConfig([pair], { watch: true }), { log: lines.log });
  for (const name of ["two", "three"]) {
    swap(name);
    assert.equal(await lines.next(), "INF TLS certificates changed and are in use");
    assert.equal(await shown(listener), `CN=${name}`);
  }
});

run("files that can't be used are named, with the reason", async (t) => {
  const folder = tempFolder(t);
  const one = named("one");
  const good = writePair(folder, "good", one);
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const fails = async (config: ReturnType<typeof tlsConfig>): Promise<string> => {
    const opened = openTlsContext(config, { log: SILENT_LOG });
    const error = await opened.then(
      () => assert.fail("it was opened"),
      (error: Error) => error,
    );
    return error.message.replaceAll(`${folder}/`, "");
  };
  const pair = (cert_file: string, key_file: string): Promise<string> =>
    fails(tlsConfig([{ cert_file, key_file }]));
  const prefix = "error parsing X509 certificate/key pair";
  const none = join(folder, "none.pem");
  assert.equal(await pair(none, good.key_file), `${prefix}: open none.pem: no such file or directory`);
  assert.equal(await pair(good.cert_file, none), `${prefix}: open none.pem: no such file or directory`);
  assert.equal(await pair(folder, none), `${prefix}: read ${folder}: is a directory`);
  assert.equal(
    await pair(good.key_file, good.key_file),
    `${prefix}: tls: failed to find any PEM data in certificate input (good.key)`,
  );
  assert.equal(
    await pair(good.cert_file, good.cert_file),
    `${prefix}: tls: failed to find any PEM data in key input (good.pem)`,
  );
  const cut = file("cut.pem", one.pem.replace(/[A-Za-z0-9+/]{64}\n/, ""));
  assert.equal(await pair(cut, good.key_file), `${prefix}: x509: malformed certificate (cut.pem)`);
  const secret = one.keyPem.split("\n")[1];
  const cutKey = file("cut.key", one.keyPem.replace(secret, secret.slice(8)));
  assert.equal(await pair(good.cert_file, cutKey), `${prefix}: tls: failed to parse private key (cut.key)`);
  const locked = file("locked.key", one.key.export(ENCRYPTED_KEY));
  assert.equal(
    await pair(good.cert_file, locked),
    `${prefix}: tls: the private key is encrypted, which is not supported (locked.key)`,
  );
  const other = writePair(folder, "other", named("other"));
  assert.equal(
    await pair(good.cert_file, other.key_file),
    `${prefix}: tls: private key does not match public key (good.pem, other.key)`,
  );
  const second = { cert_file: none, key_file: good.key_file };
  assert.equal(
    await fails(tlsConfig([good, second])),
    `${prefix} 2/2: open none.pem: no such file or directory`,
  );
  assert.equal(await fails(tlsConfig([good], { ca_file: none })), "open none.pem: no such file or directory");
  assert.equal(
    await fails(tlsConfig([good], { ca_file: good.key_file })),
    "failed to parse root ca certificate (good.key)",
  );
  assert.equal(await fails(tlsConfig([])), "tls: no certificates configured");
  assert.equal(await fails(tlsConfig([good], { cipher_suites: ["TLS_NO"] })), "unrecognized cipher TLS_NO");
  assert.equal(
    await fails(tlsConfig([good], { curve_preferences: ["Curve"] })),
    "unrecognized curve preference Curve",
  );
});

run("a certificate file may hold its chain and more, in any order", async (t) => {
  const folder = tempFolder(t);
  const middle = makeCa("Middle", CA);
  const leaf = makeCertificate({ ca: middle, dns: ["localhost"] });
  const both = join(folder, "both.pem");
  writeFileSync(both, `some prose\n${leaf.keyPem}${leaf.pem}\n${middle.pem}`);
  const listener = await listenTls(t, tlsConfig([{ cert_file: both, key_file: both }]));
  const socket = listener.connect({ ca: CA.pem, servername: "localhost" });
  await once(socket, "secureConnect");
  assert.equal(socket.authorized, true);
});

run("every suite and curve that a configuration may name is known", async (t) => {
  const pair = writePair(tempFolder(t), "server", named("one"));
  const suites = ["TLS_RSA_WITH_RC4_128_SHA", "TLS_RSA_WITH_AES_128_CBC_SHA", "TLS_AES_128_GCM_SHA256"];
  const context = await openTlsContext(tlsConfig([pair], { cipher_suites: suites }), { log: SILENT_LOG });
  context.close();
  const curves = [
    ["SecP384r1MLKEM1024", "SecP384r1MLKEM1024"],
    ["SecP256r1MLKEM768", "SecP256r1MLKEM768"],
    ["X25519MLKEM768", "X25519MLKEM768"],
    ["X25519", "X25519"],
    ["CurveP256", "P-256"],
    ["CurveP521", "P-521"],
  ];
  for (const [curve, ecdhCurve] of curves) {
    const listener = await listenTls(t, tlsConfig([pair], { curve_preferences: [curve] }));
    await shown(listener, { ecdhCurve });
  }
  const newest = await listenTls(t, tlsConfig([pair], { cipher_suites: ["TLS_AES_128_GCM_SHA256"] }));
  newest.connect({ maxVersion: "TLSv1.2" });
  const side = await newest.nextSide();
  assert.match((await side.reason()) ?? "", /unsupported versions/, "no suite is left for TLS 1.2");
});
