import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import {
  makeCa,
  makeCertificate,
  OCSP_SIGNING,
  type TestCertificate,
} from "../../../../../test/support/certificates.ts";
import { FakeOcspFolder, FakeOcspTransport, ListLog } from "../../../../../test/support/fake-ocsp.ts";
import { makeResponse, type ResponseOptions } from "../../../../../test/support/ocsp-responder.ts";
import { TimerQueue } from "../../base/timer-queue.ts";
import type { OcspCacheConfig, OcspPeerConfig } from "../../config/tls.ts";
import { nextTurn } from "../../io/node/clock.ts";
import { VirtualClock } from "../../io/virtual-clock.ts";
import { parseCertificate } from "./certificate.ts";
import { OcspClient } from "./client.ts";
import { PeerChecker, type PeerCheckEvents } from "./peer-checker.ts";
import { createResponseCache } from "./response-cache.ts";
import { Authorities } from "./trusted-path.ts";

const REJECTED = "client not OCSP valid";
const URL = "http://responder";
const HOUR_MS = 3_600_000;
const DEFAULTS: OcspPeerConfig = {
  verify: true,
  ca_timeout: 2_000,
  allowed_clockskew: 30_000,
  warn_only: false,
  unknown_is_good: false,
  allow_when_ca_unreachable: false,
  cache_ttl_when_next_update_unset: HOUR_MS,
};
const CACHE: OcspCacheConfig = {
  type: "local",
  local_store: "",
  preserve_revoked: false,
  save_interval: HOUR_MS,
};

const ca = makeCa();
const trusted = new Authorities([ca.der]);
const peer = makeCertificate({ ca, ocspUrl: URL, subject: [[["O", "Org"]], [["CN", "peer"]]] });
const chain = [peer.der, ca.der];

function setUp(
  config: Partial<OcspPeerConfig> = {},
  cacheConfig: Partial<OcspCacheConfig> = {},
  authorities = trusted,
) {
  const clock = new VirtualClock(nextTurn, Math.floor(Date.now() / 1000) * 1000);
  const transport = new FakeOcspTransport();
  const log = new ListLog();
  const timers = new TimerQueue(clock);
  const cache = createResponseCache(
    { ...CACHE, ...cacheConfig },
    { folder: new FakeOcspFolder(), timers, log },
  );
  const heard: string[] = [];
  const events: PeerCheckEvents = {
    onReject: (kind, info, reason) => heard.push(`${kind} ${info.subject}: ${reason}`),
    onInvalidLink: (info, link, reason) => heard.push(`${info.subject}, ${link.subject}: ${reason}`),
  };
  const client = new OcspClient(transport, clock);
  const checker = new PeerChecker(
    "Client",
    { ...DEFAULTS, ...config },
    { client, cache, authorities: () => authorities, clock, log, events },
  );
  const answer = (options: ResponseOptions = {}, of: TestCertificate = peer): Buffer =>
    makeResponse(ca, of.serialNumber, {
      thisUpdate: new Date(clock.nowMs()),
      nextUpdate: new Date(clock.nowMs() + HOUR_MS),
      ...options,
    });
  return { answer, cache, checker, client, clock, heard, log, transport };
}

test("good is let in, all else is not, and told", async () => {
  const rows = [
    ["good", null],
    ["revoked", "Invalid OCSP response status: revoked"],
    ["unknown", "Invalid OCSP response status: unknown"],
  ] as const;
  for (const [status, reason] of rows) {
    const { answer, checker, heard, transport } = setUp();
    transport.reply = () => answer({ status });
    assert.equal(await checker.check(chain), reason === null ? null : REJECTED);
    const told = [`CN=peer,O=Org, CN=peer,O=Org: ${reason}`, `Client CN=peer,O=Org: ${REJECTED}`];
    assert.deepEqual(heard, reason === null ? [] : told);
    assert.deepEqual(transport.asked, [`GET ${URL}`]);
  }
});

test("what is of no use is refused", async () => {
  const { answer, checker, clock, heard, transport } = setUp();
  const delegate = makeCertificate({ ca, subject: [[["CN", "d"]]] });
  const ago = (ms: number): Date => new Date(clock.nowMs() - ms);
  const rows: readonly (readonly [Uint8Array | string, string])[] = [
    ["timeout", "Failed OCSP response fetch"],
    [Buffer.from("garbage"), "Failed OCSP response parse"],
    [answer({ signer: makeCa() }), "Failed OCSP response parse"],
    [answer({}, makeCertificate({ ca })), "Failed OCSP response parse"],
    [
      answer({ signer: delegate, certificates: [delegate] }),
      "Invalid OCSP response delegation: CN=peer,O=Org",
    ],
    [answer({ nextUpdate: ago(31_000) }), "OCSP response not in effectivity window"],
    [answer({ thisUpdate: ago(-31_000) }), "OCSP response not in effectivity window"],
    [
      answer({ thisUpdate: ago(HOUR_MS + 31_000), nextUpdate: null }),
      "OCSP response not in effectivity window",
    ],
  ];
  for (const [reply, reason] of rows) {
    heard.length = 0;
    transport.reply = () => reply;
    assert.equal(await checker.check(chain), REJECTED, reason);
    assert.equal(heard[0], `CN=peer,O=Org, CN=peer,O=Org: ${reason}`);
  }
});

