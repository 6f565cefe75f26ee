import { goQuote } from "../../base/go-quote.ts";
import type { Instant } from "../../base/instant.ts";
import { fromWireString } from "../../subject/subject.ts";
import { JsonDecoder } from "./json-decoder.ts";
import { JsonReader, type JsonSyntaxProblem, type JsonValue } from "./json-reader.ts";

/**
 * Requests decoded from JSON by a table of their fields, the way the reference's runtime (Go) does it: names match in
 * any case, `null` leaves a field as it is, the last of a name that comes twice wins, an empty text is an empty
 * request, and the first thing that does not fit is the error, in its words.
 */

/**
 * What a field holds. `wire`: a string that becomes a wire string. `int` and `int64`, `uint64`: beyond what a double
 * holds exactly they are brought to that, as no stream gets there; `duration`: nanoseconds, rounded there instead.
 */
export type ScalarType =
  | "string"
  | "wire"
  | "bool"
  | "int"
  | "int32"
  | "int64"
  | "uint64"
  | "duration"
  | "time";

export type FieldType = ScalarType | ListType | TextMapType | WordsType | ObjectType;

/** By name, as the reference spells it. */
export type FieldTable = Readonly<Record<string, FieldType>>;

export interface ListType<Element extends FieldType = FieldType> {
  readonly kind: "list";
  readonly element: Element;
  /** The type's name in errors. */
  readonly goName: string;
}

/** An object whose keys are data and whose values are strings. */
export interface TextMapType {
  readonly kind: "texts";
}

/** One of a few words; `null` is none of them. */
export interface WordsType<Word extends string = string> {
  readonly kind: "words";
  /** What each means, by how it is written. */
  readonly words: ReadonlyMap<string, Word>;
  /** Of a value that is none of them, as it is written: the error. */
  readonly refuse: (source: string) => string;
  /** Whether case is of no account. */
  readonly isCaseless: boolean;
}

export interface ObjectType<Table extends FieldTable = FieldTable> {
  readonly kind: "object";
  readonly goName: string;
  readonly fields: Table;
  /** Lower case to the spelling in `fields`. */
  readonly names: ReadonlyMap<string, string>;
}

/** The values of the fields that are there. */
export type DecodedFields<Table extends FieldTable> = { [Name in keyof Table]?: DecodedField<Table[Name]> };

export type DecodedField<Type> = Type extends "string" | "wire"
  ? string
  : Type extends "bool"
    ? boolean
    : Type extends "time"
      ? Instant
      : Type extends ScalarType
        ? number
        : Type extends ListType<infer Element>
          ? readonly DecodedField<Element>[]
          : Type extends TextMapType
            ? ReadonlyMap<string, string>
            : Type extends WordsType<infer Word>
              ? Word
              : Type extends ObjectType<infer Table>
                ? DecodedFields<Table>
                : never;

/** An object with these fields. `goName`: the type's name in errors, with its package for all but the outermost one. */
export function objectOf<Table extends FieldTable>(goName: string, fields: Table): ObjectType<Table> {
  const names = new Map(Object.keys(fields).map((name) => [name.toLowerCase(), name]));
  return { kind: "object", goName, fields, names };
}

export function listOf<Element extends FieldType>(element: Element, goName: string): ListType<Element> {
  return { kind: "list", element, goName };
}

export const STRINGS = listOf("string", "[]string");
/** Strings that become wire strings. */
export const WIRES = listOf("wire", "[]string");
export const TEXTS: TextMapType = { kind: "texts" };

/** `words`: what each means, by how it is written between quotes. */
export function wordsOf<Word extends string>(
  words: Readonly<Record<string, Word>>,
  refuse: (source: string) => string = (source) => `can not unmarshal ${fromWireString(goQuote(source))}`,
  isCaseless = false,
): WordsType<Word> {
  return { kind: "words", words: new Map(Object.entries(words)), refuse, isCaseless };
}

/**
 * The fields that `payload` holds, or what is wrong with it: the reason behind `invalid JSON: `. Several values in a
 * row are taken one over the other. `isStrict`: names that nobody knows are refused.
 */
export function decodeRequest<Table extends FieldTable>(
  payload: Uint8Array,
  type: ObjectType<Table>,
  isStrict: boolean,
): { readonly fields: DecodedFields<Table> } | { readonly problem: string } {
  const reader = new JsonReader(payload);
  const decoder = new JsonDecoder(type.goName, isStrict);
  const fields: Record<string, unknown> = {};
  for (;;) {
    const value = reader.next();
    if (value === null) return { fields: fields as DecodedFields<Table> };
    const problem = isValue(value) ? decoder.decodeInto(value, type, fields) : syntaxText(value, isStrict);
    if (problem !== null) return { problem };
  }
}

/** Whether a request that must say nothing says nothing: no bytes, or an object without members. */
export function isEmptyRequest(payload: Uint8Array): boolean {
  if (payload.length === 0) return true;
  const reader = new JsonReader(payload);
  const value = reader.next();
  return value !== null && isValue(value) && value.kind === "object" && value.members.length === 0
    ? reader.next() === null
    : false;
}

/** Whether a request begins as JSON with fields does. */
export function isObjectOrArray(payload: Uint8Array): boolean {
  const first = payload.find((byte) => byte !== 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d);
  return first === 0x7b || first === 0x5b;
}

function isValue(value: JsonValue | JsonSyntaxProblem): value is JsonValue {
  return "kind" in value;
}

function syntaxText({ reason, offset }: JsonSyntaxProblem, isStrict: boolean): string {
  if (!isStrict) return offset === null ? "unexpected end of JSON input" : reason;
  return offset === null ? reason : `${reason} at offset ${offset}`;
}
