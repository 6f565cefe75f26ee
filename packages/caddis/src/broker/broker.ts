import { type Credentials } from "../auth/authenticator.ts";
import { publicNkey } from "../auth/nkey.ts";
import { REMOVALS_PER_TURN, UPKEEP_INTERVAL_MS } from "../base/limits.ts";
import { Timer, TimerQueue } from "../base/timer-queue.ts";
import { CADDIS_VERSION, CLIENT_PROTOCOL, COMPATIBLE_VERSION } from "../base/version.ts";
import type { Options } from "../config/options.ts";
import type { Clock } from "../io/clock.ts";
import type { Log } from "../io/log.ts";
import type { Pipe } from "../io/pipe.ts";
import type { Random } from "../io/random.ts";
import { infoLine } from "../wire/info.ts";
import type { Subscription } from "./subscription.ts";
import { Account, type Mappings } from "./account.ts";
import { BacklogBudget } from "./backlog.ts";
import { Client, type ClientTransport } from "./client.ts";
import { summarize } from "./client-summary.ts";
import { ClosedClients } from "./closed-clients.ts";
import type { BrokerEvents } from "./events.ts";
import { Flusher } from "./flusher.ts";
import { Message } from "./message.ts";
import { SlabPool } from "./slab-pool.ts";

/** The names of the accounts that exist without being configured. */
export const GLOBAL_ACCOUNT = "$G";
const SYSTEM_ACCOUNT = "$SYS";

/** Level of the JetStream API that the compatible version announces, with or without JetStream. */
const JETSTREAM_API_LEVEL = 5;

/** Secret bytes of a key. */
const SEED_BYTES = 32;

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
}

/** Everything that the connections of one server share. */
export class Broker {
  readonly options: Options;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly events: BrokerEvents;
  readonly timers: TimerQueue;
  readonly slabs = new SlabPool();
  readonly flusher = new Flusher();
  /** The publish at hand; filled anew by each. */
  readonly message = new Message();
  readonly credentials: Credentials;
  readonly globalAccount: Account;
  /** Null with `no_system_account`. */
  readonly systemAccount: Account | null;
  readonly accounts: ReadonlyMap<string, Account>;
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
  };
  /** Memory of input that waits unparsed while its publishers are held back. */
  readonly backlogs = new BacklogBudget();
  readonly serverId: string;
  readonly serverName: string;
  readonly xkey: string;
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
    mappings: Mappings | null,
    events: BrokerEvents,
    runtime: string,
  ) {
    this.options = options;
    this.clock = ports.clock;
    this.random = ports.random;
    this.log = ports.log;
    this.events = events;
    this.runtime = runtime;
    this.timers = new TimerQueue(ports.clock);
    const { user, password, token } = options.authorization;
    this.credentials =
      token !== ""
        ? { kind: "token", token }
        : user !== ""
          ? { kind: "user", user, password }
          : { kind: "none" };
    this.globalAccount = new Account(
      GLOBAL_ACCOUNT,
      !options.disable_sublist_cache,
      secret32(ports.random),
      mappings,
    );
    this.systemAccount = options.no_system_account
      ? null
      : new Account(SYSTEM_ACCOUNT, !options.disable_sublist_cache, secret32(ports.random), null);
    const accounts = [this.globalAccount, this.systemAccount].filter((account) => account !== null);
    this.accounts = new Map(accounts.map((account) => [account.name, account]));
    this.closedClients = new ClosedClients(options.max_closed_clients);
    this.serverId = publicNkey("server", ports.random.bytes(SEED_BYTES));
    this.xkey = publicNkey("curve", ports.random.bytes(SEED_BYTES));
    this.serverName = options.server_name === "" ? this.serverId : options.server_name;
    this.host = options.host;
    this.port = options.port;
    this.timers.setIn(this.#upkeep, UPKEEP_INTERVAL_MS);
  }

  get authRequired(): boolean {
    return this.credentials.kind !== "none";
  }

  /** Takes a new connection in. One too many is greeted like any other, then told so and closed. */
  accept(pipe: Pipe, transport: ClientTransport): Client {
    const client = new Client(this, this.#nextCid++, pipe, transport);
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
      account.sublist.remove(value);
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
  infoFor(client: Client, isConnectInfo: boolean): string {
    const { options } = this;
    return infoLine({
      server_id: this.serverId,
      server_name: this.serverName,
      version: COMPATIBLE_VERSION,
      proto: CLIENT_PROTOCOL,
      go: this.runtime,
      host: this.host,
      port: this.port,
      headers: !options.no_header_support,
      auth_required: this.authRequired || undefined,
      max_payload: options.max_payload,
      client_id: client.cid,
      client_ip: client.pipe.remoteHost === "" ? undefined : client.pipe.remoteHost,
      ldm: this.isLameDuck || undefined,
      connect_info: isConnectInfo || undefined,
      remote_account: isConnectInfo ? client.account.name : undefined,
      acc_is_sys: (isConnectInfo && client.account === this.systemAccount) || undefined,
      api_lvl: JETSTREAM_API_LEVEL,
      xkey: this.xkey,
      caddis: CADDIS_VERSION,
    });
  }

  /** Resolves once no connection is left. */
  whenEmpty(): Promise<void> {
    if (this.clients.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onEmpty = resolve;
    });
  }

  /** Ends every connection, sending what is queued, and stops all timers of the server once they are gone. */
  async shutdown(): Promise<void> {
    for (const client of this.clients.values()) client.close("serverShutdown");
    await this.whenEmpty();
    this.timers.clear();
  }

  #onUpkeep(): void {
    this.slabs.upkeep();
    for (const account of this.accounts.values()) account.sublist.sweep();
    this.timers.setIn(this.#upkeep, UPKEEP_INTERVAL_MS);
  }
}

function secret32(random: Random): number {
  const [a, b, c, d] = random.bytes(4);
  return (a << 24) | (b << 16) | (c << 8) | d;
}
