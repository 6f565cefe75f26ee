import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { connect as connectTcp } from "node:net";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { connect as connectTls } from "node:tls";
import { parseCacheFile } from "../packages/caddis/src/auth/ocsp/cache-file.ts";
import type { OcspConfig, OcspPeerConfig } from "../packages/caddis/src/config/tls.ts";
import { makeCa, makeCertificate, OCSP_SIGNING, type TestCertificate } from "./support/certificates.ts";
import { openStapler, startPeerChecker } from "./support/ocsp-setup.ts";
import { type Behaviour, OcspResponder } from "./support/ocsp-responder.ts";
import { findReferenceServer, ServerProcess } from "./support/server-process.ts";
import { tempFolder, writePair } from "./support/tls-pipes.ts";

const NO_REFERENCE = "no nats-server on PATH";
const HELLO = 'CONNECT {"verbose":false,"pedantic":false}\r\nPING\r\n';

/** Starts nats-server with mutual TLS and `ocsp_peer`, whose responses it keeps in `folder`. */
async function startReference(
  t: TestContext,
  command: string,
  ca: TestCertificate,
  folder: string,
  options: string,
  cache: string,
): Promise<ServerProcess> {
  const { cert_file, key_file } = writePair(folder, "server", makeCertificate({ ca, ips: ["127.0.0.1"] }));
  const { cert_file: ca_file } = writePair(folder, "ca", ca);
  const server = await ServerProcess.start({
    command,
    config: `
      tls {
        cert_file: "${cert_file}", key_file: "${key_file}", ca_file: "${ca_file}", verify: true
        timeout: 5
        ocsp_peer { verify: true, ${options} }
      }
      ocsp_cache { ${cache} }`,
  });
  t.after(() => server.stop());
  return server;
}

/** Whether a server that greets in the clear lets a client in that shows `peer`. */
async function isLetIn(port: number, peer: TestCertificate): Promise<boolean> {
  const tcp = connectTcp(port, "127.0.0.1");
  await new Promise((resolve) => tcp.once("data", resolve));
  const socket = connectTls({ socket: tcp, cert: peer.pem, key: peer.keyPem, rejectUnauthorized: false });
  try {
    return await new Promise((resolve) => {
      let received = "";
      socket.setEncoding("utf8").on("data", (text: string) => {
        received += text;
        if (received.includes("PONG")) resolve(true);
      });
      socket.on("error", () => resolve(false));
      socket.on("close", () => resolve(false));
      socket.write(HELLO);
    });
  } finally {
    socket.destroy();
  }
}

const ago = (ms: number): Date => new Date(Date.now() - ms);
const HOUR_MS = 3_600_000;

/** What a responder may do, by name. */
function behaviours(ca: TestCertificate): Record<string, Behaviour> {
  const delegate = makeCertificate({ ca, extendedKeyUsage: [OCSP_SIGNING] });
  const pretender = makeCertificate({ ca, subject: [[["CN", "Pretender"]]] });
  return {
    good: {},
    revoked: { status: "revoked" },
    unknown: { status: "unknown" },
    "good by SHA-256": { hash: "sha256" },
    "good by a delegate": { signer: delegate, certificates: [delegate] },
    "revoked by a delegate": { signer: delegate, certificates: [delegate], status: "revoked" },
    "good by a delegate without its certificate": { signer: delegate },
    "good by a pretender": { signer: pretender, certificates: [pretender] },
    "good by another authority": { signer: makeCa("Issuer") },
    "good, without an end": { nextUpdate: null },
    "good, without an end, long ago": { nextUpdate: null, thisUpdate: ago(2 * HOUR_MS) },
    "good until long ago": { nextUpdate: ago(HOUR_MS), thisUpdate: ago(2 * HOUR_MS) },
    "good until just now": { nextUpdate: ago(10_000) },
    "good from tomorrow": { thisUpdate: ago(-24 * HOUR_MS), nextUpdate: ago(-48 * HOUR_MS) },
    "good in a moment": { thisUpdate: ago(-10_000) },
    nothing: { times: 0 },
    garbage: { raw: Buffer.from("garbage") },
    "try later": { raw: Buffer.from("30030a0103", "hex") },
    "server error": { httpStatus: 500 },
  };
}

const VARIANTS: readonly Partial<OcspPeerConfig>[] = [
  {},
  { warn_only: true },
  { unknown_is_good: true },
  { allow_when_ca_unreachable: true },
];

for (const variant of VARIANTS) {
  const name = Object.keys(variant).join() || "defaults";
  test(`peers are let in as by nats-server: ${name}`, async (t) => {
    const command = findReferenceServer();
    if (command === null) return t.skip(NO_REFERENCE);
    const ca = makeCa("Issuer");
    const responder = await OcspResponder.start(t, () => ca);
    const options = Object.entries(variant).map(([key, value]) => `${key}: ${value}`);
    const reference = await startReference(t, command, ca, tempFolder(t), options.join(), "type: none");
    const { checker } = await startPeerChecker(t, ca, variant);
    const decisions = new Set<boolean>();
    for (const [what, behaviour] of Object.entries(behaviours(ca))) {
      const peer = makeCertificate({ ca, ocspUrl: responder.url });
      responder.set(peer, behaviour);
      const ours = (await checker.check([peer.der, ca.der])) === null;
      assert.equal(ours, await isLetIn(reference.port, peer), what);
      decisions.add(ours);
    }
    const silent = makeCertificate({ ca });
    assert.equal(await checker.check([silent.der, ca.der]), null);
    assert.equal(await isLetIn(reference.port, silent), true);
    assert.equal(decisions.size, variant.warn_only === true ? 1 : 2);
  });
}

