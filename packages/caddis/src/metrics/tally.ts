import type { Client } from "../broker/client.ts";
import { CLOSE_REASONS, type CloseReason } from "../broker/close-reason.ts";
import type { BrokerEvents } from "../broker/events.ts";

/** Why somebody may not be here, or not any more. */
const REFUSALS: readonly CloseReason[] = [
  "authenticationTimeout",
  "authenticationViolation",
  "authenticationExpired",
  "revocation",
  "proxyNotTrusted",
  "proxyRequired",
  "missingAccount",
  "tlsHandshakeError",
  "maxAccountConnectionsExceeded",
];

/**
 * Counts what happens to connections, by reasons that the server itself has named: a few dozen. Each is there from
 * the start, since a rate can't be told of what begins with 1.
 */
export class Tally implements Partial<BrokerEvents> {
  readonly #closed = new Map<CloseReason, number>();
  readonly #slow = new Map([
    ["pending", 0],
    ["write_deadline", 0],
  ]);

  /** Connections that ended, by reason. */
  get closed(): ReadonlyMap<string, number> {
    return this.#countsOf(Object.keys(CLOSE_REASONS).filter(isReason));
  }

  /** Those of them that were turned away or sent away for who they are, or are no more. */
  get refused(): ReadonlyMap<string, number> {
    return this.#countsOf(REFUSALS);
  }

  /** Clients that did not keep up, by the limit that they ran into. */
  get slow(): ReadonlyMap<string, number> {
    return this.#slow;
  }

  onLeave({ closeReason }: Client): void {
    if (closeReason !== null) this.#closed.set(closeReason, (this.#closed.get(closeReason) ?? 0) + 1);
  }

  onSlowConsumer(_client: Client, limit: "pending" | "write deadline"): void {
    const key = limit.replace(" ", "_");
    this.#slow.set(key, (this.#slow.get(key) ?? 0) + 1);
  }

  #countsOf(reasons: readonly CloseReason[]): ReadonlyMap<string, number> {
    return new Map(reasons.map((reason) => [snakeCase(reason), this.#closed.get(reason) ?? 0]));
  }
}

function isReason(name: string): name is CloseReason {
  return Object.hasOwn(CLOSE_REASONS, name);
}

/** `slowConsumerPendingBytes` as labels are spelled: `slow_consumer_pending_bytes`. */
function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
