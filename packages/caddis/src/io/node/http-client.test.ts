import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import { createServer as createTlsServer, type ServerOptions } from "node:https";
import type { AddressInfo, Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { makeCa, makeCertificate } from "../../../../../test/support/certificates.ts";
import type { HttpClient, HttpClientTls } from "../http-client.ts";
import { createHttpClient } from "./http-client.ts";

const LIMITS = { timeoutMs: 8_000, bytesMax: 100 };

const ca = makeCa();
const certificate = makeCertificate({ ca, dns: ["h.example"], ips: ["127.0.0.1"] });

function client(t: TestContext, tls: HttpClientTls | null = null): HttpClient {
  const made = createHttpClient(tls);
  if (typeof made === "string") assert.fail(made);
  t.after(() => made.close());
  return made;
}

async function portOf(t: TestContext, server: Server & { closeAllConnections(): void }): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

async function serve(t: TestContext, answer: RequestListener): Promise<string> {
  return `http://127.0.0.1:${await portOf(t, createServer(answer))}`;
}

async function serveTls(t: TestContext, options: ServerOptions, answer: RequestListener): Promise<string> {
  const own = { cert: certificate.pem, key: certificate.keyPem, ...options };
  return `https://127.0.0.1:${await portOf(t, createTlsServer(own, answer))}`;
}

/** Files of a test's certificates. */
function tlsFiles(t: TestContext): { ca_file: string; cert_file: string; key_file: string } {
  const folder = mkdtempSync(join(tmpdir(), "caddis-http-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const write = (name: string, text: string | Buffer): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  return {
    ca_file: write("ca.pem", ca.pem),
    cert_file: write("cert.pem", certificate.pem),
    key_file: write("key.pem", certificate.keyPem),
  };
}

test("gets status and body", async (t) => {
  const base = await serve(t, ({ url, method }, response) => {
    response.statusCode = url === "/there" ? 200 : 404;
    response.end(`${method} ${url}`);
  });
  const http = client(t);
  assert.deepEqual(await http.get(`${base}/there`, LIMITS), {
    ok: true,
    status: 200,
    statusText: "OK",
    body: "GET /there",
  });
  assert.partialDeepStrictEqual(await http.get(`${base}/x`, LIMITS), {
    status: 404,
    statusText: "Not Found",
  });
});

test("sends the user of the URL", async (t) => {
  const base = await serve(t, ({ headers }, response) => response.end(headers.authorization));
  const answer = await client(t).get(base.replace("//", "//me:secret@"), LIMITS);
  assert.partialDeepStrictEqual(answer, { body: `Basic ${btoa("me:secret")}` });
});

test("takes no more than it was told to", async (t) => {
  const base = await serve(t, ({ url }, response) => response.end("x".repeat(Number(url?.slice(1)))));
  const http = client(t);
  assert.equal((await http.get(`${base}/100`, LIMITS)).ok, true);
  assert.deepEqual(await http.get(`${base}/101`, LIMITS), {
    ok: false,
    problem: "the answer is larger than 100 bytes",
  });
});

test("waits no longer than it was told to: for the head, and for the body", async (t) => {
  const base = await serve(t, ({ url }, response) => {
    if (url === "/body") response.write("begun");
  });
  for (const path of ["/head", "/body"]) {
    const answer = await client(t).get(base + path, { ...LIMITS, timeoutMs: 50 });
    assert.deepEqual(answer, { ok: false, problem: "timed out" });
  }
});

test("follows redirects, but not for ever", async (t) => {
  const base = await serve(t, ({ url }, response) => {
    const left = Number(url?.slice(1));
    if (left > 0) response.writeHead(302, { Location: `/${left - 1}` });
    response.end("here");
  });
  const http = client(t);
  assert.partialDeepStrictEqual(await http.get(`${base}/10`, LIMITS), { ok: true, body: "here" });
  assert.deepEqual(await http.get(`${base}/11`, LIMITS), {
    ok: false,
    problem: "stopped after 10 redirects",
  });
});

test("failures are told without the URL, which may hold a password", async (t) => {
  const base = await serve(t, ({ socket }) => socket.destroy());
  const http = client(t);
  for (const [url, problem] of [
    [base.replace("//", "//me:secret@"), /^socket hang up$/],
    ["http://me:secret@127.0.0.1:1/", /^connect: connection refused$/],
    ["http://me:secret@", /invalid/i],
    ["ftp://me:secret@host/", /only http and https/],
  ] as const) {
    const answer = await http.get(url, LIMITS);
    assert.ok(!answer.ok);
    assert.match(answer.problem, problem);
    assert.doesNotMatch(answer.problem, /secret/);
  }
});

test("https: checks the server's certificate against ca_file, unless it is told not to", async (t) => {
  const base = await serveTls(t, {}, (_request, response) => response.end("here"));
  const { ca_file } = tlsFiles(t);
  const tls = { certificates: [], ca_file: "", min_version: "1.2", insecure: false } as const;
  assert.equal((await client(t).get(base, LIMITS)).ok, false);
  assert.equal((await client(t, tls).get(base, LIMITS)).ok, false);
  assert.equal((await client(t, { ...tls, ca_file }).get(base, LIMITS)).ok, true);
  assert.equal((await client(t, { ...tls, insecure: true }).get(base, LIMITS)).ok, true);
  const other = base.replace("127.0.0.1", "localhost");
  assert.equal((await client(t, { ...tls, ca_file }).get(other, LIMITS)).ok, false, "another name");
});

test("https: shows its own certificate and keeps to the lowest version", async (t) => {
  const base = await serveTls(
    t,
    { ca: ca.pem, requestCert: true, rejectUnauthorized: true, maxVersion: "TLSv1.2" },
    (_request, response) => response.end("here"),
  );
  const { ca_file, cert_file, key_file } = tlsFiles(t);
  const tls = { certificates: [], ca_file, min_version: "1.2", insecure: false } as const;
  const certificates = [{ cert_file, key_file }];
  assert.equal((await client(t, tls).get(base, LIMITS)).ok, false);
  assert.equal((await client(t, { ...tls, certificates }).get(base, LIMITS)).ok, true);
  assert.equal((await client(t, { ...tls, certificates, min_version: "1.3" }).get(base, LIMITS)).ok, false);
});

test("https: a redirect does not lead away from it", async (t) => {
  const plain = await serve(t, (_request, response) => response.end("here"));
  const base = await serveTls(t, {}, (_request, response) => {
    response.writeHead(302, { Location: plain }).end();
  });
  const { ca_file } = tlsFiles(t);
  const tls = { certificates: [], ca_file, min_version: "1.2", insecure: false } as const;
  assert.deepEqual(await client(t, tls).get(base, LIMITS), {
    ok: false,
    problem: "a redirect leads away from https",
  });
});

test("a file that can't be read is told", () => {
  const tls = { certificates: [], ca_file: "/no/such/file", min_version: "1.2", insecure: false } as const;
  assert.equal(createHttpClient(tls), "open /no/such/file: no such file or directory");
});
