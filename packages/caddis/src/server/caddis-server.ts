/// <reference lib="esnext.disposable" preserve="true" />
import type { ServerOptions } from "./embedded-options.ts";
import type { InProcessConnection, InProcessHandlers } from "./in-process-connection.ts";

/**
 * A running server inside this process. `await using server = await createServer()` shuts it down when the
 * block is left; `shutdown()` does the same by hand.
 */
export interface CaddisServer {
  /** The server's public key, which INFO and monitoring show. */
  readonly id: string;
  /** `server_name`, or the id where that is not set. */
  readonly name: string;
  /** Where clients connect, for instance `nats://127.0.0.1:40123`. Throws for a server that opens no port. */
  readonly url: string;
  /** The port of `url`; with `port: 0` the one that was found free. Throws for a server that opens no port. */
  readonly port: number;
  /** Where monitoring answers, for instance `http://127.0.0.1:8222`. Throws for a server without `http_port`. */
  readonly monitoringUrl: string;
  /** True until lame duck mode or shutdown begins; it does not become true again. */
  readonly isRunning: boolean;
  /** Resolves once the server is down, whoever asked for it. */
  readonly closed: Promise<void>;
  /**
   * Opens a connection from inside the process, without a socket, for bytes of the client protocol.
   * `connectInProcess` of `caddis/in-process` puts the official client on top. A server that is not
   * running closes it at once.
   */
  openInProcess(handlers: InProcessHandlers): InProcessConnection;
  /**
   * Goes on with other options: all of them, as `createServer` takes them, not only those that are new. Live
   * connections have what these say when it resolves: who may no longer be here is gone, others lose what they may
   * no longer do. All or nothing: rejects with a `ConfigError` that lists what is wrong, and what can't change while
   * a server runs; then nothing has changed. Files of certificates are read again. Reloads come one after the other.
   */
  reload(options: ServerOptions): Promise<void>;
  /**
   * Lame duck mode: takes no new connection, tells clients to go elsewhere, closes those that stay one by
   * one over `lame_duck_duration`, then shuts down. Resolves when the server is down.
   */
  lameDuck(): Promise<void>;
  /** Sends what is queued, closes every connection and stops. Resolves when nothing is left running. */
  shutdown(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
