/** Monitoring over real sockets: addresses, limits, peers that misbehave, and the end. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { request } from "node:http";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import type { HttpAnswer, HttpHandler, HttpListener, HttpRequest } from "../packages/caddis/src/io/http.ts";
import { nodeHttp } from "../packages/caddis/src/io/node/http.ts";
import { createTestServer } from "../packages/caddis/src/server/testing.ts";
import { RawClient } from "./support/raw-client.ts";

const HOST = "127.0.0.1";

function answerWith(...body: string[]): HttpAnswer {
  return { status: 200, headers: { "Content-Type": "text/plain" }, body };
}

/** Listens for as long as the test runs. */
async function listen(t: TestContext, answer: HttpHandler): Promise<HttpListener> {
  const listener = await nodeHttp.listen(HOST, 0, answer);
  t.after(() => listener.close());
  return listener;
}

/** A connection that tells of nothing but its end. */
async function open(listener: HttpListener): Promise<{ socket: Socket; closed: Promise<void> }> {
  const socket = connect(listener.port, HOST);
  const { promise, resolve } = Promise.withResolvers<void>();
  socket.on("error", () => {});
  socket.on("close", () => resolve());
  await once(socket, "connect");
  return { socket, closed: promise };
}

/** Sends one request by raw bytes and reads until the server hangs up. */
async function exchange(port: number, bytes: string): Promise<string> {
  const socket = connect(port, HOST);
  let text = "";
  socket.on("data", (chunk: Buffer) => (text += chunk.latin1Slice(0, chunk.length)));
  socket.on("error", () => {});
  socket.write(bytes, "latin1");
  await once(socket, "close");
  return text;
}

function get(target: string, headers = ""): string {
  return `GET ${target} HTTP/1.1\r\nHost: x\r\n${headers}Connection: close\r\n\r\n`;
}

/** A body without an end. */
function* endless(onPiece: () => void = () => {}): Generator<string> {
  for (;;) {
    onPiece();
    yield "x".repeat(64 * 1024);
  }
}

test("targets are split and decoded", async (t) => {
  const seen: HttpRequest[] = [];
  const listener = await listen(t, (asked) => {
    seen.push(asked);
    return answerWith("ok");
  });
  const targets = ["/a?b=c?d", "/%61%20b", "http://other:1/x?y", "http://other", "/a#b?%C3%A9"];
  for (const target of targets) assert.match(await exchange(listener.port, get(target)), /^HTTP\/1\.1 200 /);
  assert.deepEqual(seen, [
    { path: "/a", query: "b=c?d" },
    { path: "/a b", query: "" },
    { path: "/x", query: "y" },
    { path: "/", query: "" },
    { path: "/a#b", query: "%C3%A9" },
  ]);
  for (const target of ["/%zz", "/%ff", "/\xc3\xa9", "*"])
    assert.match(await exchange(listener.port, get(target)), /^HTTP\/1\.1 400 /);
  assert.equal(seen.length, targets.length);
});

test("short answers tell their length, long ones come in pieces, HEAD gets none", async (t) => {
  const listener = await listen(t, ({ path }) =>
    path === "/long"
      ? answerWith("a".repeat(10), "b", "c")
      : path === "/none"
        ? answerWith()
        : answerWith("é"),
  );
  const short = await exchange(listener.port, get("/"));
  assert.match(short, /\r\nContent-Length: 2\r\n[^]*\r\n\r\n\xc3\xa9$/);
  assert.match(await exchange(listener.port, get("/none")), /\r\nContent-Length: 0\r\n/);
  const long = await exchange(listener.port, get("/long"));
  assert.match(long, /\r\nTransfer-Encoding: chunked\r\n/);
  // How pieces are joined into chunks is Node's business.
  const chunks = long.slice(long.indexOf("\r\n\r\n") + 4).matchAll(/([0-9a-f]+)\r\n([^\r]*)\r\n/g);
  const pieces = Array.from(chunks, ([, length, piece]) => {
    assert.equal(Number.parseInt(length, 16), piece.length);
    return piece;
  });
  assert.equal(pieces.join(""), "aaaaaaaaaabc");
  assert.ok(long.endsWith("\r\n0\r\n\r\n"));
  const head = await exchange(listener.port, get("/").replace("GET", "HEAD"));
  assert.match(head, /\r\nContent-Length: 2\r\n[^]*\r\n\r\n$/);
  assert.match(await exchange(listener.port, get("/long").replace("GET", "HEAD")), /\r\n\r\n$/);
  const post = get("/", "Content-Length: 3\r\n").replace("GET", "POST");
  assert.match(await exchange(listener.port, `${post}abc`), /^HTTP\/1\.1 200 /);
});

