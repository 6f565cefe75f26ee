import type { Broker } from "../../broker/broker.ts";
import type { Client } from "../../broker/client.ts";

/** What can be done to one connection. Gives why it is not done, or null. */
export type ConnectionOrder = (broker: Broker, cid: number) => string | null;

/** Orders of `$SYS.REQ.SERVER.<id>.X`, by their last token. */
export const CONNECTION_ORDERS: ReadonlyMap<string, ConnectionOrder> = new Map([
  ["KICK", kick],
  ["LDM", sendAway],
]);

/** Ends a connection. */
function kick(broker: Broker, cid: number): string | null {
  const client = openClient(broker, cid);
  if (client === null) return "no such client or leafnode id";
  client.close("kicked");
  return null;
}

/** Asks a client to go to another server, as in lame duck mode. */
function sendAway(broker: Broker, cid: number): string | null {
  const client = openClient(broker, cid);
  if (client === null) return "no such client id";
  // Only a client that has had its first PONG, and so the INFO behind it, expects more of them.
  if (!client.connectInfoSent || client.state !== "connected") {
    return "client does not support Lame Duck Mode or is not ready to receive the notification";
  }
  client.sendLameDuckInfo();
  return null;
}

/** Null: there is none, or it is on its way out. */
function openClient(broker: Broker, cid: number): Client | null {
  const client = broker.clients.get(cid);
  return client === undefined || client.state === "closing" || client.state === "closed" ? null : client;
}
