import { parseAdvertised } from "../config/checks.ts";
import type { Broker } from "../broker/broker.ts";
import type { TlsSetup } from "../broker/securing.ts";
import type { Options } from "../config/options.ts";
import type { Listener, Net, UnattachedPipe } from "../io/pipe.ts";
import type { Log } from "../io/log.ts";
import type { AcceptErrors } from "./accept-errors.ts";
import { joinHostPort } from "./host-port.ts";

/** What the port takes of its server and its world. */
export interface ClientPortDeps {
  readonly broker: Broker;
  readonly net: Net;
  readonly acceptErrors: AcceptErrors;
  /** Whether clients are taken now. */
  readonly takesConnections: () => boolean;
}

/** The port for clients over TCP. */
export class ClientPort {
  readonly #listener: Listener;

  private constructor(listener: Listener) {
    this.#listener = listener;
  }

  /** Listens; rejects with what is in the way. */
  static async open(options: Options, deps: ClientPortDeps): Promise<ClientPort> {
    const { broker } = deps;
    const port = new ClientPort(await listen(options, deps));
    broker.log.info(`Listening for client connections on ${joinHostPort(options.host, port.port)}`);
    if (broker.tls !== null) logTls(broker.log, broker.tls);
    return port;
  }

  /** The port listened on, whatever clients are told. */
  get port(): number {
    return this.#listener.port;
  }

  /** URLs at which clients reach it. */
  get urls(): readonly string[] {
    const { addresses, port } = this.#listener;
    return addresses.map((address) => `nats://${joinHostPort(address, port)}`);
  }

  /** Takes no more connections; those that are there stay. */
  close(): Promise<void> {
    return this.#listener.close();
  }
}

/**
 * Has INFO name the address that `client_advertise` says, or the one that is listened on. `port`: null where no port
 * is open. Throws when `client_advertise` is no address.
 */
export function announceAddress(broker: Broker, options: Options, port: number | null): void {
  const told = advertised(options.client_advertise);
  broker.host = told?.host ?? options.host;
  broker.port = told?.port || (port ?? options.port);
}

async function listen({ host, port }: Options, deps: ClientPortDeps): Promise<Listener> {
  const { net, acceptErrors } = deps;
  try {
    return await net.listen(
      host,
      Math.max(port, 0),
      (pipe) => accept(pipe, deps),
      (error) => acceptErrors.add(error),
    );
  } catch (error) {
    const reason = JSON.stringify(error instanceof Error ? error.message : String(error));
    throw new Error(`Error listening on port: ${host}:${port}, ${reason}`, { cause: error });
  }
}

function accept(pipe: UnattachedPipe, { broker, takesConnections }: ClientPortDeps): void {
  if (!takesConnections()) pipe.destroy();
  else pipe.attach(broker.accept(pipe, "tcp"));
}

function logTls(log: Log, { allowNonTls, handshakeFirst }: TlsSetup): void {
  log.info(`TLS ${allowNonTls ? "available" : "required"} for client connections`);
  if (handshakeFirst !== "always") return;
  log.warn('Clients that are not using "TLS Handshake First" option will fail to connect');
}

/** The address that clients are told by `client_advertise`; null when none is given. */
function advertised(text: string): { readonly host: string; readonly port: number } | null {
  if (text === "") return null;
  const parsed = parseAdvertised(text);
  if ("problem" in parsed) throw new Error(`client_advertise: ${parsed.problem}`);
  return parsed;
}
