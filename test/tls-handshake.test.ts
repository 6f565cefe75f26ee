import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import type { ConnectionOptions } from "node:tls";
import type { TlsConfig } from "../packages/caddis/src/config/tls.ts";
import type { TlsHooks } from "../packages/caddis/src/io/tls.ts";
import { makeCa, makeCertificate, type TestCertificate } from "./support/certificates.ts";
import { listenTls, tempFolder, tlsConfig, type TlsListener, writePair } from "./support/tls-pipes.ts";

const CA = makeCa();
const SERVER = makeCertificate({ ca: CA, dns: ["localhost"], ips: ["127.0.0.1"] });
const CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";
const SERVER_AUTH = "1.3.6.1.5.5.7.3.1";

function client(options: Parameters<typeof makeCertificate>[0] = {}): TestCertificate {
  return makeCertificate({ subject: [[["CN", "me"]]], ca: CA, extendedKeyUsage: [CLIENT_AUTH], ...options });
}

function shows(certificate: TestCertificate, chain: readonly TestCertificate[] = []): ConnectionOptions {
  return { cert: [certificate, ...chain].map(({ pem }) => pem).join(""), key: certificate.keyPem };
}

function listen(
  t: TestContext,
  more: Partial<TlsConfig> = {},
  deps: Partial<TlsHooks> = {},
): Promise<TlsListener> {
  return listenTls(t, tlsConfig([writePair(tempFolder(t), "server", SERVER)], more), deps);
}

/** Mutual TLS with `CA` as the only authority. */
function listenMutual(
  t: TestContext,
  more: Partial<TlsConfig> = {},
  authority = CA,
  deps: Partial<TlsHooks> = {},
): Promise<TlsListener> {
  const folder = tempFolder(t);
  const ca_file = join(folder, "ca.pem");
  writeFileSync(ca_file, authority.pem);
  const pair = writePair(folder, "server", SERVER);
  return listenTls(t, tlsConfig([pair], { ca_file, verify: true, ...more }), deps);
}

/** How a connection with `options` ended that was not let in. */
async function refusal(listener: TlsListener, options: ConnectionOptions = {}): Promise<string | null> {
  const socket = listener.connect(options);
  const side = await listener.nextSide();
  const reason = await side.reason();
  assert.equal(side.session, null);
  if (!socket.closed) await new Promise((resolve) => socket.once("close", resolve));
  return reason;
}

async function accepted(
  listener: TlsListener,
  options: ConnectionOptions = {},
): Promise<{
  readonly side: Awaited<ReturnType<TlsListener["nextSide"]>>;
  readonly socket: ReturnType<TlsListener["connect"]>;
}> {
  const socket = listener.connect(options);
  const side = await listener.nextSide();
  await side.until(() => side.session !== null || side.closed !== null);
  assert.equal(side.closed?.error, undefined);
  return { side, socket };
}

const run = (what: string, body: (t: TestContext) => Promise<void>): void => {
  test(what, { timeout: 20_000 }, body);
};

for (const version of ["1.2", "1.3"] as const) {
  const only: ConnectionOptions = { minVersion: `TLSv${version}`, maxVersion: `TLSv${version}` };

  run(`TLS ${version}: what is said arrives both ways, and the session says how`, async (t) => {
    const listener = await listen(t);
    const { side, socket } = await accepted(listener, { ...only, ca: CA.pem, servername: "localhost" });
    const expected = version === "1.2" ? /^TLS_ECDHE_ECDSA_WITH_AES_/ : /^TLS_(AES|CHACHA20)_/;
    assert.match(side.session?.cipherSuite ?? "", expected);
    assert.equal(side.session?.version, version);
    assert.equal(side.session?.serverName, "localhost");
    assert.deepEqual(side.session?.certificates, []);
    assert.equal(side.session?.isVerified, false);
    side.onRead = (input, length) => {
      assert.equal(input.buf.latin1Slice(0, length), "PING");
      assert.equal(side.pipe.write(Buffer.from("PONG"), 4), false);
    };
    socket.write("PING");
    const [answer] = (await once(socket, "data")) as [Buffer];
    assert.equal(answer.toString(), "PONG");
    socket.end();
    assert.equal(await side.reason(), null);
  });

  run(`TLS ${version}: a client's certificate is verified`, async (t) => {
    const listener = await listenMutual(t);
    const me = client();
    const { side } = await accepted(listener, { ...only, ...shows(me) });
    assert.equal(side.session?.isVerified, true);
    assert.deepEqual(side.session?.certificates[0], me.der);
    assert.equal(
      await refusal(listener, { ...only }),
      "TLS handshake error: tls: client didn't provide a certificate",
    );
    const unknown = "tls: failed to verify certificate: x509: certificate signed by unknown authority";
    assert.equal(
      await refusal(listener, { ...only, ...shows(client({ ca: makeCa() })) }),
      `TLS handshake error: ${unknown}`,
    );
    assert.equal(
      await refusal(listener, { ...only, ...shows(client({ ca: null })) }),
      `TLS handshake error: ${unknown}`,
    );
    assert.equal(
      await refusal(listener, { ...only, ...shows(client({ days: -1 })) }),
      "TLS handshake error: tls: failed to verify certificate: x509: certificate has expired or is not yet valid",
    );
    assert.match(
      (await refusal(listener, { ...only, ...shows(client({ extendedKeyUsage: [SERVER_AUTH] })) })) ?? "",
      /incompatible key usage$/,
    );
  });

  run(`TLS ${version}: no session is resumed, so nothing of its checks is skipped`, async (t) => {
    const listener = await listenMutual(t);
    let session: Buffer | null = null;
    const first = listener.connect({ ...only, ...shows(client()) });
    first.on("session", (given) => (session = given));
    const side = await listener.nextSide();
    await side.until(() => side.session !== null);
    side.pipe.write(Buffer.from("x"), 1);
    await once(first, "data");
    session ??= first.getSession() ?? null;
    assert.ok(session !== null);
    // The old session names a verified peer; this client has no certificate any more.
    const reason = await refusal(listener, { ...only, session });
    assert.equal(reason, "TLS handshake error: tls: client didn't provide a certificate");
    const { socket } = await accepted(listener, { ...only, session, ...shows(client()) });
    assert.equal(socket.isSessionReused(), false);
  });
}

