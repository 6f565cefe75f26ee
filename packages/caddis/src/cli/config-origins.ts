import { dirname, join } from "node:path";
import type { OptionRow, OptionTable } from "../config/option-row.ts";
import { OPTIONS, type OptionsInput } from "../config/options.ts";
import { parseConfig } from "../config/parser.ts";
import { readOptions, spellings } from "../config/read-options.ts";
import { Report } from "../config/report.ts";
import type { ConfigEntry, MapValue, Position } from "../config/value.ts";
import { FLAG_GROUPS, dashed, parseCommandLine } from "./flags.ts";
import { parseGoFlags } from "./go-flags.ts";

/** Where options come from, by their paths such as `authorization.user`: `file:line`, or a flag. */
export type Origins = ReadonlyMap<string, string>;

/** What the places of a file's options are found with. */
export interface OriginSource {
  readonly readFile: (path: string) => string;
  readonly env: (name: string) => string | undefined;
}

/**
 * Where a configuration file says what it says; of an option that is given more than once the last place. An option
 * that stands there with the value for "default" has none. Throws a `ConfigError` for a text that is none.
 */
export function fileOrigins(file: string, { readFile, env }: OriginSource): Map<string, string> {
  const resolvePath = (from: string, path: string): string => join(dirname(from), path);
  const map = parseConfig(readFile(file), { file, readFile, env, resolvePath });
  const origins = new Map<string, string>();
  addOrigins(origins, map, OPTIONS, "", readFile);
  return origins;
}

function addOrigins(
  origins: Map<string, string>,
  map: MapValue,
  table: OptionTable,
  prefix: string,
  readFile: OriginSource["readFile"],
): void {
  const names = spellings(table);
  for (const [key, entry] of map.entries) {
    const name = names.get(entry.key.toLowerCase());
    if (name === undefined) continue;
    const row: OptionRow = table[name];
    if (row.type === "block") {
      const { value } = entry;
      if (value.kind === "map") addOrigins(origins, value, row.rows, `${prefix}${name}.`, readFile);
    } else if (row.type !== "unsupported") {
      for (const path of setBy(key, entry, table, readFile)) origins.set(prefix + path, placeOf(entry.at));
    }
  }
}

/** The options that one entry sets: `listen` is about two others, and a 0 may set none. */
function setBy(
  key: string,
  entry: ConfigEntry,
  table: OptionTable,
  readFile: OriginSource["readFile"],
): string[] {
  const alone: MapValue = { kind: "map", entries: new Map([[key, entry]]), at: null };
  // What is wrong with it has been told by who read the whole.
  return Object.keys(readOptions(alone, table, { origin: "file", report: new Report(), readFile }).values);
}

function placeOf(at: Position | null): string {
  return at === null ? "" : `${at.file}:${at.line}`;
}

/** Which flags among `args` set which options. */
export function flagOrigins(args: readonly string[]): Map<string, string> {
  const flags = FLAG_GROUPS.flatMap((group) => group.flags);
  const flagOf = (name: string): (typeof flags)[number] | undefined =>
    flags.find(({ names }) => names.includes(name));
  const parsed = parseGoFlags(args, (name) => flagOf(name)?.kind);
  const origins = new Map<string, string>();
  if ("problem" in parsed) return origins;
  for (const { name, value } of parsed.flags) {
    const line = parseCommandLine([]);
    if ("problem" in line) continue;
    flagOf(name)?.apply(line, value, name);
    for (const path of pathsIn(line.options)) origins.set(path, dashed(name));
  }
  return origins;
}

/** The paths of what `options` set. */
export function pathsIn(options: OptionsInput): string[] {
  const table: OptionTable = OPTIONS;
  return Object.entries(options).flatMap(([name, value]: [string, unknown]) => {
    const isBlock = Object.hasOwn(table, name) && table[name].type === "block";
    if (!isBlock || typeof value !== "object" || value === null) return [name];
    return Object.keys(value).map((member) => `${name}.${member}`);
  });
}
