import { utf8Characters } from "./utf8.ts";

const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\x07": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
};

/** What Go calls printable: letters, marks, numbers, punctuation, symbols, and of all spaces the ASCII one. */
const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;

/**
 * A wire string in quotes, escaped as by Go's `%q`, which the reference's texts use. Text is judged as UTF-8
 * and stays the bytes it came in; a byte that is no UTF-8 becomes `\xff`. The result is a wire string.
 */
export function goQuote(wire: string): string {
  let quoted = '"';
  for (const bytes of utf8Characters(wire)) quoted += quoteCharacter(bytes);
  return `${quoted}"`;
}

/** Quotes one UTF-8 sequence, or one byte that is none. */
function quoteCharacter(bytes: string): string {
  const short = SHORT_ESCAPES[bytes];
  if (short !== undefined) return short;
  if (bytes.length === 1 && bytes.charCodeAt(0) >= 0x80) return `\\x${hex(bytes.charCodeAt(0), 2)}`;
  const character = Buffer.from(bytes, "latin1").toString("utf8");
  if (PRINTABLE.test(character)) return bytes;
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x80) return `\\x${hex(code, 2)}`;
  return code < 0x10000 ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`;
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, "0");
}
