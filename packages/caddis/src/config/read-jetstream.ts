import { parseDuration } from "./duration.ts";
import type { ReadContext } from "./read-context.ts";
import { goType, quoted, shown, wrongKind } from "./read-value.ts";
import type { Report } from "./report.ts";
import type { ConfigEntry } from "./value.ts";

/** Values of the `jetstream` block that have a form of their own; what is wrong is said in the reference's words. */

export type StorageCipher = "chacha" | "aes";

/** What letters behind a size stand for: powers of 1,024, unlike those of sizes without quotes. */
const POWERS: Readonly<Record<string, number>> = { K: 1, M: 2, G: 3, T: 4 };

/**
 * A size of storage: a number of bytes, or a text such as `"10G"` (10 GiB). Empty is 0; negative is -1, for as much
 * as there is. `name`: what error texts call it.
 */
function readStorageSize({ value, at }: ConfigEntry, name: string, report: Report): number | undefined {
  if (value.kind === "int") {
    const bytes = Number(value.value);
    return Number.isSafeInteger(bytes) ? Math.max(bytes, -1) : report.error(at, `${name} value is too big`);
  }
  if (value.kind !== "string") return report.error(at, `${name} must be int64 or string`);
  const text = value.value;
  if (text === "") return 0;
  const [digits, suffix] = [text.slice(0, -1), text.slice(-1)];
  if (!/^[+-]?\d{1,19}$/.test(digits)) {
    return report.error(at, `${name} strconv.ParseInt: parsing ${quoted(digits)}: invalid syntax`);
  }
  if (!Object.hasOwn(POWERS, suffix)) {
    return report.error(at, `${name} sizes defined as strings must end in K, M, G, T`);
  }
  const bytes = Number(digits) * 1_024 ** POWERS[suffix];
  return Number.isSafeInteger(bytes) ? Math.max(bytes, -1) : report.error(at, `${name} value is too big`);
}

/** `max_memory_store`. */
export function readMemoryStore(entry: ConfigEntry, { report }: ReadContext): number | undefined {
  return readStorageSize(entry, "max_mem_store", report);
}

/** `max_file_store`. */
export function readFileStore(entry: ConfigEntry, { report }: ReadContext): number | undefined {
  return readStorageSize(entry, "max_file_store", report);
}

/** `max_buffered_size`, where 0 and less stand for the default. */
export function readBufferedSize(entry: ConfigEntry, { report }: ReadContext): number | undefined {
  const size = readStorageSize(entry, "max_buffered_size", report);
  return size !== undefined && size > 0 ? size : undefined;
}

/** `always`, or a duration; milliseconds, 0 for always. A bare number is seconds, which a file is warned of. */
export function readSyncInterval(entry: ConfigEntry, { origin, report }: ReadContext): number | undefined {
  const { key, value, at } = entry;
  if (value.kind === "string") {
    if (value.value.toLowerCase() === "always") return 0;
    const duration = parseDuration(value.value);
    if ("problem" in duration) return report.error(at, `error parsing ${key}: ${duration.problem}`);
    return notNegative(entry, duration.ms, report);
  }
  if (value.kind !== "int" || origin === "program") {
    return wrongKind(entry, '"always" or a duration such as "2m"', report);
  }
  report.warn(at, `invalid use of field ${quoted(key)}: ${key} should be converted to a duration`);
  return notNegative(entry, Number(value.value) * 1_000, report);
}

function notNegative({ key, at }: ConfigEntry, ms: number, report: Report): number | undefined {
  return ms >= 0 ? ms : report.error(at, `invalid ${key}, needs to be positive`);
}

/** The name of a cipher in any case. */
export function readCipher(entry: ConfigEntry, { report }: ReadContext): StorageCipher | undefined {
  const { value, at } = entry;
  if (value.kind !== "string") return wrongKind(entry, "a string", report);
  switch (value.value.toLowerCase()) {
    case "chacha":
    case "chachapoly":
      return "chacha";
    case "aes":
      return "aes";
    default:
      return report.error(at, `Unknown cipher type: ${quoted(shown(value))}`);
  }
}

/** Switches by name. */
export function readFeatureFlags(
  { value, at }: ConfigEntry,
  { report }: ReadContext,
): Record<string, boolean> | undefined {
  if (value.kind !== "map") {
    return report.error(at, `error parsing feature flags: unsupported type ${goType(value)}`);
  }
  const flags: [string, boolean][] = [];
  for (const entry of value.entries.values()) {
    if (entry.value.kind === "bool") flags.push([entry.key, entry.value.value]);
    else {
      const got = goType(entry.value);
      report.error(entry.at, `error parsing feature flag ${quoted(entry.key)}: expected bool, got ${got}`);
    }
  }
  // Not by assignment: a name may be `__proto__`.
  return Object.fromEntries(flags);
}
