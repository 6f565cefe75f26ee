import type { Account } from "../broker/account.ts";
import { Broker } from "../broker/broker.ts";
import type { BrokerEvents } from "../broker/events.ts";
import { parseAdvertised } from "../config/checks.ts";
import type { Options } from "../config/options.ts";
import type { Clock } from "../io/clock.ts";
import type { Http } from "../io/http.ts";
import type { Log } from "../io/log.ts";
import type { Listener, Net, UnattachedPipe } from "../io/pipe.ts";
import type { Random } from "../io/random.ts";
import type { Resources } from "../io/resources.ts";
import type { MonitoredServer } from "../monitor/endpoints.ts";
import type { Monitor } from "../monitor/monitor.ts";
import { MappingTable } from "../subject/mapping.ts";
import { inProcessPair } from "../transport/in-process.ts";
import { AcceptErrors } from "./accept-errors.ts";
import { LameDuck } from "./lame-duck.ts";

/** The world, as one server sees it. */
export interface ServerPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly net: Net;
  /** For monitoring. */
  readonly http: Http;
  readonly resources: Resources;
  /** What INFO and /varz name as the runtime. */
  readonly runtime: string;
}

/**
 * new ─ start ─▶ starting ─▶ running ─ lameDuck ─▶ lame duck ─┐
 *  └────────────────┴───────────┴─────── shutdown ────────────┴─▶ stopping ─▶ stopped
 */
export type ServerState = "new" | "starting" | "running" | "lame duck" | "stopping" | "stopped";

/** One NATS server. Everything it knows hangs off this object; several in a process never notice each other. */
export class Server implements MonitoredServer {
  readonly options: Options;
  readonly broker: Broker;
  /** Resolves once the server is down, whoever asked for it. */
  readonly closed: Promise<void>;
  /** Wall-clock milliseconds; 0 before `start`. */
  startMs = 0;
  /** When the options were read last, wall-clock milliseconds, and the digest of their file; for monitoring. */
  configLoadMs = 0;
  configDigest = "";

  readonly #ports: ServerPorts;
  readonly #lameDuck: LameDuck;
  readonly #acceptErrors: AcceptErrors;
  readonly #advertised: { readonly host: string; readonly port: number } | null;
  #state: ServerState = "new";
  /** Settles when `start` has opened what it opens, or failed to. */
  #opening: Promise<void> = Promise.resolve();
  #listener: Listener | null = null;
  /** Loaded and made when it is wanted: most embedded servers do without. */
  #monitor: Monitor | null = null;
  #resolveClosed: () => void = () => {};

  constructor(options: Options, ports: ServerPorts, events: BrokerEvents) {
    this.options = options;
    this.#ports = ports;
    this.#advertised = advertised(options.client_advertise);
    const mappings = MappingTable.compile(options.mappings, { random: ports.random, clusterName: "" });
    if (typeof mappings === "string") throw new Error(mappings);
    this.broker = new Broker(options, ports, mappings.size === 0 ? null : mappings, events, ports.runtime);
    this.#lameDuck = new LameDuck(this.broker);
    this.#acceptErrors = new AcceptErrors(ports.log, this.broker.timers);
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
  }

  get state(): ServerState {
    return this.#state;
  }

  /** Whether it is up and takes clients; false as soon as it sends them away. */
  get takesConnections(): boolean {
    return this.#state === "running";
  }

  get resources(): Resources {
    return this.#ports.resources;
  }

  get globalAccount(): Account {
    return this.broker.globalAccount;
  }

  /** The port that clients are listened for on, whatever they are told; null without one. */
  get listeningPort(): number | null {
    return this.#listener?.port ?? null;
  }

  /** URLs at which clients reach this server; empty without a port. */
  get clientUrls(): readonly string[] {
    const listener = this.#listener;
    return listener === null
      ? []
      : listener.addresses.map((address) => `nats://${joinHostPort(address, listener.port)}`);
  }

  /** URLs at which monitoring answers; empty without it. */
  get monitoringUrls(): readonly string[] {
    const bound = this.#monitor?.address ?? null;
    return bound === null
      ? []
      : bound.addresses.map((address) => `http://${joinHostPort(address, bound.port)}`);
  }

