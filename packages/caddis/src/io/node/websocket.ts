import {
  createServer as createHttpServer,
  type IncomingMessage,
  STATUS_CODES,
  type Server as HttpServer,
} from "node:http";
import { createServer, type Server, Socket } from "node:net";
import { type ServerOptions, WebSocketServer } from "ws";
import { Bytes } from "../../base/bytes.ts";
import {
  CLOSE_LINGER_MS,
  FRAME_READS_MAX,
  MESSAGE_BYTES_MAX,
  MESSAGE_FRAMES_MAX,
  PONGS_OUTSTANDING_MAX,
  READ_BYTES,
  UPGRADE_BYTES_MAX,
} from "../../base/limits.ts";
import type { Listener } from "../pipe.ts";
import type { TlsContext, TlsSession } from "../tls.ts";
import type { UpgradeRequest, WebsocketEvents, WebsocketListenOptions, WebsocketNet } from "../websocket.ts";
import { connectionDescriptorsEnd } from "./descriptors.ts";
import { RawDeflater, RawInflater } from "./raw-deflate.ts";
import { systemReason } from "./system-error.ts";
import { bind, descriptorOf, KEEP_ALIVE_MS, plainAddress } from "./tcp.ts";
// Its type only: a listener in the clear does not load it.
import type { NodeTlsContext } from "./tls.ts";
import { WebsocketPipe } from "./websocket-pipe.ts";

/** What `ws` can be asked and its types leave out. */
interface LimitedServerOptions extends ServerOptions {
  readonly closeTimeout: number;
  readonly maxFragments: number;
  readonly maxBufferedChunks: number;
  readonly maxPendingAutoPongs: number;
}

const WEBSOCKET_OPTIONS: LimitedServerOptions = {
  noServer: true,
  clientTracking: false,
  // Text is data like any other.
  skipUTF8Validation: true,
  perMessageDeflate: {
    serverNoContextTakeover: true,
    clientNoContextTakeover: true,
  },
  // Until the connection has its own.
  maxPayload: MESSAGE_BYTES_MAX,
  closeTimeout: CLOSE_LINGER_MS,
  maxFragments: MESSAGE_FRAMES_MAX,
  maxBufferedChunks: FRAME_READS_MAX,
  maxPendingAutoPongs: PONGS_OUTSTANDING_MAX,
};

/** WebSocket by `node:http` and `ws`. */
export const nodeWebsocket: WebsocketNet = {
  listen(options, events) {
    return new UpgradeServer(options, events).listen();
  },
};

/**
 * Leads connections to where they are WebSockets:
 *
 *     connection ─┬─ TLS, if there is ─▶ request ─┬─ granted ─▶ pipe
 *                 └── too slow ──▶ dropped        └─ refused, or no upgrade ─▶ answered and ended
 */
class UpgradeServer {
  readonly #options: WebsocketListenOptions;
  readonly #events: WebsocketEvents;
  /** Is handed connections, and never listens. */
  readonly #http: HttpServer;
  readonly #server: Server;
  readonly #websockets = new WebSocketServer(WEBSOCKET_OPTIONS);
  readonly #input = new Bytes(READ_BYTES);
  readonly #inflater = new RawInflater();
  readonly #deflater = new RawDeflater();
  readonly #descriptorsEnd = connectionDescriptorsEnd();
  /** Connections that are no WebSocket yet, with what ends their patience. */
  readonly #waiting = new Map<Socket, NodeJS.Timeout>();
  /** What those with TLS have to do with it; the socket is the secured one. */
  readonly #secured = new WeakMap<Socket, { readonly raw: Socket; readonly session: TlsSession }>();

