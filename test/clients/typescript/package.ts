import * as current from "@nats-io/transport-node";
import * as older from "nats";

/** What both packages know of header blocks. */
export interface Headers {
  readonly code: number;
  get(key: string): string;
  append(key: string, value: string): void;
  values(key: string): string[];
  keys(): string[];
}

/** What both packages hand to a subscriber. */
export interface Message {
  readonly subject: string;
  readonly sid: number;
  readonly reply?: string;
  readonly data: Uint8Array;
  readonly headers?: Headers;
  respond(payload?: Uint8Array | string, options?: { headers?: Headers }): boolean;
  string(): string;
}

/** What both packages call a subscription. */
export interface Subscription extends AsyncIterable<Message> {
  unsubscribe(max?: number): void;
  drain(): Promise<void>;
  isClosed(): boolean;
  getReceived(): number;
}

/** Options of a subscription, the same in both packages. */
export interface SubscribeOptions {
  queue?: string;
  max?: number;
  callback?: (error: Error | null, message: Message) => void;
}

/** The part of a connection that the suites use; both packages have it. */
export interface Connection {
  readonly info?: current.ServerInfo | undefined;
  closed(): Promise<unknown>;
  close(): Promise<void>;
  publish(
    subject: string,
    payload?: Uint8Array | string,
    options?: { reply?: string; headers?: Headers },
  ): void;
  subscribe(subject: string, options?: SubscribeOptions): Subscription;
  request(
    subject: string,
    payload?: Uint8Array | string,
    options?: { timeout: number; headers?: Headers; noMux?: boolean; reply?: string },
  ): Promise<Message>;
  requestMany(
    subject: string,
    payload?: Uint8Array | string,
    options?: { strategy: string; maxWait: number; maxMessages?: number; noMux?: boolean },
  ): Promise<AsyncIterable<Message | Error>>;
  flush(): Promise<void>;
  drain(): Promise<void>;
  isClosed(): boolean;
  rtt(): Promise<number>;
  status(): AsyncIterable<{ readonly type: string }>;
}

/** One of the official packages for Node.js, with what differs between them. */
export interface ClientPackage {
  readonly name: string;
  connect(options: current.NodeConnectionOptions): Promise<Connection>;
  headers(): Headers;
  createInbox(): string;
  /** Its name for the strategy of requestMany that ends with an empty answer. */
  readonly untilEmpty: string;
  /** Its name for the event of sending a PING. */
  readonly pingEvent: string;
  /** How its errors read, see {@link errorText}. */
  readonly noResponders: RegExp;
  readonly timeout: RegExp;
  readonly authorization: RegExp;
}

/**
 * The packages under test: the one of today, and the one that many programs still use. Each declares the same
 * shapes with enums and unions of its own, which the shared interfaces here cannot name: hence the casts.
 */
export const PACKAGES: readonly ClientPackage[] = [
  {
    name: "@nats-io/transport-node",
    connect: current.connect as unknown as ClientPackage["connect"],
    headers: current.headers,
    createInbox: current.createInbox,
    untilEmpty: "sentinel",
    pingEvent: "ping",
    noResponders: /NoResponders no responders/,
    timeout: /TimeoutError/,
    authorization: /AuthorizationError.*Authorization Violation/,
  },
  {
    name: "nats",
    connect: older.connect as unknown as ClientPackage["connect"],
    headers: older.headers,
    createInbox: older.createInbox,
    untilEmpty: older.RequestStrategy.SentinelMsg,
    pingEvent: older.DebugEvents.PingTimer,
    noResponders: /NatsError .*\b503\b/,
    timeout: /NatsError .*TIMEOUT/,
    authorization: /NatsError .*AUTHORIZATION_VIOLATION/,
  },
];

/** Name, message and code of an error and of its causes in one line. */
export function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = "code" in error ? ` ${String(error.code)}` : "";
  const cause = error.cause === undefined ? "" : ` <- ${errorText(error.cause)}`;
  return `${error.name} ${error.message}${code}${cause}`;
}
