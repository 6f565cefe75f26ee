import type { ResponseCache } from "../auth/ocsp/response-cache.ts";
import type { Account } from "../broker/account.ts";
import { Broker } from "../broker/broker.ts";
import type { TlsSetup } from "../broker/securing.ts";
import type { BrokerEvents } from "../broker/events.ts";
import { parseAdvertised } from "../config/checks.ts";
import { ConfigError } from "../config/config-error.ts";
import type { Options } from "../config/options.ts";
import type { Clock } from "../io/clock.ts";
import type { Compression } from "../io/compression.ts";
import type { Http } from "../io/http.ts";
import type { Log } from "../io/log.ts";
import type { Listener, Net, UnattachedPipe } from "../io/pipe.ts";
import type { Random } from "../io/random.ts";
import type { SecurityPorts } from "../io/security.ts";
import type { Resources } from "../io/resources.ts";
import type { StoragePort } from "../io/storage.ts";
import type { Surroundings } from "../io/surroundings.ts";
import type { WebsocketNet } from "../io/websocket.ts";
import type { MonitoredServer } from "../monitor/endpoint.ts";
import { inProcessPair } from "../transport/in-process.ts";
import { announceLifecycle } from "../system/events/lifecycle.ts";
import { SystemEvents } from "../system/events/system-events.ts";
import type { RequestedServer } from "../system/requests/requested-server.ts";
import { SystemRequests } from "../system/requests/system-requests.ts";
import { TraceEvents } from "../system/tracing/trace-events.ts";
import type { JetStream } from "../jetstream/jetstream.ts";
import { AcceptErrors } from "./accept-errors.ts";
import type { JetStreamPart } from "./jetstream-part.ts";
import { LameDuck } from "./lame-duck.ts";
import type { Monitoring } from "./monitoring.ts";
import type { RunningPlugin } from "./plugin.ts";
import { AccountsReload } from "./reload-accounts.ts";
import { reviewConnections } from "./reload-clients.ts";
import { diffOptions } from "./reload-diff.ts";
import { type JetStreamHolder, JetStreamReload } from "./reload-jetstream.ts";
import { reloadedLines } from "./reload-lines.ts";
import { abandonAll, finishAll, prepareAll, type ReloadPart } from "./reload-part.ts";
import { SecurityReload } from "./reload-security.ts";
import {
  closeSecurity,
  configuredAuthenticator,
  needsOpening,
  openSecurity,
  type Security,
  type SecurityDeps,
} from "./security.ts";
import type { TransportSecurity } from "./transport-security.ts";
import type { WebsocketPort } from "./websocket-port.ts";

/** The world, as one server sees it. */
export interface ServerPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly net: Net;
  /** For monitoring. */
  readonly http: Http;
  readonly websocket: WebsocketNet;
  readonly resources: Resources;
  /** For explanations; absent: they say less. */
  readonly surroundings?: Surroundings;
  /** For answers in the system account. */
  readonly compression: Compression;
  /** For JetStream; absent: there can't be any. */
  readonly storage?: StoragePort;
  /** Passwords, certificates, account JWTs. */
  readonly security: SecurityPorts;
  /** What INFO and /varz name as the runtime. */
  readonly runtime: string;
  /** What follows the server's options besides itself: the log, say. */
  readonly followers?: readonly ReloadPart[];
}

/**
 * new ─ start ─▶ starting ─▶ running ─ lameDuck ─▶ lame duck ─┐
 *  └────────────────┴───────────┴─────── shutdown ────────────┴─▶ stopping ─▶ stopped
 */
