import { checkPort, parseHostPort } from "./checks.ts";
import { formatDuration, parseDuration } from "./duration.ts";
import { toProgram } from "./from-program.ts";
import { mappingsToInput, readMappings } from "./mappings.ts";
import type { OffValue, OptionRow, OptionTable, UnsupportedRow } from "./option-row.ts";
import type { Origin, ReadContext } from "./read-context.ts";
import { goType, wrongKind } from "./read-value.ts";
import type { Report } from "./report.ts";
import { parseSize } from "./size.ts";
import { kindName, type ConfigEntry, type ConfigValue, type MapValue } from "./value.ts";

/** The options that were given, by canonical name. */
export interface GivenOptions {
  /** As the server wants them: durations in milliseconds, sizes in bytes. Blocks are not among them. */
  readonly values: Record<string, unknown>;
  /** As a program would hand them in, blocks included. */
  readonly input: Record<string, unknown>;
  readonly blocks: Record<string, GivenOptions>;
}

type RowOf<Type extends OptionRow["type"]> = Extract<OptionRow, { type: Type }>;
type NumberRow = RowOf<"int" | "size" | "duration">;

/**
 * Reads `map` by `table`. Everything that is wrong is reported and left out; the rest is returned. A later
 * key goes before an earlier one that means the same.
 */
export function readOptions(map: MapValue, table: OptionTable, context: ReadContext): GivenOptions {
  const names = spellings(table);
  const given: GivenOptions = { values: {}, input: {}, blocks: {} };
  for (const entry of map.entries.values()) {
    const name = names.get(entry.key.toLowerCase());
    if (name !== undefined) readOption(given, name, entry, table[name], context);
    else if (!entry.usedAsVariable) {
      context.report.error(entry.at, `unknown field ${JSON.stringify(entry.key)}`);
    }
  }
  return given;
}

/** Reads one option into `given`, which stays as it is when the value is wrong or stands for the default. */
function readOption(
  given: GivenOptions,
  name: string,
  entry: ConfigEntry,
  row: OptionRow,
  context: ReadContext,
): void {
  const { values, input, blocks } = given;
  const { origin, report } = context;
  switch (row.type) {
    case "address": {
      const parts = readAddress(entry, row, origin, report);
      Object.assign(values, parts);
      Object.assign(input, parts);
      return;
    }
    case "block": {
      const block = readBlock(entry, row, context);
      if (block === undefined) return;
      blocks[name] = block;
      input[name] = block.input;
      return;
    }
    case "mappings": {
      if (entry.value.kind !== "map") return wrongKind(entry, "a map", report);
      const mappings = readMappings(entry.value, report);
      values[name] = mappings;
      input[name] = mappingsToInput(mappings);
      return;
    }
    case "custom": {
      const value = row.read(entry, context);
      if (value === undefined) return;
      values[name] = value;
      input[name] = row.toInput?.(value) ?? toProgram(entry.value, report);
      return;
    }
    case "duration": {
      const ms = readDuration(entry, row, origin, report);
      if (ms === undefined) return;
      values[name] = ms;
      input[name] = formatDuration(ms);
      return;
    }
    default: {
      const value = readPlain(entry, row, origin, report);
      if (value !== undefined) values[name] = input[name] = value;
    }
  }
}

function readBlock(entry: ConfigEntry, row: RowOf<"block">, context: ReadContext): GivenOptions | undefined {
  const { value } = entry;
  if (row.switch === undefined) {
    return value.kind === "map"
      ? readOptions(value, row.rows, context)
      : wrongKind(entry, "a map", context.report);
  }
  const isOn = value.kind === "map" || readSwitch(entry, context.report);
  if (isOn === undefined) return undefined;
  const given = value.kind === "map" ? readOptions(value, row.rows, context) : NOTHING_GIVEN;
  const { values, input, blocks } = given;
  return {
    values: { [row.switch]: isOn, ...values },
    input: { [row.switch]: isOn, ...input },
    blocks,
  };
}

const NOTHING_GIVEN: GivenOptions = { values: {}, input: {}, blocks: {} };

/** The short forms of a block with a switch; errors in the reference's words. */
function readSwitch({ value, at }: ConfigEntry, report: Report): boolean | undefined {
  if (value.kind === "bool") return value.value;
  if (value.kind !== "string") {
    return report.error(at, `Expected map, bool or string to define JetStream, got ${goType(value)}`);
  }
  if (/^enabled?$/i.test(value.value)) return true;
  if (/^disabled?$/i.test(value.value)) return false;
  return report.error(at, `Expected 'enabled' or 'disabled' for string value, got '${value.value}'`);
}

