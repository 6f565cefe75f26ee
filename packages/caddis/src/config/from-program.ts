import type { Report } from "./report.ts";
import { NESTING_DEPTH_MAX, type ConfigEntry, type ConfigValue, type MapValue } from "./value.ts";

/** The way back: what a program would hand in for `value`. Variables that are no options are left out. */
export function toProgram(value: ConfigValue, report: Report): unknown {
  switch (value.kind) {
    case "map": {
      const kept = [...value.entries.values()].filter((entry) => !report.variables.has(entry));
      // Not by assignment: a key may be `__proto__`.
      return Object.fromEntries(kept.map((entry) => [entry.key, toProgram(entry.value, report)]));
    }
    case "array":
      return value.items.map((item) => toProgram(item, report));
    case "int":
      return Number(value.value);
    default:
      return value.value;
  }
}

/** Turns what a program hands in into the tree a file would be; members that are `undefined` count as absent. */
export function fromProgram(input: object, report: Report): MapValue {
  return mapOf(input, report, 1);
}

function mapOf(input: object, report: Report, depth: number): MapValue {
  const entries = new Map<string, ConfigEntry>();
  for (const [key, given] of Object.entries(input)) {
    if (given === undefined) continue;
    const value = valueOf(given, key, report, depth);
    if (value !== null) entries.set(key, { key, value, at: null, usedAsVariable: false });
  }
  return { kind: "map", entries, at: null };
}

/** Null when no option could be that, which is reported under the name of the option. */
function valueOf(given: unknown, name: string, report: Report, depth: number): ConfigValue | null {
  if (typeof given === "string") return { kind: "string", value: given, at: null };
  if (typeof given === "boolean") return { kind: "bool", value: given, at: null };
  if (typeof given === "number" && Number.isSafeInteger(given))
    return { kind: "int", value: BigInt(given), at: null };
  if (typeof given === "number" && Number.isFinite(given)) return { kind: "float", value: given, at: null };
  if (typeof given === "object" && given !== null && depth < NESTING_DEPTH_MAX) {
    if (!Array.isArray(given)) return mapOf(given, report, depth + 1);
    const items = given.map((item) => valueOf(item, name, report, depth + 1));
    return { kind: "array", items: items.filter((item) => item !== null), at: null };
  }
  report.error(null, `${JSON.stringify(name)} must be a string, number, boolean, list or map`);
  return null;
}
