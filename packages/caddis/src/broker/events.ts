import type { Client } from "./client.ts";

/** What happens to connections, for whoever embeds the server. Handlers must not throw. */
export interface BrokerEvents {
  /** A client's CONNECT was accepted. */
  onConnect(client: Client): void;
  /** A client that was accepted before is gone; `client.closeReason` says why. */
  onDisconnect(client: Client): void;
  /** A client can't keep up; it is being closed unless `write_timeout` is `retry`. */
  onSlowConsumer(client: Client, limit: "pending" | "write deadline"): void;
}
