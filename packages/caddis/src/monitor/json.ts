import { assert } from "../base/assert.ts";

/**
 * JSON as the reference writes it: indented by two spaces, members that are undefined left out, and
 * `<`, `>`, `&` escaped so that a browser never takes an answer for HTML. Any iterable but a string is
 * an array; its entries are asked for while it is written.
 */

/** Pieces are about this long: much fewer than bytes, and each is made in well under a millisecond. */
const PIECE_CHARS = 32 * 1024;

/** `value`, cut into pieces. Each is made when it is asked for. */
export function* jsonPieces(value: unknown): Generator<string> {
  let piece = "";
  for (const text of texts(value, "\n")) {
    piece += text;
    if (piece.length < PIECE_CHARS) continue;
    yield piece;
    piece = "";
  }
  yield piece;
}

/** `value` in one line, without lists that are made while they are written. */
export function jsonLine(value: unknown): string {
  return escapeHtml(JSON.stringify(value));
}

/** `newline` is a line break and the indentation of the line that `value` stands on. */
function* texts(value: unknown, newline: string): Generator<string> {
  if (typeof value !== "object" || value === null) yield scalar(value);
  else if (Symbol.iterator in value) yield* arrayTexts(value as Iterable<unknown>, newline);
  else if (isFlat(value)) yield flatText(value, newline);
  else yield* objectTexts(value, newline);
}

function* arrayTexts(entries: Iterable<unknown>, newline: string): Generator<string> {
  const inner = `${newline}  `;
  let isFirst = true;
  for (const entry of entries) {
    yield isFirst ? `[${inner}` : `,${inner}`;
    isFirst = false;
    yield* texts(entry, inner);
  }
  yield isFirst ? "[]" : `${newline}]`;
}

function* objectTexts(object: object, newline: string): Generator<string> {
  const inner = `${newline}  `;
  let isFirst = true;
  for (const [key, value] of Object.entries(object) as [string, unknown][]) {
    if (value === undefined) continue;
    yield `${isFirst ? "{" : ","}${inner}${scalar(key)}: `;
    isFirst = false;
    yield* texts(value, inner);
  }
  yield `${newline}}`;
}

/** Most connections and subscriptions are flat, and a built-in writes them many times faster. */
function isFlat(object: object): boolean {
  return Object.values(object).every((value: unknown) => value === undefined || isScalar(value));
}

function flatText(object: object, newline: string): string {
  // No string in JSON holds a line break.
  return escapeHtml(JSON.stringify(object, null, 2).replaceAll("\n", newline));
}

function scalar(value: unknown): string {
  assert(isScalar(value), "a view holds nothing that JSON can't");
  return escapeHtml(JSON.stringify(value));
}

function isScalar(value: unknown): boolean {
  return value === null || typeof value === "string" || typeof value === "boolean" || Number.isFinite(value);
}

function escapeHtml(json: string): string {
  return json.replaceAll(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
