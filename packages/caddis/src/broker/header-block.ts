import type { Message } from "./message.ts";

/** The first line of a header block; what follows `NATS/1.0` there is a status. */
const VERSION_LINE = "NATS/1.0\r\n";
const CRLF = "\r\n";
const ANY_LINE_BREAK = /\r\n|\r|\n/;

/** The header block of `message`, a wire string; empty when it has none. */
export function headerBlockOf({ input, payloadStart, headerBytes }: Message): string {
  return headerBytes === 0 ? "" : input.buf.latin1Slice(payloadStart, payloadStart + headerBytes);
}

/**
 * `block` with one field `name` of this `value` and no other: the server alone says it. Other lines stay as
 * they are. A peer may have spelled the name in any case, and some libraries take a bare CR or LF for the end of a
 * line, so such lines go as well. All are wire strings.
 */
export function withField(block: string, name: string, value: string): string {
  const field = `${name}: ${value}${CRLF}${CRLF}`;
  if (block === "") return VERSION_LINE + field;
  const wanted = name.toLowerCase();
  // Where a peer leaves out the empty line, its last line must not swallow the field.
  const isWhole = block.endsWith(CRLF + CRLF);
  if (isWhole && !block.toLowerCase().includes(wanted)) return block.slice(0, -CRLF.length) + field;
  const [first, ...lines] = block.split(ANY_LINE_BREAK);
  const kept = lines.filter((line) => line !== "" && nameOf(line) !== wanted);
  return [first, ...kept, field].join(CRLF);
}

/**
 * The fields of `block` by their names as Go writes them (`X-B3-Traceid`), or none when a line is no field:
 * then nothing in the block is relied on.
 */
export function fieldsOf(block: string): ReadonlyMap<string, readonly string[]> {
  const fields = new Map<string, string[]>();
  for (const line of block.split(CRLF).slice(1)) {
    if (line === "") continue;
    const colon = line.indexOf(":");
    if (colon <= 0) return new Map();
    const name = canonical(line.slice(0, colon));
    const values = fields.get(name) ?? [];
    values.push(line.slice(colon + 1).trim());
    fields.set(name, values);
  }
  return fields;
}

function nameOf(line: string): string {
  const colon = line.indexOf(":");
  return (colon < 0 ? line : line.slice(0, colon)).trim().toLowerCase();
}

/** Capitals at the beginning and after each hyphen, the rest in lower case. */
function canonical(name: string): string {
  return name.toLowerCase().replace(/(^|-)[a-z]/g, (start) => start.toUpperCase());
}
