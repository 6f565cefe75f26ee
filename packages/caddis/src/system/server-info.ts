import { COMPATIBLE_VERSION } from "../base/version.ts";
import type { Broker } from "../broker/broker.ts";
import type { Options } from "../config/options.ts";
import { formatTime } from "./format.ts";

/** Switches of JetStream as they stand without configuration: the reference shows them with and without JetStream. */
const FEATURE_FLAGS: Readonly<Record<string, boolean>> = {
  js_ack_fc_v2: false,
  js_api_reply_v2: false,
  js_raft_delete_range: true,
  js_snapshot_sources: false,
};

/** As they stand with what is configured; those that nobody knows are left out. */
export function featureFlags({ feature_flags: given }: Options): Readonly<Record<string, boolean>> {
  const known = Object.entries(FEATURE_FLAGS);
  return Object.fromEntries(
    known.map(([name, value]) => [name, Object.hasOwn(given, name) ? given[name] : value]),
  );
}

/** There is JetStream, and what follows from it; as in the reference. */
const JETSTREAM_FLAGS = 7;

/** The `server` block of events and answers. Fields stand in the reference's order; one that is undefined is left out. */
export interface ServerInfo {
  readonly name: string;
  readonly host: string;
  readonly id: string;
  readonly domain: string | undefined;
  readonly ver: string;
  readonly tags: readonly string[] | undefined;
  readonly metadata: Readonly<Record<string, string>> | undefined;
  readonly feature_flags: Readonly<Record<string, boolean>>;
  readonly jetstream: boolean;
  /** Bits for what JetStream can do. */
  readonly flags: number;
  /** Counts what the server sent under its name, so that receivers notice what they missed. */
  readonly seq: number;
  readonly time: string;
}

/** Who sends a message. Each call is for another message: it counts. */
export function serverInfo(broker: Broker): ServerInfo {
  const { options, counters, clock, jetStream } = broker;
  return {
    name: broker.serverName,
    host: broker.host,
    id: broker.serverId,
    domain: options.jetstream.domain || undefined,
    ver: COMPATIBLE_VERSION,
    tags: options.server_tags.length === 0 ? undefined : options.server_tags,
    metadata: Object.keys(options.server_metadata).length === 0 ? undefined : sorted(options.server_metadata),
    feature_flags: featureFlags(options),
    jetstream: jetStream !== null,
    flags: jetStream === null ? 0 : JETSTREAM_FLAGS,
    seq: ++counters.announcements,
    time: formatTime(clock.nowMs()),
  };
}

/** Go writes maps in the order of their keys. */
export function sorted<Value>(map: Readonly<Record<string, Value>>): Record<string, Value> {
  return Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)));
}
