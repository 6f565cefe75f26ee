import type { MappingInput } from "../subject/mapping.ts";
import type { DurationText } from "./duration.ts";
import type { ReadContext } from "./read-context.ts";
import type { SizeText } from "./size.ts";
import type { ConfigEntry, ConfigValue } from "./value.ts";

/** What the rows of the options table consist of, and the TypeScript types that follow from them. */

/** What every row says. */
interface RowBase {
  /** Other spellings nats-server takes. All are matched without regard to case. */
  readonly aliases?: readonly string[];
  /** The heading it stands under in the documentation. */
  readonly group: OptionGroup;
  /** One or two sentences for the documentation. */
  readonly doc: string;
  /** Whether a reload of the file changes it in a running server. */
  readonly reload: boolean;
  /** An option of Caddis that nats-server does not know. */
  readonly own?: true;
}

export type OptionGroup =
  | "Network"
  | "Limits"
  | "Logging"
  | "Monitoring"
  | "Security"
  | "Subjects"
  | "WebSocket"
  | "JetStream"
  | "Other parts";

/** Bounds of a number, each with its reason. Values beyond them are errors. */
interface Bounds {
  readonly min?: number;
  readonly max?: number;
  /** Why these bounds; for the documentation. */
  readonly bounds?: string;
  /** 0 stands for the default, as in nats-server; `"in files"` where a program means it. */
  readonly zeroIsDefault?: "always" | "in files";
  /** What a negative number stands for. Without it, it is itself. */
  readonly negativeMeans?: number;
}

interface IntRow extends RowBase, Bounds {
  readonly type: "int";
  readonly default: number;
}

/** Bytes. */
interface SizeRow extends RowBase, Bounds {
  readonly type: "size";
  readonly default: number;
}

/** Milliseconds once resolved; bounds and default are milliseconds too. */
interface DurationRow extends RowBase, Bounds {
  readonly type: "duration";
  readonly default: number;
  /** A tighter lower bound for files, where nobody tests with a virtual clock. */
  readonly fileMin?: number;
  /** How a file may give bare numbers, which are seconds: not at all, with a warning, or freely. */
  readonly seconds: "refused" | "discouraged" | "allowed";
  /** Above this many milliseconds a file gets a warning: it was most likely meant otherwise. */
  readonly highMs?: number;
}

interface BoolRow extends RowBase {
  readonly type: "bool";
  readonly default: boolean;
}

interface StringRow extends RowBase {
  readonly type: "string";
  readonly default: string;
  /** What is wrong with a value, or null. */
  readonly check?: (value: string) => string | null;
}

/** One of a few words. */
interface ChoiceRow extends RowBase {
  readonly type: "choice";
  readonly values: readonly string[];
  readonly default: string;
}

/** A string or a list of strings; kept trimmed, in lower case, without empty ones and doubles. */
interface TagsRow extends RowBase {
  readonly type: "tags";
}

/** A map of strings. */
interface TextMapRow extends RowBase {
  readonly type: "textmap";
}

/** `host:port` or a port: another spelling for the two options it is `into`. */
interface AddressRow extends RowBase {
  readonly type: "address";
  readonly into: readonly [host: string, port: string];
}

/** Subject mappings, see `mappings.ts`. */
interface MappingsRow extends RowBase {
  readonly type: "mappings";
}

/** A map with options of its own. */
interface BlockRow extends RowBase {
  readonly type: "block";
  readonly rows: OptionTable;
  /**
   * The member that says whether the part is there at all: `true` and `"enabled"` stand for a block with nothing but
   * it, and a block without it counts as one with it.
   */
  readonly switch?: string;
}

/** An option with a form and a reader of its own; made by `custom`. */
export interface CustomRow<Input, Value> extends RowBase {
  readonly type: "custom";
  readonly default: Value;
  /** What it may be, in a few words for the documentation. */
  readonly form: string;
  /** Returns the value as the server wants it; undefined when there is none to keep, which is reported. */
  read(entry: ConfigEntry, context: ReadContext): Value | undefined;
  /** How a program would hand the value in. Absent: as the file has it. */
  toInput?(value: Value): Input;
  /** Never there: carries the type of what a program may hand in. */
  readonly input?: Input;
}

