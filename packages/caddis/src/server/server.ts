import type { ResponseCache } from "../auth/ocsp/response-cache.ts";
import type { Account } from "../broker/account.ts";
import { Broker } from "../broker/broker.ts";
import type { BrokerEvents } from "../broker/events.ts";
import { ConfigError } from "../config/config-error.ts";
import type { Options } from "../config/options.ts";
import type { Compression } from "../io/compression.ts";
import type { UnattachedPipe } from "../io/pipe.ts";
import type { Resources } from "../io/resources.ts";
import type { Surroundings } from "../io/surroundings.ts";
import type { MonitoredServer } from "../monitor/endpoint.ts";
import { inProcessPair } from "../transport/in-process.ts";
import { announceLifecycle } from "../system/events/lifecycle.ts";
import { SystemEvents } from "../system/events/system-events.ts";
import type { RequestedServer } from "../system/requests/requested-server.ts";
import { SystemRequests } from "../system/requests/system-requests.ts";
import { TraceEvents } from "../system/tracing/trace-events.ts";
import type { JetStream } from "../jetstream/jetstream.ts";
import { AcceptErrors } from "./accept-errors.ts";
import { announceAddress, ClientPort } from "./client-port.ts";
import { joinHostPort } from "./host-port.ts";
import { JetStreamHolder } from "./jetstream-holder.ts";
import { LameDuck } from "./lame-duck.ts";
import type { Monitoring } from "./monitoring.ts";
import type { RunningPlugin } from "./plugin.ts";
import { Reloads } from "./reload.ts";
import { AccountsReload } from "./reload-accounts.ts";
import { JetStreamReload } from "./reload-jetstream.ts";
import type { ReloadPart } from "./reload-part.ts";
import { SecurityReload } from "./reload-security.ts";
import {
  closeSecurity,
  configuredAuthenticator,
  needsOpening,
  openSecurity,
  type Security,
  type SecurityDeps,
} from "./security.ts";
import type { ServerPorts } from "./server-ports.ts";
import type { ServerState } from "./server-state.ts";
import type { TransportSecurity } from "./transport-security.ts";
import type { WebsocketPort } from "./websocket-port.ts";

/** One NATS server. Everything it knows hangs off this object; several in a process never notice each other. */
export class Server implements MonitoredServer, RequestedServer {
  readonly broker: Broker;
  /** Resolves once the server is down, whoever asked for it. */
  readonly closed: Promise<void>;
  /** Wall-clock milliseconds; 0 before `start`. */
  startMs = 0;
  /** When the options were read last, wall-clock milliseconds, and the digest of their file; for monitoring. */
  configLoadMs = 0;
  configDigest = "";
  /**
   * Reads the configuration again and goes on with it, when the system account asks for that; null: there is none to
   * read. Rejects with why all stays as it is.
   */
  reread: (() => Promise<void>) | null = null;

  /** What goes down with it, when nothing else is left. */
  readonly plugins: RunningPlugin[] = [];

  readonly #ports: ServerPorts;
  readonly #lameDuck: LameDuck;
  readonly #acceptErrors: AcceptErrors;
  readonly #systemEvents: SystemEvents;
  readonly #systemRequests: SystemRequests;
  readonly #jetStream: JetStreamHolder;
  readonly #reloads: Reloads;
  #state: ServerState = "new";
  /** Settles when `start` has opened what it opens, or failed to. */
  #opening: Promise<void> = Promise.resolve();
  /** Null while it does not listen. */
  #clientPort: ClientPort | null = null;
  /** Loaded and made when it is wanted. */
  #websocket: WebsocketPort | null = null;
  /** Who guards the port. Before the start files are not read yet, and nobody else is asked. */
  security: Security;
  /** Loaded and made when it is wanted: most embedded servers do without. */
  #monitoring: Monitoring | null = null;
  #resolveClosed: () => void = () => {};

