import type { Account } from "./account.ts";
import type { Client } from "./client.ts";
import type { CloseReason } from "./close-reason.ts";

/** What happens to connections. Handlers must not throw, nor deliver messages: this may be the middle of a delivery. */
export interface BrokerEvents {
  /** A client's CONNECT was accepted. */
  onConnect(client: Client): void;
  /** A client that was accepted before is gone; `client.closeReason` says why. */
  onDisconnect(client: Client): void;
  /** A client was turned away, or sent away because it may no longer be here. */
  onAuthError(client: Client, reason: CloseReason): void;
  /** A client can't keep up; it is being closed unless `write_timeout` is `retry`. */
  onSlowConsumer(client: Client, limit: "pending" | "write deadline"): void;
  /** A connection is about to be gone, accepted or not; it still knows its account and its subscriptions. */
  onLeave(client: Client): void;
  /** An account has one connection more, or less. */
  onConnectionCount(account: Account): void;
}

/** Tells several listeners, in the order in which they came. */
export class BrokerEventHub implements BrokerEvents {
  readonly #listeners: Partial<BrokerEvents>[];

  constructor(first: Partial<BrokerEvents>) {
    this.#listeners = [first];
  }

  add(listener: Partial<BrokerEvents>): void {
    this.#listeners.push(listener);
  }

  onConnect(client: Client): void {
    for (const listener of this.#listeners) listener.onConnect?.(client);
  }

  onDisconnect(client: Client): void {
    for (const listener of this.#listeners) listener.onDisconnect?.(client);
  }

  onAuthError(client: Client, reason: CloseReason): void {
    for (const listener of this.#listeners) listener.onAuthError?.(client, reason);
  }

  onSlowConsumer(client: Client, limit: "pending" | "write deadline"): void {
    for (const listener of this.#listeners) listener.onSlowConsumer?.(client, limit);
  }

  onLeave(client: Client): void {
    for (const listener of this.#listeners) listener.onLeave?.(client);
  }

  onConnectionCount(account: Account): void {
    for (const listener of this.#listeners) listener.onConnectionCount?.(account);
  }
}