/** All spellings of the options in `table`, in lower case, with the canonical name of each. */
export function spellings(table: OptionTable): Map<string, string> {
  const names = new Map<string, string>();
  for (const [name, row] of Object.entries(table)) {
    names.set(name, name);
    for (const alias of row.aliases ?? []) names.set(alias, name);
  }
  return names;
}

/** A value that is the same for a program and the server; undefined when there is none to keep. */
function readPlain(
  entry: ConfigEntry,
  row: Exclude<OptionRow, RowOf<"address" | "block" | "mappings" | "custom" | "duration">>,
  origin: Origin,
  report: Report,
): unknown {
  const { value } = entry;
  switch (row.type) {
    case "int":
      if (value.kind === "int") return bounded(entry, Number(value.value), row, origin, report);
      return wrongKind(entry, "an integer", report);
    case "size":
      return readSize(entry, row, origin, report);
    case "bool":
      return value.kind === "bool" ? value.value : wrongKind(entry, "a boolean", report);
    case "string":
      return readString(entry, row, report);
    case "choice":
      return readChoice(entry, row, report);
    case "tags":
      return readTags(entry, report);
    case "textmap":
      return readTextMap(entry, report);
    default:
      return refuseUnlessOff(entry, row, report);
  }
}

/** Applies a row's bounds to a number. */
function bounded(
  { key, at }: ConfigEntry,
  given: number,
  row: NumberRow,
  origin: Origin,
  report: Report,
): number | undefined {
  if (
    given === 0 &&
    (row.zeroIsDefault === "always" || (row.zeroIsDefault === "in files" && origin === "file"))
  ) {
    return undefined;
  }
  const number = given < 0 ? (row.negativeMeans ?? given) : given;
  const { min = -Infinity, max = Number.MAX_SAFE_INTEGER } = row;
  if (row.type === "duration") {
    const fileMin = origin === "file" ? (row.fileMin ?? min) : min;
    if (number >= fileMin) return number;
    const seconds = fileMin / 1000;
    if (fileMin > 0)
      report.error(at, `invalid ${key} of ${formatDuration(number)}, minimum is ${seconds} seconds`);
    else report.error(at, `invalid ${key}, needs to be positive`);
    return undefined;
  }
  if (number > max) report.error(at, `${key} value is too big`);
  else if (number < min && min < 0) report.error(at, `${key} value is too small`);
  else if (number < min) report.error(at, `${key} value can not be negative`);
  else return number;
  return undefined;
}

function readSize(
  entry: ConfigEntry,
  row: RowOf<"size">,
  origin: Origin,
  report: Report,
): number | undefined {
  const { key, value, at } = entry;
  if (value.kind === "int") return bounded(entry, Number(value.value), row, origin, report);
  if (origin === "file" || value.kind !== "string") return wrongKind(entry, "an integer", report);
  const size = parseSize(value.value);
  if (size !== null) return bounded(entry, size, row, origin, report);
  return report.error(at, `"${key}" must be a size such as "64KB", not ${JSON.stringify(value.value)}`);
}

function readDuration(
  entry: ConfigEntry,
  row: RowOf<"duration">,
  origin: Origin,
  report: Report,
): number | undefined {
  const { key, value, at } = entry;
  if (value.kind === "string") {
    const duration = parseDuration(value.value);
    if ("problem" in duration) {
      return report.error(at, `error parsing ${key}: ${duration.problem}`);
    }
    if (origin === "file") warnIfHigh(entry, duration.ms, row, report);
    return bounded(entry, duration.ms, row, origin, report);
  }
  const isNumber = value.kind === "int" || (value.kind === "float" && row.seconds === "allowed");
  const isRefused = row.seconds === "refused" || (origin === "program" && row.seconds !== "allowed");
  if (!isNumber || isRefused) {
    return wrongKind(entry, 'a duration such as "30s"', report);
  }
  const ms = Number(value.value) * 1000;
  if (row.seconds === "discouraged") {
    report.warn(at, `invalid use of field ${JSON.stringify(key)}: ${key} should be converted to a duration`);
  }
  if (origin === "file") warnIfHigh(entry, ms, row, report);
  return bounded(entry, ms, row, origin, report);
}

