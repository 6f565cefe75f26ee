import { ConfigError } from "./config-error.ts";
import type { Position } from "./value.ts";

/**
 * The words of the configuration language: spaces, comments, keys and scalars. What may follow what is
 * the parser's business.
 *
 *     key      any characters up to a space, ':' or '='; or between quotes, then without escapes
 *     comment  '#' or '//' to the end of the line, only where a key, an item or an end may stand
 *     'raw'    up to the next ', line breaks included
 *     "text"   with the escapes \t \n \r \" \\ \xHH
 *     ( ... )  a block: all bytes up to a line that is nothing but ')', first and last line break included
 *     bare     up to a space, line break, ',', ';', ']' or '}', with the same escapes; may turn out to be a
 *              boolean, a number or a $variable
 */

/** A scalar as it was spelled; a variable's value is found by the parser. */
export type Scalar =
  | { readonly kind: "int"; readonly value: bigint }
  | { readonly kind: "float"; readonly value: number }
  | { readonly kind: "bool"; readonly value: boolean }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "datetime"; readonly value: string }
  | { readonly kind: "variable"; readonly name: string };

export interface Key {
  readonly text: string;
  readonly quoted: boolean;
  readonly at: Position;
}

/** What Go's unicode.IsSpace takes for a space: these may stand before a key. */
const SPACE = /[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;
const KEY_END = /[:=\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;
const DIGITS = /\d+/y;
const DATETIME = /\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z/y;
const FRACTION = /\.\d+/y;
const ADDRESS_TAIL = /[\d.:-]*/y;
const UNIT = /([kmgtpe])(b|i|ib)?(?=[\s,;\]}]|$)/iy;
const BARE_RUN = /[^\s,;\]}'\\]+/y;

const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ["true", true],
  ["yes", true],
  ["on", true],
  ["false", false],
  ["no", false],
  ["off", false],
]);

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

/** Hashes that bcrypt makes begin so; without quotes they are still no variables. */
const BCRYPT_PREFIX = "$2a$";

/** The character that ends the text; NUL itself is refused, so the two cannot be confused. */
export const END_OF_TEXT = "";

export class Lexer {
  readonly file: string;
  readonly #text: string;
  #offset = 0;
  #line = 1;
  /** The offset of the last line break, 0 on the first line; see `Position`. */
  #lineStart = 0;

  constructor(text: string, file: string) {
    this.file = file;
    // Some editors put a byte order mark first; it means nothing in UTF-8.
    this.#text = text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
  }

