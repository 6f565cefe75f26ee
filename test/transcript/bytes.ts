/** A run of one character from this length on is printed as `\{x*N}`. */
const RUN_LENGTH_MIN = 40;

const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  r: "\r",
  n: "\n",
  t: "\t",
  0: "\0",
  s: " ",
  "\\": "\\",
};

/** A line of a transcript as bytes, cut where it says `\|`. */
export interface ScriptBytes {
  /** The bytes, as latin1 strings, in the pieces they are to be sent in. */
  chunks: string[];
  /** The line ended with a lone `\`: no CRLF follows. */
  unterminated: boolean;
}

/**
 * Reads a line's escapes: `\r \n \t \0 \s \\ \xNN`, `\{x*N}` for N times the text x, `\|` for a cut between
 * two writes, and a `\` at the end. Other characters stand for their UTF-8 bytes. Throws on an unknown escape.
 */
export function readBytes(text: string): ScriptBytes {
  const chunks: string[] = [];
  let chunk = "";
  let unterminated = false;
  for (let at = 0; at < text.length;) {
    const code = text.codePointAt(at) ?? 0;
    if (code !== 0x5c) {
      const character = String.fromCodePoint(code);
      chunk += utf8(character);
      at += character.length;
      continue;
    }
    const next = text[at + 1];
    const rest = text.slice(at);
    const hex = /^\\x([0-9a-fA-F]{2})/.exec(rest);
    const run = /^\\\{(.+?)\*(\d+)\}/.exec(rest);
    if (next === undefined) {
      unterminated = true;
      at += 1;
    } else if (next === "|") {
      chunks.push(chunk);
      chunk = "";
      at += 2;
    } else if (hex !== null) {
      chunk += String.fromCharCode(parseInt(hex[1] ?? "", 16));
      at += hex[0].length;
    } else if (run !== null) {
      chunk += readText(run[1] ?? "").repeat(Number(run[2]));
      at += run[0].length;
    } else if (next in SHORT_ESCAPES) {
      chunk += SHORT_ESCAPES[next] ?? "";
      at += 2;
    } else {
      throw new Error(`unknown escape \\${next}`);
    }
  }
  chunks.push(chunk);
  return { chunks, unterminated };
}

/** The bytes of a line without regard to cuts. */
export function readText(text: string): string {
  return readBytes(text).chunks.join("");
}

/** Writes bytes so that `readBytes` gives them back: UTF-8 as it is where it is valid, the rest escaped. */
export function writeBytes(bytes: string): string {
  const decoded = decodeUtf8(bytes);
  const text = (decoded ?? bytes)
    .replaceAll("\\", "\\\\")
    .replaceAll("\r", "\\r")
    .replaceAll("\n", "\\n")
    .replaceAll("\t", "\\t")
    .replaceAll("\0", "\\0")
    .replace(decoded === null ? /[^ -~]/g : /[^ -~\u0080-\u{10ffff}]/gu, hexEscape)
    .replace(/ $/, "\\s");
  // Escapes are stepped over, so that a run does not begin inside of one.
  const escapeOrRun = new RegExp(`\\\\x..|\\\\.|([^\\\\{}*])\\1{${RUN_LENGTH_MIN - 1},}`, "gu");
  return text.replace(escapeOrRun, (match: string, one: string | undefined) =>
    one === undefined ? match : `\\{${one}*${match.length / one.length}}`,
  );
}

function utf8(character: string): string {
  return Buffer.from(character, "utf8").toString("latin1");
}

/** The text of valid UTF-8 that can be printed, otherwise null: then each byte stands for itself. */
function decodeUtf8(bytes: string): string | null {
  try {
    const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    const text = decoder.decode(Buffer.from(bytes, "latin1"));
    return /[\x80-\x9f\u2028\u2029\ufeff]/.test(text) ? null : text;
  } catch {
    return null;
  }
}

function hexEscape(byte: string): string {
  return `\\x${byte.charCodeAt(0).toString(16).padStart(2, "0")}`;
}
