/** What a message's headers say about tracing it. Names and values are those of ADR-41; all texts are wire strings. */

/** Where the trace of a message is to be published, said by its publisher. */
export const TRACE_DEST = "Nats-Trace-Dest";
const FIRST_OF_TRACE_DEST = TRACE_DEST.charCodeAt(0);
/** As destination: nobody traces this message any more. No subject looks like that. */
export const TRACE_DISABLED = "trace disabled";
/** The message is not to be delivered, only traced. */
const TRACE_ONLY = "Nats-Trace-Only";
/** Set by servers that traced across accounts in another way than today's. */
export const TRACE_ORIGIN_ACCOUNT = "Nats-Trace-Origin-Account";
/** W3C's, in any case. */
const TRACE_PARENT = "traceparent";

const VERSION_LINE = "NATS/1.0\r\n";
const BLANKS_AT_END = /[ \t]+$/;
/** Values of `TRACE_ONLY` that mean yes, in lower case. */
const YES: ReadonlySet<string> = new Set(["1", "true", "on"]);
/** The sampled flag is the last bit of it. */
const TRACE_FLAGS = /^(\+|-)?[0-9a-f]+$/i;

/** The fields of a message that asks to be traced. */
export interface TraceHeaders {
  /** Names spelled as they came, each with its values in their order. */
  readonly fields: ReadonlyMap<string, readonly string[]>;
  /** Null: `traceparent` alone asks for it, and the account says where to. */
  readonly destination: string | null;
  readonly isTraceOnly: boolean;
}

/**
 * Whether the header block `buf[start, end)` may say anything about tracing: a quick look, without making a string,
 * that spares most messages a thorough one.
 */
export function mentionsTrace(
  buf: Buffer,
  start: number,
  end: number,
  hasAccountDestination: boolean,
): boolean {
  const last = end - TRACE_DEST.length;
  for (let i = start; i <= last; i++) {
    if (buf[i] === FIRST_OF_TRACE_DEST && isTraceDestAt(buf, i)) return true;
  }
  return hasAccountDestination && /traceparent/i.test(buf.latin1Slice(start, end));
}

function isTraceDestAt(buf: Buffer, start: number): boolean {
  let i = 1;
  while (i < TRACE_DEST.length && buf[start + i] === TRACE_DEST.charCodeAt(i)) i++;
  return i === TRACE_DEST.length;
}

/** What a header block says about tracing; null: nothing, or that its message is not to be traced. */
export function traceHeadersOf(block: string): TraceHeaders | null {
  const fields = fieldsAsSpelled(block);
  const destination = fields.get(TRACE_DEST)?.[0] ?? null;
  if (destination === TRACE_DISABLED) return null;
  if (destination !== null) {
    const only = fields.get(TRACE_ONLY)?.[0] ?? "";
    return { fields, destination, isTraceOnly: YES.has(only.toLowerCase()) };
  }
  return isSampledElsewhere(fields) ? { fields, destination, isTraceOnly: false } : null;
}

/** Fields with a name and a value, as far as the block is one. */
function fieldsAsSpelled(block: string): Map<string, string[]> {
  const fields = new Map<string, string[]>();
  if (!block.startsWith(VERSION_LINE)) return fields;
  let start = VERSION_LINE.length;
  while (start < block.length) {
    const colon = block.indexOf(":", start);
    let valueStart = colon + 1;
    while (block[valueStart] === " " || block[valueStart] === "\t") valueStart++;
    const end = colon < 0 ? -1 : block.indexOf("\r\n", valueStart);
    if (end < 0) break;
    addField(fields, block.slice(start, colon), block.slice(valueStart, end).replace(BLANKS_AT_END, ""));
    start = end + 2;
  }
  return fields;
}

function addField(fields: Map<string, string[]>, name: string, value: string): void {
  if (name === "" || value === "") return;
  const values = fields.get(name);
  if (values === undefined) fields.set(name, [value]);
  else values.push(value);
}

/** Whether any of the `traceparent` fields has the sampled flag; as loosely as the reference reads them. */
function isSampledElsewhere(fields: ReadonlyMap<string, readonly string[]>): boolean {
  for (const [name, values] of fields) {
    if (name.toLowerCase() === TRACE_PARENT && values.some(isSampled)) return true;
  }
  return false;
}

function isSampled(value: string): boolean {
  const parts = value.split("-");
  const flags = parts[3] ?? "";
  if (parts.length !== 4 || flags.length !== 2 || !TRACE_FLAGS.test(flags)) return false;
  const bits = Number.parseInt(flags, 16);
  return bits <= 0x7f && (bits & 1) === 1;
}
