import assert from "node:assert/strict";
import { createServer, type AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";
import { makeCa, makeCertificate } from "../../../../../test/support/certificates.ts";
import { OcspResponder } from "../../../../../test/support/ocsp-responder.ts";
import type { OcspRequest } from "../ocsp.ts";
import { openOcspTransport } from "./ocsp-http.ts";

/** Longer than anything here takes; reached only when something hangs. */
const LONG_MS = 20_000;

function post(url: string): OcspRequest {
  return { method: "POST", url, body: Buffer.alloc(20) };
}

/** A listener that answers every connection with `text` and then ends it, or not. */
async function rawServer(t: TestContext, text: string, ends = true): Promise<string> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => (ends ? socket.end(text) : socket.write(text)));
    t.after(() => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test("brings the question and the answer, by both methods", async (t) => {
  const ca = makeCa();
  const responder = await OcspResponder.start(t, () => ca);
  responder.otherwise = { raw: Buffer.from("answer") };
  const transport = openOcspTransport();
  const { serialNumber } = makeCertificate();
  const base64 = encodeURIComponent(Buffer.from(serialNumber).toString("base64"));
  const get: OcspRequest = { method: "GET", url: `${responder.url}/${base64}`, body: null };
  assert.deepEqual(
    await transport.send({ ...post(responder.url), body: serialNumber }, LONG_MS),
    Buffer.from("answer"),
  );
  assert.deepEqual(await transport.send(get, LONG_MS), Buffer.from("answer"));
  const hex = serialNumber.toString("hex");
  assert.deepEqual(responder.asked, [`POST ${hex}`, `GET ${hex}`]);
});

test("another HTTP status is no answer, and a redirect is not followed", async (t) => {
  const ca = makeCa();
  const responder = await OcspResponder.start(t, () => ca);
  const transport = openOcspTransport();
  for (const httpStatus of [204, 302, 307, 404, 500]) {
    responder.otherwise = { httpStatus, location: responder.url };
    const answer = await transport.send(post(responder.url), LONG_MS);
    assert.equal(answer, `bad OCSP responder http status: [${httpStatus}]`);
  }
  assert.equal(responder.asked.length, 5);
});

test("who is silent is not waited for", async (t) => {
  const ca = makeCa();
  const responder = await OcspResponder.start(t, () => ca);
  responder.otherwise = "silent";
  const transport = openOcspTransport();
  assert.equal(await transport.send(post(responder.url), 30), `no answer from ${responder.url} in time`);
  const slow = await rawServer(t, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", false);
  assert.equal(await transport.send(post(slow), 30), `no answer from ${slow} in time`);
});

test("what is too long, cut short or no HTTP is no answer", async (t) => {
  const transport = openOcspTransport();
  const send = async (text: string): Promise<string> => {
    const url = await rawServer(t, text);
    const answer = await transport.send(post(url), LONG_MS);
    return typeof answer === "string" ? answer.replace(url, "URL") : "an answer";
  };
  const head = "HTTP/1.1 200 OK\r\n";
  assert.equal(await send(`${head}\r\n${"x".repeat(64 * 1024)}`), "an answer");
  assert.equal(
    await send(`${head}\r\n${"x".repeat(64 * 1024 + 1)}`),
    "no answer from URL: the answer is too long",
  );
  assert.match(await send(`${head}Content-Length: 10\r\n\r\nx`), /^no answer from URL: /);
  assert.match(await send(`${head}X: ${"x".repeat(20_000)}\r\n\r\n`), /^no answer from URL: /);
  assert.match(await send("nonsense\r\n\r\n"), /^no answer from URL: /);
  assert.match(await send(""), /^no answer from URL: /);
});

test("nobody there, and no address", async (t) => {
  const transport = openOcspTransport();
  const url = await rawServer(t, "");
  const gone = "http://127.0.0.1:1";
  assert.equal(await transport.send(post(gone), LONG_MS), `no answer from ${gone}: connection refused`);
  assert.match(String(await transport.send(post("nonsense"), LONG_MS)), /^no answer from nonsense: /);
  assert.match(
    String(await transport.send(post(url.replace("http", "https")), LONG_MS)),
    /^no answer from https/,
  );
});

test("close ends what is under way, and all that comes later", async (t) => {
  const ca = makeCa();
  const responder = await OcspResponder.start(t, () => ca);
  responder.otherwise = "silent";
  const asked = Promise.withResolvers<void>();
  responder.onAsked = asked.resolve;
  const transport = openOcspTransport();
  const answer = transport.send(post(responder.url), LONG_MS);
  await asked.promise;
  transport.close();
  assert.match(String(await answer), /^no answer from /);
  assert.match(String(await transport.send(post(responder.url), LONG_MS)), /^no answer from /);
  assert.equal(responder.asked.length, 1);
});
