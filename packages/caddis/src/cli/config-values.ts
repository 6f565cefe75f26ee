import { same } from "../base/same.ts";
import { formatDuration } from "../config/duration.ts";
import type { OptionRow, OptionTable } from "../config/option-row.ts";
import { OPTIONS } from "../config/options.ts";

/** One option as a row of the table and its value. */
export interface OptionAt {
  /** Such as `authorization.user`. */
  readonly path: string;
  readonly row: OptionRow;
  readonly value: unknown;
}

/** All options there are, those in blocks too, with their values in `options`. */
export function allOptions(options: object, table: OptionTable = OPTIONS, prefix = ""): OptionAt[] {
  return Object.entries(table).flatMap(([name, row]) => {
    const value: unknown = Reflect.get(options, name);
    if (row.type === "unsupported" || row.type === "address") return [];
    if (row.type !== "block") return [{ path: prefix + name, row, value }];
    return typeof value === "object" && value !== null
      ? allOptions(value, row.rows, `${prefix}${name}.`)
      : [];
  });
}

/** Whether a value is the one that nobody asked for. */
export function isDefault({ row, value }: OptionAt): boolean {
  if ("default" in row) return same(value, row.default);
  return isObject(value) && Object.keys(value).length === 0;
}

/** A value for everybody to read; of one that may be secret, or is none to be written in a line, null. */
export function shownValue({ path, row, value }: OptionAt): string | null {
  switch (row.type) {
    case "int":
    case "size":
    case "bool":
      return String(value);
    case "duration":
      return typeof value === "number" ? formatDuration(value) : null;
    case "string":
    case "choice":
      return isSecret(path) ? null : JSON.stringify(value);
    case "tags":
      return JSON.stringify(value);
    default:
      return null;
  }
}

/** Which members or elements two values of one option differ in, by name; none where they have no names. */
export function changedMembers(before: unknown, after: unknown): string[] {
  const [was, is] = [byName(before), byName(after)];
  const names = new Set([...was.keys(), ...is.keys()]);
  return [...names].filter((name) => !same(was.get(name), is.get(name)));
}

/** User names too: who may log in is as good to know for an attacker as for the operator. */
function isSecret(path: string): boolean {
  return path.split(".").includes("authorization") || path === "default_sentinel";
}

/** The members of a map; the elements of a list that have names. */
function byName(value: unknown): Map<string, unknown> {
  if (value instanceof Map) return new Map([...value].map(([name, item]) => [String(name), item]));
  if (!Array.isArray(value)) return new Map(isObject(value) ? Object.entries(value) : []);
  const items: readonly unknown[] = value;
  return new Map(items.flatMap((item) => (nameOf(item) === null ? [] : [[String(nameOf(item)), item]])));
}

/** Of an account, a user or a mapping. */
function nameOf(item: unknown): string | null {
  if (!isObject(item)) return null;
  for (const member of ["name", "nkey", "user", "source"]) {
    const name: unknown = Reflect.get(item, member);
    if (typeof name === "string" && name !== "") return name;
  }
  return null;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
