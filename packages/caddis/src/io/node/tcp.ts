import { createServer, type OnReadOpts, type Server, Socket } from "node:net";
import { type NetworkInterfaceInfo, networkInterfaces } from "node:os";
import type { TLSSocket } from "node:tls";
import { assert } from "../../base/assert.ts";
import { Bytes } from "../../base/bytes.ts";
import { READ_BYTES } from "../../base/limits.ts";
import { connectionDescriptorsEnd } from "./descriptors.ts";
import { asSystemError, systemReason } from "./system-error.ts";
import { handshakeError } from "./tls-error.ts";
import type { Listener, Net, PipeEvents, UnattachedPipe } from "../pipe.ts";
import type { TlsContext, TlsSession } from "../tls.ts";
// Its type only: a server without TLS does not load it.
import type { NodeTlsContext } from "./tls.ts";

/** Connections that may wait to be accepted: a storm of reconnecting clients is not turned away. */
const ACCEPT_BACKLOG = 4096;

/** Idle time before the kernel probes a peer; the reference's runtime does the same. */
export const KEEP_ALIVE_MS = 15_000;

/** The outbound bounds what is written; the stream's own mark must never make it wait. */
const NO_HIGH_WATER_MARK = Number.MAX_SAFE_INTEGER;

const NOTHING = Buffer.alloc(0);

/**
 * How bytes are read. `shared`: the kernel's bytes land in one buffer that all sockets of a server
 * share; the socket that `accept` made is given up for one on the same handle with that buffer, which
 * Node does but does not document for accepted sockets. `events`: ordinary `data` events.
 */
export type ReadMode = "shared" | "events";

/** TCP by `node:net`. */
export function tcpNet(readMode: ReadMode = "shared"): Net {
  // Made on first use: a server without a port needs none.
  let shared: ReadBuffer | null = null;
  return {
    listen(host, port, onPipe, onAcceptError) {
      shared ??= new ReadBuffer();
      const input = shared;
      const fail = (reason: string): void =>
        onAcceptError(new Error(`accept tcp ${host}:${port}: accept4: ${reason}`));
      const descriptorsEnd = connectionDescriptorsEnd();
      const server = createServer(
        { pauseOnConnect: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS },
        (accepted) => {
          if (descriptorOf(accepted) < descriptorsEnd) return onPipe(new TcpPipe(accepted, input, readMode));
          // Without any descriptor left, connections would end before Node, or anybody, hears of them.
          accepted.destroy();
          fail("too many open files");
        },
      );
      return bind(server, host, port, (error) => fail(systemReason(error)));
    },
  };
}

/** The buffer that all sockets read into, and the part of it that they are told of. */
class ReadBuffer {
  readonly bytes = new Bytes(READ_BYTES);
  readonly buf = this.bytes.buf.subarray(0, READ_BYTES);
}

/** An unspecified IPv4 address means every address, IPv6 ones too where there are any. */
export async function bind(
  server: Server,
  host: string,
  port: number,
  onAcceptError: (error: Error) => void,
): Promise<Listener> {
  if (host === "0.0.0.0" || host === "") {
    try {
      return await listen(server, "::", port, host, onAcceptError);
    } catch (error) {
      if (!isNoIpv6(error)) throw error;
    }
  }
  return listen(server, host, port, host, onAcceptError);
}

function isNoIpv6(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : "";
  return code === "EAFNOSUPPORT" || code === "EADDRNOTAVAIL";
}

function listen(
  server: Server,
  address: string,
  port: number,
  host: string,
  onAcceptError: (error: Error) => void,
): Promise<Listener> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) => reject(listenError(error, host, port)));
    server.listen({ host: address, port, backlog: ACCEPT_BACKLOG }, () => {
      server.removeAllListeners("error");
      // A single failed accept must not end the server.
      server.on("error", onAcceptError);
      const found = server.address();
      const bound = found !== null && typeof found === "object" ? found : { address, port };
      resolve({
        host,
        // A name is shown as the address that was found for it.
        addresses: isUnspecified(host) ? reachableAddresses() : [bound.address],
        port: bound.port,
        // The callback of `close` would wait for the end of every connection, which is not ours to wait for.
        close: () => {
          server.close();
          return Promise.resolve();
        },
      });
    });
  });
}

/** The descriptor of a new connection; -1 on systems that have none. */
export function descriptorOf(accepted: Socket): number {
  const { _handle: handle } = accepted as unknown as { readonly _handle: { readonly fd?: number } | null };
  return handle?.fd ?? -1;
}

