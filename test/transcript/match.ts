import { readText } from "./bytes.ts";

/** Stands in a transcript for the end of a connection. */
export const CLOSED = "[closed]";
/** Stands for whatever output comes until the connection is closed. */
export const ANYTHING = "[anything]";

/**
 * Whether a received line is what a transcript's line asks for. `<<a|b>>` stands for any of the texts,
 * `<<*>>` for any bytes; the JSON of an INFO is compared field by field, only the fields that are named.
 */
export function matches(expected: string, received: string): boolean {
  if (expected.startsWith("INFO {")) return matchesInfo(expected.slice("INFO ".length), received);
  if (!expected.includes("<<")) return readText(expected) === received;
  return new RegExp(`^${pattern(expected)}$`, "s").test(received);
}

/** Whether a block of lines holds the same messages as another, in whatever order they come. */
export function matchesInAnyOrder(expected: readonly string[], received: readonly string[]): boolean {
  const left = messages(received);
  for (const message of messages(expected)) {
    const index = left.findIndex(
      (one) => one.length === message.length && one.every((line, at) => matches(message[at] ?? "", line)),
    );
    if (index < 0) return false;
    left.splice(index, 1);
  }
  return left.length === 0;
}

/** Groups lines to messages: a line that begins with MSG or HMSG and those up to the next such line. */
export function messages(lines: readonly string[]): string[][] {
  const groups: string[][] = [];
  for (const line of lines) {
    const last = groups.at(-1);
    if (last === undefined || /^H?MSG /.test(line)) groups.push([line]);
    else last.push(line);
  }
  return groups;
}

function pattern(expected: string): string {
  return expected
    .split(/<<(.*?)>>/)
    .map((part, index) => {
      if (index % 2 === 0) return RegExp.escape(readText(part));
      if (part === "*") return ".*";
      return `(?:${part
        .split("|")
        .map((one) => RegExp.escape(readText(one)))
        .join("|")})`;
    })
    .join("");
}

function matchesInfo(expectedJson: string, received: string): boolean {
  // One space stands between the JSON and CRLF; clients of old split the line at it.
  const json = /^INFO (\{.*\}) $/s.exec(received)?.[1];
  if (json === undefined) return false;
  return contains(JSON.parse(expectedJson), parseJson(Buffer.from(json, "latin1").toString()));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Whether `value` has all that `expected` names: `"<<string>>"` and the like ask for a type, `"<<absent>>"` for no such field. */
function contains(expected: unknown, value: unknown): boolean {
  if (typeof expected === "string" && /^<<.*>>$/.test(expected)) {
    const asked = expected.slice(2, -2);
    if (asked === "absent") return value === undefined;
    if (asked.startsWith("/")) return typeof value === "string" && new RegExp(asked.slice(1, -1)).test(value);
    return typeof value === asked;
  }
  if (typeof expected !== "object" || expected === null) return expected === value;
  if (typeof value !== "object" || value === null) return false;
  if (Array.isArray(expected)) return JSON.stringify(expected) === JSON.stringify(value);
  const fields = new Map(Object.entries(value));
  return Object.entries(expected).every(([name, one]) => contains(one, fields.get(name)));
}