  constructor(options: WebsocketListenOptions, events: WebsocketEvents) {
    this.#options = options;
    this.#events = events;
    this.#http = createHttpServer({ maxHeaderSize: UPGRADE_BYTES_MAX, requireHostHeader: false });
    this.#http.on("upgrade", (request, stream, head) => this.#onUpgrade(request, stream as Socket, head));
    this.#http.on("request", (request) => this.#onPlainRequest(request));
    this.#websockets.on("headers", (lines) => {
      for (const [name, value] of Object.entries(options.headers)) lines.push(`${name}: ${value}`);
    });
    // Of what the review lets through: offers of extensions that make no sense.
    this.#websockets.on("wsClientError", (error, stream) =>
      this.#refuse(stream as Socket, 400, error.message),
    );
    this.#server = createServer(
      { noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS },
      (raw) => this.#onConnection(raw),
    );
  }

  async listen(): Promise<Listener> {
    const { host, port } = this.#options;
    const bound = await bind(this.#server, host, port, (error) => this.#failAccept(systemReason(error)));
    return {
      ...bound,
      close: async () => {
        for (const raw of this.#waiting.keys()) raw.destroy();
        await bound.close();
      },
    };
  }

  #failAccept(reason: string): void {
    const { host, port } = this.#options;
    this.#events.onAcceptError(new Error(`accept tcp ${host}:${port}: accept4: ${reason}`));
  }

  #onConnection(raw: Socket): void {
    if (descriptorOf(raw) >= this.#descriptorsEnd) {
      raw.destroy();
      this.#failAccept("too many open files");
      return;
    }
    const patience = setTimeout(() => this.#onTooSlow(raw), this.#options.upgradeMs);
    this.#waiting.set(raw, patience);
    raw.on("error", ignore);
    raw.on("close", () => this.#stopWaiting(raw));
    const context = this.#options.tls();
    if (context === null) this.#http.emit("connection", raw);
    // OpenSSL takes ten times the memory of a connection: who says nothing does not get it.
    else raw.once("data", (received: Buffer) => this.#shakeHands(context, raw, received));
  }

  #onTooSlow(raw: Socket): void {
    this.#events.onRefused(peerOf(raw), "handshake timeout");
    raw.destroy();
  }

  #stopWaiting(raw: Socket): void {
    clearTimeout(this.#waiting.get(raw));
    this.#waiting.delete(raw);
  }

  #shakeHands(context: TlsContext, raw: Socket, received: Buffer): void {
    raw.pause();
    const peer = peerOf(raw);
    if (!context.admit(performance.now())) {
      this.#events.onHandshakeFailed(peer, "too many handshakes");
      raw.destroy();
      return;
    }
    (context as NodeTlsContext).begin(raw, received, {
      onSecured: (secured, session) => {
        this.#secured.set(secured, { raw, session });
        this.#http.emit("connection", secured);
      },
      onFailed: (error) => this.#events.onHandshakeFailed(peer, error.message),
    });
  }

  /** Somebody asks for a page. */
  #onPlainRequest(request: IncomingMessage): void {
    const answer = this.#events.review(this.#requestOf(request));
    // Without the right fields nothing is granted: Node would have called it an upgrade.
    if (answer.granted) this.#refuse(request.socket, 400, "no upgrade");
    else this.#refuse(request.socket, answer.status, answer.reason);
  }

  #onUpgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    // With a body the stream is another one, and the peer none that follows the rules.
    if (!(socket instanceof Socket)) return void request.socket.destroy();
    const answer = this.#events.review(this.#requestOf(request));
    if (!answer.granted) return this.#refuse(socket, answer.status, answer.reason);
    // A proxy in between could take it for a part of another request.
    if (head.length > 0) {
      this.#events.onRefused(peerOf(socket), "client sent data before handshake is complete");
      socket.destroy();
      return;
    }
    const { headers } = request;
    // The review has read these already, by rules of its own.
    headers.upgrade = "websocket";
    headers["sec-websocket-version"] = "13";
    delete headers["sec-websocket-protocol"];
    if (!answer.framing.compresses) delete headers["sec-websocket-extensions"];
    this.#websockets.handleUpgrade(request, socket, head, (websocket) => {
      const secured = this.#secured.get(socket);
      this.#stopWaiting(secured?.raw ?? socket);
      const pipe = new WebsocketPipe(websocket, socket, {
        framing: answer.framing,
        limits: this.#options.limits(),
        input: this.#input,
        isSecure: secured !== undefined,
        inflater: this.#inflater,
        deflater: this.#deflater,
      });
      this.#events.onPipe(pipe, answer.upgrade, secured?.session ?? null);
    });
  }

  #requestOf({ method, url, rawHeaders, socket }: IncomingMessage): UpgradeRequest {
    const headers = new Map<string, string[]>();
    for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
      const name = rawHeaders[i].toLowerCase();
      const values = headers.get(name);
      if (values === undefined) headers.set(name, [rawHeaders[i + 1]]);
      else values.push(rawHeaders[i + 1]);
    }
    return { method: method ?? "", target: url ?? "", headers, isSecure: this.#secured.has(socket) };
  }

  /** Answers with `status` and ends the connection. Who goes on reading it slowly runs out of patience with it. */
  #refuse(socket: Socket, status: number, reason: string): void {
    this.#events.onRefused(peerOf(socket), reason);
    const text = `${STATUS_CODES[status] ?? ""}\n`;
    const lines = [
      `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}`,
      "Connection: close",
      "Content-Type: text/plain; charset=utf-8",
      "Sec-Websocket-Version: 13",
      "X-Content-Type-Options: nosniff",
      `Content-Length: ${text.length}`,
    ];
    socket.on("error", ignore);
    socket.end(`${lines.join("\r\n")}\r\n\r\n${text}`);
    socket.resume();
  }
}

function peerOf(socket: Socket): string {
  const host = plainAddress(socket.remoteAddress ?? "");
  return `${host.includes(":") ? `[${host}]` : host}:${socket.remotePort ?? 0}`;
}

function ignore(): void {}