/** In the words of the reference, which scripts look for. */
function listenError(error: Error, host: string, port: number): Error {
  const code = asSystemError(error).code ?? "";
  const reason =
    code === "ENOTFOUND" || code === "EAI_AGAIN"
      ? `listen tcp: lookup ${host}: no such host`
      : `listen tcp ${host}:${port}: bind: ${systemReason(error)}`;
  return Object.assign(new Error(reason, { cause: error }), { code });
}

/** Options of `net.Socket` that its types leave out: a handle to take over. */
interface HandleOptions {
  readonly handle: unknown;
  readonly onread: OnReadOpts;
  readonly writableHighWaterMark: number;
}

class TcpPipe implements UnattachedPipe {
  readonly remoteHost: string;
  readonly remotePort: number;
  /** The one to talk to: after a handshake the secured one, which owns the other. */
  #socket: Socket;
  #security: "none" | "handshake" | "secured" = "none";
  /** What a handshake is to begin with as soon as the peer says something. */
  #awaiting: NodeTlsContext | null = null;
  readonly #input: ReadBuffer;
  #events: PipeEvents | null = null;
  #isPaused = false;
  #isDestroyed = false;
  /** Made when a write does not go through at once, which most connections never see. */
  #onWritten: ((error?: Error | null) => void) | null = null;

