import {
  type AccountLimits,
  type JetStreamTierLimits,
  NO_ACCOUNT_LIMITS,
  type TraceConfig,
} from "../config/accounts.ts";
import type { Random } from "../io/random.ts";
import type { MatchResult } from "../subject/match-result.ts";
import { Sublist } from "../subject/sublist.ts";
import { AccountImports } from "./account-imports.ts";
import { AccountTraffic } from "./account-traffic.ts";
import type { Broker } from "./broker.ts";
import type { Client } from "./client.ts";
import { deliver } from "./deliver.ts";
import { InternalSubscription, type MessageHandler } from "./internal-subscription.ts";
import { type Message, routedSubject } from "./message.ts";
import { ServiceReplies } from "./service-replies.ts";
import { Subscription } from "./subscription.ts";
import { RepeatedLine } from "./trace.ts";

/** What rewrites the subject of a message on its way in; see `subject/mapping.ts`. */
export interface Mappings {
  /** The subject to use instead, or the same; empty when the message is to be lost. Wire strings. */
  map(subject: string): string;
}

/** The JWT that made an account, as far as monitoring shows it. */
export interface AccountOrigin {
  readonly jwt: string;
  /** The operator's key that signed it. */
  readonly issuer: string;
  readonly tags: readonly string[];
  /** By user's key: tokens issued before this time, Unix seconds, are void. */
  readonly revocations: ReadonlyMap<string, number>;
}

/** An isolated subject space: its interest, its mappings, its limits, and what it shares with others. */
export class Account {
  readonly broker: Broker;
  readonly name: string;
  /** What people call it, in operator mode; empty: nothing else. */
  nameTag = "";
  readonly sublist: Sublist<Subscription>;
  /** Null when nothing is mapped, which costs a publish nothing. */
  mappings: Mappings | null = null;
  limits: AccountLimits = NO_ACCOUNT_LIMITS;
  /** What its JetStream may use, by tier; null: it has none of its own. */
  jetStream: ReadonlyMap<string, JetStreamTierLimits> | null = null;
  /** Which messages are traced that only carry `traceparent`; null: none. */
  trace: TraceConfig | null = null;
  /** What it takes from other accounts. */
  readonly imports: AccountImports;
  /** Answers on their way between it and others. */
  readonly replies: ServiceReplies;
  /** Null where no JWT made it. */
  origin: AccountOrigin | null = null;
  /** When it was made, or made different, wall-clock milliseconds. */
  updatedMs: number;
  /** Its connections, and what went over them. */
  readonly traffic = new AccountTraffic();
  /** How often one of its connections could not keep up. */
  slowConsumerCount = 0;
  /** Hears of every subscription that comes or goes, by its subject; null: nobody wants to know. */
  onInterest: ((subject: string) => void) | null = null;
  /** Said once for all connections of an account together: each of them could repeat it at will. */
  readonly subscriptionLimitLine = new RepeatedLine();

  constructor(broker: Broker, name: string) {
    this.broker = broker;
    this.name = name;
    this.updatedMs = broker.clock.nowMs();
    this.sublist = new Sublist(!broker.options.disable_sublist_cache, secret32(broker.random));
    this.imports = new AccountImports(this);
    this.replies = new ServiceReplies(this);
  }

  /** Connections that are bound to it. */
  get connectionCount(): number {
    return this.traffic.clientCount;
  }

  /** What people call it. */
  get shownName(): string {
    return this.nameTag === "" ? this.name : this.nameTag;
  }

  /** How the log names it. */
  get logName(): string {
    return this.nameTag === "" ? this.name : `${this.name}/${this.nameTag}`;
  }

  /** Whether one more connection may be bound. */
  get hasRoom(): boolean {
    const limit = this.limits.max_connections;
    return limit < 0 || this.connectionCount < limit;
  }

  /** A connection becomes the account's. */
  join(client: Client): void {
    this.traffic.join(client);
    this.broker.events.onConnectionCount(this);
  }

  /** A connection leaves it, or the server. */
  leave(client: Client): void {
    this.traffic.leave(client);
    this.broker.events.onConnectionCount(this);
  }

  /** A subscription of one of its connections, or of the server. */
  subscribe(subscription: Subscription): void {
    this.sublist.insert(subscription);
    this.imports.follow(subscription);
    if (this.onInterest !== null) this.onInterest(subscription.subject);
  }

  unsubscribe(subscription: Subscription): void {
    this.sublist.remove(subscription);
    this.imports.forget(subscription);
    this.replies.onUnsubscribed(subscription.subject);
    if (this.onInterest !== null) this.onInterest(subscription.subject);
  }

  /** Calls `handler` with messages to `subject` until the result is given to `unsubscribe`. Wire strings. */
  listen(subject: string, queue: string, handler: MessageHandler): Subscription {
    const subscription = new Subscription(null, new InternalSubscription(this, handler), subject, queue, "");
    this.subscribe(subscription);
    return subscription;
  }

  /** Where a message to `subject` goes by the account's mappings; empty: it is to be lost. Wire strings. */
  mapped(subject: string): string {
    return this.mappings === null ? subject : this.mappings.map(subject);
  }

  /** Delivers `message` to whoever is interested here; returns how many got it. */
  publish(message: Message): number {
    const count = this.route(message);
    if (count > 0) this.broker.flusher.schedule();
    return count;
  }

  /** As `publish`, from within the delivery of another message: its output is flushed with that one's. */
  route(message: Message): number {
    const receivers = this.sublist.matchApart(routedSubject(message));
    return receivers.isEmpty ? 0 : deliver(message, receivers, this.broker.random);
  }

  /** The account is no more: it neither takes from others nor answers them. */
  end(): void {
    this.imports.end();
    this.replies.end();
  }
}

function secret32(random: Random): number {
  const [a, b, c, d] = random.bytes(4);
  return (a << 24) | (b << 16) | (c << 8) | d;
}

/** Who gets a message, as an account's sublist answers it. */
export type Receivers = MatchResult<Subscription>;
