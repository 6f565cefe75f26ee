import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { makeCa, makeCertificate, type TestCertificate } from "../../../../../test/support/certificates.ts";
import { FakeOcspFolder, FakeOcspTransport, ListLog } from "../../../../../test/support/fake-ocsp.ts";
import { makeResponse, type ResponseOptions } from "../../../../../test/support/ocsp-responder.ts";
import { TimerQueue } from "../../base/timer-queue.ts";
import type { OcspConfig } from "../../config/tls.ts";
import { nextTurn } from "../../io/node/clock.ts";
import { VirtualClock } from "../../io/virtual-clock.ts";
import { OcspClient } from "./client.ts";
import { Stapler, type ServerCertificate } from "./stapler.ts";

const HOUR_MS = 3_600_000;
const URL = "http://responder";
const ca = makeCa();
const plain = makeCertificate({ ca, ocspUrl: URL });
const must = makeCertificate({ ca, ocspUrl: URL, mustStaple: true });

function served({ der }: TestCertificate, name = "cert.pem"): ServerCertificate {
  return { kind: "Client", name, chain: [der], authorities: [ca.der] };
}

function config(mode: OcspConfig["mode"], urls: readonly string[] = []): OcspConfig {
  return { mode, urls };
}

function setUp(folder: FakeOcspFolder | null = new FakeOcspFolder()) {
  const startMs = Math.floor(Date.now() / 1000) * 1000;
  const clock = new VirtualClock(nextTurn, startMs);
  const transport = new FakeOcspTransport();
  const log = new ListLog();
  const fatal: string[] = [];
  const stapler = new Stapler({
    client: new OcspClient(transport, clock),
    folder,
    clock,
    timers: new TimerQueue(clock),
    log,
    onFatal: (reason) => fatal.push(reason),
  });
  /** A response of now that holds for `forMs`. */
  const answer = (
    of: TestCertificate,
    options: ResponseOptions = {},
    forMs: number | null = HOUR_MS,
  ): Buffer =>
    makeResponse(ca, of.serialNumber, {
      thisUpdate: new Date(clock.nowMs()),
      nextUpdate: forMs === null ? null : new Date(clock.nowMs() + forMs),
      ...options,
    });
  return { answer, clock, fatal, folder, log, stapler, transport };
}

test("which certificates are stapled", async () => {
  const rows = [
    [null, plain, false],
    [null, must, true],
    [config("auto"), plain, false],
    [config("auto"), must, true],
    [config("must"), plain, false],
    [config("must"), must, true],
    [config("always"), plain, true],
    [config("always"), must, true],
    [config("never"), plain, false],
    [config("never"), must, false],
  ] as const;
  for (const [mode, certificate, isStapled] of rows) {
    const { answer, log, stapler, transport } = setUp();
    const response = answer(certificate);
    transport.reply = () => response;
    assert.equal(await stapler.use(mode, [served(certificate)]), null);
    assert.deepEqual(stapler.staple(certificate.der), isStapled ? response : null);
    assert.equal(transport.asked.length, isStapled ? 1 : 0);
    const warning = "warn: Certificate at 'cert.pem' has MustStaple but OCSP is disabled";
    assert.equal(log.lines.includes(warning), mode?.mode === "never" && certificate === must);
    stapler.close();
  }
});

test("another certificate has no staple", async () => {
  const { answer, stapler, transport } = setUp();
  transport.reply = () => answer(must);
  await stapler.use(null, [served(must)]);
  assert.equal(stapler.staple(plain.der), null);
});

test("responders of the configuration come before those of the certificate", async () => {
  const { answer, stapler, transport } = setUp();
  transport.reply = () => answer(must);
  await stapler.use(config("auto", ["file:///no", "http://mine/"]), [served(must)]);
  assert.deepEqual(transport.asked, ["POST http://mine"]);
});