  constructor(options: Options, ports: ServerPorts, events: Partial<BrokerEvents>) {
    this.#ports = ports;
    const authenticator = configuredAuthenticator(options, ports.security);
    this.broker = new Broker(options, ports, authenticator, events, ports.runtime);
    this.security = { authenticator, transport: null, operator: null };
    this.#systemEvents = new SystemEvents(this.broker);
    this.broker.events.add(this.#systemEvents);
    this.broker.traces = new TraceEvents(this.broker, ports.compression);
    this.#systemRequests = new SystemRequests(this, this.#systemEvents);
    this.#jetStream = new JetStreamHolder(this.broker, ports.storage ?? null);
    this.#reloads = this.#makeReloads();
    this.#lameDuck = new LameDuck(this.broker);
    this.#acceptErrors = new AcceptErrors(ports.log, this.broker.timers);
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
  }

  /** Those of the last reload. */
  get options(): Options {
    return this.broker.options;
  }

  get state(): ServerState {
    return this.#state;
  }

  /** Whether it is up and takes clients; false as soon as it sends them away. */
  get takesConnections(): boolean {
    return this.#state === "running";
  }

  /** Whether it has been up, for however short a time. */
  get hasStarted(): boolean {
    return this.#state !== "new" && this.#state !== "starting";
  }

  /** What is known about clients' certificates; null where nobody asks. */
  get ocspCache(): ResponseCache | null {
    return this.security.transport?.cache ?? null;
  }

  /** Null without it. */
  get jetStream(): JetStream | null {
    return this.#jetStream.jetStream;
  }

  get resources(): Resources {
    return this.#ports.resources;
  }

  get surroundings(): Surroundings | null {
    return this.#ports.surroundings ?? null;
  }

  get compression(): Compression {
    return this.#ports.compression;
  }

  get httpRequests(): ReadonlyMap<string, number> {
    return this.#monitoring?.requests ?? NO_REQUESTS;
  }

  get globalAccount(): Account {
    return this.broker.globalAccount;
  }

  /** The port that clients are listened for on, whatever they are told; null without one. */
  get listeningPort(): number | null {
    return this.#clientPort?.port ?? null;
  }

  /** URLs at which clients reach this server; empty without a port. */
  get clientUrls(): readonly string[] {
    return this.#clientPort?.urls ?? [];
  }

  /** URLs at which clients reach this server over WebSocket; empty without it. */
  get websocketUrls(): readonly string[] {
    return this.#websocket?.urls ?? [];
  }

  /** URLs at which monitoring answers; empty without it. */
  get monitoringUrls(): readonly string[] {
    const { address: bound = null, scheme } = this.#monitoring ?? {};
    return bound === null
      ? []
      : bound.addresses.map((address) => `${scheme}://${joinHostPort(address, bound.port)}`);
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

  /**
   * Goes on with other options; live connections have what these say when it resolves. All or nothing: rejects
   * with a `ConfigError` that lists what is in the way, and nothing has changed. `digest`: of the file they are from.
   */
  reload(options: Options, digest = ""): Promise<void> {
    return this.#reloads.run(options, digest);
  }

  #makeReloads(): Reloads {
    return new Reloads({
      broker: this.broker,
      state: () => this.#state,
      listeningPort: () => this.listeningPort,
      parts: () => this.#reloadParts(),
      onCommitted: (digest) => this.#onReloaded(digest),
    });
  }

  #reloadParts(): readonly ReloadPart[] {
    return [
      // Before accounts: what they may have follows from what there is.
      new JetStreamReload(this.#jetStream),
      new AccountsReload(this.broker, this.security.operator !== null),
      new SecurityReload(this, this.#securityDeps()),
      ...(this.#monitoring === null ? [] : [this.#monitoring]),
      ...(this.#websocket === null ? [] : [this.#websocket]),
      ...(this.#ports.followers ?? []),
    ];
  }

  #onReloaded(digest: string): void {
    announceAddress(this.broker, this.options, this.listeningPort);
    this.configLoadMs = this.#ports.clock.nowMs();
    this.configDigest = digest;
    this.#systemRequests.follow();
  }

  /** For the system account: why that was not possible, or null. */
  async reloadConfiguration(): Promise<string | null> {
    if (this.reread === null) return NO_CONFIGURATION;
    try {
      await this.reread();
      return null;
    } catch (error) {
      const reason = error instanceof ConfigError ? error.problems.join("; ") : String(error);
      this.#ports.log.error(`Failed to reload server configuration: ${reason}`);
      return reason;
    }
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
    announceLifecycle(this.broker, "LAMEDUCK");
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
    const { http_port, https_port } = this.options;
    if (http_port !== 0 || https_port !== 0) await this.#startMonitoring();
    // Most servers embedded for tests have nothing to open, and start at once.
    if (this.#state === "starting" && needsOpening(this.options)) await this.#openSecurity();
    if (this.options.websocket.port !== 0 && this.#state === "starting") await this.#openWebsocket();
    if (this.#state === "starting") this.#systemRequests.start();
    if (this.options.jetstream.enabled && this.#state === "starting") {
      // What was kept is there before anybody can connect.
      await this.#jetStream.start(this.options, this.security.operator);
    }
    if (!this.options.dont_listen && this.#state === "starting") await this.#startListening();
  }

  async #openWebsocket(): Promise<void> {
    const { WebsocketPort } = await import("./websocket-port.ts");
    this.#websocket = await WebsocketPort.open(this.options, {
      security: this.#securityDeps(),
      operator: this.security.operator,
      net: this.#ports.websocket,
      acceptErrors: this.#acceptErrors,
      takesConnections: () => this.takesConnections,
    });
    this.broker.websocket = this.#websocket;
  }

  /** Before anybody can connect. */
  async #openSecurity(): Promise<void> {
    const { broker, options } = this;
    this.security = await openSecurity(options, this.#securityDeps());
    broker.authenticator = this.security.authenticator;
    broker.tls = this.security.transport?.setup ?? null;
    await this.security.operator?.start(options);
  }

  #securityDeps(): SecurityDeps {
    const { broker } = this;
    const onFatal = (reason: string): void => this.#onFatal(reason);
    return { broker, ports: this.#ports.security, events: this.#systemEvents, onFatal };
  }

  /** Going on would be worse than to stop. */
  #onFatal(reason: string): void {
    this.#ports.log.fatal(reason);
    void this.shutdown();
  }

  async #startMonitoring(): Promise<void> {
    try {
      const { Monitoring } = await import("./monitoring.ts");
      const { http, security, log } = this.#ports;
      const transport = (): TransportSecurity | null => this.security.transport;
      this.#monitoring = new Monitoring({ server: this, http, security, transport });
      const { host, port } = await this.#monitoring.start();
      log.info(`Starting ${this.#monitoring.scheme} monitor on ${joinHostPort(host, port)}`);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`Can't start monitoring: ${reason}`, { cause: error });
    }
  }

  async #startListening(): Promise<void> {
    this.#clientPort = await ClientPort.open(this.options, {
      broker: this.broker,
      net: this.#ports.net,
      acceptErrors: this.#acceptErrors,
      takesConnections: () => this.takesConnections,
    });
    announceAddress(this.broker, this.options, this.listeningPort);
  }

  async #stop(): Promise<void> {
    announceLifecycle(this.broker, "SHUTDOWN");
    // As long as there is somebody to hear it.
    this.jetStream?.endPulls();
    await Promise.all([this.#closeListener(), this.#monitoring?.close(), this.broker.closeClients()]);
    // Nobody sends anything any more; what is stored needs the timers until it is put away.
    await this.#jetStream.close();
    this.broker.timers.clear();
    await Promise.all([closeSecurity(this.security), this.#websocket?.close()]);
    await Promise.all(this.plugins.map((plugin) => plugin.close()));
    this.#state = "stopped";
    this.#resolveClosed();
  }

  async #closeListener(): Promise<void> {
    const clientPort = this.#clientPort;
    this.#clientPort = null;
    await Promise.all([clientPort?.close(), this.#websocket?.closeListener()]);
  }
}

/** Of a server that nobody monitors by HTTP. */
const NO_REQUESTS: ReadonlyMap<string, number> = new Map();

/** As the reference says it. */
const NO_CONFIGURATION = "can only reload config when a file is provided using -c or --config";
