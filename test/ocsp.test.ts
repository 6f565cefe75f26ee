import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { parseCertificate, type Certificate } from "../packages/caddis/src/auth/ocsp/certificate.ts";
import { buildRequest } from "../packages/caddis/src/auth/ocsp/request.ts";
import { verifyResponse } from "../packages/caddis/src/auth/ocsp/verify.ts";
import { makeCa, makeCertificate, OCSP_SIGNING, type TestCertificate } from "./support/certificates.ts";
import { openStapler, startPeerChecker } from "./support/ocsp-setup.ts";
import { makeResponse, OcspResponder } from "./support/ocsp-responder.ts";
import { listenTls, tempFolder, tlsConfig, writePair } from "./support/tls-pipes.ts";

const NO_OPENSSL = "no openssl on PATH";
const ca = makeCa("Issuer");

function hasOpenssl(): boolean {
  return spawnSync("openssl", ["version"]).status === 0;
}

/** Runs openssl; what it wrote, both ways. */
function openssl(folder: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    const child = execFile("openssl", args, { cwd: folder, timeout: 20_000 }, (_error, stdout, stderr) => {
      resolve(stdout + stderr);
    });
    child.stdin?.end();
  });
}

function parsed({ der }: TestCertificate): Certificate {
  const certificate = parseCertificate(der);
  assert.ok(certificate !== null);
  return certificate;
}

/** A server with TLS that shows the status of its certificate, and a responder for it. */
async function listenStapled(t: TestContext) {
  const folder = tempFolder(t);
  const responder = await OcspResponder.start(t, () => ca);
  const server = makeCertificate({ ca, dns: ["localhost"], ocspUrl: responder.url, mustStaple: true });
  const stapler = openStapler(t, join(folder, "ocsp"));
  const served = { kind: "Client", name: "server.pem", chain: [server.der], authorities: [ca.der] };
  assert.equal(await stapler.use(null, [served]), null);
  const listener = await listenTls(t, tlsConfig([writePair(folder, "server", server)]), {
    staple: (leaf) => stapler.staple(leaf),
  });
  writeFileSync(join(folder, "ca.pem"), ca.pem);
  return { folder, listener, responder, server, stapler };
}

test("a client that asks gets the status of the server's certificate", async (t) => {
  const { listener, server, stapler } = await listenStapled(t);
  const socket = listener.connect({ requestOCSP: true });
  const response = await new Promise((resolve) => socket.once("OCSPResponse", resolve));
  assert.deepEqual(response, stapler.staple(server.der));
  socket.destroy();
});

test("openssl takes the stapled status", async (t) => {
  if (!hasOpenssl()) return t.skip(NO_OPENSSL);
  const { folder, listener, server, stapler } = await listenStapled(t);
  for (const version of ["-tls1_2", "-tls1_3"]) {
    const args = [
      "s_client",
      "-connect",
      `127.0.0.1:${listener.port}`,
      "-status",
      "-CAfile",
      "ca.pem",
      version,
    ];
    const shown = await openssl(folder, args);
    assert.match(shown, /OCSP Response Status: successful/);
    assert.match(shown, /Cert Status: good/);
    assert.match(shown, /Verify return code: 0 \(ok\)/);
  }
  writeFileSync(join(folder, "staple"), stapler.staple(server.der) ?? "");
  const files = ["-issuer", "ca.pem", "-cert", "server.pem", "-CAfile", "ca.pem"];
  const checked = await openssl(folder, ["ocsp", "-respin", "staple", "-no_nonce", ...files]);
  assert.match(checked, /Response verify OK/);
  assert.match(checked, /server\.pem: good/);
});

test("openssl answers the questions, and its answers are understood", async (t) => {
  if (!hasOpenssl()) return t.skip(NO_OPENSSL);
  const folder = tempFolder(t);
  const [good, revoked, unknown] = [0, 1, 2].map(() => makeCertificate({ ca }));
  const delegate = makeCertificate({ ca, extendedKeyUsage: [OCSP_SIGNING] });
  writePair(folder, "ca", ca);
  writePair(folder, "delegate", delegate);
  const serial = ({ serialNumber }: TestCertificate): string => serialNumber.toString("hex").toUpperCase();
  writeFileSync(
    join(folder, "index"),
    `V\t490101000000Z\t\t${serial(good)}\tunknown\t/CN=x\n` +
      `R\t490101000000Z\t260101000000Z,keyCompromise\t${serial(revoked)}\tunknown\t/CN=x\n`,
  );
  for (const signer of ["ca", "delegate"]) {
    for (const [certificate, status] of [
      [good, "good"],
      [revoked, "revoked"],
      [unknown, "unknown"],
    ] as const) {
      writeFileSync(join(folder, "question"), buildRequest(parsed(certificate), parsed(ca)));
      const answering = [
        "-index",
        "index",
        "-CA",
        "ca.pem",
        "-rsigner",
        `${signer}.pem`,
        "-rkey",
        `${signer}.key`,
      ];
      const files = ["-reqin", "question", "-respout", "answer", "-ndays", "1"];
      const said = await openssl(folder, ["ocsp", ...answering, ...files]);
      const told = verifyResponse(
        readFileSync(join(folder, "answer")),
        parsed(certificate),
        parsed(ca),
        Date.now(),
        0,
      );
      assert.equal("status" in told && told.status, status, said);
    }
  }
});

test("openssl takes the answers that tests are made with", async (t) => {
  if (!hasOpenssl()) return t.skip(NO_OPENSSL);
  const folder = tempFolder(t);
  const leaf = makeCertificate({ ca });
  const delegate = makeCertificate({ ca, extendedKeyUsage: [OCSP_SIGNING] });
  writePair(folder, "ca", ca);
  writePair(folder, "leaf", leaf);
  for (const options of [{}, { hash: "sha256" }, { signer: delegate, certificates: [delegate] }] as const) {
    writeFileSync(join(folder, "answer"), makeResponse(ca, leaf.serialNumber, options));
    const hash = "hash" in options ? ["-sha256"] : [];
    const files = ["-issuer", "ca.pem", "-cert", "leaf.pem", "-CAfile", "ca.pem"];
    const checked = await openssl(folder, ["ocsp", "-respin", "answer", "-no_nonce", ...hash, ...files]);
    assert.match(checked, /Response verify OK/);
    assert.match(checked, /leaf\.pem: good/);
  }
});

test("peers are let in by what their authority says", async (t) => {
  const folder = tempFolder(t);
  const responder = await OcspResponder.start(t, () => ca);
  const { checker } = await startPeerChecker(t, ca);
  const server = makeCertificate({ ca, dns: ["localhost"] });
  writeFileSync(join(folder, "ca.pem"), ca.pem);
  const config = tlsConfig([writePair(folder, "server", server)], {
    ca_file: join(folder, "ca.pem"),
    verify: true,
  });
  const listener = await listenTls(t, config, { checkPeer: (shown) => checker.check(shown) });
  for (const status of ["good", "revoked", "unknown"] as const) {
    const peer = makeCertificate({ ca, ocspUrl: responder.url });
    responder.set(peer, { status });
    const socket = listener.connect({ cert: peer.pem, key: peer.keyPem });
    const side = await listener.nextSide();
    await side.until(() => side.session !== null || side.closed !== null);
    assert.equal(side.session !== null, status === "good");
    if (side.session === null) assert.match((await side.reason()) ?? "", /client not OCSP valid/);
    socket.destroy();
  }
});
