import assert from "node:assert/strict";
import { once } from "node:events";
import { test, type TestContext } from "node:test";
import { connect, type ConnectionOptions } from "node:tls";
import type { TlsInput } from "../packages/caddis/src/config/inputs.ts";
import { createServer } from "../packages/caddis/src/server/create-server.ts";
import type { ServerOptions } from "../packages/caddis/src/server/embedded-options.ts";
import { makeCa, makeCertificate, type TestCertificate } from "./support/certificates.ts";
import { OcspResponder } from "./support/ocsp-responder.ts";
import { tempFolder, writePair } from "./support/tls-pipes.ts";

/** OCSP in a whole server: its parts have tests of their own. */

const HELLO = 'CONNECT {"verbose":false}\r\nPING\r\n';

class World {
  readonly ca: TestCertificate;
  readonly folder: string;
  readonly responder: OcspResponder;

  private constructor(folder: string, responder: OcspResponder, ca: TestCertificate) {
    this.folder = folder;
    this.responder = responder;
    this.ca = ca;
  }

  static async make(t: TestContext): Promise<World> {
    const ca = makeCa();
    return new World(tempFolder(t), await OcspResponder.start(t, () => ca), ca);
  }

  certificate(): TestCertificate {
    return makeCertificate({ ca: this.ca, ips: ["127.0.0.1"], ocspUrl: this.responder.url });
  }

  async start(t: TestContext, tls: TlsInput, more: ServerOptions = {}): Promise<number> {
    const certificate = this.certificate();
    const { cert_file, key_file } = writePair(this.folder, "server", certificate);
    const { cert_file: ca_file } = writePair(this.folder, "ca", this.ca);
    const server = await createServer({
      tls: { cert_file, key_file, ca_file, handshake_first: true, ...tls },
      ocsp_cache: false,
      ...more,
    });
    t.after(() => server.shutdown());
    return server.port;
  }
}

/** Whether the server answers a client that shows what `options` say, and what it staples. */
async function meet(
  port: number,
  options: ConnectionOptions,
): Promise<{ readonly isLetIn: boolean; readonly staple: Buffer | null }> {
  const socket = connect({
    port,
    host: "127.0.0.1",
    rejectUnauthorized: false,
    requestOCSP: true,
    ...options,
  });
  let staple: Buffer | null = null;
  let received = "";
  socket.on("OCSPResponse", (response: Buffer | null) => (staple = response));
  socket.on("error", () => {});
  socket.setEncoding("utf8").on("data", (text: string) => {
    received += text;
    if (received.includes("PONG")) socket.end();
  });
  socket.write(HELLO);
  await once(socket, "close");
  return { isLetIn: received.includes("PONG"), staple };
}

test("ocsp_peer: a revoked client is turned away, a good one is let in", async (t) => {
  const world = await World.make(t);
  const [good, revoked] = [world.certificate(), world.certificate()];
  world.responder.set(revoked, { status: "revoked" });
  const port = await world.start(t, { verify: true, ocsp_peer: true });
  assert.equal((await meet(port, { cert: good.pem, key: good.keyPem })).isLetIn, true);
  assert.equal((await meet(port, { cert: revoked.pem, key: revoked.keyPem })).isLetIn, false);
  assert.equal(world.responder.asked.length >= 2, true);
});

test("without ocsp_peer nobody is asked about clients", async (t) => {
  const world = await World.make(t);
  const revoked = world.certificate();
  world.responder.set(revoked, { status: "revoked" });
  const port = await world.start(t, { verify: true });
  assert.equal((await meet(port, { cert: revoked.pem, key: revoked.keyPem })).isLetIn, true);
  assert.deepEqual(world.responder.asked, []);
});

test("ocsp mode always: the status of the server's certificate is stapled", async (t) => {
  const world = await World.make(t);
  const port = await world.start(t, {}, { ocsp: { mode: "always" } });
  const { isLetIn, staple } = await meet(port, {});
  assert.equal(isLetIn, true);
  assert.ok(staple !== null && staple.length > 100);
  const quiet = await world.start(t, {});
  assert.equal((await meet(quiet, {})).staple, null);
});

test("ocsp mode must-staple with a revoked certificate keeps the server from starting", async (t) => {
  const world = await World.make(t);
  world.responder.otherwise = { status: "revoked" };
  await assert.rejects(world.start(t, {}, { ocsp: { mode: "always" } }), /OCSP/i);
});
