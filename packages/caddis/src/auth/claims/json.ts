import { FieldError } from "./fields.ts";

/** Claims nest eight deep (a tag of a signing key's template); data of generic ones a little deeper. */
const DEPTH_MAX = 64;

const BACKSLASH = 0x5c;
const QUOTE = 0x22;

/**
 * The value that JSON in UTF-8 stands for. Stricter than JSON.parse: two members of one name are refused, since
 * readers differ in which of them they take. Throws a `FieldError`.
 */
export function parseJson(bytes: Uint8Array): unknown {
  let json: string;
  let value: unknown;
  try {
    json = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    value = JSON.parse(json);
  } catch {
    throw new FieldError("not JSON in UTF-8"); // the engine's text would quote the token
  }
  checkNames(json);
  return value;
}

/** Walks valid JSON and refuses a name that comes twice in one object, or too deep a nesting. */
function checkNames(json: string): void {
  /** One per open bracket: the names so far, or null in a list. */
  const open: (Set<string> | null)[] = [];
  let names: Set<string> | null = null;
  let isNameNext = false;
  for (let i = 0; i < json.length; i++) {
    switch (json[i]) {
      case '"': {
        const end = stringEnd(json, i);
        if (isNameNext && names !== null) addName(names, json.slice(i, end));
        isNameNext = false;
        i = end - 1;
        break;
      }
      case "{":
      case "[":
        names = json[i] === "{" ? new Set() : null;
        isNameNext = names !== null;
        open.push(names);
        if (open.length > DEPTH_MAX) throw new FieldError("nested too deep");
        break;
      case "}":
      case "]":
        open.pop();
        names = open.at(-1) ?? null;
        isNameNext = false;
        break;
      case ",":
        isNameNext = names !== null;
        break;
    }
  }
}

function addName(names: Set<string>, quoted: string): void {
  const name = JSON.parse(quoted) as string;
  if (names.has(name)) throw new FieldError("a name comes twice in one object");
  names.add(name);
}

/** The end (exclusive) of the string literal that starts at `start`. */
function stringEnd(json: string, start: number): number {
  let i = start + 1;
  while (json.charCodeAt(i) !== QUOTE) i += json.charCodeAt(i) === BACKSLASH ? 2 : 1;
  return i + 1;
}