/** A row of its own kind, with the types of what comes in and what the server gets. */
export function custom<Input, Value>(
  row: Omit<CustomRow<Input, Value>, "type" | "input">,
): CustomRow<Input, Value> {
  return { type: "custom", ...row };
}

/** An option of a part that is not built yet: known, refused at the start unless it is `off`. */
export interface UnsupportedRow extends RowBase {
  readonly type: "unsupported";
  readonly part: string;
  /** The kinds of value nats-server takes. */
  readonly accepts: readonly ConfigValue["kind"][];
  /** The values that leave the part switched off, and so are all right. Strings are matched without regard to case. */
  readonly off: readonly OffValue[];
}

/** `"empty"` is a list, a map or a string with nothing in it; `"all false"` a map of nothing but `false`. */
export type OffValue = { readonly is: boolean | 0 | string } | "empty" | "all false";

export type OptionRow =
  | IntRow
  | SizeRow
  | DurationRow
  | BoolRow
  | StringRow
  | ChoiceRow
  | TagsRow
  | TextMapRow
  | AddressRow
  | MappingsRow
  | BlockRow
  | CustomRow<unknown, unknown>
  | UnsupportedRow;

export interface OptionTable {
  readonly [name: string]: OptionRow;
}

/** What a program may hand in for a table: everything optional, names and values as in a file. */
export type InputOf<Table extends OptionTable> = {
  -readonly [Name in keyof Table as Table[Name] extends UnsupportedRow ? never : Name]?: InputValue<
    Table[Name]
  >;
};

/** What the server gets for a table: everything present, durations in milliseconds, sizes in bytes. */
export type ResolvedOf<Table extends OptionTable> = {
  readonly [
    Name in keyof Table as Table[Name] extends UnsupportedRow | AddressRow ? never : Name
  ]: ResolvedValue<Table[Name]>;
};

/** Mappings as a program may hand them in: by source, with one destination or several weighted ones. */
export type MappingsInput = Record<
  string,
  string | MappingDestinationInput | readonly MappingDestinationInput[]
>;

/** One destination of a mapping; `weight` is a percentage, as a number or as text such as `"50%"`. */
export interface MappingDestinationInput {
  destination: string;
  weight: number | string;
  cluster?: string;
}

type InputValue<Row extends OptionRow> = Row extends { type: "int" }
  ? number
  : Row extends { type: "size" }
    ? number | SizeText
    : Row extends { type: "duration" }
      ? DurationText
      : Row extends { type: "bool" }
        ? boolean
        : Row extends { type: "string" }
          ? string
          : Row extends { type: "choice"; values: readonly (infer Word)[] }
            ? Word
            : Row extends { type: "tags" }
              ? string | readonly string[]
              : Row extends { type: "textmap" }
                ? Readonly<Record<string, string>>
                : Row extends { type: "address" }
                  ? string | number
                  : Row extends { type: "mappings" }
                    ? MappingsInput
                    : Row extends { type: "block"; rows: infer Rows extends OptionTable }
                      ?
                          | InputOf<Rows>
                          | (Row extends { switch: string } ? boolean | "enabled" | "disabled" : never)
                      : Row extends CustomRow<infer Input, infer _>
                        ? Input
                        : never;

type ResolvedValue<Row extends OptionRow> = Row extends { type: "int" | "size" | "duration" }
  ? number
  : Row extends { type: "bool" }
    ? boolean
    : Row extends { type: "string" }
      ? string
      : Row extends { type: "choice"; values: readonly (infer Word)[] }
        ? Word
        : Row extends { type: "tags" }
          ? readonly string[]
          : Row extends { type: "textmap" }
            ? Readonly<Record<string, string>>
            : Row extends { type: "mappings" }
              ? readonly MappingInput[]
              : Row extends { type: "block"; rows: infer Rows extends OptionTable }
                ? ResolvedOf<Rows>
                : Row extends CustomRow<infer _, infer Value>
                  ? Value
                  : never;
