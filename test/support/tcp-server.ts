import type { TestContext } from "node:test";
import type { Broker } from "../../packages/caddis/src/broker/broker.ts";
import { resolveOptions } from "../../packages/caddis/src/config/load.ts";
import type { OptionsInput } from "../../packages/caddis/src/config/options.ts";
import { SILENT_LOG } from "../../packages/caddis/src/io/log.ts";
import type { ReadMode } from "../../packages/caddis/src/io/node/tcp.ts";
import { nodePorts } from "../../packages/caddis/src/server/node-ports.ts";
import { Server } from "../../packages/caddis/src/server/server.ts";
import { RawClient } from "./raw-client.ts";

/** How a client introduces itself that wants no answer to each operation and knows the token `t`. */
export const HELLO =
  'CONNECT {"verbose":false,"pedantic":false,"headers":true,"no_responders":true,"auth_token":"t"}\r\n';

/** Subscriptions of connections in the global account; the server itself has some too. */
export function interestOf({ globalAccount }: Broker): number {
  let count = 0;
  globalAccount.sublist.forEach(({ client }) => {
    if (client !== null) count++;
  });
  return count;
}

/** A server of this process on a real port, whose inside a test may look at. */
export class TcpServer {
  readonly server: Server;
  readonly port: number;
  /** What is to be done before the server goes down at the end of the test. */
  readonly beforeEnd: (() => void)[] = [];

  private constructor(server: Server, port: number) {
    this.server = server;
    this.port = port;
  }

  /** Starts a server on a random port of 127.0.0.1; it goes with the test, and so do its clients. */
  static async start(t: TestContext, readMode: ReadMode, options: OptionsInput = {}): Promise<TcpServer> {
    const server = new Server(
      resolveOptions({ host: "127.0.0.1", port: 0, ...options }),
      { ...nodePorts(SILENT_LOG, { readMode }), runtime: "test" },
      { onConnect: () => {}, onDisconnect: () => {}, onAuthError: () => {}, onSlowConsumer: () => {} },
    );
    await server.start();
    const started = new TcpServer(server, server.broker.port);
    t.after(async () => {
      for (const end of started.beforeEnd) end();
      await server.shutdown();
    });
    return started;
  }

  get broker(): Broker {
    return this.server.broker;
  }

  /** A raw connection; what it is greeted with stays in its lines. */
  async open(): Promise<RawClient> {
    const client = await RawClient.connect(this.port);
    this.beforeEnd.push(() => client.drop());
    return client;
  }

  /** A connection whose CONNECT was accepted; its lines are empty. */
  async connect(): Promise<RawClient> {
    const client = await this.open();
    client.send(HELLO);
    if (!(await client.barrier())) throw new Error("the server hung up on a CONNECT");
    client.lines.length = 0;
    return client;
  }

  /** Bytes held for peers that do not take, or do not complete, what belongs to them. */
  heldBytes(): { readonly pending: number; readonly tails: number } {
    let pending = 0;
    let tails = 0;
    for (const client of this.broker.clients.values()) {
      pending += client.outbound.pendingBytes;
      tails += client.parser.tailBytes;
    }
    return { pending, tails };
  }
}