function warnIfHigh(
  { key, value, at }: ConfigEntry,
  ms: number,
  row: RowOf<"duration">,
  report: Report,
): void {
  if (row.highMs === undefined || ms <= row.highMs || value.kind === "array" || value.kind === "map") return;
  report.warn(
    at,
    `invalid use of field "${key}": ${key} of ${value.value} (${(ms / 1000).toFixed(6)} seconds) is high, ` +
      `consider keeping it under ${row.highMs / 1000} seconds. ` +
      "possibly caused by unquoted duration; use '1m' instead of 1m, for example",
  );
}

function readString(entry: ConfigEntry, row: RowOf<"string">, report: Report): string | undefined {
  const { value, at } = entry;
  if (value.kind !== "string") return wrongKind(entry, "a string", report);
  const problem = row.check?.(value.value) ?? null;
  return problem === null ? value.value : report.error(at, problem);
}

function readChoice(entry: ConfigEntry, row: RowOf<"choice">, report: Report): string | undefined {
  const { key, value, at } = entry;
  if (value.kind !== "string") return wrongKind(entry, "a string", report);
  if (row.values.includes(value.value)) return value.value;
  const words = row.values.map((word) => `'${word}'`);
  return report.error(at, `${key} must be ${words.slice(0, -1).join(", ")} or ${words.at(-1)}`);
}

function readTags(entry: ConfigEntry, report: Report): string[] | undefined {
  const { value } = entry;
  const items = value.kind === "array" ? value.items : [value];
  const tags = new Set<string>();
  for (const item of items) {
    if (item.kind !== "string")
      return wrongKind({ ...entry, value: item }, "a string or a list of strings", report);
    const tag = item.value.trim().toLowerCase();
    if (tag !== "") tags.add(tag);
  }
  return [...tags];
}

function readTextMap(entry: ConfigEntry, report: Report): Record<string, string> | undefined {
  if (entry.value.kind !== "map") return wrongKind(entry, "a map of strings", report);
  const texts: [string, string][] = [];
  for (const member of entry.value.entries.values()) {
    if (member.value.kind === "string") texts.push([member.key, member.value.value]);
    else wrongKind(member, "a string", report);
  }
  return Object.fromEntries(texts);
}

/** `host:port` or a port, as the two options that it stands for. */
function readAddress(
  entry: ConfigEntry,
  row: RowOf<"address">,
  origin: Origin,
  report: Report,
): Record<string, string | number> {
  const { value, at } = entry;
  const [hostName, portName] = row.into;
  let address: { host: string; port: number };
  if (value.kind === "int") address = { host: "", port: Number(value.value) };
  else if (value.kind === "string") {
    const parsed = parseHostPort(value.value);
    if ("problem" in parsed) {
      report.error(at, parsed.problem);
      return {};
    }
    address = parsed;
  } else {
    report.error(at, `expected port or host:port, got ${kindName(value.kind)}`);
    return {};
  }
  const problem = checkPort(address.port);
  if (problem !== null) report.error(at, problem);
  const parts: Record<string, string | number> = {};
  if (address.host !== "") parts[hostName] = address.host;
  const zeroIsDefault = address.port === 0 && origin === "file" && portName === "port";
  if (!zeroIsDefault) parts[portName] = address.port;
  return parts;
}

function refuseUnlessOff(entry: ConfigEntry, row: UnsupportedRow, report: Report): undefined {
  const { key, value, at } = entry;
  if (!row.accepts.includes(value.kind)) {
    return wrongKind(entry, row.accepts.map(kindName).join(" or "), report);
  }
  if (!row.off.some((off) => isOff(value, off))) report.refuse(at, key, row.part);
  return undefined;
}

function isOff(value: ConfigValue, off: OffValue): boolean {
  if (off === "empty") {
    if (value.kind === "array") return value.items.length === 0;
    return value.kind === "map" ? value.entries.size === 0 : value.kind === "string" && value.value === "";
  }
  if (off === "all false") {
    if (value.kind !== "map") return false;
    return [...value.entries.values()].every((entry) => entry.value.kind === "bool" && !entry.value.value);
  }
  if (value.kind === "int") return off.is === Number(value.value);
  if (value.kind === "string") return off.is === value.value.toLowerCase();
  return value.kind === "bool" && off.is === value.value;
}
