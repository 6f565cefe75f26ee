/**
 * What a configuration file says, before anybody asks which options exist: a tree of values that know
 * where they stand.
 */

/** Lists and maps inside one another. Bounds the call stack of whoever walks a tree. */
export const NESTING_DEPTH_MAX = 128;

/**
 * A place in a configuration text. `line` counts from 1; `column` counts the characters since the last
 * line break, the line break included: the first character of line 1 is column 0, of any later line
 * column 1. This is how nats-server counts, and tools that parse its messages expect it.
 */
export interface Position {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** A whole number of 64 bits, suffixes applied. */
export interface IntValue {
  readonly kind: "int";
  readonly value: bigint;
  readonly at: Position | null;
}

export interface FloatValue {
  readonly kind: "float";
  readonly value: number;
  readonly at: Position | null;
}

export interface BoolValue {
  readonly kind: "bool";
  readonly value: boolean;
  readonly at: Position | null;
}

export interface StringValue {
  readonly kind: "string";
  readonly value: string;
  readonly at: Position | null;
}

/** A date and time in UTC, `YYYY-MM-DDTHH:MM:SSZ`, checked to exist. */
export interface DatetimeValue {
  readonly kind: "datetime";
  readonly value: string;
  readonly at: Position | null;
}

export interface ArrayValue {
  readonly kind: "array";
  readonly items: readonly ConfigValue[];
  readonly at: Position | null;
}

export interface MapValue {
  readonly kind: "map";
  /** In the order of the text; a key given twice stands where it was given last. */
  readonly entries: ReadonlyMap<string, ConfigEntry>;
  readonly at: Position | null;
}

/** `at` is null for values that a program handed in. A member of a map stands where its key stands. */
export type ConfigValue =
  | IntValue
  | FloatValue
  | BoolValue
  | StringValue
  | DatetimeValue
  | ArrayValue
  | MapValue;

/** One member of a map. */
export interface ConfigEntry {
  readonly key: string;
  readonly value: ConfigValue;
  readonly at: Position | null;
  /** Whether some `$key` refers to it: such a key need not be an option. */
  usedAsVariable: boolean;
}

const KIND_NAMES: Readonly<Record<ConfigValue["kind"], string>> = {
  int: "an integer",
  float: "a float",
  bool: "a boolean",
  string: "a string",
  datetime: "a date",
  array: "a list",
  map: "a map",
};

/** A value's kind in words, with its article. */
export function kindName(kind: ConfigValue["kind"]): string {
  return KIND_NAMES[kind];
}