  /**
   * Resolves when clients can connect; rejects with the reason why they can't, a `shutdown` in between
   * included. It is down then. `onListening` is called before the log says that the server is ready; if it
   * throws, the server is shut down again.
   */
  async start(onListening: () => void = () => {}): Promise<void> {
    if (this.#state !== "new") throw new Error(`a server starts once; this one is ${this.#state}`);
    this.#state = "starting";
    this.startMs = this.#ports.clock.nowMs();
    this.configLoadMs = this.startMs;
    this.#opening = this.#open();
    try {
      await this.#opening;
    } catch (error) {
      if (this.state === "starting") await this.#stop();
      throw error;
    }
    if (this.state !== "starting") {
      await this.closed;
      throw new Error("the server was shut down while it started");
    }
    this.#state = "running";
    try {
      onListening();
    } catch (error) {
      await this.shutdown();
      throw error;
    }
    this.#ports.log.info("Server is ready");
  }

  /** A connection from inside the process; the other end is the caller's. */
  connectInProcess(): UnattachedPipe {
    const [ours, theirs] = inProcessPair(this.#ports.clock);
    if (this.#state === "running") ours.attach(this.broker.accept(ours, "in-process"));
    else ours.destroy();
    return theirs;
  }

  /**
   * Lame duck mode: takes no new connection, tells clients to go elsewhere, closes those that stay one by
   * one over `lame_duck_duration`, then shuts down. Resolves when the server is down.
   */
  async lameDuck(): Promise<void> {
    if (this.#state !== "running") return this.closed;
    this.#state = "lame duck";
    this.#ports.log.info("Entering lame duck mode, stop accepting new clients");
    await this.#closeListener();
    if (this.state === "lame duck") await this.#lameDuck.run();
    await this.shutdown();
  }

  /** Sends what is queued, closes every connection and stops. Resolves when nothing is left running. */
  async shutdown(): Promise<void> {
    if (this.#state === "stopping" || this.#state === "stopped") return this.closed;
    this.#state = "stopping";
    this.#ports.log.info("Initiating Shutdown...");
    this.#lameDuck.cancel();
    // What is being opened can be closed once it is open. Why it failed is for who called `start`.
    await this.#opening.catch(() => {});
    await this.#stop();
    this.#ports.log.info("Server Exiting..");
  }

  async #open(): Promise<void> {
    // Before everything else, so that one can watch the rest start.
    if (this.options.http_port !== 0) await this.#startMonitoring();
    if (!this.options.dont_listen && this.#state === "starting") await this.#startListening();
  }

  async #startMonitoring(): Promise<void> {
    try {
      const { Monitor } = await import("../monitor/monitor.ts");
      this.#monitor = new Monitor(this);
      const { host, port } = await this.#monitor.start(this.#ports.http);
      this.#ports.log.info(`Starting http monitor on ${joinHostPort(host, port)}`);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`Can't start monitoring: can't listen to the monitor port: ${reason}`, {
        cause: error,
      });
    }
  }

  async #startListening(): Promise<void> {
    const { broker, options } = this;
    const { log, net } = this.#ports;
    try {
      this.#listener = await net.listen(
        options.host,
        Math.max(options.port, 0),
        (pipe) => this.#accept(pipe),
        (error) => this.#acceptErrors.add(error),
      );
    } catch (error) {
      const reason = JSON.stringify(error instanceof Error ? error.message : String(error));
      throw new Error(`Error listening on port: ${options.host}:${options.port}, ${reason}`, {
        cause: error,
      });
    }
    const { port } = this.#listener;
    broker.host = this.#advertised?.host ?? options.host;
    broker.port = this.#advertised?.port || port;
    log.info(`Listening for client connections on ${joinHostPort(options.host, port)}`);
  }

  async #stop(): Promise<void> {
    await Promise.all([this.#closeListener(), this.#monitor?.close(), this.broker.shutdown()]);
    this.#state = "stopped";
    this.#resolveClosed();
  }

  #accept(pipe: UnattachedPipe): void {
    if (this.#state !== "running") pipe.destroy();
    else pipe.attach(this.broker.accept(pipe, "tcp"));
  }

  async #closeListener(): Promise<void> {
    const listener = this.#listener;
    this.#listener = null;
    await listener?.close();
  }
}

/** The address that clients are told by `client_advertise`; null when none is given. Throws when it is no address. */
function advertised(text: string): { readonly host: string; readonly port: number } | null {
  if (text === "") return null;
  const parsed = parseAdvertised(text);
  if ("problem" in parsed) throw new Error(`client_advertise: ${parsed.problem}`);
  return parsed;
}

function joinHostPort(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