test("without a first status the server does not start", async () => {
  const { answer, stapler, transport } = setUp();
  const problem = "bad OCSP status update for certificate at 'cert.pem': ";
  assert.equal(
    await stapler.use(null, [served(must)]),
    `${problem}exhausted ocsp servers: nobody is there; nobody is there`,
  );
  transport.reply = () => answer(plain);
  assert.equal(
    await stapler.use(null, [served(must)]),
    `${problem}failed to get remote status: it is about another certificate`,
  );
  transport.reply = () => answer(must, {}, -HOUR_MS);
  assert.equal(
    await stapler.use(null, [served(must)]),
    `${problem}failed to get remote status: it does not hold at this time`,
  );
  assert.equal(stapler.staple(must.der), null);
});

test("a revoked certificate keeps the server from starting where it has to be good", async () => {
  for (const mode of ["auto", "must", "always"] as const) {
    for (const status of ["revoked", "unknown"] as const) {
      const { answer, fatal, log, stapler, transport } = setUp();
      transport.reply = () => answer(must, { status });
      const problem = await stapler.use(config(mode), [served(must)]);
      if (mode === "auto") {
        assert.equal(problem, null);
        assert.ok(stapler.staple(must.der) !== null);
        assert.ok(
          log.lines.includes(`error: Found OCSP status for Client certificate at 'cert.pem': ${status}`),
        );
      } else {
        assert.equal(problem, `found existing OCSP status for certificate at 'cert.pem': ${status}`);
      }
      assert.deepEqual(fatal, []);
      stapler.close();
    }
  }
});

test("asks again when half of the time is over", async () => {
  const { answer, clock, log, stapler, transport } = setUp();
  transport.reply = () => answer(must);
  await stapler.use(null, [served(must)]);
  const until = new Date(clock.nowMs() + HOUR_MS).toISOString();
  assert.deepEqual(
    log.lines.filter((line) => line.startsWith("info")),
    [
      "info: OCSP Stapling enabled for Client connections",
      `info: Found OCSP status for Client certificate at 'cert.pem': good, next update ${until}, checking again in 30m0s`,
    ],
  );
  const first = stapler.staple(must.der);
  await clock.advance(HOUR_MS / 2 - 1);
  assert.equal(transport.asked.length, 1);
  await clock.advance(1);
  assert.equal(transport.asked.length, 2);
  assert.notDeepEqual(stapler.staple(must.der), first);
  assert.match(log.lines.at(-1) ?? "", /^info: Received OCSP status .* checking again in 30m0s$/);
  stapler.close();
  await clock.advance(10 * HOUR_MS);
  assert.equal(transport.asked.length, 2);
});

test("asks once a day when the response does not say how long it holds", async () => {
  const { answer, clock, stapler, transport } = setUp();
  transport.reply = () => answer(must, {}, null);
  await stapler.use(null, [served(must)]);
  await clock.advance(24 * HOUR_MS - 1);
  assert.equal(transport.asked.length, 1);
  await clock.advance(1);
  assert.equal(transport.asked.length, 2);
});

test("while responders fail, what is known is shown until it runs out, and they are asked again", async () => {
  const { answer, clock, fatal, log, stapler, transport } = setUp();
  transport.reply = () => answer(must, {}, HOUR_MS);
  await stapler.use(config("always"), [served(must)]);
  transport.reply = () => "down";
  await clock.advance(HOUR_MS / 2);
  assert.match(log.lines.at(-1) ?? "", /^error: Bad OCSP status update .*down, trying again in 15m0s$/);
  assert.ok(stapler.staple(must.der) !== null);
  await clock.advance(HOUR_MS / 2);
  const soFar = transport.asked.length;
  assert.ok(soFar < 100, "not ever more often towards the end");
  await clock.advance(30_000);
  assert.ok(stapler.staple(must.der) !== null, "a responder's clock may be half a minute off");
  await clock.advance(1);
  assert.equal(stapler.staple(must.der), null);
  await clock.advance(120_000);
  assert.ok(transport.asked.length <= soFar + 4, "every two minutes from then on");
  transport.reply = () => answer(must, {}, HOUR_MS);
  await clock.advance(120_000);
  assert.ok(stapler.staple(must.der) !== null);
  assert.deepEqual(fatal, []);
  stapler.close();
});

