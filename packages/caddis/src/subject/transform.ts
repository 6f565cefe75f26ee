import { fromWireString, hasWildcard, isValidSubject, tokenStart } from "./subject.ts";
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
  /** The destination's tokens but for `>`. */
  readonly #parts: readonly Part[];
  /** Number of the subject's token that `>` begins with, or -1 when source and destination have none. */
  readonly #tailToken: number;

  private constructor(parts: readonly Part[], tailToken: number) {
    this.#parts = parts;
    this.#tailToken = tailToken;
  }

  /** Compiles a transform. */
  static compile(source: string, destination: string): SubjectTransform | TransformError {
    const sourceTokens = source.split(".");
    const destinationTokens = destination.split(".");
    const endsOpen = sourceTokens.at(-1) === FULL_WILDCARD;
    if (
      !isValidSubject(source) ||
      !isValidSubject(destination) ||
      destinationTokens.includes(PARTIAL_WILDCARD) ||
      endsOpen !== (destinationTokens.at(-1) === FULL_WILDCARD)
    ) {
      return new TransformError("invalid subject");
    }
    if (endsOpen) destinationTokens.pop();

    const wildcards = hasWildcard(source) ? wildcardPositions(sourceTokens) : null;
    const parts: Part[] = [];
    for (const token of destinationTokens) {
      const parsed = parseTransformToken(token);
      if (typeof parsed === "string") return new TransformError(parsed, token);
      const part = bind(token, parsed, wildcards);
      if (part instanceof TransformError) return part;
      parts.push(part);
    }
    return new SubjectTransform(parts, endsOpen ? sourceTokens.length - 1 : -1);
  }

  /** The transform of `subject`, which the source covers; see `SourcePattern`. */
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

/** Where the `*` tokens of a source are. */
function wildcardPositions(sourceTokens: readonly string[]): number[] {
  const positions: number[] = [];
  for (const [position, token] of sourceTokens.entries()) {
    if (token === PARTIAL_WILDCARD) positions.push(position);
  }
  return positions;
}

/**
 * Ties a function to the tokens of the source it takes. A source without wildcards, for which `wildcards`
 * is null, has nothing to offer but the whole subject.
 */
function bind(
  token: string,
  parsed: TransformToken,
  wildcards: readonly number[] | null,
): Part | TransformError {
  const { kind, text, count } = parsed;
  if (kind === "text") return { kind, text, tokens: [], count };
  if (wildcards === null) {
    if (kind === "partition" || kind === "random") return { kind, text, tokens: [], count };
    return new TransformError("invalid mapping destination: wildcard index out of range", token);
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