  constructor(accepted: Socket, input: ReadBuffer, readMode: ReadMode) {
    this.#input = input;
    this.remoteHost = plainAddress(accepted.remoteAddress ?? "");
    this.remotePort = accepted.remotePort ?? 0;
    const taken = readMode === "shared" ? this.#takeOver(accepted) : null;
    this.#socket = taken ?? accepted;
    if (taken === null) accepted.on("data", (chunk: Buffer) => this.#onChunk(chunk));
    // Said by `close`, too; without a listener it would end the process.
    this.#socket.on("error", ignore);
    this.#socket.on("close", () => this.#onPlainClosed());
  }

  attach(events: PipeEvents): void {
    this.#events = events;
    this.#socket.resume();
  }

  write(buf: Buffer, length: number): boolean {
    if (this.#security !== "none") return this.#writeSecured([buf], [length]);
    const socket = this.#socket;
    socket.write(buf.subarray(0, length));
    if (socket.writableLength === 0) return true;
    this.#awaitWritten();
    return false;
  }

  writeAll(bufs: readonly Buffer[], lengths: readonly number[]): boolean {
    if (this.#security !== "none") return this.#writeSecured(bufs, lengths);
    const socket = this.#socket;
    socket.cork();
    for (let i = 0; i < bufs.length; i++) socket.write(bufs[i].subarray(0, lengths[i]));
    socket.uncork();
    if (socket.writableLength === 0) return true;
    this.#awaitWritten();
    return false;
  }

  pause(): void {
    this.#isPaused = true;
    if (this.#security !== "handshake") this.#socket.pause();
  }

  resume(): void {
    this.#isPaused = false;
    if (this.#security !== "handshake") this.#socket.resume();
  }

  secure(context: TlsContext, received: Uint8Array | null): void {
    assert("begin" in context, "a TLS context of node:tls");
    assert(this.#security === "none", "TLS begins once");
    const raw = this.#socket;
    // Its `close` is on the way and says how it ended.
    if (raw.destroyed) return;
    this.#security = "handshake";
    const nodeContext = context as NodeTlsContext;
    if (received !== null && received.length > 0) return this.#beginHandshake(nodeContext, received);
    // OpenSSL takes ten times the memory of a connection: who says nothing does not get it.
    this.#awaiting = nodeContext;
    raw.resume();
  }

  end(): void {
    // Nobody waits for the end of a handshake that nobody wants.
    if (this.#security === "handshake") this.destroy();
    else this.#socket.end();
  }

  destroy(): void {
    this.#isDestroyed = true;
    this.#socket.destroy();
  }

  /** The end of the stream while it was in the clear; a handshake, or the secured socket, says itself how it ended. */
  #onPlainClosed(): void {
    const { errored } = this.#socket;
    if (this.#security === "none") this.#events?.onClosed(errored);
    if (this.#awaiting === null) return;
    const error = handshakeError(errored === null ? "EOF" : systemReason(errored));
    this.#events?.onClosed(this.#isDestroyed ? null : error);
  }

  /** Nothing of `received` is used after this returns. */
  #beginHandshake(context: NodeTlsContext, received: Uint8Array): void {
    this.#awaiting = null;
    const raw = this.#socket;
    raw.removeAllListeners("data");
    raw.pause();
    context.begin(raw, Buffer.from(received), {
      onSecured: (secured, session) => this.#onSecured(secured, session),
      // Who destroyed it knows why.
      onFailed: (error) => this.#events?.onClosed(this.#isDestroyed ? null : error),
    });
  }

  #onSecured(secured: TLSSocket, session: TlsSession): void {
    this.#security = "secured";
    this.#socket = secured;
    secured.on("close", () => this.#events?.onClosed(this.#isDestroyed ? null : secured.errored));
    if (this.#isPaused) secured.pause();
    secured.on("data", (chunk: Buffer) => this.#onChunk(chunk));
    this.#events?.onSecured?.(session);
  }

  /** What is encrypted goes out in a later turn: the buffers are never free at once. */
  #writeSecured(bufs: readonly Buffer[], lengths: readonly number[]): false {
    assert(this.#security === "secured", "no write during a handshake");
    const socket = this.#socket;
    const last = bufs.length - 1;
    socket.cork();
    for (let i = 0; i < last; i++) socket.write(bufs[i].subarray(0, lengths[i]));
    socket.write(bufs[last].subarray(0, lengths[last]), this.#writtenCallback());
    socket.uncork();
    return false;
  }

  /**
   * An empty write queues behind the one that is outstanding: its callback comes when that is done.
   * Giving each write a callback instead would cost every one of them a tick.
   */
  #awaitWritten(): void {
    this.#socket.write(NOTHING, this.#writtenCallback());
  }

  #writtenCallback(): (error?: Error | null) => void {
    // After a failed write or `destroy` the callback comes too, with an error: then `onClosed` follows.
    this.#onWritten ??= (error) => {
      if (!error) this.#events?.onWritten();
    };
    return this.#onWritten;
  }

  /**
   * Stops reading until the next turn. A read that fills the buffer is followed by up to 31 more in the
   * same turn otherwise, and everybody else would wait for all of them.
   */
  #yield(): boolean {
    setImmediate(() => {
      if (!this.#isPaused && this.#security === "none") this.#socket.resume();
    });
    return false;
  }

  #onChunk(chunk: Buffer): void {
    if (this.#awaiting !== null) return this.#beginHandshake(this.#awaiting, chunk);
    const input = this.#input.bytes;
    for (let start = 0; start < chunk.length; start += input.capacity) {
      const end = Math.min(chunk.length, start + input.capacity);
      chunk.copy(input.buf, 0, start, end);
      this.#events?.onData(input, end - start);
    }
  }

  /** Moves the connection to a socket that reads into the shared buffer; null where Node does not let us. */
  #takeOver(accepted: Socket): Socket | null {
    const owner = accepted as unknown as { _handle: unknown };
    const handle = owner._handle;
    if (typeof handle !== "object" || handle === null) return null;
    owner._handle = null;
    const input = this.#input;
    const options: HandleOptions = {
      handle,
      onread: {
        buffer: input.buf,
        callback: (count) => {
          if (this.#awaiting !== null) this.#beginHandshake(this.#awaiting, input.buf.subarray(0, count));
          else this.#events?.onData(input.bytes, count);
          return count < READ_BYTES || this.#yield();
        },
      },
      writableHighWaterMark: NO_HIGH_WATER_MARK,
    };
    return new Socket(options as unknown as ConstructorParameters<typeof Socket>[0]);
  }
}

function isUnspecified(host: string): boolean {
  return host === "0.0.0.0" || host === "::" || host === "";
}

/** All addresses of this machine, loopback first: those of a listener on an unspecified one. */
function reachableAddresses(): readonly string[] {
  const all = ownAddresses();
  const found = [...all.filter(({ internal }) => internal), ...all.filter(({ internal }) => !internal)];
  return found.length === 0 ? ["127.0.0.1"] : found.map(({ address }) => address);
}

/** The addresses of this machine; none when the system does not tell, for want of descriptors, say. */
function ownAddresses(): readonly NetworkInterfaceInfo[] {
  try {
    return Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  } catch {
    return [];
  }
}

/** An IPv4 peer of a dual-stack listener, written as IPv4. */
export function plainAddress(address: string): string {
  return address.startsWith("::ffff:") ? address.slice("::ffff:".length) : address;
}

function ignore(): void {}
