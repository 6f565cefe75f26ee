import assert from "node:assert/strict";
import { test } from "node:test";
import { makeCa, makeCertificate } from "../../../../../test/support/certificates.ts";
import { FakeOcspTransport } from "../../../../../test/support/fake-ocsp.ts";
import { VirtualClock } from "../../io/virtual-clock.ts";
import { nextTurn } from "../../io/node/clock.ts";
import { parseCertificate, type Certificate } from "./certificate.ts";
import { OcspClient, type Asking } from "./client.ts";
import { buildRequest } from "./request.ts";

const ca = makeCa();
const issuer = parse(ca.der);
const asking: Asking = { urls: ["http://one/", "http://two/x"], methods: ["POST", "GET"], timeoutMs: 1_000 };

function parse(der: Uint8Array): Certificate {
  const certificate = parseCertificate(der);
  assert.ok(certificate !== null);
  return certificate;
}

function leaf(): Certificate {
  return parse(makeCertificate({ ca }).der);
}

test("each responder by each method until one answers", async () => {
  const transport = new FakeOcspTransport();
  const client = new OcspClient(transport, new VirtualClock(nextTurn));
  const failed = await client.ask(leaf(), issuer, asking);
  assert.deepEqual(failed, {
    problem: `exhausted ocsp servers: ${Array(4).fill("nobody is there").join("; ")}`,
    isUnreachable: true,
  });
  assert.deepEqual(transport.asked, [
    "POST http://one",
    "GET http://one",
    "POST http://two/x",
    "GET http://two/x",
  ]);
  transport.asked.length = 0;
  transport.reply = ({ method }) => (method === "GET" ? Uint8Array.of(1) : "no");
  assert.deepEqual(await client.ask(leaf(), issuer, asking), { response: Uint8Array.of(1) });
  assert.deepEqual(transport.asked, ["POST http://one", "GET http://one"]);
});

test("a GET carries the question in its path, a POST in its body", async () => {
  const transport = new FakeOcspTransport();
  const client = new OcspClient(transport, new VirtualClock(nextTurn));
  const certificate = leaf();
  const question = buildRequest(certificate, issuer);
  const seen: string[] = [];
  transport.reply = ({ method, url, body }) => {
    seen.push(method === "POST" ? Buffer.from(body ?? []).toString("hex") : decodeURIComponent(url));
    return "no";
  };
  await client.ask(certificate, issuer, { ...asking, urls: ["http://one/"] });
  const base64 = Buffer.from(question).toString("base64");
  assert.deepEqual(seen, [Buffer.from(question).toString("hex"), `http://one/${base64}`]);
});

test("a responder has one timeout for all methods", async () => {
  const transport = new FakeOcspTransport();
  const clock = new VirtualClock(nextTurn);
  const client = new OcspClient(transport, clock);
  transport.reply = async () => {
    await clock.advance(1_000);
    return "too late";
  };
  await client.ask(leaf(), issuer, asking);
  assert.deepEqual(transport.asked, ["POST http://one", "POST http://two/x"]);
});

test("who asks the same meanwhile shares the answer", async () => {
  const transport = new FakeOcspTransport();
  const client = new OcspClient(transport, new VirtualClock(nextTurn));
  const certificate = leaf();
  const reply = Promise.withResolvers<Uint8Array>();
  transport.reply = () => reply.promise;
  const answers = [1, 2, 3].map(() => client.ask(certificate, issuer, asking));
  const another = client.ask(leaf(), issuer, asking);
  reply.resolve(Uint8Array.of(7));
  await Promise.all([...answers, another]);
  assert.equal(transport.asked.length, 2);
  await client.ask(certificate, issuer, asking);
  assert.equal(transport.asked.length, 3);
});

test("nobody to ask", async () => {
  const client = new OcspClient(new FakeOcspTransport(), new VirtualClock(nextTurn));
  const answer = await client.ask(leaf(), issuer, { ...asking, urls: [] });
  assert.deepEqual(answer, { problem: "no available ocsp servers", isUnreachable: true });
});

test("no more than so many questions at a time", async () => {
  const transport = new FakeOcspTransport();
  const client = new OcspClient(transport, new VirtualClock(nextTurn));
  const reply = Promise.withResolvers<Uint8Array>();
  transport.reply = () => reply.promise;
  const base = leaf();
  const serial = (n: number): Certificate => ({ ...base, serial: Uint8Array.of(1, n >> 8, n & 0xff) });
  const answers = Array.from({ length: 64 + 8_192 + 1 }, (_, n) => client.ask(serial(n), issuer, asking));
  assert.deepEqual(await answers.at(-1), {
    problem: "too many OCSP requests are waiting",
    isUnreachable: false,
  });
  assert.equal(transport.asked.length, 64);
  reply.resolve(Uint8Array.of(1));
  const done = await Promise.all(answers.slice(0, -1));
  assert.ok(done.every((answer) => "response" in answer));
});
