import { Authorizers } from "../auth/authorizers.ts";
import type { Authenticator } from "../auth/identity.ts";
import { KeyPair } from "../auth/nkey-pair.ts";
import { CurveKeyPair } from "../auth/xkey.ts";
import { REMOVALS_PER_TURN, UPKEEP_INTERVAL_MS } from "../base/limits.ts";
import { Timer, TimerQueue } from "../base/timer-queue.ts";
import { CADDIS_VERSION, CLIENT_PROTOCOL, COMPATIBLE_VERSION } from "../base/version.ts";
import { ConfigError } from "../config/config-error.ts";
import type { Options } from "../config/options.ts";
import type { Clock } from "../io/clock.ts";
import type { Log } from "../io/log.ts";
import type { Pipe } from "../io/pipe.ts";
import type { Random } from "../io/random.ts";
import { infoLine } from "../wire/info.ts";
import type { Subscription } from "./subscription.ts";
import type { Account } from "./account.ts";
import { accountConfigs } from "./account-configs.ts";
import { Accounts } from "./accounts.ts";
import type { Arrival, WebsocketFacts } from "./arrival.ts";
import { BacklogBudget } from "./backlog.ts";
import { Client, type ClientTransport } from "./client.ts";
import { summarize } from "./client-summary.ts";
import { ClosedClients } from "./closed-clients.ts";
import { type BrokerEvents, BrokerEventHub } from "./events.ts";
import { Flusher } from "./flusher.ts";
import type { JetStreamFacts } from "./jetstream-facts.ts";
import { Message } from "./message.ts";
import type { FollowedMessage, MessageTracer, TraceSink } from "./message-tracer.ts";
import type { TlsSetup } from "./securing.ts";
import { SlabPool } from "./slab-pool.ts";
import type { Timing } from "./timing.ts";

/** Level of the JetStream API that the compatible version announces, with or without JetStream. */
const JETSTREAM_API_LEVEL = 5;

/** Secret bytes of a key. */
const SEED_BYTES = 32;

/** What a client signs to prove that it has a key, before base64; as in the reference. */
const NONCE_BYTES = 11;

/** Counts since the start. Messages and bytes of closed connections only: open ones are added when asked. */
export interface Counters {
  connections: number;
  slowConsumers: number;
  staleConnections: number;
  stalls: number;
  inMessages: number;
  inBytes: number;
  outMessages: number;
  outBytes: number;
  /** Messages of the server itself that name it, and carry this number. */
  announcements: number;
  /** Users who were turned away since their account is not among `resolver_pinned_accounts`. */
  pinnedAccountFails: number;
}

/** Everything that the connections of one server share. */
export class Broker {
  /** Others after a reload. */
  options: Options;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly events: BrokerEventHub;
  readonly timers: TimerQueue;
  readonly slabs = new SlabPool();
  readonly flusher = new Flusher();
  /** Null: nobody measures how long things take. */
  timing: Timing | null = null;
  /** Null: nobody collects traces. */
  tracer: MessageTracer | null = null;
  /** The publish at hand, while it is one that `tracer` follows. */
  followed: FollowedMessage | null = null;
  /** Where traces go that messages ask for; null: nowhere. */
  traces: TraceSink | null = null;
  /** The publish at hand; filled anew by each. */
  readonly message = new Message();
  /** Who gets in; another one after a reload. */
  authenticator: Authenticator;
  /** Has a look at who was just let in, since what let it in may have changed while it was asked about. */
  reviewer: ((client: Client) => void) | null = null;
  readonly authorizers = new Authorizers();
  /** Null: connections are in the clear. */
  tls: TlsSetup | null = null;
  /** The port for WebSocket, as monitoring shows it; null: none. */
  websocket: WebsocketFacts | null = null;
  /** Null: there is no JetStream. */
  jetStream: JetStreamFacts | null = null;
  readonly accounts: Accounts;
  /** Open connections by cid. */
  readonly clients = new Map<number, Client>();
  readonly closedClients: ClosedClients;
  readonly counters: Counters = {
    connections: 0,
    slowConsumers: 0,
    staleConnections: 0,
    stalls: 0,
    inMessages: 0,
    inBytes: 0,
    outMessages: 0,
    outBytes: 0,
    announcements: 0,
    pinnedAccountFails: 0,
  };
  /** Memory of input that waits unparsed while its publishers are held back. */
  readonly backlogs = new BacklogBudget();
  readonly serverId: string;
  readonly serverName: string;
  /** Of the server: what it signs can be checked against `serverId`. */
  readonly keys: KeyPair;
  /** For what is sealed for the server. */
  readonly curve: CurveKeyPair;
  /** The runtime, where the reference names its Go version. */
  readonly runtime: string;
  /** Where clients connect, once that is known; the port that INFO names. */
  host: string;
  port: number;
  /** True while no new connection is wanted and the present ones are asked to leave. */
  isLameDuck = false;

