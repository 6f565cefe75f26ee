import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Http, HttpAnswer, HttpHandler, HttpRequest } from "../http.ts";
import { bind } from "./tcp.ts";

/** Request line and headers; who asks for figures needs a fraction of it. */
const HEADER_BYTES_MAX = 16 * 1024;

/** Connections at a time: scrapers, probes and people at dashboards. More are dropped, and idle ones make room. */
const CONNECTIONS_MAX = 128;

/** Requests on one connection that may wait for their answer: each holds a piece of it in memory. */
const PIPELINED_MAX = 4;

/** How long a peer may take for its headers; the reference's bound. */
const HEADERS_TIMEOUT_MS = 5_000;

/** How long a peer may take for a whole request, with the body that nobody reads. */
const REQUEST_TIMEOUT_MS = 10_000;

/** A peer that takes nothing of its answer for so long is dropped. */
const STALL_TIMEOUT_MS = 10_000;

/** An idle connection stays a little longer than a scraper's usual minute. */
const KEEP_ALIVE_MS = 75_000;

/** How often the two request timeouts are looked at. */
const CHECK_INTERVAL_MS = 5_000;

/** HTTP by `node:http`, which is loaded on first use: most embedded servers do without. */
export const nodeHttp: Http = {
  async listen(host, port, answer, tls) {
    const { createServer } = await import("node:http");
    const server = createServer({
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: CHECK_INTERVAL_MS,
    });
    server.timeout = STALL_TIMEOUT_MS;
    server.maxConnections = CONNECTIONS_MAX;
    server.on("drop", () => server.closeIdleConnections());
    answerAll(server, answer);
    const handshakes = tls === undefined ? null : (await import("./https.ts")).secureConnections(server, tls);
    // Nobody depends on a single question: a scraper or probe that is not let in asks again.
    const listener = await bind(server, host, port, () => {});
    return {
      host: listener.host,
      addresses: listener.addresses,
      port: listener.port,
      close() {
        const closed = new Promise<void>((resolve) => {
          server.close(() => resolve());
        });
        handshakes?.destroyAll();
        server.closeAllConnections();
        return closed;
      },
    };
  },
};

function answerAll(server: Server, answer: HttpHandler): void {
  const waiting = new WeakMap<Socket, number>();
  server.on("request", (incoming: IncomingMessage, response: ServerResponse) => {
    const { socket } = incoming;
    const count = (waiting.get(socket) ?? 0) + 1;
    if (count > PIPELINED_MAX) {
      socket.destroy();
      return;
    }
    waiting.set(socket, count);
    response.once("close", () => waiting.set(socket, (waiting.get(socket) ?? 1) - 1));
    const request = parseTarget(incoming.url ?? "", incoming.headers.accept);
    const answered = request === null ? BAD_TARGET : answer(request);
    if (answered instanceof Promise) void answered.then((late) => send(response, late));
    else send(response, answered);
  });
}

const BAD_TARGET: HttpAnswer = {
  status: 400,
  headers: { "Content-Type": "text/plain; charset=utf-8", Connection: "close" },
  body: ["400 Bad Request"],
};

/** The target of a request line, ASCII, a proxy's absolute form included; null when it is none. */
function parseTarget(target: string, accept: string | undefined): HttpRequest | null {
  const text = target.replace(/^https?:\/\/[^/?]*/i, "");
  const mark = text.indexOf("?");
  const path = mark < 0 ? text : text.slice(0, mark);
  try {
    const decoded = decodeURIComponent(path === "" ? "/" : path);
    if (!decoded.startsWith("/")) return null;
    const request = { path: decoded, query: mark < 0 ? "" : text.slice(mark + 1) };
    return accept === undefined ? request : { ...request, accept };
  } catch {
    return null;
  }
}

/** Sends a short answer whole, with its length, and a long one piece by piece as the peer takes it. */
function send(response: ServerResponse, { status, headers, body }: HttpAnswer): void {
  // The peer may be gone before a late answer is there.
  if (response.destroyed) return;
  const pieces = body[Symbol.iterator]();
  const first = pieces.next();
  const second = first.done === true ? first : pieces.next();
  if (second.done === true) {
    const text = first.done === true ? "" : first.value;
    response.writeHead(status, { ...headers, "Content-Length": Buffer.byteLength(text) });
    response.end(text);
    return;
  }
  response.writeHead(status, headers);
  if (response.req.method === "HEAD") {
    response.end();
    return;
  }
  response.write(first.value);
  sendPiece(response, second.value, pieces);
}

function sendPiece(response: ServerResponse, piece: string, rest: Iterator<string>): void {
  const goOn = (): void => {
    // A peer that went away wants no more; nothing else is left to do for it.
    if (response.destroyed) return;
    const next = rest.next();
    if (next.done === true) response.end();
    else sendPiece(response, next.value, rest);
  };
  if (response.write(piece)) setImmediate(goOn);
  else response.once("drain", goOn);
}
