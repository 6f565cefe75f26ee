/**
 * The grammar of subjects: tokens separated by dots, `*` for any one token, `>` at the end for one or
 * more. A wildcard is one only while it is a whole token: `foo*` and `>foo` are plain names.
 *
 * Everything here works on *wire strings*: latin1 strings in which each character is one byte of the
 * subject as the client sent it. A subject may hold any byte, valid UTF-8 or not.
 */

const DOT = ".";
const DOT_CODE = 0x2e;
const PARTIAL_WILDCARD = 0x2a; // *
const FULL_WILDCARD = 0x3e; // >

/** Characters that a configured subject may not hold; on the wire all but space, tab and LF may occur. */
const WHITESPACE = /[\t\n\f\r ]/;

const BEYOND_ASCII = /[\x80-\xff]/;

/** Text as bytes on the wire: its UTF-8, one character per byte. */
export function toWireString(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

/** Bytes from the wire as text; bytes that are no UTF-8 become U+FFFD. */
export function fromWireString(wire: string): string {
  // Almost all of them are ASCII, which stands for itself.
  if (!BEYOND_ASCII.test(wire)) return wire;
  return Buffer.from(wire, "latin1").toString("utf8");
}

/** The end (exclusive) of the token that starts at `start`. */
export function tokenEnd(subject: string, start: number): number {
  const end = subject.indexOf(DOT, start);
  return end < 0 ? subject.length : end;
}

/** Where token number `index` (from 0) starts, or -1 when the subject has fewer. */
export function tokenStart(subject: string, index: number): number {
  let start = 0;
  for (let i = 0; i < index; i++) {
    const dot = subject.indexOf(DOT, start);
    if (dot < 0) return -1;
    start = dot + 1;
  }
  return start;
}

/** How many tokens a subject has, empty ones included; at least 1. */
export function tokenCount(subject: string): number {
  let count = 1;
  for (let dot = subject.indexOf(DOT); dot >= 0; dot = subject.indexOf(DOT, dot + 1)) count++;
  return count;
}

/**
 * Whether one may subscribe to `subject`: no empty token, and `>` only at the end. SUB asks for no more;
 * white space that survives the control line (CR, FF) is accepted there (probed).
 */
export function isValidSubject(subject: string): boolean {
  for (let start = 0; ;) {
    const end = tokenEnd(subject, start);
    if (end === start) return false;
    if (end === subject.length) return true;
    if (isFullWildcard(subject, start, end)) return false;
    start = end + 1;
  }
}

/** Whether `subject` may stand in a configuration or an API: valid and without white space. */
export function isValidConfiguredSubject(subject: string): boolean {
  return !WHITESPACE.test(subject) && isValidSubject(subject);
}

/** Whether one may publish to `subject` in pedantic mode: no empty token and no wildcard. */
export function isValidLiteralSubject(subject: string): boolean {
  for (let start = 0; ;) {
    const end = tokenEnd(subject, start);
    if (end === start || isWildcard(subject, start, end)) return false;
    if (end === subject.length) return true;
    start = end + 1;
  }
}

/** Whether some token of `subject` is a wildcard; says nothing about its validity. Asked for every SUB, so one plain loop. */
export function hasWildcard(subject: string): boolean {
  const last = subject.length - 1;
  for (let i = 0; i <= last; i++) {
    const code = subject.charCodeAt(i);
    if (
      (code === PARTIAL_WILDCARD || code === FULL_WILDCARD) &&
      (i === 0 || subject.charCodeAt(i - 1) === DOT_CODE) &&
      (i === last || subject.charCodeAt(i + 1) === DOT_CODE)
    ) {
      return true;
    }
  }
  return false;
}

function isWildcard(subject: string, start: number, end: number): boolean {
  if (end !== start + 1) return false;
  const code = subject.charCodeAt(start);
  return code === PARTIAL_WILDCARD || code === FULL_WILDCARD;
}

function isFullWildcard(subject: string, start: number, end: number): boolean {
  return end === start + 1 && subject.charCodeAt(start) === FULL_WILDCARD;
}
