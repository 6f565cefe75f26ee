/**
 * Changes to header blocks that the server makes before it stores them, as the reference makes them. Blocks, names and
 * values are wire strings; an empty block is no headers at all.
 */

const VERSION = "NATS/1.0";
const CRLF = "\r\n";
const EMPTY_BLOCK = `${VERSION}${CRLF}${CRLF}`;

/** `block` without a status on its first line; empty when nothing else was in it. */
export function withoutStatus(block: string): string {
  const end = block.indexOf("\r");
  if (!block.startsWith(VERSION) || end <= VERSION.length) return block;
  const rest = VERSION + block.slice(end);
  return rest === EMPTY_BLOCK ? "" : rest;
}

/** `block` without the fields called `name`; empty when nothing else was in it. */
export function withoutHeader(block: string, name: string): string {
  let left = block;
  for (;;) {
    const start = left.indexOf(`${CRLF}${name}:`);
    if (start < 0) return left;
    const end = left.indexOf(CRLF, start + CRLF.length);
    if (end < 0) return left;
    left = left.slice(0, start) + left.slice(end);
    if (left.length <= EMPTY_BLOCK.length) return "";
  }
}

/** `block` with one more field at its end. */
export function withHeader(block: string, name: string, value: string): string {
  const start = block.length > CRLF.length ? block.slice(0, -CRLF.length) : VERSION + CRLF;
  return `${start}${name}: ${value}${CRLF}${CRLF}`;
}

/** `block` where the first field called `name` has another value; with it at the end where there was none. */
export function withHeaderSet(block: string, name: string, value: string): string {
  const line = block.indexOf(`${CRLF}${name}:`);
  if (line < 0) return withHeader(block, name, value);
  let start = line + CRLF.length + name.length + 1;
  if (block[start] === " ") start++;
  const end = block.indexOf("\r", start);
  return end < 0 ? block : block.slice(0, start) + value + block.slice(end);
}
