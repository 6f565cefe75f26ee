import { SourcePattern } from "./source-pattern.ts";
import { fromWireString, hasWildcard, isValidLiteralSubject, isValidSubject, tokenStart } from "./subject.ts";
import { applyPart, type Part, type TransformRandom } from "./transform-part.ts";
import { isFunctionToken, namesFunction, parseTransformToken } from "./transform-token.ts";
import type { TransformReason, TransformToken } from "./transform-token.ts";

/** Why a source and a destination make no transform. */
export class TransformError {
  readonly reason: TransformReason;
  /** What is at fault, a wire string; empty when it is the whole. */
  readonly culprit: string;

  constructor(reason: TransformReason, culprit = "") {
    this.reason = reason;
    this.culprit = culprit;
  }

  /** The reference's text for this error. */
  get message(): string {
    return this.culprit === "" ? this.reason : `${this.reason} in ${fromWireString(this.culprit)}`;
  }
}

const PARTIAL_WILDCARD = "*";
const FULL_WILDCARD = ">";

/**
 * A rule that turns the subjects which match a source into others: `orders.*` into `orders.eu.$1`. The
 * tokens of a destination are described in `transform-token.ts`. Immutable; subjects are wire strings.
 */
export class SubjectTransform {
  readonly source: string;
  readonly destination: string;
  readonly #pattern: SourcePattern;
  readonly #sourceTokens: readonly string[];
  /** The destination's tokens but for `>`. */
  readonly #parts: readonly Part[];
  /** Number of the subject's token that `>` begins with, or -1 when source and destination have none. */
  readonly #tailToken: number;

  private constructor(source: string, destination: string, parts: readonly Part[]) {
    this.source = source;
    this.destination = destination;
    this.#pattern = new SourcePattern(source);
    this.#sourceTokens = source.split(".");
    this.#parts = parts;
    this.#tailToken = this.#sourceTokens.at(-1) === FULL_WILDCARD ? this.#sourceTokens.length - 1 : -1;
  }

  /** Compiles a transform. An empty source stands for `>`. */
  static compile(source: string, destination: string): SubjectTransform | TransformError {
    return SubjectTransform.#compile(source === "" ? FULL_WILDCARD : source, destination, false);
  }

  /**
   * Compiles the transform of an import, which has no function but wildcard and names as many wildcards as
   * its source has, so that it can be turned round.
   */
  static compileForImport(source: string, destination: string): SubjectTransform | TransformError {
    return SubjectTransform.#compile(source === "" ? FULL_WILDCARD : source, destination, true);
  }

