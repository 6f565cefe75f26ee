import { hasWildcard, tokenCount } from "../subject/subject.ts";

const DOT_CODE = 0x2e;
const FULL_WILDCARD = ">";
const PARTIAL_WILDCARD = "*";

/** What a part of a pattern takes: the tokens of `text`, any one token, or all that follow. */
export interface PatternPart {
  readonly kind: "literal" | "one" | "rest";
  /** Of a literal: its tokens with the dots between them. */
  readonly text: string;
  /** Of a literal, unless it comes first: the same with the dot before it. */
  readonly dotted: string;
  /** How many tokens it takes; of `rest` the fewest. */
  readonly tokens: number;
}

/** A valid subject that may have wildcards, taken apart once to be matched often. */
export class SubjectPattern {
  readonly text: string;
  readonly isLiteral: boolean;
  /** Literal tokens that follow each other are one part. */
  readonly parts: readonly PatternPart[];

  constructor(text: string) {
    this.text = text;
    this.isLiteral = !hasWildcard(text);
    this.parts = this.isLiteral ? [literal(text, true)] : partsOf(text.split("."));
  }

  /** Whether it takes the literal subject `buf[start, end)`. */
  takes(buf: Buffer, start: number, end: number): boolean {
    const { parts } = this;
    let at = start;
    for (let i = 0; i < parts.length; i++) {
      const { kind, text } = parts[i];
      // Each part but the first stands behind a dot.
      if (i > 0) {
        if (at >= end || buf[at] !== DOT_CODE) return false;
        at++;
      }
      if (kind === "rest") return at < end;
      if (kind === "one") {
        const from = at;
        while (at < end && buf[at] !== DOT_CODE) at++;
        if (at === from) return false;
      } else {
        if (end - at < text.length) return false;
        for (let j = 0; j < text.length; j++) if (buf[at + j] !== text.charCodeAt(j)) return false;
        at += text.length;
      }
    }
    return at === end;
  }
}

/** Whether a pattern takes a literal subject given as a wire string; see `SubjectPattern.takes`. */
export function patternTakes(pattern: SubjectPattern, subject: string): boolean {
  if (pattern.isLiteral) return pattern.text === subject;
  return pattern.takes(Buffer.from(subject, "latin1"), 0, subject.length);
}

function literal(text: string, isFirst: boolean): PatternPart {
  return { kind: "literal", text, dotted: isFirst ? text : `.${text}`, tokens: tokenCount(text) };
}

function partsOf(tokens: readonly string[]): PatternPart[] {
  const parts: PatternPart[] = [];
  for (let i = 0; i < tokens.length;) {
    let end = i;
    while (end < tokens.length && tokens[end] !== PARTIAL_WILDCARD && tokens[end] !== FULL_WILDCARD) end++;
    if (end > i) parts.push(literal(tokens.slice(i, end).join("."), i === 0));
    if (end < tokens.length) {
      parts.push({ kind: tokens[end] === FULL_WILDCARD ? "rest" : "one", text: "", dotted: "", tokens: 1 });
    }
    i = end + 1;
  }
  return parts;
}
