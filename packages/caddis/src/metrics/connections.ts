import { filtered, type Steps } from "../base/steps.ts";
import type { Broker } from "../broker/broker.ts";
import { gauge, type Labels, type NumberFamily } from "./family.ts";

/** Connections that the exporter has listed at a time. */
const CONNZ_LIMIT = 1024;

/** What all open connections are and have together. */
export interface ConnectionSums {
  readonly count: number;
  readonly pendingBytes: number;
  readonly subscriptions: number;
  readonly inBytes: number;
  readonly outBytes: number;
  readonly inMessages: number;
  readonly outMessages: number;
}

/** Adds up, some connections at a time. */
export function* connectionSums(broker: Broker): Steps<ConnectionSums> {
  let pendingBytes = 0;
  let subscriptions = 0;
  let inBytes = 0;
  let outBytes = 0;
  let inMessages = 0;
  let outMessages = 0;
  const open = yield* filtered(broker.clients.values(), (client) => {
    if (client.state === "closing") return false;
    pendingBytes += client.outbound.pendingBytes;
    subscriptions += client.subscriptions.size;
    inBytes += client.inBytes;
    outBytes += client.outbound.payloadBytes;
    inMessages += client.inMessages;
    outMessages += client.outbound.messageCount;
    return true;
  });
  return { count: open.length, pendingBytes, subscriptions, inBytes, outBytes, inMessages, outMessages };
}

/**
 * The exporter's figures about connections. It adds up the first page of them; here the sums are those of all. They go
 * down when a connection ends: for rates there are those of the server.
 */
export function connzFamilies(prefix: string, labels: Labels, sums: ConnectionSums): NumberFamily[] {
  const figures: readonly (readonly [string, string, number])[] = [
    ["num_connections", "Open connections, one page of them at most", Math.min(sums.count, CONNZ_LIMIT)],
    ["total", "Open connections", sums.count],
    ["offset", "Where the page of connections begins", 0],
    ["limit", "Connections on a page", CONNZ_LIMIT],
    ["pending_bytes", "Bytes waiting for the open connections", sums.pendingBytes],
    ["subscriptions", "Subscriptions of the open connections", sums.subscriptions],
    ["in_bytes", "Payload bytes that the open connections have published", sums.inBytes],
    ["out_bytes", "Payload bytes that the open connections have got", sums.outBytes],
    ["in_msgs", "Messages that the open connections have published", sums.inMessages],
    ["out_msgs", "Messages that the open connections have got", sums.outMessages],
  ];
  return figures.map(([name, help, value]) => gauge(`${prefix}_connz_${name}`, help, labels, value));
}