  static #compile(
    source: string,
    destination: string,
    forImport: boolean,
  ): SubjectTransform | TransformError {
    const destinationTokens = destination.split(".");
    const endsOpen = source.split(".").at(-1) === FULL_WILDCARD;
    if (
      !isValidSubject(source) ||
      !isValidSubject(destination) ||
      destinationTokens.includes(PARTIAL_WILDCARD) ||
      endsOpen !== (destinationTokens.at(-1) === FULL_WILDCARD)
    ) {
      return new TransformError("invalid subject");
    }
    if (endsOpen) destinationTokens.pop();

    const wildcards = wildcardPositions(source);
    const allowed = !hasWildcard(source) ? "whole subject" : forImport ? "wildcard" : "all";
    const parts: Part[] = [];
    for (const token of destinationTokens) {
      const parsed = parseTransformToken(token);
      if (typeof parsed === "string") return new TransformError(parsed, token);
      const part = bind(token, parsed, wildcards, allowed);
      if (part instanceof TransformError) return part;
      parts.push(part);
    }
    const namedCount = parts.reduce((count, part) => count + part.tokens.length, 0);
    if (forImport && namedCount < wildcards.length) {
      const reason = "invalid mapping destination: not using all of the token wildcard(s)";
      return new TransformError(reason, destination);
    }
    return new SubjectTransform(source, destination, parts);
  }

  /** The transform of a literal `subject`, or null when it is not literal or the source does not match it. */
  match(subject: string, random: TransformRandom): string | null {
    if (this.source === FULL_WILDCARD && this.destination === FULL_WILDCARD) return subject;
    return isValidLiteralSubject(subject) && this.covers(subject) ? this.transform(subject, random) : null;
  }

  /** Whether the source matches all that `subject` matches; see `SourcePattern`. */
  covers(subject: string): boolean {
    return this.#pattern.covers(subject);
  }

  /** The transform of `subject`, which the source covers. */
  transform(subject: string, random: TransformRandom): string {
    const parts = this.#parts;
    let result = "";
    for (let i = 0; i < parts.length; i++) {
      if (i > 0) result += ".";
      result += applyPart(parts[i], subject, random);
    }
    if (this.#tailToken < 0) return result;
    const tail = subject.slice(tokenStart(subject, this.#tailToken));
    return parts.length === 0 ? tail : `${result}.${tail}`;
  }

  /**
   * The transform that leads back, or null when this one loses something: when it computes with wildcards
   * or leaves one out.
   */
  inverse(): SubjectTransform | null {
    const source: string[] = [];
    /** From a token of our source to the last token of our destination that repeats it, and its number as a wildcard. */
    const repeats = new Map<number, { position: number; wildcard: number }>();
    let wildcard = 0;
    for (const [position, part] of this.#parts.entries()) {
      if (part.kind !== "text" && part.kind !== "wildcard") return null;
      source.push(part.kind === "text" ? part.text : PARTIAL_WILDCARD);
      if (part.kind === "text") continue;
      wildcard++;
      repeats.set(part.tokens[0], { position, wildcard });
    }
    const destination: string[] = [];
    const parts: Part[] = [];
    for (const [position, token] of this.#sourceTokens.entries()) {
      if (token === FULL_WILDCARD) break;
      const repeat = token === PARTIAL_WILDCARD ? repeats.get(position) : null;
      if (repeat === undefined) return null;
      destination.push(repeat === null ? token : `$${repeat.wildcard}`);
      // Made of parts rather than text, since a token of our source may itself look like `$1`.
      if (repeat === null) parts.push({ kind: "text", text: token, tokens: [], count: 0 });
      else parts.push({ kind: "wildcard", text: "", tokens: [repeat.position], count: 0 });
    }
    if (this.#tailToken >= 0) {
      source.push(FULL_WILDCARD);
      destination.push(FULL_WILDCARD);
    }
    return new SubjectTransform(source.join("."), destination.join("."), parts);
  }
}

/**
 * Checks what a mapping's destination must be before it is compiled: tokens without white space, functions
 * that exist. Null when it is.
 */
export function checkDestination(destination: string): TransformError | null {
  let ended = false;
  for (const token of destination.split(".")) {
    if (token === "" || ended) {
      return new TransformError("invalid mapping destination: invalid transform", token);
    }
    if (isFunctionToken(token)) {
      if (namesFunction(token)) continue;
      return new TransformError("invalid mapping destination: unknown function", token);
    }
    if (/[\t\n\f\r ]/.test(token))
      return new TransformError("invalid mapping destination: invalid transform");
    ended = token === FULL_WILDCARD;
  }
  return null;
}

/** Where the `*` tokens of `source` are. */
function wildcardPositions(source: string): number[] {
  const positions: number[] = [];
  for (const [position, token] of source.split(".").entries()) {
    if (token === PARTIAL_WILDCARD) positions.push(position);
  }
  return positions;
}

/**
 * Ties a function to the tokens of the source it takes. A source without wildcards has nothing to offer
 * but the whole subject; an import may only repeat wildcards.
 */
function bind(
  token: string,
  parsed: TransformToken,
  wildcards: readonly number[],
  allowed: "whole subject" | "wildcard" | "all",
): Part | TransformError {
  const { kind, text, count } = parsed;
  if (kind === "text") return { kind, text, tokens: [], count };
  if (allowed === "whole subject") {
    if (kind === "partition" || kind === "random") return { kind, text, tokens: [], count };
    return new TransformError("invalid mapping destination: wildcard index out of range", token);
  }
  if (allowed === "wildcard" && kind !== "wildcard") {
    const reason =
      "invalid mapping destination: the only mapping function allowed for import transforms is {{Wildcard()}}";
    return new TransformError(reason, token);
  }
  const tokens: number[] = [];
  for (const wildcard of parsed.wildcards) {
    if (wildcard > wildcards.length) {
      const reason = "invalid mapping destination: wildcard index out of range";
      return new TransformError(reason, `${token}: [${wildcard}]`);
    }
    // Zero and less mean the subject's first token, wildcard or not (probed).
    tokens.push(wildcard < 1n ? 0 : wildcards[Number(wildcard) - 1]);
  }
  return { kind, text, tokens, count };
}
