import type { CaddisServer } from "./caddis-server.ts";
import {
  type InProcessConnection,
  type InProcessHandlers,
  openInProcessConnection,
} from "./in-process-connection.ts";
import { resolveEmbeddedOptions, type ServerOptions } from "./embedded-options.ts";
import type { Server } from "./server.ts";

/** A started server as its embedder sees it. */
export class EmbeddedServer implements CaddisServer {
  readonly #server: Server;
  readonly #hasLogger: boolean;
  /** Kept, since the listener is gone once the server goes down; null without a port. */
  readonly #url: string | null;
  readonly #port: number | null;
  /** As `#url`, for monitoring. */
  readonly #monitoringUrl: string | null;

  constructor(server: Server, hasLogger: boolean) {
    this.#server = server;
    this.#hasLogger = hasLogger;
    this.#url = server.clientUrls.length === 0 ? null : server.clientUrls[0];
    this.#port = server.listeningPort;
    this.#monitoringUrl = server.monitoringUrls.length === 0 ? null : server.monitoringUrls[0];
  }

  get id(): string {
    return this.#server.broker.serverId;
  }

  get name(): string {
    return this.#server.broker.serverName;
  }

  get url(): string {
    if (this.#url === null) throw noPort();
    return this.#url;
  }

  get port(): number {
    if (this.#port === null) throw noPort();
    return this.#port;
  }

  get monitoringUrl(): string {
    if (this.#monitoringUrl === null) throw new Error('this server has no monitoring ("http_port")');
    return this.#monitoringUrl;
  }

  get isRunning(): boolean {
    return this.#server.state === "running";
  }

  get closed(): Promise<void> {
    return this.#server.closed;
  }

  openInProcess(handlers: InProcessHandlers): InProcessConnection {
    return openInProcessConnection(this.#server.connectInProcess(), handlers);
  }

  async reload(options: ServerOptions): Promise<void> {
    return this.#server.reload(resolveEmbeddedOptions(options, this.#hasLogger));
  }

  lameDuck(): Promise<void> {
    return this.#server.lameDuck();
  }

  shutdown(): Promise<void> {
    return this.#server.shutdown();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }
}

function noPort(): Error {
  return new Error('this server opens no port ("dont_listen"); connect from inside the process');
}
