import { durationNs } from "./schedule-duration.ts";

/** What an acknowledgement says, by its payload. `unknown` has no effect, but is confirmed. */
export type AckKind = "ack" | "nak" | "progress" | "next" | "term" | "unknown";

const NS_PER_MS = 1e6;

/** What `buf[start, end)`, the payload of an acknowledgement, says; as the reference reads it. */
export function ackKindOf(buf: Buffer, start: number, end: number): AckKind {
  if (start === end) return "ack";
  // "+ACK" and "+OK" are the whole of it; of the others some say more behind.
  if (isAt(buf, start, end, "+ACK")) return end - start === 4 ? "ack" : "unknown";
  if (isAt(buf, start, end, "-NAK")) return "nak";
  if (isAt(buf, start, end, "+NXT")) return "next";
  if (isAt(buf, start, end, "+TERM")) return "term";
  if (isAt(buf, start, end, "+WPI")) return end - start === 4 ? "progress" : "unknown";
  return isAt(buf, start, end, "+OK") && end - start === 3 ? "ack" : "unknown";
}

/** Where what is said behind each kind begins. */
export const ACK_WORD_BYTES = { nak: 4, next: 4, term: 5 } as const;

/**
 * The delay in milliseconds that is said behind `-NAK`: a duration, or JSON with `delay` in nanoseconds. Null:
 * none, or none that makes sense; then it is delivered again at once, as in the reference.
 */
export function nakDelayMs(text: string): number | null {
  const argument = text.trim();
  if (argument === "") return null;
  if (!argument.startsWith("{")) {
    const ns = durationNs(argument);
    return ns === null ? null : ns / NS_PER_MS;
  }
  try {
    const parsed: unknown = JSON.parse(argument);
    if (typeof parsed !== "object" || parsed === null) return null;
    for (const [name, value] of Object.entries(parsed)) {
      if (name.toLowerCase() !== "delay" || value === null) continue;
      return typeof value === "number" && Number.isInteger(value) ? value / NS_PER_MS : null;
    }
    return 0;
  } catch {
    return null;
  }
}

function isAt(buf: Buffer, start: number, end: number, word: string): boolean {
  if (end - start < word.length) return false;
  for (let i = 0; i < word.length; i++) if (buf[start + i] !== word.charCodeAt(i)) return false;
  return true;
}