test("a peer that does not read is not written for", async (t) => {
  let made = 0;
  const listener = await listen(t, ({ path }) =>
    path === "/" ? { ...answerWith(), body: endless(() => made++) } : answerWith(String(made)),
  );
  const { socket } = await open(listener);
  socket.pause();
  socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  // The kernel's buffers take some megabytes; then the count stands still, however long others are served.
  const count = async (): Promise<number> =>
    Number(/\d+$/.exec(await exchange(listener.port, get("/made")))?.[0]);
  let before = -1;
  let after = await count();
  for (let round = 0, same = 0; round < 500 && same < 20; round++) {
    same = after === before ? same + 1 : 0;
    before = after;
    after = await count();
  }
  assert.ok(after > 0 && after < 1000, `${after}`);
  socket.destroy();
});

test("an answer may come late, and is not begun for a peer that has gone", async (t) => {
  let made = 0;
  const { promise, resolve } = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  const listener = await listen(t, async ({ path }) => {
    if (path !== "/late") return answerWith(String(made));
    asked.resolve();
    await promise;
    return { ...answerWith(), body: endless(() => made++) };
  });
  assert.match(await exchange(listener.port, get("/")), /\r\n\r\n0$/);
  const { socket } = await open(listener);
  socket.write("GET /late HTTP/1.1\r\nHost: x\r\n\r\n");
  await asked.promise;
  socket.destroy();
  // The server hears of connections in their order.
  assert.match(await exchange(listener.port, get("/")), /\r\n\r\n0$/);
  resolve();
  assert.match(await exchange(listener.port, get("/")), /\r\n\r\n0$/);
});

test("bad requests cost the peer its connection", async (t) => {
  const listener = await listen(t, () => answerWith("ok"));
  assert.match(await exchange(listener.port, "GARBAGE\r\n\r\n"), /^HTTP\/1\.1 400 /);
  assert.match(await exchange(listener.port, "GET / HTTP/1.1\r\n\r\n"), /^HTTP\/1\.1 400 /);
  assert.match(await exchange(listener.port, get("/", `X: ${"y".repeat(20_000)}\r\n`)), /^HTTP\/1\.1 431 /);
  assert.match(await exchange(listener.port, get(`/${"y".repeat(20_000)}`)), /^HTTP\/1\.1 431 /);
});

test("few requests may wait on one connection", async (t) => {
  let asked = 0;
  const listener = await listen(t, () => {
    asked++;
    return { ...answerWith(), body: endless() };
  });
  const { socket, closed } = await open(listener);
  socket.resume();
  socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n".repeat(500));
  await closed;
  assert.equal(asked, 4);
});

test("idle connections make room when there are too many", async (t) => {
  const listener = await listen(t, () => answerWith("ok"));
  const idle: Promise<void>[] = [];
  for (let i = 0; i < 128; i++) {
    const { socket, closed } = await open(listener);
    socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    await once(socket, "data");
    idle.push(closed);
  }
  assert.equal(await exchange(listener.port, get("/")), "");
  await Promise.all(idle);
  assert.match(await exchange(listener.port, get("/")), /^HTTP\/1\.1 200 /);
});

