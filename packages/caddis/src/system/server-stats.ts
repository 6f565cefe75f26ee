import type { Broker } from "../broker/broker.ts";
import type { JetStream } from "../jetstream/jetstream.ts";
import { formatTime } from "./format.ts";
import { jetStreamConfig, jetStreamLimits, jetStreamStats } from "./views/jetstream-stats.ts";
import type { Usage, VarzJetStream } from "./views/varz.ts";

/** Messages and payload bytes. */
interface Amount {
  readonly msgs: number;
  readonly bytes: number;
}

/** Counts by kind of connection; there are clients only. */
interface CountsByKind {
  readonly clients: number;
  readonly routes: 0;
  readonly gateways: 0;
  readonly leafs: 0;
}

/** What a server tells of itself now and then. Fields stand in the reference's order; one that is undefined is left out. */
export interface ServerStats {
  readonly start: string;
  readonly mem: number;
  readonly cores: number;
  readonly cpu: number;
  readonly connections: number;
  readonly total_connections: number;
  readonly active_accounts: number;
  readonly subscriptions: number;
  readonly sent: Amount;
  readonly sent_to_clients: Amount;
  readonly received: Amount;
  readonly received_from_clients: Amount;
  readonly slow_consumers: number;
  readonly slow_consumer_stats: CountsByKind | undefined;
  readonly stale_connections: number | undefined;
  readonly stale_connection_stats: CountsByKind | undefined;
  readonly stalled_clients: number | undefined;
  /** This one and those it knows. */
  readonly active_servers: 1;
  readonly jetstream: VarzJetStream | undefined;
  readonly gomaxprocs: number;
}

/** `startMs`: wall-clock milliseconds. */
export function serverStats(
  broker: Broker,
  usage: Usage,
  startMs: number,
  jetStream: JetStream | null = null,
): ServerStats {
  const { counters } = broker;
  const { inMessages, inBytes, outMessages, outBytes } = broker.traffic();
  const sent = { msgs: outMessages, bytes: outBytes };
  const received = { msgs: inMessages, bytes: inBytes };
  const accounts = [...broker.accounts];
  return {
    start: formatTime(startMs),
    mem: usage.residentBytes,
    cores: usage.coreCount,
    cpu: usage.cpuPercent,
    connections: openCount(broker),
    total_connections: counters.connections,
    active_accounts: accounts.filter(({ connectionCount }) => connectionCount > 0).length,
    subscriptions: accounts.reduce((sum, { sublist }) => sum + sublist.count, 0),
    sent,
    sent_to_clients: sent,
    received,
    received_from_clients: received,
    slow_consumers: counters.slowConsumers,
    slow_consumer_stats: ofClients(counters.slowConsumers),
    stale_connections: counters.staleConnections || undefined,
    stale_connection_stats: ofClients(counters.staleConnections),
    stalled_clients: counters.stalls || undefined,
    active_servers: 1,
    jetstream: jetStream === null ? undefined : jetStreamOf(jetStream),
    gomaxprocs: usage.coreCount,
  };
}

/** Where it stores things is not for everybody who hears. */
function jetStreamOf(jetStream: JetStream): VarzJetStream {
  return {
    config: jetStreamConfig(jetStream, false),
    stats: jetStreamStats(jetStream),
    limits: jetStreamLimits(jetStream),
  };
}

/** Connections that are not on their way out: those count as closed already. */
function openCount(broker: Broker): number {
  let count = 0;
  for (const { state } of broker.clients.values()) if (state !== "closing") count++;
  return count;
}

/** Where there is nothing to tell, nothing is. */
function ofClients(clients: number): CountsByKind | undefined {
  return clients === 0 ? undefined : { clients, routes: 0, gateways: 0, leafs: 0 };
}