run("an authority that is itself no root is trusted, and a chain is followed", async (t) => {
  const middle = makeCa("Middle", CA);
  const below = client({ ca: middle });
  const { side } = await accepted(await listenMutual(t, {}, middle), shows(below));
  assert.equal(side.session?.isVerified, true);
  const throughRoot = await listenMutual(t);
  const { side: linked } = await accepted(throughRoot, shows(below, [middle]));
  assert.deepEqual(linked.session?.certificates.slice(0, 2), [below.der, middle.der]);
  assert.match((await refusal(throughRoot, shows(below))) ?? "", /unknown authority$/);
});

run("without a file of authorities the system's are trusted, and no other", async (t) => {
  const listener = await listen(t, { verify_and_map: true });
  assert.match((await refusal(listener, shows(client()))) ?? "", /unknown authority$/);
});

run("TLS 1.1 is refused, and 1.2 where 1.3 is the least", async (t) => {
  const old: ConnectionOptions = {
    minVersion: "TLSv1.1",
    maxVersion: "TLSv1.1",
    ciphers: "DEFAULT:@SECLEVEL=0",
  };
  const reason = "TLS handshake error: tls: client offered only unsupported versions";
  assert.equal(await refusal(await listen(t), old), reason);
  const newest = await listen(t, { min_version: "1.3" });
  assert.equal(await refusal(newest, { maxVersion: "TLSv1.2" }), reason);
  await accepted(newest);
});

