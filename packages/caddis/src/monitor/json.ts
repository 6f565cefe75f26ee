import { assert } from "../base/assert.ts";

/**
 * JSON as the reference writes it: indented by two spaces, members that are undefined left out, and
 * `<`, `>`, `&` escaped so that a browser never takes an answer for HTML. Any iterable but a string is
 * an array; its entries are asked for while it is written.
 */

/** Pieces are about this long: much fewer than bytes, and each is made in well under a millisecond. */
const PIECE_CHARS = 32 * 1024;

/** What is written and not yet taken. */
interface Output {
  piece: string;
}

/** `value`, cut into pieces. Each is made when it is asked for. */
export function* jsonPieces(value: unknown): Generator<string> {
  const output: Output = { piece: "" };
  for (const writing = write(value, "\n", output); writing.next().done !== true; output.piece = "") {
    yield output.piece;
  }
  yield output.piece;
}

/** `value` in one line, without lists that are made while they are written. */
export function jsonLine(value: unknown): string {
  return escapeHtml(JSON.stringify(value));
}

/** Writes to `output`, and yields when there is a piece to take. `newline`: a line break and the line's indentation. */
function* write(value: unknown, newline: string, output: Output): Generator<void> {
  const text = simpleText(value, newline);
  if (text !== null) output.piece += text;
  else if (isIterable(value)) yield* writeArray(value, newline, output);
  else yield* writeObject(value as object, newline, output);
}

function* writeArray(entries: Iterable<unknown>, newline: string, output: Output): Generator<void> {
  const inner = `${newline}  `;
  let isFirst = true;
  for (const entry of entries) {
    output.piece += isFirst ? `[${inner}` : `,${inner}`;
    isFirst = false;
    const text = simpleText(entry, inner);
    if (text === null) yield* write(entry, inner, output);
    else output.piece += text;
    if (output.piece.length >= PIECE_CHARS) yield;
  }
  output.piece += isFirst ? "[]" : `${newline}]`;
}

function* writeObject(object: object, newline: string, output: Output): Generator<void> {
  const inner = `${newline}  `;
  let isFirst = true;
  for (const [key, value] of Object.entries(object) as [string, unknown][]) {
    if (value === undefined) continue;
    output.piece += `${isFirst ? "{" : ","}${inner}${scalar(key)}: `;
    isFirst = false;
    const text = simpleText(value, inner);
    if (text === null) yield* write(value, inner, output);
    else output.piece += text;
  }
  output.piece += `${newline}}`;
}

/** The text of what holds no list and no object; null for everything else. */
function simpleText(value: unknown, newline: string): string | null {
  if (typeof value !== "object" || value === null) return scalar(value);
  return isIterable(value) || !isFlat(value) ? null : flatText(value, newline);
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === "object" && value !== null && Symbol.iterator in value;
}

/** Most connections and subscriptions are flat, and a built-in writes them many times faster. */
function isFlat(object: object): boolean {
  return Object.values(object).every(
    (value: unknown) => value === undefined || (typeof value !== "bigint" && isScalar(value)),
  );
}

function flatText(object: object, newline: string): string {
  // No string in JSON holds a line break.
  return escapeHtml(JSON.stringify(object, null, 2).replaceAll("\n", newline));
}

function scalar(value: unknown): string {
  assert(isScalar(value), "a view holds nothing that JSON can't");
  return typeof value === "bigint" ? String(value) : escapeHtml(JSON.stringify(value));
}

function isScalar(value: unknown): boolean {
  return (
    value === null ||
    typeof value === "string" ||
    typeof value === "boolean" ||
    typeof value === "bigint" ||
    Number.isFinite(value)
  );
}

const HTML = /[<>&\u2028\u2029]/;

function escapeHtml(json: string): string {
  if (!HTML.test(json)) return json;
  return json.replaceAll(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