  /** Where the next character stands. */
  position(): Position {
    return { file: this.file, line: this.#line, column: this.#offset - this.#lineStart };
  }

  /** The next character, `END_OF_TEXT` when there is none. */
  peek(): string {
    return this.#text.charAt(this.#offset);
  }

  /** Consumes one character, which must not be the end. */
  advance(): void {
    if (this.#text.charCodeAt(this.#offset) === 10) {
      this.#line++;
      this.#lineStart = this.#offset;
    }
    this.#offset++;
  }

  /** The fault at the next character, or at `at`. */
  fault(reason: string, at: Position = this.position()): ConfigError {
    return ConfigError.at(at, reason);
  }

  /** The next character as error texts name it. */
  describeNext(): string {
    const next = this.#text.codePointAt(this.#offset);
    if (next === undefined) return "the end of the text";
    if (next === 10 || next === 13) return "new line";
    return `'${String.fromCodePoint(next)}'`;
  }

  /** Skips spaces that are no line breaks. */
  skipBlanks(): void {
    for (let next = this.peek(); next !== "\n" && next !== "\r" && SPACE.test(next); next = this.peek()) {
      this.advance();
    }
  }

  /** Skips all spaces, line breaks among them. */
  skipSpaces(): void {
    while (SPACE.test(this.peek())) this.advance();
  }

  /** Skips spaces, line breaks and comments. */
  skipSpacesAndComments(): void {
    do this.skipSpaces();
    while (this.skipComment());
  }

  /** Skips a comment up to its line break and tells whether there was one. */
  skipComment(): boolean {
    if (!this.#text.startsWith("#", this.#offset) && !this.#text.startsWith("//", this.#offset)) return false;
    const end = this.#text.indexOf("\n", this.#offset);
    this.#offset = end < 0 ? this.#text.length : end;
    return true;
  }

  /** Reads a key; what follows it (spaces, a separator, the value) stays. */
  readKey(): Key {
    const quote = this.peek();
    if (quote === '"' || quote === "'") {
      this.advance();
      const at = this.position();
      return { text: this.#readRaw(quote, at), quoted: true, at };
    }
    if (quote === ":" || quote === "=") throw this.fault(`Unexpected key separator '${quote}'`);
    if (quote === "," || quote === ";") throw this.fault(`Unexpected '${quote}' where a key is expected`);
    const at = this.position();
    let end = this.#offset;
    while (end < this.#text.length && !KEY_END.test(this.#text[end])) end++;
    const text = this.#text.slice(this.#offset, end);
    this.#refuseNul(text, at);
    this.#offset = end;
    return { text, quoted: false, at };
  }

  /** Reads the path behind the word `include`: quoted, or up to a space, ';' or '}'. */
  readIncludePath(): string {
    const quote = this.peek();
    const at = this.position();
    if (quote === "\n" || quote === "\r") throw this.fault("Expected include value but found new line");
    if (quote === '"' || quote === "'") {
      this.advance();
      return this.#readRaw(quote, at);
    }
    const start = this.#offset;
    while (this.#offset < this.#text.length && !/[\s;}]/.test(this.peek())) this.#offset++;
    const path = this.#text.slice(start, this.#offset);
    this.#refuseNul(path, at);
    return path;
  }

  /** Reads a scalar of any kind; lists and maps are the parser's. */
  readScalar(): Scalar {
    const first = this.peek();
    const at = this.position();
    if (first === "\n" || first === "\r") throw this.fault("Expected value but found new line");
    if (first === "'") {
      this.advance();
      return { kind: "string", value: this.#readRaw("'", at) };
    }
    if (first === '"') {
      this.advance();
      return { kind: "string", value: this.#readQuoted(at) };
    }
    if (first === "(") return { kind: "string", value: this.#readBlock(at) };
    if (first === ".") throw this.fault("Floats must start with a digit");
    if (first === "-" || (first >= "0" && first <= "9")) {
      const number = this.#readNumber(at);
      if (number !== null) return number;
    }
    return this.#readBare(at);
  }

  /** A number, date or numeric address; null when the digits only begin a bare string (nothing is consumed then). */
  #readNumber(at: Position): Scalar | null {
    const start = this.#offset;
    const negative = this.peek() === "-";
    if (negative) this.#offset++;
    const digits = this.#match(DIGITS);
    if (digits === null) throw this.fault(`Expected a digit but got ${this.describeNext()}.`);
    const next = this.peek();
    if (next === "-" && !negative) {
      this.#offset = start;
      return this.#readDatetime(digits, at);
    }
    if (next === ".") return this.#readFloatOrAddress(start, negative);
    const unit = this.#match(UNIT);
    if (unit !== null) return this.#int(digits, negative, unit, at);
    if (negative || next === END_OF_TEXT || /[\s,;\]}]/.test(next))
      return this.#int(digits, negative, "", at);
    this.#offset = start;
    return null;
  }

  #int(digits: string, negative: boolean, unit: string, at: Position): Scalar {
    // 64 bits hold no more than 19 digits; BigInt of a megabyte of them would take long.
    const significant = digits.replace(/^0+(?=\d)/, "");
    const magnitude = significant.length > 19 ? INT64_MAX * 2n : BigInt(significant) * unitFactor(unit);
    const value = negative ? -magnitude : magnitude;
    if (value < INT64_MIN || value > INT64_MAX) {
      throw this.fault(`integer '${negative ? "-" : ""}${shorten(digits)}${unit}' is out of the range`, at);
    }
    return { kind: "int", value };
  }

  #readDatetime(digits: string, at: Position): Scalar {
    const text = this.#match(DATETIME);
    if (text === null) {
      throw this.fault(
        digits.length === 4
          ? "Expected an ISO8601 datetime such as 2026-01-31T12:00:00Z"
          : "All ISO8601 dates must be in full Zulu form.",
        at,
      );
    }
    const ms = Date.parse(text);
    if (Number.isNaN(ms) || new Date(ms).toISOString() !== text.replace("Z", ".000Z")) {
      throw this.fault(`expected Zulu formatted DateTime, but got '${text}'`, at);
    }
    return { kind: "datetime", value: text };
  }

  #readFloatOrAddress(start: number, negative: boolean): Scalar {
    if (this.#match(FRACTION) === null) {
      this.#offset++;
      throw this.fault(`Floats must have a digit after the '.', but got ${this.describeNext()} instead.`);
    }
    if (this.peek() === "." && !negative) {
      this.#match(ADDRESS_TAIL);
      return { kind: "string", value: this.#text.slice(start, this.#offset) };
    }
    return { kind: "float", value: Number(this.#text.slice(start, this.#offset)) };
  }

  #readBare(at: Position): Scalar {
    const bytes = new EscapedText();
    for (;;) {
      const run = this.#match(BARE_RUN);
      if (run !== null) {
        this.#refuseNul(run, at);
        bytes.addText(run);
        continue;
      }
      const next = this.peek();
      if (next === "\\") this.#readEscape(bytes);
      else if (next === "'") throw this.fault("Unexpected ' inside a string without quotes");
      // A space that is neither blank nor line break (such as U+00A0) belongs to the string.
      else if (next !== END_OF_TEXT && !/[ \t\r\n,;\]}]/.test(next)) {
        bytes.addText(next);
        this.#offset++;
      } else break;
    }
    const text = bytes.toString();
    if (bytes.escaped) return { kind: "string", value: text };
    const boolean = BOOLEANS.get(text.toLowerCase());
    if (boolean !== undefined) return { kind: "bool", value: boolean };
    if (text.startsWith("$") && !text.startsWith(BCRYPT_PREFIX))
      return { kind: "variable", name: text.slice(1) };
    return { kind: "string", value: text };
  }

  #readQuoted(at: Position): string {
    const bytes = new EscapedText();
    for (;;) {
      const start = this.#offset;
      for (let next = this.peek(); next !== '"' && next !== "\\"; next = this.peek()) {
        if (next === END_OF_TEXT) throw this.fault("Unexpected EOF: this string has no closing quote.", at);
        this.advance();
      }
      const run = this.#text.slice(start, this.#offset);
      this.#refuseNul(run, at);
      bytes.addText(run);
      if (this.peek() === '"') break;
      this.#readEscape(bytes);
    }
    this.advance();
    return bytes.toString();
  }

  #readEscape(bytes: EscapedText): void {
    const letter = this.#text.charAt(this.#offset + 1);
    const plain = { t: "\t", n: "\n", r: "\r", '"': '"', "\\": "\\" }[letter];
    if (plain !== undefined) {
      bytes.addText(plain);
      bytes.escaped = true;
      this.#offset += 2;
      return;
    }
    if (letter !== "x") {
      this.#offset++;
      throw this.fault(
        `Invalid escape character ${this.describeNext()}. Only the following escape characters are allowed: ` +
          '\\xXX, \\t, \\n, \\r, \\", \\\\.',
      );
    }
    const hex = this.#text.slice(this.#offset + 2, this.#offset + 4);
    if (!/^[0-9a-fA-F]{2}$/.test(hex)) {
      throw this.fault(`Expected two hexadecimal digits after '\\x', but got '${hex}'`);
    }
    bytes.addByte(Number.parseInt(hex, 16));
    this.#offset += 4;
  }