  #nextCid = 1;
  /** Of `clients`, those that are closing: they take up no place under `max_connections`. */
  #leavingCount = 0;
  readonly #upkeep = new Timer(() => this.#onUpkeep());
  #onEmpty: (() => void) | null = null;

  constructor(
    options: Options,
    ports: { readonly clock: Clock; readonly random: Random; readonly log: Log },
    authenticator: Authenticator,
    events: Partial<BrokerEvents>,
    runtime: string,
  ) {
    this.options = options;
    this.clock = ports.clock;
    this.random = ports.random;
    this.log = ports.log;
    this.events = new BrokerEventHub(events);
    this.runtime = runtime;
    this.authenticator = authenticator;
    this.timers = new TimerQueue(ports.clock);
    this.accounts = new Accounts(this);
    const problems = this.accounts.apply(accountConfigs(options));
    if (problems.length > 0) throw new ConfigError(problems);
    this.closedClients = new ClosedClients(options.max_closed_clients);
    const secret = ports.random.bytes(SEED_BYTES);
    this.keys = KeyPair.fromSecret("server", secret);
    secret.fill(0);
    const curveSecret = ports.random.bytes(SEED_BYTES);
    this.curve = new CurveKeyPair(curveSecret);
    curveSecret.fill(0);
    this.serverId = this.keys.publicKey;
    this.serverName = options.server_name === "" ? this.serverId : options.server_name;
    this.host = options.host;
    this.port = options.port;
    this.timers.setIn(this.#upkeep, UPKEEP_INTERVAL_MS);
  }

  get globalAccount(): Account {
    return this.accounts.global;
  }

  /** Null with `no_system_account`. */
  get systemAccount(): Account | null {
    return this.accounts.system;
  }

  /** Something new for a client to sign; empty where nobody signs. */
  makeNonce({ needsNonce }: Authenticator): string {
    if (!needsNonce) return "";
    return Buffer.from(this.random.bytes(NONCE_BYTES)).toString("base64url");
  }

  /**
   * Takes a new connection in. One too many is greeted like any other, then told so and closed. `arrival`: of one
   * that came by another listener than the one for clients.
   */
  accept(pipe: Pipe, transport: ClientTransport, arrival: Arrival | null = null): Client {
    const client = new Client(this, this.#nextCid++, pipe, transport, arrival);
    this.counters.connections++;
    this.clients.set(client.cid, client);
    const limit = this.options.max_connections;
    if (limit < 0 || (limit > 0 && this.clients.size - this.#leavingCount > limit)) {
      client.refuse();
    } else {
      client.start();
    }
    this.flusher.schedule();
    return client;
  }

  /** A connection begins to leave: the last moment at which it knows its subscriptions. */
  beforeLeave(client: Client): void {
    this.#leavingCount++;
    this.closedClients.add(summarize(client, true, this.clock.nowMs()));
    this.events.onLeave(client);
    if (client.wasConnected) this.events.onDisconnect(client);
  }

  /**
   * Takes subscriptions of a connection out of its account: a few at once, very many over several turns,
   * so that nobody else waits for it. Nothing is delivered to them meanwhile, since their output is closed.
   */
  removeInterest(account: Account, subscriptions: Iterator<Subscription>): void {
    for (let removed = 0; removed < REMOVALS_PER_TURN; removed++) {
      const { value, done } = subscriptions.next();
      if (done === true) return;
      account.unsubscribe(value);
    }
    this.timers.setIn(new Timer(() => this.removeInterest(account, subscriptions)), 0);
  }

  /** A connection is gone. */
  remove(client: Client): void {
    if (!this.clients.delete(client.cid)) return;
    this.#leavingCount--;
    const { counters } = this;
    counters.inMessages += client.inMessages;
    counters.inBytes += client.inBytes;
    counters.outMessages += client.outbound.messageCount;
    counters.outBytes += client.outbound.payloadBytes;
    if (this.clients.size === 0) this.#onEmpty?.();
  }

  /** Messages and payload bytes in and out, closed and open connections together. */
  traffic(): { inMessages: number; inBytes: number; outMessages: number; outBytes: number } {
    let { inMessages, inBytes, outMessages, outBytes } = this.counters;
    for (const client of this.clients.values()) {
      inMessages += client.inMessages;
      inBytes += client.inBytes;
      outMessages += client.outbound.messageCount;
      outBytes += client.outbound.payloadBytes;
    }
    return { inMessages, inBytes, outMessages, outBytes };
  }

  /** The INFO line for one client; `isConnectInfo` for the one that follows its first PING. */
  infoFor(client: Client, isConnectInfo: boolean, isSentAway = this.isLameDuck): string {
    const { options, tls } = this;
    return infoLine({
      server_id: this.serverId,
      server_name: this.serverName,
      version: COMPATIBLE_VERSION,
      proto: CLIENT_PROTOCOL,
      go: this.runtime,
      host: client.door?.host ?? this.host,
      port: client.door?.port ?? this.port,
      headers: !options.no_header_support,
      // With a `no_auth_user` the second INFO contradicts the first one, as in the reference.
      // So does that of other listeners.
      auth_required:
        (isConnectInfo || client.door !== null
          ? client.authenticator.expectsConnect
          : client.authenticator.isRequired) || undefined,
      tls_required: this.#isTlsRequired(client, isConnectInfo) || undefined,
      tls_verify: tls?.verify || undefined,
      tls_available: this.#offersTls(client) || undefined,
      max_payload: client.parser.maxPayload,
      jetstream: options.jetstream.enabled || undefined,
      client_id: client.cid,
      client_ip: client.pipe.remoteHost === "" ? undefined : client.pipe.remoteHost,
      ldm: isSentAway || undefined,
      nonce: client.nonce === "" || isConnectInfo ? undefined : client.nonce,
      domain: options.jetstream.domain === "" ? undefined : options.jetstream.domain,
      connect_info: isConnectInfo || undefined,
      remote_account: isConnectInfo ? client.account.name : undefined,
      acc_is_sys: (isConnectInfo && client.account === this.systemAccount) || undefined,
      api_lvl: JETSTREAM_API_LEVEL,
      xkey: this.curve.publicKey,
      caddis: CADDIS_VERSION,
    });
  }

  /** Whoever began with TLS was not asked, and as in the reference is told in its first INFO that it had to. */
  #isTlsRequired(client: Client, isConnectInfo: boolean): boolean {
    if (client.door !== null) return client.door.isSecure;
    if (this.tls === null || client.transport !== "tcp") return false;
    return !this.tls.allowNonTls || (client.isTlsFirst && !isConnectInfo);
  }

  #offersTls({ door, transport }: Client): boolean {
    if (door !== null) return door.isSecure;
    return this.tls !== null && (this.tls.allowNonTls || transport !== "tcp");
  }

  /** Resolves once no connection is left. */
  whenEmpty(): Promise<void> {
    if (this.clients.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onEmpty = resolve;
    });
  }

  /** Ends every connection, sending what is queued; resolves once they are gone. */
  async closeClients(): Promise<void> {
    for (const client of this.clients.values()) client.close("serverShutdown");
    await this.whenEmpty();
  }

  /** Ends every connection, and stops all timers of the server once they are gone. */
  async shutdown(): Promise<void> {
    await this.closeClients();
    this.timers.clear();
  }

  #onUpkeep(): void {
    this.slabs.upkeep();
    for (const account of this.accounts) account.sublist.sweep();
    this.timers.setIn(this.#upkeep, UPKEEP_INTERVAL_MS);
  }
}