test("clocks may differ as far as configured", async () => {
  const { answer, checker, clock, transport } = setUp({}, { type: "none" });
  const ago = (ms: number): Date => new Date(clock.nowMs() - ms);
  for (const options of [
    { nextUpdate: ago(30_000) },
    { thisUpdate: ago(-30_000) },
    { thisUpdate: ago(HOUR_MS + 30_000), nextUpdate: null },
  ]) {
    transport.reply = () => answer(options);
    assert.equal(await checker.check(chain), null);
  }
});

test("warn_only lets everybody in, and says so", async () => {
  const { answer, checker, heard, log, transport } = setUp({ warn_only: true }, { type: "none" });
  const warning = "warn: OCSP verify fail for [CN=peer,O=Org] but WarnOnly is true so allowing";
  for (const reply of [
    answer({ status: "revoked" }),
    Buffer.from("x"),
    "down",
    answer({ nextUpdate: new Date(0) }),
  ]) {
    log.lines.length = 0;
    transport.reply = () => reply;
    assert.equal(await checker.check(chain), null);
    assert.equal(log.lines.at(-1), warning);
  }
  assert.deepEqual(heard, []);
});

test("unknown_is_good", async () => {
  const { answer, checker, transport } = setUp({ unknown_is_good: true }, { type: "none" });
  transport.reply = () => answer({ status: "unknown" });
  assert.equal(await checker.check(chain), null);
  transport.reply = () => answer({ status: "revoked" });
  assert.equal(await checker.check(chain), REJECTED);
});

test("allow_when_ca_unreachable lets in who was not known to be revoked", async () => {
  const { answer, checker, clock, transport } = setUp(
    { allow_when_ca_unreachable: true },
    { preserve_revoked: true },
  );
  assert.equal(await checker.check(chain), null);
  transport.reply = () => Buffer.from("garbage");
  assert.equal(await checker.check(chain), REJECTED, "a responder that answers nonsense is reachable");
  transport.reply = () => answer({ status: "revoked" });
  assert.equal(await checker.check(chain), REJECTED);
  transport.reply = () => "down";
  await clock.advance(2 * HOUR_MS);
  assert.equal(await checker.check(chain), REJECTED);
  assert.equal(await checker.check(chain), REJECTED);
});

test("who was not asked for lack of room is not unreachable", async () => {
  const { checker, client, transport } = setUp({ allow_when_ca_unreachable: true });
  const reply = Promise.withResolvers<string>();
  transport.reply = () => reply.promise;
  const [certificate, issuer] = [parseCertificate(peer.der), parseCertificate(ca.der)];
  assert.ok(certificate !== null && issuer !== null);
  const asking = { urls: [URL], methods: ["POST"], timeoutMs: 1 } as const;
  const others = Array.from({ length: 64 + 8_192 }, (_, n) =>
    client.ask({ ...certificate, serial: Uint8Array.of(1, n >> 8, n & 0xff) }, issuer, asking),
  );
  assert.equal(await checker.check(chain), REJECTED);
  reply.resolve("down");
  await Promise.all(others);
  assert.equal(await checker.check(chain), null);
});

test("an answer is remembered for its time", async () => {
  const { answer, cache, checker, clock, transport } = setUp();
  transport.reply = () => answer();
  await checker.check(chain);
  await clock.advance(HOUR_MS + 30_000);
  assert.equal(await checker.check(chain), null);
  assert.equal(transport.asked.length, 1);
  assert.deepEqual(cache.stats, { size: 1, hits: 1, misses: 1, revokes: 0, goods: 1, unknowns: 0 });
  await clock.advance(1);
  transport.reply = () => answer({ status: "revoked" });
  assert.equal(await checker.check(chain), REJECTED);
  assert.equal(transport.asked.length, 2);
  assert.deepEqual(cache.stats, { size: 1, hits: 1, misses: 2, revokes: 1, goods: 0, unknowns: 0 });
  assert.equal(await checker.check(chain), REJECTED);
  assert.equal(transport.asked.length, 2);
});

test("what stands in the cache is verified again", async () => {
  const { answer, cache, checker, transport } = setUp();
  const fingerprint = createHash("sha256").update(peer.der).digest("base64");
  const forged = answer({ signer: makeCa() });
  cache.put(fingerprint, { subject: "", cachedAtMs: 0, status: "good", expiresMs: null, response: forged });
  transport.reply = () => answer({ status: "revoked" });
  assert.equal(await checker.check(chain), REJECTED);
});

