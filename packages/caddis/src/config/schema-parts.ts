/** What JSON schemas consist of, draft 7: the one that editors know best. */

/** A schema or a part of one. */
export interface JsonSchema {
  readonly $schema?: string;
  readonly $ref?: string;
  readonly title?: string;
  readonly description?: string;
  readonly type?: "integer" | "number" | "boolean" | "string" | "array" | "object";
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly maxProperties?: number;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly patternProperties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | false;
  readonly definitions?: Readonly<Record<string, JsonSchema>>;
}

export const TEXT: JsonSchema = { type: "string" };
export const FLAG: JsonSchema = { type: "boolean" };
export const WHOLE: JsonSchema = { type: "integer" };
export const TEXT_LIST: JsonSchema = { type: "array", items: TEXT };
/** One text or a list of them. */
export const TEXTS: JsonSchema = { anyOf: [TEXT, TEXT_LIST] };
/** Whatever it is: it counts for nothing here, or belongs to a part that is not built yet. */
export const ANYTHING: JsonSchema = {};
/** A duration as Go writes it. */
export const DURATION: JsonSchema = {
  type: "string",
  pattern: "^[+-]?(?:0|(?:(?:\\d+(?:\\.\\d*)?|\\.\\d+)(?:ns|us|µs|μs|ms|s|m|h))+)$",
};
/** A duration, or a number of seconds. */
export const SECONDS: JsonSchema = { anyOf: [DURATION, { type: "number" }] };

/** One of a few words, in any case. */
export function word(words: readonly string[]): JsonSchema {
  return { anyOf: [{ enum: words }, { type: "string", pattern: inAnyCase(words) }] };
}

/** The short forms of a block that can be switched off. */
export const SWITCH: readonly JsonSchema[] = [FLAG, word(["enabled", "enable", "disabled", "disable"])];

/** Members of a map by their names; several spellings of one are given as `"user username"`. */
export type Members = Readonly<Record<string, JsonSchema>>;

/** Collects the maps of a schema: they refer to each other by name. */
export class Definitions {
  readonly #maps = new Map<string, JsonSchema>();

  /**
   * A map that has `members` and no others, in lower case for editors to offer, and in any other case too. `name` is
   * that of the definition; one that is there already is taken as it is.
   */
  map(name: string, members: () => Members): JsonSchema & { readonly $ref: string } {
    const $ref = `#/definitions/${name}`;
    if (this.#maps.has($ref)) return { $ref };
    // Before its members are made: one of them may be such a map again.
    this.#maps.set($ref, {});
    this.#maps.set($ref, mapOf($ref, members()));
    return { $ref };
  }

  /** All of them by name. */
  all(): Record<string, JsonSchema> {
    const named = [...this.#maps].map(([ref, map]) => [ref.slice("#/definitions/".length), map] as const);
    return Object.fromEntries(named.sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}

function mapOf(place: string, members: Members): JsonSchema {
  const properties: Record<string, JsonSchema> = {};
  const patternProperties: Record<string, JsonSchema> = {};
  for (const [spellings, schema] of Object.entries(members)) {
    const [name, ...others] = spellings.split(" ");
    const same = { $ref: `${place}/properties/${name}` };
    properties[name] = schema;
    for (const other of others) properties[other] = same;
    patternProperties[inAnyCase([name, ...others])] = same;
  }
  return { type: "object", properties, patternProperties, additionalProperties: false };
}

/** A pattern for these words and nothing else. They consist of letters, digits, dashes and underscores. */
function inAnyCase(words: readonly string[]): string {
  const patterns = words.map((text) =>
    text.replaceAll(/[a-z]/gi, (letter) => `[${letter.toLowerCase()}${letter.toUpperCase()}]`),
  );
  return `^(?:${patterns.join("|")})$`;
}