test("a revocation ends the server where its certificate has to be good", async () => {
  for (const mode of ["auto", "must", "always"] as const) {
    const { answer, clock, fatal, log, stapler, transport } = setUp();
    transport.reply = () => answer(must);
    await stapler.use(config(mode), [served(must)]);
    transport.reply = () => answer(must, { status: "revoked" });
    await clock.advance(HOUR_MS / 2);
    const text = "Received OCSP status for Client certificate at 'cert.pem': revoked";
    assert.equal(log.lines.at(-1), `error: ${text}`);
    assert.deepEqual(fatal, mode === "auto" ? [] : [text]);
    stapler.close();
  }
});

test("a response is kept in a file over a restart", async () => {
  const { answer, folder, stapler, transport } = setUp();
  const response = answer(must);
  transport.reply = () => response;
  await stapler.use(null, [served(must)]);
  stapler.close();
  const name = createHash("sha256").update(must.der).digest("hex");
  assert.deepEqual(folder?.files.get(name), response);
  const again = setUp(folder);
  assert.equal(await again.stapler.use(null, [served(must)]), null);
  assert.deepEqual(again.stapler.staple(must.der), response);
  assert.deepEqual(again.transport.asked, []);
  for (const useless of [answer(plain), answer(must, {}, -HOUR_MS), Buffer.from("x")]) {
    folder?.files.set(name, useless);
    const third = setUp(folder);
    third.transport.reply = () => response;
    assert.equal(await third.stapler.use(null, [served(must)]), null);
    assert.equal(third.transport.asked.length, 1);
    assert.deepEqual(third.stapler.staple(must.der), response);
  }
});

test("works without a folder, and with one that does not", async () => {
  const broken = new FakeOcspFolder();
  broken.problem = "disk on fire";
  for (const folder of [null, broken]) {
    const { answer, stapler, transport } = setUp(folder);
    transport.reply = () => answer(must);
    assert.equal(await stapler.use(null, [served(must)]), null);
    assert.ok(stapler.staple(must.der) !== null);
  }
});

test("a reload takes over what is known, and changes nothing when it fails", async () => {
  const { answer, clock, stapler, transport } = setUp(null);
  const response = answer(must);
  transport.reply = () => response;
  await stapler.use(null, [served(must)]);
  assert.equal(await stapler.use(config("must"), [served(must)]), null);
  assert.equal(transport.asked.length, 1);
  transport.reply = () => "down";
  const other = makeCertificate({ ca, ocspUrl: URL, mustStaple: true });
  assert.match((await stapler.use(null, [served(must), served(other, "other.pem")])) ?? "", /'other.pem'/);
  assert.deepEqual(stapler.staple(must.der), response);
  transport.asked.length = 0;
  await clock.advance(HOUR_MS / 2);
  assert.equal(
    transport.asked.length,
    2,
    "one question by two methods: the monitor before still runs, alone",
  );
  assert.equal(await stapler.use(config("never"), [served(must)]), null);
  assert.equal(stapler.staple(must.der), null);
  await clock.advance(24 * HOUR_MS);
  assert.equal(transport.asked.length, 2);
});

test("the issuer is found, or said to be missing", async () => {
  const intermediate = makeCertificate({ ca, subject: [[["CN", "Between"]]], isCa: true });
  const leaf = makeCertificate({ ca: intermediate, ocspUrl: URL, mustStaple: true });
  const notCa = makeCertificate({ ca, subject: [[["CN", "Pretender"]]] });
  const pretended = makeCertificate({ ca: notCa, ocspUrl: URL, mustStaple: true });
  const { stapler, transport } = setUp(null);
  transport.reply = () => makeResponse(intermediate, leaf.serialNumber);
  const use = (chain: readonly TestCertificate[], authorities: readonly TestCertificate[]) =>
    stapler.use(null, [
      {
        kind: "Client",
        name: "x",
        chain: chain.map(({ der }) => der),
        authorities: authorities.map(({ der }) => der),
      },
    ]);
  assert.equal(await use([leaf, intermediate], []), null);
  assert.equal(await use([leaf], [ca, intermediate]), null);
  assert.equal(await use([leaf], [ca]), "no issuers found");
  assert.equal(await use([leaf, ca], [intermediate]), "no issuers found");
  assert.equal(await use([pretended, notCa], []), "invalid ca basic constraints: is not ca");
  assert.equal(await use([], []), "no certificate found");
});
