import type { ConnectionOptions, Server as ServerAddress } from "@nats-io/nats-core";
import { checkOptions, errors, render, type Transport } from "@nats-io/nats-core/internal";
import { CADDIS_VERSION } from "../base/version.ts";
import type { CaddisServer } from "./caddis-server.ts";
import type { InProcessConnection } from "./in-process-connection.ts";

/** Where a connection in the making finds its server. */
export type FindServer = () => Pick<CaddisServer, "isRunning" | "openInProcess">;

/**
 * new ── connect ──▶ greeting ── INFO ──▶ open ── close, either side ──▶ closed
 *  └────────────────── discard ───────────────────────────────────────────┘
 */
type TransportState = "new" | "greeting" | "open" | "closed";

/** One connection of the official client to a server in the same process; a reconnect makes a new one. */
export class InProcessTransport implements Transport {
  readonly lang = "in-process";
  readonly version = CADDIS_VERSION;
  closeError?: Error;

  readonly #findServer: FindServer;
  #connection: InProcessConnection | null = null;
  #state: TransportState = "new";
  #frames: Uint8Array[] = [];
  #arrived = Promise.withResolvers<void>();
  readonly #greeted = Promise.withResolvers<void>();
  readonly #closed = Promise.withResolvers<void | Error>();
  #isVerbose = false;

  constructor(findServer: FindServer) {
    this.#findServer = findServer;
  }

  get isClosed(): boolean {
    return this.#state === "closed";
  }

  /** Resolves once the server has introduced itself; its address plays no part inside a process. */
  async connect(_address: ServerAddress, options: ConnectionOptions): Promise<void> {
    this.#isVerbose = options.debug === true;
    this.#state = "greeting";
    this.#connection = this.#findServer().openInProcess({
      onData: (bytes) => this.#onData(bytes),
      onClose: () => this.#onClose(),
    });
    await this.#greeted.promise;
    try {
      checkOptions(infoOf(this.#frames), options);
    } catch (error) {
      this.discard();
      throw error;
    }
    this.#state = "open";
  }

  async *[Symbol.asyncIterator](): AsyncIterableIterator<Uint8Array> {
    for (;;) {
      const frames = this.#frames;
      this.#frames = [];
      for (const frame of frames) {
        if (this.#isVerbose) console.info(`> ${render(frame)}`);
        yield frame;
      }
      if (this.#frames.length > 0) continue;
      if (this.isClosed) return;
      await this.#arrived.promise;
      this.#arrived = Promise.withResolvers<void>();
    }
  }

  isEncrypted(): boolean {
    return false;
  }

  send(frame: Uint8Array): void {
    if (this.isClosed) return;
    if (this.#isVerbose) console.info(`< ${render(frame)}`);
    this.#connection?.send(frame);
  }

  close(error?: Error): Promise<void> {
    this.#finish(error);
    return Promise.resolve();
  }

  disconnect(): void {
    this.#finish();
  }

  /** Resolves when an open connection has ended. One that never opened says so by its `connect`. */
  closed(): Promise<void | Error> {
    return this.#closed.promise;
  }

  /** Drops the connection without a word to the client. */
  discard(): void {
    this.#state = "closed";
    this.#frames = [];
    this.#connection?.destroy();
    this.#arrived.resolve();
  }

  #onData(bytes: Uint8Array): void {
    if (this.isClosed) return;
    this.#frames.push(bytes);
    this.#arrived.resolve();
    // The server writes its greeting in one piece, and nothing else before the client has spoken.
    this.#greeted.resolve();
  }

  #onClose(): void {
    const reason =
      this.#frames.length === 0 ? "the server is not running" : "the server closed the connection";
    this.#greeted.reject(new errors.ConnectionError(reason));
    // What rejects is known to `connect` alone, which may have been given up.
    this.#greeted.promise.catch(() => {});
    this.#finish();
  }

  #finish(error?: Error): void {
    if (this.#state === "closed") return;
    const wasOpen = this.#state === "open";
    this.#state = "closed";
    if (error !== undefined) this.closeError = error;
    this.#connection?.end();
    this.#arrived.resolve();
    if (wasOpen) this.#closed.resolve(error);
  }
}

/** What `checkOptions` wants to know. */
type Info = Parameters<typeof checkOptions>[0];

/** The INFO that the server begins with; throws when it says something else. */
function infoOf(frames: readonly Uint8Array[]): Info {
  const text = Buffer.concat(frames).toString("utf8");
  const info = /^INFO (.*?)\s*\r\n/.exec(text);
  if (info === null) throw new errors.ConnectionError(`refused by the server: ${text.trim()}`);
  const decoded: Info = JSON.parse(info[1]);
  return decoded;
}
