import { formatDuration } from "./duration.ts";
import type { OffValue, OptionRow, OptionTable } from "./option-row.ts";
import { OPTIONS } from "./options.ts";
import {
  ANYTHING,
  Definitions,
  DURATION,
  SWITCH,
  TEXT,
  TEXTS,
  word,
  type JsonSchema,
  type Members,
} from "./schema-parts.ts";
import { customSchema, mappingsSchema } from "./schema-security.ts";

type RowOf<Type extends OptionRow["type"]> = Extract<OptionRow, { type: Type }>;

/** `host:port`, `:port` or `[v6]:port`. */
const HOST_PORT = "^\\s*(?:\\[[^\\[\\]]*\\]|[^:\\[\\]]*):[+-]?\\d{1,9}$";
const PORT_MAX = 65_535;

/**
 * The JSON schema of a configuration that is written as JSON, for editors. It knows names, kinds of values and their
 * bounds; how options go together and what is in files only the server can say.
 */
export function configSchema(): JsonSchema {
  const definitions = new Definitions();
  const options = definitions.map("options", () => membersOf(OPTIONS, "", definitions));
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "Configuration of Caddis",
    ...aside(options),
    definitions: definitions.all(),
  };
}

function membersOf(table: OptionTable, prefix: string, definitions: Definitions): Members {
  const members = Object.entries(table).map(([name, row]) => {
    const spellings = [name, ...(row.aliases ?? [])].join(" ");
    const form = formOf(row, prefix + name, definitions);
    const described: JsonSchema = { ...annotationsOf(row), ...aside(form) };
    return [spellings, described] as const;
  });
  return Object.fromEntries(members);
}

/** Beside a `$ref` nothing counts, by the rules of draft 7: so it goes into a list of its own. */
function aside(form: JsonSchema): JsonSchema {
  return form.$ref === undefined ? form : { allOf: [form] };
}

function annotationsOf(row: OptionRow): JsonSchema {
  const notes = [row.doc];
  if ("bounds" in row && row.bounds !== undefined) notes.push(row.bounds);
  if (row.type === "unsupported") notes.push(`Not supported yet: ${row.part}.`);
  else notes.push(row.reload ? "A reload changes it." : "A change needs a restart.");
  if (row.own === true) notes.push("An addition of Caddis.");
  const description = notes.join(" ");
  if (!("default" in row) || row.type === "custom") return { description };
  return { description, default: row.type === "duration" ? formatDuration(row.default) : row.default };
}

function formOf(row: OptionRow, path: string, definitions: Definitions): JsonSchema {
  switch (row.type) {
    case "int":
    case "size":
      return { type: "integer", ...boundsOf(row) };
    case "duration":
      return durationForm(row);
    case "bool":
      return { type: "boolean" };
    case "string":
      return TEXT;
    case "choice":
      return { enum: row.values };
    case "tags":
      return TEXTS;
    case "textmap":
      return { type: "object", additionalProperties: TEXT };
    case "address":
      return {
        anyOf: [
          { type: "integer", minimum: -1, maximum: PORT_MAX },
          { type: "string", pattern: HOST_PORT },
        ],
      };
    case "mappings":
      return mappingsSchema(definitions);
    case "block": {
      const map = definitions.map(path, () => membersOf(row.rows, `${path}.`, definitions));
      return row.switch === undefined ? map : { anyOf: [...SWITCH, map] };
    }
    case "custom":
      // One that nothing is known of is left to the server.
      return customSchema(row, definitions) ?? ANYTHING;
    case "unsupported":
      return { anyOf: row.off.flatMap((off) => offForms(off, row)) };
  }
}

function boundsOf(row: RowOf<"int" | "size">): JsonSchema {
  const { min, max, zeroIsDefault, negativeMeans } = row;
  const takesNegative = negativeMeans !== undefined && negativeMeans >= (min ?? -Infinity);
  const minimum = zeroIsDefault === undefined ? min : Math.min(0, min ?? 0);
  return {
    ...(takesNegative || minimum === undefined ? {} : { minimum }),
    maximum: max ?? Number.MAX_SAFE_INTEGER,
  };
}

function durationForm({ seconds, min = 0, fileMin, zeroIsDefault }: RowOf<"duration">): JsonSchema {
  if (seconds === "refused") return DURATION;
  const minimum = zeroIsDefault === undefined ? (fileMin ?? min) / 1_000 : 0;
  return { anyOf: [DURATION, { type: seconds === "allowed" ? "number" : "integer", minimum }] };
}

/** The values that leave a part switched off that is not built yet. */
function offForms(off: OffValue, { accepts }: RowOf<"unsupported">): JsonSchema[] {
  if (off === "all false") return [{ type: "object", additionalProperties: { const: false } }];
  if (off !== "empty") return [typeof off.is === "string" ? word([off.is]) : { const: off.is }];
  const empty: JsonSchema[] = [];
  if (accepts.includes("map")) empty.push({ type: "object", maxProperties: 0 });
  if (accepts.includes("array")) empty.push({ type: "array", maxItems: 0 });
  if (accepts.includes("string")) empty.push({ const: "" });
  return empty;
}