test("every certificate below the root is asked about", async () => {
  const middle = makeCertificate({ ca, subject: [[["CN", "middle"]]], isCa: true, ocspUrl: URL });
  const leaf = makeCertificate({ ca: middle, subject: [[["CN", "leaf"]]], ocspUrl: URL });
  const { answer, checker, heard, transport } = setUp();
  let asked = 0;
  transport.reply = () =>
    asked++ === 0 ? makeResponse(middle, leaf.serialNumber) : answer({ status: "revoked" }, middle);
  assert.equal(await checker.check([leaf.der, middle.der, ca.der]), REJECTED);
  assert.equal(heard[0], "CN=leaf, CN=middle: Invalid OCSP response status: revoked");
  assert.equal(asked, 2);
});

test("who has nobody to ask about him is let in", async () => {
  const silent = makeCertificate({ ca });
  const own = makeCertificate({ ocspUrl: URL });
  const ldap = makeCertificate({ ca, ocspUrl: "ldap://x" });
  const { checker, transport } = setUp({}, {}, new Authorities([ca.der, own.der]));
  for (const good of [[silent.der, ca.der], [own.der], [ldap.der]])
    assert.equal(await checker.check(good), null);
  assert.deepEqual(transport.asked, []);
});

test("what leads to no trusted certificate is refused", async () => {
  const { answer, checker, transport } = setUp();
  transport.reply = () => answer();
  const foreign = makeCa("Another");
  const stranger = makeCertificate({ ca: foreign, ocspUrl: URL });
  const own = makeCertificate({ ocspUrl: URL });
  const namesake = makeCertificate({ ca: makeCa("Test CA") });
  const middle = makeCertificate({ ca, subject: [[["CN", "middle"]]], isCa: true });
  const renamed = makeCertificate({ ca, keys: middle, isCa: true });
  const below = makeCertificate({ ca: middle });
  for (const bad of [
    [],
    [namesake.der],
    [below.der, renamed.der],
    [own.der],
    [own.der, ca.der],
    [stranger.der, foreign.der],
    [Buffer.from("x"), ca.der],
    [peer.der, Buffer.of(0x30, 0)],
    Array<Buffer>(11).fill(peer.der),
  ])
    assert.equal(await checker.check(bad), REJECTED);
  assert.deepEqual(transport.asked, []);
});

test("a peer cannot bring along its own issuer to vouch for it", async () => {
  const { checker, transport } = setUp();
  const forged = makeCa("Test CA");
  transport.reply = () => makeResponse(forged, peer.serialNumber);
  for (const shown of [
    [peer.der, forged.der],
    [peer.der, forged.der, ca.der],
    [peer.der, ca.der, forged.der],
  ])
    assert.equal(await checker.check(shown), REJECTED);
  assert.equal(transport.asked.length, 3, "the real authority was asked for, whoever answered");
});

test("a peer cannot choose a way around an issuer that was revoked", async () => {
  const middle = makeCertificate({ ca, subject: [[["CN", "middle"]]], isCa: true, ocspUrl: URL });
  const leaf = makeCertificate({ ca: middle, subject: [[["CN", "leaf"]]] });
  // The same name and key, but nobody to ask, from an authority of the peer's own.
  const root = makeCa("Own root");
  const around = makeCertificate({ ca: root, subject: [[["CN", "middle"]]], isCa: true, keys: middle });
  const { answer, checker, heard, transport } = setUp();
  transport.reply = () => answer({ status: "revoked" }, middle);
  for (const shown of [
    [leaf, around, root, middle],
    [leaf, around, middle, root, ca],
    [leaf, middle],
  ])
    assert.equal(await checker.check(shown.map(({ der }) => der)), REJECTED);
  assert.equal(await checker.check([leaf.der, around.der, root.der]), REJECTED);
  const invalid = heard.filter((line) => line.startsWith("CN=leaf, CN=middle: Invalid"));
  assert.equal(invalid.length, 3);
});

test("certificates that are not authorities, or not any more, are no way", async () => {
  for (const options of [{}, { isCa: true, days: -1 }]) {
    const middle = makeCertificate({ ca, subject: [[["CN", "middle"]]], ...options });
    const leaf = makeCertificate({ ca: middle });
    const { checker } = setUp();
    assert.equal(await checker.check([leaf.der, middle.der, ca.der]), REJECTED);
  }
});

test("many certificates of one name cost little", async () => {
  const { checker, transport } = setUp();
  const crowd = Array.from({ length: 9 }, () => makeCa("Test CA").der);
  await checker.check([peer.der, ...crowd]);
  assert.equal(transport.asked.length, 2);
});

test("a delegated responder's good word lets in", async () => {
  const { answer, checker, transport } = setUp();
  const signer = makeCertificate({ ca, extendedKeyUsage: [OCSP_SIGNING] });
  transport.reply = () => answer({ signer, certificates: [signer] });
  assert.equal(await checker.check(chain), null);
});

test("a peer that comes back often is asked about once", async () => {
  const { answer, checker, transport } = setUp({}, { type: "none" });
  const reply = Promise.withResolvers<Uint8Array>();
  transport.reply = () => reply.promise;
  const checks = Array.from({ length: 100 }, () => checker.check(chain));
  reply.resolve(answer());
  assert.deepEqual(new Set(await Promise.all(checks)), new Set([null]));
  assert.equal(transport.asked.length, 1);
});
