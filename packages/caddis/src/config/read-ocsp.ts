import type { ReadContext } from "./read-context.ts";
import { goType, millisecondsOf, quoted, readMembers, readText, readTexts } from "./read-value.ts";
import { DEFAULT_OCSP_CACHE, type OcspCacheConfig, type OcspConfig, type OcspPeerConfig } from "./tls.ts";
import type { ConfigEntry } from "./value.ts";

const MODES: readonly OcspConfig["mode"][] = ["auto", "always", "must", "never"];
const CACHE_TYPES: readonly OcspCacheConfig["type"][] = ["none", "local"];
/** Disks are not to be written to more often. */
const SAVE_INTERVAL_MIN_MS = 1_000;

const DEFAULT_OCSP_PEER: OcspPeerConfig = {
  verify: false,
  ca_timeout: 2_000,
  allowed_clockskew: 30_000,
  warn_only: false,
  unknown_is_good: false,
  allow_when_ca_unreachable: false,
  cache_ttl_when_next_update_unset: 3_600_000,
};

type Mutable<Type> = { -readonly [Name in keyof Type]: Type[Name] };

/** Reads `ocsp`: a switch, or a map. */
export function readOcsp({ value, at }: ConfigEntry, context: ReadContext): OcspConfig | undefined {
  const { report } = context;
  if (value.kind === "bool") return { mode: value.value ? "auto" : "never", urls: [] };
  if (value.kind !== "map") {
    return report.error(at, `error parsing ocsp config: unsupported type ${goType(value)}`);
  }
  const ocsp: Mutable<OcspConfig> = { mode: "auto", urls: [] };
  const readUrls = (entry: ConfigEntry): void => {
    ocsp.urls = readTexts(entry, "ocsp config", context) ?? [];
  };
  readMembers(
    value,
    {
      mode: (entry) => {
        const text = readText(entry, context);
        const mode = MODES.find((word) => word === text?.toLowerCase());
        if (mode !== undefined) ocsp.mode = mode;
        else if (text !== undefined) {
          report.error(entry.at, `error parsing ocsp config: unsupported ocsp mode ${quoted(text)}`);
        }
      },
      url: readUrls,
      urls: readUrls,
    },
    context,
    (key) => `error parsing ocsp config: unsupported field ${quoted(key)}`,
  );
  return ocsp;
}

/** Reads `ocsp_cache`: a switch, or a map. */
export function readOcspCache({ value, at }: ConfigEntry, context: ReadContext): OcspCacheConfig | undefined {
  const { report } = context;
  if (value.kind === "bool") return { ...DEFAULT_OCSP_CACHE, type: value.value ? "local" : "none" };
  if (value.kind !== "map") {
    return report.error(at, `error parsing ocsp_cache config: unsupported type ${goType(value)}`);
  }
  const cache: Mutable<OcspCacheConfig> = { ...DEFAULT_OCSP_CACHE };
  const unknown = (key: string): string =>
    `error parsing OCSP peer cache config, unknown field [${quoted(key)}]`;
  readMembers(
    value,
    {
      type: (entry) => {
        if (entry.value.kind !== "string") return report.error(entry.at, unknown(entry.key));
        const text = entry.value.value;
        const type = CACHE_TYPES.find((word) => word === text.toLowerCase());
        if (type !== undefined) cache.type = type;
        else report.error(entry.at, `error parsing OCSP peer cache config, unknown type [${text}]`);
      },
      local_store: (entry) => {
        if (entry.value.kind === "string") cache.local_store = entry.value.value;
        else report.error(entry.at, unknown(entry.key));
      },
      preserve_revoked: (entry) => {
        if (entry.value.kind === "bool") cache.preserve_revoked = entry.value.value;
        else report.error(entry.at, unknown(entry.key));
      },
      save_interval: (entry) => {
        const ms = millisecondsOf(entry.value);
        if (typeof ms === "number") cache.save_interval = Math.max(ms, SAVE_INTERVAL_MIN_MS);
        else report.error(entry.at, `error parsing OCSP peer cache config, conversion error: ${ms}`);
      },
    },
    context,
    unknown,
  );
  return cache;
}

/** Reads `tls.ocsp_peer`: a switch, or a map. As in nats-server a map alone does not switch it on: `verify` does. */
export function readOcspPeer({ value, at }: ConfigEntry, context: ReadContext): OcspPeerConfig | undefined {
  const { report } = context;
  if (value.kind === "bool") return { ...DEFAULT_OCSP_PEER, verify: value.value };
  if (value.kind !== "map") {
    return report.error(at, `error parsing ocsp peer config: unsupported type ${goType(value)}`);
  }
  const peer: Mutable<OcspPeerConfig> = { ...DEFAULT_OCSP_PEER };
  const unknown = (key: string): string => `error parsing tls peer config, unknown field [${quoted(key)}]`;
  const flag =
    (name: "verify" | "warn_only" | "unknown_is_good" | "allow_when_ca_unreachable") =>
    (entry: ConfigEntry): void => {
      if (entry.value.kind === "bool") peer[name] = entry.value.value;
      else report.error(entry.at, unknown(entry.key));
    };
  const duration =
    (name: "ca_timeout" | "allowed_clockskew" | "cache_ttl_when_next_update_unset") =>
    (entry: ConfigEntry): void => {
      const ms = millisecondsOf(entry.value);
      if (typeof ms === "string") {
        report.error(entry.at, `error parsing tls peer config, conversion error: ${ms}`);
      } else if (ms >= 0) peer[name] = ms;
    };
  readMembers(
    value,
    {
      verify: flag("verify"),
      warn_only: flag("warn_only"),
      unknown_is_good: flag("unknown_is_good"),
      allow_when_ca_unreachable: flag("allow_when_ca_unreachable"),
      ca_timeout: duration("ca_timeout"),
      allowed_clockskew: duration("allowed_clockskew"),
      cache_ttl_when_next_update_unset: duration("cache_ttl_when_next_update_unset"),
    },
    context,
    unknown,
  );
  return peer;
}
