import { goJson } from "../../broker/go-json.ts";

/** Pieces are about this long: each is made in about a millisecond. */
const PIECE_CHARS = 64 * 1024;

/**
 * The JSON of `value` in one line, cut into pieces that are made when they are asked for. Members that are undefined
 * are left out; any iterable but a string is an array, whose entries are asked for while it is written.
 */
export function* answerPieces(value: object): Generator<string> {
  let piece = "";
  for (const text of texts(value)) {
    piece += text;
    if (piece.length < PIECE_CHARS) continue;
    yield piece;
    piece = "";
  }
  yield piece;
}

function* texts(value: unknown): Generator<string> {
  if (typeof value === "bigint") yield String(value);
  else if (typeof value !== "object" || value === null) yield goJson(value);
  else if (Symbol.iterator in value) yield* listTexts(value as Iterable<unknown>);
  else if (Object.values(value).every(isScalar)) yield goJson(value);
  else yield* objectTexts(value);
}

function* listTexts(entries: Iterable<unknown>): Generator<string> {
  let mark = "[";
  for (const entry of entries) {
    yield mark;
    yield* texts(entry);
    mark = ",";
  }
  yield mark === "[" ? "[]" : "]";
}

function* objectTexts(object: object): Generator<string> {
  let mark = "{";
  for (const [name, member] of Object.entries(object) as [string, unknown][]) {
    if (member === undefined) continue;
    yield `${mark}${goJson(name)}:`;
    yield* texts(member);
    mark = ",";
  }
  yield mark === "{" ? "{}" : "}";
}

/** Most connections and subscriptions have nothing else, and a built-in writes them many times faster. */
function isScalar(value: unknown): boolean {
  return (typeof value !== "object" && typeof value !== "bigint") || value === null;
}
