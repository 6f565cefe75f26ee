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
  // Scalars are gathered: a generator per value would cost more than the value.
  let text = "";
  let isFirst = true;
  for (const [key, value] of Object.entries(object) as [string, unknown][]) {
    if (value === undefined) continue;
    text += `${isFirst ? "{" : ","}${inner}${scalar(key)}: `;
    isFirst = false;
    if (typeof value !== "object" || value === null) {
      text += scalar(value);
    } else {
      yield text;
      text = "";
      yield* texts(value, inner);
    }
  }
  yield isFirst ? "{}" : `${text}${newline}}`;
}

function scalar(value: unknown): string {
  const isFine = value === null || typeof value === "string" || typeof value === "boolean" || Number.isFinite(value);
  assert(isFine, "a view holds nothing that JSON can't");
  const text = JSON.stringify(value);
  return typeof value === "string" ? escapeHtml(text) : text;
}

function escapeHtml(json: string): string {
  return json.replaceAll(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
