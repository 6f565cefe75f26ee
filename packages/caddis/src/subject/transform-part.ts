import { assert } from "../base/assert.ts";
import { utf8Characters } from "../base/utf8.ts";
import { tokenEnd, tokenStart } from "./subject.ts";
import type { TransformFunction } from "./transform-token.ts";

/** What a transform needs of chance. */
export interface TransformRandom {
  /** An integer in [0, below). */
  below(below: number): number;
}

/** One token of the destination, ready to run. One shape for all functions. */
export interface Part {
  readonly kind: TransformFunction;
  /** The text, or split's delimiter. */
  readonly text: string;
  /** Tokens of the subject that the function takes, counted from 0. Partition takes all when it is empty. */
  readonly tokens: readonly number[];
  readonly count: number;
}

/** Runs one part. Positions and sizes out of a token's range leave it whole. */
export function applyPart(part: Part, subject: string, random: TransformRandom): string {
  if (part.kind === "text") return part.text;
  if (part.kind === "partition") return partition(part, subject);
  // Go's remainder has the sign of the dividend, so a negative bound works like a positive one.
  if (part.kind === "random") return part.count === 0 ? "0" : String(random.below(Math.abs(part.count)));

  const token = tokenAt(subject, part.tokens[0]);
  if (part.kind === "wildcard") return token;
  if (part.kind === "split") return split(token, part.text);
  const size = part.count;
  if (size <= 0 || size >= token.length) return token;
  switch (part.kind) {
    case "splitFromLeft":
      return `${token.slice(0, size)}.${token.slice(size)}`;
    case "splitFromRight":
      return `${token.slice(0, -size)}.${token.slice(-size)}`;
    case "sliceFromLeft":
      return slices(token, size, 0);
    case "sliceFromRight":
      return slices(token, size, token.length % size);
    case "left":
      return token.slice(0, size);
    default:
      part.kind satisfies "right";
      return token.slice(-size);
  }
}

function tokenAt(subject: string, index: number): string {
  const start = tokenStart(subject, index);
  assert(start >= 0, "a subject that a transform's source covers has all its tokens");
  return subject.slice(start, tokenEnd(subject, start));
}

/** Pieces of `size` bytes after a first one of `headLength` bytes, which may be none. */
function slices(token: string, size: number, headLength: number): string {
  const pieces = headLength > 0 ? [token.slice(0, headLength)] : [];
  for (let i = headLength; i < token.length; i += size) pieces.push(token.slice(i, i + size));
  return pieces.join(".");
}

/**
 * The pieces between delimiters, empty ones left out; without a delimiter the characters. Like the reference
 * (probed) it leaves an empty token, hence an invalid subject, for a token that begins with two delimiters.
 */
function split(token: string, delimiter: string): string {
  const pieces = delimiter === "" ? utf8Characters(token) : token.split(delimiter);
  const result = pieces.filter((piece) => piece !== "").join(".");
  return result !== "" && pieces[0] === "" && pieces[1] === "" ? `.${result}` : result;
}

/** FNV-1a of 32 bits: its offset and its prime. */
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** The hash of the part's tokens, one after the other without dots, or of the whole subject; modulo count. */
function partition(part: Part, subject: string): string {
  if (part.count === 0) return "0";
  let hash = FNV_OFFSET;
  if (part.tokens.length === 0) hash = fnv1a(hash, subject, 0, subject.length);
  for (const index of part.tokens) {
    const start = tokenStart(subject, index);
    assert(start >= 0, "a subject that a transform's source covers has all its tokens");
    hash = fnv1a(hash, subject, start, tokenEnd(subject, start));
  }
  return String((hash >>> 0) % (part.count >>> 0));
}

function fnv1a(hash: number, subject: string, start: number, end: number): number {
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ subject.charCodeAt(i), FNV_PRIME);
  return hash;
}