test("unlike nats-server, an answer about another certificate does not count", async (t) => {
  const command = findReferenceServer();
  if (command === null) return t.skip(NO_REFERENCE);
  const ca = makeCa("Issuer");
  const responder = await OcspResponder.start(t, () => ca);
  const reference = await startReference(t, command, ca, tempFolder(t), "", "type: none");
  const { checker } = await startPeerChecker(t, ca);
  const peer = makeCertificate({ ca, ocspUrl: responder.url });
  responder.set(peer, { serialNumber: makeCertificate({ ca }).serialNumber });
  assert.equal(await isLetIn(reference.port, peer), true);
  assert.equal(await checker.check([peer.der, ca.der]), "client not OCSP valid");
});

test("nats-server goes on with our cache, and we with its", async (t) => {
  const command = findReferenceServer();
  if (command === null) return t.skip(NO_REFERENCE);
  const ca = makeCa("Issuer");
  const responder = await OcspResponder.start(t, () => ca);
  const peer = makeCertificate({ ca, ocspUrl: responder.url });
  const folder = tempFolder(t);
  const store = join(folder, "_rc_");
  const { checker, cache } = await startPeerChecker(t, ca, {}, store);
  assert.equal(await checker.check([peer.der, ca.der]), null);
  await cache.close();
  responder.otherwise = { httpStatus: 500 };
  const soFar = responder.asked.length;
  const cacheOptions = `type: local, local_store: "${store}", save_interval: 1`;
  const reference = await startReference(t, command, ca, folder, "", cacheOptions);
  assert.equal(await isLetIn(reference.port, peer), true);
  assert.equal(responder.asked.length, soFar);
  const other = makeCertificate({ ca, ocspUrl: responder.url });
  responder.set(other, { status: "revoked" });
  assert.equal(await isLetIn(reference.port, other), false);
  await reference.stop();
  const file = join(store, "cache.json");
  assert.ok(existsSync(file));
  const entries = parseCacheFile(readFileSync(file, "utf8"));
  assert.deepEqual([...(entries?.values() ?? [])].map(({ status }) => status).toSorted(), [
    "good",
    "revoked",
  ]);
});

/** What a client that asks for the server's status is shown: "staple", "no staple"; or "no server". */
async function shownBy(command: string, folder: string, mode: string): Promise<string> {
  const files = ["cert_file", "key_file"].map(
    (key) => `${key}: "${join(folder, key === "key_file" ? "server.key" : "server.pem")}"`,
  );
  const config = `tls { ${files.join()}, ca_file: "${join(folder, "ca.pem")}" }\n${mode === "" ? "" : `ocsp: { mode: ${mode} }`}`;
  const server = await ServerProcess.start({ command, config }).catch(() => null);
  if (server === null) return "no server";
  const tcp = connectTcp(server.port, "127.0.0.1");
  await new Promise((resolve) => tcp.once("data", resolve));
  const socket = connectTls({ socket: tcp, requestOCSP: true, rejectUnauthorized: false });
  const response = await new Promise<Buffer | null>((resolve) => socket.once("OCSPResponse", resolve));
  socket.destroy();
  await server.stop();
  return response === null || response.length === 0 ? "no staple" : "staple";
}

test("certificates are stapled, and refused at the start, as by nats-server", async (t) => {
  const command = findReferenceServer();
  if (command === null) return t.skip(NO_REFERENCE);
  const ca = makeCa("Issuer");
  const responder = await OcspResponder.start(t, () => ca);
  const folder = tempFolder(t);
  writePair(folder, "ca", ca);
  const outcomes = new Set<string>();
  for (const mode of ["", "auto", "must", "always", "never"] as const) {
    for (const mustStaple of [false, true]) {
      for (const status of ["good", "revoked"] as const) {
        const server = makeCertificate({ ca, ips: ["127.0.0.1"], ocspUrl: responder.url, mustStaple });
        writePair(folder, "server", server);
        responder.set(server, { status });
        const stapler = openStapler(t, null);
        const config: OcspConfig | null = mode === "" ? null : { mode, urls: [] };
        const served = { kind: "Client", name: "server.pem", chain: [server.der], authorities: [ca.der] };
        const problem = await stapler.use(config, [served]);
        const staple = stapler.staple(server.der) === null ? "no staple" : "staple";
        const ours = problem === null ? staple : "no server";
        assert.equal(ours, await shownBy(command, folder, mode), `${mode} ${mustStaple} ${status}`);
        outcomes.add(ours);
      }
    }
  }
  assert.equal(outcomes.size, 3);
});