test("close ends connections that are idle and that are at work", async (t) => {
  const listener = await listen(t, ({ path }) => ({
    ...answerWith("ok"),
    ...(path === "/long" && { body: endless() }),
  }));
  const ends: Promise<void>[] = [];
  for (const path of ["/short", "/long"]) {
    const { socket, closed } = await open(listener);
    socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
    await once(socket, "data");
    socket.resume();
    ends.push(closed);
  }
  await listener.close();
  await Promise.all(ends);
});

test("a server's monitoring: address, log line, base path, end", async () => {
  const lines: string[] = [];
  const note = (line: string): void => {
    lines.push(line);
  };
  const logger = { info: note, warn: note, error: note };
  await using server = await createTestServer({ http: "127.0.0.1:-1", http_base_path: "/m" }, { logger });
  const port = Number(/^Starting http monitor on 127\.0\.0\.1:(\d+)$/.exec(lines[0])?.[1]);
  assert.ok(port > 0, lines.join("\n"));
  assert.match(lines[1], /^Listening for client connections/);
  const client = await RawClient.connect(server.port);
  client.send('CONNECT {"verbose":false}\r\n');
  assert.ok(await client.barrier());
  const response = await fetch(`http://127.0.0.1:${port}/m/connz`);
  assert.equal(response.headers.get("access-control-allow-origin"), "*");
  assert.equal(response.headers.get("content-type"), "application/json");
  const { connections } = (await response.json()) as { connections: { ip: string; port: number }[] };
  assert.equal(connections[0].ip, "127.0.0.1");
  assert.ok(connections[0].port > 0);
  await client.finish();
  await server.shutdown();
  await assert.rejects(fetch(`http://127.0.0.1:${port}/m/healthz`));
});

test("a monitoring port that is taken keeps the server from starting", async () => {
  const taken = createServer();
  taken.listen(0, HOST);
  await once(taken, "listening");
  const address = taken.address();
  assert.ok(address !== null && typeof address === "object");
  await assert.rejects(
    createTestServer({ http: `127.0.0.1:${address.port}` }),
    /^Error: Can't start monitoring: can't listen to the monitor port: listen tcp 127\.0\.0\.1:\d+: bind: address already in use/,
  );
  taken.close();
});

test("a scrape that is kept alive does not keep the process", async () => {
  const program = `
    import { createServer } from ${JSON.stringify(join(import.meta.dirname, "../packages/caddis/src/server/index.ts"))};
    const lines = [];
    const note = (line) => lines.push(line);
    const server = await createServer({ http: "127.0.0.1:-1" }, { logger: { info: note, warn: note, error: note } });
    console.log(/monitor on (.*)/.exec(lines.join("\\n"))[1]);
    process.stdin.once("data", async () => {
      process.stdin.pause();
      await server.shutdown();
    });
  `;
  const child = spawn(process.execPath, ["--input-type=module-typescript", "-e", program], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const [output] = (await once(child.stdout, "data")) as [Buffer];
  const port = Number(/:(\d+)/.exec(output.toString())?.[1]);
  const socket = connect(port, HOST);
  socket.on("error", () => {});
  socket.write("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
  await once(socket, "data");
  child.stdin.end("go\n");
  const [code] = (await once(child, "exit")) as [number | null];
  assert.equal(code, 0);
  socket.destroy();
});

test("keep-alive serves one request after the other", async (t) => {
  const listener = await listen(t, ({ path }) => answerWith(path));
  const { socket } = await open(listener);
  for (const path of ["/a", "/b", "/c"]) {
    socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
    const [chunk] = (await once(socket, "data")) as [Buffer];
    assert.ok(chunk.toString().endsWith(path));
  }
  socket.destroy();
});

test("requests by a client library", async (t) => {
  const listener = await listen(t, () => answerWith("ok"));
  const asked = request({ host: HOST, port: listener.port, path: "/", method: "PATCH" });
  asked.end("a body nobody reads");
  const [response] = (await once(asked, "response")) as [{ statusCode: number; resume(): void }];
  assert.equal(response.statusCode, 200);
  response.resume();
});