export type ServerState = "new" | "starting" | "running" | "lame duck" | "stopping" | "stopped";

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
  #state: ServerState = "new";
  /** Settles when `start` has opened what it opens, or failed to. */
  #opening: Promise<void> = Promise.resolve();
  #listener: Listener | null = null;
  /** Loaded and made when it is wanted. */
  #websocket: WebsocketPort | null = null;
  /** Loaded and made when it is wanted. */
  #jetStream: JetStreamPart | null = null;
  /** Who guards the port. Before the start files are not read yet, and nobody else is asked. */
  security: Security;
  /** Reloads come one after the other. */
  #lastReload: Promise<void> = Promise.resolve();
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
    return this.#jetStream?.jetStream ?? null;
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
    return this.#listener?.port ?? null;
  }

  /** URLs at which clients reach this server; empty without a port. */
  get clientUrls(): readonly string[] {
    const listener = this.#listener;
    return listener === null
      ? []
      : listener.addresses.map((address) => `nats://${joinHostPort(address, listener.port)}`);
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
    const turn = this.#lastReload.then(() => this.#reload(options, digest));
    this.#lastReload = turn.catch(() => {});
    return turn;
  }

  async #reload(next: Options, digest: string): Promise<void> {
    const { broker } = this;
    this.#assertRunning();
    const current = broker.options;
    const { changed, refused } = diffOptions(current, next, this.listeningPort);
    if (refused.length > 0) throw new ConfigError(refused);
    // What can fail comes first …
    const parts = [
      // Before accounts: what they may have follows from what there is.
      new JetStreamReload(this.#jetStreamHolder()),
      new AccountsReload(broker, this.security.operator !== null),
      new SecurityReload(this, this.#securityDeps()),
      ...(this.#monitoring === null ? [] : [this.#monitoring]),
      ...(this.#websocket === null ? [] : [this.#websocket]),
      ...(this.#ports.followers ?? []),
    ];
    const steps = await prepareAll(parts, current, next);
    if (this.#state !== "running") await abandonAll(steps);
    this.#assertRunning();
    // … and then nothing can come in between.
    for (const line of reloadedLines(current, next, changed)) broker.log.info(line);
    broker.options = next;
    const { authenticator } = broker;
    for (const step of steps) step.commit();
    this.#setAddress();
    this.configLoadMs = this.#ports.clock.nowMs();
    this.configDigest = digest;
    this.#systemRequests.follow();
    const reviewed = reviewConnections(broker, current, broker.authenticator !== authenticator);
    await finishAll(steps);
    await reviewed;
    broker.log.info(`Reloaded server configuration${digest === "" ? "" : ` (${digest})`}`);
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

  #assertRunning(): void {
    const problem = `a server that is ${STATE_TEXTS[this.#state]} can't be given another configuration`;
    if (this.#state !== "running") throw new ConfigError([problem]);
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
    if (this.options.jetstream.enabled && this.#state === "starting") await this.#openJetStream();
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

  /** What was kept is there before anybody can connect. */
  async #openJetStream(): Promise<void> {
    const holder = this.#jetStreamHolder();
    const part = await holder.open(this.options);
    holder.use(part);
    try {
      await part.start();
    } catch (error) {
      throw cantStart(error);
    }
    // Their consumers and sources work before the first of their users comes.
    const { operator } = this.security;
    if (operator === null) return;
    await Promise.all((await part.storedAccounts()).map((name) => operator.account(name)));
  }

  #jetStreamHolder(): JetStreamHolder {
    return {
      part: this.#jetStream,
      open: (options) => this.#makeJetStream(options),
      use: (part) => {
        this.#jetStream = part;
        this.broker.jetStream = part?.jetStream ?? null;
      },
    };
  }

  async #makeJetStream(options: Options): Promise<JetStreamPart> {
    const { storage } = this.#ports;
    try {
      if (storage === undefined) throw new Error("there is nowhere to store anything");
      const { JetStreamPart } = await import("./jetstream-part.ts");
      return await JetStreamPart.open(this.broker, options, storage);
    } catch (error) {
      throw cantStart(error);
    }
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

  #logTls({ allowNonTls, handshakeFirst }: TlsSetup): void {
    const { log } = this.#ports;
    log.info(`TLS ${allowNonTls ? "available" : "required"} for client connections`);
    if (handshakeFirst !== "always") return;
    log.warn('Clients that are not using "TLS Handshake First" option will fail to connect');
  }

  async #startListening(): Promise<void> {
    const { options } = this;
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
    this.#setAddress();
    const { port } = this.#listener;
    log.info(`Listening for client connections on ${joinHostPort(options.host, port)}`);
    if (this.broker.tls !== null) this.#logTls(this.broker.tls);
  }

  /** The address that INFO names. */
  #setAddress(): void {
    const { broker, options } = this;
    const told = advertised(options.client_advertise);
    broker.host = told?.host ?? options.host;
    broker.port = told?.port || (this.listeningPort ?? options.port);
  }

  async #stop(): Promise<void> {
    announceLifecycle(this.broker, "SHUTDOWN");
    // As long as there is somebody to hear it.
    this.#jetStream?.jetStream.endPulls();
    await Promise.all([this.#closeListener(), this.#monitoring?.close(), this.broker.closeClients()]);
    // Nobody sends anything any more; what is stored needs the timers until it is put away.
    await this.#jetStream?.close();
    this.broker.jetStream = null;
    this.broker.timers.clear();
    await Promise.all([closeSecurity(this.security), this.#websocket?.close()]);
    await Promise.all(this.plugins.map((plugin) => plugin.close()));
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
    await Promise.all([listener?.close(), this.#websocket?.closeListener()]);
  }
}

/** Of a server that nobody monitors by HTTP. */
const NO_REQUESTS: ReadonlyMap<string, number> = new Map();

/** As the reference says it. */
const NO_CONFIGURATION = "can only reload config when a file is provided using -c or --config";

/** What a state is called in a text. */
const STATE_TEXTS: Readonly<Record<ServerState, string>> = {
  new: "not started",
  starting: "starting",
  running: "running",
  "lame duck": "in lame duck mode",
  stopping: "shutting down",
  stopped: "shut down",
};

/** The address that clients are told by `client_advertise`; null when none is given. Throws when it is no address. */
function advertised(text: string): { readonly host: string; readonly port: number } | null {
  if (text === "") return null;
  const parsed = parseAdvertised(text);
  if ("problem" in parsed) throw new Error(`client_advertise: ${parsed.problem}`);
  return parsed;
}

function cantStart(error: unknown): Error {
  const reason = error instanceof Error ? error.message : String(error);
  return new Error(`Can't start JetStream: ${reason}`, { cause: error });
}

function joinHostPort(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
