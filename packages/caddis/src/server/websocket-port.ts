import { websocketRules } from "../auth/authentication-rules.ts";
import { ConfiguredAuthenticator } from "../auth/configured-authenticator.ts";
import type { Authenticator } from "../auth/identity.ts";
import { UPGRADE_MS_MAX } from "../base/limits.ts";
import { same } from "../base/same.ts";
import type { Door } from "../broker/arrival.ts";
import type { Options } from "../config/options.ts";
import type { Listener, UnattachedPipe } from "../io/pipe.ts";
import type { TlsSession } from "../io/tls.ts";
import type { Upgrade, WebsocketNet } from "../io/websocket.ts";
import { messageLimits } from "../transport/websocket-framing.ts";
import { reviewUpgrade } from "../transport/websocket-upgrade.ts";
import type { AcceptErrors } from "./accept-errors.ts";
import { joinHostPort } from "./host-port.ts";
import type { OperatorMode } from "./operator-mode.ts";
import type { ReloadPart, ReloadStep } from "./reload-part.ts";
import { policyOf } from "./reload-security.ts";
import { makeAuthenticator, openTransport, type SecurityDeps } from "./security.ts";
import type { TransportSecurity } from "./transport-security.ts";

export interface WebsocketPortDeps {
  readonly security: SecurityDeps;
  /** Null: accounts and users are configured. */
  readonly operator: OperatorMode | null;
  readonly net: WebsocketNet;
  readonly acceptErrors: AcceptErrors;
  /** Whether clients are taken now. */
  readonly takesConnections: () => boolean;
}

/** What a handshake that failed begins with; the log says it in another way here. */
const HANDSHAKE_ERROR = "TLS handshake error: ";
/** Of a peer that went away, as probes of load balancers do. */
const WENT_AWAY = "EOF";

/** The port for clients over WebSocket: who gets in there, TLS, and the listener. A reload follows the files of TLS. */
export class WebsocketPort implements ReloadPart {
  readonly #deps: WebsocketPortDeps;
  readonly #listener: Listener;
  readonly #state: PortState;

  private constructor(deps: WebsocketPortDeps, listener: Listener, state: PortState) {
    this.#deps = deps;
    this.#listener = listener;
    this.#state = state;
  }

  /** Opens it; rejects with what is in the way. */
  static async open(options: Options, deps: WebsocketPortDeps): Promise<WebsocketPort> {
    const { broker } = deps.security;
    const { websocket } = options;
    const authenticator = await openAuthenticator(options, deps);
    const transport = await openTransport(options, deps.security, websocket.tls);
    const state: PortState = { transport, door: doorOf(options, authenticator, 0) };
    let listener: Listener;
    try {
      listener = await listen(options, deps, state);
    } catch (error) {
      await transport?.close();
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`Unable to listen for websocket connections: ${reason}`, { cause: error });
    }
    state.door = doorOf(options, authenticator, listener.port);
    const scheme = transport === null ? "ws" : "wss";
    broker.log.info(
      `Listening for websocket clients on ${scheme}://${joinHostPort(websocket.host, listener.port)}`,
    );
    if (transport === null) broker.log.warn("Websocket not configured with TLS. DO NOT USE IN PRODUCTION!");
    return new WebsocketPort(deps, listener, state);
  }

  /** URLs at which clients reach it. */
  get urls(): readonly string[] {
    const { addresses, port } = this.#listener;
    const scheme = this.#state.transport === null ? "ws" : "wss";
    return addresses.map((address) => `${scheme}://${joinHostPort(address, port)}`);
  }

  /** The port listened on. */
  get port(): number {
    return this.#listener.port;
  }

  /** When the first of the certificates expires, in milliseconds since the Unix epoch; null in the clear. */
  get notAfterMs(): number | null {
    return this.#state.transport?.setup.context.notAfterMs ?? null;
  }

  /** Files of certificates are read again in any case. Nothing else here can change but who gets in. */
  async prepare(current: Options, next: Options): Promise<ReloadStep> {
    const { operator, security } = this.#deps;
    const state = this.#state;
    const isSame = same(policyOf(current), policyOf(next));
    const chosen = isSame ? state.door.authenticator : await openAuthenticator(next, this.#deps);
    const transport = await openTransport(next, security, next.websocket.tls);
    const previous = state.transport;
    return {
      commit: () => {
        // With operators there is one for all, which was made anew before.
        state.door.authenticator = operator === null ? chosen : security.broker.authenticator;
        state.transport = transport;
      },
      finish: async () => previous?.close(),
      abandon: async () => transport?.close(),
    };
  }

  /** Takes no more connections; those that are there stay. */
  closeListener(): Promise<void> {
    return this.#listener.close();
  }

  /** Stops, and lets go of files and timers. */
  async close(): Promise<void> {
    await this.#listener.close();
    await this.#state.transport?.close();
  }
}

/** What connections to come are led by. */
interface PortState {
  /** Null: in the clear. */
  transport: TransportSecurity | null;
  door: Door;
}

function listen(options: Options, deps: WebsocketPortDeps, state: PortState): Promise<Listener> {
  const { broker } = deps.security;
  const { websocket } = options;
  return deps.net.listen(
    {
      host: websocket.host,
      port: Math.max(websocket.port, 0),
      tls: () => state.transport?.setup.context ?? null,
      upgradeMs: websocket.handshake_timeout === 0 ? UPGRADE_MS_MAX : websocket.handshake_timeout,
      headers: websocket.headers,
      limits: () => messageLimits(broker.options.max_payload, broker.options.max_control_line),
    },
    {
      review: (request) => reviewUpgrade(request, websocket),
      onPipe: (pipe, upgrade, tls) => accept(pipe, upgrade, tls, deps, state.door),
      onRefused: (peer, reason) => broker.log.error(`${peer} - websocket handshake error: ${reason}`),
      onHandshakeFailed: (peer, reason) => logHandshake(peer, reason, deps),
      onAcceptError: (error) => deps.acceptErrors.add(error),
    },
  );
}

function accept(
  pipe: UnattachedPipe,
  { cookies, forwardedFor }: Upgrade,
  tls: TlsSession | null,
  { security, takesConnections }: WebsocketPortDeps,
  door: Door,
): void {
  if (!takesConnections()) pipe.destroy();
  else pipe.attach(security.broker.accept(pipe, "websocket", { door, tls, cookies, forwardedFor }));
}

function logHandshake(peer: string, reason: string, { security }: WebsocketPortDeps): void {
  const { log } = security.broker;
  const text = reason.startsWith(HANDSHAKE_ERROR) ? reason.slice(HANDSHAKE_ERROR.length) : reason;
  const line = `websocket: http: ${HANDSHAKE_ERROR.slice(0, -2)} from ${peer}: ${text}`;
  if (text === WENT_AWAY) log.debug(line);
  else log.error(line);
}

async function openAuthenticator(
  options: Options,
  { security, operator }: WebsocketPortDeps,
): Promise<Authenticator> {
  const { broker, ports } = security;
  if (operator !== null) return broker.authenticator;
  const rules = websocketRules(options);
  if (new ConfiguredAuthenticator(rules, ports.hasher).usesBcrypt) await ports.hasher.load();
  return makeAuthenticator(options, broker, ports, null, rules);
}

function doorOf({ websocket }: Options, authenticator: Authenticator, port: number): Door {
  return {
    authenticator,
    authTimeoutMs: websocket.authorization.timeout,
    pingIntervalMs: websocket.ping_interval,
    host: websocket.host,
    port,
    isSecure: websocket.tls !== null,
  };
}
