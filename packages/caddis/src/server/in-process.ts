import type { ConnectionOptions, NatsConnection } from "@nats-io/nats-core";
import { deferred, errors, NatsConnectionImpl, ProtocolHandler } from "@nats-io/nats-core/internal";
import type { CaddisServer } from "./caddis-server.ts";
import { InProcessTransport } from "./in-process-transport.ts";

/** Options of the official client that mean something without a network. */
export type InProcessOptions = Omit<
  ConnectionOptions,
  "servers" | "port" | "tls" | "resolve" | "noRandomize" | "ignoreClusterUpdates" | "reconnectToServer"
>;

/** What the client shows as its server's address; nobody looks it up. */
const ADDRESS = "in-process";

/**
 * Connects the official client to a server in this process, without a socket. The result is a
 * `NatsConnection` like any other; it reconnects like any other as long as the server runs, and closes
 * when it is down. Give a function instead of the server to reconnect to whatever server it returns then.
 *
 * `@nats-io/nats-core` knows one kind of transport per process, chosen by the latest `connect`. Here each
 * connection has its own, and those of other kinds are not disturbed.
 */
export async function connectInProcess(
  server: CaddisServer | (() => CaddisServer),
  options: InProcessOptions = {},
): Promise<NatsConnection> {
  const connection = newConnection({
    ...options,
    servers: [ADDRESS],
    resolve: false,
    ignoreClusterUpdates: true,
  });
  const protocol = new ProtocolHandler(connection.options, connection);
  useTransport(protocol, typeof server === "function" ? { find: server } : { only: server });
  await protocol.dialLoop();
  connection.protocol = protocol;
  // The client's own types say so too, where optional properties may be undefined.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return connection as NatsConnection;
}

/** A server for good, or one that is looked up for each attempt to connect. */
type Target = { readonly only: CaddisServer } | { readonly find: () => CaddisServer };

/** The client's constructor is private to it, since its own `connect` is the only other user. */
function newConnection(options: ConnectionOptions): NatsConnectionImpl {
  const connection: unknown = Reflect.construct(NatsConnectionImpl, [options]);
  if (!(connection instanceof NatsConnectionImpl)) throw unfit();
  return connection;
}

/**
 * Replaces the one step of a connection's dialling that asks for the process-wide transport. It does what
 * that step does: drops the last transport, forgets what was queued for it, and waits for the PONG that
 * answers CONNECT.
 */
function useTransport(protocol: ProtocolHandler, target: Target): void {
  if (typeof Reflect.get(protocol, "prepare") !== "function") throw unfit();
  const findServer = "find" in target ? target.find : () => target.only;
  const prepare = (): Promise<void> => {
    // Absent before the first time, whatever its type says.
    const last: InProcessTransport | undefined = transportOf(protocol);
    last?.discard();
    delete protocol.info;
    protocol.resetOutbound();
    const pong = deferred<void>();
    // It may reject before anybody waits for it.
    pong.catch(() => {});
    protocol.pongs.unshift(pong);
    protocol.connectError = (error) => pong.reject(error);
    const transport = new InProcessTransport(findServer);
    protocol.transport = transport;
    void transport.closed().then(async () => {
      protocol.connected = false;
      if (protocol.isClosed()) return;
      // While it still dials, the attempt has failed, and the loop that made it knows what comes next.
      if (protocol.connectError !== undefined) {
        protocol.connectError(
          transport.closeError ?? protocol.lastError ?? new errors.ConnectionError("closed"),
        );
        return;
      }
      if ("only" in target && !target.only.isRunning) protocol.abortReconnect = true;
      await protocol.disconnected(transport.closeError ?? protocol.lastError);
    });
    return pong;
  };
  Object.defineProperty(protocol, "prepare", { value: prepare });
}

function transportOf(protocol: ProtocolHandler): InProcessTransport | undefined {
  return protocol.transport instanceof InProcessTransport ? protocol.transport : undefined;
}

function unfit(): Error {
  return new Error(
    "this version of @nats-io/nats-core is not one that Caddis knows how to connect in-process (3.4)",
  );
}