run("only the cipher suites that were named are spoken; those of TLS 1.3 always are", async (t) => {
  const name = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384";
  const listener = await listen(t, { cipher_suites: [name] });
  const { side } = await accepted(listener, { maxVersion: "TLSv1.2" });
  assert.equal(side.session?.cipherSuite, name);
  assert.equal(
    await refusal(listener, { maxVersion: "TLSv1.2", ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256" }),
    "TLS handshake error: tls: no cipher suite supported by both client and server",
  );
  const { side: newer } = await accepted(listener, { ciphers: "TLS_AES_128_GCM_SHA256" });
  assert.equal(newer.session?.cipherSuite, "TLS_AES_128_GCM_SHA256");
});

run("only the curves that were named are used", async (t) => {
  const listener = await listen(t, { curve_preferences: ["CurveP384"] });
  await accepted(listener, { ecdhCurve: "P-384" });
  assert.equal(
    await refusal(listener, { ecdhCurve: "X25519" }),
    "TLS handshake error: tls: no key exchanges supported by both client and server",
  );
});

run("the first certificate for the server's name is shown, or else the first", async (t) => {
  const folder = tempFolder(t);
  const names = [["a.test"], ["*.b.test", "b.test"], ["x.b.test"], []];
  const pairs = names.map((dns, i) =>
    writePair(folder, `${i}`, makeCertificate({ ca: CA, dns, subject: [[["CN", `c${i}.test`]]] })),
  );
  const listener = await listenTls(t, tlsConfig(pairs));
  const shown = async (servername: string): Promise<string> => {
    const { side, socket } = await accepted(listener, { servername });
    assert.equal(side.session?.serverName, servername);
    // TLS 1.3 servers may be done before the client is.
    if (socket.getPeerX509Certificate() === undefined) await once(socket, "secureConnect");
    return socket.getPeerX509Certificate()?.subject ?? "";
  };
  assert.equal(await shown("a.test"), "CN=c0.test");
  assert.equal(await shown("B.TEST"), "CN=c1.test");
  assert.equal(await shown("x.b.test"), "CN=c1.test", "the wildcard comes first");
  assert.equal(await shown("x.y.b.test"), "CN=c0.test", "a wildcard is one label");
  assert.equal(await shown("c3.test"), "CN=c0.test", "a common name is no host name");
  assert.equal(await shown("elsewhere.test"), "CN=c0.test");
  assert.equal(await shown(""), "CN=c0.test");
});

run("every certificate asks for a client's, whichever is shown", async (t) => {
  const folder = tempFolder(t);
  const ca_file = join(folder, "ca.pem");
  writeFileSync(ca_file, CA.pem);
  const pairs = ["a.test", "b.test"].map((name) =>
    writePair(folder, name, makeCertificate({ ca: CA, dns: [name] })),
  );
  const listener = await listenTls(t, tlsConfig(pairs, { ca_file, verify: true }));
  for (const servername of ["a.test", "b.test"]) {
    assert.match((await refusal(listener, { servername })) ?? "", /didn't provide a certificate$/);
    const stranger = shows(client({ ca: makeCa() }));
    assert.match((await refusal(listener, { servername, ...stranger })) ?? "", /unknown authority$/);
    await accepted(listener, { servername, ...shows(client()) });
  }
});

run("only peers whose public key is pinned get in", async (t) => {
  const [me, other] = [client(), client()];
  const digest = createHash("sha256").update(me.publicKey.export({ type: "spki", format: "der" }));
  const pinned_certs = [digest.digest("hex")];
  const listener = await listenMutual(t, { pinned_certs });
  await accepted(listener, shows(me));
  // Another certificate for the same key is as good.
  await accepted(listener, shows({ ...client(), ...renewed(me) }));
  const reason = "TLS handshake error: certificate not pinned";
  assert.equal(await refusal(listener, shows(other)), reason);
  assert.equal(
    await refusal(await listen(t, { pinned_certs }), shows(me)),
    reason,
    "nobody was asked for one",
  );
});

/** There is one key only: the same certificate, in fact, with a chain behind it. */
function renewed(certificate: TestCertificate): TestCertificate {
  return { ...certificate, pem: `${certificate.pem}${CA.pem}` };
}

run("a peer that is found revoked does not get in; a check that fails lets nobody in", async (t) => {
  const good = client();
  const chains: (readonly Uint8Array[])[] = [];
  const listener = await listenMutual(t, {}, CA, {
    checkPeer: (chain) => {
      chains.push(chain);
      if (chain.length > 2) return Promise.reject(new Error("no chain has three"));
      return Promise.resolve(Buffer.compare(chain[0], good.der) === 0 ? null : "certificate is revoked");
    },
  });
  await accepted(listener, shows(good));
  assert.deepEqual(chains[0], [good.der, CA.der], "with what links it to the authority");
  assert.equal(await refusal(listener, shows(client())), "TLS handshake error: certificate is revoked");
  const middle = makeCa("Middle", CA);
  assert.equal(
    await refusal(listener, shows(client({ ca: middle }), [middle])),
    "TLS handshake error: peer certificate could not be checked",
  );
});

run("a peer that leaves while it is checked is gone", async (t) => {
  const check = Promise.withResolvers<string | null>();
  const asked = Promise.withResolvers<void>();
  const checkPeer = (): Promise<string | null> => {
    asked.resolve();
    return check.promise;
  };
  const listener = await listenMutual(t, {}, CA, { checkPeer });
  const socket = listener.connect(shows(client()));
  const side = await listener.nextSide();
  await asked.promise;
  side.pipe.destroy();
  socket.destroy();
  await once(socket, "close");
  check.resolve(null);
  assert.equal(await side.reason(), null);
  assert.equal(side.session, null);
});

run("a response is stapled for who asks", async (t) => {
  const folder = tempFolder(t);
  const pair = writePair(folder, "server", SERVER, [CA]);
  const asked: (Buffer | null)[][] = [];
  const listener = await listenTls(t, tlsConfig([pair]), {
    staple: (leaf, issuer) => {
      asked.push([leaf, issuer]);
      return asked.length === 1 ? Buffer.from("good") : null;
    },
  });
  const socket = listener.connect({ requestOCSP: true });
  const [response] = (await once(socket, "OCSPResponse")) as [Buffer];
  assert.equal(response.toString(), "good");
  assert.deepEqual(asked, [[SERVER.der, CA.der]]);
  const { side } = await accepted(listener, { requestOCSP: true });
  assert.ok(side.session !== null || side.closed === null, "none is fine");
  await accepted(listener);
  assert.equal(asked.length, 2, "who does not ask gets none");
});

run("so many handshakes are let in each second", async (t) => {
  const { context } = await listen(t, { connection_rate_limit: 2 });
  const admitted = [0, 0.5, 999, 1_000, 1_000.5, 1_001, 1_002, 9_000, 9_000, 9_000].map((ms) =>
    context.admit(ms),
  );
  assert.deepEqual(admitted, [true, true, false, false, true, true, false, true, true, false]);
  const { context: unlimited } = await listen(t);
  assert.ok(Array.from({ length: 1_000 }, () => unlimited.admit(5)).every(Boolean));
});
