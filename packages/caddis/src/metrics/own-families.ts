import { CADDIS_VERSION, COMPATIBLE_VERSION } from "../base/version.ts";
import type { Broker } from "../broker/broker.ts";
import type { Resources } from "../io/resources.ts";
import { interestStats } from "../system/views/interest-stats.ts";
import type { ConnectionSums } from "./connections.ts";
import { countersBy, type Family, gauge, type HistogramFamily, type Labels } from "./family.ts";
import type { Histogram } from "./histogram.ts";
import type { Latencies } from "./latencies.ts";
import type { Tally } from "./tally.ts";

/** What they are taken from. */
export interface OwnFigures {
  readonly broker: Broker;
  readonly resources: Resources;
  readonly sums: ConnectionSums;
  readonly tally: Tally;
  readonly latencies: Latencies;
  readonly labels: Labels;
}

/** What the exporter has no figure of. */
export function ownFamilies(figures: OwnFigures): Family[] {
  return [
    infoFamily(figures),
    ...durationFamilies(figures.latencies, figures.labels),
    ...countFamilies(figures),
    memoryFamily(figures),
    cacheFamily(figures),
    ...certificateFamilies(figures),
  ];
}

function infoFamily({ broker, labels }: OwnFigures): Family {
  const versions = { version: CADDIS_VERSION, compatible: COMPATIBLE_VERSION, runtime: broker.runtime };
  return gauge("caddis_build_info", "Versions; the value is 1", { ...labels, ...versions }, 1);
}

function durationFamilies({ delivery, write, slowWrite, loop }: Latencies, labels: Labels): Family[] {
  const family = (name: string, help: string, histogram: Histogram): HistogramFamily => ({
    type: "histogram",
    name,
    help,
    labels,
    distribution: histogram.snapshot(),
  });
  return [
    family(
      "caddis_publish_to_deliver_seconds",
      "From the arrival of published messages until their deliveries were handed to the system, of one read in 32",
      delivery,
    ),
    family("caddis_write_seconds", "The part of caddis_publish_to_deliver_seconds that writing took", write),
    family(
      "caddis_slow_write_seconds",
      "Writes that the system did not take at once, until it had them",
      slowWrite,
    ),
    family("caddis_event_loop_delay_seconds", "How late the event loop comes to what is due", loop),
  ];
}

function countFamilies({ tally, labels }: OwnFigures): Family[] {
  return [
    countersBy("caddis_connections_closed", "Connections that ended", labels, "reason", tally.closed),
    countersBy(
      "caddis_auth_failures",
      "Clients turned away, or sent away because they may no longer be here",
      labels,
      "reason",
      tally.refused,
    ),
    countersBy("caddis_slow_consumers", "Clients that did not keep up", labels, "limit", tally.slow),
  ];
}

/** What the parts of the server hold. Not all there is: the rest of the process is in the last two. */
function memoryFamily({ broker, resources, sums, labels }: OwnFigures): Family {
  const bytes: readonly (readonly [string, number])[] = [
    ["output_pool", broker.slabs.freeBytes],
    ["output_pending", sums.pendingBytes],
    ["input_backlogs", broker.backlogs.bytes],
    ["heap", resources.heap().usedBytes],
    ["process", resources.residentBytes()],
  ];
  return {
    type: "gauge",
    name: "caddis_memory_bytes",
    help: "Memory by owner: output kept for reuse, output that waits, input that waits, all objects, the whole process",
    samples: bytes.map(([owner, value]) => ({ labels: { ...labels, owner }, value })),
  };
}

function cacheFamily({ broker, labels }: OwnFigures): Family {
  const entries: readonly (readonly [string, number])[] = [
    ["interest", interestStats([...broker.accounts]).num_cache],
    ["permissions", broker.authorizers.size],
    ["closed_connections", broker.closedClients.all().length],
  ];
  return {
    type: "gauge",
    name: "caddis_cache_entries",
    help: "Entries in caches",
    samples: entries.map(([cache, value]) => ({ labels: { ...labels, cache }, value })),
  };
}

function certificateFamilies({ broker, labels }: OwnFigures): Family[] {
  if (broker.tls === null) return [];
  const notAfterS = broker.tls.context.notAfterMs / 1000;
  const help = "When the certificate ends, in seconds since 1970";
  return [gauge("caddis_certificate_not_after_seconds", help, { ...labels, listener: "client" }, notAfterS)];
}
