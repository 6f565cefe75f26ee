/** Where a message stands in a trace, by the W3C's header `traceparent`. */
export interface TraceParent {
  /** 32 hexadecimal digits, not all of them 0. */
  readonly traceId: string;
  /** The span that sent the message: 16 digits, not all of them 0. */
  readonly spanId: string;
  readonly isSampled: boolean;
}

/** Version, trace, span, flags; later versions may say more behind them. */
const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

const NO_TRACE = "0".repeat(32);
const NO_SPAN = "0".repeat(16);
const SAMPLED_FLAG = 1;

/** A header block is searched so far: trace headers stand at its beginning, and it may be as long as a message. */
const SEARCHED_CHARACTERS = 8_192;

/** The first header of that name in `block`, a wire string, however it is spelled; null: none, or none that means something. */
export function traceParentOf(block: string): TraceParent | null {
  const field = /\r\ntraceparent:[ \t]*([^\r\n]{0,256})\r\n/i.exec(block.slice(0, SEARCHED_CHARACTERS));
  return field === null ? null : parseTraceParent(field[1].trim());
}

/** Null for what the specification tells to ignore. */
export function parseTraceParent(text: string): TraceParent | null {
  const found = TRACEPARENT.exec(text);
  if (found === null) return null;
  const [, version, traceId, spanId, flags, rest] = found;
  if (version === "ff" || (version === "00" && rest !== undefined)) return null;
  if (traceId === NO_TRACE || spanId === NO_SPAN) return null;
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & SAMPLED_FLAG) !== 0 };
}

/** The last digits of a trace that chance has chosen, as many as a number holds exactly. */
const CHANCE_DIGITS = 12;

/** Whether a trace is among the share `ratio` (0 to 1): the same answer wherever it is asked about the same trace. */
export function isAmong(traceId: string, ratio: number): boolean {
  return Number.parseInt(traceId.slice(-CHANCE_DIGITS), 16) < ratio * 16 ** CHANCE_DIGITS;
}
