import { goQuote } from "../../base/go-quote.ts";
import { utf8Characters } from "../../base/utf8.ts";
import { fromWireString } from "../../subject/subject.ts";

export type JsonKind = "null" | "bool" | "number" | "string" | "array" | "object";

/** A value in a JSON text. What `kind` does not need is empty. */
export interface JsonValue {
  readonly kind: JsonKind;
  /** As it stands in the text, a wire string. */
  readonly source: string;
  /** What a string says. */
  readonly text: string;
  readonly items: readonly JsonValue[];
  /** In their order; a name may come twice. */
  readonly members: readonly JsonMember[];
}

export interface JsonMember {
  readonly name: string;
  readonly value: JsonValue;
}

/** A text that is no JSON. */
export interface JsonSyntaxProblem {
  readonly reason: string;
  /** Bytes up to and with the one that is wrong; null: the text ends too soon. */
  readonly offset: number | null;
}

/** No request nests deeper than a handful; the reference stops at 10,000, where our stack would not last. */
export const JSON_DEPTH_MAX = 500;

const WHITESPACE = /[ \t\n\r]*/y;
const DIGITS = /[0-9]*/y;
/** Up to the end of a string, an escape, or what may not stand in one. */
const PLAIN_TEXT = /[ !#-[\]-\xff]*/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
const LITERALS: Readonly<Record<string, JsonKind>> = { null: "null", true: "bool", false: "bool" };

/**
 * Reads JSON values from bytes, in words for what is wrong that are the reference's runtime's. Unlike `JSON.parse` it
 * keeps how numbers are written, and members whose names come twice.
 */
export class JsonReader {
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(bytes: Uint8Array) {
    this.#text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
  }

  /** The next value; null after the last one. */
  next(): JsonValue | JsonSyntaxProblem | null {
    try {
      this.#skip(WHITESPACE);
      return this.#at === this.#text.length ? null : this.#value();
    } catch (error) {
      if (error instanceof SyntaxFault) return { reason: error.message, offset: error.offset };
      throw error;
    }
  }

  #value(): JsonValue {
    const start = this.#at;
    switch (this.#text[start]) {
      case "{":
        return this.#object();
      case "[":
        return this.#array();
      case '"':
        return this.#string("at start of value");
      case "n":
        return this.#literal("null");
      case "t":
        return this.#literal("true");
      case "f":
        return this.#literal("false");
      default:
        return this.#number();
    }
  }

  #object(): JsonValue {
    const start = this.#enter();
    const members: JsonMember[] = [];
    if (!this.#takes("}")) {
      do {
        this.#skip(WHITESPACE);
        const name = this.#string("looking for beginning of object key string").text;
        if (!this.#takes(":")) this.#fail("after object key");
        this.#skip(WHITESPACE);
        members.push({ name, value: this.#value() });
      } while (this.#takes(","));
      if (!this.#takes("}")) this.#fail("after object key:value pair");
    }
    this.#depth--;
    return this.#made("object", start, { members });
  }

  #array(): JsonValue {
    const start = this.#enter();
    const items: JsonValue[] = [];
    if (!this.#takes("]")) {
      do {
        this.#skip(WHITESPACE);
        items.push(this.#value());
      } while (this.#takes(","));
      if (!this.#takes("]")) this.#fail("after array element");
    }
    this.#depth--;
    return this.#made("array", start, { items });
  }

  #string(where: string): JsonValue {
    const start = this.#at;
    if (this.#text[start] !== '"') this.#fail(where);
    this.#at++;
    let hasEscape = false;
    for (;;) {
      this.#skip(PLAIN_TEXT);
      const code = this.#text.charCodeAt(this.#at);
      if (code === 0x22) break;
      if (code !== 0x5c) this.#fail("in string");
      hasEscape = true;
      this.#escape();
    }
    this.#at++;
    const inside = this.#text.slice(start + 1, this.#at - 1);
    const text = fromWireString(inside);
    return this.#made("string", start, { text: hasEscape ? unescaped(text) : text });
  }

  #escape(): void {
    const start = this.#at;
    if (this.#skip(ESCAPE)) return;
    const length = this.#text[start + 1] === "u" ? 6 : 2;
    if (start + length > this.#text.length) throw new SyntaxFault("unexpected EOF", null);
    const sequence = this.#text.slice(start, start + length);
    throw new SyntaxFault(`invalid escape sequence \`${sequence}\` in string`, start + length);
  }

  #literal(word: string): JsonValue {
    const start = this.#at;
    for (const letter of word) {
      if (this.#text[this.#at] !== letter) this.#fail(`in literal ${word} (expecting '${letter}')`);
      this.#at++;
    }
    return this.#made(LITERALS[word] ?? "null", start);
  }

  #number(): JsonValue {
    const start = this.#at;
    const isNegative = this.#text[start] === "-";
    if (isNegative) this.#at++;
    const isZero = this.#text[this.#at] === "0";
    if (isZero) this.#at++;
    else this.#digits(isNegative ? "in numeric literal" : "looking for beginning of value");
    if (this.#text[this.#at] === ".") {
      this.#at++;
      this.#digits("in numeric literal");
    }
    if (/[eE]/.test(this.#text[this.#at] ?? "")) {
      this.#at++;
      if (/[+-]/.test(this.#text[this.#at] ?? "")) this.#at++;
      this.#digits("in numeric literal");
    }
    return this.#made("number", start);
  }

  /** One or more. */
  #digits(where: string): void {
    if (!this.#skip(DIGITS)) this.#fail(where);
  }

  #enter(): number {
    if (++this.#depth > JSON_DEPTH_MAX) throw new SyntaxFault("exceeded max depth", this.#at + 1);
    return this.#at++;
  }

  /** Goes past white space and `mark` if that is what follows. */
  #takes(mark: string): boolean {
    this.#skip(WHITESPACE);
    if (this.#text[this.#at] !== mark) return false;
    this.#at++;
    return true;
  }

  /** Goes past what `pattern` takes; false when that is nothing. */
  #skip(pattern: RegExp): boolean {
    const start = this.#at;
    pattern.lastIndex = start;
    pattern.test(this.#text);
    this.#at = pattern.lastIndex > start ? pattern.lastIndex : start;
    return this.#at > start;
  }

  #made(kind: JsonKind, start: number, parts: Partial<JsonValue> = {}): JsonValue {
    const source = this.#text.slice(start, this.#at);
    return { kind, source, text: "", items: [], members: [], ...parts };
  }

  /** Of the character that comes next. */
  #fail(where: string): never {
    const [character] = utf8Characters(this.#text.slice(this.#at, this.#at + 4));
    if (character === undefined) throw new SyntaxFault("unexpected EOF", null);
    const shown = quoteRune(character);
    throw new SyntaxFault(`invalid character ${shown} ${where}`, this.#at + character.length);
  }
}

/** Thrown while reading, caught where the reading began. */
class SyntaxFault extends Error {
  readonly offset: number | null;

  constructor(reason: string, offset: number | null) {
    super(reason);
    this.offset = offset;
  }
}

/** As Go quotes one character. */
function quoteRune(character: string): string {
  if (character === "'") return String.raw`'\''`;
  if (character === '"') return `'"'`;
  return `'${fromWireString(goQuote(character)).slice(1, -1)}'`;
}

/** What stands between the quotes of a JSON string, valid and with escapes; halves of pairs become U+FFFD. */
function unescaped(inside: string): string {
  return (JSON.parse(`"${inside}"`) as string).toWellFormed();
}