  /** Reads up to the closing `quote` and over it; nothing inside has a meaning. */
  #readRaw(quote: string, at: Position): string {
    const start = this.#offset;
    const end = this.#text.indexOf(quote, start);
    if (end < 0) throw this.fault("Unexpected EOF: this string has no closing quote.", at);
    this.#moveTo(end + 1);
    const raw = this.#text.slice(start, end);
    this.#refuseNul(raw, at);
    return raw;
  }

  #readBlock(at: Position): string {
    const start = this.#offset + 1;
    const close = /\n\)(?=\r?\n|$)/g;
    close.lastIndex = start;
    const end = close.exec(this.#text);
    if (end === null) {
      throw this.fault("Unexpected EOF processing block: it ends with a line that is nothing but ')'.", at);
    }
    this.#moveTo(end.index + 2);
    const block = this.#text.slice(start, end.index + 1);
    this.#refuseNul(block, at);
    return block;
  }

  #moveTo(offset: number): void {
    while (this.#offset < offset) this.advance();
  }

  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.#offset;
    const found = pattern.exec(this.#text);
    if (found === null) return null;
    this.#offset += found[0].length;
    return found[0];
  }

  #refuseNul(text: string, at: Position): void {
    if (text.includes("\0")) throw this.fault("NUL bytes are not allowed", at);
  }
}

/** A string under construction; `\xHH` adds a byte, and bytes may join to a UTF-8 character. */
class EscapedText {
  escaped = false;
  #text = "";
  #parts: Buffer[] | null = null;

  addText(text: string): void {
    this.#text += text;
  }

  addByte(byte: number): void {
    this.escaped = true;
    if (byte < 0x80) {
      this.#text += String.fromCharCode(byte);
      return;
    }
    this.#parts ??= [];
    this.#parts.push(Buffer.from(this.#text, "utf8"), Buffer.from([byte]));
    this.#text = "";
  }

  toString(): string {
    if (this.#parts === null) return this.#text;
    return Buffer.concat([...this.#parts, Buffer.from(this.#text, "utf8")]).toString("utf8");
  }
}

/** k, m, g, t, p and e are powers of 1,000; with b, i or ib behind they are powers of 1,024. */
function unitFactor(unit: string): bigint {
  if (unit === "") return 1n;
  const power = BigInt("kmgtpe".indexOf(unit.charAt(0).toLowerCase()) + 1);
  return (unit.length > 1 ? 1024n : 1000n) ** power;
}

function shorten(digits: string): string {
  return digits.length > 40 ? `${digits.slice(0, 40)}…` : digits;
}
