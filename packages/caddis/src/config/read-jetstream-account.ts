import type { JetStreamTierLimits } from "./accounts.ts";
import type { ReadContext } from "./read-context.ts";
import { goType, quoted, readMembers, shown } from "./read-value.ts";
import type { ConfigEntry, MapValue } from "./value.ts";

/** What an account may use by tier, or under `""` where there are no tiers. */
export type JetStreamTiers = ReadonlyMap<string, JetStreamTierLimits>;

/** As much as there is. */
export const NO_TIER_LIMITS: JetStreamTierLimits = {
  maxMemory: -1,
  maxStore: -1,
  maxStreams: -1,
  maxConsumers: -1,
  maxAckPending: -1,
  memoryMaxStreamBytes: -1,
  storeMaxStreamBytes: -1,
  maxBytesRequired: false,
};

/** Of an account that has JetStream without limits of its own. */
export const UNLIMITED_TIERS: JetStreamTiers = new Map([["", NO_TIER_LIMITS]]);

type Mutable<Type> = { -readonly [Name in keyof Type]: Type[Name] };
type NumberLimit = Exclude<keyof JetStreamTierLimits, "maxBytesRequired">;

/** Spellings of those limits that are numbers. */
const NUMBERS: Readonly<Record<string, NumberLimit>> = {
  max_memory: "maxMemory",
  max_mem: "maxMemory",
  mem: "maxMemory",
  memory: "maxMemory",
  max_store: "maxStore",
  max_file: "maxStore",
  max_disk: "maxStore",
  store: "maxStore",
  disk: "maxStore",
  max_streams: "maxStreams",
  streams: "maxStreams",
  max_consumers: "maxConsumers",
  consumers: "maxConsumers",
  mem_max_stream_bytes: "memoryMaxStreamBytes",
  memory_max_stream_bytes: "memoryMaxStreamBytes",
  disk_max_stream_bytes: "storeMaxStreamBytes",
  store_max_stream_bytes: "storeMaxStreamBytes",
  max_ack_pending: "maxAckPending",
};

/**
 * Reads `jetstream` of an account: `true`, `enabled`, or a map of limits. Null: it has none, or what is wrong has
 * been reported.
 */
export function readAccountJetStream(entry: ConfigEntry, context: ReadContext): JetStreamTiers | null {
  const { value, at } = entry;
  const { report } = context;
  switch (value.kind) {
    case "bool":
      return value.value ? UNLIMITED_TIERS : null;
    case "string":
      if (/^enabled?$/i.test(value.value)) return UNLIMITED_TIERS;
      if (!/^disabled?$/i.test(value.value)) {
        report.error(at, `Expected 'enabled' or 'disabled' for string value, got '${value.value}'`);
      }
      return null;
    case "map":
      return new Map([["", readLimits(value, context)]]);
    default:
      report.error(at, `Expected map, bool or string to define JetStream, got ${goType(value)}`);
      return null;
  }
}

function readLimits(map: MapValue, context: ReadContext): JetStreamTierLimits {
  const { report } = context;
  const limits: Mutable<JetStreamTierLimits> = { ...NO_TIER_LIMITS };
  const number =
    (name: NumberLimit) =>
    ({ key, value, at }: ConfigEntry): void => {
      const given = value.kind === "int" ? Number(value.value) : NaN;
      if (Number.isSafeInteger(given)) limits[name] = given;
      else report.error(at, `Expected a parseable size for ${quoted(key)}, got ${shown(value)}`);
    };
  const flag = ({ key, value, at }: ConfigEntry): void => {
    if (value.kind === "bool") limits.maxBytesRequired = value.value;
    else report.error(at, `Expected a parseable bool for ${quoted(key)}, got ${shown(value)}`);
  };
  const numbers = Object.entries(NUMBERS).map(([spelling, name]) => [spelling, number(name)] as const);
  readMembers(
    map,
    {
      ...Object.fromEntries(numbers),
      max_bytes_required: flag,
      max_stream_bytes: flag,
      max_bytes: flag,
      cluster_traffic: (entry) => checkClusterTraffic(entry, context),
    },
    context,
  );
  return limits;
}

/** Whose account carries replication: without replicas it is all the same. */
function checkClusterTraffic({ key, value, at }: ConfigEntry, { report }: ReadContext): void {
  const isText = value.kind === "string";
  if (isText && ["system", "owner", ""].includes(value.value)) return;
  const expected = isText ? "'system' or 'owner'" : "either 'system' or 'owner'";
  report.error(at, `Expected ${expected} string value for ${quoted(key)}, got ${shown(value)}`);
}
