import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

/** Both ends of a connection that goes through the tap. */
interface Line {
  client: Socket;
  server: Socket;
}

/**
 * Stands between a client and a server and forwards bytes, until told to hold one direction back: a peer that
 * is alive but silent, or that no longer reads. New connections always flow.
 */
export class WireTap {
  readonly port: number;
  readonly #listener: Server;
  readonly #lines: Set<Line>;

  private constructor(port: number, listener: Server, lines: Set<Line>) {
    this.port = port;
    this.#listener = listener;
    this.#lines = lines;
  }

  /** Listens on a random port of 127.0.0.1 and forwards to `serverPort`. */
  static async open(serverPort: number): Promise<WireTap> {
    const lines = new Set<Line>();
    const listener = createServer((client) => {
      const server = connect(serverPort, "127.0.0.1");
      const line = { client, server };
      lines.add(line);
      for (const socket of [client, server]) {
        // Resets are part of what is tested here; the end of one side ends the other.
        socket.on("error", () => {});
        socket.on("close", () => {
          lines.delete(line);
          client.destroy();
          server.destroy();
        });
      }
      client.pipe(server);
      server.pipe(client);
    });
    listener.listen(0, "127.0.0.1");
    await once(listener, "listening");
    return new WireTap((listener.address() as AddressInfo).port, listener, lines);
  }

  /** From now on nothing that the present clients send reaches the server. */
  muteClients(): void {
    for (const line of this.#lines) {
      line.client.unpipe(line.server);
      line.client.resume();
    }
  }

  /** From now on nobody reads what the server sends to the present clients. */
  stopReading(): void {
    for (const line of this.#lines) {
      line.server.unpipe(line.client);
      line.server.pause();
    }
  }

  /** Reads on after {@link stopReading}, up to the end of what the server has sent. */
  readAgain(): void {
    for (const line of this.#lines) line.server.pipe(line.client);
  }

  /** Cuts all lines and stops listening. */
  async close(): Promise<void> {
    const closed = once(this.#listener, "close");
    this.#listener.close();
    for (const line of this.#lines) line.client.destroy();
    await closed;
  }
}
