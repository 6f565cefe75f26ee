import { goQuote } from "../../base/go-quote.ts";
import { type Instant, parseInstant } from "../../base/instant.ts";
import { fromWireString, toWireString } from "../../subject/subject.ts";
import type { FieldType, ListType, ObjectType, ScalarType, WordsType } from "./json-fields.ts";
import type { JsonValue } from "./json-reader.ts";

/** Thrown while fields are decoded, caught where that began. */
class Misfit extends Error {}

const INTEGER = /^-?\d+$/;
/** Decimal digits that always fit a double exactly. */
const SAFE_DIGITS = 15;
const RANGES = {
  int: [-(2n ** 63n), 2n ** 63n - 1n],
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
  duration: [-(2n ** 63n), 2n ** 63n - 1n],
} as const;
/** The largest number of nanoseconds that is a double and does not read as more than 64 bits when written. */
const DURATION_MAX = 2 ** 63 - 1024;

/**
 * Takes what JSON says into fields, by their table; tells the first thing that does not fit, and where it lies.
 */
export class JsonDecoder {
  readonly #root: string;
  readonly #isStrict: boolean;
  /** Where the value at hand lies. */
  readonly #path: string[] = [];

  constructor(root: string, isStrict: boolean) {
    this.#root = root;
    this.#isStrict = isStrict;
  }

  /** Adds what `value` says to `into`; returns what is wrong, or null. */
  decodeInto(value: JsonValue, type: ObjectType, into: Record<string, unknown>): string | null {
    try {
      if (value.kind !== "null") this.#object(value, type, into);
      return null;
    } catch (error) {
      if (error instanceof Misfit) return error.message;
      throw error;
    }
  }

  #object(value: JsonValue, type: ObjectType, into: Record<string, unknown>): Record<string, unknown> {
    if (value.kind !== "object") this.#refuse(value, typeName(type));
    for (const member of value.members) {
      const name = Object.hasOwn(type.fields, member.name)
        ? member.name
        : type.names.get(member.name.toLowerCase());
      const fieldType = name === undefined ? undefined : type.fields[name];
      if (name === undefined || fieldType === undefined) {
        if (this.#isStrict) throw new Misfit(`json: unknown field ${quoted(member.name)}`);
        continue;
      }
      this.#path.push(member.name);
      if (member.value.kind !== "null" || isWords(fieldType)) {
        into[name] = this.#value(member.value, fieldType, into[name]);
      } else if (!isScalar(fieldType)) delete into[name];
      this.#path.pop();
    }
    return into;
  }

  /** `before`: what an earlier member of the same name said. */
  #value(value: JsonValue, type: FieldType, before?: unknown): unknown {
    if (isScalar(type)) return this.#scalar(value, type);
    switch (type.kind) {
      case "list":
        return this.#list(value, type);
      case "texts":
        return this.#texts(value);
      case "words":
        return word(value, type);
      case "object":
        return this.#object(value, type, { ...(before as Record<string, unknown> | undefined) });
    }
  }

  #scalar(value: JsonValue, type: ScalarType): unknown {
    switch (type) {
      case "string":
      case "wire":
        if (value.kind !== "string") this.#refuse(value, "string");
        return type === "wire" ? toWireString(value.text) : value.text;
      case "bool":
        if (value.kind !== "bool") this.#refuse(value, "bool");
        return value.source === "true";
      case "time":
        return this.#time(value);
      default:
        return this.#integer(value, type);
    }
  }

  #integer(value: JsonValue, type: keyof typeof RANGES): number {
    const goName = typeName(type);
    if (value.kind !== "number") this.#refuse(value, goName);
    const { source } = value;
    if (!INTEGER.test(source)) this.#refuse(value, goName, ` ${source}`);
    const number = Number(source) + 0; // no -0
    if (source.length <= SAFE_DIGITS && type !== "int32" && (type !== "uint64" || number >= 0)) return number;
    const whole = BigInt(source);
    const [least, most] = RANGES[type];
    if (whole < least || whole > most) this.#refuse(value, goName, ` ${source}`);
    const bound = type === "duration" ? DURATION_MAX : Number.MAX_SAFE_INTEGER;
    return Math.max(-bound, Math.min(bound, number));
  }

  #time(value: JsonValue): Instant {
    if (value.kind !== "string") this.#refuse(value, "time.Time");
    const time = parseInstant(value.text);
    if (time !== null) return time;
    const shown = quoted(value.text);
    throw new Misfit(`parsing time ${shown} as "2006-01-02T15:04:05Z07:00": cannot parse ${shown} as "2006"`);
  }

  #list(value: JsonValue, type: ListType): readonly unknown[] {
    if (value.kind !== "array") this.#refuse(value, type.goName);
    return value.items.map((item, index) => {
      this.#path.push(String(index));
      const element = item.kind === "null" ? emptyOf(type.element) : this.#value(item, type.element);
      this.#path.pop();
      return element;
    });
  }

  #texts(value: JsonValue): ReadonlyMap<string, string> {
    if (value.kind !== "object") this.#refuse(value, "map[string]string");
    const texts = new Map<string, string>();
    for (const { name, value: text } of value.members) {
      this.#path.push(name);
      if (text.kind !== "string" && text.kind !== "null") this.#refuse(text, "string");
      texts.set(name, text.text);
      this.#path.pop();
    }
    return texts;
  }

  #refuse(value: JsonValue, goName: string, detail = ""): never {
    const last = this.#path.at(-1);
    let into = "Go value";
    if (last !== undefined) {
      const isIndex = /^\d+$/.test(last);
      into = `${isIndex ? "" : "Go struct field "}${[this.#root, ...this.#path].join(".")}`;
    }
    throw new Misfit(`json: cannot unmarshal ${value.kind}${detail} into ${into} of type ${goName}`);
  }
}

/** What `null` makes of an element of a list. */
function emptyOf(type: FieldType): unknown {
  if (!isScalar(type)) return type.kind === "object" ? {} : [];
  switch (type) {
    case "string":
    case "wire":
      return "";
    case "bool":
      return false;
    default:
      return 0;
  }
}

function word({ kind, source }: JsonValue, type: WordsType): string {
  const written = kind === "string" ? source.slice(1, -1) : "";
  const meant = type.words.get(type.isCaseless ? written.toLowerCase() : written);
  if (kind !== "string" || meant === undefined) throw new Misfit(type.refuse(source));
  return meant;
}

function isScalar(type: FieldType): type is ScalarType {
  return typeof type === "string";
}

function isWords(type: FieldType): boolean {
  return !isScalar(type) && type.kind === "words";
}

/** As the reference calls it in errors. */
function typeName(type: ScalarType | ObjectType): string {
  if (!isScalar(type)) return type.goName.includes(".") ? type.goName : `server.${type.goName}`;
  switch (type) {
    case "duration":
      return "time.Duration";
    case "wire":
      return "string";
    default:
      return type;
  }
}

function quoted(text: string): string {
  return fromWireString(goQuote(toWireString(text)));
}
