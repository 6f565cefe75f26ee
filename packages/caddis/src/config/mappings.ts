import { checkMapping, type MappingDestination, type MappingInput } from "../subject/mapping.ts";
import type { MappingsInput } from "./option-row.ts";
import type { Report } from "./report.ts";
import { kindName, type ConfigEntry, type ConfigValue, type MapValue } from "./value.ts";

/**
 * Subject mappings as a configuration gives them: by source subject, then
 *
 *     "orders.*": "orders.v1.$1"                                      one destination, or
 *     "orders.*": { destination: "orders.v1.$1", weight: 50% }        one with a weight, or
 *     "orders.*": [ { destination: a, weight: 50, cluster: east } ]   several
 *
 * Here the form is checked; what subjects and weights mean is the subject part's.
 */
export function readMappings(map: MapValue, report: Report): MappingInput[] {
  const mappings: MappingInput[] = [];
  for (const entry of map.entries.values()) {
    const destinations = readDestinations(entry.value, report);
    if (destinations === null) continue;
    const mapping = { source: entry.key, destinations };
    const problem = checkMapping(mapping);
    if (problem === null) mappings.push(mapping);
    else report.error(entry.at, problem);
  }
  return mappings;
}

/** The way back: mappings as a program hands them in. */
export function mappingsToInput(mappings: readonly MappingInput[]): MappingsInput {
  return Object.fromEntries(
    mappings.map(({ source, destinations }) => [
      source,
      typeof destinations === "string"
        ? destinations
        : destinations.map(({ subject, ...rest }) => ({ destination: subject, ...rest })),
    ]),
  );
}

/** Null when something was wrong and reported. */
function readDestinations(value: ConfigValue, report: Report): string | MappingDestination[] | null {
  if (value.kind === "string") return value.value;
  const items = value.kind === "array" ? value.items : [value];
  const destinations = items.map((item) => {
    if (item.kind === "map") return readDestination(item, report);
    report.error(item.at, "Expected an entry for the mapping destination");
    return null;
  });
  const good = destinations.filter((destination) => destination !== null);
  return good.length === items.length ? good : null;
}

function readDestination(map: MapValue, report: Report): MappingDestination | null {
  let subject: string | null = null;
  let weight: number | null = null;
  let cluster = "";
  let good = true;
  const fail = (entry: ConfigEntry, reason: string): void => {
    report.error(entry.at, reason);
    good = false;
  };
  for (const entry of map.entries.values()) {
    const { key, value } = entry;
    switch (key.toLowerCase()) {
      case "dest":
      case "destination":
        if (value.kind === "string") subject = value.value;
        else fail(entry, `"${key}" must be a string, not ${kindName(value.kind)}`);
        break;
      case "weight": {
        const read = readWeight(value);
        if (typeof read === "number") weight = read;
        else fail(entry, read);
        break;
      }
      case "cluster":
        if (value.kind === "string") cluster = value.value;
        else fail(entry, `"${key}" must be a string, not ${kindName(value.kind)}`);
        break;
      default:
        if (!entry.usedAsVariable) fail(entry, `Unknown field "${key}" for mapping destination`);
    }
  }
  if (!good) return null;
  if (subject === null) {
    report.error(map.at, "Missing destination for mapping");
    return null;
  }
  if (weight === null) {
    report.error(map.at, `Missing weight for mapping destination "${subject}"`);
    return null;
  }
  return cluster === "" ? { subject, weight } : { subject, weight, cluster };
}

/** A percentage: a whole number, or text with or without `%`. Text is the problem. */
function readWeight(given: ConfigValue): number | string {
  if (given.kind === "map" || given.kind === "array")
    return `Unknown entry type for weight: ${kindName(given.kind)}`;
  const { kind, value } = given;
  if (kind !== "int" && kind !== "string") return `Unknown entry type for weight of ${value}`;
  const digits = String(value).trim().replace(/%$/, "");
  if (!/^[+-]?\d+$/.test(digits)) return `Invalid weight "${value}" for mapping destination`;
  const weight = Number(digits);
  return weight < 0 || weight > 100 ? `Invalid weight ${digits} for mapping destination` : weight;
}
