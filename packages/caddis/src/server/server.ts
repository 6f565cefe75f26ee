import type { Account } from "../broker/account.ts";
import { Broker } from "../broker/broker.ts";
import type { BrokerEvents } from "../broker/events.ts";
import type { Options } from "../config/options.ts";
import type { Clock } from "../io/clock.ts";
import type { Http } from "../io/http.ts";
import type { Log } from "../io/log.ts";
import type { Listener, Net, UnattachedPipe } from "../io/pipe.ts";
import type { Random } from "../io/random.ts";
import type { Resources } from "../io/resources.ts";
import type { MonitoredServer } from "../monitor/endpoints.ts";
import { Monitor } from "../monitor/monitor.ts";
import { MappingTable } from "../subject/mapping.ts";
import { inProcessPair } from "../transport/in-process.ts";
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
 * new ─ start ─▶ running ─ lameDuck ─▶ lame duck ─┐
 *                   └──────── shutdown ───────────┴─▶ stopping ─▶ stopped
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
  readonly #advertised: { readonly host: string; readonly port: number } | null;
  #state: ServerState = "new";
  #listener: Listener | null = null;
  readonly #monitor: Monitor;
  #resolveClosed: () => void = () => {};

  constructor(options: Options, ports: ServerPorts, events: BrokerEvents) {
    this.options = options;
    this.#ports = ports;
    this.#advertised = parseAdvertise(options.client_advertise);
    const mappings = MappingTable.compile(options.mappings, { random: ports.random, clusterName: "" });
    if (typeof mappings === "string") throw new Error(mappings);
    this.broker = new Broker(options, ports, mappings.size === 0 ? null : mappings, events, ports.runtime);
    this.#lameDuck = new LameDuck(this.broker);
    this.#monitor = new Monitor(this);
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

  /** URLs at which clients reach this server; empty without a port. */
  get clientUrls(): readonly string[] {
    const listener = this.#listener;
    return listener === null
      ? []
      : listener.addresses.map((address) => `nats://${joinHostPort(address, listener.port)}`);
  }

  /** URLs at which monitoring answers; empty without it. */
  get monitoringUrls(): readonly string[] {
    const bound = this.#monitor.address;
    return bound === null
      ? []
      : bound.addresses.map((address) => `http://${joinHostPort(address, bound.port)}`);
  }

  /** Resolves when clients can connect; rejects with the reason why they can't. */
  async start(): Promise<void> {
    if (this.#state !== "new") throw new Error(`a server starts once; this one is ${this.#state}`);
    this.#state = "starting";
    const { log } = this.#ports;
    const { broker, options } = this;
    this.startMs = this.#ports.clock.nowMs();
    this.configLoadMs = this.startMs;
    if (options.http_port !== 0) await this.#startMonitoring();
    if (!options.dont_listen) {
      try {
        this.#listener = await this.#ports.net.listen(options.host, Math.max(options.port, 0), (pipe) =>
          this.#accept(pipe),
        );
      } catch (error) {
        await this.#stop();
        throw new Error(
          `Error listening on port: ${options.host}:${options.port}, ${JSON.stringify(error instanceof Error ? error.message : String(error))}`,
          { cause: error },
        );
      }
      broker.host = this.#advertised?.host ?? options.host;
      broker.port = this.#advertised?.port || this.#listener.port;
      log.info(`Listening for client connections on ${joinHostPort(options.host, this.#listener.port)}`);
    }
    this.#state = "running";
    log.info("Server is ready");
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
    await this.#lameDuck.run();
    await this.shutdown();
  }

  /** Sends what is queued, closes every connection and stops. Resolves when nothing is left running. */
  async shutdown(): Promise<void> {
    if (this.#state === "stopping" || this.#state === "stopped") return this.closed;
    this.#state = "stopping";
    this.#ports.log.info("Initiating Shutdown...");
    this.#lameDuck.cancel();
    await this.#stop();
    this.#ports.log.info("Server Exiting..");
  }

  /** Before everything else, so that one can watch the rest start. */
  async #startMonitoring(): Promise<void> {
    try {
      const { host, port } = await this.#monitor.start(this.#ports.http);
      this.#ports.log.info(`Starting http monitor on ${joinHostPort(host, port)}`);
    } catch (error) {
      await this.#stop();
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`Can't start monitoring: can't listen to the monitor port: ${reason}`, {
        cause: error,
      });
    }
  }

  async #stop(): Promise<void> {
    await Promise.all([this.#closeListener(), this.#monitor.close(), this.broker.shutdown()]);
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

/**
 * The address that clients are told by `client_advertise` (`host`, `host:port` or `[IPv6]:port`); port 0
 * stands for the one listened on. Null when none is given. Throws when it is none of these.
 */
function parseAdvertise(text: string): { readonly host: string; readonly port: number } | null {
  if (text === "") return null;
  const parts = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d{1,5}))?$/.exec(text);
  const port = Number(parts?.[3] ?? 0);
  if (parts === null || port > 65_535) throw new Error(`client_advertise is not an address: ${text}`);
  return { host: parts[1] ?? parts[2], port };
}

function joinHostPort(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
