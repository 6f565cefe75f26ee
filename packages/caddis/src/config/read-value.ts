import { goQuote } from "../base/go-quote.ts";
import { fromWireString, toWireString } from "../subject/subject.ts";
import { parseDuration } from "./duration.ts";
import type { ReadContext } from "./read-context.ts";
import type { Report } from "./report.ts";
import { kindName, type ConfigEntry, type ConfigValue, type MapValue, type Position } from "./value.ts";

/** What readers of options share: single values, and the members of maps. All report what is wrong and give undefined. */

/** Readers of the members of a map, by all spellings in lower case. */
export type MemberReaders = Readonly<Record<string, (entry: ConfigEntry) => void>>;

/** How kinds of value are called in nats-server's error texts. */
const GO_TYPES: Readonly<Record<ConfigValue["kind"], string>> = {
  int: "int64",
  float: "float64",
  bool: "bool",
  string: "string",
  datetime: "time.Time",
  array: "[]interface {}",
  map: "map[string]interface {}",
};

/**
 * Reads the members of `map` in their order. One that no reader is for is an error with the text `unknown`
 * gives, unless other values refer to it.
 */
export function readMembers(
  map: MapValue,
  readers: MemberReaders,
  { report }: ReadContext,
  unknown: (key: string) => string = (key) => `unknown field ${quoted(key)}`,
): void {
  for (const entry of map.entries.values()) {
    const name = entry.key.toLowerCase();
    if (Object.hasOwn(readers, name)) readers[name](entry);
    else if (entry.usedAsVariable) report.variables.add(entry);
    else report.error(entry.at, unknown(entry.key));
  }
}

/** Where errors about a map as a whole stand: at the member that was read last, as in nats-server. */
export function lastPlace(map: MapValue): Position | null {
  return [...map.entries.values()].at(-1)?.at ?? map.at;
}

/** The type of `value` as error texts of nats-server have it. */
export function goType(value: ConfigValue): string {
  return GO_TYPES[value.kind];
}

/** A plain value as it was written; of a list or map only the kind. */
export function shown(value: ConfigValue): string {
  return value.kind === "array" || value.kind === "map" ? kindName(value.kind) : String(value.value);
}

/** Text in quotes, as the reference's error texts have it. */
export function quoted(text: string): string {
  return fromWireString(goQuote(toWireString(text)));
}

/** Reports that an option has the wrong kind of value. */
export function wrongKind({ key, value, at }: ConfigEntry, expected: string, report: Report): undefined {
  return report.error(at, `"${key}" must be ${expected}, not ${kindName(value.kind)}`);
}

/** A text. */
export function readText(entry: ConfigEntry, { report }: ReadContext): string | undefined {
  return entry.value.kind === "string" ? entry.value.value : wrongKind(entry, "a string", report);
}

/** `true` or `false`. */
export function readBool(entry: ConfigEntry, { report }: ReadContext): boolean | undefined {
  return entry.value.kind === "bool" ? entry.value.value : wrongKind(entry, "a boolean", report);
}

/** A whole number that JavaScript holds exactly. */
export function readInt(entry: ConfigEntry, { report }: ReadContext): number | undefined {
  if (entry.value.kind !== "int") return wrongKind(entry, "an integer", report);
  const number = Number(entry.value.value);
  return Number.isSafeInteger(number) ? number : report.error(entry.at, `${entry.key} value is too big`);
}

/** A list of texts. */
export function readTextList(entry: ConfigEntry, { report }: ReadContext): string[] | undefined {
  const { value } = entry;
  if (value.kind !== "array") return wrongKind(entry, "a list of strings", report);
  const texts = value.items.map((item) => (item.kind === "string" ? item.value : null));
  const good = texts.filter((text) => text !== null);
  return good.length === texts.length
    ? good
    : report.error(entry.at, `"${entry.key}" must be a list of strings`);
}

/** One text or a list of them; `field` is how error texts call the option. */
export function readTexts(
  { value, at }: ConfigEntry,
  field: string,
  { report }: ReadContext,
): string[] | undefined {
  if (value.kind === "string") return [value.value];
  if (value.kind !== "array") {
    return report.error(at, `error parsing ${field}: unsupported type ${goType(value)}`);
  }
  const texts: string[] = [];
  for (const item of value.items) {
    if (item.kind === "string") texts.push(item.value);
    else report.error(item.at, `error parsing ${field}: unsupported type in array ${goType(item)}`);
  }
  return texts;
}

/** Milliseconds of a duration text or a number of seconds; text: what is wrong with it. */
export function millisecondsOf(value: ConfigValue): number | string {
  switch (value.kind) {
    case "int":
    case "float":
      return Number(value.value) * 1000;
    case "string": {
      const duration = parseDuration(value.value);
      return "problem" in duration ? duration.problem : duration.ms;
    }
    default:
      return "unexpected type";
  }
}

/** The members of a map that were found, by the names that `Spellings` gives for their spellings. */
export type FoundMembers<Spellings extends Readonly<Record<string, string>>> = {
  readonly [Name in Spellings[keyof Spellings]]?: ConfigEntry;
};

/**
 * Finds the members of `map` whose meaning depends on one another; unknown ones are reported. `duplicate`
 * says what is wrong when two spellings of one member are there; null: nothing, the later one counts.
 */
export function findMembers<const Spellings extends Readonly<Record<string, string>>>(
  map: MapValue,
  spellings: Spellings,
  context: ReadContext,
  duplicate: (name: string) => string | null = () => null,
): FoundMembers<Spellings> {
  const found: Record<string, ConfigEntry> = {};
  const readers = Object.entries(spellings).map(([spelling, name]) => {
    const read = (entry: ConfigEntry): void => {
      const problem = Object.hasOwn(found, name) ? duplicate(name) : null;
      if (problem === null) found[name] = entry;
      else context.report.error(entry.at, problem);
    };
    return [spelling, read] as const;
  });
  readMembers(map, Object.fromEntries(readers), context);
  return found as FoundMembers<Spellings>;
}
